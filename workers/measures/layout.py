"""Which landmarks the clinical measures are taken from, in the two layouts.

A side's chains of points begin at that side, so that both sides are measured by the same code: brow
and lids from the outer end, lips from the side's own corner of the mouth to the other one.
"""

from dataclasses import dataclass

from workers.face.mirroring import Side
from workers.face.scheme import IBUG68, WFLW98, Eye, LandmarkName

Chain = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SideLayout:
    """The points of one side. eye: its corners and lid pairs; upper_lid, lower_lid: from the outer
    to the inner corner; upper_lip, lower_lip: outer edges; inner_upper, inner_lower: edges of the
    opening; pupil: None where the layout has none."""

    eye: Eye
    brow: Chain
    upper_lid: Chain
    lower_lid: Chain
    upper_lip: Chain
    lower_lip: Chain
    inner_upper: Chain
    inner_lower: Chain
    alar_base: int
    pupil: int | None

    @property
    def commissure(self) -> int:
        """The corner of the mouth."""
        return self.upper_lip[0]


@dataclass(frozen=True, slots=True)
class FaceLayout:
    """inner_canthi: right, left; rigid: nose bridge from above and corners of the eyes, which no
    expression moves; philtrum: its lower end."""

    sides: dict[Side, SideLayout]
    inner_canthi: tuple[int, int]
    rigid: Chain
    philtrum: int
    chin: int


BRIDGE_AND_CANTHI = (0, 1, 2, 3, 9, 10, 11, 12)
"""Where these are in `LandmarkScheme.rigid`. The nose's base is left out: snarling moves it."""


def _run(first: int, last: int) -> Chain:
    """first to last, both among them, up or down."""
    step = 1 if last >= first else -1
    return tuple(range(first, last + step, step))


IBUG68_LAYOUT = FaceLayout(
    sides={
        "left": SideLayout(
            eye=IBUG68.left_eye,
            brow=_run(26, 22),
            upper_lid=_run(45, 42),
            lower_lid=(45, 46, 47, 42),
            upper_lip=_run(54, 48),
            lower_lip=(*_run(54, 59), 48),
            inner_upper=_run(64, 60),
            inner_lower=(*_run(64, 67), 60),
            alar_base=35,
            pupil=None,
        ),
        "right": SideLayout(
            eye=IBUG68.right_eye,
            brow=_run(17, 21),
            upper_lid=_run(36, 39),
            lower_lid=(36, 41, 40, 39),
            upper_lip=_run(48, 54),
            lower_lip=(48, *_run(59, 54)),
            inner_upper=_run(60, 64),
            inner_lower=(60, *_run(67, 64)),
            alar_base=31,
            pupil=None,
        ),
    },
    inner_canthi=(39, 42),
    rigid=tuple(IBUG68.rigid[place] for place in BRIDGE_AND_CANTHI),
    philtrum=51,
    chin=IBUG68.chin,
)

WFLW98_LAYOUT = FaceLayout(
    sides={
        "left": SideLayout(
            eye=WFLW98.left_eye,
            brow=_run(46, 42),
            upper_lid=_run(72, 68),
            lower_lid=(*_run(72, 75), 68),
            upper_lip=_run(82, 76),
            lower_lip=(*_run(82, 87), 76),
            inner_upper=_run(92, 88),
            inner_lower=(*_run(92, 95), 88),
            alar_base=59,
            pupil=97,
        ),
        "right": SideLayout(
            eye=WFLW98.right_eye,
            brow=_run(33, 37),
            upper_lid=_run(60, 64),
            lower_lid=(60, *_run(67, 64)),
            upper_lip=_run(76, 82),
            lower_lip=(76, *_run(87, 82)),
            inner_upper=_run(88, 92),
            inner_lower=(88, *_run(95, 92)),
            alar_base=55,
            pupil=96,
        ),
    },
    inner_canthi=(64, 68),
    rigid=tuple(WFLW98.rigid[place] for place in BRIDGE_AND_CANTHI),
    philtrum=79,
    chin=WFLW98.chin,
)
"""WFLW's counterparts of iBUG's points. Its brows' upper edge is what iBUG has of a brow."""

LAYOUTS: dict[LandmarkName, FaceLayout] = {
    "star98": WFLW98_LAYOUT,
    "pfld68": IBUG68_LAYOUT,
    "clnf68": IBUG68_LAYOUT,
}
