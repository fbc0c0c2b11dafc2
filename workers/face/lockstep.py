"""Following a face through several runs at once, so that a network gets their crops together.

Tracking starts anew at each anchor, so the runs between anchors do not depend on each other: the
first frames of all are looked at together, then the second ones. A run's slot in the batch follows
from its place in the recording, so that nothing depends on where a chunk begins.
"""

from collections.abc import Callable, Iterable
from itertools import zip_longest

from workers.arrays import Image
from workers.face.landmarker import BatchLandmarker, Landmarks
from workers.face.tracking import (
    ANCHOR,
    FaceTracker,
    LandmarkRequest,
    Looking,
    SeenFrame,
    Sighting,
)

HELD_BYTES = 96 << 20
"""Of pictures that wait for the runs that are followed with theirs."""

_Waiting = tuple[int, Image | None]


def runs_together(picture_bytes: int, slots: int) -> int:
    """How many runs are followed at once: fewer of large pictures, whose waiting takes memory."""
    return max(1, min(slots, HELD_BYTES // (ANCHOR * picture_bytes)))


class LockstepFollower:
    """A `Follower` of several runs at once; the first frame is an anchor."""

    def __init__(
        self, begin: Callable[[], FaceTracker], landmarker: BatchLandmarker, runs: int
    ) -> None:
        """begin: gives a new tracker, for one run; runs: how many, at most `landmarker.slots`."""
        self._begin = begin
        self._landmarker = landmarker
        self._most = runs
        self._runs: list[list[_Waiting]] = []

    def take(self, index: int, picture: Image | None) -> Iterable[SeenFrame]:
        """See `Follower`: frames are settled when as many runs are whole as are followed."""
        if not self._runs or index % ANCHOR == 0:
            self._runs.append([])
        self._runs[-1].append((index, picture))
        if len(self._runs) == self._most and index % ANCHOR == ANCHOR - 1:
            yield from self.finish()

    def finish(self) -> Iterable[SeenFrame]:
        """See `Follower`."""
        runs, self._runs = self._runs, []
        sightings: dict[int, Sighting] = {}
        trackers = [self._begin() for _ in runs]
        for frames in zip_longest(*runs):
            stepping = {
                frame[0]: tracker.stepping(*frame)
                for frame, tracker in zip(frames, trackers, strict=True)
                if frame is not None
            }
            sightings |= self._answered(stepping)
        for run in runs:
            while run:  # without holding pictures that were given out
                index, picture = run.pop(0)
                yield SeenFrame(index, picture, sightings[index])

    def _answered(self, stepping: dict[int, Looking[Sighting]]) -> dict[int, Sighting]:
        """What comes of looking at frames of several runs, by their index."""
        sightings: dict[int, Sighting] = {}
        answers: dict[int, Landmarks] = {}
        while stepping:
            wanted: dict[int, LandmarkRequest] = {}
            for index, looking in stepping.items():
                try:
                    wanted[index] = (
                        looking.send(answers[index]) if index in answers else next(looking)
                    )
                except StopIteration as ended:
                    sightings[index] = ended.value
            stepping = {index: stepping[index] for index in wanted}
            answers = self._located(wanted)
        return sightings

    def _located(self, wanted: dict[int, LandmarkRequest]) -> dict[int, Landmarks]:
        if not wanted:
            return {}
        slot = {index: index // ANCHOR % self._landmarker.slots for index in wanted}
        found = self._landmarker.locate({slot[i]: (r.frame, r.box) for i, r in wanted.items()})
        return {index: found[slot[index]] for index in wanted}
