"""What a decoder has to be told before its first packet."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self, cast

import av
from av.video.codeccontext import VideoCodecContext

from workers.video import VideoError

# FFmpeg reads this far beyond the end, and wants zeros there (AV_INPUT_BUFFER_PADDING_SIZE).
_PADDING = bytes(64)
_NO_TAG = "\0\0\0\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecParameters:
    """A stream's codec, so that another process decodes it as the recording's own stream does.

    name: FFmpeg's decoder. tag: the container's four characters for the codec, which tell raw
        formats apart. extradata: what the container keeps before the first packet.
    width, height, pixel_format, bits: what the container says of a coded picture; a codec that
        says it itself overrides them. bits: of a coded sample, 0 where it is not said.
    colorspace, color_range, color_primaries, color_trc: FFmpeg's AVColorSpace, AVColorRange,
        AVColorPrimaries and AVColorTransferCharacteristic.
    field_order: AVFieldOrder. reorder_depth: how many frames the decoder holds back to reorder.
    pixel_aspect: width and height of a pixel, (0, 1) where they are not said.
    """

    name: str
    tag: str
    extradata: bytes
    width: int
    height: int
    pixel_format: str
    bits: int
    colorspace: int
    color_range: int
    color_primaries: int
    color_trc: int
    field_order: int
    reorder_depth: int
    pixel_aspect: tuple[int, int]

    @classmethod
    def of(cls, context: VideoCodecContext) -> Self:
        """Those of a stream from which nothing has been decoded yet."""
        return cls(
            name=context.name,
            tag=_tag(context),
            extradata=context.extradata or b"",
            width=context.width,
            height=context.height,
            pixel_format=context.pix_fmt or "",
            bits=context.bits_per_coded_sample,
            colorspace=context.colorspace,
            color_range=context.color_range,
            color_primaries=context.color_primaries,
            color_trc=context.color_trc,
            field_order=context.field_order,
            reorder_depth=context.reorder_depth,
            pixel_aspect=exact(context.sample_aspect_ratio).as_integer_ratio(),
        )

    def decoder(self) -> VideoCodecContext:
        """A new decoder. Raises VideoError where this FFmpeg lacks the codec."""
        try:
            context = cast(VideoCodecContext, av.CodecContext.create(self.name, "r"))
        except av.codec.codec.UnknownCodecError as error:
            raise VideoError(
                f"this machine's FFmpeg has no decoder {self.name}: install PyAV's own wheel, "
                "as on the machine that read the recording"
            ) from error
        # One thread: what a damaged packet does to its neighbours depends on how many there are.
        context.thread_count = 1
        if self.extradata:
            context.extradata = self.extradata + _PADDING
            context.extradata = self.extradata
        context.codec_tag = self.tag
        context.width, context.height = self.width, self.height
        if self.pixel_format:
            context.pix_fmt = self.pixel_format
        context.bits_per_coded_sample = self.bits
        context.colorspace, context.color_range = self.colorspace, self.color_range
        context.color_primaries, context.color_trc = self.color_primaries, self.color_trc
        context.field_order = self.field_order
        context.reorder_depth = self.reorder_depth
        context.sample_aspect_ratio = Fraction(*self.pixel_aspect)
        return context


def exact(ratio: Any) -> Fraction:
    """A ratio of PyAV's, whose kind depends on its version; 0 where it has none."""
    return Fraction(ratio.numerator, ratio.denominator) if ratio else Fraction(0)


def _tag(context: VideoCodecContext) -> str:
    try:
        return context.codec_tag
    except UnicodeDecodeError:
        # PyAV reads ASCII only. MPEG-TS has such tags, and no decoder looks at those.
        return _NO_TAG
