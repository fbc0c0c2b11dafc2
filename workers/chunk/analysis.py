"""One chunk of a recording: from compressed frames to numbers and mirrored videos.

Composes the parts: decode → track the face → midline → mirror → measure both sides → encode.
Every frame is decoded, searched and encoded once; the AUs are measured on the mirrored frames while
these are in memory. What comes out depends on the recording, the settings, the models and the
provider alone, never on where the chunk begins.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from workers.arrays import Floats, Image
from workers.aus.labels import FaceKind
from workers.aus.measurers import FaceMeasurer
from workers.chunk.analysed_frame import AnalysedFrame
from workers.chunk.order import ChunkOrder, VideoName
from workers.chunk.overlap import depth_for, prefetched
from workers.chunk.rows import ChunkRows, ChunkRowsBuilder, FrameRow, no_shape
from workers.chunk.stage_timer import StageTimer
from workers.chunk.videos import ChunkVideos
from workers.face.analysed_face import AnalysedFace
from workers.face.boxes import apart
from workers.face.head_pose import head_pose
from workers.face.midline import midline
from workers.face.mirroring import Side, mirror
from workers.face.scheme import LandmarkScheme
from workers.face.shape.camera_pose import camera_pose
from workers.face.shape.shape_model import ShapeModel
from workers.face.smoothing import smoothed
from workers.face.tracking import SeenFrame, TrackedFace
from workers.session.loading import Models
from workers.video.segments.decoding import decode_segment
from workers.video.writing.encoders import Encoder


@dataclass(frozen=True, slots=True, eq=False)
class ChunkAnalysis:
    """rows: the numbers; segments: compressed video by name (left, right, debug); seconds,
    cpu_seconds: spent by stage, the only things here that differ from run to run; deinterlaced: how
    many frames were woven from two fields."""

    rows: ChunkRows
    segments: dict[VideoName, bytes]
    seconds: dict[str, float]
    cpu_seconds: dict[str, float]
    deinterlaced: int = 0


def analyse_chunk(
    order: ChunkOrder,
    segment: bytes,
    models: Models,
    on_frame: Callable[[int], None] = lambda _: None,
    encoder: Encoder = "x264",
) -> ChunkAnalysis:
    """Analyse one chunk.

    segment: the recording's packets that hold the frames of `order.pts`; on_frame is told the
    number of finished frames; encoder: of the videos. Raises VideoError where the segment cannot be
    read, or this machine lacks the encoder.
    """
    timer = StageTimer()
    measurer = models.measurer(order.settings.faces)
    woven: list[int] = []
    rows = ChunkRowsBuilder(
        order.frames,
        models.landmarker.scheme.count,
        measurer.of_no_face(),
        models.shape_numbers,
    )
    with ChunkVideos(order, timer, encoder) as videos:
        for frame in _followed(order, segment, models, timer, woven.append):
            if frame.index < order.start:
                continue
            with timer.stage("aus"):
                row = measured(frame, measurer, models.shape_model)
            rows.add(row, frame.picture is not None, frame.faces)
            videos.write(frame, order.pts[frame.index - order.first])
            on_frame(frame.index - order.start + 1)
        segments = videos.finish()
    deinterlaced = sum(order.start <= index < order.stop for index in woven)
    return ChunkAnalysis(rows.finish(), segments, timer.seconds, timer.cpu_seconds, deinterlaced)


def _followed(
    order: ChunkOrder,
    segment: bytes,
    models: Models,
    timer: StageTimer,
    on_woven: Callable[[int], None],
) -> Iterator[AnalysedFrame]:
    """Frames [first, stop) with the face followed through them and mirrored from `start` on."""
    settings = order.settings
    decoded = decode_segment(segment, order.pts, order.rotation, settings.flip, on_woven)
    scheme = models.landmarker.scheme
    window: deque[TrackedFace | None] = deque(maxlen=settings.lookback + 1)
    for seen in _seen(order, decoded, models, timer):
        index, picture, face = seen.index, seen.picture, seen.sighting.face
        window.append(face)
        if index < order.start or picture is None or face is None:
            yield AnalysedFrame(index, picture, seen.sighting.faces)
            continue
        with timer.stage("mirror"):
            found = analysed_face(picture, face, list(window), scheme, settings.faces)
        yield AnalysedFrame(index, picture, seen.sighting.faces, found)


def _seen(
    order: ChunkOrder, decoded: Iterator[Image | None], models: Models, timer: StageTimer
) -> Iterator[SeenFrame]:
    """Frames [first, stop) with the face followed through them."""
    follower = models.follower(order.stop, order.settings.fast, order.picture_bytes)
    pictures = prefetched(timer.timed_items("decode", decoded), depth_for(order.picture_bytes))
    for index, picture in enumerate(pictures, order.first):
        for seen in timer.timed_items("track", follower.take(index, picture)):
            if seen.index < order.stop:
                yield seen
    for seen in timer.timed_items("track", follower.finish()):
        if seen.index < order.stop:
            yield seen


def analysed_face(
    picture: Image,
    face: TrackedFace,
    window: list[TrackedFace | None],
    scheme: LandmarkScheme,
    kind: FaceKind = "mirrored",
) -> AnalysedFace | None:
    """A face with its midline and, where those are wanted, its two mirrored frames.

    window: the faces of the frames that are averaged, this one last. None where the landmarks give
    no midline, or one that leaves a half empty.
    """
    history = points_of_same_face(window)
    line = midline(history, scheme)
    if line is None:
        return None
    points = smoothed(history)
    sides = line.distance(points)
    if not sides.min() < 0.0 < sides.max():
        return None
    mirrored: dict[Side, Image] = mirror(picture, line) if kind == "mirrored" else {}
    return AnalysedFace(face, points, line, head_pose(face.points, scheme), mirrored)


def points_of_same_face(window: list[TrackedFace | None]) -> list[Floats | None]:
    """The landmarks in a window, None before the face was another one.

    A face whose box does not overlap the one before it is another face: two people are never
    averaged. It depends on the window alone, so chunks stay independent.
    """
    same: list[Floats | None] = []
    later: TrackedFace | None = None
    for face in reversed(window):
        if face is not None and later is not None and apart(face.box, later.box):
            return [None] * (len(window) - len(same)) + same
        same.insert(0, None if face is None else face.points)
        later = face or later
    return same


def measured(
    frame: AnalysedFrame, measurer: FaceMeasurer, shape_model: ShapeModel | None
) -> FrameRow | None:
    """The numbers of a frame; None where no face was measured.

    shape_model: that of the landmarks' fit, if they come with one.
    """
    if frame.found is None or frame.picture is None:
        return None
    aus = measurer.measure(frame.index, frame.picture, frame.found)
    if aus is None:
        return None
    face = frame.found.face
    return FrameRow(
        confidence=face.confidence,
        box=face.box,
        points=face.points,
        pose=frame.found.pose.values(),
        aus=aus,
        shape=_shape_of(face, frame.picture, shape_model),
        irises=face.irises,
        followed=face.followed,
    )


def _shape_of(face: TrackedFace, picture: Image, model: ShapeModel | None) -> Floats:
    if face.fit is None or model is None:
        return no_shape()
    height, width = picture.shape[:2]
    seen = camera_pose(model, face.fit, face.points, width, height)
    return np.concatenate([face.fit.values(), seen.values()])
