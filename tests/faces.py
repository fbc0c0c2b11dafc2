"""Pictures as recordings, and recordings as pictures."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def pictures(source: Path, frames: int) -> list[Picture]:
    """The first frames as BGR pictures."""
    with av.open(str(source)) as given:
        decoded = given.decode(video=0)
        return [next(decoded).to_ndarray(format="bgr24") for _ in range(frames)]


def filmed(
    destination: Path,
    shots: list[Picture],
    *,
    pts: Callable[[int], int] = lambda n: n,
    time_base: Fraction = Fraction(1, 30),
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    rotation: int = 0,
    pixels: str = "yuv420p",
) -> Path:
    """A recording of the pictures, at the times `pts` in units of `time_base`.

    options: of the encoder. rotation: degrees, counter-clockwise, of the display matrix that the
    container stores.
    """
    with av.open(str(destination), "w") as made:
        stream = made.add_stream(codec, rate=30, options=options or {"crf": "12"})
        stream.height, stream.width = shots[0].shape[:2]
        stream.pix_fmt = pixels
        stream.codec_context.time_base = stream.time_base = time_base
        if rotation:
            stream.set_display_rotation(rotation)
        for n, shot in enumerate(shots):
            frame = av.VideoFrame.from_ndarray(shot, format="bgr24")
            frame.pts, frame.time_base = pts(n), time_base
            made.mux(stream.encode(frame))
        made.mux(stream.encode())
    return destination
