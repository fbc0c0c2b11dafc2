"""Larger pictures: how fast, where the time goes, how much memory."""

from ops.bench.measuring.figures import Findings
from ops.bench.measuring.films import film_first_frames
from ops.bench.measuring.methods import usable_methods
from ops.bench.measuring.run_figures import add_costs, add_pace, add_traffic
from ops.bench.measuring.setting import Setting
from ops.bench.measuring.whole_run import whole_run

PART = "sizes"
FRAMES = {1080: 80, 2160: 50}
"""Of a recording, by the height of its pictures."""

QUICK_FRAMES = {1080: 10}


def measure(setting: Setting, findings: Findings) -> None:
    """Every method once on each size."""
    for height, frames in (QUICK_FRAMES if setting.quick else FRAMES).items():
        path = setting.folder / f"{height}p.mp4"
        setting.say(f"{PART}: filming {frames} frames of {height} lines")
        film = film_first_frames(setting.recording, path, frames, height)
        for method in usable_methods(setting.weights, findings):
            if method.more:  # what --fast saves is seen at the recording's own size
                continue
            name = f"{method.name}, {height}p"
            setting.say(f"{PART}: {name}")
            options = [*method.options, "--workers", str(setting.workers)]
            runs = [whole_run(film, setting.weights, options)]
            add_pace(findings, PART, name, runs)
            add_costs(findings, PART, name, runs)
            add_traffic(findings, PART, name, runs)
        film.unlink()
