"""A part of the face that is fitted once more, with a model of its own.

It starts from the whole face's points in the same frame, whatever it was in the frame before.
"""

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats
from workers.clnf.fitting import LARGE_ENOUGH, LandmarkModel, fit_landmarks
from workers.clnf.sampling import Grey
from workers.face.shape.shape_fit import ShapeFit, fit_shape, upright_over


class Part:
    """A landmark model of N points, n of which are points of the whole face, too."""

    def __init__(
        self,
        model: LandmarkModel,
        of_face: NDArray[np.intp],
        own: NDArray[np.intp],
        windows: tuple[int, ...],
    ) -> None:
        """of_face, own: (n,) the same points, as the whole face and as this part number them;
        windows: of the response maps, one a scale."""
        self.model = model
        self._own = own
        self.windows = windows
        self._shared = model.shape.only(own)
        self.of_face = of_face

    def located(self, grey: Grey, face: Floats) -> ShapeFit | None:
        """The part's own fit to the picture, where the whole face's points are (68, 2), px.

        It is taken however well it fits; None where it has nothing to start from.
        """
        try:
            start = self.start(face)
        except ValueError:
            return None
        return fit_landmarks(self.model, grey, start, self.windows).fit

    def start(self, face: Floats) -> ShapeFit:
        """The shape that is fitted to those of the whole face's points (68, 2) that it shares.

        Where it does not share all of its points, OpenFace takes the extent to start from out of
        the wrong places of their list: the fit begins far off, and comes home. It ends a little
        before it has arrived, so where it begins shows, and is repeated here. Raises ValueError.
        """
        points = face[self.of_face]
        every = np.zeros((2, self.model.shape.mean.shape[1]))
        every[:, self._own] = points.T
        taken = every.reshape(-1)[: 2 * len(points)].reshape(2, -1)
        return fit_shape(self._shared, points, upright_over(self._shared, taken))

    def merged(self, points: Floats, face: Floats) -> Floats:
        """The whole face's points (68, 2) with the part's (N, 2) where it has them."""
        merged = face.copy()
        merged[self.of_face] = points[self._own]
        return merged

    def is_seen_at(self, scale: float) -> bool:
        """Whether a face of this scale, px per mm, is large enough for its first experts."""
        return scale > LARGE_ENOUGH * self.model.experts[0].scaling
