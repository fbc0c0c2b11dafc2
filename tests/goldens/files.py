"""Where golden figures are kept, and in which form: numbers as JSON, never a picture."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent
UPSTREAM = "upstream"
DIGITS = 8

Figures = dict[str, NDArray[np.generic] | str]


def write(name: str, figures: Figures) -> None:
    """Figures by name; numbers to DIGITS significant ones, a row of the last axis a line."""
    lines = [f'  "{key}": {_text(value)}' for key, value in figures.items()]
    (FOLDER / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def read(name: str) -> Figures:
    """What was written; arrays as float64."""
    found = json.loads((FOLDER / f"{name}.json").read_text())
    return {k: v if isinstance(v, str) else np.array(v, float) for k, v in found.items()}


def _text(value: NDArray[np.generic] | str) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    array = np.asarray(value)
    if array.ndim > 1:
        return "[\n    " + ",\n    ".join(_text(row) for row in array) + "\n  ]"
    return "[" + ", ".join(f"{number:.{DIGITS}g}" for number in array.tolist()) + "]"
