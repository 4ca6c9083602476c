"""How each fault of an answer shows: what is given in place of the operation, and how it travels."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from gcore_emulator.answers import Answer, FaultRefusalError, RateRefusalError, json_answer
from gcore_emulator.authentication import token_refusal

if TYPE_CHECKING:
    from gcore_emulator.delivery import Manner
    from gcore_emulator.faults import Faults
    from gcore_emulator.switches import Switches


@dataclass(frozen=True, slots=True)
class FaultContext:
    """What an answer under a fault depends on."""

    faults: Faults
    switches: Switches
    now: dt.datetime


StandIn = Callable[[FaultContext], Answer]
"""Answers in the place of an operation; raises `RefusalError` to refuse."""


@dataclass(frozen=True, slots=True)
class FaultResponse:
    """One fault. Without a ``stand_in`` the operation runs; ``headers`` are put over those it gives.

    Where the operation succeeded, ``instead`` makes the answer that is sent of the one it gave. ``is_later``
    says that the operation runs later, and the stand-in answers until then.
    """

    stand_in: StandIn | None = None
    manner: Manner = "whole"
    headers: Mapping[str, str] | None = None
    instead: Callable[[Answer], Answer] | None = None
    is_later: bool = False

    def shown(self, answer: Answer) -> Answer:
        """Return the answer that is sent in the place of ``answer``."""
        if self.instead is not None and answer.status < HTTPStatus.BAD_REQUEST:
            answer = self.instead(answer)
        return replace(answer, headers={**answer.headers, **(self.headers or {})})


def _page(status: HTTPStatus, title: str) -> StandIn:
    body = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    answer = Answer(status.value, body.encode("ascii"), {"Content-Type": "text/html"})
    return lambda _circumstances: answer


def _gateway_page(status: HTTPStatus) -> StandIn:
    return _page(status, f"{status.value} {status.phrase}")


def _never_sent(circumstances: FaultContext) -> Answer:
    del circumstances
    return Answer(HTTPStatus.NO_CONTENT.value)


def _fail(circumstances: FaultContext) -> Answer:
    del circumstances
    raise FaultRefusalError("Internal server error")


def _slow_down(circumstances: FaultContext) -> Answer:
    del circumstances
    raise RateRefusalError(None)


def _slow_down_for_seconds(circumstances: FaultContext) -> Answer:
    raise RateRefusalError(str(circumstances.faults.retry_after))


def _slow_down_until_date(circumstances: FaultContext) -> Answer:
    # HTTP dates have whole seconds: round up, so that the pause is never shorter than asked for.
    pause = dt.timedelta(seconds=circumstances.faults.retry_after, microseconds=999_999)
    moment = (circumstances.now.astimezone(dt.UTC) + pause).replace(microsecond=0)
    raise RateRefusalError(format_datetime(moment, usegmt=True))


def _forget_token(circumstances: FaultContext) -> Answer:
    raise token_refusal(circumstances.switches)


def _redirect(answer: Answer) -> Answer:
    return replace(answer, status=HTTPStatus.FOUND.value, headers={"Location": "http://elsewhere.invalid/"})


def _accept(circumstances: FaultContext) -> Answer:
    del circumstances
    return json_answer({"status": "accepted"}, HTTPStatus.ACCEPTED.value)


def _refuse(answer: Answer) -> Answer:
    document = {"exception_class": "ValidationError", "message": "refused, and executed all the same"}
    return replace(answer, status=HTTPStatus.BAD_REQUEST.value, body=json.dumps(document).encode("ascii"))


MISBEHAVIOURS: Mapping[str, FaultResponse] = {
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
    "accepted_after": FaultResponse(instead=lambda answer: replace(answer, status=HTTPStatus.ACCEPTED.value)),
    "accepted_later": FaultResponse(_accept, is_later=True),
    "refused_after": FaultResponse(instead=_refuse),
    "empty_after": FaultResponse(instead=lambda _answer: Answer(HTTPStatus.NO_CONTENT.value)),
    "unauthorized_from": FaultResponse(_forget_token),
}
"""By the name of the setting."""

HEALTHY = FaultResponse()
"""No fault at all."""
