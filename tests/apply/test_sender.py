"""Creations, deletions and replacements: what is reported whatever the service and the sink do."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.api.retry import RetryPolicy
from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.apply.executor import Executor
from reconciler.apply.observer import StoredSecret
from reconciler.errors import SinkError
from reconciler.kinds.rest import Update
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Action, Change
from reconciler.plan.changes import with_requests
from tests.support import COLLECTION, TOKEN, FakeClock, Script, connect
from tests.values import CAAS, declared, live, make_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.model.secret import Secret
    from reconciler.model.succession import SecretAlias

SECRET = "do-not-show"
ABSENT = declared()._replace(is_absent=True)
(CREATION,) = make_plan([declared(containers=[], description="")], []).changes
(DELETION,) = make_plan([ABSENT], [live()]).changes
REPLACEMENT = with_requests(CAAS, replace(CREATION, action=Action.REPLACE, created=DELETION.created))

WITH_SECRET = httpx.Response(200, json=live(secret=SECRET))
THERE = httpx.Response(200, json=live())
OTHER = httpx.Response(200, json=live(description="theirs"))
RECREATED = httpx.Response(200, json=live(created_at="2026-05-31T00:00:00Z"))
TASK = httpx.Response(200, json={"tasks": ["7"]})
FORBIDDEN = httpx.Response(403, json={"message": "no"})
GONE = httpx.Response(404, json={"message": "gone"})
IN_USE = httpx.Response(409, json={"message": "in use"})
FAULT = httpx.Response(500, json={"message": "oops"})
PAGE = httpx.Response(200, text="<html>Sign in</html>")
GATEWAY = httpx.Response(504, text="late")
BROKEN = httpx.ReadError("the connection broke")
REFUSED = httpx.ConnectError("refused")
DELETED = httpx.Response(204)
ECHO = httpx.Response(200, json={"token": TOKEN})
EMPTY = httpx.Response(201)
ACCEPTED = httpx.Response(202, json=live())
# None of these proves that nothing happened.
REFUSALS = {
    status: httpx.Response(status, json={"message": "no"}, headers={"Location": "http://elsewhere/"})
    for status in (301, 302, 303, 304, 307, 308, 400, 401, 403, 405, 410, 412, 418, 422, 423, 429, 451, 499)
}


class Store:
    """Stores secrets in memory; without a location to return it loses them."""

    def __init__(self, stored: StoredSecret | None) -> None:
        self.secrets: list[str] = []
        self.expected: str | None = None
        self._stored = stored

    def started(self, change: Change) -> None:
        assert self.expected is None
        self.expected = change.address

    def outdated(self, change: Change) -> str:
        return "the secret in memory:0 is no longer valid" if change.action is Action.REPLACE else ""

    def missing(self, _change: Change) -> str:
        return ""

    def publish(self, _alias: SecretAlias) -> str:
        return ""

    def finished(self, outcome: Outcome) -> None:
        assert self.expected == outcome.change.address
        self.expected = None

    def store(self, change: Change, secret: Secret) -> StoredSecret:
        assert self.expected == change.address
        assert change.name == "web-key"
        if self._stored is None:
            raise SinkError("it is written nowhere")
        self.secrets.append(secret.reveal())
        return self._stored


STORED = StoredSecret("memory:1")


class Service:
    """Returns scripted responses, but lists what it is set to list."""

    def __init__(self, script: Script, listed: Sequence[object] = ()) -> None:
        self._script = script
        self._listed = listed

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and request.url.path == COLLECTION:
            return httpx.Response(200, json={"count": len(self._listed), "results": self._listed})
        return self._script(request)


def execute(writer: Writer, change: Change, store: Store, kind: Kind = CAAS) -> Outcome:
    """Send one change."""
    executor = Executor(writer, {"caas": kind}, Workers(1), threading.Event(), secrets=store)
    [outcome] = executor.execute([change])
    return outcome


def outcome_of(
    change: Change,
    responses: Sequence[httpx.Response | Exception],
    stored: StoredSecret | None = STORED,
    kind: Kind = CAAS,
    listed: Sequence[object] = (),
) -> tuple[Outcome, list[str], Store]:
    """Send a change to a scripted service; return its outcome, the requests and the store."""
    script, store = Script(*responses), Store(stored)
    with Writer(connect(Service(script, listed))) as writer:
        outcome = execute(writer, change, store, kind)
    assert SECRET not in f"{outcome}"
    assert store.expected is None
    return outcome, [request.method for request in script.requests], store


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_update_is_sent_by_the_method_of_its_kind(method: str) -> None:
    kind = replace(CAAS, update=Update(method))
    (update,) = make_plan([declared(is_disabled=True)], [live()], kind=kind).changes
    stored = httpx.Response(200, json=live(is_disabled=True))
    outcome, methods, _ = outcome_of(update, [stored], kind=kind)
    assert (outcome.result, methods) == (Result.APPLIED, [method])


LOST = "its secret is lost: either declare it `state: absent`"


@pytest.mark.parametrize(
    ("responses", "stored", "result", "reason"),
    [
        ([WITH_SECRET], STORED, Result.APPLIED, ""),
        ([WITH_SECRET], StoredSecret("rescue", "the sink is full"), Result.NOT_VERIFIED, "the sink is full"),
        ([WITH_SECRET], None, Result.NOT_VERIFIED, f"it is written nowhere; the key exists now, and {LOST}"),
        (
            [THERE],
            STORED,
            Result.NOT_VERIFIED,
            f"the response held no secret; the key exists now, and {LOST}",
        ),
        ([OTHER], STORED, Result.NOT_VERIFIED, 'description was accepted as "" but is stored as "theirs"'),
        ([httpx.Response(200, json=[]), THERE], STORED, Result.NOT_VERIFIED, "the response is not an object"),
        ([TASK, GONE], STORED, Result.NOT_VERIFIED, "the service still creates it, its secret is lost"),
        ([EMPTY, THERE], STORED, Result.NOT_VERIFIED, LOST),
        ([EMPTY, GONE], STORED, Result.NOT_VERIFIED, "the service still creates it, its secret is lost"),
        ([ACCEPTED, THERE], STORED, Result.NOT_VERIFIED, LOST),
        ([ACCEPTED, GONE], STORED, Result.NOT_VERIFIED, "the service still creates it, its secret is lost"),
        ([IN_USE, GONE], STORED, Result.FAILED, "HTTP 409"),
        ([IN_USE, OTHER], STORED, Result.FAILED, 'not as declared (description was sent as "" but is stored'),
        (
            [IN_USE, THERE],
            STORED,
            Result.NOT_VERIFIED,
            "either another client created it, or this request did; in",
        ),
        ([FORBIDDEN, GONE], STORED, Result.FAILED, "HTTP 403"),
        ([FORBIDDEN], STORED, Result.NOT_VERIFIED, "it may exist now, and reading it failed: GET"),
        ([REFUSED], STORED, Result.FAILED, "no response: refused"),
        ([BROKEN, THERE], STORED, Result.NOT_VERIFIED, LOST),
        ([FAULT, THERE], STORED, Result.NOT_VERIFIED, LOST),
        ([BROKEN, GONE], STORED, Result.NOT_VERIFIED, "the service still creates it, its secret is lost"),
        ([GATEWAY, GONE], STORED, Result.NOT_VERIFIED, "the service still creates it, its secret is lost"),
        ([FAULT, GONE], STORED, Result.FAILED, "HTTP 500"),
        (
            [BROKEN, OTHER],
            STORED,
            Result.NOT_VERIFIED,
            "so another client may have created it; if not, the key exists",
        ),
        ([BROKEN, FAULT], STORED, Result.NOT_VERIFIED, "it may exist now, and reading it failed"),
    ],
)
def test_every_outcome_of_a_creation(
    responses: list[httpx.Response | Exception], stored: StoredSecret | None, result: Result, reason: str
) -> None:
    outcome, requests, store = outcome_of(CREATION, responses, stored)
    assert (outcome.result, requests.count("POST")) == (result, 1)
    assert reason in outcome.detail
    assert bool(outcome.detail) is bool(reason)
    is_stored = responses[0] is WITH_SECRET and stored is not None
    assert (store.secrets, outcome.secret_at) == (
        ([SECRET], stored.where) if is_stored and stored else ([], "")
    )


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refused_but_executed_creation_is_a_lost_secret(status: int) -> None:
    outcome, _, _ = outcome_of(CREATION, [REFUSALS[status], THERE])
    assert (outcome.result, LOST in outcome.detail) == (Result.NOT_VERIFIED, True)
    assert f"HTTP {status}" in outcome.detail


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_of_a_creation_without_effect_is_a_failure(status: int) -> None:
    outcome, _, _ = outcome_of(CREATION, [REFUSALS[status], GONE])
    assert (outcome.result, f"HTTP {status}" in outcome.detail) == (Result.FAILED, True)


@pytest.mark.parametrize("status", [200, 201, 202, 203, 206, 207, 302, 304, 400, 409, 429, 500, 504])
@pytest.mark.parametrize(("read", "result"), [(THERE, Result.APPLIED), (GONE, Result.NOT_VERIFIED)])
def test_a_secret_in_any_response_is_stored(status: int, read: httpx.Response, result: Result) -> None:
    body = {"secret": SECRET, "message": "no"}
    outcome, _, store = outcome_of(CREATION, [httpx.Response(status, json=body), read])
    assert store.secrets == [SECRET]
    assert (outcome.result, outcome.secret_at) == (result, "memory:1")
    assert LOST not in outcome.detail


def test_a_secret_that_is_twice_in_a_response_is_stored_and_not_verified() -> None:
    body = json.dumps(live(secret=SECRET)).replace('"secret"', '"secret": "first", "secret"')
    outcome, _, store = outcome_of(CREATION, [httpx.Response(201, text=body), THERE])
    assert (store.secrets, outcome.secret_at) == ([SECRET], "memory:1")
    assert outcome.result is Result.NOT_VERIFIED
    assert "the response held several secrets, and only the last one is stored" in outcome.detail


@pytest.mark.parametrize("ending", [f"?secret={SECRET}", f"#{SECRET}"])
def test_the_query_of_a_redirect_after_a_creation_is_not_shown(ending: str) -> None:
    redirect = httpx.Response(303, headers={"Location": f"https://elsewhere/made{ending}"})
    outcome, _, _ = outcome_of(CREATION, [redirect, THERE])
    assert "redirected to https://elsewhere/made?…, which is refused" in outcome.detail
    assert SECRET not in outcome.detail


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        ({"key": live(secret=SECRET), "links": {"self": "/"}}, [SECRET]),
        ({"data": {"id": "7", "attributes": live(secret=SECRET)}}, [SECRET]),
        ({"old": live(secret="other"), "new": live(secret=SECRET)}, []),  # which of them is it?
    ],
)
def test_a_secret_in_an_envelope_is_stored_if_there_is_only_one(body: object, stored: list[str]) -> None:
    outcome, _, store = outcome_of(CREATION, [httpx.Response(201, json=body), THERE])
    assert store.secrets == stored
    assert (outcome.result is Result.APPLIED) is bool(stored)


@pytest.mark.parametrize(
    "body", [f'{{"name":"a","name":"b","secret":"{SECRET}"}}', f'{{"secret":"{SECRET}","x":NaN}}']
)
def test_a_secret_in_an_invalid_response_is_stored(body: str) -> None:
    outcome, _, store = outcome_of(CREATION, [httpx.Response(201, text=body), THERE])
    assert (store.secrets, outcome.result) == ([SECRET], Result.APPLIED)


def test_a_secret_in_a_response_that_echoes_the_token_is_stored() -> None:
    response = httpx.Response(201, json=live(secret=SECRET, description=TOKEN))
    outcome, _, store = outcome_of(CREATION, [response, THERE])
    assert (store.secrets, outcome.result) == ([SECRET], Result.APPLIED)


NO_SECRET = replace(CAAS, secret=None)


@pytest.mark.parametrize(
    ("responses", "result", "reason"),
    [
        ([EMPTY, THERE], Result.APPLIED, ""),
        ([DELETED, THERE], Result.APPLIED, ""),
        ([ACCEPTED, THERE], Result.APPLIED, ""),
        ([TASK, THERE], Result.APPLIED, ""),
        ([FAULT, THERE], Result.APPLIED, ""),
        ([REFUSALS[303], THERE], Result.APPLIED, ""),
        ([REFUSALS[400], THERE], Result.APPLIED, ""),
        ([IN_USE, THERE], Result.UNCHANGED, ""),
        ([IN_USE, OTHER], Result.FAILED, "not as declared"),
        ([EMPTY, OTHER], Result.NOT_VERIFIED, "it exists, not as it was sent (description"),
        ([EMPTY, GONE], Result.NOT_VERIFIED, "it does not exist yet"),
        ([EMPTY, FAULT], Result.NOT_VERIFIED, "it may exist now"),
    ],
)
def test_every_outcome_of_a_creation_without_a_secret(
    responses: list[httpx.Response | Exception], result: Result, reason: str
) -> None:
    outcome, _, _ = outcome_of(CREATION, responses, kind=NO_SECRET)
    assert outcome.result is result
    assert reason in outcome.detail
    assert bool(outcome.detail) is bool(reason)
    assert "secret" not in outcome.detail


def test_a_key_managed_elsewhere_is_not_mistaken_for_a_created_one() -> None:
    theirs = httpx.Response(200, json=live(source="iate"))
    outcome, _, _ = outcome_of(CREATION, [EMPTY, theirs], kind=NO_SECRET)
    assert (outcome.result, "source iate" in outcome.detail) == (Result.NOT_VERIFIED, True)


@pytest.mark.parametrize("response", [FAULT, GONE, REFUSALS[302]])
def test_a_404_does_not_hide_a_listed_key(response: httpx.Response) -> None:
    outcome, _, _ = outcome_of(CREATION, [response, GONE], listed=[live()])
    assert (outcome.result, LOST in outcome.detail) == (Result.NOT_VERIFIED, True)


def test_a_creation_refused_by_429_is_resent_only_if_the_key_is_absent() -> None:
    limit = httpx.Response(429, headers={"Retry-After": "7"})
    clock = FakeClock()
    for read, result, posts in ((GONE, Result.APPLIED, 2), (THERE, Result.NOT_VERIFIED, 1)):
        script = Script(limit, read, WITH_SECRET if read is GONE else THERE)
        link = connect(Service(script), retry=RetryPolicy(attempts=3), clock=clock)
        with Writer(link) as writer:
            outcome = execute(writer, CREATION, Store(STORED))
        methods = [request.method for request in script.requests]
        assert (outcome.result, methods.count("POST")) == (result, posts)
    assert clock.elapsed == 14


@pytest.mark.parametrize(
    ("responses", "result", "reason"),
    [
        ([DELETED, GONE], Result.APPLIED, ""),
        ([DELETED, httpx.Response(410)], Result.APPLIED, ""),
        ([DELETED, THERE], Result.NOT_VERIFIED, "accepted; read back: the key is still there"),
        ([DELETED, FAULT], Result.NOT_VERIFIED, "it may be gone, and reading it failed"),
        ([DELETED, TASK], Result.APPLIED, ""),
        ([DELETED, PAGE], Result.APPLIED, ""),
        ([BROKEN, PAGE], Result.APPLIED, ""),
        ([httpx.Response(200, json={}), GONE], Result.APPLIED, ""),
        ([TASK, THERE], Result.NOT_VERIFIED, "the key is still there"),
        ([httpx.Response(202), GONE], Result.APPLIED, ""),
        ([httpx.Response(202), THERE], Result.NOT_VERIFIED, "the key is still there"),
        ([GONE], Result.APPLIED, ""),
        ([GONE, THERE], Result.FAILED, "read back: the key is still there"),
        ([IN_USE, THERE], Result.FAILED, "something still uses it; detach it first"),
        ([IN_USE, GONE], Result.APPLIED, ""),
        ([IN_USE, RECREATED], Result.NOT_VERIFIED, "another key of this name is there"),
        ([BROKEN, GONE], Result.APPLIED, ""),
        ([BROKEN, THERE], Result.FAILED, "read back: the key is still there"),
        ([BROKEN, BROKEN, GONE], Result.APPLIED, ""),
        ([ECHO, THERE], Result.NOT_VERIFIED, "the response contains the token"),
        ([REFUSED], Result.FAILED, "no response: refused"),
        ([FAULT, FAULT], Result.NOT_VERIFIED, "it may be gone, and reading it failed"),
    ],
)
def test_every_outcome_of_a_deletion(
    responses: list[httpx.Response | Exception], result: Result, reason: str
) -> None:
    outcome, _, _ = outcome_of(DELETION, responses)
    assert outcome.result is result
    assert reason in outcome.detail
    assert bool(outcome.detail) is bool(reason)


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refused_deletion_is_resolved_by_reading(status: int) -> None:
    for read, result in ((GONE, Result.APPLIED), (THERE, Result.FAILED)):
        outcome, _, _ = outcome_of(DELETION, [REFUSALS[status], read])
        assert outcome.result is result


def test_a_404_does_not_confirm_the_deletion_of_a_listed_key() -> None:
    outcome, _, _ = outcome_of(DELETION, [GONE], listed=[live()])
    assert (outcome.result, "HTTP 404" in outcome.detail) == (Result.FAILED, True)


@pytest.mark.parametrize("response", [DELETED, BROKEN], ids=["204", "no response"])
def test_where_the_path_returns_html_the_listing_decides(response: httpx.Response | Exception) -> None:
    outcome, _, _ = outcome_of(DELETION, [response, PAGE], listed=[live()])
    assert outcome.result is not Result.APPLIED
    assert "read back: the key is still there" in outcome.detail


@pytest.mark.parametrize("status", [202, 201, 207])
def test_an_accepted_deletion_is_not_done_while_the_key_is_listed(status: int) -> None:
    outcome, _, _ = outcome_of(DELETION, [httpx.Response(status), GONE], listed=[live()])
    assert outcome.result is Result.NOT_VERIFIED
    assert "which does not confirm that it is done; read back: the key is still there" in outcome.detail


@pytest.mark.parametrize(
    ("responses", "result", "reason", "sent"),
    [
        ([DELETED, GONE, WITH_SECRET], Result.APPLIED, "", ["DELETE", "GET", "POST"]),
        ([IN_USE, THERE], Result.FAILED, "HTTP 409", ["DELETE", "GET"]),
        ([httpx.Response(202), THERE], Result.NOT_VERIFIED, "the key is still there", ["DELETE", "GET"]),
        (
            [DELETED, GONE, FORBIDDEN, GONE],
            Result.NOT_VERIFIED,
            "the key was deleted, and creating it again failed",
            ["DELETE", "GET", "POST", "GET"],
        ),
        (
            [DELETED, GONE, BROKEN, GONE],
            Result.NOT_VERIFIED,
            'it was to be {"containers":[],"description":""',
            ["DELETE", "GET", "POST", "GET"],
        ),
        ([DELETED, GONE, FAULT, THERE], Result.NOT_VERIFIED, LOST, ["DELETE", "GET", "POST", "GET"]),
    ],
)
def test_every_outcome_of_a_replacement(
    responses: list[httpx.Response | Exception], result: Result, reason: str, sent: list[str]
) -> None:
    outcome, requests, _ = outcome_of(REPLACEMENT, responses)
    assert (outcome.result, requests) == (result, sent)
    assert reason in outcome.detail


def test_a_replacement_without_a_secret_is_applied_if_the_key_exists_again() -> None:
    outcome, _, _ = outcome_of(REPLACEMENT, [DELETED, GONE, IN_USE, THERE], kind=NO_SECRET)
    assert (outcome.result, outcome.detail) == (Result.APPLIED, "")


def test_a_started_replacement_is_completed_despite_an_interrupt() -> None:
    stop, script = threading.Event(), Script(DELETED, GONE, WITH_SECRET)

    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            stop.set()
        return script(request)

    with Writer(connect(respond, stop=stop)) as writer:
        outcome = execute(writer, REPLACEMENT, Store(STORED))
    assert (outcome.result, outcome.secret_at) == (Result.APPLIED, "memory:1")
    assert [request.method for request in script.requests] == ["DELETE", "GET", "POST"]


@pytest.mark.parametrize("change", [CREATION, DELETION, REPLACEMENT], ids=lambda change: change.action)
def test_a_change_interrupted_before_it_is_sent_is_not_attempted(change: Change) -> None:
    stop, script = threading.Event(), Script(WITH_SECRET)
    stop.set()
    with Writer(connect(script, stop=stop)) as writer:
        assert execute(writer, change, Store(STORED)).result is Result.NOT_ATTEMPTED
    assert script.requests == []


class Closed(Store):
    """Refuses every further secret."""

    def started(self, change: Change) -> None:
        super().started(change)
        raise SinkError(f"not created: {change.name}")


@pytest.mark.parametrize("change", [CREATION, REPLACEMENT], ids=lambda change: change.action)
def test_a_key_whose_secret_cannot_be_stored_is_not_created(change: Change) -> None:
    script = Script(WITH_SECRET)
    with Writer(connect(script)) as writer:
        outcome = execute(writer, change, Closed(STORED))
    assert (outcome.result, outcome.detail) == (Result.NOT_ATTEMPTED, "not created: web-key")
    assert script.requests == []
