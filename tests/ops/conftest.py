"""A lab for the tests of the lab's commands."""

from collections.abc import Iterator

import pytest

from tests.ops.one_machine_lab import LabOnOneMachine, lab_on_one_machine


@pytest.fixture
def lab(tmp_path) -> Iterator[LabOnOneMachine]:
    """A running Redis with a password; the test starts the rest."""
    folder = tmp_path / "lab"
    folder.mkdir()
    with lab_on_one_machine(folder) as made:
        yield made
