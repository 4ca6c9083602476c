"""One run over several APIs: each has its own address, token and pauses, and fails by itself."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import reconciler
from reconciler.api.apis import Apis
from reconciler.api.client import Session
from reconciler.api.redaction import Redactor
from reconciler.api.retry import RetryPolicy
from reconciler.api.workers import Workers
from reconciler.apply.journal import Journal, Run
from reconciler.errors import ConfigurationError, RefusedError, UnreadableError
from reconciler.model.desired import DesiredScope, DesiredState
from reconciler.model.outcome import Result
from reconciler.model.secret import Secret
from tests.support import FakeClock, connect
from tests.values import declared, kind_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.plan import Plan

TEXT = {"type": "string"}
WEST, EAST = (
    replace(kind_with({"note": TEXT}, collection=f"/{name}", list={"style": "page"}), name=name, api=name)
    for name in ("west", "east")
)
KINDS = {kind.name: kind for kind in (WEST, EAST)}
STATE = DesiredState(
    tuple(DesiredScope(kind.scope_of([]), (declared("one", note="new"),)) for kind in (EAST, WEST))
)


class Api:
    """An API with one collection, which holds what it is told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.keys: dict[str, dict[str, Any]] = {"one": {"name": "one", "note": "old"}}
        self.fault: httpx.Response | None = None
        self.requests: list[tuple[str, str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.requests.append((request.method, path, request.headers["Authorization"]))
        if self.fault is not None:
            return self.fault
        if request.method == "GET" and path == f"/{self.name}":
            return httpx.Response(200, json=list(self.keys.values()))
        key = self.keys[path.rpartition("/")[2]]
        if request.method == "PATCH":
            key |= json.loads(request.content)
        return httpx.Response(200, json=key)


@pytest.fixture
def apis() -> dict[str, Api]:
    return {name: Api(name) for name in KINDS}


def client_of(apis: Mapping[str, Api]) -> Apis:
    clock = FakeClock()
    connections = {
        name: connect(api, base_url=f"https://{name}.example.com", token=Secret(f"token-{name}"), clock=clock)
        for name, api in apis.items()
    }
    return Apis.of(**{name: Session(one, Workers(2)) for name, one in connections.items()})


def planned(client: Apis, state: DesiredState = STATE) -> Plan:
    return reconciler.plan(state, client, kinds=KINDS)


BOTH = "east https://east.example.com, west https://west.example.com"


def test_one_plan_shows_all_and_one_apply_sends_to_each_its_own(apis: dict[str, Api]) -> None:
    with client_of(apis) as client:
        plan = planned(client)
        assert [(one.api, one.address) for one in plan.changes] == [
            ("east", "east/one"),
            ("west", "west/one"),
        ]
        assert plan.base_url == BOTH
        outcomes = reconciler.apply(plan, client, kinds=KINDS)
        assert [outcome.result for outcome in outcomes] == [Result.APPLIED] * 2
        assert planned(client).changes == ()
    for name, api in apis.items():
        assert {authorization for _, _, authorization in api.requests} == {f"apikey token-{name}"}
        assert [path for method, path, _ in api.requests if method == "PATCH"] == [f"/{name}/one"]


def test_an_api_that_is_down_leaves_the_others_planned_and_applied(apis: dict[str, Api]) -> None:
    apis["east"].fault = httpx.Response(503, json={"message": "down"})
    with client_of(apis) as client:
        plan = planned(client)
        (problem,) = plan.problems
        assert (problem.address, problem.is_live, plan.objections) == ("east", True, ())
        assert "could not be read: GET /east" in problem.message
        assert plan.base_url == "https://west.example.com"
        assert [change.address for change in plan.changes] == ["west/one"]
        (outcome,) = reconciler.apply(plan, client, kinds=KINDS)
        report = reconciler.drift(STATE, client, kinds=KINDS)
    assert outcome.result is Result.APPLIED
    assert [str(scope) for scope in report.unread] == ["east"]


def test_nothing_is_planned_if_every_api_is_down(apis: dict[str, Api]) -> None:
    for api in apis.values():
        api.fault = httpx.Response(503, json={"message": "down"})
    with client_of(apis) as client, pytest.raises(UnreadableError) as raised:
        planned(client)
    assert sorted(text.partition(" ")[0] for text in raised.value.texts) == ["east", "west"]


def test_a_plan_is_applied_to_the_addresses_that_it_was_made_for(apis: dict[str, Api]) -> None:
    with client_of(apis) as client:
        plan = planned(client)
    moved = replace(plan, base_url=BOTH.replace("https://east", "https://other"))
    with (
        client_of(apis) as client,
        pytest.raises(RefusedError, match="the plan was made for east https://other"),
    ):
        reconciler.apply(moved, client, kinds=KINDS)
    assert all(method == "GET" for api in apis.values() for method, _, _ in api.requests)


def test_a_kind_of_an_api_that_is_not_configured_is_refused(apis: dict[str, Api]) -> None:
    with client_of({"west": apis["west"]}) as client, pytest.raises(ConfigurationError) as raised:
        planned(client)
    assert str(raised.value) == "the API east is not configured; add it under apis, which has west"


def test_kinds_that_belong_to_no_api_go_to_the_only_one(apis: dict[str, Api]) -> None:
    kind = replace(WEST, api="gcore")
    state = replace(STATE, scopes=STATE.scopes[1:])
    with client_of({"west": apis["west"]}) as client:
        plan = reconciler.plan(state, client, kinds={"west": kind})
        assert plan.base_url == "https://west.example.com"
        (outcome,) = reconciler.apply(plan, client, kinds={"west": kind})
    assert outcome.result is Result.APPLIED


def test_the_fingerprint_says_where_each_change_goes(apis: dict[str, Api]) -> None:
    with client_of(apis) as client:
        plan = planned(client)
        alone = planned(client, replace(STATE, scopes=STATE.scopes[:1]))
    assert alone.base_url == "https://east.example.com"
    assert plan.fingerprint != alone.fingerprint


def test_one_api_asks_for_a_pause_and_the_other_does_not_wait(apis: dict[str, Api]) -> None:
    apis["east"].fault = httpx.Response(429, headers={"Retry-After": "10000"}, json={})
    with client_of(apis) as client:
        plan = planned(client)
    assert [change.address for change in plan.changes] == ["west/one"]


PROJECTS = (1, 2, 3, 4)
FARMS = replace(
    kind_with({"note": TEXT}, collection="/{farm}/west", list={"style": "page"}), name="west", api="west"
)
SEVERAL = DesiredState((
    STATE.scopes[0],
    *(DesiredScope(FARMS.scope_of([farm]), (declared("one", note="new"),)) for farm in PROJECTS),
))  # fmt: skip


def test_during_the_pause_of_one_api_the_other_is_served_to_its_end(apis: dict[str, Api]) -> None:
    asked, served, order = threading.Event(), threading.Event(), list[str]()

    def east(request: httpx.Request) -> httpx.Response:
        order.append("east")
        if not asked.is_set():
            asked.set()
            return httpx.Response(429, headers={"Retry-After": "30"}, json={})
        return apis["east"](request)

    def west(_request: httpx.Request) -> httpx.Response:
        assert asked.wait(5)
        order.append("west")
        if order.count("west") == len(PROJECTS):
            served.set()
        return httpx.Response(200, json=[])

    class PausedClock(FakeClock):
        """A clock during whose sleep the other API has to be served."""

        def sleep(self, seconds: float, wake: threading.Event) -> None:
            served.wait(2)
            super().sleep(seconds, wake)

    clock, twice = PausedClock(), RetryPolicy(attempts=2)
    one = connect(east, base_url="https://east.example.com", clock=clock, retry=twice)
    other = connect(west, base_url="https://west.example.com", clock=clock, retry=twice)
    with Apis.of(east=Session(one, Workers(1)), west=Session(other, Workers(1))) as client:
        plan = reconciler.plan(SEVERAL, client, kinds={"east": EAST, "west": FARMS})
    assert order == ["east", *["west"] * len(PROJECTS), "east"]
    assert (sum(clock.sleeps), [change.api for change in plan.changes]) == (30, ["east"])


class Lines:
    """A sink that keeps its lines."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def append(self, line: bytes) -> None:
        self.entries.append(json.loads(line))


def test_the_journal_names_the_address_of_each_write(apis: dict[str, Api]) -> None:
    lines, run = Lines(), Run("r", "f", "someone", None)
    with client_of(apis) as client:
        plan = planned(client)
        journal = Journal([lines], run, client.clock, lambda change: f"https://{change.api}.example.com")
        reconciler.apply(plan, client, kinds=KINDS, observers=[journal])
    writes = {entry["address"]: entry["base_url"] for entry in lines.entries if entry["event"] == "write"}
    assert writes == {"east/one": "https://east.example.com", "west/one": "https://west.example.com"}


def test_an_interrupted_run_stops_every_api(apis: dict[str, Api]) -> None:
    with client_of(apis) as client:
        plan = planned(client)
        client.stop.set()
        outcomes = reconciler.apply(plan, client, kinds=KINDS)
    assert {outcome.result for outcome in outcomes} == {Result.NOT_ATTEMPTED}
    assert all(method == "GET" for api in apis.values() for method, _, _ in api.requests)


def test_nothing_is_sent_unless_every_api_can_be_opened(apis: dict[str, Api]) -> None:
    began = threading.Event()

    def follow(request: httpx.Request) -> httpx.Response:
        began.set()
        return apis["east"](request)

    def fail() -> Session:
        assert not began.wait(0.2)
        raise ConfigurationError("no token")

    clock, stop, redactor = FakeClock(), threading.Event(), Redactor()
    east = connect(follow, base_url="https://east.example.com", clock=clock)
    with (
        Apis({"east": lambda: Session(east, Workers(1)), "west": fail}, clock, stop, redactor) as client,
        pytest.raises(ConfigurationError, match="no token"),
    ):
        planned(client)
