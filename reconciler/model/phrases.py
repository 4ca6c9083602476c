"""Short texts for people: suggestions, lists, counts. Pure."""

from __future__ import annotations

import difflib
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_TEXTS: Final = 50
"""Problems that are reported one by one: who fixes those runs the command again."""
_LONGEST_ADDRESS: Final = 500
_LONGEST_MESSAGE: Final = 3000
_MOST: Final = 200
_LONGEST: Final = 60
"""More words are not compared, and no longer ones."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like ``word``, or None if none is alike."""
    if len(word) > _LONGEST:
        return None
    words = [text for text in islice(known, _MOST) if len(text) <= _LONGEST]
    return next(iter(difflib.get_close_matches(word, words, n=1)), None)


def listed(words: Iterable[str], most: int = 40) -> str:
    """Return words as a list in a sentence, shortened after ``most`` words."""
    every = list(words)
    rest = f" {and_more(len(every) - most)}" if len(every) > most else ""
    return ", ".join(every[:most]) + rest


def and_more(count: int) -> str:
    """Return the end of a list that omits ``count`` items."""
    return f"and {count:,} more"


MANY_MORE: Final = "there are more problems from here on; fix the others first"
"""What is reported where not every problem is found."""


def first_texts(problems: Sequence[object], what: str = "problem") -> tuple[str, ...]:
    """Return one text for each of the first problems, and one text with the number of the others."""
    texts = tuple(str(problem) for problem in problems[:MOST_TEXTS])
    others = problems[MOST_TEXTS:]
    if not others:
        return texts
    return (*texts, f"and {at_least(others)}{len(others):,} more {plural(len(others), what)}")


def at_least(problems: Iterable[object]) -> str:
    """Return ``at least`` if more problems may exist than were found, empty otherwise."""
    is_open = any(getattr(problem, "message", "") == MANY_MORE for problem in problems)
    return "at least " * is_open


def from_api(api: str) -> str:
    """Return ``from`` and the name of the API, empty where there is one API."""
    return f" from the API {api}" if api else ""


def plural(count: int, noun: str) -> str:
    """Return ``noun``, with an s unless ``count`` is 1."""
    return noun if count == 1 else f"{noun}s"


def with_article(noun: str) -> str:
    """Return ``noun`` behind ``a`` or ``an``."""
    return f"{'an' if noun[:1].lower() in {*'aeiou'} else 'a'} {noun}"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 key`` or ``2 keys``."""
    return f"{count} {plural(count, noun)}"


def one_line(place: str, address: str, message: str) -> str:
    """Return ``PLACE: ADDRESS: MESSAGE``, without empty parts and shortened if very long."""
    parts = (place, shortened(address, _LONGEST_ADDRESS), shortened(message, _LONGEST_MESSAGE))
    return ": ".join(part for part in parts if part)


def shortened(text: str, most: int) -> str:
    """Return a text, shortened to its first ``most`` characters and an ellipsis if it is longer."""
    return text if len(text) <= most else f"{text[:most]}…"
