"""Tags: only those that change nothing are accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.load.conftest import Yaml


@pytest.mark.parametrize(
    ("text", "data"), [("!!map {a: 1}", {"a": 1}), ("!!seq [1]", [1]), ("! {a: 1}", {"a": 1})]
)
def test_a_tag_that_matches_the_resolved_type_is_accepted(yaml: Yaml, text: str, data: object) -> None:
    assert yaml.data(text) == data


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("a: !!int 3", "!!int"),
        ("a: !!bool yes", "!!bool"),
        ("a: !!null", "!!null"),
        ("a: !!timestamp 2027-01-01", "!!timestamp"),
        ("a: !!binary aGk=", "!!binary"),
        ("a: !!set {x}", "!!set"),
        ("a: !!seq {x: 1}", "!!seq"),
        ("a: !!map [x]", "!!map"),
        ("a: !!str [x]", "!!str"),
        ("a: !secret x", "!secret"),
        ("a: !!python/object/apply:os.system [x]", "!!python/object/apply:os.system"),
    ],
)
def test_any_other_tag_is_refused_at_its_position(yaml: Yaml, text: str, tag: str) -> None:
    message = f"keys.yaml:1:4: the tag {tag} is not supported; write the value without it"
    assert yaml.error(text) == message


def test_a_key_may_not_have_another_tag(yaml: Yaml) -> None:
    assert "the tag !!int is not supported" in yaml.error("!!int 5: x")


def test_a_tag_through_a_directive_is_refused(yaml: Yaml) -> None:
    assert "the tag tag:example.org,2026:key is not" in yaml.error(
        "%TAG !e! tag:example.org,2026:\n---\n!e!key x"
    )
