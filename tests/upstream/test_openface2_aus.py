"""OpenFace 2's own numbers, from landmarks to AUs: golden data of the original program.

`default_own_raw`: OpenFace's landmarks; `default_jitter_raw`: with 1 px of noise.
"""

from dataclasses import dataclass

import av
import numpy as np
import pytest

from tests.shared import shared
from workers.aus.measurers import OpenFace2Measurer
from workers.aus.openface2.descriptor import geometry
from workers.aus.openface2.fhog import fhog
from workers.aus.openface2.models import OpenFace2Models, read_openface2
from workers.aus.openface2.recording import RecordingPredictor
from workers.face.alignment import aligned, aligning_map
from workers.face.analysed_face import AnalysedFace
from workers.face.boxes import extent
from workers.face.face_mask import face_mask
from workers.face.head_pose import UNKNOWN
from workers.face.midline import Midline
from workers.face.scheme import IBUG68
from workers.face.shape_fit import fit_shape
from workers.face.tracking import Margins, TrackedFace


@dataclass(frozen=True)
class Golden:
    """The original program's arrays, the frames it saw, and its models."""

    arrays: dict
    frames: list
    models: OpenFace2Models

    @property
    def detailed(self):
        """Indices of the frames whose pictures are kept."""
        names = [name for name in self.arrays if name.endswith("_aligned")]
        return [int(name.removeprefix("frame").removesuffix("_aligned")) - 1 for name in names]

    def of(self, index, name):
        return self.arrays[f"frame{index + 1}_{name}"]


@pytest.fixture(scope="module", params=["default_jitter_raw", "default_own_raw"])
def golden(request):
    with np.load(shared("openface2", "golden", f"{request.param}.npz")) as file:
        arrays = dict(file)
    with av.open(str(shared("media", "default.wmv"))) as video:
        frames = [frame.to_ndarray(format="bgr24") for frame in video.decode(video=0)]
    return Golden(arrays, frames, read_openface2(shared("openface2", "model")))


@pytest.fixture(scope="module")
def fits(golden):
    return [fit_shape(golden.models.shape_model, points) for points in golden.arrays["landmarks"]]


@pytest.fixture(scope="module")
def maps(golden, fits):
    landmarks = golden.arrays["landmarks"]
    return [
        aligning_map(golden.models.shape_model, fit, points)
        for fit, points in zip(fits, landmarks, strict=True)
    ]


@pytest.fixture(scope="module")
def predictor(golden):
    """The whole recording, by the path that workers and assemble take."""
    measurer = OpenFace2Measurer(golden.models, IBUG68, "original")
    made = RecordingPredictor(golden.models.shape_model, golden.models.predictors)
    upright = Midline(np.zeros(2), np.array([0.0, 1.0]))
    for index, points in enumerate(golden.arrays["landmarks"]):
        box = extent(points)
        face = TrackedFace(box, points, Margins.between(box, points), 1.0)
        found = AnalysedFace(face, points, upright, UNKNOWN, {})
        made.add(measurer.measure(index, golden.frames[index], found).face(0, 0))
    return made


def test_the_fits_parameters(golden, fits):
    poses = [[f.pose.scale, *f.pose.angles, *f.pose.translation] for f in fits]
    np.testing.assert_allclose(poses, golden.arrays["params_global"], rtol=0, atol=2e-5)
    local = [f.local for f in fits]
    np.testing.assert_allclose(local, golden.arrays["params_local"], rtol=0, atol=2e-5)


def test_the_aligning_maps(golden, maps):
    np.testing.assert_allclose(maps, golden.arrays["warp"], rtol=0, atol=1e-6)


def test_the_aligned_pixels_and_the_mask(golden, maps):
    for index in golden.detailed:
        face = aligned(golden.frames[index], maps[index])
        np.testing.assert_array_equal(face, golden.of(index, "aligned_nomask"))
        points = golden.arrays["landmarks"][index]
        mask = face_mask(points, maps[index], golden.models.triangles)
        np.testing.assert_array_equal(mask, golden.of(index, "mask") > 0)
        np.testing.assert_array_equal(face * mask[..., None], golden.of(index, "aligned"))
    assert len(golden.detailed) >= 2


def test_the_gradients(golden):
    for index in golden.detailed:
        made = fhog(golden.of(index, "aligned"))
        np.testing.assert_allclose(made, golden.of(index, "hog"), rtol=0, atol=1e-5)


def test_the_geometry_of_the_same_parameters(golden):
    for index in golden.detailed:
        made = geometry(golden.models.shape_model, golden.arrays["params_local"][index])
        np.testing.assert_allclose(made, golden.of(index, "geom"), rtol=0, atol=1e-6)


def test_the_geometry_from_landmarks_is_as_near_as_the_parameters(golden, fits):
    for index in golden.detailed:
        made = geometry(golden.models.shape_model, fits[index].local)
        np.testing.assert_allclose(made, golden.of(index, "geom"), rtol=0, atol=2e-5)


def test_the_final_medians_within_a_bin(golden, predictor):
    hog, shape = np.split(predictor.median, [4464])
    one_bin = 1.005 / 1000, 120.0 / 10000
    assert np.abs(hog - golden.arrays["final_hog_median"]).max() <= one_bin[0] * 1.001
    assert np.abs(shape - golden.arrays["final_geom_median"]).max() <= one_bin[1] * 1.001


def test_the_predictions_with_the_final_median(golden, predictor):
    predictors, y = golden.models.predictors, predictor.predictions()
    assert predictors.intensity_aus == tuple(golden.arrays["au_r_names"])
    assert predictors.presence_aus == tuple(golden.arrays["au_c_names"])
    np.testing.assert_allclose(
        predictors.intensities(y), golden.arrays["au_r_repredicted"], rtol=0, atol=1e-3
    )
    differing = predictors.presences(y) != golden.arrays["au_c_repredicted"]
    assert differing.sum() <= 2


def test_the_final_aus(golden, predictor):
    aus = predictor.finish()
    np.testing.assert_allclose(aus.intensities, golden.arrays["au_r"], rtol=0, atol=2e-3)
    assert (aus.presences != golden.arrays["au_c"]).sum() <= 2
    assert golden.arrays["au_c"].size == 5184
