"""Pixels as wide as they are high: angles and lengths on a face mean nothing in others."""

from fractions import Fraction

from workers.video import VideoError

_OBLONGEST = 4
"""No camera records pixels more oblong than HDV's 4:3, or anamorphic lenses' 2:1."""

_LONGEST_SIDE = 16_384
"""px; what H.264 can hold (libx264)."""


def square_size(width: int, height: int, pixel_aspect: Fraction, name: str) -> tuple[int, int]:
    """(width, height), px, of a picture once its pixels are square.

    pixel_aspect: width of a pixel over its height. No pixel is given up: wide pixels widen the
    picture, high ones heighten it.

    Raises VideoError for an absurd aspect, and a picture too large to be written. name: the file's.
    """
    if not Fraction(1, _OBLONGEST) <= pixel_aspect <= _OBLONGEST:
        raise VideoError(
            f"{name}: says that its pixels are {float(pixel_aspect):.3g} times as wide as high, "
            "which no camera records: export it again with square pixels"
        )
    if pixel_aspect > 1:
        width = round(width * pixel_aspect)
    else:
        height = round(height / pixel_aspect)
    if max(width, height) > _LONGEST_SIDE:
        raise VideoError(
            f"{name}: its pictures are {width}x{height}, larger than any video that could be "
            f"written ({_LONGEST_SIDE} px): export it again, smaller"
        )
    return width, height
