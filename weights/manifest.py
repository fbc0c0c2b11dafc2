"""Which model files there are, where they come from, and which ones a weights folder holds.

Upstream publishes torch *checkpoints*; this project converts them to ONNX *models*. Every model a
folder holds is listed in its `weights.json`, with checksums of the model and of its checkpoint.

Models and what goes in and out (float32, NCHW, all shapes fixed but pfld68's n):

- retinaface_frame: `image` [1,3,640,640], BGR minus (104,117,123); `offsets` [1,16800,4],
  `scores` [1,16800]. Raw box regressions and softmax face probabilities, one for each anchor:
  the maps of stride 8, 16, 32 in this order, in each rows, then columns, then the two sizes.
- retinaface_face: `image` [1,3,192,192]; `offsets` [1,1512,4], `scores` [1,1512]; the same network.
- star98: `image` [1,3,256,256], BGR x/255*2-1; `points` [1,98,2], x,y in [-1,1];
  `confidence` [1] in [0,1].
- mtl_aus: `faces` [2,3,224,224], RGB, ImageNet normalised; `aus` [2,8].
- mtl_emotion_gaze: the same `faces`; `emotions` [2,8] logits, `gaze` [2,2] yaw, pitch in radians.
- pfld68: `input` [n,3,112,112], RGB x/255; [n,136], x,y in units of the crop.
- openface2_aus: no network but OpenFace 2's files, unchanged, in a zip (see `weights.openface2`).
- clnf68: OpenFace 2's landmark models as arrays (see `weights.clnf.packing`).

These are float32. A network also comes in other *kinds*, for accelerators: the same inputs and
outputs, float32 at its ends, `batch` times as many pictures at once.

Imports no torch, ONNX or numpy: running workers and the command line read it.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from weights.checked_files import CheckedFile, is_checked

RECORD_FILE = "weights.json"
RECORD_FORMAT = 2
READABLE_FORMATS = (1, 2)  # 1 knew no kinds
FOLDER_VARIABLE = "FACEMIRROR_WEIGHTS"
CHECKPOINTS_FOLDER = "checkpoints"
OPENFACE2_FOLDER = "openface2"  # in the checkpoints folder
OPENFACE_REPOSITORY = "nutPace/openface_weights"
PFLD_ON_GITHUB = (
    "cunjian/pytorch_face_landmark/1bd2491c3379e44986079fb84746fdcb6ed69bfd/onnx/pfld.onnx"
)

AuMethod = Literal["openface3", "openface2"]
"""Whose action units are measured."""

ModelKind = Literal["fp32", "fp16", "coreml", "int8"]
"""float32 ONNX, the reference; float16 ONNX; float16 Core ML program (a folder, `.mlpackage`);
quantized ONNX, made by a lab from its own recordings."""

_KIND_ENDINGS: dict[ModelKind, str] = {
    "fp32": ".onnx",
    "fp16": "_fp16.onnx",
    "coreml": ".mlpackage",
    "int8": "_int8.onnx",
}

_RESEARCH_ONLY = (
    "OpenFace 3.0: academic, non-commercial research only; everyone fetches their own copy"
)


class WeightsError(Exception):
    """A model or checkpoint is missing, changed or unreadable; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file that others published, with the checksum that identifies it."""

    name: str
    file: str
    sha256: str
    size: int | None  # bytes, where known
    repository: str | None  # on Hugging Face
    licence: str
    methods: tuple[AuMethod, ...]  # that need it
    github: str | None = None  # where it is below raw.githubusercontent.com
    other_files: tuple[str, ...] = ()  # further file names it is known under

    @property
    def files(self) -> tuple[str, ...]:
        return (self.file, *self.other_files)


@dataclass(frozen=True, slots=True)
class Model:
    """A file that a weights folder can hold, and the checkpoint it is made from."""

    name: str
    file: str
    checkpoint: str
    content: str
    methods: tuple[AuMethod, ...]  # that run it; none: made only when asked for
    optional: bool = False  # they run without it, too


@dataclass(frozen=True, slots=True)
class ModelVariant:
    """What `weights.json` says about another kind of a model that a folder holds."""

    kind: ModelKind
    file: str  # beside weights.json; a folder where it is an .mlpackage
    sha256: str  # see `sha256_of`
    batch: int  # how many times the pictures of the model itself it takes at once
    drift: float  # how far its answers lie from torch's in float32, at most
    unit: str  # of the drift
    converter: str  # versions of what made it


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """What `weights.json` says about one model of a folder: its float32 file, and other kinds."""

    name: str
    file: str  # beside weights.json
    sha256: str  # of that file
    source_file: str  # the checkpoint's file name
    source_sha256: str
    official: bool  # source_sha256 is the published checkpoint's
    converter: str  # version of this package
    demo: bool  # made to try the software, not to measure anybody
    variants: tuple[ModelVariant, ...] = ()

    def variant(self, kind: ModelKind, batch: int = 1) -> ModelVariant | None:
        """Its other kind, if it is in the record."""
        found = (one for one in self.variants if (one.kind, one.batch) == (kind, batch))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class WeightsRecord:
    """The content of a folder's `weights.json`."""

    models: dict[str, InstalledModel] = field(default_factory=dict)

    def having(self, *installed: InstalledModel) -> "WeightsRecord":
        """This record with some models added or replaced."""
        return WeightsRecord(self.models | {model.name: model for model in installed})


_BOTH: tuple[AuMethod, ...] = ("openface3", "openface2")

CHECKPOINTS = {
    checkpoint.name: checkpoint
    for checkpoint in (
        Checkpoint(
            name="retinaface",
            file="Alignment_RetinaFace.pth",
            sha256="2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220",
            size=1_789_735,
            repository=OPENFACE_REPOSITORY,
            licence="MIT (Pytorch_Retinaface)",
            methods=_BOTH,
        ),
        Checkpoint(
            name="star98",
            file="Landmark_98.pkl",
            sha256="b49eb62de453fbc3ef278c52b8f85630b536d0a43b82a92d6ff7a11485f12c2a",
            size=None,
            repository=OPENFACE_REPOSITORY,
            licence=_RESEARCH_ONLY,
            methods=("openface3",),
        ),
        Checkpoint(
            name="mtl",
            file="MTL_backbone.pth",
            sha256="72f45843c7a3ed9500835c507467f32e864a23971160f733aeb23797a05a5bcd",
            size=101_710_914,
            repository=OPENFACE_REPOSITORY,
            licence=_RESEARCH_ONLY,
            methods=("openface3",),
        ),
        Checkpoint(
            name="pfld68",
            file="pfld_68.onnx",
            sha256="7d7bbd5c6a1d9272e58d9773898284a1905d872eba9a662df9b5f20f1ba6f83e",
            size=2_987_921,
            repository=None,
            licence="see pytorch_face_landmark, file onnx/pfld.onnx",
            methods=("openface2",),
            github=PFLD_ON_GITHUB,
            other_files=("pfld.onnx",),
        ),
    )
}

MODELS = {
    model.name: model
    for model in (
        Model("retinaface_frame", "retinaface_frame.onnx", "retinaface", "faces in a frame", _BOTH),
        Model("retinaface_face", "retinaface_face.onnx", "retinaface", "one face in a crop", _BOTH),
        Model("star98", "star98.onnx", "star98", "98 landmarks", ("openface3",)),
        Model("mtl_aus", "mtl_aus.onnx", "mtl", "8 action units of two faces", ("openface3",)),
        Model("mtl_emotion_gaze", "mtl_emotion_gaze.onnx", "mtl", "emotions and gaze", ()),
        Model("pfld68", "pfld_68.onnx", "pfld68", "68 landmarks", ("openface2",)),
        Model(
            name="openface2_aus",
            file="openface2_aus.zip",
            checkpoint="openface2",
            content="OpenFace 2: 17 intensities, 18 presences",
            methods=("openface2",),
        ),
        Model(
            name="clnf68",
            file="clnf68.npz",
            checkpoint="openface2_landmarks",
            content="OpenFace 2: 68 landmarks, followed",
            methods=("openface2",),
            optional=True,
        ),
    )
}


DEMO = "demo"
DEMO_FOLDER = Path(__file__).parent / "demo" / "models"
"""Models that read the phantom, and nobody else."""


def default_folder() -> Path:
    """$FACEMIRROR_WEIGHTS, else the person's data folder of this program."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_data_dir

    return Path(user_data_dir("facemirror", appauthor=False))


def variant_file(name: str, kind: ModelKind, batch: int = 1) -> str:
    """What a kind of a model is called in a weights folder; the model's own file if fp32 of 1."""
    stem = MODELS[name].file.removesuffix(".onnx")
    several = f"_batch{batch}" if batch > 1 else ""
    return f"{stem}{several}{_KIND_ENDINGS[kind]}"


def sha256_of(path: str | os.PathLike[str]) -> str:
    """A file's SHA-256 as 64 hexadecimal digits; a folder's is that of its files' list.

    The list is what `find . -type f | LC_ALL=C sort | xargs sha256sum` prints there: paths and
    contents count, nothing else. Raises OSError.
    """
    path = Path(path)
    if path.is_dir():
        inside = (found for found in path.rglob("*") if found.is_file())
        files = sorted((found.relative_to(path).as_posix(), found) for found in inside)
        listed = "".join(f"{sha256_of(found)}  ./{name}\n" for name, found in files)
        return hashlib.sha256(listed.encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_record(folder: str | os.PathLike[str]) -> WeightsRecord:
    """The folder's record; an empty one where there is none. Raises WeightsError if damaged."""
    path = Path(folder) / RECORD_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] not in READABLE_FORMATS:
            raise ValueError(f"format {content['format']!r}, not {RECORD_FORMAT}")
        entries = {name: {"name": name, **entry} for name, entry in content["models"].items()}
        return WeightsRecord(msgspec.convert(entries, dict[str, InstalledModel]))
    except FileNotFoundError:
        return WeightsRecord()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{path} cannot be read ({error}): delete it, then type 'facemirror weights convert'"
        ) from error


def write_record(folder: str | os.PathLike[str], record: WeightsRecord) -> Path:
    """Writes the folder's record beside its final name, then renames it into place."""
    models = {}
    for name in sorted(record.models):
        entry = asdict(record.models[name])
        del entry["name"]
        models[name] = entry
    text = json.dumps({"format": RECORD_FORMAT, "models": models}, indent=2) + "\n"
    path = Path(folder) / RECORD_FILE
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=folder, prefix=".weights-", delete=False
    ) as file:
        file.write(text)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
    return path


def verify_model(
    folder: str | os.PathLike[str], name: str, checked: Collection[CheckedFile] = ()
) -> InstalledModel:
    """The record of a model whose file is there and unchanged; its path is folder / .file.

    checked: files that another process has just found unchanged. Raises WeightsError with one line
    that names the file and what to type next.
    """
    if name not in MODELS:
        raise WeightsError(f"there is no model '{name}': choose from {', '.join(MODELS)}")
    path = Path(folder) / MODELS[name].file
    installed = read_record(folder).models.get(name)
    if not path.is_file():
        raise WeightsError(f"{path} is missing: {_how_to_get(name, folder)}")
    if installed is None or installed.file != MODELS[name].file:
        raise WeightsError(
            f"{path} is not listed in {RECORD_FILE}, so its origin is unknown: "
            f"{_how_to_get(name, folder)}"
        )
    if not is_checked(path, installed.sha256, checked):
        _refuse_change(path, installed.sha256, _how_to_get(name, folder))
    return installed


def verify_variant(
    folder: str | os.PathLike[str], name: str, kind: ModelKind, batch: int = 1
) -> Path:
    """Where a kind of a model lies that is in the record, there and unchanged.

    fp32 with batch 1 is the model itself. Raises WeightsError with one line that names the file
    and what to type next.
    """
    installed = verify_model(folder, name)
    file = variant_file(name, kind, batch)
    path = Path(folder) / file
    if file == installed.file:
        return path
    how = _how_to_quantize(folder) if kind == "int8" else _how_to_get(name, folder)
    found = installed.variant(kind, batch)
    if found is None or found.file != file:
        raise WeightsError(
            f"{path} is not listed in {RECORD_FILE}: it was not made, or its numbers drifted too "
            f"far: {how}"
        )
    if not path.exists():
        raise WeightsError(f"{path} is missing: {how}")
    _refuse_change(path, found.sha256, how)
    return path


def _refuse_change(path: Path, sha256: str, how: str) -> None:
    if sha256_of(path) != sha256:
        raise WeightsError(
            f"{path} was changed or damaged (its checksum is not the one in {RECORD_FILE}): {how}"
        )


def _how_to_quantize(folder: str | os.PathLike[str]) -> str:
    where = "" if Path(folder) == default_folder() else f" --weights {folder}"
    return f"type 'facemirror weights quantize RECORDINGS{where}'"


def _how_to_get(name: str, folder: str | os.PathLike[str]) -> str:
    out = "" if Path(folder) == default_folder() else f" --out {folder}"
    convert = f"'facemirror weights convert{out}'"
    if name == "mtl_emotion_gaze":
        convert = f"'facemirror weights convert{out} --emotion-gaze'"
    methods = MODELS[name].methods
    aus = " --aus openface2" if methods == ("openface2",) else ""
    without = ", or choose --landmarks pfld68, which needs no tracker" if name == "clnf68" else ""
    return f"type 'facemirror weights fetch{aus} --accept-license', then {convert}{without}"
