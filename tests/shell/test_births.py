"""Creations, deletions and replacements: what is told whatever the service and the sink do."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.births import Births, Kept
from reconciler.client import Writer
from reconciler.errors import SinkError
from reconciler.model import Action, Change, Outcome, Result
from reconciler.resources import load_kinds
from tests.core.values import declared, live, make_plan
from tests.support import Script, connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.secret import Secret

SECRET = "do-not-show"
ABSENT = replace(declared(), is_absent=True)
(CREATION,) = make_plan([declared(containers=[], description="")], []).changes
(DELETION,) = make_plan([ABSENT], [live()]).changes
REPLACEMENT = replace(CREATION, action=Action.REPLACE)

BORN = httpx.Response(200, json=live(secret=SECRET))
THERE = httpx.Response(200, json=live())
OTHER = httpx.Response(200, json=live(description="theirs"))
FORBIDDEN = httpx.Response(403, json={"message": "no"})
GONE = httpx.Response(404, json={"message": "gone"})
IN_USE = httpx.Response(409, json={"message": "in use"})
FAULT = httpx.Response(500, json={"message": "oops"})
GATEWAY = httpx.Response(504, text="late")
BROKEN = httpx.ReadError("the connection broke")
DELETED = httpx.Response(204)


class Keeper:
    """Keeps secrets in memory; without a place to tell it loses them."""

    def __init__(self, kept: Kept | None) -> None:
        self.secrets: list[str] = []
        self.expected: str | None = None
        self._kept = kept

    def expect(self, change: Change) -> None:
        assert self.expected is None
        self.expected = change.address

    def settle(self, change: Change) -> None:
        assert self.expected == change.address
        self.expected = None

    def keep(self, change: Change, secret: Secret) -> Kept:
        assert self.expected == change.address
        assert change.name == "web-key"
        if self._kept is None:
            raise SinkError("it is written nowhere")
        self.secrets.append(secret.reveal())
        return self._kept


KEPT = Kept("memory:1")


def outcome_of(
    change: Change, answers: Sequence[httpx.Response | Exception], kept: Kept | None = KEPT
) -> tuple[Outcome, list[str], Keeper]:
    """Send a change to a service that answers so; give what became of it, the requests, and the keeper."""
    script, keeper = Script(*answers), Keeper(kept)
    with Writer(connect(script)) as writer:
        births = Births(writer, load_kinds(), keeper)
        send = {Action.CREATE: births.create, Action.DELETE: births.delete, Action.REPLACE: births.replace}
        outcome = send[change.action](change)
    assert SECRET not in f"{outcome}"
    assert keeper.expected is None
    return outcome, [request.method for request in script.requests], keeper


LOST = "its secret is lost: either declare it `state: absent`"


@pytest.mark.parametrize(
    ("answers", "kept", "result", "told"),
    [
        ([BORN], KEPT, Result.APPLIED, ""),
        ([BORN], Kept("rescue", "the sink is full"), Result.NOT_VERIFIED, "the sink is full"),
        ([BORN], None, Result.NOT_VERIFIED, f"it is written nowhere; the key exists now, and {LOST}"),
        ([THERE], KEPT, Result.NOT_VERIFIED, f"the answer held no secret; the key exists now, and {LOST}"),
        ([OTHER], KEPT, Result.NOT_VERIFIED, 'description was accepted as "" but is stored as "theirs"'),
        ([httpx.Response(200, json=[])], KEPT, Result.NOT_VERIFIED, "the answer is not an object"),
        ([IN_USE], KEPT, Result.FAILED, "HTTP 409"),
        ([FORBIDDEN], KEPT, Result.FAILED, "HTTP 403"),
        ([BROKEN, THERE], KEPT, Result.NOT_VERIFIED, LOST),
        ([FAULT, THERE], KEPT, Result.NOT_VERIFIED, LOST),
        ([BROKEN, GONE], KEPT, Result.NOT_VERIFIED, "if it still comes to be, its secret is lost"),
        ([GATEWAY, GONE], KEPT, Result.NOT_VERIFIED, "if it still comes to be, its secret is lost"),
        ([FAULT, GONE], KEPT, Result.FAILED, "HTTP 500"),
        (
            [BROKEN, OTHER],
            KEPT,
            Result.NOT_VERIFIED,
            "so somebody else may have made it; if not, the key exists",
        ),
        ([BROKEN, FAULT], KEPT, Result.NOT_VERIFIED, "it may exist now, and reading it failed"),
    ],
)
def test_what_becomes_of_a_creation(
    answers: list[httpx.Response | Exception], kept: Kept | None, result: Result, told: str
) -> None:
    outcome, requests, keeper = outcome_of(CREATION, answers, kept)
    assert (outcome.result, requests.count("POST")) == (result, 1)
    assert told in outcome.detail
    assert bool(outcome.detail) is bool(told)
    is_kept = answers[0] is BORN and kept is not None
    assert (keeper.secrets, outcome.secret_at) == (([SECRET], kept.where) if is_kept and kept else ([], ""))


@pytest.mark.parametrize(
    ("answers", "result", "told"),
    [
        ([DELETED], Result.APPLIED, ""),
        ([httpx.Response(200, json={})], Result.APPLIED, ""),
        ([GONE], Result.APPLIED, ""),
        ([IN_USE], Result.FAILED, "something still uses the key; detach it first"),
        ([BROKEN, GONE], Result.APPLIED, ""),
        ([BROKEN, THERE], Result.FAILED, "read back: the key is still there"),
        ([FAULT, FAULT], Result.NOT_VERIFIED, "it may be gone, and reading it failed"),
    ],
)
def test_what_becomes_of_a_deletion(
    answers: list[httpx.Response | Exception], result: Result, told: str
) -> None:
    outcome, _, _ = outcome_of(DELETION, answers)
    assert outcome.result is result
    assert told in outcome.detail
    assert bool(outcome.detail) is bool(told)


@pytest.mark.parametrize(
    ("answers", "result", "told"),
    [
        ([DELETED, BORN], Result.APPLIED, ""),
        ([IN_USE], Result.FAILED, "HTTP 409"),
        ([DELETED, FORBIDDEN], Result.NOT_VERIFIED, "the key was deleted, and creating it anew failed"),
        ([DELETED, BROKEN, GONE], Result.NOT_VERIFIED, 'it was to be {"containers":[],"description":""'),
    ],
)
def test_what_becomes_of_a_replacement(
    answers: list[httpx.Response | Exception], result: Result, told: str
) -> None:
    outcome, _, _ = outcome_of(REPLACEMENT, answers)
    assert outcome.result is result
    assert told in outcome.detail


def test_the_second_half_of_a_replacement_is_sent_whatever_interrupts_the_run() -> None:
    stop, script = threading.Event(), Script(DELETED, BORN)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            stop.set()
        return script(request)

    with Writer(connect(answer, stop=stop)) as writer:
        outcome = Births(writer, load_kinds(), Keeper(KEPT)).replace(REPLACEMENT)
    assert (outcome.result, outcome.secret_at) == (Result.APPLIED, "memory:1")
    assert [request.method for request in script.requests] == ["DELETE", "POST"]


@pytest.mark.parametrize("change", [CREATION, DELETION, REPLACEMENT], ids=lambda change: change.action)
def test_what_is_interrupted_before_it_is_sent_is_not_attempted(change: Change) -> None:
    stop, script = threading.Event(), Script(BORN)
    stop.set()
    with Writer(connect(script, stop=stop)) as writer:
        births = Births(writer, load_kinds(), Keeper(KEPT))
        send = {Action.CREATE: births.create, Action.DELETE: births.delete, Action.REPLACE: births.replace}
        assert send[change.action](change).result is Result.NOT_ATTEMPTED
    assert script.requests == []
