"""Writes ops/MEASURES.md and its drawing: python -m ops.measures_page"""

from pathlib import Path

from ops.measures_page.drawing import drawn_measures
from ops.measures_page.page import DRAWING, page

OPS = Path(__file__).resolve().parents[1]


def main() -> None:
    """Write both files."""
    (OPS / "MEASURES.md").write_text(page(), encoding="utf-8")
    (OPS / DRAWING).write_text(drawn_measures(), encoding="utf-8")


if __name__ == "__main__":
    main()
