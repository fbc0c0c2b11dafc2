"""A recording opened for reading its packets in order."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.packet import Packet
from av.video.stream import VideoStream

from workers.video import VideoError

# AVI stores decode times only; FFmpeg then works out presentation times.
_OPEN_OPTIONS = {"fflags": "+genpts"}
# Cover art is a video stream of one picture.
_ATTACHED_PICTURE = av.stream.Disposition.attached_pic


class VideoSource:
    """The first video stream of a file, as a context manager.

    name: the file's name, for messages.
    stream: PyAV's stream; its codec context decodes.
    read_error: set once the packets are read: why reading stopped before the file's end.

    Raises VideoError on opening what is no readable recording with a video stream.
    """

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        self.name = path.name
        self.read_error: str | None = None
        _refuse_non_files(path)
        try:
            self._container = av.open(str(path), options=_OPEN_OPTIONS)
        except (av.FFmpegError, OSError) as error:
            raise VideoError(_why_unreadable(path, error)) from error
        try:
            self.stream = self._first_video()
        except VideoError:
            self._container.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._container.close()

    @property
    def guesses_times(self) -> bool:
        """Whether presentation times are FFmpeg's guess at frames reordered in several steps."""
        return self._container.format.name == "avi" and self.stream.codec_context.name in (
            "h264",
            "hevc",
        )

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Its packets in decode order; empty ones are left out.

        A read error ends the iteration and is kept in `read_error`: what came before is good.
        """
        try:
            for packet in self._container.demux(self.stream):
                if packet.size:
                    yield packet
        except (av.FFmpegError, OSError) as error:
            self.read_error = str(error)

    def _first_video(self) -> VideoStream:
        for stream in self._container.streams.video:
            if not stream.disposition & _ATTACHED_PICTURE:
                if stream.codec_context is None:
                    raise VideoError(
                        f"{self.name}: this FFmpeg knows no decoder for its video: "
                        "export it again as H.264 in an MP4 file"
                    )
                return stream
        kinds = sorted({stream.type for stream in self._container.streams})
        found = f"only {', '.join(kinds)}" if kinds else "no stream at all"
        raise VideoError(f"{self.name}: holds no video ({found}): submit the video recording")


def _refuse_non_files(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise VideoError(f"{path.name}: cannot be opened at {path} ({error.strerror})") from error
    if path.is_dir():
        raise VideoError(f"{path.name}: is a folder: name the recordings in it")
    if not size:
        raise VideoError(f"{path.name}: is empty (0 bytes): copy it from the camera again")


def _why_unreadable(path: Path, error: Exception) -> str:
    if isinstance(error, PermissionError):
        return f"{path.name}: may not be read by this user: change its permissions"
    with path.open("rb") as file:
        start = file.read(12)
    if start[4:8] in (b"ftyp", b"mdat", b"wide", b"free"):
        return (
            f"{path.name}: the MP4 has no readable table of its frames (moov), so the recording "
            "was not finished or not copied whole: copy it again from the camera"
        )
    return (
        f"{path.name}: is no video that can be read ({getattr(error, 'strerror', None) or error})"
    )
