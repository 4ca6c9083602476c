"""What breaks a schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

Path = tuple[str | int, ...]

PATTERN_LIMIT: Final = "patternLimit"
"""What a text breaks, in place of a keyword, if checking it against its pattern takes too much work."""
MORE: Final = "more"
"""What a value has in place of a keyword that has more violations than are looked for."""
MOST_VIOLATIONS: Final = 1000
"""Violations of one document, or other value, that are looked for."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: the path of the value, the keyword that it breaks, and the schema there.

    ``written`` is how a file writes a number, if that is known.
    """

    path: Path
    keyword: str
    value: Any
    schema: Mapping[str, Any]
    written: str = ""
