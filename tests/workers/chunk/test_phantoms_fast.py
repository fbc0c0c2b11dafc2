"""Phantoms that blink and smile quickly, the landmark model looking at few frames or at all."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.measurement import HELD_SEEDS
from weights.demo.appearance import Image
from weights.demo.exercises import Exercise, Recording, Script, frames
from weights.demo.face_shape import AUS, Activations, SideActivations
from weights.manifest import DEMO_FOLDER
from workers.aus.occurrence_scores import OccurrenceScores
from workers.chunk.analysis import analysed_face
from workers.session.backends import CPU
from workers.session.loading import Models, load_models

RATE, SECONDS = 30, 4.0
SHUT = SideActivations(au45=1.0)
SMILE = SideActivations(au06=0.8, au12=1.0)
SCRIPT: Script = (
    Exercise("blink", 0.4, 0.66, Activations(SHUT, SHUT), ramp=0.1),
    Exercise("smile", 0.9, 1.5, Activations(SMILE.scaled(0.5), SMILE), ramp=0.2),
    Exercise("blink", 1.8, 2.1, Activations(SHUT.scaled(0.6), SHUT), ramp=0.12),
    Exercise("smile", 2.3, 2.7, Activations(SMILE, SMILE), ramp=0.15),
    Exercise("blink", 3.05, 3.31, Activations(SHUT, SHUT), ramp=0.1),
)
FILMED = Recording(seed=HELD_SEEDS[0], width=640, height=480, rate=RATE, seconds=SECONDS)
AU45 = AUS.index("au45")


@dataclass(frozen=True, eq=False)
class Followed:
    """points: (frames, 98, 2) px; aus: (frames, 2, 9), 0 to 1; followed: (frames,)."""

    points: np.ndarray
    aus: np.ndarray
    followed: np.ndarray


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    compiled = tmp_path_factory.mktemp("compiled")
    return load_models(DEMO_FOLDER, CPU, "star98", "openface3", compiled)


def followed(shots: list[Image], models: Models, fast: bool) -> Followed:
    follower = models.follower(len(shots), fast, shots[0].nbytes)
    measurer = models.measurer("mirrored")
    seen = [frame for i, shot in enumerate(shots) for frame in follower.take(i, shot)]
    points, aus, by_flow = [], [], []
    for frame in [*seen, *follower.finish()]:
        face = frame.sighting.face
        assert face is not None
        found = analysed_face(frame.picture, face, [face], models.landmarker.scheme)
        row = measurer.measure(frame.index, frame.picture, found)
        assert isinstance(row, OccurrenceScores)
        points.append(face.points)
        aus.append(np.concatenate([row.head_scores[0], row.au45[0][:, None] / 5], axis=1))
        by_flow.append(face.followed)
    return Followed(np.array(points), np.array(aus), np.array(by_flow))


def frames_of(exercise: Exercise) -> slice:
    return slice(round(exercise.start * RATE) - 1, round(exercise.stop * RATE) + 2)


@pytest.mark.parametrize(
    "motion",
    [{}, {"walk": 0.01, "tilting": 6.0}, {"turn": 12.0, "nod": 8.0}],
    ids=["sitting", "walking", "turning"],
)
def test_blinks_and_quick_smiles_are_measured_as_by_looking_at_every_frame(
    motion: dict[str, float], models: Models
) -> None:
    recording = replace(FILMED, **motion)
    shots = [frame.picture for frame in frames(recording, SCRIPT)]
    exact, fast = (followed(shots, models, fast) for fast in (False, True))

    assert not exact.followed.any()
    assert fast.followed.mean() > 0.55
    apart = np.linalg.norm(fast.points - exact.points, axis=2)
    assert apart.mean() < 1.0
    assert np.percentile(apart, 99) < 3.0
    assert np.abs(fast.aus - exact.aus).mean(axis=(0, 1)).max() < 0.1
    for exercise in SCRIPT:
        peaks = [one.aus[frames_of(exercise)].max(axis=0) for one in (exact, fast)]
        assert np.abs(peaks[0] - peaks[1])[:, AU45].max() < 0.5 / 5
        assert np.abs(peaks[0] - peaks[1]).max() < 0.1
