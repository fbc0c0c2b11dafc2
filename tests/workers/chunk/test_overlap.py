"""Stages in threads keep their order and hand on their errors."""

import threading

import pytest

from workers.chunk.overlap import InBackground, depth_for, prefetched


def test_items_come_in_order_and_all_of_them():
    assert list(prefetched(range(1000), depth=3)) == list(range(1000))


def test_no_more_than_depth_items_are_made_ahead():
    made = []

    def items():
        for i in range(100):
            made.append(i)
            yield i

    ahead = prefetched(items(), depth=4)
    assert next(ahead) == 0
    ahead.close()
    assert len(made) <= 7


def test_an_error_of_the_producer_is_raised_after_what_came_before_it():
    def items():
        yield 1
        raise ValueError("torn")

    seen = []
    with pytest.raises(ValueError, match="torn"):
        seen.extend(prefetched(items(), depth=8))
    ahead = prefetched(items(), depth=8)
    assert next(ahead) == 1


def test_leaving_waits_for_every_item():
    seen = []
    with InBackground(seen.append, depth=2) as background:
        for i in range(50):
            background.put(i)
    assert seen == list(range(50))


def test_an_error_in_the_background_is_raised_and_does_not_block():
    def fail(_item):
        raise OSError("disk full")

    def hand_over():
        with InBackground(fail, depth=1) as background:
            for i in range(50):
                background.put(i)

    with pytest.raises(OSError, match="disk full"):
        hand_over()
    assert not [t for t in threading.enumerate() if t.name == "background"]


@pytest.mark.parametrize(
    ("size", "depth"), [((640, 480), 8), ((1920, 1080), 8), ((3840, 2160), 2), ((16000, 9000), 1)]
)
def test_fewer_large_pictures_wait_than_small_ones(size, depth):
    assert depth_for(size[0] * size[1] * 3) == depth
