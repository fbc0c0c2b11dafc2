"""Which frames of a segment are not to be trusted: those that damage spoils, those out of turn."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from workers.video.reading.index import NOT_SHOWN


class DamageRecord:
    """Damage among the packets of a segment.

    frames: for each packet, in decode order, the frame that it holds; NOT_SHOWN for none.
    keys: whether decoding can start at it.

    A decoder patches a damaged frame from its neighbours and goes on, and what it predicts from
    the patch is wrong without being marked. So everything is spoiled that is decoded after a
    damaged packet and shown before the next key frame.
    """

    def __init__(self, frames: Sequence[int], keys: Sequence[bool]) -> None:
        self._frames = frames
        self._key_places = [place for place, key in enumerate(keys) if key]
        self._key_frames = sorted(frames[place] for place in self._key_places)
        self._damage: set[tuple[int, float]] = set()

    def add(self, place: int) -> None:
        """Notes that the packet at this place is damaged."""
        frame = self._frames[place]
        if frame == NOT_SHOWN:
            later = bisect_right(self._key_places, place)
            after = [self._frames[key] for key in self._key_places[later:]]
            end = next((key for key in after if key != NOT_SHOWN), math.inf)
        else:
            later = bisect_right(self._key_frames, frame)
            end = self._key_frames[later] if later < len(self._key_frames) else math.inf
        self._damage.add((place, end))

    def spoils(self, place: int) -> bool:
        """Whether the frame of the packet at this place may be wrong."""
        frame = self._frames[place]
        return any(begin <= place and frame < end for begin, end in self._damage)


class OutputOrder:
    """Which frames come out of the decoder after one that is shown later by the file's times.

    frames, keys: as for DamageRecord. Frames are compared within a group, the packets from one key
    to the next, so that where a segment begins changes nothing.
    """

    def __init__(self, frames: Sequence[int], keys: Sequence[bool]) -> None:
        self._frames = frames
        self._groups = list(accumulate(keys))
        self._latest: dict[int, int] = {}

    def in_turn(self, place: int) -> bool:
        """To be asked once for each frame that comes out, in that order."""
        group, frame = self._groups[place], self._frames[place]
        latest = self._latest.get(group, frame)
        self._latest[group] = max(latest, frame)
        return frame >= latest
