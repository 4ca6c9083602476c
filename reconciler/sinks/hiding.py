"""Quoting what others say without the secrets that they may repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.redaction import Redactor

if TYPE_CHECKING:
    from reconciler.secret import Secret


def quoted(text: str, *secrets: Secret) -> str:
    """Return what somebody said on one line, cut short, without any of the secrets."""
    return Redactor(*secrets).line(text)
