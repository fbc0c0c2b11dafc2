"""The formulas of the standards, against published values and plain arithmetic."""

import numpy as np
import pytest

from tests import colour_charts
from tests.colour_charts import HLG, PQ, Chart, hlg_to_light, worth
from workers.video.pictures.colour import Colour
from workers.video.pictures.hdr_formula import (
    hlg_display_light,
    hlg_scene_light,
    pq_light,
    pq_signal,
    sdr_signal,
    to_bt709,
    tone_mapped,
)

GRID = np.stack(np.meshgrid(*3 * [np.linspace(0, 1, 9)]), axis=-1).reshape(-1, 3)
NUMBERS = {"bt709": 1, "bt2020": 9, "display-p3": 12}


def test_pq_is_the_published_curve() -> None:
    # ITU-R BT.2408, table 1, and BT.2390: percent of signal for cd/m²
    light = np.array([0.0, 100.0, 203.0, 1000.0, 10_000.0])
    assert pq_signal(light) == pytest.approx([0.0, 0.508, 0.581, 0.752, 1.0], abs=0.0005)
    assert pq_light(pq_signal(light)) == pytest.approx(light, rel=1e-9, abs=1e-3)


def test_hlg_is_the_published_curve() -> None:
    # ITU-R BT.2408, table 1: 75 % of HLG is the reference white, 203 cd/m²; 38 % is 26.
    signal = np.repeat([0.0, 0.38, 0.75, 1.0], 3).reshape(-1, 3)
    light = hlg_display_light(hlg_scene_light(signal))[:, 1]
    assert light == pytest.approx([0, 26, 203, 1000], rel=0.01, abs=1e-9)
    assert hlg_scene_light(np.array([0.5])) == pytest.approx([1 / 12])


def test_hlg_of_colours_keeps_their_ratios() -> None:
    for signal in GRID:
        light = hlg_display_light(hlg_scene_light(signal[None]))[0]
        assert light == pytest.approx(hlg_to_light(tuple(signal)), rel=1e-5, abs=1e-4)


def test_tone_mapping_keeps_what_is_dark_and_brings_the_peak_to_the_target() -> None:
    light = np.linspace(0, 492.6, 200)
    mapped = tone_mapped(light, 492.6, 100.0)
    expected = [colour_charts.compressed(value, 492.6, 100) for value in light]
    assert mapped == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert mapped[-1] == pytest.approx(100)
    assert np.all(np.diff(mapped) >= 0)
    assert np.array_equal(mapped[light < 40], light[light < 40])


def test_light_that_the_target_can_show_is_not_compressed() -> None:
    light = np.linspace(0, 90, 10)
    assert np.array_equal(tone_mapped(light, 90.0, 100.0), light)


@pytest.mark.parametrize("primaries", NUMBERS)
def test_primaries_are_mixed_by_the_published_matrices(primaries: str) -> None:
    published = np.array(colour_charts.TO_BT709[NUMBERS[primaries]])
    assert to_bt709(primaries) == pytest.approx(published, abs=6e-5)
    assert to_bt709(primaries).sum(axis=1) == pytest.approx([1, 1, 1])  # white stays white


@pytest.mark.parametrize(
    ("colour", "chart", "peak"),
    [
        (Colour(transfer="hlg", primaries="bt2020"), Chart(HLG), 1000),
        (Colour(transfer="pq", primaries="bt2020"), Chart(PQ), 1000),
        (Colour(transfer="pq", primaries="bt2020", peak=4000), Chart(PQ), 4000),
        (Colour(transfer="pq", primaries="display-p3", peak=600), Chart(PQ, 12), 600),
        (Colour(primaries="bt2020"), Chart(1), 1000),
        (Colour(primaries="display-p3"), Chart(1, 12), 1000),
    ],
)
def test_the_whole_formula_is_what_plain_arithmetic_gives(
    colour: Colour, chart: Chart, peak: float
) -> None:
    for signal in GRID:
        expected = worth(tuple(signal), chart, peak)
        # The published matrices have four digits, which shows where a colour is nearly black.
        assert sdr_signal(signal[None], colour)[0] == pytest.approx(expected, abs=0.02)
        linear = np.array(expected) ** 2.4
        assert sdr_signal(signal[None], colour)[0] ** 2.4 == pytest.approx(linear, abs=1e-3)


def test_bt709_is_left_as_it_is() -> None:
    assert sdr_signal(GRID, Colour()) == pytest.approx(GRID, abs=1e-6)


@pytest.mark.parametrize("transfer", ["hlg", "pq"])
def test_hdrs_white_is_nearly_sdrs(transfer: str) -> None:
    signal = 0.75 if transfer == "hlg" else pq_signal(np.array(203.0))
    white = sdr_signal(np.full((1, 3), signal), Colour(transfer=transfer, primaries="bt2020"))
    assert white == pytest.approx(np.full((1, 3), 0.90), abs=0.005)
