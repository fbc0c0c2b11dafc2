"""What OpenFace 2's AU models look at in a face: the masked picture's gradients, and its shape."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats, Image, Tensor
from workers.aus.openface2.fhog import LENGTH as HOG_LENGTH
from workers.aus.openface2.fhog import fhog
from workers.aus.openface2.running_median import Binning, Bins
from workers.face.crops.alignment import aligned, aligning_map
from workers.face.crops.face_mask import face_mask
from workers.face.shape.shape_fit import ShapeFit, fit_shape
from workers.face.shape.shape_model import ShapeModel

HOG_BINNING = Binning(low=-0.005, high=1.0, count=1000)
GEOMETRY_BINNING = Binning(low=-60.0, high=60.0, count=10000)


@dataclass(frozen=True, slots=True, eq=False)
class FaceDescriptor:
    """hog: (4464,); fit: the shape model in px of the frame."""

    hog: Tensor
    fit: ShapeFit

    @property
    def hog_bins(self) -> Bins:
        """Where the gradients fall for the running median: (4464,)."""
        return HOG_BINNING.bins(self.hog.astype(np.float64))

    def features(self, model: ShapeModel) -> Floats:
        """All features (4702,) in the order of the AU models."""
        return np.concatenate([self.hog, geometry(model, self.fit.local)])


def describe(
    model: ShapeModel, triangles: NDArray[np.intp], frame: Image, points: Floats
) -> FaceDescriptor:
    """The descriptor of a face by its landmarks (68, 2), px of the frame.

    Raises ValueError where the landmarks are no face's.
    """
    fit = fit_shape(model, points)
    to_aligned = aligning_map(model, fit, points)
    face = aligned(frame, to_aligned)
    face *= face_mask(points, to_aligned, triangles)[..., None]
    return FaceDescriptor(fhog(face), fit)


def geometry(model: ShapeModel, local: Floats) -> Floats:
    """A shape's features (204 + M,): how far each point is from the mean shape, mm, x, y, z; and
    the shape's parameters (M,)."""
    return np.concatenate([model.deformation(local).reshape(-1), local])


def feature_count(model: ShapeModel) -> int:
    """How many features a face has."""
    return HOG_LENGTH + model.mean.size + model.variances.size
