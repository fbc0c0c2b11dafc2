"""How far the numbers of two processors are apart: this one, and one that lacks some instructions.

    python -m ops.bench.instruction_sets RECORDING --weights DIR [--frames 30] [--processor Haswell]

The other processor is emulated by qemu's user mode (apt install qemu-user), which tells programs
that it is a Haswell: it has AVX2 and no AVX-512, so ONNX Runtime, OpenCV and numpy take other
kernels. x86 only; some hundred times slower than the real one.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from ops.run_options import Aus, Landmarks
from weights.manifest import AuMethod
from workers.face.scheme import LandmarkName

EMULATOR = "qemu-x86_64"


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """What was measured of n frames. points: (n, P, 2) px; aus: (n, 2, A), left and right."""

    points: NDArray[np.float64]
    aus: NDArray[np.float64]


def measure(
    recording: Path, weights: Path, landmarks: LandmarkName, aus: AuMethod, frames: int
) -> Numbers:
    """Track, mirror and measure the first frames of a recording in this process."""
    import av

    from tasks.outputs.au_tables import predicted
    from workers.aus.occurrence_scores import OccurrenceScores
    from workers.aus.openface2.models import OpenFace2Models
    from workers.chunk.analysis import analysed_face
    from workers.chunk.rows import ChunkRowsBuilder, FrameRow
    from workers.face.mirroring import SIDES
    from workers.session.backends import CPU
    from workers.session.loading import load_models

    with tempfile.TemporaryDirectory() as compiled:
        models = load_models(weights, CPU, landmarks, aus, Path(compiled))
    tracker = models.tracker(frames)
    measurer = models.measurer("mirrored")
    points, rows = [], []
    with av.open(str(recording)) as file:
        for index, frame in zip(range(frames), file.decode(video=0), strict=False):
            picture = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            face = tracker.step(index, picture).face
            if face is None:
                raise SystemExit(f"frame {index} of {recording.name} has no face")
            found = analysed_face(picture, face, [face], models.landmarker.scheme)
            row = None if found is None else measurer.measure(index, picture, found)
            if row is None:
                raise SystemExit(f"the face in frame {index} of {recording.name} is not measured")
            points.append(face.points)
            rows.append(row)
    joined = type(rows[0]).joined(rows)
    if isinstance(joined, OccurrenceScores):
        scores = np.concatenate([joined.head_scores, joined.au45[..., None]], axis=2)
        return Numbers(np.array(points), scores.astype(np.float64))
    chunk = ChunkRowsBuilder(len(rows), models.landmarker.scheme.count, measurer.of_no_face())
    for place, row in enumerate(rows):
        chunk.add(FrameRow(1.0, np.zeros(4), points[place], np.zeros(3), row), True, None)
    assert isinstance(models.aus, OpenFace2Models)
    sides = predicted(models.aus, len(SIDES), [chunk.finish()])
    return Numbers(np.array(points), np.stack([side.intensities for side in sides], axis=1))


def measure_apart(prefix: list[str], arguments: list[str], out: Path) -> Numbers:
    """The same in a process of its own. prefix: what to start Python with."""
    line = [*prefix, sys.executable, "-P", "-m", "ops.bench.instruction_sets", *arguments]
    subprocess.run([*line, "--write", str(out)], check=True, stderr=subprocess.DEVNULL)
    with np.load(out) as arrays:
        return Numbers(arrays["points"], arrays["aus"])


def main(
    recording: Path,
    weights: Annotated[Path, typer.Option()],
    landmarks: Landmarks = Landmarks.pfld68,
    aus: Aus = Aus.openface2,
    frames: int = 30,
    processor: str = "Haswell",
    write: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure on both and print the largest and the mean differences."""
    if write is not None:
        found = measure(recording, weights, landmarks.value, aus.value, frames)
        np.savez(write, points=found.points, aus=found.aus)
        return
    if shutil.which(EMULATOR) is None:
        raise SystemExit(f"{EMULATOR} is not on the PATH: apt install qemu-user")
    given = [str(recording), "--weights", str(weights), "--frames", str(frames)]
    given += ["--landmarks", landmarks.value, "--aus", aus.value]
    with tempfile.TemporaryDirectory() as folder:
        here = measure_apart([], given, Path(folder) / "here.npz")
        there = measure_apart([EMULATOR, "-cpu", processor], given, Path(folder) / "there.npz")
    typer.echo(json.dumps(differences(here, there)))


def differences(one: Numbers, other: Numbers) -> dict[str, float]:
    """How far two measurements are apart: landmarks in px, AUs in their own units."""
    landmarks = np.hypot(*np.moveaxis(one.points - other.points, -1, 0))
    aus = np.abs(one.aus - other.aus)
    return {
        "frames": len(landmarks),
        "equal_landmarks": float((landmarks == 0.0).mean()),
        "landmarks_largest_px": float(landmarks.max()),
        "landmarks_mean_px": float(landmarks.mean()),
        "aus_largest": float(np.nanmax(aus)),
        "aus_mean": float(np.nanmean(aus)),
    }


if __name__ == "__main__":
    typer.run(main)
