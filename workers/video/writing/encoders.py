"""Which encoder writes a machine's videos.

x264 gives the same bytes on every machine. VideoToolbox is a Mac's hardware: it takes the work off
the cores, and gives other bytes on each chip. No number depends on it. Segments of unlike encoders
cannot be joined, so a recording's arithmetic names the encoder.

    python -m workers.video.writing.encoders ENCODER     tries one

Imports nothing heavy: a worker's parent asks.
"""

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Literal

Encoder = Literal["x264", "videotoolbox"]
EncoderChoice = Literal["auto", "x264", "videotoolbox"]

CODECS: dict[Encoder, str] = {"x264": "libx264", "videotoolbox": "h264_videotoolbox"}
"""FFmpeg's names."""

PATIENCE = 20.0
"""Seconds that an encoder is given to write three pictures."""


class EncoderError(Exception):
    """The encoder that was asked for does not work here; the message says why."""


def why_not(encoder: Encoder, patience: float = PATIENCE) -> str | None:
    """Let another process encode some pictures; None, or one line that says why that failed."""
    program = [sys.executable, "-P", "-m", "workers.video.writing.encoders", encoder]
    try:
        done = subprocess.run(
            program, capture_output=True, text=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it had encoded nothing after {patience:.0f} s"
    if done.returncode == 0:
        return None
    return (done.stderr.strip() or f"trying it ended with {done.returncode}").splitlines()[-1]


def choose_encoder(
    choice: EncoderChoice,
    say: Callable[[str], None],
    *,
    system: str = sys.platform,
    fault: Callable[[Encoder], str | None] = why_not,
) -> Encoder:
    """The encoder for a machine: VideoToolbox on Macs where it works, else x264.

    say: is told where `auto` falls back; system: as `sys.platform` has it; fault: why an encoder
    does not work. Raises EncoderError where the one asked for by name does not.
    """
    if choice == "x264" or (choice == "auto" and system != "darwin"):
        return "x264"
    reason = fault("videotoolbox")
    if reason is None:
        return "videotoolbox"
    if choice == "videotoolbox":
        raise EncoderError(
            f"--encoder videotoolbox does not work here ({reason}): choose --encoder x264"
        )
    say(f"VideoToolbox does not work here ({reason}): x264 writes the videos")
    return "x264"


def main(encoder: Encoder) -> None:
    """Encode three pictures; a line on standard error where that fails."""
    import numpy as np

    from workers.video.writing.encoding import SegmentEncoder

    size = 320, 240
    try:
        tried = SegmentEncoder(*size, Fraction(1, 30), CODECS[encoder])
        for brightness in (0, 100, 200):
            tried.write(np.full((size[1], size[0], 3), brightness, np.uint8), brightness)
        tried.finish()
    except Exception as error:
        sys.exit(str(error) or type(error).__name__)


if __name__ == "__main__":
    main(sys.argv[1])  # type: ignore[arg-type]
