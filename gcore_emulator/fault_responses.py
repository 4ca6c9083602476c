"""The response to each fault: its content in place of the operation, and its delivery."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from gcore_emulator.authentication import token_refusal
from gcore_emulator.responses import FaultRefusalError, RateRefusalError, Response, json_response

if TYPE_CHECKING:
    from gcore_emulator.delivery import Manner
    from gcore_emulator.faults import Faults
    from gcore_emulator.switches import Switches


@dataclass(frozen=True, slots=True)
class FaultContext:
    """The values that a response with a fault depends on."""

    faults: Faults
    switches: Switches
    now: dt.datetime


StandIn = Callable[[FaultContext], Response]
"""Responses in the place of an operation; raises `RefusalError` to refuse."""


@dataclass(frozen=True, slots=True)
class FaultResponse:
    """One fault. Without a ``stand_in`` the operation runs; ``headers`` override those it returns.

    After a success ``instead`` turns the response of the operation into the one that is sent. If
    ``is_later``, the operation runs later, and the stand-in responds until then.
    """

    stand_in: StandIn | None = None
    manner: Manner = "whole"
    headers: Mapping[str, str] | None = None
    instead: Callable[[Response], Response] | None = None
    is_later: bool = False

    def shown(self, response: Response) -> Response:
        """Return the response to send in place of ``response``."""
        if self.instead is not None and response.status < HTTPStatus.BAD_REQUEST:
            response = self.instead(response)
        return replace(response, headers={**response.headers, **(self.headers or {})})


def _page(status: HTTPStatus, title: str) -> StandIn:
    body = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    response = Response(status.value, body.encode("ascii"), {"Content-Type": "text/html"})
    return lambda _context: response


def _gateway_page(status: HTTPStatus) -> StandIn:
    return _page(status, f"{status.value} {status.phrase}")


def _never_sent(context: FaultContext) -> Response:
    del context
    return Response(HTTPStatus.NO_CONTENT.value)


def _fail(context: FaultContext) -> Response:
    del context
    raise FaultRefusalError("Internal server error")


def _slow_down(context: FaultContext) -> Response:
    del context
    raise RateRefusalError(None)


def _slow_down_for_seconds(context: FaultContext) -> Response:
    raise RateRefusalError(str(context.faults.retry_after))


def _slow_down_until_date(context: FaultContext) -> Response:
    # HTTP dates have a resolution of seconds: round up, so that the pause is never shorter than configured.
    pause = dt.timedelta(seconds=context.faults.retry_after, microseconds=999_999)
    instant = (context.now.astimezone(dt.UTC) + pause).replace(microsecond=0)
    raise RateRefusalError(format_datetime(instant, usegmt=True))


def _forget_token(context: FaultContext) -> Response:
    raise token_refusal(context.switches)


def _redirect(response: Response) -> Response:
    return replace(response, status=HTTPStatus.FOUND.value, headers={"Location": "http://elsewhere.invalid/"})


def _accept(context: FaultContext) -> Response:
    del context
    return json_response({"status": "accepted"}, HTTPStatus.ACCEPTED.value)


def _refuse(response: Response) -> Response:
    document = {"exception_class": "ValidationError", "message": "refused, and executed all the same"}
    return replace(response, status=HTTPStatus.BAD_REQUEST.value, body=json.dumps(document).encode("ascii"))


FAULT_RESPONSES: Mapping[str, FaultResponse] = {
    "status_429": FaultResponse(_slow_down),
    "status_429_seconds": FaultResponse(_slow_down_for_seconds),
    "status_429_date": FaultResponse(_slow_down_until_date),
    "status_500": FaultResponse(_fail),
    "status_502": FaultResponse(_gateway_page(HTTPStatus.BAD_GATEWAY)),
    "status_503": FaultResponse(_gateway_page(HTTPStatus.SERVICE_UNAVAILABLE)),
    "reset_before": FaultResponse(_never_sent, "cut"),
    "reset_after": FaultResponse(manner="cut"),
    "slow_answer": FaultResponse(manner="late"),
    "half_body": FaultResponse(manner="half"),
    "html_page": FaultResponse(_page(HTTPStatus.OK, "Sign in")),
    "wrong_content_type": FaultResponse(headers={"Content-Type": "text/plain"}),
    "redirect_after": FaultResponse(instead=_redirect),
    "accepted_after": FaultResponse(
        instead=lambda response: replace(response, status=HTTPStatus.ACCEPTED.value)
    ),
    "accepted_later": FaultResponse(_accept, is_later=True),
    "refused_after": FaultResponse(instead=_refuse),
    "empty_after": FaultResponse(instead=lambda _respond: Response(HTTPStatus.NO_CONTENT.value)),
    "unauthorized_from": FaultResponse(_forget_token),
}
"""By the name of the setting."""

HEALTHY = FaultResponse()
"""No fault at all."""
