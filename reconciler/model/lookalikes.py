"""Names that look alike: other case, another Unicode form, letters of another alphabet, blanks. Pure.

Two names look alike if their skeletons are equal. A skeleton is the Unicode compatibility form in one case,
without invisible characters, and with one letter for all letters of the same shape; the pairs are the common
ones of Unicode's confusables.txt.
"""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Final

from reconciler.model.expressions import expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

UNSEEN: Final = expression(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\u2800\ufff9-\ufffc\U00013441\U00013442\U00016fe4\U0001d159]"
)
"""Invisible characters, whatever Python calls printable.

The first two lines are what Unicode's DerivedCoreProperties.txt lists as Default_Ignorable_Code_Point:
variation selectors, fillers, joiners, tags. The third has what is drawn as nothing or as something
else: the blank Braille pattern, interlinear annotations, the object replacement character, blank hieroglyphs,
the Khitan filler and the null notehead.
"""
_CAPITAL_I: Final = str.maketrans("I|", "ll")
"""Before capitals are taken away: they are drawn like a small L, and a small I is not."""
_ALIKE: Final = str.maketrans(
    "01аеорсухіјѕԁһӏԛԝвкмнтгпьαονρτυικχγηωεβμζօսհոյɑɡıɩ‐‑‒–—―−⁃’‘ʼ⁄∕",  # noqa: RUF001 - that is what they are for
    "olaeopcyxijsdhlqwbkmhtrnbaovptuikxynwebmzouhnjagii--------'''//",
)
_PLAIN: Final = {
    code: chr(code).translate(_CAPITAL_I).casefold().translate(_ALIKE) for code in range(0x21, 0x7F)
}
_SCRIPTS: Final = frozenset({"ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "FULLWIDTH", "GREEK", "LATIN"})
"""Alphabets whose letters are mistaken for those of another, by the first word of their letters' names."""
_NAMED: Final = 3


def skeleton(name: str) -> str:
    """Return the skeleton of ``name``: names that look alike have the same."""
    if name.isascii() and " " not in name and name.isprintable():
        return name.translate(_PLAIN)  # nearly every name, and five times as fast
    if not name.isascii():
        name = UNSEEN.sub("", unicodedata.normalize("NFKC", name))
    text = name.translate(_CAPITAL_I).casefold().translate(_ALIKE)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.split())


def pairs(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each name that looks like an earlier one, with the first of these."""
    listed = list(names)
    if _are_apart(listed):
        return
    first: dict[str, str] = {}
    for name in listed:
        other = first.setdefault(skeleton(name), name)
        if other != name:
            yield other, name


def _are_apart(names: list[str]) -> bool:
    """Return whether all names are plain and look different: a fast check, true for nearly all inputs."""
    text = "\n".join(names)
    if not text.isascii() or " " in text or not text.replace("\n", "").isprintable():
        return False
    skeletons = text.translate(_PLAIN).split("\n")
    return len(skeletons) == len(names) == len(set(skeletons))


def mixed_scripts(name: str) -> str:
    """Return the alphabets that are mixed in a name, with the letters; empty if it has only one."""
    if name.isascii():
        return ""
    letters: dict[str, str] = {}
    for char in name:
        script = unicodedata.name(char, "").partition(" ")[0]
        if char.isalpha() and script in _SCRIPTS:
            letters.setdefault(script, char)
    if len(letters) < 2:  # noqa: PLR2004 - one alphabet is not mixed with itself
        return ""
    return ", ".join(sorted(map(_character, letters.values())))


def difference(written: str, other: str, first: str = "what is written") -> str:
    """Return how ``other``, called "it", differs from ``written``, called ``first``, which looks like it."""
    for form in ("NFC", "NFD"):
        if written != other and unicodedata.normalize(form, written) == other:
            return f"it differs in its Unicode form, {form}"
    if written.strip() == other.strip():
        longer, who = (other, "it has") if len(other) > len(written) else (written, f"{first} has")
        return f"{who} a blank at its {'end' if longer[-1:].isspace() else 'beginning'}"
    if written.lower() == other.lower():
        return "it differs in capitals"
    found = ((f"{first} has", written, other), ("it has", other, written))
    only = ((who, dict.fromkeys(char for char in one if char not in two)) for who, one, two in found)
    parts = [f"{who} {', '.join(map(_character, list(chars)[:_NAMED]))}" for who, chars in only if chars]
    return "; ".join(parts) or "it differs in the number or order of its characters"


def meant(written: str, known: Iterable[str]) -> str:
    """Return which ``known`` names look like ``written``, and how they differ; empty if none does."""
    wanted = skeleton(written)
    alike = [name for name in known if name != written and skeleton(name) == wanted]
    return ", ".join(f"{json.dumps(name)} ({difference(written, name)})" for name in alike[:_NAMED])


def _character(char: str) -> str:
    return f"U+{ord(char):04X} {unicodedata.name(char, 'without a name')}"
