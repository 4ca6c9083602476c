"""How places for secrets refuse: Vault, OpenBao and Kubernetes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from reconciler.api.responses import error_class
from reconciler.errors import ApiError, StandbyError
from reconciler.model.strict_json import parse_json

STANDING_BY: Final = frozenset({307, 412, 472, 473})
"""What a server of Vault answers that is not the active one, or has not yet what the active one has."""
_UPGRADING: Final = "will be unavailable for a brief period"
"""What an engine of Vault answers, as 400, just after it was mounted."""
_QUOTA: Final = "resourcequotas"
"""Kubernetes counts against a quota by a write of its own, which two creations at once may spoil."""


def kind_of(request: str, status: int, reason: str) -> type[ApiError]:
    """Return the error that a refusal is; a StandbyError passes."""
    is_spoilt = request.startswith("POST ") and status == HTTPStatus.CONFLICT and _QUOTA in reason
    is_transient = status in STANDING_BY or _UPGRADING in reason or is_spoilt
    return StandbyError if is_transient else error_class(status)


def is_silent(content: bytes) -> bool:
    """Return whether Vault says no more of what is not there than that, or which version was deleted."""
    try:
        body = parse_json(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and (body.get("errors") == [] or isinstance(body.get("data"), dict))


def reason_of(content: bytes) -> str:
    """Return what a server says of a refusal: Kubernetes in ``message``, Vault in ``errors``."""
    try:
        body = parse_json(content)
    except (ValueError, RecursionError):
        return ""
    body = body if isinstance(body, dict) else {}
    several = body.get("errors")
    told = several if isinstance(several, list) else [body.get("message")]
    return "; ".join(text for text in told if isinstance(text, str))
