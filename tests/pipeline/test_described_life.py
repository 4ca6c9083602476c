"""The lifecycle of a key of each kind, on a service that refuses what the API description lacks."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.apply.executor import Executor
from reconciler.apply.observer import StoredSecret
from reconciler.errors import RejectedError
from reconciler.kinds.packaged import load_kinds
from reconciler.model.desired import DesiredKey, DesiredScope, Lifecycle
from reconciler.model.outcome import Result
from reconciler.model.plan import Action, Change
from reconciler.model.request import Request
from reconciler.model.scope import Scope
from reconciler.observe.listing import observe
from reconciler.plan.planning import plan_scope
from tests.gcore_emulator.description import request_complaints
from tests.support import NOON, TOKEN, connect, emulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.secret import Secret
    from reconciler.model.succession import SecretAlias

KINDS = load_kinds()
SOON, LATER = "2036-01-01T00:00:00Z", "2037-01-01T00:00:00Z"
ITEM = {"name": "web", "namespace": "shop"}
REPLACED = Lifecycle(replace=True)
UPDATES: dict[str, list[dict[str, Any]]] = {
    "caas": [{"containers": [ITEM]}, {"is_disabled": True}, {"expire": SOON}, {"expire": None}],
    "faas": [{"functions": [ITEM]}, {"description": ""}, {"expire": SOON}, {"expire": None}],
    "inference": [{"description": "new"}, {"description": ""}, {"expires_at": LATER}, {"expires_at": None}],
}
FIRST: dict[str, dict[str, Any]] = {
    "caas": {"containers": [], "description": "first", "expire": LATER},
    "faas": {"functions": [], "description": "first", "expire": LATER},
    "inference": {"description": "first", "expires_at": SOON},
}


class Store:
    """Stores secrets in memory."""

    def __init__(self) -> None:
        self.secrets: list[str] = []

    def started(self, change: Change) -> None:
        """Ignore it."""

    def finished(self, outcome: object) -> None:
        """Ignore it."""

    def outdated(self, _change: Change) -> str:
        return ""

    def missing(self, _change: Change) -> str:
        return ""

    def publish(self, _alias: SecretAlias) -> str:
        return ""

    def store(self, _change: Change, secret: Secret) -> StoredSecret:
        self.secrets.append(secret.reveal())
        return StoredSecret("memory")


@contextmanager
def strict_service() -> Iterator[Writer]:
    """Connect to an emulator behind a gate that lets described requests through, and no others."""
    with emulate() as emulator, httpx.Client(base_url=emulator.url) as client:

        def gate(request: httpx.Request) -> httpx.Response:
            target = request.url.raw_path.decode()
            body = json.loads(request.content) if request.content else None
            if found := request_complaints(request.method, target, body):
                return httpx.Response(400, json={"message": "; ".join(found)})
            headers = {"Authorization": f"apikey {TOKEN}", "Content-Type": "application/json"}
            response = client.request(request.method, target, content=request.content, headers=headers)
            return httpx.Response(response.status_code, content=response.content)

        with Writer(connect(gate)) as writer:
            yield writer


def step(writer: Writer, store: Store, scope: Scope, key: DesiredKey) -> list[Action]:
    """Apply what one key declares; return the actions, after which nothing is left to do."""
    kind, wanted = KINDS[scope.kind], DesiredScope(scope, (key,))
    plan = plan_scope(kind, wanted, observe(writer, kind, scope), NOON)
    assert plan.problems == ()
    with Workers(1) as workers:
        executor = Executor(writer, KINDS, workers, threading.Event(), secrets=store)
        outcomes = executor.execute(plan.changes)
    assert [(outcome.result, outcome.detail) for outcome in outcomes] == [(Result.APPLIED, "")] * len(
        outcomes
    )
    assert plan_scope(kind, wanted, observe(writer, kind, scope), NOON).changes == ()
    return [outcome.change.action for outcome in outcomes]


@pytest.mark.parametrize("kind", KINDS)
def test_every_request_in_the_lifecycle_of_a_key_follows_the_openapi_description(kind: str) -> None:
    scope = Scope(kind, *((1,) if kind == "inference" else (1, 76)))
    store, name = Store(), "key-one"
    taken: list[Action] = []
    with strict_service() as writer:
        for fields in ({}, *UPDATES[kind]):
            declared = {"name": name, **FIRST[kind], **fields}
            key = DesiredKey(name, declared, "keys.yaml", 0, lifecycle=REPLACED)
            taken += step(writer, store, scope, key)
        taken += step(writer, store, scope, key._replace(is_absent=True))
    assert taken[0] is Action.CREATE
    assert taken[-1] is Action.DELETE
    fixed = {field for fields in UPDATES[kind] for field in fields} & KINDS[kind].immutable
    assert set(taken[1:-1]) == ({Action.UPDATE, Action.REPLACE} if fixed else {Action.UPDATE})
    assert len(taken) == 6
    assert len(set(store.secrets)) == len(store.secrets) == sum(action.adds for action in taken)


@pytest.mark.parametrize("body", [{"colour": "red"}, {"name": "x"}])
def test_an_undescribed_update_is_refused_by_the_check(body: dict[str, Any]) -> None:
    with strict_service() as writer, pytest.raises(RejectedError):
        writer.update(Request("PATCH", "/cloud/v1/caas/keys/1/76/key-one", body))


def test_an_incomplete_creation_is_refused_by_the_check() -> None:
    with strict_service() as writer, pytest.raises(RejectedError):
        writer.post(Request("POST", "/cloud/v1/caas/keys/1/76", {"name": "key-one"}))
