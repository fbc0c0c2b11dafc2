"""Which settings go together."""

import pytest

from ops.analysis_choices import chosen_analysis, chosen_rest
from ops.errors import UsageError


def chosen(**given):
    defaults = {
        "landmarks": None,
        "aus": "openface3",
        "faces": "mirrored",
        "smoothing": "none",
        "au_labels": "openface3",
        "flip": False,
        "debug_video": False,
        "fast": False,
    }
    return chosen_analysis(**(defaults | given))


@pytest.mark.parametrize(("aus", "landmarks"), [("openface3", "star98"), ("openface2", "clnf68")])
def test_each_au_method_has_its_landmarks(aus, landmarks):
    assert chosen(aus=aus).landmarks == landmarks
    assert chosen(aus=aus, landmarks="pfld68").landmarks == "pfld68"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"aus": "openface2", "landmarks": "star98"}, "leave out --landmarks star98"),
        ({"aus": "openface2", "au_labels": "face-mirror-1"}, "renames OpenFace 3's scores"),
        ({"fast": True, "landmarks": "clnf68"}, "--fast is for star98 and pfld68"),
        ({"fast": True, "aus": "openface2"}, "Add --landmarks pfld68, or leave --fast out"),
        ({"faces": "original"}, "needs --aus openface2"),
        (
            {"aus": "openface2", "faces": "original", "smoothing": "face-mirror-1"},
            "leave it out with --faces original",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_with_what_to_do(given, said):
    with pytest.raises(UsageError, match=said):
        chosen(**given)


def test_the_original_face_gives_no_mirrored_videos():
    assert chosen(aus="openface2", faces="original").videos == ()
    assert chosen(aus="openface2", faces="original", debug_video=True).videos == ("debug",)
    assert chosen(debug_video=True).videos == ("left", "right", "debug")


@pytest.mark.parametrize(
    ("said", "meant"), [(None, None), ("2-3.5", (2.0, 3.5)), (" 0 - 1 ", (0.0, 1.0))]
)
def test_rest_is_said_as_two_times(said, meant):
    assert chosen_rest(said) == meant


@pytest.mark.parametrize("said", ["2", "3-2", "2-2", "-1-2", "a-b", "", "1-2-3"])
def test_what_is_no_two_times_is_no_rest(said):
    with pytest.raises(UsageError, match=r"--rest .*: give two times in seconds, like 2-3\.5"):
        chosen_rest(said)
