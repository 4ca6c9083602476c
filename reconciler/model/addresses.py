"""Addresses as users write them: in full, or the last segments of one. Pure."""

from __future__ import annotations

import difflib
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST: Final = 2000
_NEAR: Final = 2
"""A misspelt name has so many letters more or fewer, at most."""


def ending_in(text: str, addresses: Iterable[str]) -> list[str]:
    """Return the addresses that are equal to ``text`` or end with a slash and ``text``."""
    every = list(addresses)
    return [text] if text in every else [address for address in every if address.endswith(f"/{text}")]


def advice_near(text: str, addresses: Iterable[str]) -> str:
    """Return a suggestion of the address most like ``text``, empty if none is alike."""
    name = text.rpartition("/")[2]
    near = ((address.rpartition("/")[2], address) for address in addresses)
    alike = islice((one for one in near if abs(len(one[0]) - len(name)) <= _NEAR), _MOST)
    found: dict[str, str] = {}
    for last, address in alike:
        found.setdefault(last, address)
    close = difflib.get_close_matches(name, found, n=1, cutoff=0.6)
    return f"; did you mean {found[close[0]]}?" if close else ""
