"""A request carries what differs and no more, at every depth that its encoding allows."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.diff.compare import desired_form
from reconciler.diff.normalize import normalize
from reconciler.model.canonical import json_text
from reconciler.model.request import Encoding, body_text
from reconciler.plan.requests import merge_patch
from tests.properties import examples
from tests.values import declared, kind_with, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.plan import Change

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
FIELDS: dict[str, Any] = {
    "note": TEXT,
    "state": {"type": "string", "readOnly": True},
    "phase": TEXT,
    "tags": {"type": "object", "additionalProperties": TEXT},
    "limits": {"type": "object", "properties": {"low": NUMBER}, "additionalProperties": NUMBER},
    "hook": {
        "type": "object",
        "required": ["url"],
        "properties": {
            "url": TEXT,
            "secret": {"type": ["string", "null"]},
            "made": {"type": "string", "readOnly": True},
            "tls": {"type": "object", "properties": {"check": {"type": "boolean"}, "name": TEXT}},
        },
    },
    "rules": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["port"],
            "properties": {
                "port": {"type": "integer"},
                "note": TEXT,
                "id": {"type": "string", "readOnly": True},
            },
        },
    },
}


def kind_of(method: str = "PATCH", encoding: str = "json", names: Any = None, **extension: Any) -> Kind:
    renamed = {} if names is None else {"as": names}
    return kind_with(FIELDS, **{"update": {"method": method, "encoding": encoding}, **renamed, **extension})


LIVE: dict[str, Any] = {
    "name": "web-key",
    "note": "old",
    "phase": "on",
    "tags": {"team": "a", "tier": "1"},
    "limits": {"low": 1, "other": 2},
    "hook": {"url": "https://a", "secret": "x", "made": "m", "tls": {"check": True, "name": "n"}, "extra": 1},
    "rules": [{"port": 1, "id": "r1"}, {"port": 2, "note": "n", "id": "r2"}],
}


def change_of(kind: Kind, want: Mapping[str, Any], live: Mapping[str, Any] = LIVE) -> Change | None:
    plan = make_plan([declared(**want)], [live], kind=kind)
    assert plan.problems == ()
    return next(iter(plan.changes), None)


@pytest.mark.parametrize(
    "want",
    [
        {"hook": {"url": "https://a"}},
        {"hook": {"url": "https://a", "tls": {"check": True}}},
        {"rules": [{"port": 1}, {"port": 2, "note": "n"}]},
        {"tags": {"tier": "1", "team": "a"}},
        {"limits": {"other": 2}},
    ],
)
def test_members_that_no_file_names_or_that_the_service_adds_are_no_difference(want: dict[str, Any]) -> None:
    assert change_of(kind_of(), want) is None


WHOLE_HOOK = {"url": "https://b", "secret": "x", "tls": {"check": True, "name": "n"}, "extra": 1}
URL = LIVE["hook"]["url"]
MERGED = kind_of(encoding="merge-patch")
POINTED = kind_of(encoding="json-patch", names={"note": "a/b~"})


@pytest.mark.parametrize(
    ("kind", "want", "sent"),
    [
        (kind_of(), {"note": "new"}, {"note": "new"}),
        (kind_of(), {"hook": {"url": "https://b"}}, {"hook": WHOLE_HOOK}),
        (
            kind_of(),
            {"hook": {"url": URL, "secret": None}},
            {"hook": {**WHOLE_HOOK, "url": URL, "secret": None}},
        ),
        (kind_of(), {"rules": [{"port": 3}]}, {"rules": [{"port": 3}]}),
        (kind_of(), {"tags": {"team": "b"}}, {"tags": {"team": "b"}}),
        (kind_of(), {"limits": {"more": 3}}, {"limits": {"low": 1, "more": 3}}),
        (kind_of(merge=["tags"]), {"tags": {"team": "b"}}, {"tags": {"team": "b", "tier": None}}),
        (MERGED, {"hook": {"url": "https://b"}}, {"hook": {"url": "https://b"}}),
        (MERGED, {"hook": {"url": URL, "tls": {"check": False}}}, {"hook": {"tls": {"check": False}}}),
        (MERGED, {"hook": {"url": URL, "secret": None}}, {"hook": {"secret": None}}),
        (MERGED, {"tags": {"tier": "1"}}, {"tags": {"team": None}}),
        (POINTED, {"note": "new"}, [{"op": "replace", "path": "/a~1b~0", "value": "new"}]),
        (kind_of(names={"note": "a/b"}), {"note": "new"}, {"a/b": "new"}),
        (kind_of(envelope={"body": "data.thing"}), {"note": "new"}, {"data": {"thing": {"note": "new"}}}),
        (
            kind_of(style="json-api", type="things"),
            {"note": "new"},
            {"data": {"type": "things", "id": "web-key", "attributes": {"note": "new"}}},
        ),
        (
            kind_of(style="json-api", type="things", update={"method": "PATCH", "id": False}),
            {"note": "new"},
            {"data": {"type": "things", "attributes": {"note": "new"}}},
        ),
        (
            kind_of(update={"method": "PATCH", "id": True}, names={"name": "key"}),
            {"note": "new"},
            {"key": "web-key", "note": "new"},
        ),
    ],
)  # fmt: skip
def test_a_request_carries_what_differs(kind: Kind, want: dict[str, Any], sent: Any) -> None:
    change = change_of(kind, want)
    assert change is not None
    assert [request.body for request in change.requests] == [sent]


def test_the_name_is_sent_where_every_update_must_have_it() -> None:
    change = change_of(kind_of(always_sent=["name", "phase"]), {"note": "new"})
    assert change is not None
    (request,) = change.requests
    assert request.body == {"note": "new", "phase": "on", "name": "web-key"}


def test_an_update_goes_to_the_path_that_takes_it_and_a_deletion_to_that_of_the_key() -> None:
    kind = kind_of()
    elsewhere = {"method": "PATCH", "path": "/v2/things/{project_id}/{id}"}
    other = kind_with(FIELDS, update=elsewhere)
    paths = [request.path for one in (kind, other) for request in update_of(one).requests]
    assert paths == [update_of(kind).path, "/v2/things/1/web-key"]
    assert update_of(other).path == update_of(kind).path


def update_of(kind: Kind) -> Change:
    change = change_of(kind, {"note": "new"})
    assert change is not None
    return change


MASKED = {**LIVE, "hook": {"url": "https://a", "secret": "********"}, "note": "sk-****1234"}
TO = {"hook": {"url": "https://b"}}


@pytest.mark.parametrize(
    ("extension", "want", "path"),
    [
        ({}, TO, "hook.secret"),
        ({"update": {"method": "PUT"}}, {**TO, "note": "n"}, "hook.secret"),
        ({"always_sent": ["note"]}, {"phase": "off"}, "note"),
        ({"immutable": ["phase"]}, {"phase": "off"}, "hook, note"),
    ],
)
def test_a_value_that_the_service_hides_is_never_sent(
    extension: dict[str, Any], want: dict[str, Any], path: str
) -> None:
    kind = kind_with(FIELDS, **{"create": {"requires": []}, **extension})
    plan = make_plan([declared(**want)], [MASKED], kind=kind)
    assert (plan.changes, len(plan.problems), plan.objections) == ((), 1, ())
    assert f"the response masks the value of {path}" in plan.problems[0].message


@pytest.mark.parametrize("encoding", ["json", "merge-patch", "json-patch"])
def test_a_value_that_the_service_hides_inside_an_item_is_never_sent(encoding: str) -> None:
    item = {"type": "object", "properties": {"port": NUMBER, "secret": TEXT}}
    kind = kind_with(
        {"rules": {"type": "array", "items": item}}, update={"method": "PATCH", "encoding": encoding}
    )
    live = {"name": "web-key", "rules": [{"port": 1, "secret": "****"}, {"port": 2, "secret": "****"}]}
    plan = make_plan([declared(rules=[{"port": 1}, {"port": 3, "secret": "new"}])], [live], kind=kind)
    assert plan.changes == ()
    assert "the response masks the value of rules[].secret" in plan.problems[0].message
    change = change_of(kind, {"rules": [{"port": 1, "secret": "a"}, {"port": 3, "secret": "b"}]}, live)
    assert change is not None
    assert "****" not in str(change.requests[0])


@pytest.mark.parametrize(
    ("encoding", "want"),
    [
        ("merge-patch", TO),
        ("json", {"hook": {"url": "https://b", "secret": "new"}}),
        ("json", {"phase": "x"}),
    ],
)
def test_a_hidden_value_that_is_not_sent_or_is_declared_hinders_nothing(
    encoding: str, want: dict[str, Any]
) -> None:
    change = change_of(kind_of(encoding=encoding), want, MASKED)
    assert change is not None
    assert "****" not in str(change.requests[0])


def test_a_field_that_has_no_value_yet_is_added_by_a_json_patch() -> None:
    kind = kind_with(
        {"note": {"type": ["string", "null"]}}, update={"method": "PATCH", "encoding": "json-patch"}
    )
    change = change_of(kind, {"note": "new"}, {"name": "web-key", "note": None})
    assert change is not None
    assert change.requests[0].body == [{"op": "add", "path": "/note", "value": "new"}]


@pytest.mark.parametrize("live", [{"b": "1"}, {"a": None, "b": "1"}])
def test_a_null_member_of_a_map_is_none_where_null_removes_it(live: dict[str, Any]) -> None:
    tags = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
    kind = kind_with({"tags": tags}, update={"method": "PATCH", "encoding": "merge-patch"})
    assert change_of(kind, {"tags": {"a": None, "b": "1"}}, {"name": "web-key", "tags": live}) is None


@pytest.mark.parametrize("shown", [{}, {"free": None}])
def test_a_null_under_a_free_name_is_none_at_every_depth_of_a_merge_patch(shown: dict[str, Any]) -> None:
    free = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
    nullable = {"type": ["string", "null"]}
    inside = {**free, "properties": {"own": nullable, "tags": free}, "required": ["own"]}
    kind = kind_with({"box": inside}, update={"method": "PATCH", "encoding": "merge-patch"})
    live: dict[str, Any] = {"name": "web-key", "box": {"own": None, "tags": shown, **shown}}
    want = {"own": None, "free": None, "tags": {"free": None}}
    assert change_of(kind, {"box": want}, live) is None
    held = {"own": "x", "free": "y", "tags": {"free": "z"}}
    owned, nulls = {**want, "own": "x"}, {"free": None, "tags": {"free": None}}
    for there, declared_so, sent in ((live["box"], owned, {"own": "x"}), (held, owned, nulls)):
        change = change_of(kind, {"box": declared_so}, {**live, "box": there})
        assert change is not None
        assert change.requests[0].body == {"box": sent}


def test_a_field_that_the_response_lacks_is_added_by_a_json_patch_whatever_that_means() -> None:
    kind = kind_with(
        {"note": TEXT}, update={"method": "PATCH", "encoding": "json-patch"}, optional={"note": ""}
    )
    live = kind.with_response_defaults({"name": "web-key"})
    change = change_of(kind, {"note": "new"}, live)
    assert change is not None
    assert change.requests[0].body == [{"op": "add", "path": "/note", "value": "new"}]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"a": "x y", "b": True, "c": 1.5, "d": None}, "a=x+y&b=true&c=1.5&d="),
        (
            {"m": {"k": "v", "n": {"o": 1}}, "l": ["a", "b"]},
            "m%5Bk%5D=v&m%5Bn%5D%5Bo%5D=1&l%5B%5D=a&l%5B%5D=b",
        ),
        ({"e": "&=%"}, "e=%26%3D%25"),
        ({"l": [], "m": {}, "n": {"o": []}}, "l=&m=&n%5Bo%5D="),
        ({}, ""),
        (
            {"l": [{"a": 1}, {"b": [2, 3]}, "c"]},
            "l%5B0%5D%5Ba%5D=1&l%5B1%5D%5Bb%5D%5B%5D=2&l%5B1%5D%5Bb%5D%5B%5D=3&l%5B2%5D=c",
        ),
        ({"l": [["a"], ["b"]]}, "l%5B0%5D%5B%5D=a&l%5B1%5D%5B%5D=b"),
        ({"a[b]": "\u00fc", "b": 1e300}, "a%5Bb%5D=%C3%BC&b=1e%2B300"),
    ],
)
def test_a_form_names_members_in_brackets(body: dict[str, Any], text: str) -> None:
    assert body_text(body, Encoding.FORM) == text


HOOKS = st.fixed_dictionaries(
    {"url": st.sampled_from("ab")},
    optional={
        "secret": st.none() | st.sampled_from("xy"),
        "tls": st.fixed_dictionaries({}, optional={"check": st.booleans(), "name": st.sampled_from("nm")}),
    },
)
TAGS = st.dictionaries(st.sampled_from("klm"), st.sampled_from("12"))
RULES = st.lists(
    st.fixed_dictionaries({"port": st.integers(1, 2)}, optional={"note": st.sampled_from("pq")}), max_size=3
)
WANTED = st.fixed_dictionaries(
    {}, optional={"note": st.sampled_from("op"), "tags": TAGS, "hook": HOOKS, "rules": RULES}
)
SHOWN = st.fixed_dictionaries({
    "note": st.sampled_from("op"),
    "tags": TAGS,
    "hook": HOOKS.map(lambda hook: {**hook, "made": "m"}),
    "rules": RULES,
})  # fmt: skip


def patched(live: Any, body: Any) -> Any:
    """Apply a merge patch (RFC 7396) as a service does."""
    if not isinstance(body, dict):
        return body
    found = dict(live) if isinstance(live, dict) else {}
    for name, value in body.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = patched(found.get(name), value)
    return found


def stored(kind: Kind, live: Mapping[str, Any], body: Any) -> dict[str, Any]:
    """Apply the body of an update as a service of its encoding does."""
    if kind.update.encoding is Encoding.MERGE_PATCH:
        found: dict[str, Any] = patched(live, body)
        return found
    if kind.update.encoding is Encoding.JSON_PATCH:
        body = {operation["path"][1:]: operation["value"] for operation in body}
    after = copy.deepcopy({**live, **body})
    if "tags" in body and "tags" in kind.merged:
        after["tags"] = patched(live["tags"], body["tags"])
    if "hook" in body:
        after["hook"]["made"] = live["hook"]["made"]
    return after


def parts(body: Any) -> Iterator[Any]:
    """Yield ``body`` without each of its members, operations and members of members in turn."""
    if isinstance(body, list):
        for index in range(len(body)):
            yield [*body[:index], *body[index + 1 :]]
    for name in body if isinstance(body, dict) else ():
        yield {other: value for other, value in body.items() if other != name}
        for less in parts(body[name]) if isinstance(body[name], dict) else ():
            yield {**body, name: less}


KINDS = {
    "json": kind_of(),
    "json with a merged map": kind_of(merge=["tags"]),
    "put": kind_of("PUT"),
    "merge-patch": kind_of(encoding="merge-patch"),
    "json-patch": kind_of(encoding="json-patch"),
}


def is_as_declared(kind: Kind, want: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    pairs = ((kind.fields[name], value, live[name]) for name, value in want.items())
    return all(
        json_text(normalize(field, have)) == json_text(desired_form(field, value, have))
        for field, value, have in pairs
    )


@examples(40)
@given(st.sampled_from(sorted(KINDS)), WANTED, SHOWN)
def test_a_request_makes_the_live_object_as_declared(
    name: str, want: dict[str, Any], shown: dict[str, Any]
) -> None:
    kind, live = KINDS[name], {"name": "web-key", **shown}
    change = change_of(kind, want, live)
    if change is None:
        assert is_as_declared(kind, want, live)
        return
    after = stored(kind, live, change.requests[0].body)
    assert is_as_declared(kind, want, after)
    assert change_of(kind, want, after) is None
    untouched = {field for field in shown if field not in want}
    assert {field: after[field] for field in untouched} == {field: live[field] for field in untouched}


NEEDED: dict[str, Any] = {
    "type": "object",
    "required": ["token"],
    "properties": {"token": {"type": ["string", "null"]}, "note": {"type": ["string", "null"]}, "url": TEXT},
}


@pytest.mark.parametrize(
    ("want", "lost"),
    [
        ({"hook": {"token": None}}, "hook.token"),
        ({"hook": {"token": None, "url": "b"}}, "hook.token"),
        ({"deep": {"hook": {"token": None}}}, "deep.hook.token"),
        ({"hook": {"note": None, "token": "a"}}, ""),
        ({"hook": {"url": "b", "token": "a"}}, ""),
        ({"hooks": [{"token": None}]}, ""),
        ({"owner": None}, "owner"),
        ({"owner": None, "hook": {"token": None}}, "owner, hook.token"),
    ],
)
def test_a_merge_patch_never_removes_what_must_be_there(want: Any, lost: str) -> None:
    deep = {"type": "object", "properties": {"hook": NEEDED}}
    fields = {"hook": NEEDED, "deep": deep, "hooks": {"type": "array", "items": NEEDED}}
    fields["owner"] = {"type": ["string", "null"]}
    hook = {"token": "a", "note": "n", "url": "a"}
    live = {"name": "web-key", "hook": hook, "deep": {"hook": hook}, "hooks": [hook], "owner": "us"}
    for encoding in ("merge-patch", "json"):
        kind = kind_with(fields, update={"method": "PATCH", "encoding": encoding})
        kind = replace(kind, schema={**kind.schema, "required": ["name", "owner"]})
        plan = make_plan([declared(**want)], [live], kind=kind)
        is_refused = bool(lost) and encoding == "merge-patch"
        assert (len(plan.changes), len(plan.objections)) == ((0, 1) if is_refused else (1, 0))
        if is_refused:
            (problem,) = plan.problems
            message = f"a merge patch (RFC 7396) removes what is null, and {lost} must be there; write"
            assert (problem.message.startswith(message), problem.position is not None) == (True, True)


@examples(40)
@given(st.sampled_from(["merge-patch", "json-patch"]), WANTED, SHOWN)
def test_no_part_of_a_minimal_request_can_be_left_out(
    name: str, want: dict[str, Any], shown: dict[str, Any]
) -> None:
    kind, live = KINDS[name], {"name": "web-key", **shown}
    change = change_of(kind, want, live)
    assume(change is not None)
    assert change is not None
    for less in parts(change.requests[0].body):
        assert not is_as_declared(kind, want, stored(kind, live, less))


@examples(40)
@given(
    st.recursive(st.integers(0, 2), lambda inner: st.dictionaries(st.sampled_from("abc"), inner)), st.data()
)
def test_a_merge_patch_makes_one_value_into_another(before: Any, data: st.DataObject) -> None:
    after = data.draw(
        st.recursive(st.integers(0, 2), lambda inner: st.dictionaries(st.sampled_from("abc"), inner))
    )
    assert patched(before, merge_patch(before, after)) == after


@pytest.mark.parametrize(
    ("update", "sent"),
    [
        ({"method": "PATCH"}, {"action": {"block": {"status": 403}}}),
        ({"method": "PUT"}, {"action": {"block": {"status": 403}}, "rules": []}),
        (
            {"method": "PATCH", "encoding": "merge-patch"},
            {"action": {"allow": None, "block": {"status": 403}}},
        ),
    ],
)
def test_another_alternative_of_an_object_is_sent_as_declared(
    update: dict[str, Any], sent: dict[str, Any]
) -> None:
    block = {"type": "object", "properties": {"status": {"type": "integer"}}}
    action = {
        "type": "object",
        "properties": {"allow": {"type": "object"}, "block": block},
        "oneOf": [{"required": ["allow"]}, {"required": ["block"]}],
    }
    kind = kind_with({"action": action, "rules": {"type": "array", "items": action}}, update=update)
    live = {"name": "web-key", "action": {"allow": {}}, "rules": []}
    change = change_of(kind, {"action": {"block": {"status": 403}}}, live)
    assert change is not None
    assert stored(kind, live, change.requests[0].body)["action"] == {"block": {"status": 403}}
    assert change.requests[0].body == {name: sent[name] for name in change.requests[0].body}
    items = change_of(kind, {"rules": [{"block": {}}]}, {**live, "rules": [{"allow": {}}]})
    assert items is not None
    assert items.patch["rules"] == [{"block": {}}]


SPEC: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string", "readOnly": True}, "size": TEXT, "zone": TEXT},
}


@pytest.mark.parametrize(
    ("method", "encoding", "extension", "body"),
    [
        ("PATCH", "json", {}, {"spec": {"size": "s", "zone": "z", "name": "web-key"}}),
        (
            "PATCH",
            "json",
            {"always_sent": ["name", "spec"]},
            {"spec": {"size": "s", "zone": "z", "name": "web-key"}},
        ),
        ("PATCH", "merge-patch", {}, {"spec": {"size": "s"}}),
        (
            "PATCH",
            "json-patch",
            {},
            [{"op": "replace", "path": "/spec", "value": {"size": "s", "zone": "z", "name": "web-key"}}],
        ),
    ],
)
def test_an_update_that_carries_the_object_around_the_name_carries_the_name(
    method: str, encoding: str, extension: Any, body: Any
) -> None:
    update = {"method": method, "encoding": encoding}
    kind = kind_with(
        {"spec": SPEC, "note": TEXT}, update=update, read_from={"name": "spec.name"}, **extension
    )
    live = {"name": "web-key", "note": "old", "spec": {"name": "web-key", "size": "l", "zone": "z"}}
    change = change_of(kind, {"spec": {"size": "s"}}, live)
    assert change is not None
    assert [request.body for request in change.requests] == [body]
    other = change_of(
        kind_with({"spec": SPEC, "note": TEXT}, read_from={"name": "spec.name"}), {"note": "new"}, live
    )
    assert other is not None
    assert other.requests[0].body == {"note": "new"}
