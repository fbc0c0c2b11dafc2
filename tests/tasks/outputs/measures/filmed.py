"""Recordings of phantoms as rows, made from their true points."""

from dataclasses import replace

import numpy as np

from tasks.outputs.measures.filmed_faces import FilmedFaces
from tasks.outputs.measures.recording import RecordingMeasures, measured_recording
from weights.demo.exercises import Recording, Script, activations_at, exercises, pose_at
from weights.demo.face_shape import Activations
from weights.demo.pose import FacePose, truth
from weights.demo.true_measures import TrueMeasures, iris_rings, true_measures
from workers.measures.layout import IBUG68_LAYOUT, WFLW98_LAYOUT

RATE = 20
EXERCISES = exercises(0.5)
STILL = Recording(rate=RATE, sway=0.0)
SWAYING = Recording(rate=RATE)


def filmed(poses: list[FacePose], done: list[Activations], noise: float = 0.0) -> FilmedFaces:
    """A frame for each; noise: of the points, px."""
    count = len(done)
    seen = list(zip(poses, done, strict=True))
    random = np.random.default_rng(8)
    points = np.stack([truth(pose, one).points for pose, one in seen])
    return FilmedFaces(
        times=np.arange(count) / RATE,
        success=np.ones(count, np.bool_),
        decoded=np.ones(count, np.bool_),
        yaws=np.array([pose.yaw for pose in poses]),
        pitches=np.array([pose.pitch for pose in poses]),
        points=(points + random.normal(0.0, noise, points.shape)).astype(np.float32),
        rings=np.stack([iris_rings(*one) for one in seen]).astype(np.float32),
        width=1280,
        height=720,
    )


def exercised(
    recording: Recording = STILL, script: Script = EXERCISES, noise: float = 0.0
) -> FilmedFaces:
    """A whole recording of the exercises."""
    times = [index / RATE for index in range(recording.count)]
    poses = [pose_at(time, recording) for time in times]
    return filmed(poses, [activations_at(time, script) for time in times], noise)


def true_through(recording: Recording, script: Script = EXERCISES) -> list[TrueMeasures]:
    """The truth of each of its frames."""
    return [true_measures(activations_at(i / RATE, script)) for i in range(recording.count)]


def still(count: int, done: Activations = Activations(), **pose: float) -> FilmedFaces:  # noqa: B008
    """A face that holds still."""
    return filmed([FacePose(640.0, 360.0, 360.0, **pose)] * count, [done] * count)


def without_irises(faces: FilmedFaces) -> FilmedFaces:
    return replace(faces, rings=np.full_like(faces.rings, np.nan))


def without_faces(faces: FilmedFaces, frames: slice) -> FilmedFaces:
    """As rows are where nothing was found."""
    success, yaws, pitches = (a.copy() for a in (faces.success, faces.yaws, faces.pitches))
    points, rings = faces.points.copy(), faces.rings.copy()
    success[frames] = False
    yaws[frames] = pitches[frames] = points[frames] = rings[frames] = np.nan
    return replace(faces, success=success, yaws=yaws, pitches=pitches, points=points, rings=rings)


def measured(faces: FilmedFaces, asked: tuple[float, float] | None = None) -> RecordingMeasures:
    layout = WFLW98_LAYOUT if faces.points.shape[1] == 98 else IBUG68_LAYOUT
    return measured_recording(faces, layout, asked)
