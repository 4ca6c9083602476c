"""Whatever goes wrong, keys with ids converge, none is created twice, and no twin is ever touched."""

from __future__ import annotations

import copy
import json
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.retry import RetryPolicy
from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.apply.executor import Executor
from reconciler.kinds.kind import kind_from_schema
from reconciler.model.desired import DesiredKey, DesiredScope, Lifecycle
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Action, Freshness
from reconciler.observe.listing import observe
from reconciler.plan.planning import assemble, plan_scope
from tests.idserver import STYLES, Fault, IdServer
from tests.properties import examples
from tests.support import NOON, connect

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = st.sampled_from("abcd")
FIELDS = st.fixed_dictionaries(
    {}, optional={"text": st.sampled_from(["", "x", "y"]), "fixed": st.sampled_from("pq")}
)
ROWS = st.lists(st.tuples(NAMES, FIELDS), max_size=6)
KEYS = st.dictionaries(NAMES, st.none() | FIELDS, max_size=4)
SINGLE = st.none() | st.sampled_from(
    [fault for fault in Fault if fault not in {Fault.OTHER, Fault.SECRET, Fault.RENAMED}]
)
FAULTS = st.lists(SINGLE, max_size=8)
RETRY = RetryPolicy(attempts=2)


def handler(server: IdServer, request: httpx.Request) -> httpx.Response:
    """Answer a request, or break its connection."""
    body = json.loads(request.content) if request.content else None
    is_write = request.method != "GET"
    fault = server.faults.pop(0) if is_write and server.faults else None
    if request.method != "POST" and fault in {Fault.EMPTY, Fault.CONFLICT}:
        fault = Fault.BARE
    headers = {name.title(): value for name, value in request.headers.items()}
    target = request.url.raw_path.decode()
    status, value = server.handle(fault, request.method, target, body, headers)
    if fault in {Fault.LOST_BEFORE, Fault.LOST_AFTER}:
        raise httpx.ReadError("broken", request=request)
    return httpx.Response(status, json=value) if value is not None else httpx.Response(status)


@pytest.mark.parametrize("style", [name for name, style in STYLES.items() if style.identity == "name"])
@examples(25)
@given(ROWS, KEYS, FAULTS)
def test_keys_with_ids_converge_and_none_is_created_twice(
    style: str,
    rows: Sequence[tuple[str, dict[str, str]]],
    keys: dict[str, dict[str, str] | None],
    faults: Sequence[Fault | None],
) -> None:
    kind = replace(kind_from_schema("note", STYLES[style].schema), page_limit=100)
    scope = kind.scope_of(["red"])
    server = IdServer(STYLES[style])
    for name, fields in rows:
        server.add(name, **fields)
    count = Counter(row["name"] for row in server.rows)
    twins = copy.deepcopy([row for row in server.rows if count[row["name"]] > 1 or row["name"] not in keys])
    declared = tuple(
        DesiredKey(
            name,
            {"name": name, **(fields or {})},
            "notes.yaml",
            0,
            is_absent=fields is None,
            lifecycle=Lifecycle(replace=True),
        )
        for name, fields in keys.items()
    )
    with (
        Workers(1) as workers,
        Writer(connect(lambda request: handler(server, request), retry=RETRY)) as writer,
    ):
        executor = Executor(writer, {"note": kind}, workers, threading.Event())

        def apply(freshness: Freshness) -> tuple[Outcome, ...]:
            observed = observe(writer, kind, scope)
            plan = assemble([plan_scope(kind, DesiredScope(scope, declared), observed, NOON)])
            return executor.apply(plan, freshness)

        server.faults = [*faults]
        outcomes = apply(Freshness.WAITED)
        check(server, outcomes)
        server.faults = []
        assert {outcome.result for outcome in apply(Freshness.JUST_MADE)} <= {Result.APPLIED}
        assert apply(Freshness.JUST_MADE) == ()
    assert [row for row in server.rows if row in twins] == twins
    found = Counter(row["name"] for row in server.rows)
    for name, wanted in keys.items():
        if count[name] <= 1:
            assert found[name] == (wanted is not None)
            shown: list[dict[str, Any]] = [row for row in server.rows if row["name"] == name]
            assert all(row.get(n, "") == value for row in shown for n, value in (wanted or {}).items())
        else:
            assert found[name] == count[name]


def check(server: IdServer, outcomes: Sequence[Outcome]) -> None:
    """Check that what is said of each change is so."""
    for outcome in outcomes:
        change = outcome.change
        live = [row for row in server.rows if row["name"] == change.name]
        assert len(live) <= 1
        stored = bool(live) and all(live[0].get(name) == value for name, value in change.patch.items())
        if outcome.result is Result.APPLIED:
            assert stored if change.action is not Action.DELETE else not live
        if outcome.result is Result.FAILED:
            assert not stored if change.action is not Action.DELETE else live
        if outcome.new_id:
            assert [str(row["id"]) for row in live] == [outcome.new_id]
