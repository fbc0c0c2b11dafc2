"""Faulty times, and other faults of a recording's course."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from tests.cameras.case import BFRAMES, FRAMES, SHORT, Case, Cases
from tests.faulty_recordings import Times, copied_packets, without_times
from tests.recordings import Recipe, hide_first_ticks, record

SOUND = Recipe(frames=FRAMES, options=BFRAMES)


def times() -> list[Case]:
    made = Cases("Times")
    for suffix in ("mp4", "mkv", "ts"):
        made.add(
            "In decode order",
            f"{suffix.upper()} H.264",
            suffix,
            partial(_retimed, times=lambda t: (33 * t.place, 33 * t.place)),
        )
    made.add("Running back", "TS H.264", "ts", _twice, empty=2)
    made.add(
        "Repeated",
        "MKV H.264",
        "mkv",
        partial(_retimed, times=lambda t: (t.pts - t.pts % 99, 33 * t.place - 300)),
    )
    made.add(
        "Some missing",
        "TS H.264",
        "ts",
        lambda path: without_times(record(path, SOUND), lambda frame: frame % 5 == 2),
    )
    made.add(
        "Most missing",
        "TS H.264",
        "ts",
        lambda path: without_times(record(path, SOUND), lambda frame: frame % 5 > 0),
        refused="only 6 of 30 frames carry times",
    )
    made.add(
        "None",
        "H.264 without a container",
        "h264",
        partial(record, recipe=SOUND),
        refused="only 0 of 30 frames carry times",
    )
    made.add(
        "Negative",
        "TS H.264",
        "ts",
        partial(
            _retimed,
            times=lambda t: (t.pts - 500, 33 * t.place - 600),
            avoid_negative_ts="disabled",
        ),
    )
    uneven = replace(
        SOUND, times=[33 * n + 7 * n % 20 for n in range(FRAMES)], time_base=Fraction(1, 1000)
    )
    made.add("Uneven (variable rate)", "MP4 H.264", "mp4", partial(record, recipe=uneven))
    made.add(
        "An edit list",
        "MP4 H.264",
        "mp4",
        lambda path: hide_first_ticks(record(path, SOUND), 5 * 512),
    )
    started = partial(_started_late, recipe=replace(SOUND, codec="mpeg4", options=SHORT))
    made.add("A start between key frames", "AVI MPEG-4", "avi", started, empty=5)
    made.add("One frame", "MP4 H.264", "mp4", partial(record, recipe=Recipe(frames=1)))
    made.add(
        "A size that changes",
        "TS H.264",
        "ts",
        _growing,
        refused="a recording changes its picture size from 128x96 to 192x96 on the way",
    )
    return made.cases


def _retimed(path: Path, times: Callable[[Times], tuple[int, int | None]], **options: str) -> Path:
    sound = record(path.with_name("sound.mkv"), SOUND)
    return copied_packets(sound, path, times, **options)


def _twice(path: Path) -> Path:
    data = record(path, SOUND).read_bytes()
    path.write_bytes(data + data)
    return path


def _started_late(path: Path, recipe: Recipe) -> Path:
    sound = record(path.with_name(f"sound{path.suffix}"), recipe)
    return copied_packets(sound, path, kept=lambda place: place >= 7)


def _growing(path: Path) -> Path:
    small = record(path, SOUND).read_bytes()
    path.write_bytes(small + record(path, replace(SOUND, width=192)).read_bytes())
    return path
