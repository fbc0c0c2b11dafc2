"""OpenFace 2's own numbers, from landmarks to AUs: golden data of the original program.

`default_own_raw`: OpenFace's landmarks; `default_jitter_raw`: with 1 px of noise.
"""

from dataclasses import dataclass
from functools import cached_property

import av
import numpy as np
import pytest

from tests.shared import shared
from workers.aus.measurers import OpenFace2Measurer
from workers.aus.openface2.descriptor import geometry
from workers.aus.openface2.fhog import fhog
from workers.aus.openface2.models import OpenFace2Models, read_openface2
from workers.aus.openface2.recording import RecordingPredictor
from workers.face.analysed_face import AnalysedFace
from workers.face.boxes import extent
from workers.face.crops.alignment import aligned, aligning_map
from workers.face.crops.face_mask import face_mask
from workers.face.head_pose import UNKNOWN, head_pose
from workers.face.midline import Midline
from workers.face.scheme import IBUG68
from workers.face.shape.shape_fit import fit_shape
from workers.face.tracking import Margins, TrackedFace

OPENFACE2 = shared("openface2")


@dataclass
class Golden:
    """The original program's arrays, the frames it saw, and its models; what we make of them."""

    name: str
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

    @cached_property
    def fits(self):
        return [fit_shape(self.models.shape_model, points) for points in self.arrays["landmarks"]]

    @cached_property
    def maps(self):
        landmarks = self.arrays["landmarks"]
        return [
            aligning_map(self.models.shape_model, fit, points)
            for fit, points in zip(self.fits, landmarks, strict=True)
        ]

    @cached_property
    def predictor(self):
        """The whole recording, by the path that workers and assemble take."""
        measurer = OpenFace2Measurer(self.models, IBUG68, "original")
        made = RecordingPredictor(self.models.shape_model, self.models.predictors)
        upright = Midline(np.zeros(2), np.array([0.0, 1.0]))
        for index, points in enumerate(self.arrays["landmarks"]):
            box = extent(points)
            face = TrackedFace(box, points, Margins.between(box, points), 1.0)
            found = AnalysedFace(face, points, upright, UNKNOWN, {})
            made.add(measurer.measure(index, self.frames[index], found).face(0, 0))
        return made


@pytest.fixture(scope="module")
def goldens(office):
    """Both of the original program's measurements."""
    with av.open(str(office)) as video:
        frames = [frame.to_ndarray(format="bgr24") for frame in video.decode(video=0)]
    models, made = read_openface2(OPENFACE2 / "model"), []
    for name in ("default_jitter_raw", "default_own_raw"):
        with np.load(OPENFACE2 / "golden" / f"{name}.npz") as file:
            made.append(Golden(name, dict(file), frames, models))
    return made


def test_fits_aligned_pixels_the_mask_and_the_gradients(goldens):
    for golden in goldens:
        poses = [[f.pose.scale, *f.pose.angles, *f.pose.translation] for f in golden.fits]
        np.testing.assert_allclose(poses, golden.arrays["params_global"], rtol=0, atol=2e-5)
        local = [f.local for f in golden.fits]
        np.testing.assert_allclose(local, golden.arrays["params_local"], rtol=0, atol=2e-5)
        np.testing.assert_allclose(golden.maps, golden.arrays["warp"], rtol=0, atol=1e-6)
        for index in golden.detailed:
            to_aligned = golden.maps[index]
            face = aligned(golden.frames[index], to_aligned)
            np.testing.assert_array_equal(face, golden.of(index, "aligned_nomask"))
            points = golden.arrays["landmarks"][index]
            mask = face_mask(points, to_aligned, golden.models.triangles)
            np.testing.assert_array_equal(mask, golden.of(index, "mask") > 0)
            np.testing.assert_array_equal(face * mask[..., None], golden.of(index, "aligned"))
            made = fhog(golden.of(index, "aligned"))
            np.testing.assert_allclose(made, golden.of(index, "hog"), rtol=0, atol=1e-5)
        assert len(golden.detailed) >= 2


def test_the_geometry(goldens):
    """Of the same parameters, and of those that are fitted to the landmarks."""
    for golden in goldens:
        shape = golden.models.shape_model
        for index in golden.detailed:
            expected = golden.of(index, "geom")
            same = geometry(shape, golden.arrays["params_local"][index])
            np.testing.assert_allclose(same, expected, rtol=0, atol=1e-6)
            fitted = geometry(shape, golden.fits[index].local)
            np.testing.assert_allclose(fitted, expected, rtol=0, atol=2e-5)


def test_the_final_medians_predictions_and_aus(goldens):
    for golden in goldens:
        predictors, predictor = golden.models.predictors, golden.predictor
        hog, shape = np.split(predictor.median, [4464])
        one_bin = 1.005 / 1000, 120.0 / 10000
        assert np.abs(hog - golden.arrays["final_hog_median"]).max() <= one_bin[0] * 1.001
        assert np.abs(shape - golden.arrays["final_geom_median"]).max() <= one_bin[1] * 1.001
        y = predictor.predictions()
        assert predictors.intensity_aus == tuple(golden.arrays["au_r_names"])
        assert predictors.presence_aus == tuple(golden.arrays["au_c_names"])
        np.testing.assert_allclose(
            predictors.intensities(y), golden.arrays["au_r_repredicted"], rtol=0, atol=1e-3
        )
        differing = predictors.presences(y) != golden.arrays["au_c_repredicted"]
        assert differing.sum() <= 2
        aus = predictor.finish()
        np.testing.assert_allclose(aus.intensities, golden.arrays["au_r"], rtol=0, atol=2e-3)
        assert (aus.presences != golden.arrays["au_c"]).sum() <= 2
        assert golden.arrays["au_c"].size == 5184


def test_openface_says_the_same_of_how_a_real_head_is_turned(goldens):
    """But for the proportions of this person, which shift the angles by some degrees."""
    golden = goldens[1].arrays
    mine = np.array([head_pose(p, IBUG68).values() for p in golden["landmarks"]])
    pitch, yaw, roll = np.degrees(golden["params_global"][:, 1:4]).T
    for angle, theirs in zip(mine.T, (-yaw, -pitch, roll), strict=True):
        assert np.corrcoef(angle, theirs)[0, 1] > 0.95
        assert abs(np.mean(angle - theirs)) < 4.0
