"""Whether outputs are kept that are there already."""

import msgspec
import pytest

from tasks.outputs.finished import finished_before
from tasks.outputs.folder import written_names
from tasks.outputs.run_record import encode_run_record
from tests.tasks.outputs.test_run_record import ANALYSIS, FILES, plan, record


@pytest.fixture
def there(tmp_path):
    """The files of a finished recording; returns what finds them for other settings."""
    files = msgspec.structs.replace(FILES, output=str(tmp_path))
    folder = tmp_path / files.name
    folder.mkdir()
    for name in written_names(files.name, ANALYSIS):
        (folder / name).touch()
    made = record()
    (folder / "run.json").write_bytes(encode_run_record(made))

    def found(**changed):
        order = plan().order
        settings = msgspec.structs.replace(order.settings, **changed)
        order = msgspec.structs.replace(order, settings=settings)
        return finished_before(order, files, made.recording.sha256)

    return folder, found


def test_what_is_there_is_kept(there):
    _, found = there
    assert found().kept


def test_another_rest_makes_it_anew(there):
    _, found = there
    assert found(rest=(1.0, 2.0)) is None


@pytest.mark.parametrize("missing", ["smile_measures.csv", "smile_movements.csv"])
def test_outputs_of_before_the_clinical_measures_are_made_anew(there, missing):
    folder, found = there
    (folder / missing).unlink()
    assert found() is None
