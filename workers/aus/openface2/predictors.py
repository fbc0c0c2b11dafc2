"""OpenFace 2's linear AU models: support vector regression (intensity) and machines (presence).

Which models are used is what the list file says, line by line. A *dynamic* model looks at how a
face differs from the person's own median face, a *static* one at the face alone:

    static   y = (features − means) · w + bias
    dynamic  y = (features − means − median) · w + bias

As all are linear, `responses` gives y without the median, and `neutral_responses` what a median
takes away: so a frame's features need not be kept until the median is known.
"""

import struct
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from weights.manifest import WeightsError
from weights.matrices import BinaryReader
from weights.openface2 import AU_FOLDER, AU_LIST, listed_models
from workers.arrays import Floats

Kind = Literal["intensity", "presence"]

SVR_STATIC, SVR_DYNAMIC, SVM_STATIC, SVM_DYNAMIC = 0, 1, 4, 5
NO_CUTOFF = -1.0


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """One AU model.

    weights, means: (F,) over the features; cutoff: the part of the successful frames below the
    one that is taken for no activity, None where the model has none; positive, negative: what a
    presence model says where y is above 0, and else.
    """

    au: str
    kind: Kind
    dynamic: bool
    weights: Floats
    means: Floats
    bias: float
    cutoff: float | None = None
    positive: float = 1.0
    negative: float = 0.0


class Predictors:
    """All AU models of a list, intensity models first; P of them."""

    def __init__(self, predictors: list[Predictor]) -> None:
        """Raises WeightsError unless all take the same features and no AU has two of a kind."""
        intensity = [p for p in predictors if p.kind == "intensity"]
        presence = [p for p in predictors if p.kind == "presence"]
        self.intensity_aus = tuple(p.au for p in intensity)
        self.presence_aus = tuple(p.au for p in presence)
        ordered = [*intensity, *presence]
        if len({p.weights.size for p in ordered}) != 1:
            raise WeightsError("the AU models do not fit each other: fetch them again")
        for aus in (self.intensity_aus, self.presence_aus):
            if len(set(aus)) != len(aus):
                raise WeightsError(f"an AU is listed twice among {', '.join(aus)}")
        self.cutoffs = tuple(p.cutoff for p in intensity)
        self._weights = np.stack([p.weights for p in ordered])
        self._constants = np.array([p.bias - p.means @ p.weights for p in ordered])
        self._dynamic = np.array([p.dynamic for p in ordered])
        self._positive = np.array([p.positive for p in presence])
        self._negative = np.array([p.negative for p in presence])

    def __len__(self) -> int:
        return len(self._constants)

    @property
    def features(self) -> int:
        """How many features a face has."""
        return int(self._weights.shape[1])

    def sources(self) -> dict[str, str]:
        """How each AU that is given is obtained, for people to read."""
        kinds = ["dynamic" if dynamic else "static" for dynamic in self._dynamic]
        intensity = dict(zip(self.intensity_aus, kinds, strict=False))
        presence = dict(zip(self.presence_aus, kinds[len(intensity) :], strict=True))
        sources = {}
        for au in sorted({*intensity, *presence}):
            given = [f"_r: intensity 0-5, {intensity[au]} SVR"] if au in intensity else []
            given += [f"_c: presence, {presence[au]} SVM"] if au in presence else []
            sources[au] = f"OpenFace 2's {'; '.join(given)}"
        return sources

    def responses(self, features: Floats) -> Floats:
        """y (P,) of features (F,), before a median is taken away."""
        return np.asarray(self._weights @ features + self._constants, dtype=np.float64)

    def neutral_responses(self, median: Floats) -> Floats:
        """What a median face (F,) takes away from each y: (P,), 0 for static models."""
        return np.where(self._dynamic, self._weights @ median, 0.0)

    def neutral_of_itself(self, responses: Floats) -> Floats:
        """`neutral_responses` of the very face that gave these responses (P,)."""
        return np.where(self._dynamic, responses - self._constants, 0.0)

    def intensities(self, y: Floats) -> Floats:
        """The intensities among y (..., P): (..., I), not limited to 0..5."""
        return y[..., : len(self.intensity_aus)]

    def presences(self, y: Floats) -> NDArray[np.bool_]:
        """The presences that y (..., P) means: (..., C)."""
        margin = y[..., len(self.intensity_aus) :]
        return np.where(margin > 0.0, self._positive, self._negative) > 0.5


def read_predictors(folder: Traversable) -> Predictors:
    """The AU models that the list in a folder of OpenFace 2's files names.

    A listed model that is not there gives no AU: `weights.openface2` leaves out those whose origin
    cannot be checked. Raises WeightsError or OSError.
    """
    listed = listed_models((folder / AU_LIST).read_text(encoding="utf-8"))
    found = [(folder / AU_FOLDER / file, au) for file, au in listed]
    return Predictors([_read_predictor(file, au) for file, au in found if file.is_file()])


def _read_predictor(path: Traversable, au: str) -> Predictor:
    """A model file: little-endian type, cutoff (type 1), means, weights, bias, classes (4, 5)."""
    try:
        reader = BinaryReader(path.read_bytes())
        kind = reader.integer()
        if kind not in (SVR_STATIC, SVR_DYNAMIC, SVM_STATIC, SVM_DYNAMIC):
            raise ValueError(f"its type is {kind}")
        cutoff = reader.double() if kind == SVR_DYNAMIC else NO_CUTOFF
        means, weights = reader.matrix(np.float64).ravel(), reader.matrix(np.float64).ravel()
        bias = reader.double()
        presence = kind in (SVM_STATIC, SVM_DYNAMIC)
        positive, negative = (reader.double(), reader.double()) if presence else (1.0, 0.0)
        if not reader.at_end or means.size != weights.size:
            raise ValueError("its parts do not fit each other")
    except (ValueError, struct.error) as error:
        raise WeightsError(f"{path} is not an AU model ({error}): fetch it again") from error
    return Predictor(
        au=au,
        kind="presence" if presence else "intensity",
        dynamic=kind in (SVR_DYNAMIC, SVM_DYNAMIC),
        weights=weights,
        means=means,
        bias=bias,
        cutoff=None if cutoff == NO_CUTOFF else cutoff,
        positive=positive,
        negative=negative,
    )
