"""What the demo networks learn from: rendered phantoms, cut as the pipeline cuts its pictures.

The rules are those of the models' input contracts (see weights.manifest), written down again here
because nothing under weights/ imports the workers; a test holds both against each other. Each
function draws everything random from the generator it is given. Look seeds begin at FIRST_SEED:
lower ones are never seen in training.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from weights.demo.appearance import Appearance, Image, room
from weights.demo.face_shape import AUS, Activations, Floats, SideActivations
from weights.demo.phantom import render
from weights.demo.pose import FacePose, Truth, truth

Generator = np.random.Generator
Tensor = NDArray[np.float32]

FIRST_SEED = 1_000_000
LARGEST_ROLL = 28.0
LARGEST_YAW, LARGEST_PITCH = 24.0, 18.0
FRONTAL_SHARE = 0.3
HEAD_AUS = ("au01", "au02", "au04", "au06", "au09", "au12", "au25", "au26")

DETECTOR_MEAN = np.array([104.0, 117.0, 123.0], np.float32)
LANDMARK_SIZE, LANDMARK_MARGIN = 256, 1.05
AU_SIZE = 224
AU_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
AU_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
BLEND = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A rendered picture, what is in it, and another moment's truth: where tracking began."""

    picture: Image
    pose: FacePose
    activations: Activations
    truth: Truth
    before: Truth


def random_look(draw: Generator) -> Appearance:
    """A phantom that no test looks at."""
    return Appearance.from_seed(FIRST_SEED + int(draw.integers(1 << 40)))


def random_activations(draw: Generator) -> Activations:
    """Every AU of every side by itself: at rest, full, or anything in between."""
    return Activations(_random_side(draw), _random_side(draw))


def _random_side(draw: Generator) -> SideActivations:
    if draw.uniform() < 0.1:
        return SideActivations()
    kind, strength = draw.uniform(size=len(AUS)), draw.uniform(size=len(AUS))
    values = np.where(kind < 0.45, 0.0, np.where(kind < 0.6, 1.0, strength))
    return SideActivations(*(float(v) for v in values))


def random_turn(draw: Generator) -> tuple[float, float, float]:
    """Roll, yaw and pitch, degrees; a part of all heads look straight into the camera."""
    roll, yaw, pitch = (float(v) for v in draw.uniform(-1, 1, 3))
    if draw.uniform() < FRONTAL_SHARE:
        return roll * LARGEST_ROLL, 0.0, 0.0
    return roll * LARGEST_ROLL, yaw * LARGEST_YAW, pitch * LARGEST_PITCH


def scene(draw: Generator, smallest: float, largest: float, room_factor: float) -> Scene:
    """A face of some height (px) about the middle of a square `room_factor` times as wide.

    Large faces come less often: they take the longest to draw.
    """
    height = smallest * float((largest / smallest) ** (draw.uniform() ** 1.5))
    side = round(height * room_factor)
    x, y = side / 2 + draw.normal(0, 0.02, 2) * height
    pose = FacePose(float(x), float(y), height, *random_turn(draw))
    done, look = random_activations(draw), random_look(draw)
    picture = compressed(render(pose, done, look, side, side), draw)
    return Scene(picture, pose, done, truth(pose, done), truth(pose, random_activations(draw)))


def compressed(picture: Image, draw: Generator) -> Image:
    """Half of the pictures pass through lossy compression, as every frame of a video does."""
    if draw.uniform() < 0.5:
        return picture
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(draw.integers(45, 95))]
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], 1), np.uint8)


# Detector


def detector_sample(
    draw: Generator, side: int, small: float, large: float
) -> tuple[Tensor, Floats]:
    """A letter-boxed canvas (3, side, side) and the face's box (4,), px; NaN where there is none.

    The face's height lies between small and large, px of the canvas. A part of the pictures are
    shrunk to less than half the canvas, as a thorough search does; most of these show nobody.
    """
    width, height, nobody = side, side, 0.25
    if draw.uniform() < 0.6:
        short = int(side * draw.uniform(0.56, 1.0))
        width, height = (side, short) if draw.uniform() < 0.7 else (short, side)
    if draw.uniform() < 0.25:
        factor = float(draw.uniform(0.22, 0.5))
        width, height, nobody = round(width * factor), round(height * factor), 0.6
    look = random_look(draw)
    canvas = np.zeros((side, side, 3), np.float32)
    if draw.uniform() < nobody or 0.84 * height < small:
        picture, box = room(look, width, height), np.full(4, np.nan)
    else:
        tall = min(float(np.exp(draw.uniform(np.log(small), np.log(large)))), 0.84 * height)
        pose = FacePose(
            float(draw.uniform(min(0.45 * tall, width / 2), max(width - 0.45 * tall, width / 2))),
            float(draw.uniform(0.48 * tall, height - 0.48 * tall)),
            tall,
            *random_turn(draw),
        )
        done = random_activations(draw)
        picture, box = render(pose, done, look, width, height), pose.box()
    canvas[:height, :width] = compressed(picture, draw) - DETECTOR_MEAN
    return np.ascontiguousarray(canvas.transpose(2, 0, 1)), box


# Landmarks


def landmark_sample(draw: Generator) -> tuple[Tensor, Tensor, float]:
    """A crop (3, 256, 256), its points (98, 2) in [-1, 1], and 1 for a face, 0 for none.

    Crops come from a detector's box, or from a box that was moved along with the landmarks.
    """
    view = scene(draw, 85, 620, 1.3)
    box = view.truth.box
    if draw.uniform() < 0.5:
        box = carried(view.before.box, view.before.points, view.truth.points)
    size = view.pose.height
    centre = (box[:2] + box[2:]) / 2 + draw.normal(0, 0.025, 2) * size
    half = (box[2:] - box[:2]) / 2 * np.exp(draw.normal(0, 0.03))
    face = 1.0
    if draw.uniform() < 0.06:
        face = 0.0
        centre = centre + np.sign(draw.uniform(-1, 1, 2)) * draw.uniform(0.8, 1.2) * size
    to_crop = landmark_crop(np.concatenate([centre - half, centre + half]))
    shape = (LANDMARK_SIZE, LANDMARK_SIZE)
    crop = cv2.warpAffine(view.picture, to_crop, shape, flags=cv2.INTER_LINEAR)
    image = (crop.astype(np.float32) / 255 * 2 - 1).transpose(2, 0, 1)
    pixels = view.truth.points @ to_crop[:, :2].T + to_crop[:, 2]
    points = ((2 * pixels + 1) / LANDMARK_SIZE - 1).astype(np.float32)
    return np.ascontiguousarray(image, np.float32), points, face


def landmark_crop(box: Floats) -> Floats:
    """The (2, 3) map from px of the picture to px of STAR's crop for a face box (4,)."""
    x1, y1, x2, y2 = np.trunc(box)
    zoom = LANDMARK_SIZE / (min(x2 - x1, y2 - y1) * LANDMARK_MARGIN)
    middle = (LANDMARK_SIZE - 1) / 2
    return np.array(
        [
            [zoom, 0.0, middle - zoom * (x1 + x2) / 2],
            [0.0, zoom, middle - zoom * (y1 + y2) / 2],
        ]
    )


def carried(box: Floats, points: Floats, moved: Floats) -> Floats:
    """The box (4,) that lies around moved points as `box` lay around points (N, 2)."""
    low, high, low_now, high_now = points.min(0), points.max(0), moved.min(0), moved.max(0)
    stretch = (high_now - low_now) / (high - low)
    upper = low_now + (box[:2] - low) * stretch
    return np.concatenate([upper, high_now + (box[2:] - high) * stretch])


# Action units


def au_samples(draw: Generator) -> tuple[Tensor, Tensor]:
    """Both mirrored faces (2, 3, 224, 224), left first, of one scene and their AUs (2, 8).

    Points, midline and box are as far off as the other networks leave them.
    """
    view = scene(draw, 85, 620, 1.5)
    size = view.pose.height
    shift = draw.normal(0, 0.004, 2)
    points = view.truth.points + (shift + draw.normal(0, 0.006, (98, 2)) * draw.uniform()) * size
    ends = view.truth.midline + (shift + draw.normal(0, 0.005, (2, 2))) * size
    box = view.truth.box + (draw.normal(0, 0.02, 2)[[0, 1, 0, 1]] + draw.normal(0, 0.02, 4)) * size
    before = Truth(view.before.points, box, view.before.midline)
    faces = np.stack(
        [mirrored_face(view.picture, points, before, ends, sign) for sign in (1.0, -1.0)]
    )
    sides = (view.activations.left, view.activations.right)
    labels = [[getattr(side, au) for au in HEAD_AUS] for side in sides]
    return faces, np.array(labels, np.float32)


def mirrored_face(
    picture: Image, points: Floats, before: Truth, ends: Floats, sign: float
) -> Tensor:
    """The AU head's input (3, 224, 224) for one half; sign: 1 keeps the patient's left half.

    before: the moment when the face was detected, for the box's margins around the landmarks.
    """
    along = (ends[1] - ends[0]) / np.hypot(*(ends[1] - ends[0]))
    normal = np.array([along[1], -along[0]])
    kept = points[((points - ends[0]) @ normal) * sign >= 0]
    both = np.concatenate([kept, kept - 2 * ((kept - ends[0]) @ normal)[:, None] * normal])
    box = _symmetric_margins(before, both)
    low = np.clip(box[:2].astype(int), 0, np.array(picture.shape[1::-1]) - 1)
    high = np.minimum(np.maximum(box[2:].astype(int), low + 1), picture.shape[1::-1])
    mirrored = mirror(picture, ends[0], normal, sign)[low[1] : high[1], low[0] : high[0], ::-1]
    shrinks = min(mirrored.shape[:2]) >= AU_SIZE
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    face = cv2.resize(mirrored.astype(np.float32) / 255, (AU_SIZE, AU_SIZE), interpolation=way)
    return np.ascontiguousarray(((face - AU_MEAN) / AU_DEVIATION).transpose(2, 0, 1), np.float32)


def _symmetric_margins(before: Truth, points: Floats) -> Floats:
    """The box (4,) around a mirrored face's points: margins of `before`, both sides alike."""
    low, high = before.points.min(axis=0), before.points.max(axis=0)
    over, under = (low - before.box[:2]) / (high - low), (before.box[2:] - high) / (high - low)
    over[0] = under[0] = (over[0] + under[0]) / 2
    first, last = points.min(axis=0), points.max(axis=0)
    return np.concatenate([first - over * (last - first), last + under * (last - first)])


def mirror(picture: Image, point: Floats, normal: Floats, sign: float) -> Image:
    """One half reflected across the line through a point across a normal, both (2,)."""
    height, width = picture.shape[:2]
    linear = np.eye(2) - 2 * np.outer(normal, normal)
    matrix = np.column_stack([linear, 2 * float(point @ normal) * normal])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    other = cv2.warpAffine(picture, matrix, (width, height), flags=flags)
    x, y = np.arange(width) * normal[0], np.arange(height) * normal[1] - point @ normal
    share = np.clip((x[None, :] + y[:, None]) * sign / BLEND + 0.5, 0, 1).astype(np.float32)
    return np.asarray(cv2.blendLinear(picture, other, share, 1 - share), np.uint8)
