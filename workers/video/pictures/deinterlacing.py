"""A frame woven from two fields, made a picture of one moment."""

from av.filter import Graph
from av.video.frame import VideoFrame

from workers.video import VideoError

# AVFieldOrder: which field is shown first, where the container says it.
_TOP_FIRST, _BOTTOM_FIRST = (2, 5), (3, 4)

# These decoders say of each frame whether it is interlaced, and know it better than the container.
_FLAGGING = (
    *("h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vc1", "vc1image", "wmv3", "wmv3image"),
    *("dvvideo", "prores", "dnxhd", "cfhd", "utvideo"),
)


def declared_field_order(codec: str, field_order: int) -> int:
    """The container's AVFieldOrder where that alone says that every frame is interlaced, else 0."""
    interlaced = field_order in (*_TOP_FIRST, *_BOTTOM_FIRST)
    return field_order if interlaced and codec not in _FLAGGING else 0


def is_interlaced(frame: VideoFrame, declared: int) -> bool:
    """Whether the frame is woven from two fields. declared: see `declared_field_order`."""
    return frame.interlaced_frame or bool(declared)


def refuse_lone_fields(frame: VideoFrame, codec: str) -> None:
    """HEVC codes the fields of interlaced video as pictures of their own, of half the height."""
    if codec == "hevc" and frame.interlaced_frame:
        raise VideoError(
            "an interlaced HEVC recording keeps each field as a picture of half the height: "
            "export it again, deinterlaced"
        )


def deinterlaced(frame: VideoFrame, declared: int) -> VideoFrame:
    """One picture for one frame: its first field, with the lines between interpolated.

    libavfilter's estdif, which follows edges and looks at no other frame, so that nothing depends
    on where a chunk begins. declared: see `declared_field_order`.
    """
    parity = "auto"
    if declared:
        parity = "tff" if declared in _TOP_FIRST else "bff"
    graph = Graph()
    graph.threads = 1
    source = graph.add(
        "buffer",
        video_size=f"{frame.width}x{frame.height}",
        pix_fmt=frame.format.name,
        time_base="1/1",
        pixel_aspect="1/1",
        # Else packed formats, which estdif does not take, are converted by another matrix.
        colorspace=str(frame.colorspace),
        range=str(frame.color_range),
    )
    filtered = graph.add("estdif", f"mode=frame:parity={parity}:deint=all")
    sink = graph.add("buffersink")
    graph.link_nodes(source, filtered, sink)
    graph.configure()
    source.push(frame)
    source.push(None)
    picture = sink.pull()
    assert isinstance(picture, VideoFrame)
    picture.colorspace, picture.color_range = frame.colorspace, frame.color_range
    picture.color_trc, picture.color_primaries = frame.color_trc, frame.color_primaries
    return picture
