"""MEASURES.md is what its command writes, and says what is so."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from ops.measures_page.drawing import drawn_measures
from ops.measures_page.page import DRAWING, page
from ops.measures_page.turned_heads import (
    OPENFACE2_HEAD,
    TURNS,
    changes,
    phantom_changes,
    symmetric,
)
from tasks.outputs.measures.recording import SIDE_KINDS
from tests.shared import shared
from weights.matrices import read_text_matrices
from workers.face.scheme import IBUG68
from workers.measures.face_measures import OF_A_SIDE, OF_THE_FACE
from workers.measures.layout import IBUG68_LAYOUT

OPS = Path(__file__).resolve().parents[3] / "ops"
NUMBER = re.compile(r"-?\d+\.\d+|[+-]\d+")


def nearly_the_same(committed: str, made: str, apart: float) -> bool:
    """But for the last digits, which processors differ in."""
    if NUMBER.sub("#", committed) != NUMBER.sub("#", made):
        return False
    numbers = ([float(one) for one in NUMBER.findall(text)] for text in (committed, made))
    return bool(np.allclose(*numbers, rtol=0, atol=apart))


def test_the_page_and_its_drawing_are_what_the_command_writes():
    assert nearly_the_same((OPS / "MEASURES.md").read_text(encoding="utf-8"), page(), 0.11)
    drawing = (OPS / DRAWING).read_text(encoding="utf-8")
    assert nearly_the_same(drawing, drawn_measures(), 0.11)


def test_another_number_or_word_is_noticed():
    text = page()
    assert nearly_the_same(text, text, 0.0)
    assert not nearly_the_same(text.replace("+0.4", "+0.9", 1), text, 0.11)
    assert not nearly_the_same(text.replace("brows", "eyes", 1), text, 0.11)


def test_every_column_is_defined_and_every_number_drawn():
    text = page()
    for name in (*SIDE_KINDS, *OF_THE_FACE):
        assert f"`{name}`" in text, name
    defined = set(re.findall(r"^\| (\d+) \|", text, re.M))
    svg = ElementTree.fromstring(drawn_measures())
    drawn = {element.text for element in svg if element.tag.endswith("text")}
    assert drawn - {"x", "y"} == defined


def test_a_turned_head_is_seen_foreshortened_and_mirror_turns_are_mirror_images():
    told = phantom_changes()
    assert set(told) == set(OF_A_SIDE) == set(OPENFACE2_HEAD)
    for name in OF_A_SIDE:
        assert set(told[name]) == set(TURNS) == set(OPENFACE2_HEAD[name])
        for turn in ("pitch 10° up", "pitch 10° down"):
            assert len(set(told[name][turn])) == 1
    assert max(told["commissure_excursion"]["yaw 20°"]) < -3.0
    assert max(map(abs, told["brow_height"]["yaw 10°"])) < 1.0


def test_the_figures_of_openface_2s_head_are_those_of_its_model():
    path = shared("openface2", "model", "In-the-wild_aligned_PDM_68.txt")
    mean = read_text_matrices(path)[0].reshape(3, -1)
    head = symmetric(mean.T, IBUG68)
    irises = np.stack([head[[43, 44, 46, 47]].mean(axis=0), head[[37, 38, 40, 41]].mean(axis=0)])
    told = changes(head, irises, IBUG68_LAYOUT)
    for name, turns in OPENFACE2_HEAD.items():
        for turn, figures in turns.items():
            assert told[name][turn] == pytest.approx(figures, abs=0.11), (name, turn)
