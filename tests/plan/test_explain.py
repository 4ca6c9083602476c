"""Explanations: every field of a kind, with the reason why a PATCH would carry it or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.desired import Lifecycle
from reconciler.plan.explain import Carried, Verdict, explanations
from tests.values import declared, kind_with, make_plan

if TYPE_CHECKING:
    from reconciler.plan.explain import Explanation

TEXT = {"type": "string"}
FIELDS = {
    "note": TEXT,
    "functions": {"type": "array", "uniqueItems": True, "items": TEXT},
    "secret": {"type": "string", "readOnly": True},
}
KIND = kind_with(FIELDS, always_sent=["functions"], secret="secret")
LIVE = {"name": "x", "note": "theirs", "functions": ["b", "a"], "secret": "do-not-show"}


def explained(desired: dict[str, Any], **facts: Any) -> tuple[Explanation, ...]:
    key = declared("x", **desired)._replace(**facts)
    changes = make_plan([key], [LIVE], kind=KIND).changes
    return explanations(KIND, key, LIVE, changes[0] if changes else None)


@pytest.mark.parametrize(
    ("desired", "note", "functions"),
    [
        ({"note": "ours"}, Carried.DIFFERS, Carried.REQUIRED),
        ({"note": "theirs"}, Carried.NOT, Carried.NOT),
        ({"functions": ["a"]}, Carried.NOT, Carried.DIFFERS),
        ({"functions": ["a", "b"], "note": "ours"}, Carried.DIFFERS, Carried.REQUIRED),
    ],
)
def test_a_field_is_sent_if_it_differs_or_is_required(
    desired: dict[str, Any], note: Carried, functions: Carried
) -> None:
    found = {one.field: one.carried for one in explained(desired)}
    assert (found["note"], found["functions"]) == (note, functions)


def test_the_secret_of_a_response_is_omitted() -> None:
    (secret,) = (one for one in explained({}) if one.field == "secret")
    assert (secret.verdict, secret.live) == (Verdict.READ_ONLY, None)


def test_a_field_is_sent_only_with_a_request() -> None:
    ignored = Lifecycle(ignore_changes=frozenset({"note"}))
    found = {one.field: one.carried for one in explained({"note": "ours"}, lifecycle=ignored)}
    assert (found["note"], found["functions"]) == (Carried.IGNORED, Carried.NOT)
    key = declared("x", note="ours")
    assert {one.carried for one in explanations(KIND, key, LIVE, None)} == {Carried.NOT}


def test_a_field_that_differs_has_its_change() -> None:
    (note,) = (one for one in explained({"note": "ours"}) if one.field == "note")
    assert note.change is not None
    assert (note.change.before, note.change.after) == ("theirs", "ours")


def test_an_object_is_said_to_be_compared_by_what_is_declared_of_it() -> None:
    box = {"type": "object", "properties": {"a": TEXT, "b": TEXT}}
    kind = kind_with({"box": box, "map": {"type": "object", "additionalProperties": TEXT}})
    key = declared("x", box={"a": "1"}, map={})
    found = {one.field: one.rule for one in explanations(kind, key, {"box": {"b": "2"}, "map": {}}, None)}
    assert found["box"].startswith("of an object, the members that the file declares are compared")
    assert found["map"] == "values are compared exactly, their type included"
