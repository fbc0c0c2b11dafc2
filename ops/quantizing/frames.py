"""Which frames of recordings a model is calibrated with, which ones it is tried on, and these."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workers.arrays import Image
from workers.video.reading.index import VideoIndex, read_index
from workers.video.segments.cutting import cut_segments
from workers.video.segments.decoding import decode_segment
from workers.video.segments.planning import single_frame

HELD = 4
"""Of so many chosen frames one is held back: never calibrated with, to be tried on."""


@dataclass(frozen=True, slots=True)
class ChosenFrames:
    """Frames of one recording, by index, in order. held: those that nothing is calibrated with."""

    path: Path
    index: VideoIndex
    calibrating: tuple[int, ...]
    held: tuple[int, ...]


def chosen_frames(recordings: Iterable[Path], count: int, seed: int = 0) -> list[ChosenFrames]:
    """About `count` frames, evenly from all recordings together, every HELD-th of them held.

    Where the first one lies is drawn by `seed`: the same recordings give the same frames. Raises
    VideoError where a recording cannot be read.
    """
    indices = [(path, read_index(path)) for path in recordings]
    every = max(1, sum(index.frame_count for _, index in indices) // count)
    first = random.Random(seed).randrange(every)
    chosen, before, seen = [], 0, 0
    for path, index in indices:
        frames = [n for n in range(index.frame_count) if (before + n) % every == first]
        before += index.frame_count
        places = range(seen, seen + len(frames))
        seen += len(frames)
        chosen.append(
            ChosenFrames(
                path=path,
                index=index,
                calibrating=tuple(f for f, k in zip(frames, places, strict=True) if k % HELD),
                held=tuple(f for f, k in zip(frames, places, strict=True) if not k % HELD),
            )
        )
    return chosen


def pictures(path: Path, index: VideoIndex, frames: Iterable[int]) -> Iterator[Image]:
    """The upright BGR pictures of some frames, in order, but for those that cannot be decoded.

    Raises VideoError where the recording is no longer the one that was indexed.
    """
    spans = [single_frame(index.key_frames, frame) for frame in sorted(frames)]
    for span, segment in zip(spans, cut_segments(path, index, spans), strict=True):
        pts = index.pts[span.first : span.stop]
        (picture,) = decode_segment(segment, pts, index.rotation)
        if picture is not None:
            yield picture
