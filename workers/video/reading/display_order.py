"""In which order a recording's frames are shown, and when: what its times say, or its decoder.

The decoder's order is the truth. Times give it without decoding, and nearly always agree; where
they do not, the recording was decoded once, and its times are sorted into the decoder's order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NO_TIME = np.iinfo(np.int64).min
"""Stands for a time that the file lacks."""


@dataclass(frozen=True, slots=True, eq=False)
class DisplayOrder:
    """places (frames,): of each frame's packet in decode order; times (frames,): in ticks, rising;
    times_sorted: the file's times contradicted the decoder; times_filled: how many it lacked."""

    places: NDArray[np.int64]
    times: NDArray[np.int64]
    times_sorted: bool
    times_filled: int

    @property
    def delay(self) -> int:
        """How many frames a decoder has to hold back: the most that are decoded before a frame and
        shown after it."""
        decoded = np.argsort(np.argsort(self.places))
        return int(np.max(decoded - np.arange(len(decoded)), initial=0))


def times_contradict(times: NDArray[np.int64], output: NDArray[np.int64]) -> bool:
    """Whether times fall in the order in which a decoder gave frames out.

    times: of each packet. output: the packets' places, as their frames came out.
    """
    shown = times[output]
    return bool(np.any(np.diff(shown[shown != NO_TIME]) < 0))


def times_jump_back(times: NDArray[np.int64], keys: NDArray[np.bool_]) -> bool:
    """Whether a key frame has an earlier time than a frame that is decoded before it.

    All that is decoded before a key frame is shown before it (as in ITU-T H.265, 3.75), so no
    decoder is needed to see this.
    """
    latest = np.maximum.accumulate(times)[:-1]
    own = times[1:]
    return bool(np.any(keys[1:] & (own != NO_TIME) & (own < latest)))


def displayed(
    times: NDArray[np.int64], shown: NDArray[np.bool_], output: NDArray[np.int64] | None = None
) -> DisplayOrder:
    """The frames in the order in which they are shown.

    times, shown: of each packet, in decode order. output: for each packet how many frames the
    decoder gives out before its own; None where times alone are to be believed. Equal times keep
    their decode order, so that every frame is there once.

    Raises ValueError where fewer than half of the frames have times.
    """
    frames = np.flatnonzero(shown)
    order = times if output is None else output
    places = frames[np.argsort(order[frames], kind="stable")]
    own = times[places]
    known = own != NO_TIME
    if 2 * known.sum() < max(1, len(own)):
        raise ValueError(f"{known.sum()} of {len(own)} frames carry times")
    falls = bool(np.any(np.diff(own[known]) < 0))
    rising = np.sort(own[known])
    return DisplayOrder(places, _filled(rising, known), falls, int((~known).sum()))


def _filled(rising: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Times for all frames: unknown ones lie evenly between their neighbours that are known, and
    at both ends go on at the average pace."""
    at = np.flatnonzero(known)
    if len(at) == len(known):
        return rising
    pace = (rising[-1] - rising[0]) / max(1, at[-1] - at[0])
    frames = np.arange(len(known))
    offsets = np.rint(np.interp(frames, at, (rising - rising[0]).astype(np.float64)))
    offsets[: at[0]] = np.rint((frames[: at[0]] - at[0]) * pace)
    offsets[at[-1] :] = offsets[at[-1]] + np.rint((frames[at[-1] :] - at[-1]) * pace)
    filled: NDArray[np.int64] = rising[0] + offsets.astype(np.int64)
    filled[at] = rising
    return filled
