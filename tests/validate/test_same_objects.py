"""An object that two kinds declare would be made twice: it is told with both places, and once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import InputError
from reconciler.load.files import Input
from reconciler.validate.state import validated
from tests.values import kind_with, rules

if TYPE_CHECKING:
    from reconciler.kinds.kind import Kind

HERE = "https://api.example.com"
TEXT = "kind: {}\nproject_id: {}\nkeys:\n  - name: {}\n"


def kind_of(name: str, server: str = HERE, **extension: Any) -> Kind:
    return replace(kind_with({}, **extension), name=name, api=name, server=server)


def problems_of(one: Kind, other: Kind, *documents: tuple[str, str, str]) -> list[str]:
    kinds = {kind.name: kind for kind in (one, other)}
    files = [Input(TEXT.format(*words).encode(), f"{words[0]}.yaml") for words in documents]
    try:
        validated(files, rules(kinds))
    except InputError as error:
        return [*error.texts]
    return []


BOTH = (("a", "1", "x"), ("b", "1", "x"))


@pytest.mark.parametrize(
    ("server", "extension"),
    [
        (HERE, {}),
        (HERE, {"collection": "/things/{project_id}/"}),
        (f"{HERE}/things", {"collection": "/{project_id}"}),
    ],
)
def test_an_object_of_two_kinds_is_told_once_with_both_places(server: str, extension: dict[str, Any]) -> None:
    (text,) = problems_of(kind_of("a"), kind_of("b", server, **extension), *BOTH)
    what = "is the same object as a/1/x at a.yaml:4:5"
    assert text == f"b.yaml:4:5: b/1/x: {what}: b and a both are {HERE}/things/1; keep one of the two"


@pytest.mark.parametrize(
    ("server", "extension"),
    [
        ("https://other.example.com", {}),
        (HERE, {"collection": "/others/{project_id}"}),
        (HERE, {"send": {"query": {"type": "b"}}}),
        (HERE, {"as": {"title": "name"}, "identity": "name", "read_from": {"name": "title"}}),
    ],
)
def test_objects_of_two_places_are_two(server: str, extension: dict[str, Any]) -> None:
    assert not problems_of(kind_of("a"), kind_of("b", server, **extension), *BOTH)


def test_a_project_with_a_number_as_its_name_is_not_the_project_with_that_number() -> None:
    kinds = {name: kind_of(name) for name in "ab"}
    texts = (TEXT.format("a", "1", "x"), TEXT.format("b", '"1"', "x").replace("project_id", "project"))
    files = [Input(text.encode(), f"{name}.yaml") for name, text in zip("ab", texts, strict=True)]
    assert {part.scope.kind for part in validated(files, rules(kinds)).scopes} == {"a", "b"}


@pytest.mark.parametrize("other", [("b", "2", "x"), ("b", "1", "y")])
def test_objects_of_two_scopes_or_names_are_two(other: tuple[str, str, str]) -> None:
    assert not problems_of(kind_of("a"), kind_of("b"), BOTH[0], other)
