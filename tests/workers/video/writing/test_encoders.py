"""Which encoder a machine uses."""

import sys

import av
import pytest

from workers.video.writing.encoders import CODECS, EncoderError, choose_encoder, why_not


def works(_encoder: str) -> None:
    return None


def broken(_encoder: str) -> str:
    return "no hardware"


@pytest.mark.parametrize(
    ("choice", "system", "chosen"),
    [
        ("auto", "linux", "x264"),
        ("auto", "darwin", "videotoolbox"),
        ("x264", "darwin", "x264"),
        ("videotoolbox", "darwin", "videotoolbox"),
    ],
)
def test_macs_use_their_hardware_unless_told_otherwise(choice, system, chosen):
    said: list[str] = []
    assert choose_encoder(choice, said.append, system=system, fault=works) == chosen
    assert said == []


def test_a_mac_whose_hardware_does_not_work_says_so_and_uses_x264():
    said: list[str] = []
    assert choose_encoder("auto", said.append, system="darwin", fault=broken) == "x264"
    (line,) = said
    assert "no hardware" in line
    assert "x264" in line


def test_an_encoder_asked_for_by_name_is_never_replaced():
    with pytest.raises(EncoderError, match=r"no hardware\): choose --encoder x264"):
        choose_encoder("videotoolbox", lambda _: None, system="darwin", fault=broken)


def test_x264_works_here():
    assert why_not("x264") is None


@pytest.mark.skipif(
    CODECS["videotoolbox"] in av.codec.codecs_available, reason="this FFmpeg has VideoToolbox"
)
def test_an_encoder_that_ffmpeg_lacks_is_named():
    assert why_not("videotoolbox") == (
        "this machine cannot encode with h264_videotoolbox: choose one of libx264"
    )


def test_an_encoder_that_hangs_is_given_up():
    assert why_not("x264", patience=0.0) == "it had encoded nothing after 0 s"


@pytest.mark.skipif(sys.platform != "darwin", reason="VideoToolbox is a Mac's")
def test_a_macs_own_encoder_is_tried():
    reason = why_not("videotoolbox")
    assert reason is None or "\n" not in reason
