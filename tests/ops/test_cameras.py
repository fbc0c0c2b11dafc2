"""What cameras record, by the command itself: the same phantom, stored in other ways."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from av.codec.context import Flags
from numpy.typing import NDArray

from tests.colour_charts import record_hlg
from tests.faulty_recordings import copied_packets
from tests.measurement import HELD_SEEDS
from tests.ops.command import facemirror
from tests.ops.outputs import Outputs
from tests.recordings import Recipe, record
from weights.demo.exercises import Exercise, Recording, frames
from weights.demo.face_shape import Activations, SideActivations
from workers.aus.labels import COLUMNS

Picture = NDArray[np.uint8]

FRAMES = 24
HALF_SHUT = SideActivations(au45=0.5)
SCRIPT = (Exercise("eyes half shut", 0.5, 3.0, Activations(HALF_SHUT, HALF_SHUT)),)
FILM = Recording(seed=HELD_SEEDS[0], width=640, height=480, rate=10, seconds=FRAMES / 10)
STORED = Recipe(
    frames=FRAMES,
    width=640,
    height=480,
    time_base=Fraction(1, 10),
    options=(("crf", "10"), ("bf", "2"), ("b_strategy", "0"), ("g", "12")),
)
EYES = COLUMNS.index("AU45")


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return [frame.picture for frame in frames(FILM, SCRIPT)]


@pytest.fixture(scope="module")
def sound(pictures: list[Picture], tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    return record(folder / "sound.mp4", STORED, lambda number, *_: pictures[number])


@pytest.fixture(scope="module")
def measured(sound: Path) -> Outputs:
    return analysed(sound)


def analysed(film: Path) -> Outputs:
    out = film.with_suffix("")
    done = facemirror("run", film, "--out", out, "--weights", "demo")
    assert done.returncode == 0, done.stderr
    return Outputs(out / film.stem)


def closed(outputs: Outputs) -> NDArray[np.float64]:
    """(frames, 2) how far the eyes are shut, 0 to 5."""
    return np.stack([outputs.aus(side)[:, EYES] for side in ("left", "right")], axis=1)


def test_an_ordinary_recording_is_said_to_be_one(measured: Outputs) -> None:
    said = measured.run["recording"]
    assert said["codec"] == "h264"
    assert said["pixel_format"] == "yuv420p"
    assert (said["pixel_aspect"], said["transfer"], said["primaries"]) == ("1", "sdr", "bt709")
    assert said["hdr_peak"] is None
    assert (said["times_sorted"], said["times_filled"], said["deinterlaced_frames"]) == (
        False,
        0,
        0,
    )
    assert closed(measured)[10:20].mean() == pytest.approx(2.5, abs=0.6)


def test_a_half_closed_eye_reads_the_same_in_oblong_pixels(
    tmp_path: Path, pictures: list[Picture], measured: Outputs
) -> None:
    squeezed = [cv2.resize(p, (480, 480), interpolation=cv2.INTER_AREA) for p in pictures]
    recipe = replace(STORED, width=480, pixel_aspect=Fraction(4, 3))
    hdv = analysed(record(tmp_path / "hdv.mp4", recipe, lambda number, *_: squeezed[number]))
    said = hdv.run["recording"]
    assert said["pixel_aspect"] == "4/3"
    assert (said["width"], said["height"]) == (640, 480)
    assert hdv.video("left_mirrored")[1][0].shape == (480, 640, 3)
    assert np.abs(closed(hdv) - closed(measured)).mean() < 0.1
    assert np.nanmax(np.abs(hdv.landmarks() - measured.landmarks())) < 3


def test_times_in_decode_order_change_nothing_but_what_is_said(
    tmp_path: Path, sound: Path, measured: Outputs
) -> None:
    path = copied_packets(
        sound, tmp_path / "decode_order.mp4", lambda times: (100 * times.place, 100 * times.place)
    )
    outputs = analysed(path)
    assert outputs.run["recording"]["times_sorted"]
    assert any("contradict the order of its frames" in line for line in outputs.run["warnings"])
    np.testing.assert_array_equal(closed(outputs), closed(measured))
    np.testing.assert_array_equal(outputs.landmarks(), measured.landmarks())


def test_interlaced_frames_are_counted_and_said(
    tmp_path: Path, pictures: list[Picture], measured: Outputs
) -> None:
    def woven(number: int, *_: int) -> Picture:
        frame = pictures[number].copy()
        frame[1::2] = pictures[min(number + 1, FRAMES - 1)][1::2]
        return frame

    recipe = replace(
        STORED,
        codec="mpeg2video",
        options=(("b", "8M"), ("g", "12")),
        encoder_flags=int(Flags.interlaced_dct),
        field_mode="tff",
    )
    outputs = analysed(record(tmp_path / "woven.mpg", recipe, woven))
    assert outputs.run["recording"]["deinterlaced_frames"] == FRAMES
    said = f"{FRAMES} frames are interlaced: half of their lines were measured"
    assert said in outputs.run["warnings"]
    assert outputs.run["counts"]["measured"] == FRAMES
    assert np.abs(closed(outputs) - closed(measured)).mean() < 0.5


def test_hdr_measures_what_sdr_does(
    tmp_path: Path, pictures: list[Picture], measured: Outputs
) -> None:
    path = record_hlg(tmp_path / "phone.mov", pictures, Fraction(1, 10))
    outputs = analysed(path)
    said = outputs.run["recording"]
    assert (said["transfer"], said["primaries"], said["hdr_peak"]) == ("hlg", "bt2020", 1000.0)
    assert np.abs(closed(outputs) - closed(measured)).mean() < 0.1
    shown = outputs.video("left_mirrored")[1][0].astype(float)
    assert np.abs(shown - measured.video("left_mirrored")[1][0]).mean() < 3


def test_what_cannot_be_shown_is_refused_in_words(tmp_path: Path) -> None:
    path = record(tmp_path / "log.mkv", Recipe(frames=3, transfer=8))
    done = facemirror("run", path, "--out", tmp_path / "out", "--weights", "demo")
    assert done.returncode == 1
    assert "log.mkv: its colours are stored as linear light" in done.stderr + done.stdout
