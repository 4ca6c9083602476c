"""Lines of a log, for people and for machines. Pure.

Each has the time, a level, the event and the key concerned; docs/drift.md lists the events.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.model.canonical import format_instant
from reconciler.model.escape import escape_control, neutralize_log_commands
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted
from reconciler.model.plan import Action
from reconciler.render.lines import note_text
from reconciler.render.values import api_note, change_text, field_name, whole_key_text

if TYPE_CHECKING:
    import datetime as dt

    from reconciler.model.cycle import DriftedField
    from reconciler.model.outcome import Outcome


class LogFormat(StrEnum):
    """How a line is written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Entry:
    """The content of a line: ``address`` is empty if it concerns no single key."""

    level: str
    event: str
    address: str
    message: str


def log_line(entry: Entry, at: dt.datetime, form: LogFormat) -> str:
    """Return an entry as one line, ending with a newline."""
    time = format_instant(at)
    if form is LogFormat.JSON:
        line = {"time": time, **asdict(entry)}
        return neutralize_log_commands(json.dumps(line)) + "\n"
    place = escape_control(entry.address) or "-"
    return f"{time} {entry.level:<7} {entry.event} {place}: {escape_control(entry.message)}\n"


def found_text(field: DriftedField) -> str:
    """Return how a field or key differs from the desired state, with the effect."""
    if field.action is Action.UPDATE:
        what = f"{field_name(field.change.field)}: {change_text(field.desired, field.live)}"
    else:
        what = whole_key_text(field.action, field.origin)
    return f"{what} ({note_text(field.change)}){api_note(field.scope.shown_api)}"


def field_outcome_text(field: DriftedField) -> str:
    """Return the name of a field and its outcome, with the reason if there is one."""
    return f"{field_name(field.change.field)}: {field.outcome.value}" + f": {field.detail}" * bool(
        field.detail
    )


def outcome_text(outcome: Outcome) -> str:
    """Return the outcome of a write, without the address of its key."""
    return str(outcome).removeprefix(f"{escape_control(outcome.change.address)}: ")


def unmanaged_text(count: int, new: int) -> str:
    """Return how many live keys no file declares."""
    return f"Unmanaged: {counted(count, 'key')} live but not declared" + f", {new} of them new" * bool(new)
