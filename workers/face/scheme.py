"""Which landmark is what, in the two landmark layouts that the pipeline knows.

Sources: WFLW's 98 points (Wu et al. 2018, Look at Boundary) and iBUG 300-W's 68 points. Right and
left are the patient's: in an unflipped image the patient's right eye is on the image's left.
"""

from dataclasses import dataclass
from typing import Literal

LandmarkName = Literal["star98", "pfld68", "clnf68"]


@dataclass(frozen=True, slots=True)
class Eye:
    """Indices of one eye: its two corners, and (upper lid, lower lid) pairs between them."""

    corners: tuple[int, int]
    lids: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class LandmarkScheme:
    """The layout of a landmark model's points.

    rigid: the points that expressions hardly move, in the order of `head_pose.HEAD`: nose bridge
    from above, nose base from the right, outer and inner corner of the right eye, inner and outer
    one of the left, right and left end of the contour. pairs: (right, left) points that mirror
    each other; those in none lie on the midline. Empty where no AU method asks for it.
    """

    count: int
    medial_brows: tuple[int, int]
    chin: int
    right_eye: Eye
    left_eye: Eye
    contour: range
    mouth: range
    rigid: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...] = ()


WFLW98 = LandmarkScheme(
    count=98,
    medial_brows=(38, 50),
    chin=16,
    right_eye=Eye(corners=(60, 64), lids=((61, 67), (62, 66), (63, 65))),
    left_eye=Eye(corners=(68, 72), lids=((69, 75), (70, 74), (71, 73))),
    contour=range(33),
    mouth=range(76, 96),
    rigid=(51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 64, 68, 72, 0, 32),
)

IBUG68 = LandmarkScheme(
    count=68,
    medial_brows=(21, 22),
    chin=8,
    right_eye=Eye(corners=(36, 39), lids=((37, 41), (38, 40))),
    left_eye=Eye(corners=(42, 45), lids=((43, 47), (44, 46))),
    contour=range(17),
    mouth=range(48, 68),
    rigid=(27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45, 0, 16),
    pairs=(
        *((i, 16 - i) for i in range(8)),  # jaw
        *((17 + i, 26 - i) for i in range(5)),  # brows
        *((31, 35), (32, 34)),  # nostrils
        *((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)),  # eyes
        *((48, 54), (49, 53), (50, 52), (59, 55), (58, 56)),  # outer lips
        *((60, 64), (61, 63), (67, 65)),  # inner lips
    ),
)

SCHEMES: dict[LandmarkName, LandmarkScheme] = {
    "star98": WFLW98,
    "pfld68": IBUG68,
    "clnf68": IBUG68,
}
