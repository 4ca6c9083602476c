"""Executing a plan: what is sent, and what is reported for each response."""

from __future__ import annotations

import datetime as dt
import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.apply.executor import Executor, exit_code
from reconciler.apply.observer import SentOnly
from reconciler.errors import ExitCode, JournalError
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Freshness
from reconciler.model.secret import Secret
from tests.engine import KINDS, Engine, desired
from tests.support import (
    COLLECTION,
    NOON,
    FakeClock,
    Handler,
    Script,
    connect,
    emulate,
    fill,
    listings,
    live,
    patches,
)

if TYPE_CHECKING:
    from gcore_emulator import Emulator
    from reconciler.model.plan import Change, Plan

BOX = {"name": "web", "namespace": "shop"}
NAMES = ["key-a", "key-b", "key-c"]
LATER = "2099-01-01T00:00:00Z"
FIELDS: dict[str, tuple[object, object]] = {
    "description": ("", "Shop"),
    "expire": (None, LATER),
    "is_disabled": (False, True),
    "containers": ([], [BOX]),
}


def plan_of(emulator: Emulator, *keys: dict[str, Any]) -> Plan:
    """Plan, and forget the requests that it took."""
    plan = Engine(emulator).plan(desired(*keys))
    emulator.clear_requests()
    return plan


def results(outcomes: Any) -> dict[str, str]:
    return {outcome.change.name: str(outcome.result) for outcome in outcomes}


def execute(handler: Handler, changes: tuple[Change, ...], parallelism: int = 1) -> tuple[Outcome, ...]:
    with Writer(connect(handler)) as writer:
        return Executor(writer, KINDS, Workers(parallelism), threading.Event()).execute(changes)


@pytest.fixture
def change(emulator: Emulator) -> Change:
    """One planned change of every field."""
    fill(emulator, "web")
    declared = {name: after for name, (_, after) in FIELDS.items()}
    return plan_of(emulator, {"name": "web"} | declared).changes[0]


@pytest.mark.parametrize("name", FIELDS)
def test_a_body_carries_only_the_field_that_differs(emulator: Emulator, name: str) -> None:
    before, after = FIELDS[name]
    fill(emulator, "web", **{name: before})
    plan = plan_of(emulator, live("web") | {name: after})
    Engine(emulator).apply(plan)
    assert [(record.method, record.path) for record in emulator.requests] == [("PATCH", f"{COLLECTION}/web")]
    assert patches(emulator) == [{name: after}]


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_can_be_cleared(emulator: Emulator, name: str) -> None:
    empty, full = FIELDS[name]
    fill(emulator, "web", **{name: full})
    outcomes = Engine(emulator).apply(plan_of(emulator, {"name": "web", name: empty}))
    assert results(outcomes) == {"web": "applied"}
    assert emulator.keys(1, 76)["web"][name] == empty


def test_each_changed_key_is_sent_once_and_no_other(emulator: Emulator) -> None:
    fill(emulator, *NAMES, "unmanaged")
    fill(emulator, "same", description="x")
    plan = plan_of(
        emulator, *({"name": name, "description": "x"} for name in ("key-c", "same", "key-a", "key-b"))
    )
    outcomes = Engine(emulator).apply(plan)
    assert sorted(record.path for record in emulator.requests) == [f"{COLLECTION}/{name}" for name in NAMES]
    assert [outcome.change.name for outcome in outcomes] == NAMES


class Finished:
    """Stores every outcome."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def started(self, change: Change) -> None:
        """Ignore what is about to be sent."""

    def finished(self, outcome: Outcome) -> None:
        """Store the outcome."""
        self.outcomes.append(outcome)


def test_observers_receive_every_outcome_immediately(emulator: Emulator) -> None:
    fill(emulator, *NAMES[:2])
    finished = Finished()
    plan = plan_of(emulator, *({"name": name, "description": "x"} for name in NAMES[:2]))
    outcomes = Engine(emulator).apply(plan, observers=[finished])
    assert sorted(finished.outcomes, key=lambda outcome: outcome.change.name) == list(outcomes)


class Full(Finished):
    """Cannot store an outcome."""

    def finished(self, outcome: Outcome) -> None:
        super().finished(outcome)
        raise JournalError(f"the disk of {outcome.change.name} is full")


class Refusing(Finished):
    """Lets no change start."""

    def started(self, change: Change) -> None:
        raise JournalError(f"{change.name} cannot be recorded")


def test_an_observer_failure_is_part_of_the_outcome_for_later_observers(emulator: Emulator) -> None:
    fill(emulator, "web")
    full, after = Full(), Finished()
    plan = plan_of(emulator, {"name": "web", "description": "x"})
    outcomes = Engine(emulator).apply(plan, observers=[full, after, full])
    assert [outcome.detail for outcome in full.outcomes] == ["", "the disk of web is full"]
    assert after.outcomes == list(outcomes)
    assert (outcomes[0].result, outcomes[0].detail) == (Result.APPLIED, "the disk of web is full")


def test_a_change_refused_by_an_observer_is_not_sent_and_is_reported_to_the_others(
    emulator: Emulator,
) -> None:
    fill(emulator, "web")
    plan = plan_of(emulator, {"name": "web", "description": "x"})
    before = emulator.requests
    seen, recorded = Finished(), Finished()
    outcomes = Engine(emulator).apply(plan, observers=[seen, SentOnly(Refusing()), SentOnly(recorded)])
    assert (outcomes[0].result, outcomes[0].detail) == (Result.NOT_ATTEMPTED, "web cannot be recorded")
    assert (seen.outcomes, recorded.outcomes, emulator.requests) == (list(outcomes), [], before)


def test_one_failure_does_not_stop_the_rest(emulator: Emulator) -> None:
    fill(emulator, *NAMES)
    plan = plan_of(emulator, *({"name": name, "description": "x"} for name in NAMES))
    emulator.remove_key(1, 76, "key-b")
    outcomes = Engine(emulator, parallelism=1).apply(plan)
    assert results(outcomes) == {"key-a": "applied", "key-b": "failed", "key-c": "applied"}
    assert "HTTP 404" in outcomes[1].detail
    assert "request_id" in outcomes[1].detail


def test_a_field_that_was_accepted_but_not_stored_is_not_verified() -> None:
    with emulate(null_expire="ignored") as emulator:
        fill(emulator, "web", expire=LATER)
        [outcome] = Engine(emulator).apply(plan_of(emulator, {"name": "web", "expire": None}))
        assert len(patches(emulator)) == 1
    assert outcome.result is Result.NOT_VERIFIED
    assert outcome.detail == f'expire was accepted as null but is stored as "{LATER}"'


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (httpx.Response(200, json=[]), "not an object"),
        (httpx.Response(200, content=b"null"), "not an object"),
        (httpx.Response(200, json={}), "the response is about another key: name null"),
        (httpx.Response(200, json=live("other")), 'the response is about another key: name "other"'),
        (httpx.Response(200, json={"name": "web"}), "it has no "),
        (httpx.Response(200, content=b"<html>"), "not JSON"),
        (httpx.Response(204), "not JSON"),
        (httpx.Response(200, json=live("web") | {"is_disabled": 1}), "is_disabled holds 1"),
        (httpx.Response(200, json=live("web") | {"expire": "soon"}), "not a date and time"),
    ],
)
def test_a_response_that_cannot_be_compared_is_not_verified(
    change: Change, response: httpx.Response, said: str
) -> None:
    [outcome] = execute(lambda _request: response, (change,))
    assert outcome.result is Result.NOT_VERIFIED
    assert said in outcome.detail


REFUSALS = [301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410, 412, 418, 422, 423, 429, 499]
SUCCESSES = [202, 203, 204, 205, 206, 207, 226]
LOST = [httpx.ReadError("gone"), httpx.ReadTimeout("late"), 500, 503, 408, *REFUSALS]
ODD = [b"<html>", b"", b"[]", b"null", *SUCCESSES]


def losing(lost: Exception | int | bytes, read: httpx.Response) -> Handler:
    """Lose the response to each PATCH, and return ``read`` for each GET."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return read
        if isinstance(lost, Exception):
            raise lost
        if isinstance(lost, bytes):
            return httpx.Response(200, content=lost)
        shown = json.loads(request.content) | {"name": "web"}  # which proves nothing
        return httpx.Response(lost, json=shown, headers={"Location": "http://elsewhere/"})

    return handler


@pytest.mark.parametrize("lost", [*LOST, *ODD], ids=repr)
def test_a_lost_response_is_applied_if_the_key_has_the_sent_values(
    change: Change, lost: Exception | int | bytes
) -> None:
    read = httpx.Response(200, json=live("web") | dict(change.patch))
    [outcome] = execute(losing(lost, read), (change,))
    assert outcome.result is Result.APPLIED


@pytest.mark.parametrize("lost", LOST, ids=repr)
def test_a_lost_response_is_a_failure_if_the_key_is_unchanged(
    change: Change, lost: Exception | int | bytes
) -> None:
    read = httpx.Response(200, json=live("web") | dict(change.before))
    [outcome] = execute(losing(lost, read), (change,))
    assert outcome.result is Result.FAILED
    assert "; read back: " in outcome.detail


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_success_without_a_body_is_not_verified_if_the_key_is_unchanged(
    change: Change, odd: int | bytes
) -> None:
    read = httpx.Response(200, json=live("web") | dict(change.before))
    [outcome] = execute(losing(odd, read), (change,))
    assert outcome.result is Result.NOT_VERIFIED
    assert "; read back: " in outcome.detail


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_after_which_the_key_cannot_be_read_is_not_verified(change: Change, status: int) -> None:
    [outcome] = execute(lambda _request: httpx.Response(status), (change,))
    assert outcome.result is Result.NOT_VERIFIED
    assert f"PATCH {COLLECTION}/web: HTTP {status}" in outcome.detail
    assert f"reading it back failed: GET {COLLECTION}/web: HTTP {status}" in outcome.detail


def test_a_lost_response_is_not_verified_if_the_key_has_other_values(change: Change) -> None:
    read = httpx.Response(200, json=live("web") | dict(change.patch) | {"expire": "2098-01-01T00:00:00Z"})
    [outcome] = execute(losing(500, read), (change,))
    assert outcome.result is Result.NOT_VERIFIED
    assert "read back: expire was sent as" in outcome.detail


@pytest.mark.parametrize("response", [[], {}, {"name": "web"}, {"name": "other"}])
def test_a_response_that_cannot_be_used_is_resolved_by_reading(change: Change, response: Any) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        stored = live("web") | dict(change.patch)
        return httpx.Response(200, json=stored if request.method == "GET" else response)

    [outcome] = execute(handler, (change,))
    assert outcome.result is Result.APPLIED


def test_a_lost_response_is_resolved_even_after_an_interrupt(change: Change) -> None:
    stop = threading.Event()

    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=live("web") | dict(change.patch))
        stop.set()
        raise httpx.ReadError("gone")

    with Writer(connect(handler, stop=stop)) as writer:
        [outcome] = Executor(writer, KINDS, Workers(1), stop).execute((change,))
    assert outcome.result is Result.APPLIED


@pytest.mark.parametrize("listed", [True, False])
def test_a_key_with_404_is_deleted_only_if_it_is_not_listed(change: Change, *, listed: bool) -> None:
    rows = [live("web") | dict(change.patch)] if listed else []

    def handler(request: httpx.Request) -> httpx.Response:
        is_listing = request.url.path == COLLECTION
        page = {"count": len(rows), "results": rows}
        return httpx.Response(200, json=page) if is_listing else httpx.Response(404)

    [outcome] = execute(handler, (change,))
    if listed:
        assert (outcome.result, outcome.detail) == (Result.APPLIED, "")
    else:
        assert (outcome.result, outcome.detail[-27:]) == (Result.FAILED, "the key is gone; plan again")


@pytest.mark.parametrize("read", [httpx.Response(500), httpx.Response(200, json={"name": "web"})])
def test_a_lost_response_that_cannot_be_resolved_is_not_verified(
    change: Change, read: httpx.Response
) -> None:
    [outcome] = execute(losing(500, read), (change,))
    assert outcome.result is Result.NOT_VERIFIED
    assert "it may have taken effect, and reading it back failed" in outcome.detail


def test_an_unexpected_error_hides_no_other_outcome(change: Change) -> None:
    sent: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        if len(sent) == 1:
            raise AssertionError("a fault of our own")
        return httpx.Response(200, json=live("web") | dict(change.patch))

    outcomes = execute(handler, (change,) * 2)
    assert [outcome.result for outcome in outcomes] == [Result.NOT_VERIFIED, Result.APPLIED]
    assert outcomes[0].detail == "an unexpected AssertionError occurred; it may have taken effect"


def test_responses_bypass_caches(change: Change) -> None:
    script = Script(httpx.Response(500), httpx.Response(200, json=live("web") | dict(change.patch)))
    execute(script, (change,))
    assert [(request.method, request.headers["Cache-Control"]) for request in script.requests] == [
        ("PATCH", "no-cache"),
        ("GET", "no-cache"),
    ]


def test_a_write_that_was_not_sent_is_a_failure(change: Change) -> None:
    [outcome] = execute(losing(httpx.ConnectError("refused"), httpx.Response(500)), (change,))
    assert (outcome.result, "no response: refused" in outcome.detail) == (Result.FAILED, True)


def test_a_response_may_reorder_a_set_and_respell_an_instant(change: Change) -> None:
    stored = {"name": "web", **change.patch} | {"expire": "2099-01-01T02:00:00.5+02:00"}
    [outcome] = execute(lambda _request: httpx.Response(200, json=stored), (change,))
    assert outcome.result is Result.APPLIED


@pytest.mark.parametrize("parallelism", [1, 3])
def test_no_more_writes_are_in_flight_than_allowed(change: Change, parallelism: int) -> None:
    together = threading.Barrier(parallelism)
    lock = threading.Lock()
    in_flight: list[int] = []
    most: list[int] = []

    def handler(_request: httpx.Request) -> httpx.Response:
        with lock:
            in_flight.append(1)
            most.append(len(in_flight))
        together.wait(timeout=60)
        with lock:
            in_flight.pop()
        return httpx.Response(200, json={"name": "web", **change.patch})

    execute(handler, (change,) * 6, parallelism)
    assert max(most) == parallelism


def test_after_a_stop_no_further_change_is_attempted(change: Change) -> None:
    stop = threading.Event()

    def handler(_request: httpx.Request) -> httpx.Response:
        stop.set()
        return httpx.Response(200, json={"name": "web", **change.patch})

    with Writer(connect(handler)) as writer:
        outcomes = Executor(writer, KINDS, Workers(1), stop).execute((change,) * 3)
    assert [str(outcome.result) for outcome in outcomes] == ["applied", "not attempted", "not attempted"]
    assert exit_code(outcomes, stop) is ExitCode.INTERRUPTED


def test_a_write_that_waits_for_a_pause_when_the_run_is_interrupted_is_not_attempted(change: Change) -> None:
    stop = threading.Event()

    class Interrupted(FakeClock):
        def sleep(self, seconds: float, wake: threading.Event) -> None:
            super().sleep(seconds, wake)
            wake.set()

    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(429, headers={"Retry-After": "60"})

    with Writer(connect(handler, clock=Interrupted(), stop=stop)) as writer:
        outcomes = Executor(writer, KINDS, Workers(1), stop).execute((change,) * 2)
    assert [str(outcome.result) for outcome in outcomes] == ["not verified", "not attempted"]
    assert [request.method for request in sent] == ["PATCH", "GET"]


MOVED: dict[str, tuple[dict[str, Any] | None, str]] = {
    "the field to change": ({"description": "Mine"}, 'description was planned from "" and is now "Mine"'),
    "its owner": ({"source": "iate"}, 'name was planned from "web" and is now null'),
    "its existence": (None, 'name was planned from "web" and is now null'),
}


@pytest.mark.parametrize(("moved", "said"), MOVED.values(), ids=MOVED)
def test_a_key_that_changed_while_the_plan_waited_is_stale(
    emulator: Emulator, moved: dict[str, Any] | None, said: str
) -> None:
    fill(emulator, "web")
    plan = plan_of(emulator, {"name": "web", "description": "Ours"})
    if moved is None:
        emulator.remove_key(1, 76, "web")
    else:
        fill(emulator, "web", **moved)
    [outcome] = Engine(emulator).apply(plan, Freshness.WAITED)
    assert (outcome.result, outcome.detail) == (Result.STALE, said)
    assert patches(emulator) == []


def test_an_expiry_that_passed_while_the_plan_waited_is_not_sent(emulator: Emulator) -> None:
    fill(emulator, "one", "two")
    plan = plan_of(
        emulator, {"name": "one", "expire": "2026-06-01T13:00:00Z"}, {"name": "two", "description": "x"}
    )
    late = FakeClock(NOON + dt.timedelta(hours=2))
    first, second = Engine(emulator, settings={"clock": late}).apply(plan, Freshness.WAITED)
    assert (first.result, second.result) == (Result.NOT_ATTEMPTED, Result.APPLIED)
    assert "expire 2026-06-01T13:00:00Z is in the past" in first.detail
    assert patches(emulator) == [{"description": "x"}]


def test_a_field_that_is_not_sent_may_change_while_the_plan_waits(emulator: Emulator) -> None:
    fill(emulator, "web")
    plan = plan_of(emulator, {"name": "web", "description": "Ours", "is_disabled": False})
    fill(emulator, "web", is_disabled=True)
    [outcome] = Engine(emulator).apply(plan, Freshness.WAITED)
    assert outcome.result is Result.APPLIED


def test_a_stale_key_is_not_written_and_the_others_are_applied(emulator: Emulator) -> None:
    fill(emulator, *NAMES)
    plan = plan_of(emulator, *({"name": name, "description": "x"} for name in NAMES))
    fill(emulator, "key-b", description="Mine")
    outcomes = Engine(emulator).apply(plan, Freshness.WAITED)
    assert results(outcomes) == {"key-a": "applied", "key-b": "stale", "key-c": "applied"}
    assert emulator.keys(1, 76)["key-b"]["description"] == "Mine"


@pytest.mark.parametrize(("freshness", "reads"), [(Freshness.JUST_MADE, 0), (Freshness.WAITED, 1)])
def test_only_a_plan_that_waited_is_checked_with_one_listing_per_scope(
    emulator: Emulator, freshness: Freshness, reads: int
) -> None:
    fill(emulator, *NAMES[:2])
    plan = plan_of(emulator, *({"name": name, "description": "x"} for name in NAMES[:2]))
    Engine(emulator).apply(plan, freshness)
    assert (listings(emulator), len(patches(emulator))) == (reads, 2)


def test_the_keys_of_a_scope_that_cannot_be_checked_are_not_sent(emulator: Emulator) -> None:
    fill(emulator, "web")
    plan = plan_of(emulator, {"name": "web", "description": "x"})
    [outcome] = Engine(emulator, settings={"token": Secret("revoked")}).apply(plan, Freshness.WAITED)
    assert outcome.result is Result.NOT_ATTEMPTED
    assert outcome.detail.startswith("its scope could not be read again: GET ")
    assert patches(emulator) == []


def test_an_interrupted_check_reads_no_more_and_sends_nothing(emulator: Emulator) -> None:
    fill(emulator, "web")
    plan = plan_of(emulator, {"name": "web", "description": "x"})
    stop = threading.Event()
    stop.set()
    [outcome] = Engine(emulator, stop=stop).apply(plan, Freshness.WAITED)
    assert outcome.result is Result.NOT_ATTEMPTED
    assert emulator.requests == ()


def test_a_live_key_that_no_longer_matches_the_schema_is_not_attempted(change: Change) -> None:
    listing = httpx.Response(200, json={"count": 1, "results": [{"name": "web"}]})
    with Writer(connect(lambda _request: listing)) as writer:
        [outcome] = Executor(writer, KINDS, Workers(1), threading.Event()).recheck([change])
    assert outcome.result is Result.NOT_ATTEMPTED
    assert "does not match the documented schema" in outcome.detail


@pytest.mark.parametrize(
    ("became", "code"),
    [
        ([], ExitCode.DONE),
        ([Result.APPLIED, Result.APPLIED], ExitCode.DONE),
        ([Result.STALE, Result.STALE], ExitCode.REFUSED),
        ([Result.FAILED, Result.FAILED], ExitCode.ERROR),
        ([Result.APPLIED, Result.STALE], ExitCode.PARTIAL),
        ([Result.APPLIED, Result.FAILED], ExitCode.PARTIAL),
        ([Result.STALE, Result.FAILED], ExitCode.PARTIAL),
        ([Result.NOT_VERIFIED], ExitCode.PARTIAL),
    ],
)
def test_the_result_of_a_run_depends_on_all_outcomes(
    change: Change, became: list[Result], code: ExitCode
) -> None:
    outcomes = [Outcome(change, result) for result in became]
    assert exit_code(outcomes, threading.Event()) is code
