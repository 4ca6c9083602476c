"""What a history knows was applied last: over rounds of one service, with scopes added and removed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import ConfigurationError
from reconciler.model.desired import DesiredScope, DesiredState
from reconciler.model.live import LiveScope
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Origin
from reconciler.model.scope import Scope
from reconciler.model.source import Position
from reconciler.plan.origins import BaseState, with_origins
from reconciler.plan.planning import assemble, plan_scope
from reconciler.service.history.applied import Applied, store_write
from reconciler.service.history.compared import Compared
from reconciler.service.history.database import Database
from reconciler.service.history.object_ids import ObjectIds
from tests.values import CAAS, NOW, SCOPE, declared, kind_with, live

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.model.plan import Plan

OTHER = Scope("caas", 1, 77)
NAMED = Scope("caas", 1, "emea", names=("project_id", "region"))
OURS = DesiredState((DesiredScope(SCOPE, (declared(description="ours"),)),))


@pytest.fixture
def applied() -> Iterator[Applied]:
    with Database(None) as database:
        yield Applied(database, {"caas": CAAS})


def planned(state: DesiredState, **observed: list[dict[str, Any]]) -> Plan:
    """Plan the scopes of which there are live keys, by region."""
    parts = [
        plan_scope(CAAS, part, LiveScope(part.scope, {key["name"]: key for key in found}), NOW)
        for part in state.scopes
        if (found := observed.get(f"r{dict(part.scope.parameters)['region_id']}")) is not None
    ]
    return assemble(parts)


def origins(applied: Applied, state: DesiredState, **observed: list[dict[str, Any]]) -> list[Any]:
    """Label a plan and store it, as a round does."""
    plan = with_origins({"caas": CAAS}, planned(state, **observed), applied.at_base())
    applied.store_unmanaged(plan, NOW)
    applied.store(Compared(state, plan, lambda _address: True, is_whole=True))
    applied.purge_undeclared(state, plan)
    return [change.origin or change.fields[0].origin for change in plan.changes]


def test_rounds_over_the_same_files_store_values_that_became_as_desired(applied: Applied) -> None:
    assert origins(applied, OURS, r76=[live(description="theirs")]) == [None]
    assert origins(applied, OURS, r76=[live(description="ours")]) == []
    assert origins(applied, OURS, r76=[live(description="ours")]) == []
    assert origins(applied, OURS, r76=[live(description="theirs")]) == [Origin.DRIFT]
    assert origins(applied, OURS, r76=[live(description="ours")]) == []


def test_the_applied_state_of_an_unread_scope_is_preserved(applied: Applied) -> None:
    assert origins(applied, OURS, r76=[live(description="ours")]) == []
    assert origins(applied, OURS) == []
    assert origins(applied, OURS, r76=[live(description="theirs")]) == [Origin.DRIFT]


def test_a_scope_that_becomes_readable_is_stored_then(applied: Applied) -> None:
    both = DesiredState((*OURS.scopes, DesiredScope(OTHER, (declared(description="ours"),))))
    ours = [live(description="ours")]
    for _ in range(2):
        assert origins(applied, both, r76=ours) == []
    assert origins(applied, both, r76=ours, r77=ours) == []
    assert origins(applied, both, r76=ours, r77=[live(description="theirs")]) == [Origin.DRIFT]


def test_the_applied_state_of_an_uncompared_key_is_preserved(applied: Applied) -> None:
    assert origins(applied, OURS, r76=[live(description="ours")]) == []
    newer = DesiredState((DesiredScope(SCOPE, (declared(description="newer"),)),))
    plan = planned(newer, r76=[live(description="newer")])
    applied.store(Compared(newer, plan, lambda _: False, is_whole=True))
    assert origins(applied, newer, r76=[live(description="ours")]) == [Origin.CONFIG]


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_key_that_the_first_round_did_not_compare_is_not_new_in_git(
    applied: Applied, *, is_whole: bool
) -> None:
    theirs = [live(description="theirs")]
    applied.store(Compared(OURS, planned(OURS, r76=theirs), lambda _: False, is_whole=is_whole))
    assert origins(applied, OURS, r76=theirs) == [None]


def test_a_comparison_of_some_keys_of_a_scope_makes_no_other_key_new_in_git(applied: Applied) -> None:
    found = [live(description="ours"), live("other-key", description="theirs")]
    applied.store(Compared(OURS, planned(OURS, r76=found), lambda _: True, is_whole=False))
    both = (declared(description="ours"), declared("other-key", line=2, description="ours"))
    assert origins(applied, DesiredState((DesiredScope(SCOPE, both),)), r76=found) == [None]


def test_a_scope_that_is_no_longer_declared_is_purged(applied: Applied) -> None:
    both = DesiredState((*OURS.scopes, DesiredScope(OTHER, (declared(description="ours"),))))
    assert origins(applied, both, r76=[live(description="ours")], r77=[live(description="ours")]) == []
    assert origins(applied, OURS, r76=[live(description="ours")]) == []
    found = origins(applied, both, r76=[live(description="ours")], r77=[live(description="theirs")])
    assert found == [None]


def test_a_scope_that_a_name_may_mean_is_not_purged(applied: Applied) -> None:
    both = DesiredState((*OURS.scopes, DesiredScope(OTHER, (declared(description="ours"),))))
    assert origins(applied, both, r76=[live(description="ours")], r77=[live(description="ours")]) == []
    unsure = replace(OURS, unresolved={NAMED: ConfigurationError("away")})
    assert origins(applied, unsure, r76=[live(description="ours")]) == []
    found = origins(applied, both, r76=[live(description="ours")], r77=[live(description="theirs")])
    assert found == [Origin.DRIFT]


def test_ids_of_keys_that_a_named_scope_may_declare_are_not_dropped() -> None:
    gone = replace(OURS, scopes=())
    plan = replace(planned(OURS, r76=[live()]), names={SCOPE: {"4711": "web-key"}})
    with Database(None) as database:
        ids = ObjectIds(database, {"caas": replace(CAAS, path_field="id")}, 1)

        def stored(state: DesiredState) -> list[tuple[Any, ...]]:
            ids.store_after_cycle(Compared(state, plan, lambda _: True, is_whole=True))
            return database.rows("SELECT * FROM object_id")

        unsure = replace(gone, unresolved={NAMED: ConfigurationError("away")})
        assert stored(OURS) == stored(unsure) == [("caas/1/76/web-key", "4711")]
        assert stored(gone) == []


def test_a_key_removed_from_and_added_to_the_files_is_new_in_git(applied: Applied) -> None:
    none = DesiredState((DesiredScope(SCOPE, ()),))
    assert origins(applied, OURS, r76=[live(description="ours")]) == []
    assert origins(applied, none, r76=[live(description="ours")]) == []
    plan = planned(none, r76=[live(description="ours")])
    assert applied.new_keys(plan, NOW) == ()  # it was declared until now
    assert origins(applied, OURS, r76=[live(description="theirs")]) == [Origin.CONFIG]


@pytest.mark.parametrize("name", ["odd\ud800", "Ключ", "a'b", "%_"])
def test_a_key_of_any_name_is_new_once_and_known_from_then_on(applied: Applied, name: str) -> None:
    state = DesiredState((DesiredScope(SCOPE, (declared("web"),)),))
    before, after = planned(state, r76=[live("web")]), planned(state, r76=[live("web"), live(name)])
    applied.store_unmanaged(before, NOW)
    later = NOW + dt.timedelta(hours=1)
    for instant in (NOW, later):
        (new,) = applied.new_keys(after, instant)
        assert (new.address, new.first_seen) == (f"caas/1/76/{name}", NOW)
        applied.store_unmanaged(after, instant)


def test_keys_found_by_the_first_round_are_not_new(applied: Applied) -> None:
    state = DesiredState((DesiredScope(SCOPE, (declared("web"),)),))
    plan = planned(state, r76=[live("web"), live("odd\ud800")])
    for _ in range(2):
        assert applied.new_keys(plan, NOW) == ()
        applied.store_unmanaged(plan, NOW)


def test_an_undeclared_key_of_a_newly_exclusive_scope_is_pending_deletion(
    applied: Applied,
) -> None:
    state = DesiredState((DesiredScope(SCOPE, (declared("web"),)),))
    assert origins(applied, state, r76=[live("web"), live("other")]) == []
    exclusive = DesiredState((DesiredScope(SCOPE, (declared("web"),), Position("keys.yaml", 1, 1)),))
    for _ in range(3):
        found = origins(applied, exclusive, r76=[live("web"), live("other"), live("stray")])
        assert found == [Origin.CONFIG, Origin.DRIFT]


HOOK = kind_with(
    {"hook": {"type": "object", "properties": {"url": {"type": "string"}, "size": {"type": "integer"}}}},
    create={"requires": []},
)
HOOKS = DesiredState(
    (DesiredScope(Scope("thing", 1, names=("project_id",)), (declared(hook={"url": "ours"}),)),)
)


def hooks(*live_hooks: Mapping[str, Any]) -> Plan:
    """Plan the only key, live with this hook or not at all."""
    (part,) = HOOKS.scopes
    rows = [{"name": "web-key", "hook": hook} for hook in live_hooks]
    live_keys = LiveScope(part.scope, dict(zip(["web-key"], rows, strict=False)))
    return assemble([plan_scope(HOOK, part, live_keys, NOW)])


@pytest.mark.parametrize("later", [[], [{"url": "theirs", "size": 2}], [{"size": 2}]])
def test_a_write_applies_nothing_that_an_object_leaves_out(later: list[Mapping[str, Any]]) -> None:
    (change,) = hooks({"url": "old", "size": 1}).changes
    with Database(None) as database:
        with database.transaction() as connection:
            store_write(connection, Outcome(change, Result.APPLIED))
        at_base = Applied(database, {"thing": HOOK}).at_base()
        (found,) = with_origins({"thing": HOOK}, hooks(*later), at_base).changes
        assert at_base(change).fields == {"hook": '{"url":"ours"}'}
    assert {found.origin, *(field.origin for field in found.fields)} - {None} == {Origin.DRIFT}


@pytest.mark.parametrize(
    ("outcome", "fields"),
    [
        ({"result": Result.APPLIED}, {"description": '"ours"', "expire": "null"}),
        ({"result": Result.UNCHANGED}, {"description": '"ours"'}),
        ({"result": Result.NOT_VERIFIED, "secret_at": "file"}, {}),
        ({"result": Result.NOT_VERIFIED}, None),
        ({"result": Result.FAILED}, None),
    ],
)
def test_a_creation_applies_what_the_new_key_was_seen_to_hold(
    outcome: dict[str, Any], fields: Mapping[str, str] | None
) -> None:
    part = DesiredScope(SCOPE, (declared("new", description="ours", expire=None, containers=[]),))
    plan = planned(DesiredState((part,)), r76=[live("other")])
    change = next(iter((*plan.changes, *plan.withheld)))
    with Database(None) as database:
        with database.transaction() as connection:
            store_write(connection, Outcome(change, **outcome))
        found = Applied(database, {"caas": CAAS}).at_base()(change)
    known = {name: text for name, text in found.fields.items() if name != "containers"}
    assert (known, found.state) == (
        (fields or {}, BaseState.UNKNOWN if fields is None else BaseState.DECLARED)
    )
