"""What a decoded frame takes to become the picture that is analysed.

    python -m ops.bench.pictures [--width 1920] [--height 1080]

CPU time of one thread, ms a frame: the median of some.
"""

import statistics
import time
from typing import Annotated

import cv2
import numpy as np
import typer
from av.video.frame import VideoFrame

from workers.video.pictures.colour import Colour
from workers.video.pictures.picture import FrameFormat, upright_picture

BT2020, LIMITED, TOP_FIRST = 9, 1, 2
REPEATS = 9


def noise(width: int, height: int) -> VideoFrame:
    """A frame of 10-bit 4:2:0 noise."""
    frame = VideoFrame(width, height, "yuv420p10le")
    dice = np.random.default_rng(1)
    for plane in frame.planes:
        samples = dice.integers(64, 940, plane.buffer_size // 2, dtype=np.uint16)
        plane.update(samples.tobytes())
    frame.colorspace, frame.color_range = BT2020, LIMITED
    return frame


def kinds(width: int, height: int) -> dict[str, FrameFormat]:
    """What is measured, by its name."""

    def form(
        colour: Colour, square_width: int = width, declared_field_order: int = 0
    ) -> FrameFormat:
        return FrameFormat(
            width=width,
            height=height,
            square_width=square_width,
            square_height=height,
            colour=colour,
            declared_field_order=declared_field_order,
        )

    sdr = Colour()
    return {
        "as it is": form(sdr),
        "pixels of 4:3 made square": form(sdr, width * 4 // 3),
        "deinterlaced": form(sdr, declared_field_order=TOP_FIRST),
        "HLG to SDR": form(Colour(transfer="hlg", primaries="bt2020")),
        "PQ to SDR": form(Colour(transfer="pq", primaries="bt2020")),
        "Display P3 to BT.709": form(Colour(primaries="display-p3")),
    }


def milliseconds(frame: VideoFrame, form: FrameFormat) -> float:
    """CPU time of a frame; tables are made before."""
    frame.color_trc = {"sdr": 1, "pq": 16, "hlg": 18}[form.colour.transfer]
    frame.color_primaries = {"bt709": 1, "bt2020": 9, "display-p3": 12}[form.colour.primaries]
    upright_picture(frame, form)
    taken = []
    for _ in range(REPEATS):
        begun = time.process_time()
        upright_picture(frame, form)
        taken.append(time.process_time() - begun)
    return 1000 * statistics.median(taken)


def main(
    width: Annotated[int, typer.Option()] = 1920, height: Annotated[int, typer.Option()] = 1080
) -> None:
    """Measure every kind."""
    cv2.setNumThreads(1)
    frame = noise(width, height)
    for name, form in kinds(width, height).items():
        typer.echo(f"{name:28} {milliseconds(frame, form):7.1f} ms")


if __name__ == "__main__":
    typer.run(main)
