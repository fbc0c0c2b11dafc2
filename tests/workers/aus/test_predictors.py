"""AU models: their files, what they answer, and what is refused."""

import struct

import numpy as np
import pytest

from weights.manifest import WeightsError
from weights.openface2 import AU_LIST
from workers.aus.openface2.predictors import read_predictors

MEANS, WEIGHTS = np.array([0.5, 0.0, -1.0]), np.array([2.0, -1.0, 0.25])


def matrix(values):
    return struct.pack("<3i", 1, len(values), 6) + np.asarray(values, "<f8").tobytes()


def model(kind, *, cutoff=None, classes=None, bias=0.75, weights=WEIGHTS):
    parts = [struct.pack("<i", kind)]
    if cutoff is not None:
        parts.append(struct.pack("<d", cutoff))
    parts += [matrix(MEANS), matrix(weights), struct.pack("<d", bias)]
    if classes is not None:
        parts.append(struct.pack("<2d", *classes))
    return b"".join(parts)


@pytest.fixture
def folder(tmp_path):
    """OpenFace 2's files, as far as AU models go."""
    models = tmp_path / "AU_predictors"
    (models / "svm").mkdir(parents=True)
    files = {
        "static.dat": model(0),
        "dynamic.dat": model(1, cutoff=0.55),
        "uncut.dat": model(1, cutoff=-1.0),
        "svm/here.dat": model(4, classes=(1.0, 0.0)),
        "svm/gone.dat": model(5, classes=(0.0, 1.0)),
    }
    for name, content in files.items():
        (models / name).write_bytes(content)
    (tmp_path / AU_LIST).write_text(
        "svm/here.dat AU12\nstatic.dat AU04\ndynamic.dat AU01\nuncut.dat AU02\nsvm/gone.dat AU15"
    )
    return tmp_path


def test_each_model_answers_by_its_kind(folder):
    predictors = read_predictors(folder)
    assert predictors.intensity_aus == ("AU04", "AU01", "AU02")
    assert predictors.presence_aus == ("AU12", "AU15")
    assert predictors.cutoffs == (None, 0.55, None)
    assert (len(predictors), predictors.features) == (5, 3)
    features, median = np.array([1.0, 2.0, 3.0]), np.array([0.25, 1.0, 0.5])
    static = (features - MEANS) @ WEIGHTS + 0.75
    dynamic = (features - MEANS - median) @ WEIGHTS + 0.75
    y = predictors.responses(features) - predictors.neutral_responses(median)
    np.testing.assert_allclose(predictors.intensities(y), [static, dynamic, dynamic])
    assert static > 0 > dynamic - 2
    np.testing.assert_array_equal(predictors.presences(y), [static > 0, not dynamic > 0])


def test_a_face_taken_for_its_own_median_leaves_the_bias(folder):
    predictors = read_predictors(folder)
    features = np.array([1.0, 2.0, 3.0])
    responses = predictors.responses(features)
    np.testing.assert_allclose(
        predictors.neutral_of_itself(responses), predictors.neutral_responses(features)
    )


def test_presence_models_may_mean_either_side(folder):
    predictors = read_predictors(folder)
    y = np.array([[0, 0, 0, 1.0, 1.0], [0, 0, 0, -1.0, -1.0], [0, 0, 0, 0.0, 0.0]])
    assert predictors.presences(y).tolist() == [[True, False], [False, True], [False, True]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        model(7),
        model(0)[:-1],
        model(0) + b"more",
        model(0, weights=np.ones(2)),
        b"<html>not found</html>",
    ],
)
def test_a_file_that_is_no_au_model_is_refused_by_name(content, folder):
    (folder / "AU_predictors" / "static.dat").write_bytes(content)
    with pytest.raises(WeightsError, match=r"static\.dat is not an AU model"):
        read_predictors(folder)


@pytest.mark.parametrize("text", ["", "only_a_file.dat", "a.dat AU01 more"])
def test_a_file_that_is_no_list_is_refused(text, folder):
    (folder / AU_LIST).write_text(text)
    with pytest.raises(WeightsError, match=r"AU_all_best\.txt is not a list"):
        read_predictors(folder)


def test_an_au_listed_twice_is_refused(folder):
    (folder / AU_LIST).write_text("static.dat AU04\ndynamic.dat AU04")
    with pytest.raises(WeightsError, match="listed twice"):
        read_predictors(folder)


def test_a_listed_model_that_is_not_there_gives_no_au(folder):
    (folder / "AU_predictors" / "svm" / "gone.dat").unlink()
    assert read_predictors(folder).presence_aus == ("AU12",)
