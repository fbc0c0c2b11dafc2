"""From pictures to the compressed bytes of one side of one chunk."""

import io
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from workers.video import VideoError
from workers.video.writing.encoded_segment import BIT_EXACT, EncodedSegment

# Frames are encoded as if at this rate, so that all segments of a recording share one parameter
# set; their true times stand in the segment's header.
_NOMINAL_RATE = 30
_BT709 = 1  # the value in AVColorSpace, AVColorPrimaries and AVColorTransferCharacteristic
# SWS_ACCURATE_RND and SWS_BITEXACT, which PyAV names from 18 on
_EXACT_SCALING = int(Interpolation.BICUBIC) | 0x40000 | 0x80000
_OPTIONS = {
    # What `veryfast` gives, in size and PSNR, for three quarters of its time: `superfast`, but with
    # the lookahead, which halves the size, and finer motion (ops/bench/README.md).
    "libx264": {
        "crf": "18",
        "preset": "superfast",
        "x264-params": "mbtree=1:subme=2:weightp=0",
    },
    # Hardware of a Mac; not reproducible byte for byte. No constant quality on every chip, so
    # the rate is fixed by the picture's size.
    "h264_videotoolbox": {"realtime": "0", "allow_sw": "0"},
}
_HARDWARE_BITS_PER_PIXEL = 6
_MOST_LOOKAHEAD, _FEWEST_LOOKAHEAD = 10, 2
_LOOKAHEAD_BYTES = 40 << 20


class SegmentEncoder:
    """Encodes BGR pictures to an H.264 segment that `join_segments` joins without re-encoding.

    width, height: pixels of the pictures; an odd one is padded by repeating the last column or
        row, since 4:2:0 video has even sizes.
    time_base: seconds a tick of the times given to `write`.
    codec: `libx264` gives the same bytes for the same pictures; `h264_videotoolbox` (macOS) is
        faster and does not.

    The first frame is a key frame and no frame is reordered. Colours are BT.709, limited range,
    and tagged so. What is held in memory is the compressed bytes and the pictures of lookahead:
    ten, or fewer of large ones.

    Raises VideoError where this FFmpeg lacks the codec.
    """

    def __init__(
        self, width: int, height: int, time_base: Fraction, codec: str = "libx264"
    ) -> None:
        if codec not in _OPTIONS or codec not in av.codec.codecs_available:
            raise VideoError(
                f"this machine cannot encode with {codec}: choose one of "
                f"{', '.join(sorted(_OPTIONS.keys() & av.codec.codecs_available))}"
            )
        self._width, self._height = width, height
        self._time_base = time_base
        self._pts: list[int] = []
        self._buffer = io.BytesIO()
        self._output = av.open(self._buffer, "w", format="nut", options=BIT_EXACT)
        stream = self._output.add_stream(codec, rate=_NOMINAL_RATE, options=_OPTIONS[codec])
        self._stream = cast(VideoStream, stream)
        self._reformatter = VideoReformatter()
        self._configure(self._stream.codec_context, codec)

    def _configure(self, context: VideoCodecContext, codec: str) -> None:
        context.width = self._width + self._width % 2
        context.height = self._height + self._height % 2
        context.pix_fmt = "yuv420p"
        context.max_b_frames = 0
        context.thread_count = 1
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = ColorRange.MPEG
        if codec == "libx264":
            context.options = {
                **_OPTIONS[codec],
                "rc-lookahead": str(lookahead(context.width, context.height)),
            }
        else:
            context.bit_rate = context.width * context.height * _HARDWARE_BITS_PER_PIXEL

    def write(self, frame_bgr: NDArray[np.uint8], pts: int) -> None:
        """Adds a picture, BGR (height, width, 3), uint8, shown at `pts` ticks.

        Times may be negative and may repeat, but not fall. Raises ValueError otherwise, and for
        a picture of another shape.
        """
        if frame_bgr.shape != (self._height, self._width, 3) or frame_bgr.dtype != np.uint8:
            raise ValueError(
                f"a picture is {frame_bgr.dtype} {frame_bgr.shape}, "
                f"not uint8 {(self._height, self._width, 3)}"
            )
        if self._pts and pts < self._pts[-1]:
            raise ValueError(f"a picture at {pts} ticks comes after one at {self._pts[-1]}")
        frame = _to_yuv(frame_bgr, self._reformatter)
        frame.pts = len(self._pts)
        frame.time_base = Fraction(1, _NOMINAL_RATE)
        self._pts.append(pts)
        self._output.mux(self._stream.encode(frame))

    def finish(self) -> bytes:
        """The segment. The encoder is of no use afterwards."""
        if self._pts:
            self._output.mux(self._stream.encode(None))
        self._output.close()
        segment = EncodedSegment(
            pts=tuple(self._pts),
            numerator=self._time_base.numerator,
            denominator=self._time_base.denominator,
            nut=self._buffer.getvalue(),
        )
        return segment.to_bytes()


def lookahead(width: int, height: int) -> int:
    """How many pictures the encoder looks ahead: x264 keeps several times their bytes."""
    return max(
        _FEWEST_LOOKAHEAD, min(_MOST_LOOKAHEAD, _LOOKAHEAD_BYTES // (width * height * 3 // 2))
    )


def _to_yuv(picture: NDArray[np.uint8], reformatter: VideoReformatter) -> VideoFrame:
    """In one thread, like the encoding: the cores belong to other processes, and to models."""
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return reformatter.reformat(
        VideoFrame.from_numpy_buffer(np.ascontiguousarray(picture), format="bgr24"),
        format="yuv420p",
        interpolation=_EXACT_SCALING,
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        threads=1,
    )
