"""Recordings to measure on, made from a given one or drawn."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from rich.console import Console

from ops.demo import film_phantom
from weights.demo.exercises import Recording, exercises
from workers.arrays import Image
from workers.video.writing.encoding import SegmentEncoder
from workers.video.writing.joining import join_segments

RATE = 30
PHANTOM_SEED = 7


def draw_phantom(path: Path, frames: int) -> Path:
    """The drawn patient's first frames, 640×480, 30 a second."""
    recording = Recording(
        seed=PHANTOM_SEED, width=640, height=480, rate=RATE, seconds=frames / RATE
    )
    film_phantom(path, recording, exercises(0.5), Console(quiet=True))
    return path


def film_first_frames(source: Path, path: Path, frames: int, height: int | None = None) -> Path:
    """A recording's first frames anew, as H.264, 30 a second.

    height: of their pictures, None for their own; the width is that of 16:9, with the outermost
    columns repeated or cut off at both sides.
    """
    with av.open(str(source)) as file:
        pictures = (
            np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            for frame in islice(file.decode(video=0), frames)
        )
        _film(path, pictures if height is None else (widescreen(p, height) for p in pictures))
    return path


def _film(path: Path, pictures: Iterable[Image]) -> None:
    encoder: SegmentEncoder | None = None
    for number, picture in enumerate(pictures):
        if encoder is None:
            encoder = SegmentEncoder(picture.shape[1], picture.shape[0], Fraction(1, RATE))
        encoder.write(picture, number)
    if encoder is None:
        raise ValueError("a film of no pictures")
    join_segments([encoder.finish()], path, Fraction(1, RATE))


def widescreen(picture: Image, height: int) -> Image:
    """A picture of this height and 16:9, the given one's middle in its own."""
    factor = height / picture.shape[0]
    size = round(picture.shape[1] * factor), height
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
    width = height * 16 // 9
    missing = max(0, width - size[0])
    left = missing // 2
    padded = cv2.copyMakeBorder(scaled, 0, 0, left, missing - left, cv2.BORDER_REPLICATE)
    first = (padded.shape[1] - width) // 2
    return np.ascontiguousarray(padded[:, first : first + width], np.uint8)


def repeat_film(source: Path, path: Path, times: int) -> Path:
    """A recording over and over, its packets copied: a long one at little cost.

    The source must hold no frame that is predicted from a later one, as those made here do.
    """
    with av.open(str(path), "w") as made:
        stream = None
        offset = 0
        for _ in range(times):
            with av.open(str(source)) as given:
                video = given.streams.video[0]
                stream = stream or made.add_stream_from_template(video)
                end = offset
                for packet in given.demux(video):
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    end = packet.pts + (packet.duration or 0)
                    packet.stream = stream
                    made.mux(packet)
            offset = end
    return path
