"""The typed messages of the pipeline. JSON on Redis, by msgspec; nothing heavy is imported."""

from typing import Literal

import msgspec

from weights.manifest import InstalledModel, ModelKind
from workers.aus.labels import AuLabels
from workers.chunk.order import AnalysisSettings
from workers.process.queues import DEFAULT_POOL, FILES_QUEUE
from workers.session.backends import Backend, PrecisionChoice
from workers.session.trial.figures import Trial
from workers.video.segments.planning import ChunkSpan
from workers.video.writing.encoders import Encoder

Priority = Literal["normal", "high"]
NamedProvider = Literal["coreml", "cuda", "cpu", "simulated"]


class RunSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a recording is to be analysed. chunk_frames None: what suits its length; rest: from when
    to when, s, the face is at rest, None: to be found."""

    analysis: AnalysisSettings
    au_labels: AuLabels = "openface3"
    chunk_frames: int | None = None
    rest: tuple[float, float] | None = None


class VariantSum(msgspec.Struct, frozen=True):
    """Which file another kind of a model must be; see `weights.manifest.ModelVariant`."""

    kind: ModelKind
    file: str
    sha256: str
    batch: int = 1


class ModelSum(msgspec.Struct, frozen=True):
    """Which file a model must be, and which ones its other kinds."""

    name: str
    file: str
    sha256: str
    variants: tuple[VariantSum, ...] = ()


class RecordingFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Where a recording is and where its outputs go, on the machine that reads `files_queue`.

    source, output: absolute paths; the outputs go to output/name/name_*.
    """

    source: str
    output: str
    name: str


class RecordingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """From whoever submits to ingest: one recording of a study.

    label: what people see in Flower and in logs; files: None where names must not leave the lab
    server, which then has them in its own register; models: the only ones that may be used;
    provider: what must run them, None for whatever takes the first chunk; precision: what its
    numbers must be, likewise; anew: even if the outputs are there already.
    """

    id: str
    study: str
    label: str
    files: RecordingFiles | None
    settings: RunSettings
    models: tuple[ModelSum, ...]
    provider: NamedProvider | None = None
    precision: PrecisionChoice = "any"
    mix_providers: bool = False
    priority: Priority = "normal"
    pool: str = DEFAULT_POOL
    files_queue: str = FILES_QUEUE
    anew: bool = False


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """The recordings submitted together. created: seconds since 1970."""

    id: str
    name: str
    created: float
    files_queue: str = FILES_QUEUE
    pseudonymized: bool = False


class PlannedChunk(msgspec.Struct, frozen=True, array_like=True):
    """Frames [start, stop) of a recording.

    What else is as in workers.video.segments.planning.ChunkSpan; segment_bytes: what its
    compressed frames take.
    """

    start: int
    stop: int
    first: int
    decode_from: int
    until: int
    segment_bytes: int

    @property
    def frames(self) -> int:
        """How many frames it gives results for."""
        return self.stop - self.start

    @property
    def span(self) -> ChunkSpan:
        """The frames that it is cut for."""
        return ChunkSpan(self.start, self.stop, self.first, self.decode_from, self.until)


class RecordingFormat(msgspec.Struct, frozen=True, kw_only=True):
    """What the camera recorded, beside size and turn; run.json says it.

    codec, pixel_format: FFmpeg's names; pixel_aspect: width of a pixel over its height, as stored:
    it was measured and written in square ones; transfer, primaries: what was not SDR BT.709 was
    converted to it; hdr_peak: cd/m² of the brightest that HDR was taken to show; times_sorted: the
    file's times contradicted the order of its frames, and were sorted into it; times_filled: how
    many frames had no time, and got one between their neighbours'.
    """

    codec: str = ""
    pixel_format: str = ""
    pixel_aspect: str = "1"
    transfer: str = "sdr"
    primaries: str = "bt709"
    hdr_peak: float | None = None
    times_sorted: bool = False
    times_filled: int = 0


class RecordingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """From ingest to feed and assemble: what the recording is and how it is cut.

    frames: rows that each table must have; missing: frames that the container promises and the
    file does not hold, where it says how many; cut_short: the file ends before it should;
    start_pts: presentation time of the first frame, in units of numerator/denominator s;
    format: what was recorded; chunks: in order, without gaps; parts: [first, last) of the chunks
    that are sent together, each part as one chord.
    """

    order: RecordingOrder
    sha256: str
    frames: int
    missing: int
    cut_short: bool
    start_pts: int
    numerator: int
    denominator: int
    width: int
    height: int
    rotation: int
    format: RecordingFormat = RecordingFormat()
    chunks: tuple[PlannedChunk, ...]
    parts: tuple[tuple[int, int], ...]


class ChunkReport(msgspec.Struct, frozen=True, kw_only=True):
    """From analyze to assemble: where a chunk's numbers come from.

    arithmetic: see `workers.process.arithmetic`; libraries: versions of what changes numbers;
    models: each with the kinds that were run; backend: what ran them, None in an earlier version's;
    trial: that found it, None where there was nothing to choose; seconds, cpu_seconds: by stage;
    first_frame, last_frame: when these were analysed, s since 1970; encoder: of its videos;
    deinterlaced: how many of its frames were woven from two fields.
    """

    provider: str
    arithmetic: str
    libraries: dict[str, str]
    worker: str
    models: tuple[InstalledModel, ...]
    backend: Backend | None = None
    trial: Trial | None = None
    seconds: dict[str, float]
    cpu_seconds: dict[str, float] = {}
    first_frame: float = 0.0
    last_frame: float = 0.0
    deinterlaced: int = 0
    encoder: Encoder = "x264"


class RecordingOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a recording.

    reason: one line, for a failed one; measured: frames with a face; warnings: lines that whoever
    uses the numbers must see; kept: the outputs were there already.
    """

    status: Literal["done", "failed", "cancelled"]
    reason: str = ""
    frames: int = 0
    chunks: int = 0
    measured: int = 0
    warnings: tuple[str, ...] = ()
    kept: bool = False
