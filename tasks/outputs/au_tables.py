"""The AU tables of a recording, by either method.

OpenFace 3's rows follow from their frame alone. OpenFace 2's follow from the whole recording, so
all chunks are looked at once before the first row is written; of each frame only the responses of
the AU models are kept.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.messages import ModelSum, RunSettings
from tasks.outputs.csv_files import CsvFile, csv_file
from tasks.outputs.openface2_rows import (
    MIRRORED_HEADER,
    mirrored_rows,
    original_header,
    original_rows,
)
from tasks.outputs.table_rows import AU_HEADER, au_rows
from weights.manifest import WeightsError, verify_model
from workers.aus.labels import FaceKind, au_sources
from workers.aus.openface2.evidence import ChunkEvidence
from workers.aus.openface2.models import OpenFace2Models, open_openface2
from workers.aus.openface2.recording import RecordingAus, RecordingPredictor
from workers.chunk.rows import ChunkRows
from workers.face.mirroring import SIDES
from workers.face.scheme import SCHEMES

Rows = Iterator[list[str]]


@dataclass(frozen=True, slots=True)
class AuTables:
    """Files being written; sources: how each AU was obtained, for people."""

    files: tuple[CsvFile, ...]
    rows: Callable[[int, ChunkRows, int, list[float]], Rows]
    sources: dict[str, str]

    def add(self, chunk: ChunkRows, first: int, timestamps: list[float]) -> None:
        """Write the next chunk; first: its first frame's index; timestamps: s, a frame each."""
        for place, file in enumerate(self.files):
            file.add(self.rows(place, chunk, first, timestamps))


def au_table_names(name: str, faces: FaceKind) -> list[str]:
    """The AU tables of a recording of this name."""
    if faces == "original":
        return [f"{name}.csv"]
    return [f"{name}_{side}_mirrored.csv" for side in SIDES]


@contextmanager
def au_tables(
    settings: RunSettings,
    models: tuple[ModelSum, ...],
    weights: Path,
    chunks: Callable[[], Iterable[ChunkRows]],
    stem: Path,
) -> Iterator[AuTables]:
    """The AU tables of a recording, being written.

    models: what the chunks were analysed with; weights: this machine's folder; chunks: all of them,
    in order, each time it is called; stem: the folder and the name that all files begin with.
    Raises WeightsError where OpenFace 2's AU models are not here or are others.
    """
    names = au_table_names(stem.name, settings.analysis.faces)
    with ExitStack() as stack:

        def opened(header: tuple[str, ...]) -> tuple[CsvFile, ...]:
            return tuple(stack.enter_context(csv_file(stem.parent / n, header)) for n in names)

        if settings.analysis.aus == "openface3":
            labels = settings.au_labels
            yield AuTables(
                opened(AU_HEADER),
                lambda side, chunk, first, times: au_rows(chunk, first, times, side, labels),
                au_sources(labels),
            )
            return
        openface2 = _same_openface2(models, weights)
        aus = predicted(openface2, len(names), chunks())
        local = openface2.shape_model.variances.size
        points = SCHEMES[settings.analysis.landmarks].count
        mirrored = settings.analysis.faces == "mirrored"
        tracked = settings.analysis.landmarks == "clnf68"
        rows = mirrored_rows if mirrored else original_rows
        yield AuTables(
            opened(MIRRORED_HEADER if mirrored else original_header(points, local, tracked)),
            lambda face, chunk, first, times: rows(chunk, aus[face], first, times),
            openface2.predictors.sources(),
        )


def predicted(
    models: OpenFace2Models, faces: int, chunks: Iterable[ChunkRows]
) -> list[RecordingAus]:
    """OpenFace 2's AUs of each of the faces through a recording; one chunk in memory at a time.

    Raises TypeError where a chunk was analysed for other AUs.
    """
    predictors = [RecordingPredictor(models.shape_model, models.predictors) for _ in range(faces)]
    for chunk in chunks:
        if not isinstance(chunk.aus, ChunkEvidence):
            raise TypeError(f"a chunk has {type(chunk.aus).__name__}, not evidence")
        for i, success in enumerate(chunk.success):
            for face, predictor in enumerate(predictors):
                predictor.add(chunk.aus.face(i, face) if success else None)
    return [predictor.finish() for predictor in predictors]


def _same_openface2(analysed_with: tuple[ModelSum, ...], folder: Path) -> OpenFace2Models:
    """This machine's AU models, which must be those of the workers."""
    here = verify_model(folder, "openface2_aus")
    if here.sha256 not in {model.sha256 for model in analysed_with}:
        raise WeightsError(
            f"{folder / here.file} is not the file that the workers have: "
            "give all machines the same weights, and submit it again"
        )
    return open_openface2(folder / here.file)
