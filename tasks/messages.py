"""The typed messages of the pipeline. JSON on Redis, by msgspec; nothing heavy is imported."""

from typing import Literal

import msgspec

from weights.manifest import InstalledModel
from workers.aus.labels import AuLabels
from workers.chunk_order import AnalysisSettings


class RunSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a recording is to be analysed."""

    analysis: AnalysisSettings
    au_labels: AuLabels = "openface3"
    chunk_frames: int = 100


class RecordingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """From whoever submits to ingest: one recording and where its outputs go.

    source, output: absolute paths on the machine that reads `files_queue`; the outputs go to
    output/name/name_*; spread: how many workers are to share a short recording evenly.
    """

    id: str
    name: str
    source: str
    output: str
    settings: RunSettings
    files_queue: str
    analyze_queue: str
    spread: int = 1


class RecordingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """From ingest to assemble: what the recording is and how it was cut.

    frames: rows that each table must have; missing: frames that the container promises and the
    file does not hold, where it says how many; cut_short: the file ends before it should;
    start_pts: presentation time of the first frame, in units of
    numerator/denominator s; chunks: [start, stop) of each chunk, in order, without gaps.
    """

    order: RecordingOrder
    frames: int
    missing: int
    cut_short: bool
    start_pts: int
    numerator: int
    denominator: int
    width: int
    height: int
    rotation: int
    chunks: tuple[tuple[int, int], ...]


class ChunkReport(msgspec.Struct, frozen=True, kw_only=True):
    """From analyze to assemble: where a chunk's numbers come from. seconds: by stage."""

    provider: str
    onnxruntime: str
    worker: str
    models: tuple[InstalledModel, ...]
    seconds: dict[str, float]


class RecordingOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a recording.

    reason: one line, for a failed one; measured: frames with a face; warnings: lines that whoever
    uses the numbers must see.
    """

    status: Literal["done", "failed"]
    reason: str = ""
    frames: int = 0
    measured: int = 0
    warnings: tuple[str, ...] = ()
