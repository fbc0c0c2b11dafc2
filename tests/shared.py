"""Golden data, real recordings and real weights kept beside the project, never in it."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared(*parts: str) -> Path:
    """The path of a shared file; skips the test where it is absent, or a module that asks first."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(
            f"needs ../shared/{'/'.join(parts)}: see 'Tests that need data' in CONTRIBUTING.md",
            allow_module_level=True,
        )
    return path
