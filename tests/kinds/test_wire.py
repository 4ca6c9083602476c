"""Between the words of an API and those of files, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.wire import body_of, item_of, object_of
from tests.values import kind_with

if TYPE_CHECKING:
    from reconciler.kinds.kind import Kind

TEXT = {"type": "string"}
MAP = {"type": "object", "additionalProperties": TEXT}
FIELDS: dict[str, Any] = {
    "note": TEXT,
    "phase": TEXT,
    "tags": MAP,
    "tenant": {"type": "integer"},
    "groups": {},
    "spec": {"type": "object", "properties": {"name": {"type": "string", "readOnly": True}, "size": TEXT}},
    "user": {"type": "object", "readOnly": True},
}
INSIDE: dict[str, Any] = {"read_from": {"name": "spec.name"}}
"""A name that is shown and sent inside a property which files declare."""


def kind_of(**extension: Any) -> Kind:
    renamed = extension.pop("names", None)
    return kind_with(FIELDS, **({"as": renamed} if renamed else {}), **extension)


def linked(boss: Any, /, **attributes: Any) -> dict[str, Any]:
    """Return a resource with a relationship that a kind describes, and one that it does not."""
    return {"id": "7", "attributes": attributes, "relationships": {"boss": boss, "other": {"data": {}}}}


RELATED = kind_of(style="json-api", type="t", names={"user": "boss"}, relationships=["user"])


@pytest.mark.parametrize(
    ("kind", "row", "found"),
    [
        (kind_of(), {"name": "a", "x": 1}, {"name": "a", "x": 1}),
        (kind_of(), ["no object"], ["no object"]),
        (kind_of(names={"phase": "state"}), {"state": "on", "note": "n"}, {"phase": "on", "note": "n"}),
        (
            kind_of(names={"phase": "state"}),
            {"phase": "shadow", "state": "on"},
            {"phase": "on", "phase of the API": "shadow"},
        ),
        (kind_of(names={"phase": "state"}), {"note": "n"}, {"note": "n"}),
        (
            kind_of(style="json-api", type="t"),
            {"type": "t", "id": "7", "attributes": {"name": "a", "id": "shadow"}, "links": {}},
            {"name": "a", "id": "7"},
        ),
        (kind_of(style="json-api", type="t"), {"id": "7", "attributes": None}, {"id": "7"}),
        (
            RELATED,
            linked({"data": {"id": "1"}, "links": {}}, name="a"),
            {"id": "7", "name": "a", "user": {"id": "1"}},
        ),
        (RELATED, linked({"data": None}), {"id": "7", "user": None}),
        (RELATED, linked({"links": {}}, boss=1), {"id": "7"}),
        (RELATED, {"id": "7", "relationships": None}, {"id": "7"}),
        (kind_of(shown={"tags": "pairs"}), {"tags": [{"key": "a", "value": "1"}]}, {"tags": {"a": "1"}}),
        (kind_of(shown={"tags": "pairs"}), {"tags": []}, {"tags": {}}),
        (
            kind_of(shown={"tags": "pairs"}),
            {"tags": [{"key": "", "value": "", "x": 2}]},
            {"tags": {"": ""}, "tags[].x": 2},
        ),
        (
            kind_of(shown={"tags": {"shape": "pairs", "unless": "fixed", "read_only": ["at"]}}),
            {"tags": [{"key": "a", "value": "1", "fixed": True}, {"key": "b", "value": "2", "at": 0}]},
            {"tags": {"b": "2"}},
        ),
        (kind_of(shown={"tenant": "id"}), {"tenant": {"id": 7, "name": "x"}}, {"tenant": 7}),
        (kind_of(shown={"tenant": "ref.id"}), {"tenant": {"ref": {"id": 7}}}, {"tenant": 7}),
        (kind_of(shown={"groups": "id"}), {"groups": [{"id": 1}, {"id": 2}]}, {"groups": [1, 2]}),
        (kind_of(shown={"tenant": "id"}), {"tenant": None}, {"tenant": None}),
        (kind_of(read_from={"tenant": "owner.id"}), {"owner": {"id": 7}}, {"owner": {"id": 7}, "tenant": 7}),
        (kind_of(read_from={"tenant": "owner.id"}), {"owner": None}, {"owner": None, "tenant": None}),
        (kind_of(read_from={"tenant": "owner.id"}), {"note": "n"}, {"note": "n"}),
        (
            kind_of(read_from={"tags": "tags_v2"}, shown={"tags": "pairs"}),
            {"tags_v2": [{"key": "a", "value": "1"}]},
            {"tags_v2": [{"key": "a", "value": "1"}], "tags": {"a": "1"}},
        ),
        (
            kind_of(read_from={"phase": "status"}, names={"phase": "state"}),
            {"status": "on"},
            {"status": "on", "phase": "on"},
        ),
        (kind_of(**INSIDE), {"spec": {"name": "a"}}, {"name": "a", "spec": {"name": "a"}}),
        (kind_of(**INSIDE), {"spec": {}}, {"name": None, "spec": {}}),
        (kind_of(**INSIDE), {"spec": None, "note": "n"}, {"name": None, "spec": None, "note": "n"}),
        (kind_of(**INSIDE), {"note": "n"}, {"note": "n"}),
        (
            kind_of(**INSIDE),
            {"name": "shadow", "spec": {"name": "a"}},
            {"name of the API": "shadow", "name": "a", "spec": {"name": "a"}},
        ),
        (
            kind_of(read_from={"name": "user.email"}),
            {"name": "shadow", "user": {"email": "a@b.c"}},
            {"name": "a@b.c", "user": {"email": "a@b.c"}},
        ),
    ],
)  # fmt: skip
def test_a_row_is_read_in_the_words_of_files(kind: Kind, row: Any, found: Any) -> None:
    assert object_of(kind, row) == found


@pytest.mark.parametrize(
    "value",
    [
        "text",
        [{"key": "a"}],
        [{"key": 1, "value": "x"}],
        [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}],
        [["a", "1"]],
    ],
)
def test_what_is_not_pairs_stays_as_it_is_so_that_it_is_seen(value: Any) -> None:
    assert object_of(kind_of(shown={"tags": "pairs"}), {"tags": value}) == {"tags": value}


def test_an_item_is_taken_out_of_its_envelope() -> None:
    kind = kind_of(envelope={"item": "data.team"})
    assert item_of(kind, {"data": {"team": {"name": "a"}}}) == {"name": "a"}
    assert item_of(kind, {"data": {"name": "a"}}) is None
    assert item_of(kind, "no object") is None


@pytest.mark.parametrize(
    ("kind", "path_id", "body"),
    [
        (kind_of(), None, {"phase": "on"}),
        (kind_of(names={"phase": "state"}), None, {"state": "on"}),
        (kind_of(envelope={"body": "data.team"}), None, {"data": {"team": {"phase": "on"}}}),
        (kind_of(style="json-api", type="t"), None, {"data": {"type": "t", "attributes": {"phase": "on"}}}),
        (
            kind_of(style="json-api", type="t", names={"phase": "state"}),
            "7",
            {"data": {"type": "t", "id": "7", "attributes": {"state": "on"}}},
        ),
        (kind_of(path="tenant", update={"method": "PATCH", "id": True}), "7", {"tenant": 7, "phase": "on"}),
    ],
)
def test_a_body_is_in_the_words_of_the_api(kind: Kind, path_id: str | None, body: Any) -> None:
    assert body_of(kind, {"phase": "on"}, path_id) == body


@pytest.mark.parametrize(
    ("kind", "values", "body"),
    [
        (kind_of(**INSIDE), {"name": "a", "note": "n"}, {"note": "n", "spec": {"name": "a"}}),
        (kind_of(**INSIDE), {"name": "a", "spec": {"size": "s"}}, {"spec": {"size": "s", "name": "a"}}),
        (kind_of(**INSIDE), {"spec": {"size": "s"}}, {"spec": {"size": "s"}}),
        (
            kind_of(names={"spec": "Spec"}, read_from={"name": "Spec.name"}),
            {"name": "a", "spec": {"size": "s"}},
            {"Spec": {"size": "s", "name": "a"}},
        ),
        (kind_of(read_from={"name": "a.b"}), {"name": "a", "note": "n"}, {"name": "a", "note": "n"}),
        (
            RELATED,
            {"user": {"id": "1"}, "note": "n"},
            {
                "data": {
                    "type": "t",
                    "attributes": {"note": "n"},
                    "relationships": {"boss": {"data": {"id": "1"}}},
                }
            },
        ),
        (RELATED, {"user": None}, {"data": {"type": "t", "relationships": {"boss": {"data": None}}}}),
        (RELATED, {}, {"data": {"type": "t", "attributes": {}}}),
        (kind_of(read_from={"name": "user.email"}), {"name": "a@b.c"}, {"name": "a@b.c"}),
    ],
)
def test_a_name_is_sent_where_it_is_inside_a_property_that_files_declare(
    kind: Kind, values: Any, body: Any
) -> None:
    assert body_of(kind, values) == body


VALUES = st.fixed_dictionaries(
    {"note": st.text(max_size=2)},
    optional={
        "phase": st.text(max_size=2),
        "tags": st.dictionaries(st.text(max_size=2), st.text(max_size=2)),
    },
)


@given(VALUES)
def test_what_is_written_is_read_back(values: dict[str, Any]) -> None:
    plain = kind_of(names={"phase": "state"}, envelope={"item": "a.b", "body": "a.b"})
    assert item_of(plain, body_of(plain, values)) == values
    only = kind_of(envelope={"item": "a.b[]", "body": "a.b[]"})
    assert item_of(only, body_of(only, values)) == values
    api = kind_of(style="json-api", type="t", names={"phase": "state"})
    assert item_of(api, body_of(api, values, "7")) == {**values, "id": "7"}
    nested = kind_of(**INSIDE)
    shown = item_of(nested, body_of(nested, {**values, "name": "a"}))
    assert shown == {**values, "name": "a", "spec": {"name": "a"}}


@pytest.mark.parametrize(
    ("place", "body", "others"),
    [
        (
            "things[]",
            {"things": [{"note": "a"}]},
            [{"things": []}, {"things": [{}, {}]}, {"things": {}}, {}, []],
        ),
        ("a.things[]", {"a": {"things": [{"note": "a"}]}}, [{"a": [{"note": "a"}]}]),
        ("[]", [{"note": "a"}], [{}, [], [{}, {}]]),
    ],
)
def test_a_list_of_one_is_an_envelope_and_of_several_none_is_meant(
    place: str, body: Any, others: list[Any]
) -> None:
    kind = kind_of(envelope={"item": place, "body": place})
    assert (body_of(kind, {"note": "a"}), item_of(kind, body)) == (body, {"note": "a"})
    assert [item_of(kind, other) for other in others] == [None] * len(others)


def test_the_id_that_a_client_gives_stands_beside_the_attributes_of_json_api() -> None:
    kind = kind_of(style="json-api", type="things")
    body = {"data": {"type": "things", "id": "a", "attributes": {"phase": "on"}}}
    assert body_of(kind, {"id": "a", "phase": "on"}) == body
