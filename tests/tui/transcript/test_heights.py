"""Where items stand while only some of their heights are known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from localchat.tui.transcript.heights import Heights


@given(
    count=st.integers(1, 60),
    estimate=st.integers(1, 9),
    measured=st.lists(st.tuples(st.integers(0, 59), st.integers(0, 30)), max_size=80),
    lines=st.lists(st.integers(-3, 800), max_size=20),
)
def test_tops_and_finds_agree_with_plain_sums(
    count: int, estimate: int, measured: list[tuple[int, int]], lines: list[int]
) -> None:
    heights = Heights(count, estimate)
    plain = [estimate] * count
    for index, height in measured:
        if index < count:
            heights[index] = height
            plain[index] = height or estimate
    assert heights.total == sum(plain)
    for index in range(count + 1):
        assert heights.top(index) == sum(plain[:index])
    where = [(index, line) for index, height in enumerate(plain) for line in range(height)]
    for line in lines:
        assert heights.find(line) == where[max(0, min(line, len(where) - 1))]


def test_a_new_estimate_moves_only_what_is_not_measured() -> None:
    heights = Heights(4, 10)
    heights[1] = 3
    heights.estimate = 2
    assert [heights.top(index) for index in range(5)] == [0, 2, 5, 7, 9]


def test_resizing_keeps_what_was_measured_before_the_change() -> None:
    heights = Heights(5, 10)
    for index in range(5):
        heights[index] = index + 1
    heights.resize(7, keep=3)
    assert [heights[index] for index in range(7)] == [1, 2, 3, 10, 10, 10, 10]
    assert [heights.top(index) for index in range(8)] == [0, 1, 3, 6, 16, 26, 36, 46]
    assert heights.total == 46
    heights[6] = 1
    heights[0] = 5
    assert [heights.top(index) for index in range(8)] == [0, 5, 7, 10, 20, 30, 40, 41]


def test_no_items_have_no_place() -> None:
    heights = Heights()
    assert (heights.total, heights.top(0), heights.find(5)) == (0, 0, (0, 0))
