"""The bytes of an encoded segment: one side of one chunk, as the worker gives it back.

Its packets lie in NUT, numbered 0, 1, 2 ..., for NUT refuses negative and equal times; the true
times stand beside it.
"""

from typing import Self

import msgspec

from workers.video import VideoError

BIT_EXACT = {"fflags": "+bitexact"}


class EncodedSegment(msgspec.Struct, frozen=True, kw_only=True):
    """pts: presentation time of each frame, in units of numerator/denominator s; nut: a container
    with one packet a frame."""

    pts: tuple[int, ...]
    numerator: int
    denominator: int
    nut: bytes

    def to_bytes(self) -> bytes:
        """MessagePack."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The segment; VideoError if it is none."""
        try:
            return msgspec.msgpack.decode(data, type=cls)
        except msgspec.DecodeError as error:
            raise VideoError(
                f"{len(data)} bytes are no encoded segment ({error}): analyse the recording again"
            ) from error
