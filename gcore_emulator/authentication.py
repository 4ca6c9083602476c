"""Authentication by ``Authorization: apikey TOKEN``, the scheme in any letter case."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from gcore_emulator.responses import AuthenticationRefusalError, DetailedAuthenticationRefusalError

if TYPE_CHECKING:
    from gcore_emulator.switches import Switches

_NO_CREDENTIALS = ("not_authenticated", "Authentication credentials were not provided.")
_WRONG_TOKEN = ("token_not_valid", "Token is invalid or expired")
_WRONG_KIND = ("token_not_valid", "Given token not valid for any token type")


def _objection(header: str | None, token: str) -> tuple[str, str] | None:
    scheme, _, given = (header or "").partition(" ")
    if scheme.lower() == "bearer":
        return _WRONG_KIND
    if scheme.lower() != "apikey" or not given.strip():
        return _NO_CREDENTIALS
    # Header values arrive as latin-1: bytes are what was sent.
    right = hmac.compare_digest(given.strip().encode("latin-1"), token.encode())
    return None if right else _WRONG_TOKEN


def authenticate(header: str | None, token: str, switches: Switches) -> None:
    """Accept ``token``; raise the 401 refusal for every other."""
    objection = _objection(header, token)
    if objection is not None:
        raise _refusal(objection, switches)


def token_refusal(switches: Switches) -> AuthenticationRefusalError:
    """Return the refusal of a token that was valid before."""
    return _refusal(_WRONG_TOKEN, switches)


def _refusal(objection: tuple[str, str], switches: Switches) -> AuthenticationRefusalError:
    shapes = {"documented": AuthenticationRefusalError, "detail": DetailedAuthenticationRefusalError}
    return shapes[switches.unauthorized_body](*objection)
