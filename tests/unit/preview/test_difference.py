"""Two texts line by line: what belongs together, and what a person is shown of the difference."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.preview import line_diff
from webui.preview.difference import LONGEST_ROW, MOST_ROWS, Row
from webui.preview.matching import matching_blocks

few_lines = st.lists(st.sampled_from("abcd"), max_size=14)


def subsequence(before: list[str], after: list[str]) -> int:
    """The length of the longest common subsequence, by the book."""
    row = [0] * (len(after) + 1)
    for old in before:
        last = row
        row = [0]
        for number, new in enumerate(after):
            row.append(last[number] + 1 if old == new else max(last[number + 1], row[-1]))
    return row[-1]


@given(few_lines, few_lines, st.sampled_from([1_000_000, 20, 0, -1]))
@settings(deadline=None)
def test_blocks_are_equal_lines_in_order(before: list[str], after: list[str], work: int) -> None:
    old = new = 0
    for begun_old, begun_new, length in matching_blocks(before, after, work):
        assert begun_old >= old
        assert begun_new >= new
        assert before[begun_old : begun_old + length] == after[begun_new : begun_new + length]
        old, new = begun_old + length, begun_new + length
    assert old <= len(before)
    assert new <= len(after)


@given(few_lines, few_lines)
@settings(deadline=None)
def test_with_time_enough_as_many_lines_match_as_can(before: list[str], after: list[str]) -> None:
    assert sum(length for *_, length in matching_blocks(before, after)) == subsequence(before, after)


def test_without_time_lines_that_are_there_once_tell() -> None:
    before = [*"xxxx", "one", "tail", "tail", *"yyyy", "two", "y"]
    after = ["new", *"yy", "one", "tail", "tail", *"zzz", "two", *"zz"]
    assert matching_blocks(before, after, 0) == [(4, 3, 1), (5, 4, 1), (6, 5, 1), (11, 9, 1)]


@given(st.permutations(range(12)))
@settings(deadline=None)
def test_without_time_moved_lines_are_still_in_order(order: list[int]) -> None:
    before = [str(number) for number in range(12)]
    after = [str(number) for number in order]
    matched = sum(length for *_, length in matching_blocks(before, after, 0))
    assert matched >= 1
    assert matched <= subsequence(before, after)


def kept(rows: list[Row], *kinds: str) -> list[str]:
    return [line for kind, line in rows if kind in kinds]


@given(few_lines, few_lines)
@settings(deadline=None)
def test_a_difference_holds_both_texts(ours: list[str], theirs: list[str]) -> None:
    rows = line_diff("\n".join(ours), "\r\n".join(theirs))
    if (ours or [""]) == (theirs or [""]):
        assert rows == []
    elif not kept(rows, "skipped"):
        assert kept(rows, "same", "ours") == (ours or [""])
        assert kept(rows, "same", "theirs") == (theirs or [""])


def test_theirs_stands_before_ours() -> None:
    assert line_diff("a\nmine\nc\n", "a\nyours\nc\n") == [
        ("same", "a"),
        ("theirs", "yours"),
        ("ours", "mine"),
        ("same", "c"),
        ("same", ""),
    ]


def test_line_endings_are_no_difference_but_a_last_newline_is() -> None:
    assert line_diff("a\nb\n", "a\r\nb\r") == []
    assert line_diff("a\n", "a") == [("same", "a"), ("ours", "")]


def test_far_from_a_difference_same_lines_are_left_out() -> None:
    theirs = [str(number) for number in range(100)]
    ours = [*theirs[:50], "new", *theirs[50:]]
    assert line_diff("\n".join(ours), "\n".join(theirs)) == [
        ("skipped", "47 lines are the same"),
        *(("same", str(number)) for number in range(47, 50)),
        ("ours", "new"),
        *(("same", str(number)) for number in range(50, 53)),
        ("skipped", "47 lines are the same"),
    ]


def test_one_line_is_not_worth_leaving_out() -> None:
    assert kept(line_diff("x\n1\n2\n3\n4\n5\n6\n7\ny", "1\n2\n3\n4\n5\n6\n7"), "skipped") == []


def test_long_differences_are_cut_and_say_so() -> None:
    rows = line_diff("\n".join(f"o{n}" for n in range(5000)), "\n".join(f"t{n}" for n in range(5000)))
    assert len(rows) == MOST_ROWS + 1
    assert rows[-1] == ("skipped", f"{10_000 - MOST_ROWS:,} more rows are not shown")


def test_long_lines_are_cut() -> None:
    assert line_diff("x" * 1_000_000, "") == [("theirs", ""), ("ours", "x" * LONGEST_ROW + "…")]


@pytest.mark.parametrize("turn", [1, 2, 7])
def test_hard_texts_come_to_an_end(turn: int) -> None:
    """Lines of few kinds in another order have no short difference, and none that is there once."""
    ours = [str(number * number % 11 % 3) for number in range(100_000)]
    theirs = [str(number * number % 13 % 3) for number in range(0, 100_000 * turn, turn)]
    assert line_diff("\n".join(ours), "\n".join(theirs))
