"""Following a face through runs of frames, the landmark model looking at few of them.

A run goes from one anchor to the next, at which the model looks, too. In between, points are
followed by optical flow from the nearest frames before and behind at which it looked; it looks at
the frame that is most doubtful, then at the next, until none is in doubt. The detector sees every
frame. Where it misses the face, or a picture is missing, or an anchor has no face or another one,
the model looks at every frame of that run, as it does without all this.
"""

from collections.abc import Iterable, Iterator

from workers.arrays import Image
from workers.face.flow.followed_run import FollowedRun
from workers.face.flow.neighbours import NeighbourRule
from workers.face.scheme import LandmarkScheme
from workers.face.tracking import ANCHOR, NOTHING, FaceTracker, SeenFrame, Sighting


class RunFollower:
    """A `Follower`. The first frame is an anchor, the last one an anchor or the recording's last:
    so what is seen in a frame depends on nothing before its anchor and behind the next."""

    def __init__(self, tracker: FaceTracker, scheme: LandmarkScheme) -> None:
        """tracker: looks at single frames, in the landmark layout `scheme`."""
        self._tracker = tracker
        self._rule = NeighbourRule(scheme)
        self._indices: list[int] = []
        self._pictures: list[Image | None] = []
        self._opening = NOTHING

    def take(self, index: int, picture: Image | None) -> Iterable[SeenFrame]:
        """See `Follower`: the frames of a run are settled by the anchor behind it."""
        self._indices.append(index)
        self._pictures.append(picture)
        if len(self._indices) == 1:
            self._opening = self._searched(picture)
        elif index % ANCHOR == 0:
            closing = self._searched(picture)
            yield from self._given_out(self._sightings(closing)[:-1])
            self._opening = closing

    def finish(self) -> Iterable[SeenFrame]:
        """See `Follower`: the last frame is searched like an anchor."""
        if len(self._indices) > 1:
            yield from self._given_out(self._sightings(self._searched(self._pictures[-1])))
        elif self._indices:
            yield from self._given_out([self._opening])

    def _searched(self, picture: Image | None) -> Sighting:
        return NOTHING if picture is None else self._tracker.seek(picture, thorough=True)

    def _given_out(self, sightings: list[Sighting]) -> Iterator[SeenFrame]:
        count = len(sightings)
        frames = list(map(SeenFrame, self._indices[:count], self._pictures[:count], sightings))
        del self._indices[:count], self._pictures[:count]
        while frames:  # without holding pictures that were given out
            yield frames.pop(0)

    def _sightings(self, closing: Sighting) -> list[Sighting]:
        """What is seen in each frame of the run, the last one included."""
        return self._followed(closing) or self._looked_at_each()

    def _followed(self, closing: Sighting) -> list[Sighting] | None:
        """None where it is not the same face all the way."""
        pictures = [picture for picture in self._pictures if picture is not None]
        if self._opening.face is None or closing.face is None:
            return None
        if len(pictures) < len(self._pictures):
            return None
        run = FollowedRun(self._tracker, self._rule, pictures, self._opening.face, closing.face)
        faces = run.faces()
        if faces is None:
            return None
        return [self._opening, *(Sighting(face, None) for face in faces[1:-1]), closing]

    def _looked_at_each(self) -> list[Sighting]:
        sightings = [self._opening]
        last = self._opening.face
        for picture in self._pictures[1:]:
            sighting = NOTHING if picture is None else self._tracker.after(last, picture)
            sightings.append(sighting)
            last = sighting.face or last
        return sightings
