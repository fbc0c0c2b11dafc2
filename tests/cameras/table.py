"""The README's table of what cameras record, measured anew.

python -m tests.cameras.table
"""

import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

import av

from tests.cameras.case import Case
from tests.cameras.codecs import codecs
from tests.cameras.outcome import Outcome, outcome
from tests.cameras.pictures import CHART, colours, pixels, scans
from tests.cameras.times import times
from tests.colour_charts import as_stored, patches, worth

HEAD = "| recorded | stored as | largest difference | what comes out |"


CASES = (*codecs(), *pixels(), *colours(), *scans(), *times())
"""In the table's order."""


def table() -> Iterator[str]:
    """The lines of the table, in Markdown. A row is all cases of one name."""
    yield HEAD
    yield "| --- | --- | --- | --- |"
    for group, cases in groupby(CASES, key=lambda case: case.group):
        yield f"| **{group}** | | | |"
        for row, alike in groupby(cases, key=lambda case: case.row):
            yield _line(row, list(alike))


def _line(row: str, cases: list[Case]) -> str:
    outcomes = [made(case) for case in cases]
    stored = ", ".join(dict.fromkeys(case.stored for case in cases))
    said = dict.fromkeys(remark(case, found) for case, found in zip(cases, outcomes, strict=True))
    differences = [found.difference for found in outcomes if not found.refused]
    worst = str(max(differences)) if differences else "refused"
    return f"| {row} | {stored} | {worst} | {'; '.join(filter(None, said))} |"


@cache
def made(case: Case) -> Outcome:
    """What becomes of a case's recording."""
    with tempfile.TemporaryDirectory() as folder:
        return outcome(case.make(Path(folder) / f"recording.{case.suffix}"))


def remark(case: Case, found: Outcome) -> str:
    """What a reader of the table has to know beside the difference."""
    if found.index is None:
        return f"“{found.refused.removeprefix(f'recording.{case.suffix}: ')}”"
    index, parts = found.index, []
    if index.pixel_aspect != 1:
        parts.append("square pixels")
    if not index.form.colour.is_sdr:
        parts.append("SDR BT.709")
    if case.chart is not None:
        parts.append(f"within {100 * off_the_standard(case, found):.1f} % of the standards' values")
    if found.woven:
        parts.append("deinterlaced")
    if index.times_sorted:
        parts.append("times sorted into the decoder's order")
    if index.times_filled:
        parts.append(f"{index.times_filled} times filled in")
    if found.empty:
        parts.append(f"{found.empty} of {len(found.pictures)} frames empty")
    return ", ".join(parts)


def off_the_standard(case: Case, found: Outcome) -> float:
    """The largest difference of a chart's patches from the standards' SDR values, white being 1."""
    assert case.chart is not None
    picture = found.pictures[1]
    assert picture is not None
    expected = [worth(as_stored(colour, case.chart), case.chart) for colour in CHART]
    shown = patches(picture, len(CHART))
    pairs = zip(sum(shown, ()), sum(expected, ()), strict=True)
    return max(abs(value - right) for value, right in pairs)


if __name__ == "__main__":
    av.logging.set_level(None)
    for line in table():
        print(line)
