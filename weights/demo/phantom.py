"""The phantom: a drawn face whose every measurement is known.

Radiology checks its machines with objects of known size; this is one for Face Mirror. All
functions are pure: the same pose, activations and appearance give the same picture. Sides are the
patient's: the patient's right half is on the image's left.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from weights.demo.appearance import Appearance, Image, add_noise, lit, room
from weights.demo.canvas import BOTTOM, LEFT, RIGHT, TOP, Canvas
from weights.demo.drawing import draw_face
from weights.demo.face_shape import Activations, Floats, SideActivations
from weights.demo.pose import FacePose, Truth, truth

__all__ = [
    "Activations",
    "Appearance",
    "FacePose",
    "SideActivations",
    "Truth",
    "render",
    "truth",
]

MAP_STEP = 4
FINEST_SHEET = 320
"""A sheet has at least this many px a face height, so that small faces get smooth edges."""


def render(
    pose: FacePose, activations: Activations, appearance: Appearance, width: int, height: int
) -> Image:
    """The picture (height, width, 3), BGR uint8, of a face in front of a room."""
    picture = room(appearance, width, height)
    _put_body(picture, pose, appearance)
    _put_face(picture, pose, activations, appearance)
    return add_noise(picture, appearance)


def _put_body(picture: Image, pose: FacePose, appearance: Appearance) -> None:
    """Neck and shoulders, upright whatever the roll."""
    skin = np.array(appearance.skin) * 0.7 * appearance.light[2]
    clothes = np.array(appearance.clothes) * appearance.light[2]
    upright = FacePose(pose.x, pose.y, pose.height)
    neck = [[-0.2, 0.1], [0.2, 0.1], [0.22, 0.8], [-0.22, 0.8]]
    trunk = [[-0.9, 3.0], [-0.85, 0.85], [-0.6, 0.68], [-0.2, 0.58]]
    mirrored = [[-x, y] for x, y in reversed(trunk)]
    for shape, colour in ((neck, skin), (trunk + mirrored, clothes)):
        outline = np.rint(upright.place(np.array(shape)) * 16).astype(np.int32)
        cv2.fillPoly(picture, [outline], colour.clip(0, 255).tolist(), cv2.LINE_AA, 4)


def _put_face(
    picture: Image, pose: FacePose, activations: Activations, appearance: Appearance
) -> None:
    """Draw the face on an upright sheet and lay that into the picture."""
    sheet, coverage, to_sheet = _sheet(pose.height, activations, appearance)
    left, top, right, bottom = _reach(pose, picture)
    if right <= left or bottom <= top:
        return
    part = picture[top:bottom, left:right]
    size = (right - left, bottom - top)
    if pose.frontal:
        matrix = _compose(to_sheet, _inverse(pose.to_frame()), np.array([left, top]))
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        face = cv2.warpAffine(sheet, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        covered = cv2.warpAffine(coverage, matrix, size, flags=flags)
    else:
        x, y = _turned_map(pose, to_sheet, (left, top), size)
        face = cv2.remap(sheet, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        covered = cv2.remap(coverage, x, y, cv2.INTER_LINEAR)
    share = covered.astype(np.float32) / 255
    face = lit(
        np.asarray(face, np.uint8), appearance, (left, top), picture.shape[1], picture.shape[0]
    )
    mixed = cv2.blendLinear(face, part, share, 1 - share)
    part[:] = cv2.GaussianBlur(mixed, (0, 0), appearance.blur)


def _turned_map(
    pose: FacePose, to_sheet: Floats, corner: tuple[int, int], size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where on the sheet, x and y, each px of a part of the picture of this size looks.

    Worked out at every MAP_STEP-th px and interpolated in between.
    """
    counts = [-(-length // MAP_STEP) for length in size]
    steps = [
        (np.arange(n) + 0.5) * length / n - 0.5 for n, length in zip(counts, size, strict=True)
    ]
    pixels = np.stack(np.meshgrid(*steps), axis=-1) + corner
    places = pose.unplace(pixels) @ to_sheet[:, :2].T + to_sheet[:, 2]
    x, y = cv2.split(cv2.resize(places.astype(np.float32), size, interpolation=cv2.INTER_LINEAR))
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def _sheet(
    height: float, activations: Activations, appearance: Appearance
) -> tuple[Image, NDArray[np.uint8], Floats]:
    """The upright face of a height, px: colours, coverage, and the map from its frame to px."""
    canvas = Canvas(max(height, FINEST_SHEET), appearance.skin)
    draw_face(canvas, activations, appearance)
    sheet, coverage, to_sheet = canvas.picture, canvas.coverage, canvas.to_sheet()
    if canvas.scale == height:
        return sheet, coverage, to_sheet
    size = (
        round(canvas.size[0] * height / canvas.scale),
        round(canvas.size[1] * height / canvas.scale),
    )
    smaller = cv2.resize(sheet, size, interpolation=cv2.INTER_AREA)
    covered = cv2.resize(coverage, size, interpolation=cv2.INTER_AREA)
    to_sheet = _shrunk(to_sheet, size[0] / canvas.size[0], size[1] / canvas.size[1])
    return np.asarray(smaller, np.uint8), np.asarray(covered, np.uint8), to_sheet


def _shrunk(matrix: Floats, factor_x: float, factor_y: float) -> Floats:
    """A map to px followed by shrinking the picture (px centres at integers)."""
    factor = np.array([factor_x, factor_y])
    moved: Floats = matrix * factor[:, None]
    moved[:, 2] += 0.5 * factor - 0.5
    return moved


def _inverse(matrix: Floats) -> Floats:
    return np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)


def _compose(outer: Floats, inner: Floats, corner: Floats) -> Floats:
    """Px of the part that begins at `corner`, through `inner`, through `outer`, as (2, 3)."""
    linear: Floats = outer[:, :2] @ inner[:, :2]
    shift = outer[:, :2] @ (inner[:, 2] + inner[:, :2] @ corner) + outer[:, 2]
    return np.column_stack([linear, shift])


def _reach(pose: FacePose, picture: Image) -> tuple[int, int, int, int]:
    """The part of the picture that the sheet covers: left, top, right, bottom, px."""
    corners = pose.place(np.array([[LEFT, TOP], [RIGHT, TOP], [LEFT, BOTTOM], [RIGHT, BOTTOM]]))
    size = np.array(picture.shape[1::-1])
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, size).astype(int).tolist()
    right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, size).astype(int).tolist()
    return left, top, right, bottom
