"""Convert HTTP responses to JSON values, or to errors by meaning; no text contains a token."""

from __future__ import annotations

import json
import re
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from reconciler import errors
from reconciler.model.expressions import expression
from reconciler.model.strict_json import DoubledMemberError, parse_json, squeezed, with_doubled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.api.exchange import Response
    from reconciler.api.redaction import Redactor

LONGEST_DETAIL: Final = 300
_LONGEST_TYPE: Final = 80
_LONGEST_START: Final = 80
_BY_STATUS: Final[Mapping[int, type[errors.ApiError]]] = {
    401: errors.UnauthorizedError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    405: errors.NoSuchMethodError,
    408: errors.TimedOutError,
    409: errors.ConflictError,
    410: errors.NotFoundError,
    429: errors.RateLimitedError,
}
_MAY_NOT_CHANGE: Final = "the token may lack the permission to change it, or a capacity limit is reached"
_HINTS: Final[Mapping[int | tuple[str, int], str]] = {
    ("GET", 403): "the token may lack the permission to read it",
    **dict.fromkeys((("PATCH", 403), ("PUT", 403)), _MAY_NOT_CHANGE),
    ("GET", 404): "check the base URL",
    ("POST", 403): "the token may lack the permission for it, or a capacity limit is reached",
    ("DELETE", 403): "the token may lack the permission to delete it",
    ("DELETE", 409): "something still uses it; detach it first",
    304: "a cache sent it, although the request was not conditional: check the base URL and proxies",
    412: "it changed after it was read; plan again",
    407: "a proxy in between requires a login: set user and password in HTTPS_PROXY",
    511: "the network requires a login first",
}
"""What to do about a status, for one method or for all."""
_OF_LIMITS: Final = frozenset({400, 402, 403, 409, 422})
_QUOTA: Final = expression(
    r"quota|exceed\w*\W+(\w+\W+){0,4}limit|limit\w*\W+(\w+\W+){0,4}(exceed|reach)|reached\W+(\w+\W+){0,4}limit"
    r"|(insufficient|not enough|no free|out of)\W+(\w+\W+){0,2}capacity|maximum number of",
    re.IGNORECASE,
)
_PERMISSION: Final = expression(
    r"permission|\bcannot \w+ resource\b|not allowed to|access denied|\brole\b", re.IGNORECASE
)


class _Problem(Enum):
    """Why a body cannot be used."""

    NOT_JSON = "the response is not JSON"
    DOUBLED = "the response has a duplicate member in an object, so it is ambiguous"
    TOKEN = "the response contains the token, so it is discarded"  # noqa: S105 - the name of a problem


def value_of(response: Response, redactor: Redactor) -> Any:
    """Return the JSON value of a response. Raises ApiError.

    Only 200 and 201 confirm that a write is done, and no other status proves that it is not.
    """
    method, status, content = response.method, response.status, response.content
    created = _lenient(content) if method == "POST" else None  # it may hold a secret whatever the status says
    if not response.is_success:
        raise _refusal(response, redactor, created)

    def invalid(detail: str, kind: type[errors.ApiError] = errors.InvalidResponseError) -> errors.ApiError:
        return kind(errors.Failure(response.request, detail, status, in_doubt=True), created)

    if method == "GET" and status == HTTPStatus.PARTIAL_CONTENT:
        raise invalid("the response is only a part of the requested one")
    value, problem = _parsed(content, method, redactor)
    if problem is _Problem.TOKEN:
        raise invalid(problem.value)
    if method == "DELETE" and status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
        return None  # whether the key is gone is read, whatever the response says
    if method != "GET" and (status not in {HTTPStatus.OK, HTTPStatus.CREATED} or not content):
        phrase = redactor.line(response.reason) or "accepted"
        is_unsaid = content or method == "DELETE"
        what = (
            "which does not confirm that it is done"
            if is_unsaid
            else "without a body that confirms the stored values"
        )
        raise invalid(f"{phrase}, {what}", errors.AcceptedError)
    if problem is _Problem.NOT_JSON:
        kind = redactor.line(response.content_type, _LONGEST_TYPE)
        start = redactor.line(content[:LONGEST_DETAIL].decode("utf-8", "replace"), _LONGEST_START)
        # The response to a creation holds a secret, of which half may have come.
        shown = "" if method == "POST" else f": {start}"
        raise invalid(f"{problem.value} ({kind}, {len(content)} bytes){shown}")
    if problem is not None:
        raise invalid(problem.value)
    return value


def error_class(status: int) -> type[errors.ApiError]:
    """Return the error class of a status that is not a success."""
    is_fault = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return _BY_STATUS.get(status, errors.ServerFaultError if is_fault else errors.RejectedError)


def limit_hint(status: int | None, said: str) -> str:
    """Return a hint if a limit is reached and no permission is missing; else nothing."""
    is_limit = status in _OF_LIMITS and _QUOTA.search(said) and not is_about_permission(said)
    return "a quota or a limit is reached: ask for a higher one, or delete unneeded keys" if is_limit else ""


def is_about_permission(said: str) -> bool:
    """Return whether a refusal is about a missing permission."""
    return _PERMISSION.search(said) is not None


def _parsed(content: bytes, method: str, redactor: Redactor) -> tuple[Any, _Problem | None]:
    """Return the value of a body, or why it cannot be used.

    The secrets of new keys are removed, except from the response to a POST, which may contain one.
    """
    compact = squeezed(content)
    value = problem = None
    try:
        value = parse_json(content, compact)
        if method != "POST":
            value = redactor.without_added(content, compact, value)
    except (ValueError, RecursionError) as error:
        problem = _Problem.DOUBLED if isinstance(error, DoubledMemberError) else _Problem.NOT_JSON
    return value, _Problem.TOKEN if redactor.is_in(content, compact, value) else problem


def _lenient(content: bytes) -> Any:
    """Return the JSON value of ``content``, None if it cannot be parsed.

    A duplicate member with different values holds all of them.
    """
    try:
        return json.loads(content, object_pairs_hook=with_doubled)
    except (ValueError, RecursionError):
        return None


def _refusal(response: Response, redactor: Redactor, created: Any) -> errors.ApiError:
    method, status = response.method, response.status
    body = _lenient(response.content)
    body = body if isinstance(body, dict) else {}

    def said(member: str) -> str | None:
        value = body.get(member)
        return redactor.line(value, LONGEST_DETAIL) if isinstance(value, str) else None

    detail = said("message") or said("detail") or redactor.line(response.reason, LONGEST_DETAIL)
    if response.location is not None:
        # What follows the path may be the secret of a new key.
        target = re.sub(r"(?s)[?#].*", "?…", response.location) if method == "POST" else response.location
        shown = redactor.line(target, LONGEST_DETAIL)
        detail = f"redirected to {shown}, which is refused: the token stays with one host"
    exception_class = said("exception_class") or said("code")
    fields = body.get("invalid_fields")
    if isinstance(fields, dict) and fields:
        detail += f" (fields: {redactor.line(', '.join(fields), LONGEST_DETAIL)})"
    hint = limit_hint(status, f"{exception_class or ''} {detail}")
    failure = errors.Failure(
        request=response.request,
        detail=detail or "no reason given",
        status=status,
        exception_class=exception_class,
        request_id=said("request_id"),
        retry_after=response.retry_after,
        hint=hint or _HINTS.get((method, status)) or _HINTS.get(status, ""),
        in_doubt=method != "GET",
    )
    return error_class(status)(failure, created)
