"""How long a frame takes on one core on its way to OpenFace 2's AUs, stage by stage.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m ops.bench.openface2 RECORDING --weights DIR

Counts the process's CPU time, not the clock's, so that other work on the machine matters less. Says
ms a frame with both sides measured, and frames a second of everything after the landmarks.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import av
import numpy as np
import typer

from ops.run_options import Landmarks
from workers.arrays import Floats, Image
from workers.aus.measurers import OpenFace2Measurer
from workers.aus.openface2.fhog import fhog
from workers.aus.openface2.models import OpenFace2Models, open_openface2
from workers.aus.openface2.recording import RecordingPredictor
from workers.chunk.analysis import analysed_face
from workers.face.crops.alignment import aligned, aligning_map
from workers.face.crops.face_mask import face_mask
from workers.face.mirroring import SIDES, mirrored_landmarks
from workers.face.scheme import IBUG68
from workers.face.shape.shape_fit import fit_shape
from workers.process.configuration import default_compiled
from workers.session.backends import CPU
from workers.session.loading import load_models

AFTER_LANDMARKS = ("mirror", "measure", "assemble")


class CpuTimer:
    """Adds up the process's CPU seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what is spent inside under this name."""
        start = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start


def time_parts(models: OpenFace2Models, picture: Image, points: Floats, timer: CpuTimer) -> None:
    """What measuring one face consists of, once more, part by part."""
    with timer.stage("of which shape fit"):
        fit = fit_shape(models.shape_model, points)
    with timer.stage("of which alignment"):
        to_aligned = aligning_map(models.shape_model, fit, points)
        face = aligned(picture, to_aligned)
    with timer.stage("of which mask"):
        face *= face_mask(points, to_aligned, models.triangles)[..., None]
    with timer.stage("of which FHOG"):
        fhog(face)


def main(
    recording: Path,
    weights: Annotated[Path, typer.Option()],
    frames: int = 200,
    landmarks: Landmarks = Landmarks.clnf68,
) -> None:
    """Measure the first frames of one recording."""
    models = load_models(weights, CPU, landmarks.value, "openface2", default_compiled())
    openface2 = open_openface2(weights / "openface2_aus.zip")
    tracker = models.tracker(frames)
    measurer = OpenFace2Measurer(openface2, IBUG68, "mirrored")
    sides = [RecordingPredictor(openface2.shape_model, openface2.predictors) for _ in SIDES]
    timer, measured = CpuTimer(), 0
    with av.open(str(recording)) as file:
        for index, decoded in enumerate(file.decode(video=0)):
            if index == frames:
                break
            picture = np.asarray(decoded.to_ndarray(format="bgr24"), dtype=np.uint8)
            with timer.stage("track"):
                face = tracker.step(index, picture).face
            if face is None:
                continue
            with timer.stage("mirror"):
                found = analysed_face(picture, face, [face], IBUG68)
            if found is None:
                continue
            measured += 1
            with timer.stage("measure"):
                evidence = measurer.measure(index, picture, found)
            with timer.stage("assemble"):
                for side, predictor in enumerate(sides):
                    predictor.add(None if evidence is None else evidence.face(0, side))
            for name in SIDES:
                points = mirrored_landmarks(face.points, found.line, name, IBUG68)
                time_parts(openface2, found.mirrored[name], points, timer)
    with timer.stage("assemble"):
        for predictor in sides:
            predictor.finish()
    ms = {name: round(1000 * total / measured, 2) for name, total in timer.seconds.items()}
    rate = round(1000 / sum(ms[name] for name in AFTER_LANDMARKS), 1)
    said = {"frames": measured, "ms_a_frame": ms, "frames_per_s_after_landmarks": rate}
    typer.echo(json.dumps(said, indent=2))


if __name__ == "__main__":
    typer.run(main)
