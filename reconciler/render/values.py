"""Texts that several outputs share: changes of values, commands to copy."""

from __future__ import annotations

import functools
import re
import shlex
from typing import TYPE_CHECKING, Any, Final, ParamSpec

from reconciler.model.canonical import json_text
from reconciler.model.escape import escape_control, quoted
from reconciler.model.expressions import expression
from reconciler.model.phrases import shortened
from reconciler.model.plan import Action, DriftOrigin
from reconciler.plan.needs import needs
from reconciler.plan.origins import is_unwanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reconciler.model.plan import Change, Plan


_LONGEST: Final = 200
_WORD: Final = expression(r"[A-Za-z0-9_.-]+")
_COMMIT: Final = expression(r"([0-9a-f]{10})[0-9a-f]{30,54}(-dirty)?", re.ASCII)
Inputs = ParamSpec("Inputs")


def joined(lines: Callable[Inputs, Iterator[str]]) -> Callable[Inputs, str]:
    """Return a function that joins the lines which ``lines`` yields, each ended by a newline."""

    @functools.wraps(lines)
    def text(*args: Inputs.args, **named: Inputs.kwargs) -> str:
        return "".join(f"{line}\n" for line in lines(*args, **named))

    return text


def only_in_one(before: Any, after: Any) -> tuple[list[Any], list[Any]]:
    """Return the items that only one of two lists has, on each side; empty for other values."""
    if not isinstance(before, list) or not isinstance(after, list):
        return [], []
    old, new = ({json_text(item): item for item in items} for items in (before, after))
    return [old[text] for text in old if text not in new], [new[text] for text in new if text not in old]


def change_sides(before: Any, after: Any) -> tuple[str, ...]:
    """Return both sides of a change, shortened; for two lists, the items of only one of them, if any."""
    lost, gained = only_in_one(before, after)
    if lost or gained:
        items = (*(f"- {_short(item)}" for item in lost), *(f"+ {_short(item)}" for item in gained))
        return (f"[{', '.join(items)}]",)
    return _short(before), _short(after)


def change_text(before: Any, after: Any) -> str:
    """Return a change on one line."""
    return " -> ".join(change_sides(before, after))


def field_name(field: str) -> str:
    """Return the name of a field for people; an empty one means the key itself."""
    return field or "the key"


def whole_key_text(action: Action, origin: DriftOrigin | None) -> str:
    """Return what happened to a live key: created or deleted."""
    if action is Action.DELETE:
        return "key deleted"
    return "key changed, and no longer desired" if is_unwanted(action, origin) else "key created"


def _short(value: Any) -> str:
    return shortened(value_text(value), _LONGEST)


def value_text(value: Any) -> str:
    """Return a JSON value on one safe line, with names of members unquoted if they are plain words."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_member_name(name)}: {value_text(item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    return quoted(value)


def _member_name(name: str) -> str:
    return name if _WORD.fullmatch(name) else quoted(name)


def clear_command(address: str, field: str, file: str) -> str:
    """Return the shell command that allows corrections of a contested field or key again."""
    words = [address, field] if field else [address]
    return f"reconciler history clear {' '.join(map(_word, words))} --history {_word(file)}"


def accept_command(address: str, paths: Iterable[str]) -> str:
    """Return the shell command that writes the live values of a key into the file at ``paths``."""
    return f"reconciler accept {_word(address)}{_files(paths)}"


def import_command(address: str, paths: Iterable[str]) -> str:
    """Return the shell command that declares a live key in the files at ``paths``."""
    return f"reconciler import {_word(address)}{_files(paths)}"


def _files(paths: Iterable[str]) -> str:
    return "".join(f" --file {_word(path)}" for path in paths)


def apply_command(plan: Plan, file: str) -> str:
    """Return the shell command that applies a plan file if its fingerprint is unchanged."""
    options = "".join(f" {need.words}" for need in needs(plan))
    return f"reconciler apply --plan {_word(file)} --expect {plan.fingerprint}{options}"


def _word(text: str) -> str:
    """Return a word quoted for a shell, invisible characters as equivalent escapes."""
    if escape_control(text) == text:
        return shlex.quote(text)
    shown = escape_control(text.replace("\\", "\\\\").replace("'", "\\'"))
    return f"$'{shown}'"


def short_commit(commit: str) -> str:
    """Return a commit for people: its first digits, and whether files differed from it."""
    found = _COMMIT.fullmatch(commit)
    return "".join(found.groups("")) if found else commit


def api_note(api: str) -> str:
    """Return the name of an API as a suffix of an address; empty if there is one API."""
    return f" (API {api})" if api else ""


def named_address(address: str, apis: Mapping[str, str]) -> str:
    """Return an address with the API of its kind, for people; ``apis`` is empty if there is one API."""
    return f"{address}{api_note(apis.get(address.partition('/')[0], ''))}"


def shown_address(address: str, apis: Mapping[str, str]) -> str:
    """Return an address with the API of its kind, as a safe text."""
    return escape_control(named_address(address, apis))


def key_text(change: Change) -> str:
    """Return the address of a key, with its API where there are several."""
    return escape_control(f"{change.address}{api_note(change.scope.shown_api)}")


def place_text(change: Change) -> str:
    """Return where a key is declared, its id if the service made one, and its API if there are several."""
    place = f"{change.position.source}:{change.position.line}"
    key = "" if change.path_id in {None, change.name} else f", id {change.path_id}"
    api = f", API {change.scope.shown_api}" if change.scope.shown_api else ""
    return escape_control(f"{place}{key}{api}")


def standing(change: Change) -> str:
    """Return the thing at the position of a change: the key, or only the exclusive scope."""
    if change.is_undeclared:
        return "not declared; exclusive at"
    return "declared absent at" if change.action is Action.DELETE else "declared at"


def declaration(change: Change) -> str:
    """Return whether and where a key is declared."""
    return f"{standing(change)} {place_text(change)}"


def heading(change: Change) -> str:
    """Return the address of a key and the position of its declaration, if it has one."""
    place = declaration(change) if change.is_undeclared else place_text(change)
    return f"{escape_control(change.address)} ({place})"
