"""Following the patient's face through a recording by OpenFace 2's tracker.

What it finds in a frame depends on all frames since it began. So that it does not depend on where a
chunk begins, it begins anew at fixed frames of the recording, from other landmarks, some frames
before what it finds counts: by then nothing of where it began is left.

The validator judges each frame. At times it is content with what is no face, so the face detector
has to see one there, too; where either says no, the face is lost, and looked for anew in the same
frame.
"""

from collections.abc import Callable

import cv2
import numpy as np

from workers.arrays import Floats, Image
from workers.clnf.sampling import Grey
from workers.clnf.tracker import Followed, LandmarkTracker
from workers.face.boxes import most_prominent
from workers.face.landmarker import Landmarker
from workers.face.search import FACE_SCORE, Detector, search
from workers.face.shape.shape_fit import ShapeFit
from workers.face.tracking import (
    NOTHING,
    Margins,
    Sighting,
    TrackedFace,
    plausible,
    verified_score,
)

RESTART = 50
"""A track counts from a frame index that this divides, up to the next."""

WARM_UP = 10
"""Frames before that in which it begins. Where it began shows for about so long."""

SAME_FACE_OVERLAP = 0.5
"""How much the detector's box overlaps that around the landmarks, where they are a face's."""


class FaceTrack:
    """One track: it begins with a search of the whole picture; frames come in order."""

    def __init__(
        self,
        seeker: Detector,
        verifier: Detector,
        landmarker: Landmarker,
        tracker: LandmarkTracker,
    ) -> None:
        """landmarker: gives the landmarks from which the tracker starts."""
        self._seeker = seeker
        self._verifier = verifier
        self._landmarker = landmarker
        self._tracker = tracker
        self.faces: int | None = None
        """How many the whole picture had when the track began; None before."""
        self._last: tuple[TrackedFace, ShapeFit] | None = None

    def step(self, frame: Image, grey: Grey) -> Sighting:
        """What is seen in the next frame."""
        sighting = None if self._last is None else self._follow(frame, grey, *self._last)
        if sighting is None:
            sighting = self._seek(frame, grey)
        if self.faces is None:
            self.faces = sighting.faces
        if sighting.face is not None and sighting.face.fit is not None:
            self._last = sighting.face, sighting.face.fit
        return sighting

    def _follow(
        self, frame: Image, grey: Grey, last: TrackedFace, fit: ShapeFit
    ) -> Sighting | None:
        found = self._tracker.follow(grey, fit)
        face = self._believed(frame, found, last.margins)
        if face is None:
            box = np.rint(last.margins.around(last.points))
            if verified_score(self._verifier, frame, box) >= FACE_SCORE:
                face = self._started(frame, grey, box, last.margins)
        return None if face is None else Sighting(face, faces=None)

    def _seek(self, frame: Image, grey: Grey) -> Sighting:
        found = search(self._seeker, frame, thorough=self.faces is None)
        if not len(found):
            return Sighting(face=None, faces=0)
        box = found.boxes[most_prominent(found)]
        return Sighting(self._started(frame, grey, box, None), faces=len(found))

    def _started(
        self, frame: Image, grey: Grey, box: Floats, margins: Margins | None
    ) -> TrackedFace | None:
        """The face in a box, from other landmarks of it. margins: None for those of this box."""
        points = self._landmarker.locate(frame, np.trunc(box)).points
        if not plausible(points, box):
            return None
        found = self._tracker.follow(grey, points)
        return self._believed(frame, found, margins or Margins.between(box, found.points))

    def _believed(self, frame: Image, found: Followed, margins: Margins) -> TrackedFace | None:
        if not found.success:
            return None
        box = margins.around(found.points)
        score = verified_score(self._verifier, frame, box, SAME_FACE_OVERLAP)
        if score < FACE_SCORE:
            return None
        confidence = score if found.certainty is None else (1.0 - found.certainty) / 2.0
        return TrackedFace(box, found.points, margins, confidence, found.fit, found.irises)


class RestartedTracker:
    """Tracks one after the other, each in its frames of the recording."""

    def __init__(self, begin: Callable[[], FaceTrack], stop: int) -> None:
        """begin: gives a new track; stop: the index behind the last frame."""
        self._begin = begin
        self._stop = stop
        self._track: FaceTrack | None = None
        self._next: FaceTrack | None = None

    def step(self, index: int, frame: Image | None) -> Sighting:
        """See `workers.face.tracking.Tracker`."""
        counts_from = index + WARM_UP
        wanted = counts_from % RESTART == 0 and counts_from < self._stop
        if wanted or (self._track is None and self._next is None):
            self._next = self._begin()
        takes_over = index % RESTART == 0 and self._next is not None
        if takes_over:
            self._track, self._next = self._next, None
        if frame is None:
            return NOTHING
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        sightings = [
            track.step(frame, grey) for track in (self._track, self._next) if track is not None
        ]
        if takes_over and self._track is not None:
            # It has searched the whole picture before it counted.
            return Sighting(sightings[0].face, self._track.faces)
        return sightings[0]
