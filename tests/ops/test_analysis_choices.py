"""Which settings go together."""

import pytest

from ops.analysis_choices import chosen_analysis
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
