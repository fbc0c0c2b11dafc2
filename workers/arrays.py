"""Array types that the modules share; shapes stand in each function's docstring."""

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(H, W, 3) BGR, upright."""

Floats = NDArray[np.float64]
"""Coordinates in px of the upright frame (x right, y down, pixel centres at integers)."""

Tensor = NDArray[np.float32]
"""What a model takes or gives."""
