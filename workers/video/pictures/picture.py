"""From a decoded frame to the picture that is analysed."""

from dataclasses import dataclass

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation

from workers.arrays import Image
from workers.video import VideoError
from workers.video.pictures.colour import Colour, matrix_of
from workers.video.pictures.deinterlacing import deinterlaced, is_interlaced
from workers.video.pictures.sdr_tables import EXACT_BICUBIC, sdr_picture

_TURNS = {
    0: None,
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
_LEFT_RIGHT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFormat:
    """What every frame of a recording is, once decoded, and what is made of it.

    width, height: px. square_width, square_height: px once its pixels are square, not yet turned.
    coded_aspect: width and height of a pixel as the decoder says it, (0, 1) where it does not.
    declared_field_order: see `workers.video.pictures.deinterlacing`.
    """

    width: int
    height: int
    square_width: int
    square_height: int
    colour: Colour
    coded_aspect: tuple[int, int] = (0, 1)
    declared_field_order: int = 0


def upright_picture(
    frame: VideoFrame, form: FrameFormat, rotation: int = 0, flip: bool = False
) -> Image:
    """The frame as BGR (height, width, 3): progressive, square pixels, SDR BT.709, upright.

    rotation: clockwise degrees that turn it upright. flip: mirrors left and right after that.

    Raises VideoError where the frame is not what `form` says, or cannot be converted.
    """
    if (frame.width, frame.height) != (form.width, form.height):
        raise VideoError(
            f"a recording changes its picture size from {form.width}x{form.height} to "
            f"{frame.width}x{frame.height} on the way: split it there, or export it again"
        )
    if not form.colour.agrees_with(frame):
        raise VideoError(
            "a recording changes between HDR and SDR, or its primaries, on the way: split it "
            "there, or export it again"
        )
    try:
        bgr = _bgr(frame, form)
    except av.FFmpegError as error:
        raise VideoError(
            f"pictures in the pixel format {frame.format.name} cannot be converted "
            f"({error.strerror}): export the recording again as H.264"
        ) from error
    turn = _TURNS[rotation % 360]
    picture = bgr if turn is None else cv2.rotate(bgr, turn)
    return np.asarray(cv2.flip(picture, _LEFT_RIGHT) if flip else picture, dtype=np.uint8)


def _bgr(frame: VideoFrame, form: FrameFormat) -> Image:
    if is_interlaced(frame, form.declared_field_order):
        frame = deinterlaced(frame, form.declared_field_order)
    frame.colorspace = matrix_of(frame)
    size = (form.square_width, form.square_height)
    if not form.colour.is_sdr:
        return sdr_picture(frame, *size, form.colour)
    # Unscaled as OpenCV does it, odd sizes included: all pixels equal its own.
    scaled = size != (frame.width, frame.height)
    bgr: Image = frame.reformat(
        width=size[0],
        height=size[1],
        format="bgr24",
        interpolation=EXACT_BICUBIC if scaled else int(Interpolation.BICUBIC),
        threads=1,
    ).to_ndarray()  # type: ignore[assignment]
    return bgr
