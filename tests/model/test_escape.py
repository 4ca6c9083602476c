"""Other people's text on a terminal: on one line, and nothing but text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.escape import escape_control, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 日本 😀", "plain é 日本 😀"),
        ("a\nb\r\tc", "a\\u000ab\\u000d\\u0009c"),
        ("\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"),
        ("\x9b31m", "\\u009b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
        ("a\u00a0b\u3000c", "a\\u00a0b\\u3000c"),
        ("\U000e0001", "\\U000e0001"),
        ("\udc80", "\\udc80"),
        ("", ""),
    ],
)
def test_unprintable_characters_are_escaped(text: str, shown: str) -> None:
    assert escape_control(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", '"a"'),
        ("", '""'),
        ('a"b\\', '"a\\"b\\\\"'),
        (None, "null"),
        (True, "true"),
        ("a\nb\x1b", '"a\\nb\\u001b"'),
    ],
)
def test_a_value_is_quoted_as_json(value: Any, shown: str) -> None:
    assert quoted(value) == shown


@given(st.text())
def test_any_text_stays_on_one_printable_line(text: str) -> None:
    assert escape_control(text).isprintable()
    assert quoted(text).isprintable()


@given(st.text(st.characters(max_codepoint=0xFFFF)))
def test_a_quoted_text_can_be_read_back(text: str) -> None:
    assert json.loads(quoted(text)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("##[error]x", "#\\u0023[error]x"),
        ("a ##vso[task] b", "a #\\u0023vso[task] b"),
        ("## heading", "## heading"),
        ("a\ufe0fb\u3164", "a\\ufe0fb\\u3164"),
    ],
)
def test_log_commands_and_invisible_characters_are_escaped(text: str, shown: str) -> None:
    assert escape_control(text) == shown


UNSEEN = [
    *range(0x180B, 0x1810),
    *range(0xFE00, 0xFE10),
    *range(0xFFF0, 0xFFFD),
    *range(0xE0000, 0xE0080),
    *range(0xE0100, 0xE01F0),
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2060, 0x2065, 0x2800, 0x3164, 0xFEFF, 0xFFA0),
    *(0x1BCA0, 0x1D159, 0x1D173, 0x13441, 0x16FE4, 0xE000, 0xF0000, 0x10FFFF, 0x0378, 0xD800),
]


def test_an_invisible_character_is_escaped_wherever_it_occurs() -> None:
    escaped = {code: f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}" for code in UNSEEN}
    assert {code: escape_control(f"a{chr(code)}b") for code in UNSEEN} == {
        code: f"a{text}b" for code, text in escaped.items()
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cafe\u0301", "cafe\u0301"),
        ("Vie\u0323\u0302t", "Vie\u0323\u0302t"),
        ("a\u0301\u0301\u0301b", "a\u0301\u0301\\u0301b"),
        ("a" + "\u0489" * 4, "a\u0489\u0489\\u0489\\u0489"),
        ("\u0338x", "\\u0338x"),
        ('"\u0338', '"\\u0338'),
        ("a \u20dd", "a \\u20dd"),
        ("a\u200b\u0301", "a\\u200b\\u0301"),
        ("नमस्ते", "नमस्ते"),
        ("שָׁלוֹם", "שָׁלוֹם"),
    ],
)
def test_at_most_two_combining_marks_are_shown_per_letter(text: str, shown: str) -> None:
    assert escape_control(text) == shown
