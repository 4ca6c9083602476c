"""Questions on a terminal, asked until they are answered."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from reconciler.model.escape import escape_control
from reconciler.model.phrases import listed
from reconciler.render.numbers import sorted_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.cli.console import Console

_SHOWN: Final = 20
"""How many choices are shown; a part of a name finds the others."""
_PROMPT: Final = "  Enter a value: "


def can_ask() -> bool:
    """Return whether a user can answer questions."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(console: Console, question: str, parse: Callable[[str], str | None]) -> str:
    """Return the first answer that ``parse`` accepts. Raises Abort without an answer."""
    console.ask(f"\n{escape_control(question)}\n")
    while True:
        console.say(_PROMPT)
        line = sys.stdin.buffer.readline()
        if not line:
            console.say("\n")
            raise click.Abort
        answer = line.decode("utf-8", "replace").strip()
        fault = parse(answer)
        if fault is None:
            return answer
        console.ask(f"{fault}\n")


def ask_number(console: Console, what: str, names: Mapping[int, str]) -> int:
    """Return the id of the project or region that the user chose, by id, name or a part of its name."""
    console.ask(f"\nThe token sees {len(names)} {what}s:\n{_rows(names)}")
    answer = ask(
        console,
        f"Which {what}? Enter its id, its name or a part of the name.",
        lambda text: _fault(what, names, text),
    )
    (number,) = matching(names, answer)
    return number


def matching(names: Mapping[int, str], text: str) -> Mapping[int, str]:
    """Return the entries that an answer matches: an id, or else a full name, or else a part of one."""
    if text.isdecimal() and int(text) in names:
        return {int(text): names[int(text)]}
    whole = {number: name for number, name in names.items() if name == text}
    part = text.casefold()
    return whole or {number: name for number, name in names.items() if part and part in name.casefold()}


def _fault(what: str, names: Mapping[int, str], text: str) -> str | None:
    found = matching(names, text)
    if len(found) == 1:
        return None
    if not found:
        return f"No {what} has this id or name. Press Ctrl-C to exit; the token sees:\n{_rows(names)}"
    return f"{len(found)} {what}s match:\n{_rows(found)}"


def _rows(names: Mapping[int, str]) -> str:
    """Return a line for each of the first names, and one that counts the others."""
    shown = sorted_names(names)[:_SHOWN]
    width = max(len(str(number)) for number, _ in shown)
    rows = [f"  {number:>{width}}  {escape_control(name)}" for number, name in shown]
    more = len(names) - len(shown)
    return "\n".join([*rows, f"  ... and {more} more", ""] if more else [*rows, ""])


def candidates(names: Mapping[int, str]) -> str:
    """Return the ids with their names, on one line."""
    return listed([f"{number} ({name})" for number, name in sorted_names(names)], _SHOWN)
