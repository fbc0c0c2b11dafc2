"""Where chunks begin and end: a pure function of the key frames."""

import random

import pytest

from workers.video.segments.planning import ChunkSpan, plan_chunks, single_frame

HISTORY, ANCHOR = 4, 10


def plan(keys: list[bool], chunk_frames: int) -> tuple[ChunkSpan, ...]:
    return plan_chunks(keys, chunk_frames, history=HISTORY, anchor=ANCHOR)


def key_every(period: int, frames: int) -> list[bool]:
    return [frame % period == 0 for frame in range(frames)]


def random_keys(seed: int) -> tuple[list[bool], int]:
    dice = random.Random(seed)
    frames = dice.choice([1, 2, 9, 10, 11, 57, 300, 1000])
    share = dice.choice([0, 0.002, 0.02, 0.1, 0.5, 1])
    keys = [dice.random() < share for _ in range(frames)]
    keys[0] = dice.random() < 0.9
    return keys, dice.choice([1, 2, 3, 5, 9, 10, 11, 25, 100, 400, 5000])


@pytest.mark.parametrize("history", [0, HISTORY])
def test_chunks_cover_every_frame_once_and_start_where_decoding_can(history: int) -> None:
    for seed in range(500):
        keys, chunk_frames = random_keys(seed)

        spans = plan_chunks(keys, chunk_frames, history=history, anchor=ANCHOR)

        covered = [frame for span in spans for frame in range(span.start, span.stop)]
        assert covered == list(range(len(keys)))
        for span in spans:
            assert span.start < span.stop
            assert span.first == max(0, span.start - history) // ANCHOR * ANCHOR
            assert span.decode_from <= span.first
            assert keys[span.decode_from] or not any(keys[: span.first + 1])
            assert not any(keys[span.decode_from + 1 : span.first + 1])


def test_a_single_frame_is_decoded_from_the_key_frame_at_or_before_it():
    keys = [True, False, False, True, False]
    assert single_frame(keys, 4) == ChunkSpan(start=4, stop=5, first=4, decode_from=3, until=5)
    assert single_frame(keys, 3) == ChunkSpan(start=3, stop=4, first=3, decode_from=3, until=4)
    assert single_frame(keys, 2) == ChunkSpan(start=2, stop=3, first=2, decode_from=0, until=3)
    assert single_frame([False, True], 0).decode_from == 0


@pytest.mark.parametrize("history", [0, HISTORY])
def test_where_the_next_anchor_is_needed_a_chunk_reaches_to_it_and_no_further(history: int) -> None:
    for seed in range(200):
        keys, chunk_frames = random_keys(seed)
        sizes = {"history": history, "anchor": ANCHOR}

        spans = plan_chunks(keys, chunk_frames, **sizes, to_next_anchor=True)

        for span in spans:
            behind = [i for i in range(span.stop, span.until) if i % ANCHOR == 0]
            assert behind == [span.until - 1] or span.until == len(keys)
            assert len(behind) <= 1
        without = plan_chunks(keys, chunk_frames, **sizes)
        assert [(s.start, s.stop, s.first) for s in without] == [
            (s.start, s.stop, s.first) for s in spans
        ]
        assert all(span.until == span.stop for span in without)


def test_no_chunk_decodes_more_than_three_chunks_twice() -> None:
    for seed in range(500):
        keys, chunk_frames = random_keys(seed)
        for span in plan(keys, chunk_frames)[1:]:
            assert span.first - span.decode_from <= max(3 * chunk_frames, ANCHOR - 1)


def test_borders_lie_a_history_after_an_anchor_so_that_no_other_frame_is_analysed_twice() -> None:
    for span in plan(key_every(12, 1000), 100)[1:]:
        assert span.start - span.first == HISTORY


def test_borders_prefer_the_key_frame_within_a_quarter_of_a_chunk() -> None:
    keys = [frame in (0, 80, 160) for frame in range(240)]
    assert [(s.start, s.decode_from) for s in plan(keys, 100)] == [(0, 0), (84, 80), (164, 160)]


def test_chunks_share_the_frames_evenly() -> None:
    for frames, about in ((288, 72), (1000, 100), (702, 88), (18000, 100)):
        lengths = [span.stop - span.start for span in plan(key_every(15, frames), about)]
        assert len(lengths) == -(-frames // about)
        assert max(lengths) - min(lengths) <= 2 * ANCHOR


def test_a_tie_goes_to_the_border_nearest_to_the_ideal() -> None:
    starts = [span.start for span in plan(key_every(1, 500), 100)]
    assert starts == [0, 104, 204, 304, 404]


def test_a_recording_with_one_key_frame_ends_in_one_long_chunk() -> None:
    spans = plan([True] + [False] * 4999, 100)
    assert 2 <= len(spans) <= 5
    assert spans[-1].stop == 5000
    assert spans[-1].first <= 300


def test_a_border_that_was_put_off_comes_soon_after_the_next_key_frame() -> None:
    keys = [frame in (0, 2003) for frame in range(2600)]
    after = next(span for span in plan(keys, 100) if span.start > 2000)
    assert (after.start, after.decode_from) == (2014, 2003)


def test_a_recording_shorter_than_a_chunk_is_one_chunk() -> None:
    assert plan(key_every(10, 37), 100) == (ChunkSpan(0, 37, 0, 0, 37),)


def test_no_frames_make_no_chunks() -> None:
    assert plan([], 100) == ()


@pytest.mark.parametrize(
    ("chunk_frames", "history", "anchor"), [(0, 4, 10), (5, -1, 10), (5, 4, 0)]
)
def test_senseless_sizes_are_refused(chunk_frames: int, history: int, anchor: int) -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        plan_chunks([True], chunk_frames, history=history, anchor=anchor)
