"""One kind of recording, and how its file is made."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.colour_charts import Chart
from tests.recordings import Recipe, record

FRAMES = 30
BFRAMES = (("bf", "3"), ("b_strategy", "0"), ("g", "12"), ("sc_threshold", "0"))
GROUPS = (("g", "12"), ("bf", "2"))
SHORT = (("g", "12"),)
X265 = (("x265-params", "log-level=0:keyint=12:bframes=3:b-adapt=0"),)

Make = Callable[[Path], Path]


@dataclass(frozen=True, slots=True)
class Case:
    """A recording. group: a heading of the table; row, stored: its first two cells; suffix: of the
    file; make: writes it; refused: how the words begin if it is refused, behind the file's name;
    empty: how many frames stay without a picture; chart: where the standards' colours are known."""

    group: str
    row: str
    stored: str
    suffix: str
    make: Make
    refused: str = ""
    empty: int = 0
    chart: Chart | None = None

    @property
    def name(self) -> str:
        return f"{self.row}, {self.stored}".replace("/", "-")


@dataclass(slots=True)
class Cases:
    """Collects the cases of a group."""

    group: str
    cases: list[Case] = field(default_factory=list)

    def encoded(self, row: str, codec: str, *stored: str, **recipe: object) -> None:
        """Each stored: SUFFIX PIXEL_FORMAT, and how it is called in the table."""
        for kind in stored:
            suffix, pix_fmt, *called = kind.split(" ", 2)
            made = Recipe(**{"frames": FRAMES, "codec": codec, "pix_fmt": pix_fmt, **recipe})
            name = f"{suffix.upper()} {called[0] if called else pix_fmt}"
            self.add(row, name, suffix, partial(record, recipe=made))

    def add(self, row: str, stored: str, suffix: str, make: Make, **more: object) -> None:
        self.cases.append(Case(self.group, row, stored, suffix, make, **more))
