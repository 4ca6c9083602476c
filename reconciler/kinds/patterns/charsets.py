"""Sets of characters, as classes and escapes of ECMA 262 define them."""

from __future__ import annotations

import bisect
import unicodedata
from typing import Final

from reconciler.model.frozen import dataclass

Ranges = tuple[tuple[int, int], ...]

LAST: Final = 0x10FFFF
_CATEGORIES: Final = {
    "L": "Letter", "LC": "Cased_Letter", "Lu": "Uppercase_Letter", "Ll": "Lowercase_Letter",
    "Lt": "Titlecase_Letter", "Lm": "Modifier_Letter", "Lo": "Other_Letter",
    "M": "Mark Combining_Mark", "Mn": "Nonspacing_Mark", "Mc": "Spacing_Mark", "Me": "Enclosing_Mark",
    "N": "Number", "Nd": "Decimal_Number digit", "Nl": "Letter_Number", "No": "Other_Number",
    "P": "Punctuation punct", "Pc": "Connector_Punctuation", "Pd": "Dash_Punctuation",
    "Ps": "Open_Punctuation", "Pe": "Close_Punctuation", "Pi": "Initial_Punctuation",
    "Pf": "Final_Punctuation", "Po": "Other_Punctuation",
    "S": "Symbol", "Sm": "Math_Symbol", "Sc": "Currency_Symbol", "Sk": "Modifier_Symbol",
    "So": "Other_Symbol", "Z": "Separator", "Zs": "Space_Separator", "Zl": "Line_Separator",
    "Zp": "Paragraph_Separator", "C": "Other", "Cc": "Control cntrl", "Cf": "Format", "Cs": "Surrogate",
    "Co": "Private_Use", "Cn": "Unassigned",
}  # fmt: skip
_BY_NAME: Final = {name: short for short, names in _CATEGORIES.items() for name in (short, *names.split())}


@dataclass(frozen=True, slots=True)
class CharSet:
    """A set of characters: sorted ``ranges``, ``categories``, ``others``; if ``negated``, all but these."""

    ranges: Ranges = ()
    categories: tuple[str, ...] = ()
    others: tuple[CharSet, ...] = ()
    negated: bool = False

    def __contains__(self, char: str) -> bool:
        """Return whether the character belongs to the set."""
        code = ord(char)
        at = bisect.bisect_right(self.ranges, (code, LAST)) - 1
        found = at >= 0 and code <= self.ranges[at][1]
        if not found and self.categories:
            found = unicodedata.category(char).startswith(self.categories)
        return (found or any(char in other for other in self.others)) is not self.negated


def union(members: list[str | CharSet]) -> CharSet:
    """Return the union of characters and of simple sets, in the fewest ranges."""
    sets = [CharSet(((ord(one), ord(one)),)) if isinstance(one, str) else one for one in members]
    plain = [one for one in sets if not one.negated]
    merged: list[tuple[int, int]] = []
    for low, high in sorted(found for one in plain for found in one.ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    categories = dict.fromkeys(category for one in plain for category in one.categories)
    others = dict.fromkeys(one for one in sets if one.negated)
    return CharSet(tuple(merged), tuple(categories), tuple(others))


def unicode_property(text: str) -> CharSet | None:
    r"""Return the set of ``\p{text}``, or None for a property that is not supported."""
    name, equals, value = text.partition("=")
    if equals and name not in {"General_Category", "gc"}:
        return None
    if not equals and name in {"Any", "ASCII"}:
        return CharSet(((0, LAST if name == "Any" else 0x7F),))
    category = _BY_NAME.get(value if equals else name)
    if category is None:
        return None
    return CharSet(categories=("Lu", "Ll", "Lt") if category == "LC" else (category,))


WORD: Final = CharSet(((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)))
_SPACES: Final = (
    *((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029)),
    *((0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
CLASSES: Final = {"d": CharSet(((0x30, 0x39),)), "w": WORD, "s": CharSet(_SPACES)}
ANY_BUT_BREAKS: Final = CharSet(((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)), negated=True)
