"""Which frames a damaged packet spoils: it, and what is decoded from it."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence


class DamageRecord:
    """Damage among the packets of a segment.

    places: for the number of each packet its place in decode order. Numbers rise in
        presentation order.
    key_numbers: those at which decoding can start.

    A decoder patches a damaged frame from its neighbours and goes on, and what it predicts from
    the patch is wrong without being marked. So everything is spoiled that is decoded after a
    damaged packet and shown before the next key frame.
    """

    def __init__(self, places: Mapping[int, int], key_numbers: Sequence[int]) -> None:
        self._places = places
        self._key_numbers = sorted(key_numbers)
        self._damage: set[tuple[int, float]] = set()

    def add(self, number: int) -> None:
        """Notes that the packet of this number is damaged."""
        later = bisect_right(self._key_numbers, number)
        end = self._key_numbers[later] if later < len(self._key_numbers) else math.inf
        self._damage.add((self._places[number], end))

    def spoils(self, number: int) -> bool:
        """Whether the frame of this number may be wrong."""
        place = self._places[number]
        return any(begin <= place and number < end for begin, end in self._damage)
