"""A recording on a real Redis whose tasks a test calls itself; its session is simulated."""

from dataclasses import dataclass
from pathlib import Path

import redis

from ops.studies.submission import Request, StudyOptions, model_sums, submit
from tasks.analyze import analyze
from tasks.feed import _store_chunks
from tasks.ingest import ingest
from tasks.messages import RecordingPlan, RunSettings
from tasks.store import RecordingStore
from tasks.studies import recording_id
from tests.recordings import Recipe, record
from weights.manifest import DEMO_FOLDER
from workers.chunk.order import AnalysisSettings
from workers.process.app import app, connect
from workers.process.configuration import Configuration
from workers.session.backends import SIMULATED_BACKEND
from workers.session.needed_models import check_weights

FRAMES, CHUNK_FRAMES = 60, 20


BUDGET = 160_000
"""Bytes on Redis: each chunk makes a part by itself."""


def configure(url: str, folder: Path) -> None:
    """Make this process a worker on that Redis."""
    connect(
        Configuration(
            broker=url,
            weights=DEMO_FOLDER,
            backend=SIMULATED_BACKEND,
            compiled=folder / "compiled",
            redis_budget=BUDGET,
        )
    )


@dataclass(frozen=True)
class SimulatedRecording:
    """source: the file; out: the folder of the outputs."""

    store: RecordingStore
    source: Path
    out: Path

    @property
    def id(self) -> str:
        return self.store.recording

    @property
    def plan(self) -> RecordingPlan:
        plan = self.store.plan()
        assert plan is not None
        return plan

    def read(self, *parts: int) -> None:
        """As ingest and feed do, all parts, unless some are named; the chunks are on no queue."""
        ingest.run(self.id)
        for part in parts or range(len(self.plan.parts)):
            _store_chunks(self.plan, self.store, part)
            self.store.put_fed(part + 1)

    def analyse(self, *chunks: int) -> None:
        """As a worker does; all chunks, unless some are named."""
        for index in chunks or range(len(self.plan.chunks)):
            assert analyze.apply((self.id, index)).get() == f"chunk {index}"


def simulated_recording(
    client: "redis.Redis", folder: Path, pseudonymize: bool = False, name: str = "smile"
) -> SimulatedRecording:
    """A study of one recording, which is begun; it is kept in `folder`."""
    assert app.conf.facemirror.provider == "simulated"
    key_frames = (("g", str(CHUNK_FRAMES)),)
    source = record(folder / f"{name}.mp4", Recipe(frames=FRAMES, options=key_frames))
    request = Request(
        source=source,
        name=name,
        settings=RunSettings(analysis=AnalysisSettings(), chunk_frames=CHUNK_FRAMES),
        models=model_sums(check_weights(DEMO_FOLDER, "star98")),
    )
    options = StudyOptions(
        out=folder / "out", provider="simulated", pseudonymize=pseudonymize, anew=True
    )
    study = submit(client, [request], options)
    made = study.recording(recording_id(study.id, 1))
    study.begin(made.recording)
    return SimulatedRecording(made, source, folder / "out")
