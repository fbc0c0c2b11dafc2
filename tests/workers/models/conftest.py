"""Frames with upstream's answers."""

import cv2
import pytest

from tests.shared import shared

FRAMES = [f"default_{n:04d}" for n in (0, 40, 80, 120, 160, 200)]


@pytest.fixture(params=FRAMES)
def oracle_frame(request):
    """Name and BGR picture of a frame that the oracle answers for."""
    return request.param, cv2.imread(str(shared("oracle", "frames", f"{request.param}.png")))
