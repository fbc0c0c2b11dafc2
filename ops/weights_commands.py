"""The commands below `facemirror weights`: fetch, convert, verify and list model files."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from ops.errors import UsageError
from ops.run_options import Aus
from ops.terminal.console import terminal
from ops.terminal.examples import examples
from weights.manifest import (
    CHECKPOINTS_FOLDER,
    MODELS,
    OPENFACE2_FOLDER,
    InstalledModel,
    ModelKind,
    ModelVariant,
    WeightsError,
    default_folder,
    read_record,
    verify_model,
    verify_variant,
)
from workers.video import VideoError

FAILED = 1
WRONG_USE = 2
CONVERT_PACKAGES = ("torch", "onnx", "onnxscript")  # of the extra `convert`

app = typer.Typer(
    help="Fetch, convert and check the model files.", no_args_is_help=True, add_completion=False
)

Folder = Annotated[Path | None, typer.Option("--weights", help="The folder with weights.json.")]
Out = Annotated[Path | None, typer.Option("--out", help="Where the files go.")]


@app.command(epilog=examples("weights fetch"))
def fetch(
    out: Out = None,
    aus: Annotated[Aus, typer.Option(help="Whose action units.")] = Aus.openface3,
    accept_license: Annotated[
        bool, typer.Option("--accept-license", help="You accept the checkpoints' licence.")
    ] = False,
) -> None:
    """Fetch the published checkpoints from Hugging Face and GitHub and check them."""
    from weights.fetching import LICENCE_NOTES
    from weights.fetching import fetch as fetch_checkpoints

    folder = out or default_folder() / CHECKPOINTS_FOLDER
    if not accept_license:
        _complain(f"{LICENCE_NOTES[aus.value]} To accept, add --accept-license.")
        raise typer.Exit(WRONG_USE)
    with _one_line_errors():
        fetch_checkpoints(folder, accept_license, method=aus.value, say=typer.echo)
    typer.echo("next: facemirror weights convert" + (f" --checkpoints {out}" if out else ""))


@app.command(epilog=examples("weights convert"))
def convert(
    checkpoints: Annotated[
        Path | None, typer.Option("--checkpoints", help="Where the checkpoints are.")
    ] = None,
    out: Out = None,
    emotion_gaze: Annotated[
        bool, typer.Option("--emotion-gaze", help="Also convert emotions and gaze.")
    ] = False,
) -> None:
    """Convert checkpoints to ONNX and, with coremltools, Core ML; write weights.json."""
    try:
        from weights.conversion import convert as convert_checkpoints
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in CONVERT_PACKAGES:
            raise
        _complain(f"{error.name} is not installed: type pip install 'facemirror[convert]'")
        raise typer.Exit(FAILED) from None
    folder = checkpoints or default_folder() / CHECKPOINTS_FOLDER
    with _one_line_errors():
        done = convert_checkpoints(
            folder, out or default_folder(), emotion_gaze=emotion_gaze, say=typer.echo
        )
    for checkpoint in done.missing:
        typer.echo(f"not converted: {checkpoint.file} is not in {folder}")
    if done.landmark_files_missing:
        typer.echo(
            f"not converted: OpenFace 2's landmark models, {folder / OPENFACE2_FOLDER} lacks "
            f"{', '.join(done.landmark_files_missing)}: "
            "type 'facemirror weights fetch --aus openface2 --accept-license'"
        )
    for file in done.left_out:
        _complain(f"left out: {file} is listed, but no checksum is known of it; its AU stays empty")
    for model in done.unofficial:
        _warn_unofficial(model)


@app.command(epilog=examples("weights quantize"))
def quantize(
    recordings: Annotated[
        list[Path], typer.Argument(help="Your own, or folders of them: of your cameras and light.")
    ],
    weights: Folder = None,
    frames: Annotated[
        int, typer.Option(min=40, help="Frames of all recordings that are looked at.")
    ] = 120,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Keep it however far its landmarks drift.")
    ] = False,
) -> None:
    """Make a landmark model of 8-bit integers, for machines that have a CPU alone.

    It is faster and less exact, and only --precision int8 uses it. A quarter of the frames is held
    back; on these it is compared with float32.
    """
    if find_spec("onnx") is None:
        _complain("onnx is not installed: type pip install 'facemirror[convert]'")
        raise typer.Exit(FAILED)
    from ops.quantizing.quantize import LARGEST_MEAN_PX, quantize_landmarks
    from ops.recordings import find_recordings

    with _one_line_errors():
        done = quantize_landmarks(
            find_recordings(recordings),
            weights or default_folder(),
            frames,
            typer.echo,
            anyway=anyway,
        )
    typer.echo(
        f"INT8: {done.drift}; {done.ms[1]:.1f} ms of a core a face instead of {done.ms[0]:.1f}"
    )
    if done.variant is None:
        _complain(
            f"not kept: its landmarks drift by more than {LARGEST_MEAN_PX:g} px on average. Give "
            "recordings of more people and cameras, or keep it with --anyway"
        )
        raise typer.Exit(FAILED)
    typer.echo(f"wrote {done.variant.file}; nothing uses it but --precision int8")


@app.command(epilog=examples("weights verify"))
def verify(
    weights: Folder = None,
    aus: Annotated[Aus, typer.Option(help="Whose action units must be complete.")] = Aus.openface3,
) -> None:
    """Check every installed model, in all its kinds, against weights.json."""
    folder = weights or default_folder()
    table = _table("model", "file", "state", "made from")
    faults = []
    with _one_line_errors():
        installed = read_record(folder).models
        for name, model in MODELS.items():
            there = name in installed or (folder / model.file).exists()
            if not there and (aus.value not in model.methods or model.optional):
                continue
            try:
                table.add_row(name, model.file, "unchanged", _origin(verify_model(folder, name)))
            except WeightsError as error:
                faults.append(str(error))
                table.add_row(name, model.file, _fault(folder / model.file), "")
                continue
            for kind in installed[name].variants:
                try:
                    verify_variant(folder, name, kind.kind, kind.batch)
                    table.add_row("", kind.file, "unchanged", _nature(kind))
                except WeightsError as error:
                    faults.append(str(error))
                    table.add_row("", kind.file, _fault(folder / kind.file), _nature(kind))
    terminal().print(table)
    for fault in faults:
        _complain(fault)
    for found in installed.values():
        if not found.official:
            _warn_unofficial(found)
    if faults:
        raise typer.Exit(FAILED)


@app.command(name="list", epilog=examples("weights list"))
def list_models(weights: Folder = None) -> None:
    """List the known models and what is installed."""
    folder = weights or default_folder()
    with _one_line_errors():
        installed = read_record(folder).models
    table = _table("model", "gives", "file", "made from")
    for name, model in MODELS.items():
        there = name in installed and (folder / model.file).is_file()
        origin = _origin(installed[name]) if there else "not installed"
        table.add_row(name, model.content, model.file, origin)
        for kind in installed[name].variants if there else ():
            table.add_row("", "", kind.file, _nature(kind))
    typer.echo(folder)
    terminal().print(table)


def _fault(path: Path) -> Text:
    return Text("refused" if path.exists() else "missing", style="red")


NATURES: dict[ModelKind, str] = {
    "fp32": "float32",
    "fp16": "float16",
    "coreml": "float16 for Core ML",
    "int8": "8-bit integers",
}


def _nature(kind: ModelVariant) -> str:
    several = f", {kind.batch} at once" if kind.batch > 1 else ""
    return f"{NATURES[kind.kind]}{several}, drifts by {kind.drift:.2g} {kind.unit}"


def _origin(model: InstalledModel) -> str:
    if model.demo:
        return f"{model.source_file}, DEMO"
    return f"{model.source_file}, {'published' if model.official else 'NOT PUBLISHED'}"


def _warn_unofficial(model: InstalledModel) -> None:
    _complain(
        f"WARNING: {model.file} was made from a {model.source_file} that is not the published "
        f"checkpoint (sha256 {model.source_sha256[:12]}...): its results must not be used on "
        "patients"
    )


def _table(*headings: str) -> Table:
    """Long names are folded, never cut short."""
    return Table(*(Column(heading, overflow="fold") for heading in headings))


def _complain(line: str) -> None:
    typer.echo(line, err=True)


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Ends the command with one line on the error stream instead of a traceback."""
    try:
        yield
    except (WeightsError, UsageError, VideoError, OSError) as error:
        _complain(str(error))
        raise typer.Exit(FAILED) from error
