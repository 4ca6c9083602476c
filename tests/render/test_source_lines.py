"""The line of a problem, and the caret under its place."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.load.source_lines import with_lines
from reconciler.model.escape import escape_control
from reconciler.model.source import Position, Problem
from reconciler.render.source_lines import place_lines


def shown(text: str, line: int, column: int) -> str:
    (problem,) = with_lines([Problem("wrong", Position("f", line, column))], text.encode(), "f")
    return place_lines(problem)


@pytest.mark.parametrize(
    ("text", "place", "lines"),
    [
        ("a: 1\nb: 2\n", (2, 4), ("    2 | b: 2", "      |    ^")),
        ("a: 1\r\nb: 2\r\n", (2, 4), ("    2 | b: 2", "      |    ^")),
        ("\ufeffa: 1", (1, 4), ("    1 | a: 1", "      |    ^")),
        ("a: 1", (1, 99), ("    1 | a: 1", "      |     ^")),
        ("\ta: 1", (1, 2), ("    1 |     a: 1", "      |     ^")),
        ("日本: 1", (1, 3), ("    1 | 日本: 1", "      |     ^")),
        ("e\u0301: 1", (1, 3), ("    1 | e\u0301: 1", "      |  ^")),
        ("a\x1b[2J: 1", (1, 3), (r"    1 | a\u001b[2J: 1", "      |        ^")),
        ("a\u2028b", (1, 3), (r"    1 | a\u2028b", "      |        ^")),
        ("x" * 300, (1, 200), ("    1 | …" + "x" * 72 + "…", "      |  " + " " * 36 + "^")),
        ("x" * 300, (1, 1), ("    1 | " + "x" * 72 + "…", "      | ^")),
        ("x" * 100, (1, 100), ("    1 | …" + "x" * 72, "      |  " + " " * 71 + "^")),
        ("x" * 100, (1, 1), ("    1 | " + "x" * 72 + "…", "      | ^")),
        ("x" * 300, (1, 300), ("    1 | …" + "x" * 72, "      |  " + " " * 71 + "^")),
    ],
)
def test_the_place_is_below_its_character(text: str, place: tuple[int, int], lines: tuple[str, str]) -> None:
    assert shown(text, *place).split("\n") == [*lines, ""]


@pytest.mark.parametrize(("text", "line"), [("", 1), ("\n", 1), ("  \t\n", 1), ("a", 2), ("a\n", 9)])
def test_a_line_without_content_is_not_shown(text: str, line: int) -> None:
    assert shown(text, line, 1) == ""


def test_a_problem_of_another_input_has_no_line() -> None:
    (problem,) = with_lines([Problem("wrong", Position("g"))], b"a: 1", "f")
    assert place_lines(problem) == ""


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    (problem,) = with_lines([Problem("wrong", Position("f", 1, 2))], b"a\xff: 1", "f")
    assert place_lines(problem) == "    1 | a\ufffd: 1\n      |  ^\n"


@given(st.text(max_size=400), st.integers(1, 3), st.integers(1, 410))
def test_any_line_is_two_safe_lines_of_bounded_width(text: str, line: int, column: int) -> None:
    found = place_lines(
        *with_lines([Problem("", Position("f", line, column))], text.encode("utf-8", "surrogatepass"), "f")
    )
    if found:
        first, second, end = found.split("\n")
        assert (end, second.strip("| ")) == ("", "^")
        assert escape_control(first) == first
        wide = sum(
            0
            if unicodedata.category(char) in {"Mn", "Me"}
            else 1 + (unicodedata.east_asian_width(char) in "WF")
            for char in first
        )
        assert max(len(second) - 1, 0) <= wide
