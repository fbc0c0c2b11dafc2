"""Every kind of recording comes through with the pixels of its file, or is refused in words."""

from pathlib import Path

import pytest
from av.codec.codec import UnknownCodecError

from tests.cameras.case import Case
from tests.cameras.outcome import Outcome
from tests.cameras.table import CASES, made, off_the_standard, table

README = Path(__file__).resolve().parents[3] / "README.md"


def outcome_of(case: Case) -> Outcome:
    try:
        return made(case)
    except UnknownCodecError as error:
        pytest.skip(f"this FFmpeg has no encoder {error}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_comes_through_exactly_or_is_refused_with_a_reason(case: Case) -> None:
    found = outcome_of(case)
    if case.refused:
        assert case.refused in found.refused
        assert "\n" not in found.refused
        return
    assert found.refused == ""
    assert (found.difference, found.empty) == (0, case.empty)
    if case.chart is not None:
        assert off_the_standard(case, found) < 0.01


def test_the_readmes_table_is_what_was_measured() -> None:
    for case in CASES:
        outcome_of(case)
    text = README.read_text(encoding="utf-8").splitlines()
    for line in table():
        assert line in text
