"""In which order the decoder gives a recording's frames out, by decoding all of it."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.video.reading.source import VideoSource
from workers.video.reading.start import decoded


def decoders_order(path: Path, packets: int, reorder_depth: int) -> NDArray[np.int64]:
    """(packets,) how many frames come out before each packet's own.

    A packet that gives none counts as shown right after the one that was decoded before it.
    reorder_depth: how many frames the decoder holds back, as far as it is known. An H.264 decoder
    that learns on the way that it has to hold back more has lost frames until then, so it is told
    and starts again.
    """
    while True:
        with VideoSource(path) as source:
            context = source.stream.codec_context
            told = context.reorder_depth = max(context.reorder_depth, reorder_depth)
            outputs = list(_places_by_output(source))
            reorder_depth = context.reorder_depth
        if reorder_depth <= told:
            return _positions(outputs, packets)


def _positions(outputs: list[int], packets: int) -> NDArray[np.int64]:
    positions = np.full(packets, -1, np.int64)
    positions[outputs] = np.arange(len(outputs))
    for place in range(1, packets):
        if positions[place] < 0:
            positions[place] = positions[place - 1]
    return positions


def _places_by_output(source: VideoSource) -> Iterator[int]:
    for place, packet in enumerate(chain(source.packets(), [None])):
        if packet is not None:
            packet.pts = place
        for frame in decoded(source.stream.codec_context, packet):
            if frame.pts is not None:
                yield frame.pts
