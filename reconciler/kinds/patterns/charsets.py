"""Sets of characters, as classes and escapes of ECMA 262 define them."""

from __future__ import annotations

import bisect
import unicodedata
from dataclasses import dataclass
from typing import Final

Ranges = tuple[tuple[int, int], ...]

LAST: Final = 0x10FFFF
_CATEGORY_NAMES: Final = {
    "Letter": "L", "Cased_Letter": "LC", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll",
    "Titlecase_Letter": "Lt", "Modifier_Letter": "Lm", "Other_Letter": "Lo",
    "Mark": "M", "Combining_Mark": "M", "Nonspacing_Mark": "Mn", "Spacing_Mark": "Mc", "Enclosing_Mark": "Me",
    "Number": "N", "Decimal_Number": "Nd", "digit": "Nd", "Letter_Number": "Nl", "Other_Number": "No",
    "Punctuation": "P", "punct": "P", "Connector_Punctuation": "Pc", "Dash_Punctuation": "Pd",
    "Open_Punctuation": "Ps", "Close_Punctuation": "Pe", "Initial_Punctuation": "Pi",
    "Final_Punctuation": "Pf", "Other_Punctuation": "Po",
    "Symbol": "S", "Math_Symbol": "Sm", "Currency_Symbol": "Sc", "Modifier_Symbol": "Sk",
    "Other_Symbol": "So",
    "Separator": "Z", "Space_Separator": "Zs", "Line_Separator": "Zl", "Paragraph_Separator": "Zp",
    "Other": "C", "Control": "Cc", "cntrl": "Cc", "Format": "Cf", "Surrogate": "Cs", "Private_Use": "Co",
    "Unassigned": "Cn",
}  # fmt: skip
_CATEGORIES: Final = frozenset(_CATEGORY_NAMES.values())
_PROPERTIES: Final[dict[str, Ranges]] = {"Any": ((0, LAST),), "ASCII": ((0, 0x7F),)}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a set: what lies in sorted ``ranges`` or has one of the ``categories``; or all else."""

    ranges: Ranges = ()
    categories: tuple[str, ...] = ()
    negated: bool = False

    def __contains__(self, char: str) -> bool:
        """Return whether the character belongs to the part."""
        code = ord(char)
        at = bisect.bisect_right(self.ranges, (code, LAST)) - 1
        found = at >= 0 and code <= self.ranges[at][1]
        if not found and self.categories:
            found = unicodedata.category(char).startswith(self.categories)
        return found is not self.negated


@dataclass(frozen=True, slots=True)
class CharSet:
    """A set of characters: the union of its parts; or, ``negated``, all that lies outside of it."""

    parts: tuple[Part, ...]
    negated: bool = False

    def __contains__(self, char: str) -> bool:
        """Return whether the character belongs to the set."""
        return any(char in part for part in self.parts) is not self.negated


def part_of(ranges: list[tuple[int, int]], categories: tuple[str, ...] = ()) -> Part:
    """Return the part of these ranges, which may overlap and have any order, and of these categories."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return Part(tuple(merged), categories)


def union(ranges: list[tuple[int, int]], parts: list[Part], *, negated: bool) -> CharSet:
    """Return the set of these ranges and parts, in as few parts as can be."""
    plain = [part for part in parts if not part.negated]
    known = [*ranges, *(one for part in plain for one in part.ranges)]
    categories = dict.fromkeys(category for part in plain for category in part.categories)
    others = dict.fromkeys(part for part in parts if part.negated)
    return CharSet((part_of(known, tuple(categories)), *others), negated)


def single(char: str) -> CharSet:
    """Return the set of one character."""
    return CharSet((Part(((ord(char), ord(char)),)),))


def unicode_property(text: str) -> Part | None:
    r"""Return what ``\p{text}`` stands for, or None for a property that is not supported."""
    name, equals, value = text.partition("=")
    if equals and name not in {"General_Category", "gc"}:
        return None
    wanted = value if equals else name
    if not equals and wanted in _PROPERTIES:
        return Part(_PROPERTIES[wanted])
    category = _CATEGORY_NAMES.get(wanted, wanted)
    if category not in _CATEGORIES:
        return None
    return Part(categories=("Lu", "Ll", "Lt") if category == "LC" else (category,))


DIGITS: Final = Part(((0x30, 0x39),))
WORD: Final = Part(((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)))
SPACES: Final = Part(
    (
        *((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029)),
        *((0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
    )
)
CLASSES: Final = {"d": DIGITS, "w": WORD, "s": SPACES}
ANY_BUT_BREAKS: Final = CharSet((Part(((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))),), negated=True)
