"""What becomes of a recording on the whole way, beside what decoding its file directly gives."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from tests.decoded_chunks import decode_chunks
from workers.video import VideoError
from workers.video.pictures.deinterlacing import is_interlaced
from workers.video.pictures.picture import upright_picture
from workers.video.reading.index import NOT_SHOWN, VideoIndex, read_index
from workers.video.segments.planning import plan_chunks
from workers.video.segments.probe import check_cut

CHUNK_FRAMES = 12


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """pictures: upright BGR of each frame, None for one that is empty; difference: the largest of
    any pixel's value, of 255, from the directly decoded frame; woven: how many frames were made of
    two fields; refused: the words, or nothing."""

    index: VideoIndex | None
    pictures: list[NDArray[np.uint8] | None]
    difference: int
    woven: int = 0
    refused: str = ""

    @property
    def empty(self) -> int:
        """How many frames have no picture."""
        return sum(picture is None for picture in self.pictures)


def outcome(path: Path) -> Outcome:
    """Lists, tries, cuts and decodes a recording as the pipeline does."""
    try:
        index = read_index(path)
        spans = plan_chunks(index.key_frames, CHUNK_FRAMES, history=4, anchor=10)
        check_cut(path, index, spans)
        woven: set[int] = set()
        pictures = decode_chunks(path, index, CHUNK_FRAMES, woven.add)
    except VideoError as error:
        return Outcome(None, [], 0, refused=str(error))
    differences = [
        int(np.abs(picture.astype(int) - other).max())
        for frame, picture in directly_decoded(path, index).items()
        if (other := pictures[frame]) is not None
    ]
    assert differences, f"{path.name}: nothing to compare"
    return Outcome(index, pictures, max(differences), len(woven))


def directly_decoded(path: Path, index: VideoIndex) -> dict[int, NDArray[np.uint8]]:
    """The pictures as the file's own decoder gives them, by the frame that their packet holds."""
    pictures: dict[int, NDArray[np.uint8]] = {}
    with av.open(str(path), options={"fflags": "+genpts"}) as container:
        stream = container.streams.video[0]
        packets = (packet for packet in container.demux(stream) if packet.size)
        for place, packet in enumerate(chain(packets, [None])):
            if packet is not None:
                packet.pts = place
            try:
                frames = stream.codec_context.decode(packet)
            except av.FFmpegError:
                continue
            for frame in frames:
                number = index.packet_frames[frame.pts or 0]
                if number != NOT_SHOWN:
                    pictures[number] = _picture(frame, index)
    return pictures


def _picture(frame: VideoFrame, index: VideoIndex) -> NDArray[np.uint8]:
    form = index.form
    square = (form.square_width, form.square_height) == (form.width, form.height)
    woven = is_interlaced(frame, form.declared_field_order)
    if square and form.colour.is_sdr and not woven and not index.rotation:
        return frame.reformat(format="bgr24", interpolation="BICUBIC").to_ndarray()
    return upright_picture(frame, form, index.rotation)
