"""The paths below ``/_emulator``, where tests look in and take hold. Neither logged nor made to fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request

from gcore_emulator.answers import (
    Answer,
    MethodRefusalError,
    ValidationRefusalError,
    json_answer,
    refusal_answer,
)
from gcore_emulator.bodies import UNREADABLE, read_json
from gcore_emulator.delivery import Channel, deliver
from gcore_emulator.faults import NO_FAULTS, read_faults

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from gcore_emulator.disturbances import ConcurrentWriter
    from gcore_emulator.injector import Injector
    from gcore_emulator.requestlog import RequestLog


@dataclass(frozen=True, slots=True)
class LogEndpoint:
    """``/_emulator/requests``: GET shows the requests so far, DELETE forgets them."""

    log: RequestLog

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one look at the log."""
        await deliver(self._answer(scope["method"]), Channel(scope, receive, send))

    def _answer(self, method: str) -> Answer:
        if method == "GET":
            return json_answer({"requests": [record.document() for record in self.log.records()]})
        if method == "DELETE":
            self.log.clear()
            return Answer(204)
        return refusal_answer(MethodRefusalError(("GET", "DELETE")), "")


@dataclass(frozen=True, slots=True)
class FaultsEndpoint:
    """``/_emulator/faults``: GET shows faults and counts, PUT puts other faults in force, DELETE none."""

    injector: Injector
    disturber: ConcurrentWriter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one look or one change."""
        try:
            body = read_json(await Request(scope, receive).body())
        except ClientDisconnect:
            return
        await deliver(self._answer(scope["method"], body), Channel(scope, receive, send))

    def _answer(self, method: str, body: object) -> Answer:
        if method == "DELETE":
            self.injector.use(NO_FAULTS)
            return Answer(204)
        if method == "PUT":
            return self._replace(body)
        if method == "GET":
            return self._show()
        return refusal_answer(MethodRefusalError(("GET", "PUT", "DELETE")), "")

    def _replace(self, body: object) -> Answer:
        try:
            if body is UNREADABLE:
                raise ValueError("the body is not JSON")  # noqa: TRY301 - told like any other mistake
            self.injector.use(read_faults(body))
        except ValueError as error:
            return refusal_answer(ValidationRefusalError(message=str(error)), "")
        return self._show()

    def _show(self) -> Answer:
        return json_answer(
            {
                "faults": self.injector.faults.document(),
                "injected": self.injector.injected(),
                "disturbances": [disturbance.document() for disturbance in self.disturber.done()],
            }
        )
