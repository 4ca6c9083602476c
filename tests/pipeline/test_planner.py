"""Several scopes are read side by side; one unreadable scope prevents the plan."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import nullcontext

import httpx
import pytest

from reconciler.api.client import Session
from reconciler.api.workers import Workers
from reconciler.errors import UnreadableError
from reconciler.model.desired import DesiredScope, DesiredState
from reconciler.model.scope import Scope
from reconciler.pipeline import plan
from tests.engine import KINDS, plan_with
from tests.support import EMPTY_LIST, NOON, Script, connect

FINE = httpx.Response(200, json=EMPTY_LIST)


def scopes(count: int) -> DesiredState:
    return DesiredState(tuple(DesiredScope(Scope("caas", 1, region), ()) for region in range(1, count + 1)))


def test_each_scope_is_listed_and_reported_once() -> None:
    reported: list[None] = []
    remote = Script(FINE)
    with Session(connect(remote), Workers(3)) as session:
        following = lambda _: nullcontext(lambda: reported.append(None))  # noqa: E731 - one of two values
        plan(scopes(7), session, kinds=KINDS, now=NOON, reading=following)
    paths = Counter(request.url.path for request in remote.requests)
    assert paths == {f"/cloud/v1/caas/keys/1/{region}": 1 for region in range(1, 8)}
    assert len(reported) == 7


def test_without_scopes_no_request_is_sent() -> None:
    remote = Script(FINE)
    assert plan_with(connect(remote), scopes(0)).changes == ()
    assert remote.requests == []


@pytest.mark.parametrize("parallelism", [1, 3])
def test_no_more_requests_are_in_flight_than_allowed(parallelism: int) -> None:
    together = threading.Barrier(parallelism)
    busy: list[int] = [0]
    most: list[int] = [0]
    lock = threading.Lock()

    def handler(_request: httpx.Request) -> httpx.Response:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        together.wait(timeout=60)
        with lock:
            busy[0] -= 1
        return FINE

    plan_with(connect(handler), scopes(6), parallelism)
    assert most == [parallelism]


def test_after_the_first_failed_scope_no_other_is_started() -> None:
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        threading.Event().wait(0.05 if len(requests) > 1 else 0)  # time for the first failure to be seen
        return httpx.Response(403, json={"message": "No."})

    with pytest.raises(UnreadableError, match="caas/1/1 could not be read") as caught:
        plan_with(connect(handler), scopes(50), parallelism=1)
    assert len(requests) < 50
    assert len(caught.value.causes) == len(requests)


def test_each_failed_scope_is_named_in_order() -> None:
    together = threading.Barrier(2)

    def handler(_request: httpx.Request) -> httpx.Response:
        together.wait(timeout=60)
        return httpx.Response(403)

    with pytest.raises(UnreadableError) as caught:
        plan_with(connect(handler), scopes(2), parallelism=2)
    assert list(caught.value.causes) == ["caas/1/1", "caas/1/2"]


def test_an_internal_error_is_not_reported_as_an_unreadable_scope() -> None:
    with pytest.raises(ZeroDivisionError):
        plan_with(connect(Script(ZeroDivisionError())), scopes(5))
