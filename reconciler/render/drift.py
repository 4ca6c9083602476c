"""Drift for machines, and for people in the words of Terraform's refresh-only plans.

Without a history or a base commit it is unknown which side changed, and the words are neutral.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from reconciler.model.canonical import format_instant
from reconciler.model.cycle import FieldOutcome
from reconciler.model.escape import escape_control, neutralize_log_commands
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import and_more, counted
from reconciler.model.plan import Action, DriftOrigin
from reconciler.plan.document import drift_document, plan_document
from reconciler.plan.origins import is_unwanted
from reconciler.render.lines import key_note
from reconciler.render.text import access_line, counts_lines, empty_text, unmanaged_names
from reconciler.render.text_changes import KeyView, change_lines, plan_view
from reconciler.render.text_layout import PLAIN, Colour, Screen
from reconciler.render.values import (
    accept_command,
    api_note,
    clear_command,
    field_name,
    import_command,
    joined,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.model.cycle import DriftedField
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.model.status import NewKey
    from reconciler.plan.drift import DriftedKey

    _Way = Callable[[str, Sequence[str]], str]

NAMED: Final = 20
"""How many unmanaged keys are named unless all are wanted."""
NOTHING_DIFFERS: Final = "No changes. Your infrastructure still matches the configuration."
NOTHING_DRIFTED: Final = "No changes outside Git. Your infrastructure is as it was last applied."
_VALUED: Final = re.compile(r"(?:--[a-z-]+|state:) [^-\s]\S*")
_KNOWN: Final = {
    Action.CREATE: "has been created",
    Action.UPDATE: "has changed",
    Action.DELETE: "has been deleted",
}
_NEUTRAL: Final = {
    Action.UPDATE: "differs from the files",
    Action.DELETE: "has been deleted, or was never created",
}


@dataclass(frozen=True, slots=True)
class DriftView:
    """The findings of a cycle for display.

    ``unmanaged`` are the addresses of live keys that no file declares, ``new`` those of them that were
    created after the first cycle, and ``named`` how many of them are listed. It ``is_complete`` if everything
    could be compared. ``apis`` are those of the kinds, where there are several, ``ids`` those of unmanaged
    keys that share an address. ``doubtful`` are scopes that may be the wrong ones. ``advised`` are the
    paths of the files that the next steps name, None without such advice.
    """

    drifted: Sequence[DriftedKey]
    pending: Sequence[DriftedKey] = ()
    unmanaged: Sequence[str] = ()
    new: Sequence[NewKey] = ()
    is_complete: bool = True
    named: int = NAMED
    apis: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    doubtful: Sequence[Scope] = ()
    advised: Sequence[str] | None = None


def render_drift_json(plan: Plan, view: DriftView, made_at: dt.datetime, indent: int | None = 2) -> str:
    """Return the drift as one JSON object; ``plan`` would undo it.

    It is on one line where ``indent`` is None.
    """
    new = [{"address": key.address, "first_seen": format_instant(key.first_seen)} for key in view.new]
    document = plan_document(plan, made_at) | {
        "resource_drift": list(map(drift_document, view.drifted)),
        "resource_pending": list(map(drift_document, view.pending)),
        "new_unmanaged": new,
    }
    return neutralize_log_commands(json.dumps(document, indent=indent)) + "\n"


@joined
def render_drift(view: DriftView, screen: Screen = PLAIN) -> Iterator[str]:
    """Yield the lines that show the drift."""
    if view.drifted:
        yield from _drift_lines(view.drifted, screen)
    elif not view.is_complete:
        yield from screen.lines("The compared keys have not drifted; the errors list the others.")
    elif not view.pending:
        yield from screen.lines((NOTHING_DIFFERS, Colour.ADD))
    else:
        yield from screen.lines(NOTHING_DRIFTED)
    if view.pending:
        yield from _pending_lines(view.pending, screen)
    if view.unmanaged:
        yield from _unmanaged_lines(view, screen)
    if view.drifted and view.advised is not None:
        yield from _advice_lines(view, view.advised, screen)


def title(key: DriftedKey) -> str:
    """Return what happened to a live key, as far as it is known."""
    if key.identity_change is not None:
        return key.identity_change.title
    if is_unwanted(key.action, key.origin):
        return "has changed, and is declared absent or no longer declared"
    if key.origins == {DriftOrigin.CONFLICT}:
        return f"{_KNOWN[key.action]}, and the files have changed too"
    if None not in key.origins:
        return _KNOWN[key.action]
    if key.action is Action.CREATE:
        other = "is no longer declared" if key.correction.is_undeclared else "is yet to be deleted"
        return f"has been created, or {other}"
    return _NEUTRAL[key.action]


def _drift_lines(drifted: Sequence[DriftedKey], screen: Screen) -> Iterator[str]:
    def alarming(text: str, colour: Colour) -> str:
        """Colour a text about granted access, green in a plan, like one about revoked access."""
        return screen.paint(text, Colour.REMOVE if colour is Colour.ADD else colour)

    is_known = all(None not in key.origins for key in drifted)
    found = "changes made outside Git" if is_known else "differences"
    yield from screen.lines(
        f"Note: Objects {'have changed outside Git' if is_known else 'differ from the files'}"
    )
    yield ""
    head = f"reconciler detected the following {found}, from the desired to the live value:"
    yield from screen.lines(head)
    yield ""
    red = replace(screen, paint=alarming)
    for key in drifted:
        # The fields that are pending are neither shown nor unchanged.
        change, action, note = key.correction, key.action, key_note(key.records, key.effect)
        is_whole = action is not Action.UPDATE
        view = KeyView(change, action, title(key), key.fields, key.effect, note, is_whole)
        yield from change_lines(view, red)
    yield from counts_lines(drift_line(drifted), screen, r"\d+ (?:deleted|created|in conflict[^,)]*)")
    yield from counts_lines(access_line(drifted), screen, r"(?:grants|revokes) on \d+ keys?")
    if not is_known:
        unknown = (
            "Origin: not known; --base REF shows it, or a history that apply has written to (--history)."
        )
        yield from screen.lines(unknown)


def drift_line(drifted: Sequence[DriftedKey]) -> str:
    """Return how many keys drifted, and how."""
    count = len(drifted)
    if any(None in key.origins for key in drifted):
        what = "differs from the files" if count == 1 else "differ from the files"
    else:
        what = "changed outside Git"
    actions = Counter(key.action for key in drifted if not is_unwanted(key.action, key.origin))
    conflicts = sum(DriftOrigin.CONFLICT in key.origins for key in drifted)
    parts = {
        "created": actions[Action.CREATE],
        "deleted": actions[Action.DELETE],
        "in conflict with a change in Git": conflicts,
    }
    named = ", ".join(f"{number} {words}" for words, number in parts.items() if number)
    return f"Drift: {counted(count, 'key')} {what}{f' ({named})' if named else ''}."


def left_texts(fields: Sequence[DriftedField]) -> Sequence[str]:
    """Return the keys that are left to a person, each with the reason if there is one."""
    left = dict.fromkeys(
        (f"{one.address}{api_note(one.scope.shown_api)}", one.detail)
        for one in fields
        if one.outcome is FieldOutcome.LEFT
    )
    return [f"{address}: {reason}" if reason else address for address, reason in left]


def contested_text(field: DriftedField, corrected: int, history: str | None) -> str:
    """Return that a field is contested, how often it was ``corrected``, and the command that clears this."""
    name = field.change.field
    command = "" if history is None else f", or until {clear_command(field.address, name, history)}"
    return (
        f"{field_name(name)} is contested: corrected {corrected} times and changed back, "
        f"it is not corrected until the file changes{command}"
    )


def _pending_lines(pending: Sequence[DriftedKey], screen: Screen) -> Iterator[str]:
    head = "Pending: Git is ahead, and this has not been applied yet. apply would do the following:"
    yield ""
    yield from screen.lines(head)
    yield ""
    for key in pending:
        change, names = key.correction, {field.field for field in key.fields}
        pending_fields = (field for field in change.fields if field.field in names)
        fields = tuple(replace(field, origin=DriftOrigin.PENDING) for field in pending_fields)
        part = replace(change, fields=fields)
        yield from change_lines(plan_view(part), screen)
    verb = "waits" if len(pending) == 1 else "wait"
    yield from counts_lines(f"Pending: {counted(len(pending), 'key')} {verb} for apply.", screen)


def _unmanaged_lines(view: DriftView, screen: Screen) -> Iterator[str]:
    new = {key.address: key for key in view.new}
    counts = f"{counted(len(view.unmanaged), 'key')} live but not declared"
    yield from counts_lines(f"Unmanaged: {counts}{f', {len(new)} of them new' if new else ''}:", screen)
    ordered = sorted(view.unmanaged, key=lambda address: address not in new)
    for address, name in unmanaged_names(ordered[: view.named], view.ids, view.apis):
        if address in new:
            since = format_instant(new[address].first_seen)
            yield from screen.lines("  ", (f"{name} (new, first seen {since})", Colour.ALARM), hang="    ")
        else:
            yield from screen.lines("  ", name, hang="    ")
    if len(ordered) > view.named:
        yield from screen.lines(f"  {and_more(len(ordered) - view.named)} (-v lists them)", hang="    ")


def _advice_lines(view: DriftView, paths: Sequence[str], screen: Screen) -> Iterator[str]:
    """Yield the commands that undo the drift, and those that write it into the files."""
    corrections = [key.correction for key in view.drifted if key.is_correctable]
    destroy = " --allow-destroy" if any(change.action.destroys for change in corrections) else ""
    sink = (
        " --secret-sink SINK"
        if any(change.has_secret and change.action.adds for change in corrections)
        else ""
    )
    undo = f"Undo: run this command again with --correct all{destroy}{sink}"
    for scope in view.doubtful:
        yield from screen.lines(escape_control(empty_text(scope)))
    if corrections:
        yield from screen.lines(_unbroken(undo, screen))
    renamed = (
        key.identity_change
        for key in view.drifted
        if key.identity_change is not None and key.identity_change.is_rename
    )
    for remedy in dict.fromkeys(identity.remedy for identity in renamed):
        yield from screen.lines(f"Renamed: {remedy}")
    ways: defaultdict[_Way, list[str]] = defaultdict(list)
    for key in view.drifted:
        if key.identity_change is None or not key.identity_change.is_rename:
            ways[_way_to_keep(key)].append(key.correction.address)
    for way, addresses in ways.items():
        address = addresses[0] if len(addresses) == 1 else "ADDRESS"
        yield from screen.lines(_unbroken(f"Keep: {way(address, paths)}", screen))


def _unbroken(text: str, screen: Screen) -> str:
    """Return a text with a command, without a line break between an option and its value."""
    return _VALUED.sub(lambda option: screen.glued(option[0], "  "), text)


def _way_to_keep(key: DriftedKey) -> _Way:
    """Return a function of address and files that returns the command for declaring the live state."""
    if key.action is Action.CREATE:
        return import_command if key.correction.is_undeclared else _no_longer_absent
    return accept_command if key.action is Action.UPDATE else _absent


def _absent(address: str, _paths: Sequence[str]) -> str:
    return f"remove {escape_control(address)} from its file, or declare it with state: absent"


def _no_longer_absent(address: str, _paths: Sequence[str]) -> str:
    return f"declare {escape_control(address)} with the fields it has, without state: absent"
