"""How long OpenFace 2's own landmark tracker takes for a frame on one core, stage by stage.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m ops.bench.clnf RECORDING --weights DIR

Follows one face: PFLD's landmarks in the first frame, then from frame to frame. Counts CPU time,
not the clock's. What a frame consists of is done once more, part by part.
"""

import json
import time
from pathlib import Path
from typing import Annotated

import av
import cv2
import numpy as np
import typer

from ops.bench.openface2 import CpuTimer
from workers.clnf.fitting import LandmarkModel, fit_landmarks, gathered
from workers.clnf.model_file import load_landmark_models
from workers.clnf.optimisation import optimised
from workers.clnf.sampling import Grey
from workers.clnf.tracker import TRACKING_WINDOWS, Followed, LandmarkModels, LandmarkTracker
from workers.face.shape.shape_fit import ShapeFit, fit_shape
from workers.face.tracking import FaceTracker
from workers.process.configuration import default_compiled
from workers.session.backends import CPU
from workers.session.loading import load_models


def time_parts(
    models: LandmarkModels, grey: Grey, start: ShapeFit, found: Followed, timer: CpuTimer
) -> None:
    """What following a face consists of, once more, stage by stage."""
    time_fit("face", models.face, grey, start, TRACKING_WINDOWS, timer)
    whole = fit_landmarks(models.face, grey, start, TRACKING_WINDOWS).fit
    points = models.face.projected(whole)
    for name, part in models.parts.items():
        with timer.stage("of which starts of parts"):
            begin = part.start(points)
        time_fit(name, part.model, grey, begin, part.windows, timer)
    with timer.stage("of which last shape fit"):
        fit_shape(models.face.shape, found.points)
    if models.validator is not None:
        with timer.stage("of which validator"):
            models.validator.certainty(grey, found.points, found.fit.pose.angles)


def time_fit(
    name: str,
    model: LandmarkModel,
    grey: Grey,
    fit: ShapeFit,
    windows: tuple[int, ...],
    timer: CpuTimer,
) -> None:
    """The response maps and the optimisation of each scale, both from the same start."""
    for experts, schedule, window in zip(model.experts, model.schedules, windows, strict=True):
        if window == 0:
            continue
        with timer.stage(f"of which {name}: response maps"):
            evidence = gathered(model.shape, experts, schedule, grey, fit, window)
        with timer.stage(f"of which {name}: optimisation"):
            optimised(model.shape, fit, evidence, schedule.regularisation)


def main(
    recording: Path,
    weights: Annotated[Path, typer.Option()],
    frames: int = 200,
) -> None:
    """Follow the face of the first frames of one recording."""
    loaded = load_models(weights, CPU, "pfld68", "openface2", default_compiled())
    began = time.perf_counter()
    models = load_landmark_models(weights / "clnf68.npz")
    loading = time.perf_counter() - began
    seeker = FaceTracker(loaded.seeker, loaded.verifier, loaded.landmarker)
    tracker, timer = LandmarkTracker(models), CpuTimer()
    last: Followed | None = None
    followed = restarts = 0
    with av.open(str(recording)) as file:
        for index, decoded in enumerate(file.decode(video=0)):
            if index == frames:
                break
            picture = np.asarray(decoded.to_ndarray(format="bgr24"), dtype=np.uint8)
            grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
            if last is None or not last.success:
                face = seeker.step(0, picture).face
                last = None if face is None else tracker.follow(grey, face.points)
                restarts += 1
                continue
            start = last.fit
            with timer.stage("follow"):
                last = tracker.follow(grey, start)
            time_parts(models, grey, start, last, timer)
            followed += 1
    ms = {name: round(1000 * total / followed, 2) for name, total in timer.seconds.items()}
    said = {
        "frames": followed,
        "restarts": restarts,
        "loading_ms": round(1000 * loading, 1),
        "ms_a_frame": ms,
    }
    typer.echo(json.dumps(said, indent=2))


if __name__ == "__main__":
    typer.run(main)
