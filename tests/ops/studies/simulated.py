"""Studies for simulated sessions: what tests of the queue start and look at."""

from pathlib import Path

from tests.recordings import Recipe, record

SIMULATED = ("--provider", "simulated")


def start_simulated(lab, name="mac-1", workers=2, seconds=0.01, **options):
    return lab.start(
        *(f"worker-{name}", "worker", *SIMULATED, "--simulated-seconds", seconds),
        *("--workers", workers, "--name", name),
        **options,
    )


def analysed(lab, *names: str) -> int:
    """How many chunks the workers have analysed, by their logs."""
    return sum(lab.log(f"worker-{name}").read_text().count(" frames/s") for name in names)


def keys(lab) -> set[str]:
    return {key.decode() for key in lab.client.scan_iter("facemirror:*")}


def recordings_of(folder: Path, count: int, frames: int) -> Path:
    folder.mkdir()
    for n in range(count):
        record(folder / f"r{n}.mp4", Recipe(frames=frames, options=(("g", "20"),)))
    return folder
