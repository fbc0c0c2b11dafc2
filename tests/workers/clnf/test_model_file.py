"""The packed models are loaded with OpenFace's settings, or refused."""

import numpy as np
import pytest

from tests.stand_ins.landmark_models import dot_shapes
from weights.manifest import WeightsError
from workers.clnf.fitting import Schedule
from workers.clnf.model_file import landmark_models, load_landmark_models, schedule_of


def test_what_was_packed_is_loaded(dot_models):
    shapes = dot_shapes()
    models = {"face": dot_models.face} | {
        name: part.model for name, part in dot_models.parts.items()
    }
    assert list(models) == ["face", "inner", "right_eye", "left_eye"]
    for name, model in models.items():
        np.testing.assert_allclose(model.shape.mean, shapes[name].mean)
        np.testing.assert_allclose(model.shape.modes, shapes[name].modes)
        np.testing.assert_allclose(model.shape.variances, shapes[name].variances)
    assert [one.scaling for one in dot_models.face.experts] == [0.25, 0.35, 0.5]
    assert [one.scaling for one in models["left_eye"].experts] == [1.0, 1.5]
    assert dot_models.validator.nearest_view(np.array([0.0, 0.5, 0.0])) == 1


def test_finer_scales_are_freer_and_look_farther():
    assert schedule_of(0.25) == Schedule(25.0, 1.5, None)
    assert schedule_of(0.5) == Schedule(10.0, 1.75, None)
    middle = schedule_of(0.35)
    assert middle.regularisation == pytest.approx(17.72, abs=5e-3)
    assert middle.sigma == pytest.approx(1.6214, abs=1e-4)
    assert schedule_of(1.0).regularisation == 0.001


def test_models_without_a_validator_are_loaded(dot_models_file):
    with np.load(dot_models_file) as file:
        arrays = {name: file[name] for name in file.files if not name.startswith("validator")}
    assert landmark_models(arrays).validator is None


def test_a_file_of_another_version_is_refused(dot_models_file, tmp_path):
    with np.load(dot_models_file) as file:
        arrays = dict(file)
    path = tmp_path / "clnf68.npz"
    np.savez(path, **{**arrays, "format": np.asarray(2)})
    with pytest.raises(WeightsError, match=r"clnf68\.npz .*format is 2, not 1.*weights convert"):
        load_landmark_models(path)
    del arrays["inner/shape/modes"]
    np.savez(path, **arrays)
    with pytest.raises(WeightsError, match=r"shape/modes|'modes'"):
        load_landmark_models(path)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\3\4broken"])
def test_a_file_of_something_else_is_refused_by_name(content, tmp_path):
    path = tmp_path / "clnf68.npz"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"clnf68\.npz holds no landmark models"):
        load_landmark_models(path)


def test_code_inside_a_file_is_not_run(tmp_path):
    path = tmp_path / "clnf68.npz"
    np.savez(path, format=np.array([print], dtype=object))
    with pytest.raises(WeightsError, match="allow_pickle"):
        load_landmark_models(path)
