"""Pieces of text that several outputs share: changes of values, commands to copy."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.canonical import json_text
from reconciler.model.escape import escape_control, quoted
from reconciler.model.plan import Action
from reconciler.plan.origins import is_unwanted

if TYPE_CHECKING:
    from enum import StrEnum

    from reconciler.model.plan import DriftOrigin

_LONGEST: Final = 200


def change_text(before: Any, after: Any) -> str:
    """Show a change, cut where it is long; of two lists, the items that only one of them has, if any."""
    if isinstance(before, list) and isinstance(after, list):
        old, new = ({json_text(item): item for item in items} for items in (before, after))
        lost = [f"- {_short(item)}" for text, item in old.items() if text not in new]
        gained = [f"+ {_short(item)}" for text, item in new.items() if text not in old]
        if lost or gained:
            return f"[{', '.join(lost + gained)}]"
    return f"{_short(before)} -> {_short(after)}"


def field_name(field: str) -> str:
    """Name a field for people; where there is none the whole key is meant."""
    return field or "the key"


def whole_key_text(action: Action, origin: DriftOrigin | None) -> str:
    """Return what became of a live key as a whole."""
    if action is Action.DELETE:
        return "key deleted"
    return "key changed, and no longer wanted" if is_unwanted(action, origin) else "key created"


def origin_text(origin: StrEnum | None) -> str:
    """Name which side made a value differ, or say that this is not known."""
    return "unknown" if origin is None else origin.value


def _short(value: Any) -> str:
    text = quoted(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def clear_command(address: str, field: str, file: str) -> str:
    """Return the command that ends the contest over a field, or over a whole key, for a shell."""
    words = [address, field] if field else [address]
    return f"reconciler history clear {' '.join(map(_word, words))} --history {_word(file)}"


def _word(text: str) -> str:
    """Quote a word for a shell; invisible characters in the form that shows them and means the same."""
    if escape_control(text) == text:
        return shlex.quote(text)
    shown = escape_control(text.replace("\\", "\\\\").replace("'", "\\'"))
    return f"$'{shown}'"
