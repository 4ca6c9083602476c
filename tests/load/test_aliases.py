"""Anchors, aliases and merge keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.load.conftest import Yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("[&x 12, *x]", [12, 12]),
        ("[&x no, *x]", ["no", "no"]),
        ("[&x , *x]", [None, None]),
        ("[&x [a], *x]", [["a"], ["a"]]),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x\nb: *x", {"a": None, "b": None}),
    ],
)
def test_an_alias_has_the_value_of_its_anchor(yaml: Yaml, text: str, data: object) -> None:
    assert yaml.data(text) == data


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: *x", "1:4: the alias *x has no anchor &x before it in this document"),
        ("a: *x\nb: &x 1", "1:4: the alias *x has no anchor &x before it in this document"),
        ("a: &x 1\n---\nb: *x", "3:4: the alias *x has no anchor &x before it in this document"),
        ("a: &x [*x]", "1:8: the alias *x is inside its own anchor"),
        ("a: &x {b: {c: *x}}", "1:15: the alias *x is inside its own anchor"),
        ("&x a: &y {<<: *y}", "1:15: the alias *y is inside its own anchor"),
        ("a: &x 1\nb: &x 2", "2:4: duplicate anchor &x in this document"),
        ("a: &x [&x 1]", "1:8: duplicate anchor &x in this document"),
    ],
)
def test_an_undefined_or_ambiguous_alias_is_refused(yaml: Yaml, text: str, error: str) -> None:
    assert yaml.error(text) == f"keys.yaml:{error}"


def test_another_document_may_use_the_name_of_an_anchor_again(yaml: Yaml) -> None:
    first, second = yaml.documents("[&x 1, *x]\n---\n[&x 2, *x]")
    assert (first.data, second.data) == ([1, 1], [2, 2])


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("{<<: {a: 1}, b: 2}", {"a": 1, "b": 2}),
        ("{<<: {a: 1}, a: 2}", {"a": 2}),
        ("{a: 2, <<: {a: 1}}", {"a": 2}),
        ("{<<: [{a: 1}, {a: 2, b: 2}]}", {"a": 1, "b": 2}),
        ("{<<: {<<: {a: 1, b: 1}, a: 2}}", {"a": 2, "b": 1}),
        ("{<<: {a: null}, b: 1}", {"a": None, "b": 1}),
        ("{a: null, <<: {a: 1}}", {"a": None}),
        ("{<<: []}", {}),
        ("x: &x {a: 1}\ny: {<<: *x, b: 2}", {"x": {"a": 1}, "y": {"a": 1, "b": 2}}),
        ("x: &x [{a: 1}]\ny: {<<: *x}", {"x": [{"a": 1}], "y": {"a": 1}}),
    ],
)
def test_a_merge_adds_only_keys_that_the_mapping_lacks(yaml: Yaml, text: str, data: object) -> None:
    assert yaml.data(text) == data


@pytest.mark.parametrize("key", ['"<<"', "'<<'", "!!str <<"])
def test_a_merge_key_that_is_marked_as_text_is_an_ordinary_key(yaml: Yaml, key: str) -> None:
    assert yaml.data(f"{key}: {{a: 1}}") == {"<<": {"a": 1}}


@pytest.mark.parametrize("value", ["3", "", "text", "[1]", "[{a: 1}, 2]"])
def test_only_mappings_can_be_merged(yaml: Yaml, value: str) -> None:
    assert yaml.error(f"<<: {value}").endswith(
        "the key << takes an alias of a mapping, or a list of such aliases"
    )


def test_a_duplicate_merge_key_is_refused(yaml: Yaml) -> None:
    error = yaml.error("{<<: {a: 1}, <<: {b: 1}}")
    assert error == 'keys.yaml:1:14: duplicate key "<<"; write it once, with a list of aliases'


def test_a_change_of_a_merged_copy_leaves_the_original_alone(yaml: Yaml) -> None:
    data = yaml.data("x: &x {a: 1}\ny: {<<: *x}")
    assert data["x"] is not data["y"]


def test_an_alias_bomb_of_nine_levels_is_refused(yaml: Yaml) -> None:
    assert yaml.error(BOMB).endswith("aliases stand for more than 100,000 nodes in this file")


def test_the_bound_on_aliases_counts_all_documents_of_a_file(yaml: Yaml) -> None:
    half = BOMB.splitlines(keepends=True)[:5]
    text = "---\n".join(["".join(half)] * 20)
    assert "aliases stand for more than 100,000 nodes" in yaml.error(text)


def test_a_long_chain_of_merges_is_flat(yaml: Yaml) -> None:
    chain = "".join(f"a{level}: &a{level} {{<<: *a{level - 1}}}\n" for level in range(1, 3000))
    assert yaml.data(f"a0: &a0 {{x: 1}}\n{chain}")["a2999"] == {"x": 1}


def test_a_chain_of_aliases_counts_as_nesting(yaml: Yaml) -> None:
    chain = "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 3000))
    error = yaml.error(f"a0: &a0 [x]\n{chain}")
    assert error == "keys.yaml:64:12: nested deeper than 64 levels through the alias *a62"
