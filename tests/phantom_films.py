"""A phantom that talks and moves: pictures for recordings."""

from weights.demo.appearance import Image
from weights.demo.exercises import Exercise, Recording, frames
from weights.demo.face_shape import Activations, SideActivations

MOVED = SideActivations(au12=1.0, au25=1.0, au26=0.6, au01=0.5, au45=0.7)
RATE = 30


def talking(count: int, height: float = 0.6) -> list[Image]:
    """That many BGR pictures (480, 640, 3): it walks, rolls and moves, the left side half as far.

    height: of the face, as a share of the picture's.
    """
    peak = Activations(left=MOVED.scaled(0.5), right=MOVED)
    script = tuple(Exercise("talk", start, start + 1.4, peak) for start in range(0, 60, 2))
    moving = Recording(
        seed=90001,
        face=height,
        walk=0.004,
        tilting=4.0,
        width=640,
        height=480,
        rate=RATE,
        seconds=count / RATE,
    )
    return [frame.picture for frame in frames(moving, script)]
