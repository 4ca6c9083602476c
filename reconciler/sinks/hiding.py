"""Blotting secrets out of what others say: a program or a server may repeat what it was told."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.secret import Secret

LONGEST_TEXT: Final = 400
_WITHHELD: Final = "(what it says is withheld: it holds a part of the secret)"
_TELLING: Final = 8
"""So many characters of a secret in a row are no accident."""
_ALIGNMENTS: Final = ((0, 0), (1, 2), (2, 3))
"""Bytes that may stand before a text in base64, and how many digits they take a share in."""


def quoted(text: str, *secrets: Secret) -> str:
    """Give what somebody said on one line, cut short, without any of the secrets.

    Each secret is replaced however it may be written: as it is, in JSON, in a URL, in base64 or hexadecimal.
    If a part of one remains, such as the half of it that fitted a column, nothing of the text is given.
    """
    line = " ".join(text.split())
    forms = {form for secret in secrets for form in _forms(secret.reveal())}
    for form in sorted(forms, key=lambda form: (-len(form), form)):
        line = line.replace(form, "***")
    unbroken = line.replace(" ", "")
    if any(part in line or part in unbroken for form in forms for part in _parts(form)):
        return _WITHHELD
    return line if len(line) <= LONGEST_TEXT else f"{line[:LONGEST_TEXT]}…"


def _forms(value: str) -> Iterator[str]:
    if not value:
        return
    octets = value.encode("utf-8", "surrogatepass")
    yield from (value, " ".join(value.split()) or value, quote(octets, safe=""))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (octets.hex(), octets.hex().upper())
    for before, shared in _ALIGNMENTS:
        digits = base64.b64encode(bytes(before) + octets).decode("ascii")
        certain = (
            (before + len(octets)) * 8 // 6
        )  # what follows the text has a share in the digit after these
        form = digits[shared:certain]
        if form:
            yield from (form, form.replace("+", "-").replace("/", "_"))


def _parts(form: str) -> Iterator[str]:
    size = min(_TELLING, len(form))
    return (form[start : start + size] for start in range(len(form) - size + 1))
