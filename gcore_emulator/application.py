"""The emulator as a web application: routing, reading requests, writing responses."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route, Router

from gcore_emulator.authentication import authenticate
from gcore_emulator.bodies import UNREADABLE, read_json
from gcore_emulator.control import FaultsEndpoint, LogEndpoint
from gcore_emulator.delivery import Channel, deliver, deliver_badly
from gcore_emulator.families import FAMILIES, Family
from gcore_emulator.fault_responses import FAULT_RESPONSES, HEALTHY, FaultContext, FaultResponse
from gcore_emulator.lookups import LOOKUPS, Lookup
from gcore_emulator.operations import (
    COLLECTION_OPERATIONS,
    KEY_OPERATIONS,
    Call,
    EmulatorState,
    Operation,
    called_scope,
    list_entries,
    list_keys,
    patch_key,
    requested_page,
)
from gcore_emulator.requestlog import RequestLog, Result
from gcore_emulator.responses import (
    FaultRefusalError,
    MethodRefusalError,
    NotFoundRefusalError,
    RefusalError,
    Response,
    refusal_response,
)

if TYPE_CHECKING:
    import random

    from starlette.types import ASGIApp, Receive, Scope, Send

    from gcore_emulator.concurrent_writers import ConcurrentWriter
    from gcore_emulator.deferral import Deferral
    from gcore_emulator.faults import Faults
    from gcore_emulator.injector import Injector
    from gcore_emulator.timestamps import Clock

_WRITES = frozenset({"POST", "PATCH", "DELETE"})

Handler = Callable[[Request, object], Response]
"""Responses a request whose parsed body is the second argument; raises `RefusalError` to refuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The common handling of every request. ``delay`` is an artificial latency, in seconds."""

    state: EmulatorState
    log: RequestLog
    clock: Clock
    token: str
    delay: float
    ids: random.Random
    injector: Injector
    writer: ConcurrentWriter
    deferral: Deferral

    async def exchange(self, request: Request, handler: Handler, channel: Channel) -> None:
        """Turn a request into its response, and send it with the injected faults.

        This is the only place to interfere with responses: above `_respond` nothing has happened yet, below
        it the effect is stored and only the response remains to be sent.
        """
        body = read_json(await request.body())
        if self.delay:
            await asyncio.sleep(self.delay)
        path = _sent_path(request)
        faults, fault = self.injector.faults, self.injector.response_fault(request.method, path)
        shown = FAULT_RESPONSES[fault] if fault else HEALTHY
        self.deferral.begin_request()
        response = self._respond(request, body, self._stand_in(shown, faults) or handler)
        if shown.is_later:
            self.deferral.accept(lambda: self._respond(request, body, handler))
        result = _result(request.method, response, fault, shown)
        self.log.add(request.method, path, None if body is UNREADABLE else body, result)
        self._record(request.method, fault, response.fault)
        if shown is HEALTHY:
            await deliver(response, channel)
        else:
            await deliver_badly(shown.shown(response), channel, shown.manner, faults.slow_seconds)

    def admit(self, request: Request, allowed: Collection[str]) -> None:
        """Accept a request with a known method and the token; refuse every other."""
        if request.method not in allowed:
            raise MethodRefusalError(tuple(allowed))
        authenticate(request.headers.get("authorization"), self.token, self.state.switches)

    def _stand_in(self, shown: FaultResponse, faults: Faults) -> Handler | None:
        stand_in = shown.stand_in
        if stand_in is None:
            return None
        return lambda _request, _body: stand_in(FaultContext(faults, self.state.switches, self.clock()))

    def _record(self, method: str, *faults: str | None) -> None:
        """Count the injected faults, and let the concurrent writer write if it is due."""
        for fault in filter(None, faults):
            self.injector.count(fault)
        if method == "PATCH" and not self.injector.idle:
            with self.state.store.lock:
                self.writer.after_patch(after=self.log.latest, now=self.clock())

    def _respond(self, request: Request, body: object, handler: Handler) -> Response:
        try:
            with self.state.store.lock:
                return handler(request, body)
        except RefusalError as error:
            refusal = error
        except Exception:  # noqa: BLE001 - a server answers 500 to its own faults, and goes on
            traceback.print_exc(file=sys.stderr)
            refusal = FaultRefusalError("Internal server error")
        return refusal_response(refusal, f"{self.ids.getrandbits(128):032x}")


def _result(method: str, response: Response, fault: str | None, shown: FaultResponse) -> Result:
    executed = (shown.stand_in is None or shown.is_later) and response.status < HTTPStatus.BAD_REQUEST
    return Result(
        status=None if shown.manner == "cut" else shown.shown(response).status,
        fault=fault or response.fault,
        effective=executed and method in _WRITES,
    )


def _sent_path(request: Request) -> str:
    """Return path and query as they were sent, still percent-encoded."""
    query = request.scope["query_string"]
    path: bytes = request.scope["raw_path"] + (b"?" + query if query else b"")
    return path.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of a family, with an operation for each method it takes."""

    service: Service
    family: Family
    operations: Mapping[str, Operation]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await _serve(self.service, self._handle, scope, receive, send)

    def _handle(self, request: Request, body: object) -> Response:
        self.service.admit(request, self.operations)
        operation = self.operations[request.method]
        state, injector = self.service.state, self.service.injector
        call = Call(
            self.family,
            request.path_params,
            request.query_params,
            body,
            self.service.clock(),
            injector.faults.unstored,
        )
        fault = None if injector.idle else self._interfere(operation, call)
        response = operation(state, call)
        return replace(response, fault=fault) if fault else response

    def _interfere(self, operation: Operation, call: Call) -> str | None:
        """Change the state that an operation finds, and return the fault that its response will show."""
        service = self.service
        if operation is list_keys:
            scope, page = called_scope(call), requested_page(service.state, call)
            changed = service.writer.between_pages(scope, page.offset, after=service.log.latest, now=call.now)
            return "page_change" if changed else None
        drops = (
            operation is patch_key
            and isinstance(call.body, dict)
            and not call.body.keys().isdisjoint(call.unstored)
        )
        return "unstored" if drops else None


@dataclass(frozen=True, slots=True)
class LookupEndpoint:
    """The path of the projects or of the regions."""

    service: Service
    lookup: Lookup

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await _serve(self.service, self._handle, scope, receive, send)

    def _handle(self, request: Request, body: object) -> Response:
        del body
        self.service.admit(request, ("GET",))
        return list_entries(self.service.state, self.lookup, request.query_params, self.service.clock())


def _handle_unknown_path(request: Request, body: object) -> Response:
    del body
    raise NotFoundRefusalError(f"No resource at {request.scope['path']}")


async def _serve(service: Service, handler: Handler, scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    try:
        await service.exchange(request, handler, Channel(scope, receive, send))
    except ClientDisconnect:
        return


def build_application(service: Service) -> ASGIApp:
    """Return the ASGI application: the paths of the API, the control paths, and 404 for the rest."""

    async def unknown(scope: Scope, receive: Receive, send: Send) -> None:
        await _serve(service, _handle_unknown_path, scope, receive, send)

    routes = [
        Route("/_emulator/requests", LogEndpoint(service.log)),
        Route("/_emulator/faults", FaultsEndpoint(service.injector, service.writer)),
    ]
    for family in FAMILIES.values():
        routes += [
            Route(family.collection, Endpoint(service, family, COLLECTION_OPERATIONS)),
            Route(family.item, Endpoint(service, family, KEY_OPERATIONS)),
        ]
    routes += [Route(lookup.path, LookupEndpoint(service, lookup)) for lookup in LOOKUPS.values()]
    return Router(routes, redirect_slashes=False, default=unknown)
