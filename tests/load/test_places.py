"""Positions: every key, value and list item has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.source import unpack
from tests.load.conftest import SOURCE, at

if TYPE_CHECKING:
    from reconciler.load.documents import Document
    from reconciler.model.source import Position
    from tests.load.conftest import Yaml

TEXT = """\
kind: caas
keys:
  - name: one
    containers:
      - {name: web, namespace: shop}
  -   name: two
"""
MERGED = """\
base: &base {description: shared, expire: null}
more: &more
  is_disabled: false
keys:
  - &first
    <<: [*base, *more]
    name: one
  - <<: *first
    name: two
  - *first
"""


def item_offsets(document: Document, key: str = "keys") -> list[Position]:
    return [unpack(SOURCE, place) for place in document.item_offsets(key)]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), at(1, 1)),
        (("kind",), at(1, 7)),
        (("keys",), at(3, 3)),
        (("keys", 0), at(3, 5)),
        (("keys", 0, "name"), at(3, 11)),
        (("keys", 0, "containers", 0, "namespace"), at(5, 32)),
        (("keys", 1, "name"), at(6, 13)),
        (("keys", 1, "expire"), at(6, 7)),
        (("keys", 2), at(3, 3)),
        (("keys", 0, "name", "deeper"), at(3, 11)),
        (("nothing", "here"), at(1, 1)),
    ],
)
def test_a_path_has_the_position_of_its_value_or_nearest_parent(
    yaml: Yaml, path: tuple[str | int, ...], place: Position
) -> None:
    assert yaml.only(TEXT).position(path) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("kind",), at(1, 1)),
        (("keys",), at(2, 1)),
        (("keys", 0, "containers"), at(4, 5)),
        (("keys", 0, "containers", 0, "namespace"), at(5, 21)),
    ],
)
def test_a_path_can_have_the_position_of_the_key(
    yaml: Yaml, path: tuple[str | int, ...], place: Position
) -> None:
    assert yaml.only(TEXT).key_position(path) == place


def test_items_have_positions(yaml: Yaml) -> None:
    assert item_offsets(yaml.only(TEXT)) == [at(3, 5), at(6, 7)]


def test_items_in_flow_style_have_positions(yaml: Yaml) -> None:
    assert item_offsets(yaml.only("keys: [{name: one},\n {name: two}, x]")) == [at(1, 8), at(2, 2), at(2, 15)]


def test_an_empty_list_has_no_item_positions(yaml: Yaml) -> None:
    assert item_offsets(yaml.only("keys: []")) == []


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("keys", 0, "name"), at(7, 11)),
        (("keys", 0, "description"), at(1, 27)),
        (("keys", 0, "expire"), at(1, 43)),
        (("keys", 0, "is_disabled"), at(3, 16)),
        (("keys", 1, "name"), at(9, 11)),
        (("keys", 1, "description"), at(1, 27)),
        (("keys", 2, "name"), at(7, 11)),
    ],
)
def test_a_merged_or_aliased_value_has_the_position_of_its_definition(
    yaml: Yaml, path: tuple[str | int, ...], place: Position
) -> None:
    assert yaml.only(MERGED).position(path) == place


def test_items_of_an_aliased_list_have_the_positions_of_its_definition(yaml: Yaml) -> None:
    document = yaml.only("a: &list\n  - one\n  - two\nkeys: *list\n")
    assert item_offsets(document) == [at(2, 5), at(3, 5)]


def test_items_of_a_nested_list_have_their_positions(yaml: Yaml) -> None:
    document = yaml.only("x: {y: {z: &list [one, two]}}\nkeys: *list\n")
    assert item_offsets(document) == [at(1, 19), at(1, 24)]


def test_an_aliased_item_has_the_position_of_the_alias(yaml: Yaml) -> None:
    assert item_offsets(yaml.only(MERGED)) == [at(5, 5), at(8, 5), at(10, 5)]


def test_a_merged_list_has_the_position_of_its_definition(yaml: Yaml) -> None:
    document = yaml.only("<<: {keys: [one, two]}\n")
    assert item_offsets(document) == [at(1, 13), at(1, 18)]


def test_an_ordinary_key_that_resembles_a_merge_is_not_followed(yaml: Yaml) -> None:
    document = yaml.only('"<<": {name: one}\n')
    assert document.position(("name",)) == at(1, 1)


def test_the_end_of_a_long_chain_of_merges_is_found(yaml: Yaml) -> None:
    chain = "".join(f"a{level}: &a{level} {{<<: *a{level - 1}}}\n" for level in range(1, 3000))
    document = yaml.only(f"a0: &a0 {{x: 1}}\n{chain}")
    assert document.position(("a2999", "x")) == at(1, 13)


def test_a_graph_of_merges_is_traversed_once(yaml: Yaml) -> None:
    web = "".join(
        f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 10)}]}}\n" for level in range(1, 20)
    )
    document = yaml.only(f"a0: &a0 {{x: 1}}\n{web}")
    assert document.position(("a19", "missing")) == at(20, 6)


def test_the_position_is_that_of_the_first_merge_with_the_key(yaml: Yaml) -> None:
    document = yaml.only("x: {<<: [{<<: {a: 1}}, {a: 2}]}\n")
    assert document.data["x"] == {"a": 1}
    assert document.position(("x", "a")) == at(1, 19)


def test_each_document_of_a_file_has_its_own_positions(yaml: Yaml) -> None:
    first, second = yaml.documents("---\n# empty\n---\nkeys: [a]\n---\nkeys:\n- b\n")
    assert (first.position(("keys", 0)), second.position(("keys", 0))) == (at(4, 8), at(7, 3))
    assert (item_offsets(first), item_offsets(second)) == ([at(4, 8)], [at(7, 3)])


def test_a_document_of_one_scalar_is_a_document(yaml: Yaml) -> None:
    _, second = yaml.documents("word\n---\nkeys: [a]\n")
    assert second.position(("keys", 0)) == at(3, 8)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_are_counted_with_every_line_ending(yaml: Yaml, ending: str) -> None:
    document = yaml.only(ending.join(["a: b", "", "keys:", "  - c", ""]))
    assert item_offsets(document) == [at(4, 5)]


@pytest.mark.parametrize("text", ["ä", "日本", "😀", "é"])
def test_columns_count_characters(yaml: Yaml, text: str) -> None:
    document = yaml.only(f"{{{text}: 1, keys: [x]}}")
    assert item_offsets(document) == [at(1, len(text) + 14)]
    assert document.position(("keys", 0)) == at(1, len(text) + 14)
