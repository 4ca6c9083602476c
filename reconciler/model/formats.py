"""Named formats of texts in schemas, with one check for all validators. Pure."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import uuid
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reconciler.model.canonical import is_date_time
from reconciler.model.expressions import expression

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DATE: Final = expression(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EMAIL: Final = expression(r"[^@\s]+@[^@\s]+")
_URI: Final = expression(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", re.ASCII)
_UUID: Final = expression(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


def _is(parse: Callable[[str], object], form: re.Pattern[str] | None = None) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        if form is not None and not form.fullmatch(text):
            return False
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    "date-time": is_date_time,
    "date": _is(dt.date.fromisoformat, _DATE),
    "email": _is(str, _EMAIL),
    "ipv4": _is(ipaddress.IPv4Address),
    "ipv6": _is(ipaddress.IPv6Address),
    "uri": _is(urlsplit, _URI),
    "uuid": _is(uuid.UUID, _UUID),
}
"""What says whether a text has a format, by its name in JSON Schema."""
ADVICE: Final[Mapping[str, str]] = {
    "date": "a date; write it like 2036-07-31",
    "email": "an e-mail address; write it like name@example.com",
    "ipv4": "an IPv4 address; write it like 192.0.2.1",
    "ipv6": "an IPv6 address; write it like 2001:db8::1",
    "uri": "a URI; write it like https://example.com/path",
    "uuid": "a UUID; write it like 123e4567-e89b-12d3-a456-426614174000",
}
"""What a text of each format is, and how it is written."""
