"""Responses, and the error bodies that the API guide describes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# A ready encoder: json.dumps would build one for every key of a page.
_encode = json.JSONEncoder(separators=(",", ":")).encode

Document = dict[str, Any]
"""A JSON object as the API shows it."""

InvalidFields = Mapping[str, Sequence[str]]
"""Field name to complaints."""


@dataclass(frozen=True, slots=True)
class Response:
    """A finished response; ``body`` is JSON unless ``headers`` differ, or empty.

    ``fault`` is the fault that was injected into it.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: str | None = None


class RefusalError(Exception):
    """A refused request; status and class are those of the API guide's table of errors."""

    status: int
    exception_class: str

    def __init__(self, message: str) -> None:
        """Store the text for people."""
        self.message = message
        super().__init__(message)

    def document(self, request_id: str) -> dict[str, object]:
        """Return the error body."""
        return {"exception_class": self.exception_class, "message": self.message, "request_id": request_id}

    def headers(self) -> dict[str, str]:
        """Return the headers that belong to the status."""
        return {}


class ValidationRefusalError(RefusalError):
    """400: the request breaks a rule of the schema."""

    status = 400
    exception_class = "ValidationError"

    def __init__(self, invalid_fields: InvalidFields | None = None, message: str = "") -> None:
        """Store the fields and their complaints, or a ``message`` about the complete body."""
        self.invalid_fields = {name: list(texts) for name, texts in (invalid_fields or {}).items()}
        super().__init__(f"Validation Error: {message or self.invalid_fields}")

    def document(self, request_id: str) -> dict[str, object]:
        """Return the error body, with the invalid fields if there are any."""
        document = RefusalError.document(self, request_id)
        return document | {"invalid_fields": self.invalid_fields} if self.invalid_fields else document


class AuthenticationRefusalError(RefusalError):
    """401: no token, a wrong one, or the wrong scheme; the token is never included."""

    status = 401

    def __init__(self, exception_class: str, message: str) -> None:
        """Store the class too: two classes share the status."""
        self.exception_class = exception_class
        super().__init__(message)


class DetailedAuthenticationRefusalError(AuthenticationRefusalError):
    """401 in the other documented format: ``detail`` and ``code``."""

    def document(self, request_id: str) -> dict[str, object]:
        """Return the other format, which has no request id."""
        del request_id
        return {"detail": self.message, "code": self.exception_class}


class NotFoundRefusalError(RefusalError):
    """404: no such key, container or path."""

    status = 404
    exception_class = "NotFoundError"


class MethodRefusalError(RefusalError):
    """405: the path does not support this method."""

    status = 405
    exception_class = "HTTPError"

    def __init__(self, allowed: Sequence[str]) -> None:
        """Store the allowed methods."""
        self.allowed = allowed
        super().__init__("HTTP 405: Method Not Allowed")

    def headers(self) -> dict[str, str]:
        """Return the header with the allowed methods, as HTTP requires."""
        return {"Allow": ", ".join(self.allowed)}


class ConflictRefusalError(RefusalError):
    """409: the name exists already, or the key is in use."""

    status = 409
    exception_class = "ConflictError"


class RateRefusalError(RefusalError):
    """429: too many requests. The API guide has no class for it."""

    status = 429
    exception_class = "RateLimitError"

    def __init__(self, retry_after: str | None) -> None:
        """Store the value of Retry-After: seconds or a date, or None without the header."""
        self.retry_after = retry_after
        super().__init__("Rate limit exceeded")

    def headers(self) -> dict[str, str]:
        """Return Retry-After, if there is one."""
        return {} if self.retry_after is None else {"Retry-After": self.retry_after}


class FaultRefusalError(RefusalError):
    """500: an error in the emulator itself, or an injected fault."""

    status = 500
    exception_class = "InternalServerError"


def json_response(document: object, status: int = 200) -> Response:
    """Return a response with ``document`` as JSON."""
    return Response(status, json_bytes(document))


def refusal_response(refusal: RefusalError, request_id: str) -> Response:
    """Return a response with the body and headers of ``refusal``."""
    return Response(refusal.status, json_bytes(refusal.document(request_id)), refusal.headers())


def json_bytes(document: object) -> bytes:
    """Return JSON in ASCII, which can represent every string that a client may send."""
    return _encode(document).encode("ascii")
