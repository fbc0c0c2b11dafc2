"""The phantom as a patient: scripts of exercises, and the frames of its recording."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from weights.demo.appearance import Appearance, Image
from weights.demo.face_shape import AUS, SIDES, Activations, SideActivations
from weights.demo.phantom import render
from weights.demo.pose import FacePose, Truth, truth

FACE_WIDTH = 0.8
"""Width of the resting face in units of its height."""

FURTHEST_TILT = 15.0
TURN_SECONDS, NOD_SECONDS = 2.0, 1.6
"""How long it takes to turn and to nod to both sides and back."""

RAMP = 0.6
"""Seconds that a movement takes to its peak, and back, unless said otherwise."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """A movement from start to stop, s: up and down in `ramp`, held at `peak` in between."""

    name: str
    start: float
    stop: float
    peak: Activations
    ramp: float = RAMP

    def strength(self, time: float) -> float:
        """How much of the peak is reached at a time, s; 0 to 1, smooth."""
        t = float(np.clip(min(time - self.start, self.stop - time) / self.ramp, 0.0, 1.0))
        return t * t * (3.0 - 2.0 * t)

    @property
    def hold(self) -> tuple[float, float]:
        """The time, s, while the peak is held."""
        return self.start + self.ramp, self.stop - self.ramp

    def weakened(self, left_factor: float) -> "Exercise":
        """The same exercise of a patient whose left side moves less by a factor."""
        return replace(self, peak=replace(self.peak, left=self.peak.left.scaled(left_factor)))


Script = tuple[Exercise, ...]
"""Exercises that follow each other without overlap."""

_MOVEMENTS = (
    ("brows up", SideActivations(au01=1.0, au02=1.0)),
    ("eyes shut", SideActivations(au45=1.0)),
    ("smile", SideActivations(au06=0.8, au12=1.0)),
    ("snarl", SideActivations(au04=0.8, au09=1.0)),
    ("lips apart", SideActivations(au25=1.0, au26=0.8)),
)


def exercises(left_factor: float) -> Script:
    """20 s: rest, then five exercises that together drive all nine AUs.

    left_factor: how far the patient's left side moves, 1 as far as the right.
    """
    script = [Exercise("rest", 0.0, 2.0, Activations())]
    for number, (name, movement) in enumerate(_MOVEMENTS):
        start = 2.0 + 3.6 * number
        exercise = Exercise(name, start, start + 3.0, Activations(movement, movement))
        script.append(exercise.weakened(left_factor))
    return tuple(script)


def one_by_one(seconds: float = 2.0) -> Script:
    """Every AU of every side fully and alone, named like `left au12`, with rest between them."""
    script = []
    for number, (side, au) in enumerate((side, au) for side in SIDES for au in AUS):
        moved = SideActivations(**{au: 1.0})
        peak = Activations(left=moved) if side == "left" else Activations(right=moved)
        start = 1.0 + (seconds + 0.4) * number
        script.append(Exercise(f"{side} {au}", start, start + seconds, peak))
    return tuple(script)


def activations_at(time: float, script: Script) -> Activations:
    """What the patient does at a time, s."""
    for exercise in script:
        if exercise.start <= time < exercise.stop:
            strength, peak = exercise.strength(time), exercise.peak
            return Activations(peak.left.scaled(strength), peak.right.scaled(strength))
    return Activations()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """How a phantom is filmed.

    seed: of its appearance; face: height of its box as a share of the frame's; roll: degrees;
    sway: how far the head wanders, as a share of its height; walk: how far it walks to and fro
    from frame to frame, as a share of the face's width; tilting: how fast it rolls to and fro,
    degrees a second; turn, nod: how far it turns and nods to and fro, degrees; width, height: px;
    rate: frames/s.
    """

    seed: int = 0
    face: float = 0.5
    roll: float = 0.0
    sway: float = 0.03
    walk: float = 0.0
    tilting: float = 0.0
    turn: float = 0.0
    nod: float = 0.0
    width: int = 1280
    height: int = 720
    rate: int = 30
    seconds: float = 20.0

    @property
    def count(self) -> int:
        """How many frames it has."""
        return round(self.seconds * self.rate)


@dataclass(frozen=True, slots=True, eq=False)
class PhantomFrame:
    """One frame with everything that is true about it; time: s."""

    index: int
    time: float
    picture: Image
    activations: Activations
    truth: Truth


def pose_at(time: float, recording: Recording) -> FacePose:
    """Where the head is at a time, s: it sways slowly about the middle of the frame."""
    height, sway = recording.face * recording.height, recording.sway
    turns = 2 * np.pi * time
    room = max(0.0, recording.width / 2 - 0.6 * height)
    step = recording.walk * FACE_WIDTH * height * recording.rate
    return FacePose(
        x=recording.width / 2
        + sway * height * float(np.sin(turns / 7.0))
        + to_and_fro(step * time, room),
        y=recording.height / 2 + 0.5 * sway * height * float(np.sin(turns / 5.0 + 1.0)),
        height=height * (1.0 + 0.3 * sway * float(np.sin(turns / 11.0))),
        roll=recording.roll
        + 50 * sway * float(np.sin(turns / 9.0))
        + to_and_fro(recording.tilting * time, FURTHEST_TILT),
        yaw=recording.turn * float(np.sin(turns / TURN_SECONDS)),
        pitch=recording.nod * float(np.sin(turns / NOD_SECONDS)),
    )


def to_and_fro(way: float, reach: float) -> float:
    """Where somebody is who has gone a way from 0 and turns back at -reach and reach."""
    if reach == 0.0:
        return 0.0
    return abs((way - reach) % (4 * reach) - 2 * reach) - reach


def frames(recording: Recording, script: Script) -> Iterator[PhantomFrame]:
    """The frames of a recording of the script, in order."""
    look = Appearance.from_seed(recording.seed)
    for index in range(recording.count):
        time = index / recording.rate
        done, pose = activations_at(time, script), pose_at(time, recording)
        grained = replace(look, grain=index)
        picture = render(pose, done, grained, recording.width, recording.height)
        yield PhantomFrame(index, time, picture, done, truth(pose, done))
