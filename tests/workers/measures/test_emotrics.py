"""The measures of a drawn face beside Emotrics'; of real ones: tests/upstream/test_emotrics.py."""

import numpy as np

from tests.workers.measures.faces import phantoms
from weights.demo.face_shape import Activations, SideActivations
from weights.demo.pose import FacePose
from workers.measures.face_measures import measure_faces
from workers.measures.irises import ring_centres
from workers.measures.layout import IBUG68_LAYOUT

EMOTRICS_OF_A_DRAWN_FACE = {
    "commissure_excursion": (24.98, 32.65),
    "smile_angle": (117.92, 124.12),
    "marginal_reflex_distance_1": (4.89, 2.64),
    "marginal_reflex_distance_2": (4.49, 3.74),
    "brow_height": (24.78, 28.04),
    "palpebral_fissure_height": (9.38, 6.38),
    "dental_show": (0.00, 7.94),
    "commissure_height_deviation": -6.62,
    "upper_lip_height_deviation": -3.21,
    "lower_lip_height_deviation": 3.92,
}
"""Left and right, mm and degrees, of the face below: Emotrics' way with the smoothing splines that
it uses (SciPy's, s = 1 px²; the fissure's upper lid 4)."""

IBUG_OF_WFLW = [
    *range(0, 33, 2),
    *(33, 34, 35, 36, 37, 42, 43, 44, 45, 46),
    *range(51, 60),
    *(60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75),
    *range(76, 96),
]
"""Their common points."""


def test_a_drawn_face_measures_as_emotrics_measures_it():
    """It smiles with its right side, half shuts its right eye and raises its right brow."""
    right = SideActivations(au12=0.6, au25=0.7, au45=0.4, au01=0.5, au02=0.5)
    faces = phantoms(FacePose(1400.0, 1300.0, 1000.0), [Activations(right=right)])
    centres = ring_centres(faces.rings)
    found = measure_faces(faces.points[:, IBUG_OF_WFLW], centres, IBUG68_LAYOUT)
    for name, expected in EMOTRICS_OF_A_DRAWN_FACE.items():
        told = (found.of_sides | found.of_face)[name][0]
        if name == "smile_angle":
            np.testing.assert_allclose(told, expected, atol=0.2)
        else:
            np.testing.assert_allclose(told * faces.mm, expected, atol=0.25, err_msg=name)
