"""A plan in a file is the plan that was saved, or it is refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from reconciler.errors import RefusedError
from reconciler.kinds.packaged import load_kinds, plan_schema
from reconciler.kinds.patterns import Patterns
from reconciler.model.canonical import json_text
from reconciler.model.desired import DesiredScope, DesiredState
from reconciler.model.plan import Action
from reconciler.model.provenance import Provenance
from reconciler.model.scope import Scope
from reconciler.model.succession import SecretAlias
from reconciler.model.version import __version__
from reconciler.plan.changes import with_requests
from reconciler.plan.planning import with_fingerprint
from reconciler.plan.saved import read_saved, render_saved
from reconciler.validate.fast import fast_check
from tests.properties import examples
from tests.values import (
    API,
    BASE_URL,
    CAAS,
    LATER,
    NOW,
    SCOPE,
    WEB,
    declared,
    kind_with,
    live,
    make_plan,
    with_origins_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.plan import Plan

KINDS = load_kinds()
SCHEMA = plan_schema()
MADE_FROM = Provenance(NOW, BASE_URL, f"sha256:{'0' * 64}", "abc-dirty")


def whole_plan() -> Plan:
    keys = [
        declared("key-a", line=3, containers=[WEB], expire="2027-01-01T01:00:00+01:00", description=""),
        declared("key-b", line=4, is_disabled=True),
        declared("key-c", line=5, description="same"),
        declared("gone", line=6),
    ]
    shown = [live("key-a", containers=[API]), live("key-b"), live("key-c", description="same"), live("other")]
    base = DesiredState((DesiredScope(SCOPE, (declared("key-b", is_disabled=True),)),))
    return with_origins_of(KINDS, make_plan(keys, shown), base)


def saved_text(plan: Plan | None = None) -> str:
    return render_saved(replace(plan or whole_plan(), provenance=MADE_FROM))


def test_the_fast_check_accepts_a_saved_plan() -> None:
    """Otherwise jsonschema, which takes 80 ms to import, would have to."""
    assert fast_check(SCHEMA, Patterns())([json.loads(saved_text())])


def _checksum_of(document: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in document.items() if name != "checksum"}
    return f"sha256:{hashlib.sha256(json_text(rest).encode()).hexdigest()}"


def refusal(content: bytes) -> str:
    with pytest.raises(RefusedError) as refused:
        read_saved(content, KINDS, SCHEMA)
    return str(refused.value)


def test_a_saved_plan_is_read_back_unchanged() -> None:
    saved = read_saved(saved_text().encode(), KINDS, SCHEMA)
    assert (saved, saved.provenance) == (whole_plan(), MADE_FROM)


def test_a_saved_plan_follows_its_schema_which_describes_every_member() -> None:
    text = json.dumps(SCHEMA)
    closed = text.replace('"properties":', '"additionalProperties": false, "properties":')
    Draft7Validator(json.loads(closed)).validate(json.loads(saved_text()))


@given(st.text(max_size=50), st.one_of(st.none(), st.just(LATER)), st.booleans())
def test_any_saved_plan_is_read_back_unchanged(
    description: str,
    expire: str | None,
    is_disabled: bool,  # noqa: FBT001 - hypothesis passes it
) -> None:
    plan = make_plan(
        [declared(description=description, expire=expire, is_disabled=is_disabled)],
        [live(description="theirs", expire="2026-09-01T00:00:00Z", is_disabled=not is_disabled)],
    )
    assert read_saved(saved_text(plan).encode(), KINDS, SCHEMA) == plan


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 1) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=3),
    max_leaves=8,
)
NESTED = kind_with({
    "settings": {"type": "object"},
    "rules": {"type": "array"},
    "boxes": {"type": "array", "uniqueItems": True},
})  # fmt: skip
FIELDS = st.fixed_dictionaries({
    "settings": st.dictionaries(st.sampled_from("ab"), VALUES, max_size=2),
    "rules": st.lists(VALUES, max_size=3),
    "boxes": st.lists(VALUES, max_size=3),
})  # fmt: skip


@examples(25)
@given(FIELDS, FIELDS)
def test_a_saved_plan_of_nested_values_is_read_back_unchanged(
    want: dict[str, Any], have: dict[str, Any]
) -> None:
    scope = Scope("thing", 1, names=("project_id",))
    plan = make_plan([declared(**want)], [{"name": "web-key", **have}], kind=NESTED, scope=scope)
    assert read_saved(saved_text(plan).encode(), {"thing": NESTED}, SCHEMA) == plan


PARTED = kind_with(
    {"hook": {"type": "object", "properties": {"url": {"type": "string"}, "size": {"type": "integer"}}}}
)


def parted_plan() -> Plan:
    scope, observed = Scope("thing", 1, names=("project_id",)), {"url": "old", "size": 1}
    keys = [declared(hook={"url": "new"})]
    return make_plan(keys, [{"name": "web-key", "hook": observed}], kind=PARTED, scope=scope)


def test_a_saved_plan_says_which_part_of_an_object_is_declared() -> None:
    text = saved_text(parted_plan())
    (change,) = read_saved(text.encode(), {"thing": PARTED}, SCHEMA).changes
    assert (change.after, change.parts) == ({"hook": {"size": 1, "url": "new"}}, {"hook": {"url": "new"}})


@pytest.mark.parametrize("form", [{}, {"uniqueItems": True}])
def test_a_saved_plan_says_which_parts_of_items_are_declared(form: dict[str, Any]) -> None:
    members = {"a": {"type": "number"}, "b": {"type": ["integer", "null"]}, "c": {"type": "integer"}}
    items = {"type": "object", "properties": members}
    kind = kind_with({"rules": {"type": "array", "items": items, **form}})
    observed = [{"a": 1, "b": 2, "c": 3}, {"a": 2, "c": 3}]
    want = [{"a": 2.0}, {"a": 1, "b": None}]
    plan = make_plan(
        [declared(rules=want)],
        [{"name": "web-key", "rules": observed}],
        kind=kind,
        scope=Scope("thing", 1, names=("project_id",)),
    )
    (change,) = read_saved(saved_text(plan).encode(), {"thing": kind}, SCHEMA).changes
    assert change == plan.changes[0]
    assert change.parts == {"rules": [{"a": 2}, {"a": 1, "b": None}]}
    assert {"a": 2, "c": 3} in change.after["rules"]


@pytest.mark.parametrize("parts", [{"hook": {"url": "old"}}, {"hook": {"size": 1}}, {"hook": {}}, {"x": {}}])
def test_a_declared_part_that_is_not_that_of_the_change_is_refused(parts: Any) -> None:
    document = json.loads(saved_text(parted_plan()))
    document["resource_changes"][0]["declared_parts"] = parts
    document["checksum"] = _checksum_of(document)
    with pytest.raises(RefusedError):
        read_saved(json.dumps(document).encode(), {"thing": PARTED}, SCHEMA)


def edited(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(saved_text())
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan["resource_changes"][0]["change"]["patch"].update(description="mine"),
        lambda plan: plan["resource_changes"][0]["change"]["after"].update(description="mine"),
        lambda plan: plan["resource_changes"].pop(),
        lambda plan: plan.update(base_url="https://other.example.com"),
        lambda plan: plan["summary"].update({"no-op": 7}),
        lambda plan: plan.update(observed=[]),
        lambda plan: plan.update(errors=[]),
    ],
)
def test_an_edited_plan_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    assert refusal(edited(change)) == "it was edited since plan --out wrote it; make the plan again"


def test_layout_and_order_of_members_are_not_an_edit() -> None:
    document = json.loads(saved_text())
    shuffled = json.dumps(dict(reversed(document.items())), indent=None)
    assert read_saved(shuffled.encode(), KINDS, SCHEMA) == whole_plan()


@pytest.mark.parametrize("length", [0, 1, 100, 1000])
def test_a_truncated_plan_is_refused(length: int) -> None:
    assert refusal(saved_text().encode()[:length]).startswith("it is truncated or not JSON (")


@pytest.mark.parametrize("content", [b"[]", b"7", b'"plan"', b"null"])
def test_another_json_value_is_refused(content: bytes) -> None:
    assert refusal(content) == "it is not a plan: it is not a JSON object"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"{\xff}", "byte 2 is not UTF-8"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"NaN,", "NaN is not JSON"),
        (b"kind: caas\n", "line 1, column 1: a value is expected here"),
        (b"\x00", "line 1, column 1: a value is expected here"),
    ],
)
def test_invalid_json_is_refused(content: bytes, fault: str) -> None:
    assert refusal(content) == f"it is truncated or not JSON ({fault}); plan --out writes one"


def test_an_object_that_is_no_plan_is_refused() -> None:
    assert refusal(b"{}") == "it is not a plan: it has no format_version; plan --out writes one"


@pytest.mark.parametrize("version", ["2.0", "10.1", "1.9", None, 1, ""])
def test_a_plan_of_another_format_is_refused(version: object) -> None:
    reason = refusal(edited(lambda plan: plan.update(format_version=version)))
    assert reason == f"it has the format {json.dumps(version)}, and this version reads 1.0"


def test_a_plan_of_another_version_of_the_tool_is_refused() -> None:
    reason = refusal(edited(lambda plan: plan.update(reconciler_version="0.0.1")))
    assert reason == f'it was made by reconciler "0.0.1", and this is {__version__}; make the plan again'


def test_a_duplicate_member_is_refused() -> None:
    twice = saved_text().replace('"format_version"', '"resource_changes": [], "format_version"', 1)
    assert "duplicate member in an object" in refusal(twice.encode())


PLACES: Final = ("sandbox", "production")
FIRST: Final = ("resource_changes", 0)


def forged(place: tuple[str | int, ...], value: object) -> bytes:
    """Change one member, and the checksum with it, as anyone with write access to the file could."""
    document = json.loads(saved_text())
    *way, last = place
    inside = document
    for step in way:
        inside = inside[step]
    inside[last] = value
    document["checksum"] = _checksum_of(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((*FIRST, "change", "effects", "containers"), "neutral"),
        ((*FIRST, "change", "patch"), {"description": "mine"}),
        ((*FIRST, "change", "actions"), ["delete"]),
        ((*FIRST, "change", "after", "containers"), [WEB, API]),
        ((*FIRST, "address"), "caas/9/9/innocent"),
        ((*FIRST, "created_at"), "2020-01-01T00:00:00Z"),
        ((*FIRST, "name"), "other"),
        (("summary", "revokes"), 0),
        (("fingerprint",), f"sha256:{'1' * 64}"),
        (("observed",), []),
        (("observed", 0, "keys"), 100_000),
        (("errors",), []),
        (("unknown",), 1),
    ],
)
def test_a_plan_whose_members_contradict_each_other_is_refused(
    place: tuple[str | int, ...], value: object
) -> None:
    """A policy may look at one member, and the apply at another."""
    edited_or_elsewhere = ("it was edited since plan --out wrote it", "and its kind now makes it")
    reason = refusal(forged(place, value))
    assert any(part in reason for part in edited_or_elsewhere)
    assert reason.endswith("; make the plan again")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("git_commit",), 7),
        (("observed",), ["x"]),
        (("observed",), [{"scope": "caas/1/76", "keys": "many"}]),
        (("observed",), [{"scope": "nonsense", "keys": 1}]),
        (("timestamp",), "yesterday"),
        ((*FIRST, "declared_at"), "nowhere"),
        ((*FIRST, "type"), "nothing"),
        ((*FIRST, "change", "before", "containers"), 7),
    ],
)
def test_a_nonsensical_plan_is_refused(place: tuple[str | int, ...], value: object) -> None:
    reason = refusal(forged(place, value))
    assert reason.startswith(("it was edited since", "it cannot be read by this version", "its kind no"))


@pytest.mark.parametrize(
    ("member", "value"), [("path", "/x"), ("path", "/cloud/v1/caas/keys/1/76"), ("method", "DELETE")]
)
def test_a_plan_whose_request_is_not_that_of_its_change_is_refused(member: str, value: str) -> None:
    reason = refusal(forged((*FIRST, "request", member), value))
    assert "was planned as" in reason
    assert "and its kind now makes it PATCH /cloud/v1/caas/keys/1/76/key-a" in reason


@pytest.mark.parametrize("name", ["..", ".", "a/../b"])
def test_a_plan_whose_name_is_not_one_path_segment_is_refused(name: str) -> None:
    reason = refusal(forged((*FIRST, "address"), f"caas/1/76/{name}"))
    assert "cannot be one segment of a request path" in reason


def with_first(plan: Plan, **changed: Any) -> Plan:
    """Return ``plan`` with another first change."""
    first = with_requests(CAAS, replace(plan.changes[0], **changed))
    return replace(plan, changes=(first, *plan.changes[1:]))


def test_a_fingerprint_covers_everything_that_apply_depends_on() -> None:
    plan = whole_plan()
    others = [
        replace(plan, changes=plan.changes[:1]),
        replace(plan, problems=()),
        replace(plan, observed=((SCOPE, 100_000),)),
        with_first(plan, created=LATER),
        with_first(plan, path="/production/key-a"),
        with_first(plan, action=Action.REPLACE),
        replace(plan, base_url="https://other.example.com"),
        replace(plan, aliases=(SecretAlias(SCOPE, "key-a", "key"),)),
    ]
    found = {with_fingerprint(one).fingerprint for one in (plan, *others)}
    assert len(found) == 9


def test_a_plan_whose_kind_changed_its_path_is_refused_with_both_requests() -> None:
    note, wanted = {"note": {"type": "string"}}, [declared(note="ours")]
    sandbox, production = (
        kind_with(note, collection=f"/{word}/{{project_id}}/{{region_id}}") for word in PLACES
    )
    plan = make_plan(
        wanted, [{"name": "web-key", "note": "theirs"}], kind=sandbox, scope=Scope("thing", 1, 76)
    )
    text = saved_text(plan).encode()
    assert read_saved(text, {"thing": sandbox}, SCHEMA) == plan
    with pytest.raises(RefusedError) as refused:
        read_saved(text, {"thing": production}, SCHEMA)
    assert str(refused.value) == (
        "thing/1/76/web-key was planned as PATCH /sandbox/1/76/web-key, and its kind now makes it "
        "PATCH /production/1/76/web-key; make the plan again"
    )


def test_a_plan_without_its_checksum_is_refused() -> None:
    reason = refusal(edited(lambda plan: plan.pop("checksum")))
    assert reason == "it was not made by plan --out: it has no checksum"


def test_a_plan_of_an_unknown_kind_is_refused() -> None:
    kind = kind_with({"note": {"type": "string"}})
    plan = make_plan([declared(note="ours")], [{"name": "web-key", "note": "theirs"}], kind=kind)
    with pytest.raises(
        RefusedError, match="its kind caas is not known here; add the folder of its file with --kinds"
    ):
        read_saved(saved_text(plan).encode(), {}, SCHEMA)


def test_requests_are_derived_from_the_values_and_not_from_the_stored_patch() -> None:
    saved = read_saved(saved_text().encode(), KINDS, SCHEMA)
    assert [change.patch for change in saved.changes] == [change.patch for change in whole_plan().changes]
