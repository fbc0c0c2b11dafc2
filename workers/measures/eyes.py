"""Eyelids and brow of one side, in the face's axes with x outwards; lengths in px."""

from workers.arrays import Floats
from workers.measures.curves import graph_through
from workers.measures.layout import SideLayout

Lengths = dict[str, Floats]


def eye_measures(own: Floats, iris: Floats, layout: SideLayout) -> Lengths:
    """The measures of an eye and its brow, (n,) each.

    own: (n, P, 2) landmarks; iris: (n, 2) its centre. A reflex distance is negative where the lid
    has passed the iris centre. NaN where a curve does not reach.
    """
    upper = graph_through(own[:, layout.upper_lid])
    lower = graph_through(own[:, layout.lower_lid])
    brow = graph_through(own[:, layout.brow])
    x, y = iris[:, 0], iris[:, 1]
    halfway = own[:, layout.eye.corners, 0].mean(axis=1)
    return {
        "marginal_reflex_distance_1": upper.at_x(x) - y,
        "marginal_reflex_distance_2": y - lower.at_x(x),
        "palpebral_fissure_height": upper.at_x(halfway) - lower.at_x(halfway),
        "brow_height": brow.at_x(x) - y,
    }
