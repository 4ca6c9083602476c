"""The paths below ``/_emulator``, for tests to inspect and control. Neither logged nor subject to faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request

from gcore_emulator.bodies import UNREADABLE, read_json
from gcore_emulator.delivery import Channel, deliver
from gcore_emulator.faults import NO_FAULTS, read_faults
from gcore_emulator.responses import (
    MethodRefusalError,
    Response,
    ValidationRefusalError,
    json_response,
    refusal_response,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from gcore_emulator.concurrent_writers import ConcurrentWriter
    from gcore_emulator.injector import Injector
    from gcore_emulator.requestlog import RequestLog


@dataclass(frozen=True, slots=True)
class LogEndpoint:
    """``/_emulator/requests``: GET returns the requests so far, DELETE clears them."""

    log: RequestLog

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await deliver(self._respond(scope["method"]), Channel(scope, receive, send))

    def _respond(self, method: str) -> Response:
        if method == "GET":
            return json_response({"requests": [record.document() for record in self.log.records()]})
        if method == "DELETE":
            self.log.clear()
            return Response(204)
        return refusal_response(MethodRefusalError(("GET", "DELETE")), "")


@dataclass(frozen=True, slots=True)
class FaultsEndpoint:
    """``/_emulator/faults``: GET returns faults and counts, PUT sets other faults, DELETE none."""

    injector: Injector
    writer: ConcurrentWriter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            body = read_json(await Request(scope, receive).body())
        except ClientDisconnect:
            return
        await deliver(self._respond(scope["method"], body), Channel(scope, receive, send))

    def _respond(self, method: str, body: object) -> Response:
        if method == "DELETE":
            self.injector.use(NO_FAULTS)
            return Response(204)
        if method == "PUT":
            return self._replace(body)
        if method == "GET":
            return self._show()
        return refusal_response(MethodRefusalError(("GET", "PUT", "DELETE")), "")

    def _replace(self, body: object) -> Response:
        try:
            if body is UNREADABLE:
                raise ValueError("the body is not JSON")  # noqa: TRY301 - reported like any other mistake
            self.injector.use(read_faults(body))
        except ValueError as error:
            return refusal_response(ValidationRefusalError(message=str(error)), "")
        return self._show()

    def _show(self) -> Response:
        return json_response(
            {
                "faults": self.injector.faults.document(),
                "injected": self.injector.injected(),
                "disturbances": [disturbance.document() for disturbance in self.writer.done()],
            }
        )
