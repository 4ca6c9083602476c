"""Mappings: keys are texts, each is unique, and their order is preserved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.load.conftest import Yaml


def test_the_order_of_keys_is_preserved(yaml: Yaml) -> None:
    assert list(yaml.data("{c: 1, a: 2, b: 3}")) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1"),
        ("{a: 1, a: 1}", "1:8"),
        ("a: 1\n'a': 2\n", "2:1"),
        ("list:\n  - a: 1\n    a: 2\n", "3:5"),
        ("a: 1\n&x a: 2\n", "2:1"),
    ],
)
def test_a_duplicate_key_is_refused(yaml: Yaml, text: str, place: str) -> None:
    assert yaml.error(text) == f'keys.yaml:{place}: duplicate key "a"'


@pytest.mark.parametrize("text", ["? [a]\n: b", "? {a: b}\n: c", "&x a: 1\n*x : 2", "{[a]: b}"])
def test_a_key_must_be_plain_text(yaml: Yaml, text: str) -> None:
    assert yaml.error(text).endswith("a mapping key must be plain text")


def test_a_long_form_key_is_an_ordinary_key(yaml: Yaml) -> None:
    assert yaml.data("? a\n: b\n? c\n") == {"a": "b", "c": None}


def test_the_empty_mapping_and_list_are_not_null(yaml: Yaml) -> None:
    assert yaml.data("{a: {}, b: [], c: }") == {"a": {}, "b": [], "c": None}


def test_an_anchor_on_a_key_has_the_text_of_the_key(yaml: Yaml) -> None:
    assert yaml.data("&who web: *who") == {"web": "web"}
