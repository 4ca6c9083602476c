"""What a scalar means: no value is silently converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.load.conftest import Yaml

MEANINGS = [
    ("", None),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("NULL", None),
    ("true", True),
    ("false", False),
    ("0", 0),
    ("-0", 0),
    ("7", 7),
    ("-12", -12),
    ("123456789012345678", 123456789012345678),
    ("9223372036854775807", 2**63 - 1),
    ("-9223372036854775808", -(2**63)),
    ("18446744073709551615", 2**64 - 1),
    ("9223372036854775807.0", 2**63 - 1),
    ("1" + "0" * 308, 10**308),
    ("1e100", 10**100),
    ("5.0", 5.0),
    ("-0.0", 0.0),
    ("1.5", 1.5),
    ("-0.25", -0.25),
    ("1e3", 1000.0),
    ("1.5E-2", 0.015),
]
TEXTS = [
    "nULL", "True", "TRUE", "False", "FALSE", "tRUE", "yes", "Yes", "no", "NO", "on", "off", "y", "n",
    "010", "-010", "0o10", "0x1F", "0b1", "1_000", "1,000", "12:30", "190:20:30", "+1", "+1.5", "1.", ".5",
    "1e", "1e+", "1e400", "--1", "-x", "1st", ".inf", "-.inf", ".nan", "inf", "NaN", "Infinity",
    "2027-01-01", "2027-01-01T00:00:00Z", "2027-01-01 00:00:00", "1.2.3", "1e999",
    "1e-999", "1e99999999999", "1" + "0" * 309, "9" * 5000,
    "-" + "9" * 5000, "0." + "1" * 50 + "x", "٣", "\uff11\uff12", "=", "<", "null null", "true false", "~x",
]  # fmt: skip


def same(found: Any, expected: Any) -> bool:
    """Compare values with their types: in Python 1 == 1.0 == True."""
    return found == expected and type(found) is type(expected)


def misread(yaml: Yaml, expected: Mapping[str, Any]) -> list[str]:
    """Return the documents of one mapping or list that do not hold the expected value."""
    data = {text: yaml.data(text) for text in expected}
    return [
        text
        for text, meaning in expected.items()
        if not same(data[text]["key"] if isinstance(data[text], dict) else data[text][0], meaning)
    ]


def test_a_plain_scalar_is_resolved_by_the_core_schema(yaml: Yaml) -> None:
    assert misread(yaml, {f"key: {text}\n": meaning for text, meaning in MEANINGS}) == []
    assert misread(yaml, {f"- {text}\n": meaning for text, meaning in MEANINGS}) == []


def test_a_plain_scalar_is_resolved_the_same_in_flow_style(yaml: Yaml) -> None:
    assert misread(yaml, {f"{{key: {text}}}": meaning for text, meaning in MEANINGS[1:]}) == []
    assert misread(yaml, {f"[{text}]": meaning for text, meaning in MEANINGS[1:]}) == []


def test_every_other_plain_scalar_is_text(yaml: Yaml) -> None:
    assert misread(yaml, {f"key: {text}\n": text for text in TEXTS}) == []
    assert misread(yaml, {f"- {text}\n": text for text in TEXTS}) == []


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_quoted_scalar_is_text(yaml: Yaml, quote: str) -> None:
    assert misread(yaml, {f"key: {quote}{text}{quote}": text for text, _ in MEANINGS}) == []
    assert misread(yaml, {f"[{quote}{text}{quote}]": text for text, _ in MEANINGS}) == []


@pytest.mark.parametrize("tag", ["!!str", "!", "!<tag:yaml.org,2002:str>"])
def test_a_scalar_tagged_as_text_is_text(yaml: Yaml, tag: str) -> None:
    assert misread(yaml, {f"key: {tag} {text}\n": text for text, _ in MEANINGS[1:]}) == []
    assert misread(yaml, {f"key: &anchor {tag} {text}\n": text for text, _ in MEANINGS[1:]}) == []


def test_a_text_tag_without_a_value_is_empty_text(yaml: Yaml) -> None:
    assert yaml.data("key: !!str\n") == {"key": ""}


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ("|\n  12\n  no\n", "12\nno\n"),
        ("|-\n  12\n", "12"),
        ("|+\n  true\n\n", "true\n\n"),
        (">\n  2027-01-01\n  12:30\n", "2027-01-01 12:30\n"),
        (">-\n  null\n", "null"),
        ("|\n", ""),
        ("|2\n    12\n", "  12\n"),
    ],
)
def test_a_block_scalar_is_text(yaml: Yaml, block: str, text: str) -> None:
    assert yaml.data(f"key: {block}") == {"key": text}


@pytest.mark.parametrize("key", ["~", "null", "true", "12", "010", "2027-01-01", "'a b'", '"\\u00e9"'])
def test_a_key_is_always_text(yaml: Yaml, key: str) -> None:
    text = {"'a b'": "a b", '"\\u00e9"': "é"}.get(key, key)
    assert yaml.data(f"{key}: x") == {text: "x"}


def test_an_escape_in_double_quotes_may_name_any_character(yaml: Yaml) -> None:
    assert yaml.data(r'"\0\x1b\u202e\U0001f600\n"') == "\0\x1b\u202e\U0001f600\n"


def test_a_plain_scalar_may_span_lines(yaml: Yaml) -> None:
    assert yaml.data("key: owned\n  by nobody") == {"key": "owned by nobody"}
