"""No recording's outputs are put over another's, whatever the file system takes for one name."""

from pathlib import Path

import pytest

from ops.recordings import output_names

COMPOSED, DECOMPOSED = "Gr\u00fcn", "Gru\u0308n"


@pytest.mark.parametrize(("one", "other"), [("Smile", "smile"), (COMPOSED, DECOMPOSED)])
def test_names_that_a_mac_takes_for_one_are_told_apart_by_their_suffixes_or_refused(one, other):
    first, second = Path(f"/a/{one}.mp4"), Path(f"/b/{other}.mov")
    assert output_names([first, second]) == {first: f"{one}_mp4", second: f"{other}_mov"}
    with pytest.raises(ValueError, match="would overwrite each other"):
        output_names([first, Path(f"/b/{other}.mp4")])


def test_other_names_stay_as_they_are():
    paths = [Path("/a/smile.mp4"), Path("/a/brows.mp4")]
    assert list(output_names(paths).values()) == ["smile", "brows"]
