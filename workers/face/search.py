"""Searching a whole picture for faces, whatever their size and however bad the picture.

The detector sees a picture of a fixed size, so a larger one is shrunk to it, and a small face in it
is lost; and in a dark or noisy picture it sees faces better when they are small, because shrinking
averages the noise away. So where the first look finds nothing, a thorough search looks again: at
the picture shrunk further, and at parts of it that are shrunk less. Of these looks the one counts
that is surest of a face.
"""

from collections.abc import Iterator
from typing import Protocol

import cv2
import numpy as np

from workers.arrays import Floats, Image
from workers.face.boxes import Detections, suppress

FACE_SCORE = 0.5
"""Below this score of the detector there is no face (upstream's threshold)."""

SURE_SCORE = 0.8
"""What a further look must reach: many looks see something somewhere."""

SHRUNK_FURTHER = (0.5, 0.25)
ENLARGEMENT = 3.0
"""Each finer look sees faces larger by this factor than the one before."""

FINEST = 0.5
"""At this scale the detector sees a face of 40 px well; a smaller one is not worth measuring."""

OVERLAP = 0.25
"""Of neighbouring parts, as a share of a part: no face that was too small before is cut by both."""

SAME_FACE = 0.4
"""Detections of neighbouring parts that overlap by this much are one face (NMS, as upstream)."""


class Detector(Protocol):
    """Finds faces in a picture; side: px of the longest picture that it does not shrink."""

    side: int

    def detect(self, picture: Image, minimum_score: float = ...) -> Detections:
        """Faces of at least the given score; boxes in px of the picture."""
        ...


def search(detector: Detector, frame: Image, thorough: bool) -> Detections:
    """The faces in a frame; boxes in px of it. thorough: do not give up after one look."""
    found = detector.detect(frame, FACE_SCORE)
    if len(found) or not thorough:
        return found
    return max(_further_looks(detector, frame), key=lambda look: look.scores.max(initial=0.0))


def _further_looks(detector: Detector, frame: Image) -> Iterator[Detections]:
    fitted = min(1.0, detector.side / max(frame.shape[:2]))
    for factor in SHRUNK_FURTHER:
        yield _detect_shrunk(detector, frame, fitted * factor)
    scale = fitted
    while scale < FINEST:
        scale = min(1.0, scale * ENLARGEMENT)
        yield _detect_in_parts(detector, frame, scale)


def _detect_shrunk(detector: Detector, frame: Image, scale: float) -> Detections:
    size = [max(1, round(length * scale)) for length in frame.shape[1::-1]]
    shrunk = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    found = detector.detect(shrunk, SURE_SCORE)
    return Detections(found.boxes / scale, found.scores)


def _detect_in_parts(detector: Detector, frame: Image, scale: float) -> Detections:
    """Faces in parts of a frame, each as large as the detector sees at this scale."""
    side = int(detector.side / scale)
    boxes: list[Floats] = [np.zeros((0, 4))]
    scores: list[Floats] = [np.zeros(0)]
    for top in part_starts(frame.shape[0], side):
        for left in part_starts(frame.shape[1], side):
            found = detector.detect(frame[top : top + side, left : left + side], SURE_SCORE)
            boxes.append(found.boxes + np.array([left, top, left, top]))
            scores.append(found.scores)
    every, score = np.concatenate(boxes), np.concatenate(scores)
    kept = suppress(every, score, SAME_FACE)
    return Detections(every[kept], score[kept])


def part_starts(length: int, side: int) -> list[int]:
    """Where parts of a side begin that cover a length evenly and overlap by OVERLAP or more."""
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (side * (1.0 - OVERLAP)))) + 1
    return [round(start) for start in np.linspace(0, length - side, count)]
