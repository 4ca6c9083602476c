"""From HTTP answers and failures to JSON values and errors by meaning. Never a token in a text."""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import httpx

from reconciler import errors
from reconciler.api.hints import hint_for
from reconciler.api.retry import retry_after
from reconciler.model.strict_json import DoubledMemberError, parse_json, squeezed, with_doubled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.api.redaction import Redactor
    from reconciler.model.clock import Clock

LONGEST_DETAIL: Final = 300
_LONGEST_TYPE: Final = 80
_LONGEST_START: Final = 80
REFUSED_TARGET: Final = "reconciler.refused_target"
"""The extension of a response that holds the target of a redirect, which is refused."""
_BY_STATUS: Final[Mapping[int, type[errors.ApiError]]] = {
    401: errors.UnauthorizedError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    408: errors.TimedOutError,
    409: errors.ConflictError,
    410: errors.NotFoundError,
    429: errors.RateLimitedError,
}


def answer_of(
    request: str, response: httpx.Response, content: bytes, redactor: Redactor, clock: Clock
) -> Any:
    """Return the JSON value of an answer whose body is ``content``. Raises ApiError.

    No status but 200 and 201 says that a write is done, and no other status proves that nothing was.
    """
    method = response.request.method
    created = _lenient(content) if method == "POST" else None  # it may hold a secret whatever the status says
    if not response.is_success:
        raise _refusal(request, response, content, redactor, clock, created)
    status = response.status_code
    if method == "GET" and status == httpx.codes.PARTIAL_CONTENT:
        detail = "the answer is only a part of what was asked for"
        raise errors.InvalidResponseError(errors.Failure(request, detail, status, in_doubt=True))
    value, problem = _parsed(content, method, redactor)
    if problem is Problem.TOKEN:
        detail = "the answer holds the token, and so nothing of it is used"
        raise errors.InvalidResponseError(errors.Failure(request, detail, status, in_doubt=True), created)
    if method == "DELETE" and status in {httpx.codes.OK, httpx.codes.NO_CONTENT}:
        return None  # whether the key is gone is read, whatever the answer says
    if method != "GET" and (status not in {httpx.codes.OK, httpx.codes.CREATED} or not content):
        phrase = redactor.line(response.reason_phrase) or "accepted"
        is_unsaid = content or method == "DELETE"
        what = "which does not say that it is done" if is_unsaid else "without a body to tell what is stored"
        detail = f"{phrase}, {what}"
        raise errors.AcceptedError(errors.Failure(request, detail, status, in_doubt=True), created)
    if problem is Problem.DOUBLED:
        detail = "the answer names a member of an object twice, and could be read in two ways"
        raise errors.InvalidResponseError(errors.Failure(request, detail, status, in_doubt=True), created)
    if problem is Problem.NOT_JSON:
        kind = redactor.line(response.headers.get("Content-Type", "no content type"), _LONGEST_TYPE)
        start = redactor.line(content[:LONGEST_DETAIL].decode("utf-8", "replace"), _LONGEST_START)
        # The answer to a creation holds a secret, of which half may have come.
        shown = "" if method == "POST" else f": {start}"
        detail = f"the answer is not JSON ({kind}, {len(content)} bytes){shown}"
        raise errors.InvalidResponseError(errors.Failure(request, detail, status, in_doubt=True), created)
    return value


class Problem(Enum):
    """Why a body cannot be used."""

    NOT_JSON = "it is not JSON"
    DOUBLED = "it names a member of an object twice"
    TOKEN = "it holds the token"  # noqa: S105 - the name of a problem


def _parsed(content: bytes, method: str, redactor: Redactor) -> tuple[Any, Problem | None]:
    """Return the value of a body, or why it cannot be used.

    It comes without the secrets of new keys, but for the answer to a POST, which brings one.
    """
    compact = squeezed(content)
    value = None
    try:
        value = parse_json(content, compact)
        if method != "POST":
            value = redactor.without_added(content, compact, value)
    except (ValueError, RecursionError) as error:
        if redactor.is_in(content, compact, value):
            return None, Problem.TOKEN
        return None, Problem.DOUBLED if isinstance(error, DoubledMemberError) else Problem.NOT_JSON
    return value, Problem.TOKEN if redactor.is_in(content, compact, value) else None


def _lenient(content: bytes) -> Any:
    """Return the JSON value of ``content`` as far as it can be read at all, else None.

    A member that stands twice with different values holds all of them.
    """
    try:
        return json.loads(content, object_pairs_hook=with_doubled)
    except (ValueError, RecursionError):
        return None


def error_class(status: int) -> type[errors.ApiError]:
    """Return the error that a status stands for, which is no success."""
    is_fault = status >= httpx.codes.INTERNAL_SERVER_ERROR
    return _BY_STATUS.get(status, errors.ServerFaultError if is_fault else errors.RejectedError)


def _refusal(  # noqa: PLR0913, PLR0917 - all that is known of an answer
    request: str, response: httpx.Response, content: bytes, redactor: Redactor, clock: Clock, created: Any
) -> errors.ApiError:
    status = response.status_code
    body = _lenient(content)
    body = body if isinstance(body, dict) else {}
    kind = error_class(status)

    def told(member: str) -> str | None:
        value = body.get(member)
        return redactor.line(value, LONGEST_DETAIL) if isinstance(value, str) else None

    detail = told("message") or told("detail") or redactor.line(response.reason_phrase, LONGEST_DETAIL)
    target = response.extensions.get(REFUSED_TARGET)
    if target is not None:
        if response.request.method == "POST":  # what follows the path may be the secret of a new key
            target = re.sub(r"[?#].*", "?…", target, flags=re.DOTALL)
        shown = redactor.line(target, LONGEST_DETAIL)
        detail = f"redirected to {shown}, which is refused: the token stays with one host"
    exception_class = told("exception_class") or told("code")
    fields = body.get("invalid_fields")
    if isinstance(fields, dict) and fields:
        detail += f" (fields: {redactor.line(', '.join(fields), LONGEST_DETAIL)})"
    return kind(
        errors.Failure(
            request=request,
            detail=detail or "no reason given",
            status=status,
            exception_class=exception_class,
            request_id=told("request_id"),
            retry_after=retry_after(response.headers.get("Retry-After"), clock),
            hint=hint_for(response.request.method, status, f"{exception_class or ''} {detail}"),
            in_doubt=response.request.method != "GET",
        ),
        created,
    )
