"""Regular expressions that are compiled on first use.

A command uses few of those that its modules define, and compiling all of them takes as long as starting
Python.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr

if TYPE_CHECKING:
    from re import Pattern


class _Expression:
    """A proxy of a compiled expression: it has the same methods, and compiles on the first call."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source, self._flags = source, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._source, self._flags), name)
        setattr(self, name, found)
        return found


def expression(source: AnyStr, flags: int = 0) -> Pattern[AnyStr]:
    """Return the proxy of a pattern: it has the methods of a compiled pattern, and no attributes."""
    return _Expression(source, flags)  # type: ignore[return-value]  # it has all that is asked for
