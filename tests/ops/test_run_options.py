"""What each option of `facemirror run` changes, by run.json or by what is refused."""

import pytest
from typer.testing import CliRunner

from ops.cli import app
from tests.ops.command import facemirror
from tests.ops.outputs import Outputs
from tests.recordings import Recipe, record


def test_options_arrive_in_run_json(tmp_path):
    record(tmp_path / "nobody.mp4", Recipe(frames=24, options=(("g", "1"),)))
    given = (
        *("run", tmp_path / "nobody.mp4", "--out", tmp_path / "out", "--weights", "demo"),
        *(
            "--flip",
            "--debug-video",
            "--fast",
            "--smoothing",
            "face-mirror-1",
            "--chunk-frames",
            10,
        ),
        *("--au-labels", "face-mirror-1", "--provider", "cpu", "--workers", 2),
        *("--log", tmp_path / "run.log"),
    )
    done = facemirror(*given)
    assert done.returncode == 0, done.stderr
    assert "2 workers on provider 'cpu'" in done.stderr
    assert "models loaded on provider 'cpu'" in (tmp_path / "run.log").read_text()
    run = Outputs(tmp_path / "out" / "nobody").run
    assert run["settings"] == {
        "analysis": {
            "landmarks": "star98",
            "aus": "openface3",
            "faces": "mirrored",
            "smoothing": "face-mirror-1",
            "flip": True,
            "debug_video": True,
            "fast": True,
        },
        "au_labels": "face-mirror-1",
        "chunk_frames": 10,
        "rest": None,
    }
    assert len(run["chunks"]) > 1
    assert (tmp_path / "out" / "nobody" / "nobody_debug.mp4").is_file()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--landmarks pfld68", "pfld_68.onnx is missing"),
        ("--aus openface2 --landmarks pfld68", "fetch --aus openface2"),
        ("--aus openface2 --au-labels face-mirror-1", "--au-labels face-mirror-1 renames"),
        ("--faces original", "--faces original needs --aus openface2"),
        ("--broker redis://127.0.0.1:1/0 --provider cpu", "leave out --broker"),
        ("--broker redis://127.0.0.1:1/0 --workers 1", "leave out --broker"),
    ],
)
def test_options_arrive_where_they_are_refused(options, said, tmp_path):
    (tmp_path / "film.mp4").touch()
    line = ("run", tmp_path / "film.mp4", "--out", tmp_path / "out", "--weights", "demo")
    done = CliRunner().invoke(app, [*map(str, line), *options.split()])
    assert done.exit_code == 2
    assert said in done.stderr


def test_quiet_says_nothing_where_nothing_went_wrong(tmp_path):
    record(tmp_path / "nobody.mp4", Recipe(frames=2))
    line = ("run", tmp_path / "nobody.mp4", "--out", tmp_path / "out", "--weights", "demo", "-q")
    done = facemirror(*line)
    assert done.returncode == 0
    kinds = ("DEMO weights", "nobody: DEMO", "nobody: 2 of 2 frames have no face")
    assert all(line.startswith(kinds) for line in done.stderr.splitlines()), done.stderr
