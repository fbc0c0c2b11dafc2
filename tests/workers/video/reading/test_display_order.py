"""In which order frames are shown, from their times or from the decoder."""

import numpy as np
import pytest

from workers.video.reading.display_order import (
    NO_TIME,
    displayed,
    times_contradict,
    times_jump_back,
)

# Decode order of a group whose frames are shown as 0 2 3 1, 4 ...
REORDERED = np.array([0, 30, 10, 20, 40])
OUTPUT = np.array([0, 2, 3, 1, 4])
RANKS = np.array([0, 3, 1, 2, 4])
SHOWN = np.ones(5, bool)


def lacking(times: np.ndarray, *places: int) -> np.ndarray:
    holed = times.copy()
    holed[list(places)] = NO_TIME
    return holed


def test_times_that_rise_as_frames_come_out_do_not_contradict() -> None:
    assert not times_contradict(REORDERED, OUTPUT)
    assert not times_contradict(np.array([0, 10, 10, 10, 40]), OUTPUT)
    assert not times_contradict(lacking(REORDERED, 2), OUTPUT)
    assert times_contradict(np.arange(5), OUTPUT)


def test_a_key_frame_before_what_was_decoded_earlier_is_a_jump_back() -> None:
    keys = np.array([True, False, False, True, False])
    assert not times_jump_back(np.array([0, 30, 10, 30, 40]), keys)
    assert times_jump_back(np.array([0, 30, 10, 20, 40]), keys)
    assert not times_jump_back(lacking(REORDERED, 3), keys)
    assert not times_jump_back(REORDERED, np.array([True, False, False, False, False]))


@pytest.mark.parametrize("output", [None, RANKS])
def test_frames_follow_their_times_which_agree_with_the_decoder(output) -> None:
    order = displayed(REORDERED, SHOWN, output)
    assert order.places.tolist() == OUTPUT.tolist()
    assert order.times.tolist() == [0, 10, 20, 30, 40]
    assert (order.times_sorted, order.times_filled) == (False, 0)


def test_times_that_contradict_the_decoder_are_sorted_into_its_order() -> None:
    order = displayed(np.array([0, 10, 20, 30, 40]), SHOWN, RANKS)
    assert order.places.tolist() == OUTPUT.tolist()
    assert order.times.tolist() == [0, 10, 20, 30, 40]
    assert order.times_sorted


def test_the_delay_is_how_many_frames_are_decoded_earlier_and_shown_later() -> None:
    assert displayed(REORDERED, SHOWN).delay == 1
    assert displayed(np.arange(5), SHOWN).delay == 0
    pyramid = displayed(np.array([0, 40, 20, 10, 30]), SHOWN)
    assert pyramid.delay == 2


def test_equal_times_keep_their_decode_order() -> None:
    order = displayed(np.array([0, 10, 10, 10, 40]), SHOWN)
    assert order.places.tolist() == [0, 1, 2, 3, 4]


def test_hidden_packets_are_no_frames() -> None:
    order = displayed(REORDERED, np.array([True, True, False, True, True]))
    assert order.places.tolist() == [0, 3, 1, 4]
    assert order.times.tolist() == [0, 20, 30, 40]


@pytest.mark.parametrize(
    ("places", "times"),
    [((2,), [0, 10, 20, 30, 40]), ((0,), [0, 10, 20, 30, 40]), ((1, 4), [0, 10, 20, 30, 40])],
)
def test_missing_times_lie_evenly_between_their_neighbours(places, times) -> None:
    order = displayed(lacking(REORDERED, *places), SHOWN, RANKS)
    assert order.places.tolist() == OUTPUT.tolist()
    assert order.times.tolist() == times
    assert (order.times_sorted, order.times_filled) == (False, len(places))


def test_an_uneven_gap_is_divided_evenly_and_known_times_stay() -> None:
    times = lacking(np.array([100, 107, 0, 0, 200, 250]), 2, 3)
    order = displayed(times, np.ones(6, bool), np.arange(6))
    assert order.times.tolist() == [100, 107, 138, 169, 200, 250]


def test_a_single_frame_keeps_its_time() -> None:
    assert displayed(np.array([7]), np.array([True])).times.tolist() == [7]


def test_fewer_times_than_for_half_of_the_frames_are_not_enough() -> None:
    assert displayed(lacking(REORDERED, 1, 2), SHOWN, RANKS).times_filled == 2
    with pytest.raises(ValueError, match="2 of 5 frames carry times"):
        displayed(lacking(REORDERED, 1, 2, 3), SHOWN, RANKS)
