"""How figures are compared with the kept ones."""

from collections.abc import Mapping

import numpy as np

from tests.goldens.files import read

FINE, ROUGH = 1e-5, 1e-3
"""ROUGH: what processors with other instruction sets may make of a long computation; px and AUs
are far coarser. A picture's block may differ by half a grey level of 255."""


def check(name: str, found: Mapping[str, np.ndarray], errors: Mapping[str, float]) -> None:
    """errors: the largest difference allowed of each figure, and of the others under ""."""
    kept = read(name)
    assert found.keys() == kept.keys()
    for key, expected in kept.items():
        error = errors.get(key, errors.get(""))
        np.testing.assert_allclose(found[key], expected, rtol=1e-6, atol=error, err_msg=key)
