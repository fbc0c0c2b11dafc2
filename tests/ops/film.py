"""Writing pictures as recordings."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from weights.demo.appearance import Image
from workers.video.writing.encoding import SegmentEncoder
from workers.video.writing.joining import join_segments


def write_film(path: Path, pictures: Iterable[Image], rate: int) -> None:
    encoder = None
    for number, picture in enumerate(pictures):
        if encoder is None:
            encoder = SegmentEncoder(picture.shape[1], picture.shape[0], Fraction(1, rate))
        encoder.write(picture, number)
    assert encoder is not None
    join_segments([encoder.finish()], path, Fraction(1, rate))


def write_lossless_film(path: Path, pictures: list[Image], rate: int) -> None:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=rate)
        stream.pix_fmt = "bgr0"
        stream.height, stream.width = pictures[0].shape[:2]
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
