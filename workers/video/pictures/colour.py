"""What a recording says of its colours, and whether they have to be converted to BT.709."""

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame

from workers.video import VideoError

Transfer = Literal["sdr", "hlg", "pq"]
Primaries = Literal["bt709", "bt2020", "display-p3"]

HLG_PEAK = 1000.0
"""cd/m²: the display for which HLG is shown (ITU-R BT.2100, the OOTF with a gamma of 1.2)."""

# FFmpeg's AVColorTransferCharacteristic, AVColorPrimaries and AVColorSpace: ITU-T H.273's numbers.
_TRANSFERS: dict[int, Transfer] = {16: "pq", 18: "hlg"}
_PRIMARIES: dict[int, Primaries] = {9: "bt2020", 12: "display-p3"}
_UNSPECIFIED = 2
_NOT_FOR_VIEWING = {8: "linear light", 9: "logarithms", 10: "logarithms", 17: "SMPTE 428 (cinema)"}
_RGB_MATRIX, _BT2020_MATRIX = 0, 9
_DOLBY_VISION_ONLY = ("dvh1", "dvhe", "dva1", "dvav", "dav1")
_MATRICES = (1, _UNSPECIFIED, 4, 5, 6, 7, _BT2020_MATRIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """transfer: from signal to light; primaries: which red, green and blue, BT.709's standing for
    BT.601's as well, which hardly differ; peak: cd/m² of the brightest that HDR may show."""

    transfer: Transfer = "sdr"
    primaries: Primaries = "bt709"
    peak: float = HLG_PEAK

    @property
    def is_sdr(self) -> bool:
        """Whether pictures are BT.709's as they are."""
        return self.transfer == "sdr" and self.primaries == "bt709"

    def agrees_with(self, frame: VideoFrame) -> bool:
        """Whether a later frame is tagged as the first one was."""
        return (self.transfer, self.primaries) == _tags(frame)


def colour_of(frame: VideoFrame, codec_tag: str, name: str) -> Colour:
    """The colours of a recording by its first frame. codec_tag: the container's name for its codec.

    Raises VideoError for what cannot be shown rightly. name: the file's.
    """
    if unusual := _NOT_FOR_VIEWING.get(frame.color_trc):
        raise VideoError(
            f"{name}: its colours are stored as {unusual}, which no camera records for viewing: "
            "export it again as BT.709"
        )
    if codec_tag in _DOLBY_VISION_ONLY and frame.color_trc == _UNSPECIFIED:
        raise VideoError(
            f"{name}: is Dolby Vision without a base that others can show (profile 5): export it "
            "again as SDR"
        )
    transfer, primaries = _tags(frame)
    return Colour(
        transfer=transfer,
        primaries=primaries,
        peak=_pq_peak(frame) if transfer == "pq" else HLG_PEAK,
    )


def matrix_of(frame: VideoFrame) -> int:
    """The AVColorSpace by which a frame's Y'CbCr becomes R'G'B'.

    Where none is stated it is left so, and BT.601 is taken, as OpenCV does; but BT.2020's where its
    primaries are. Raises VideoError for one that FFmpeg would take for another.
    """
    matrix = frame.colorspace
    one_component = len(frame.format.components) == 1
    if frame.format.is_rgb or frame.format.has_palette or one_component:
        return matrix
    if matrix == _UNSPECIFIED and _tags(frame)[1] == "bt2020":
        return _BT2020_MATRIX
    if matrix not in _MATRICES:
        raise VideoError(
            f"the recording's colour matrix (number {matrix} of ITU-T H.273) is not supported: "
            "export it again with BT.709's"
        )
    return matrix


def _tags(frame: VideoFrame) -> tuple[Transfer, Primaries]:
    transfer = _TRANSFERS.get(frame.color_trc, "sdr")
    unsaid: Primaries = "bt709" if transfer == "sdr" else "bt2020"
    said = frame.color_primaries
    if said == _UNSPECIFIED:
        return transfer, unsaid
    return transfer, _PRIMARIES.get(said, "bt709")


def _pq_peak(frame: VideoFrame) -> float:
    """cd/m²: the content's own maximum, else that of the display it was graded on, else 1000."""
    light = _side_data(frame, "CONTENT_LIGHT_LEVEL")
    display = _side_data(frame, "MASTERING_DISPLAY_METADATA")
    if light and (maximum := int(np.frombuffer(light, np.uint32)[0])):
        return float(maximum)
    if display:
        # AVMasteringDisplayMetadata: sixteen 32-bit numbers of chromaticities, then the least and
        # the greatest luminance as fractions, and whether each half is filled in.
        numbers = np.frombuffer(display, np.int32)
        numerator, denominator, filled = (int(numbers[at]) for at in (18, 19, 21))
        if filled and denominator > 0 and numerator > 0:
            return numerator / denominator
    return HLG_PEAK


def _side_data(frame: VideoFrame, kind: str) -> bytes:
    found = cast(SideData | None, frame.side_data.get(kind))
    return b"" if found is None else bytes(found)
