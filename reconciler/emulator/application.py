"""The emulator as a web application: routing, reading requests, writing answers."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router

from reconciler.emulator.answers import (
    Answer,
    FaultRefusalError,
    MethodRefusalError,
    NotFoundRefusalError,
    RefusalError,
    json_answer,
    refusal_answer,
)
from reconciler.emulator.authentication import authenticate
from reconciler.emulator.bodies import UNREADABLE, read_json
from reconciler.emulator.families import FAMILIES, Family
from reconciler.emulator.operations import COLLECTION_OPERATIONS, KEY_OPERATIONS, Call, Operation, World

if TYPE_CHECKING:
    import random

    from starlette.types import ASGIApp, Receive, Scope, Send

    from reconciler.emulator.requestlog import RequestLog
    from reconciler.emulator.timestamps import Clock

Handler = Callable[[Request, object], Answer]
"""Answers a request whose parsed body is the second argument; raises `RefusalError` to refuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What every request passes through. ``delay`` is the latency to pretend, in seconds."""

    world: World
    log: RequestLog
    clock: Clock
    token: str
    delay: float
    ids: random.Random

    async def exchange(self, request: Request, handler: Handler) -> Answer:
        """Turn a request into its answer.

        The one place to interfere with requests: above `_answer` nothing has happened yet, below it
        the effect is stored and only the answer is left to be sent.
        """
        body = read_json(await request.body())
        if self.delay:
            await asyncio.sleep(self.delay)
        answer = self._answer(request, body, handler)
        self.log.add(request.method, _sent_path(request), answer.status, None if body is UNREADABLE else body)
        return answer

    def _answer(self, request: Request, body: object, handler: Handler) -> Answer:
        try:
            with self.world.store.lock:
                return handler(request, body)
        except RefusalError as error:
            refusal = error
        except Exception:  # noqa: BLE001 - a server answers 500 to its own faults, and goes on
            traceback.print_exc(file=sys.stderr)
            refusal = FaultRefusalError("Internal server error")
        return refusal_answer(refusal, f"{self.ids.getrandbits(128):032x}")


def _sent_path(request: Request) -> str:
    """Give path and query as they were sent, still percent-encoded."""
    query = request.scope["query_string"]
    path: bytes = request.scope["raw_path"] + (b"?" + query if query else b"")
    return path.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of the API, with an operation for each method it takes."""

    service: Service
    family: Family
    operations: Mapping[str, Operation]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await _serve(self.service, self._handle, scope, receive, send)

    def _handle(self, request: Request, body: object) -> Answer:
        operation = self.operations.get(request.method)
        if operation is None:
            raise MethodRefusalError(tuple(self.operations))
        world = self.service.world
        authenticate(request.headers.get("authorization"), self.service.token, world.switches)
        call = Call(self.family, request.path_params, request.query_params, body, self.service.clock())
        return operation(world, call)


def _handle_unknown_path(request: Request, body: object) -> Answer:
    del body
    raise NotFoundRefusalError(f"No resource at {request.scope['path']}")


async def _serve(service: Service, handler: Handler, scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    try:
        answer = await service.exchange(request, handler)
    except ClientDisconnect:
        return
    await _send(answer, scope, receive, send)


async def _send(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    media_type = "application/json" if answer.body else None
    response = Response(answer.body, answer.status, dict(answer.headers), media_type)
    await response(scope, receive, send)


@dataclass(frozen=True, slots=True)
class LogEndpoint:
    """``/_emulator/requests``: GET shows the requests so far, DELETE forgets them. Not logged itself."""

    log: RequestLog

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one look at the log."""
        await _send(self._answer(scope["method"]), scope, receive, send)

    def _answer(self, method: str) -> Answer:
        if method == "GET":
            return json_answer({"requests": [record.document() for record in self.log.records()]})
        if method == "DELETE":
            self.log.clear()
            return Answer(204)
        return refusal_answer(MethodRefusalError(("GET", "DELETE")), "")


def build_application(service: Service) -> ASGIApp:
    """Give the ASGI application: the paths of every family, the log, and 404 for the rest."""

    async def unknown(scope: Scope, receive: Receive, send: Send) -> None:
        await _serve(service, _handle_unknown_path, scope, receive, send)

    routes = [Route("/_emulator/requests", LogEndpoint(service.log))]
    for family in FAMILIES.values():
        routes += [
            Route(family.collection, Endpoint(service, family, COLLECTION_OPERATIONS)),
            Route(family.collection + "/{key_name}", Endpoint(service, family, KEY_OPERATIONS)),
        ]
    return Router(routes, redirect_slashes=False, default=unknown)
