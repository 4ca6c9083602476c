"""From HTTP answers and failures to JSON values and errors by meaning. Never a token in a text."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any, Final

import httpx

from reconciler import errors
from reconciler.retry import retry_after
from reconciler.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.clock import Clock
    from reconciler.secret import Secret

LONGEST_DETAIL: Final = 300
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
_HINTS: Final[Mapping[tuple[str, int], str]] = {
    ("GET", 401): "check GCORE_API_KEY or the token file",
    ("PATCH", 401): "check GCORE_API_KEY or the token file",
    ("GET", 403): "the token may lack the permission to list keys",
    ("PATCH", 403): "the token may lack the permission to change keys, or a capacity limit is reached",
    ("GET", 404): "check project_id and region_id, or what else the scope names",
    ("PATCH", 404): "the key is gone; plan again",
    ("POST", 401): "check GCORE_API_KEY or the token file",
    ("POST", 403): "the token may lack the permission to create keys, or a capacity limit is reached",
    ("POST", 409): "a key of this name exists; plan again",
    ("DELETE", 401): "check GCORE_API_KEY or the token file",
    ("DELETE", 403): "the token may lack the permission to delete keys",
    ("DELETE", 409): "something still uses the key; detach it first",
}
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""Failures after which the service surely has not seen the request."""


def hidden(text: str, token: Secret) -> str:
    """Blot the token out: a service may send back what it was sent."""
    return text.replace(token.reveal(), repr(token))


def unreachable(request: str, error: Exception, token: Secret) -> errors.ApiError:
    """Give the error that a failure of httpx stands for."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            detail = f"the server's certificate is not trusted: {cause.verify_message}"
            return errors.UntrustedError(errors.Failure(request, detail))
        cause = cause.__cause__ or cause.__context__
    reason = hidden(str(error), token) or type(error).__name__
    if isinstance(error, httpx.DecodingError):
        detail = f"the answer cannot be decoded: {reason}"
        return errors.BadAnswerError(errors.Failure(request, detail, in_doubt=True))
    what = "timed out" if isinstance(error, httpx.TimeoutException) else "no answer"
    hint = "check the address and the network"
    in_doubt = not isinstance(error, _NEVER_SENT)
    return errors.UnreachableError(errors.Failure(request, f"{what}: {reason}", hint=hint, in_doubt=in_doubt))


def answer_of(request: str, response: httpx.Response, content: bytes, token: Secret, clock: Clock) -> Any:
    """Return the JSON value of an answer whose body is ``content``. Raises ApiError.

    No status but 200 and 201 says that a write is done, and no other status proves that nothing was.
    """
    method = response.request.method
    created = _lenient(content) if method == "POST" else None  # it may hold a secret whatever the status says
    if not response.is_success:
        raise _refusal(request, response, content, token, clock, created)
    status = response.status_code
    if token.reveal().encode() in content:
        detail = "the answer holds the token, and so nothing of it is used"
        raise errors.BadAnswerError(errors.Failure(request, detail, status, in_doubt=True), created)
    if method == "DELETE":
        return None  # whether the key is gone is read, whatever the answer says
    if method != "GET" and status not in {httpx.codes.OK, httpx.codes.CREATED} and content:
        detail = f"{hidden(response.reason_phrase, token) or 'accepted'}, which does not say that it is done"
        raise errors.AcceptedError(errors.Failure(request, detail, status, in_doubt=True), created)
    try:
        return parse_json(content)
    except (ValueError, RecursionError):
        kind = hidden(response.headers.get("Content-Type", "no content type"), token)
        start = hidden(content[:LONGEST_DETAIL].decode("utf-8", "replace"), token)
        # The answer to a creation holds a secret, of which half may have come.
        shown = "" if method == "POST" else f": {start[:80]}"
        detail = f"the answer is not JSON ({kind[:80]}, {len(content)} bytes){shown}"
        failure = errors.Failure(request, detail, status, in_doubt=True)
        raise errors.BadAnswerError(failure, created) from None  # the cause would hold the content


def _lenient(content: bytes) -> Any:
    """Return the JSON value of ``content`` as far as it can be read at all, else None."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def error_class(status: int) -> type[errors.ApiError]:
    """Give the error that a status stands for, which is no success."""
    is_fault = status >= httpx.codes.INTERNAL_SERVER_ERROR
    return _BY_STATUS.get(status, errors.ServerFaultError if is_fault else errors.RejectedError)


def _refusal(  # noqa: PLR0913, PLR0917 - all that is known of an answer
    request: str, response: httpx.Response, content: bytes, token: Secret, clock: Clock, created: Any
) -> errors.ApiError:
    status = response.status_code
    body = _lenient(content)
    body = body if isinstance(body, dict) else {}
    kind = error_class(status)

    def told(member: str) -> str | None:
        value = body.get(member)
        return hidden(value, token)[:LONGEST_DETAIL] if isinstance(value, str) else None

    detail = told("message") or told("detail") or hidden(response.reason_phrase, token)
    target = response.extensions.get(REFUSED_TARGET)
    if target is not None:
        shown = hidden(target, token)[:LONGEST_DETAIL]
        detail = f"redirected to {shown}, which is refused: the token stays with one host"
    fields = body.get("invalid_fields")
    if isinstance(fields, dict) and fields:
        detail += hidden(f" (fields: {', '.join(fields)})", token)
    return kind(
        errors.Failure(
            request=request,
            detail=detail[:LONGEST_DETAIL] or "no reason given",
            status=status,
            exception_class=told("exception_class") or told("code"),
            request_id=told("request_id"),
            retry_after=retry_after(response.headers.get("Retry-After"), clock),
            hint=_HINTS.get((response.request.method, status), ""),
            in_doubt=response.request.method != "GET",
        ),
        created,
    )
