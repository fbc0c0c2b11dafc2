"""A recording's folder: what is replaced in which order, so that one with a run.json is whole."""

import pytest

from tasks.outputs.folder import output_names, put_in_place
from tasks.outputs.run_record import RUN_FILE

NAMES = output_names("smile")


def filled(folder, content):
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(content)
    return folder


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_the_new_files_replace_the_old_ones_and_what_is_no_longer_made_goes(tmp_path):
    folder, partial = filled(tmp_path / "smile", "old"), filled(tmp_path / "partial", "new")
    (partial / "smile_debug.mp4").unlink()
    (folder / "notes.txt").write_text("somebody's own")
    put_in_place(partial, folder, NAMES)
    made = dict.fromkeys(set(NAMES) - {"smile_debug.mp4"}, "new")
    assert contents(folder) == made | {"notes.txt": "somebody's own"}


@pytest.mark.parametrize("obstacle", NAMES[:-1])
def test_a_folder_that_could_not_be_replaced_as_a_whole_has_no_run_record(tmp_path, obstacle):
    """A folder of that name stands in the way of one file, whichever comes first."""
    folder, partial = filled(tmp_path / "smile", "old"), filled(tmp_path / "partial", "new")
    (folder / obstacle).unlink()
    (folder / obstacle).mkdir()
    with pytest.raises(OSError, match="directory"):
        put_in_place(partial, folder, NAMES)
    assert NAMES[-1] == RUN_FILE
    assert RUN_FILE not in contents(folder)
