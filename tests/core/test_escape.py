"""Other people's text on a terminal: on one line, and nothing but text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.escape import printable, quoted


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
def test_what_is_not_printable_becomes_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


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
    assert printable(text).isprintable()
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
def test_what_a_pipelines_log_obeys_or_nobody_sees_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
