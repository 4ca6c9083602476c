"""Keys whose paths take ids: what is unclear concerns no other key, and plans hold the ids."""

from __future__ import annotations

import hashlib
import json
import string
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.reader import Reader
from reconciler.errors import RefusedError
from reconciler.kinds.kind import kind_from_schema
from reconciler.kinds.packaged import plan_schema
from reconciler.model.canonical import json_text
from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState
from reconciler.model.live import LiveScope
from reconciler.model.source import Position
from reconciler.observe.listing import observe
from reconciler.plan.identity import with_identities
from reconciler.plan.planning import assemble, everything, plan_scope
from reconciler.plan.saved import read_saved
from tests.idserver import STYLES
from tests.properties import examples
from tests.support import connect
from tests.values import BASE_URL, NOW, plan_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.plan import Plan

KIND = kind_from_schema("note", STYLES["text ids"].schema)
SCOPE = KIND.scope_of(["red"])
NAMES = st.sampled_from(string.ascii_lowercase[:8])
ROWS = st.lists(
    st.tuples(NAMES, st.sampled_from(["x", "y"]), st.sampled_from(["", "..", None, "ok"])), max_size=12
)
KEYS = st.dictionaries(NAMES, st.sampled_from([None, "x", "y"]), max_size=8)


def listed(rows: Iterable[tuple[str, str, str | None]]) -> LiveScope:
    """Read a listing of rows; those with the id ``ok`` get one of their own."""
    results: list[dict[str, Any]] = [
        {"name": name, "text": text, "id": f"id-{number}" if mark == "ok" else mark}
        for number, (name, text, mark) in enumerate(rows)
    ]
    found = {"count": len(results), "results": results}
    big = replace(KIND, page_limit=100)
    with Reader(connect(lambda _: httpx.Response(200, json=found))) as reader:
        return observe(reader, big, SCOPE)


def planned(
    live: LiveScope, keys: Iterable[tuple[str, str | None]], exclusive: Position | None = None
) -> Plan:
    declared = tuple(
        DesiredKey(name, {"name": name, "text": text or ""}, "notes.yaml", 0, is_absent=text is None)
        for name, text in keys
    )
    return assemble(
        [plan_scope(KIND, DesiredScope(SCOPE, declared, exclusive), live, NOW)], base_url=BASE_URL
    )


@given(ROWS, KEYS)
def test_every_clear_name_is_planned_as_if_the_unclear_ones_were_not_there(
    rows: list[tuple[str, str, str | None]], keys: dict[str, str | None]
) -> None:
    rows = [*rows, ("z", "x", "ok")]
    live = listed(rows)
    names = [name for name, _, _ in rows]
    clear = {name for name, _, mark in rows if names.count(name) == 1 and mark == "ok"}
    unclear = {*names} - clear
    assert (set(live.keys), set(live.unclear), live.count) == (clear, unclear, len(rows))
    plan = planned(live, keys.items())
    others = [(name, text) for name, text in keys.items() if name not in unclear]
    without = planned(replace(live, unclear={}), others)
    assert plan.changes == without.changes
    assert plan.unchanged == without.unchanged
    assert [p.address for p in plan.problems] == sorted(SCOPE.address(n) for n in keys if n in unclear)
    assert all(problem.is_live for problem in plan.problems)
    unmanaged = [SCOPE.address(name) for name in sorted(names) if name not in keys]
    assert list(plan.unmanaged) == unmanaged
    # In an exclusive scope no object of an unclear name is deleted.
    deleted = {change.path_id for change in planned(live, keys.items(), Position("n", 1, 1)).changes}
    assert deleted <= {None, *(f"id-{n}" for n, (name, _, _) in enumerate(rows) if name in clear)}


REMEMBERED = st.dictionaries(NAMES, st.sampled_from([f"id-{number}" for number in range(6)]), max_size=6)


@examples(100)
@given(st.lists(st.tuples(NAMES, st.sampled_from(["x", "y"])), max_size=6), KEYS, REMEMBERED, st.booleans())
def test_nothing_is_done_to_a_renamed_object_and_none_is_created_for_it(
    rows: list[tuple[str, str]],
    keys: dict[str, str | None],
    remembered: dict[str, str],
    is_exclusive: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    exclusive = Position("notes.yaml", 1, 1) if is_exclusive else None
    without = planned(listed([(*row, "ok") for row in rows]), keys.items(), exclusive)
    declared = tuple(DesiredKey(name, {}, "notes.yaml", 0, is_absent=keys[name] is None) for name in keys)
    state = DesiredState((DesiredScope(SCOPE, declared, exclusive),))
    ids = {SCOPE.address(name): path_id for name, path_id in remembered.items()}
    plan = with_identities({"note": KIND}, without, state, everything, ids)
    live = {f"id-{number}": name for number, (name, _) in enumerate(rows)}
    names = [*live.values()]
    held = {
        name: path_id
        for name, path_id in remembered.items()
        if keys.get(name) is not None and live.get(path_id, name) != name
    }
    lost = {name for name in held if names.count(name) < 2}
    moved = {path_id for path_id in held.values() if path_id in live}
    assert {change.path_id for change in plan.changes}.isdisjoint(moved)
    assert {change.name for change in plan.changes}.isdisjoint(lost)
    assert {SCOPE.address(name) for name in lost} <= plan.identity_changes.keys()
    taken = {identity.name for identity in plan.identity_changes.values() if identity.needs_decision}
    left = [one for one in without.changes if one.name not in taken and one.path_id not in moved]
    assert list(plan.changes) == left
    assert all(problem.is_live for problem in {*plan.problems} - {*without.problems})
    assert {problem.address for problem in plan.problems} >= {
        change.address
        for change in without.changes
        if change not in plan.changes and not change.is_undeclared
    }


def test_the_fingerprint_covers_the_id() -> None:
    first, second = (
        planned(LiveScope(SCOPE, {"a": {"name": "a", "text": "x", "id": number}}), [("a", "y")])
        for number in ("1", "2")
    )
    assert [plan.changes[0].path for plan in (first, second)] == ["/teams/red/notes/1", "/teams/red/notes/2"]
    assert first.fingerprint != second.fingerprint


@pytest.mark.parametrize("number", ["7", "a", "x/y"])
@pytest.mark.parametrize("text", ["y", None])
def test_a_saved_plan_holds_the_id_also_where_it_is_the_name(number: str, text: str | None) -> None:
    plan = planned(LiveScope(SCOPE, {"a": {"name": "a", "text": "x", "id": number}}), [("a", text)])
    read = read_saved(plan_json(plan).encode(), {"note": KIND}, plan_schema())
    assert (read.changes[0].path_id, read.fingerprint) == (number, plan.fingerprint)
    assert read.changes[0].requests == plan.changes[0].requests


def test_a_saved_creation_has_no_id_and_is_refused_with_one() -> None:
    document = json.loads(plan_json(planned(LiveScope(SCOPE, {}), [("a", "y")])))
    (shown,) = document["resource_changes"]
    assert "id" not in shown
    shown["id"] = "7"
    del document["checksum"]
    document["checksum"] = f"sha256:{hashlib.sha256(json_text(document).encode()).hexdigest()}"
    with pytest.raises(RefusedError):
        read_saved(json.dumps(document).encode(), {"note": KIND}, plan_schema())


def test_a_live_key_without_an_id_cannot_be_changed() -> None:
    plan = planned(LiveScope(SCOPE, {"a": {"name": "a", "text": "x"}}), [("a", "y")])
    assert (plan.changes, "has no id" in plan.problems[0].message) == ((), True)


@pytest.mark.parametrize("marks", [("system", "system"), ("system", "ours")])
def test_only_objects_of_other_systems_are_left_where_a_scope_is_exclusive(marks: tuple[str, str]) -> None:
    kind = replace(KIND, foreign={"text": ("system",)})
    rows = tuple({"name": "a", "text": text, "id": str(number)} for number, text in enumerate(marks))
    live = LiveScope(SCOPE, {}, unclear={"a": rows})
    plan = plan_scope(kind, DesiredScope(SCOPE, (), Position("n", 1, 1)), live, NOW)
    assert len(plan.unmanaged) == marks.count("system")
    assert len(plan.problems) == ("ours" in marks)
    assert plan.changes == ()


@pytest.mark.parametrize("name", ["Web", "web ", "WEB", "\uff57eb"])
def test_a_key_is_not_created_beside_an_undeclared_one_of_another_spelling(name: str) -> None:
    live = LiveScope(SCOPE, {"web": {"name": "web", "text": "x", "id": "1"}})
    plan = planned(live, [(name, "x"), ("other", "x")])
    assert [change.name for change in plan.changes] == ["other"]
    (problem,) = plan.problems
    assert (problem.address, problem.is_live) == (SCOPE.address(name), True)
    assert 'is not live, but "web" is, which differs in capitals or blanks only' in problem.message
    both = planned(live, [(name, "x"), ("web", "x")])
    assert ([change.name for change in both.changes], both.problems) == ([name], ())
    assert planned(live, [(name, None)]).problems == ()


def test_of_many_ids_of_one_name_the_first_are_shown() -> None:
    rows = tuple({"name": "a", "id": f"{number:02}"} for number in range(12))
    (problem,) = planned(LiveScope(SCOPE, {}, unclear={"a": rows}), [("a", "x")]).problems
    assert 'is the name of 12 live objects, with id "00", ' in problem.message
    assert '"09" and 2 more; rename' in problem.message


def test_a_name_that_looks_like_a_declared_one_is_warned_about_though_it_is_unclear() -> None:
    rows = tuple({"name": "\u0430", "text": "", "id": str(number)} for number in range(2))
    plan = planned(LiveScope(SCOPE, {}, unclear={"\u0430": rows}), [("a", "x")])
    assert any("looks like" in warning.message for warning in plan.warnings)
