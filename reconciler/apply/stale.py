"""The check of a plan made earlier: whether keys are still as it showed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import SchemaMismatchError
from reconciler.kinds.ids import names_by_id, unclear_text
from reconciler.model.canonical import json_text
from reconciler.model.identity import renaming
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Action
from reconciler.plan.planning import past_expiries
from reconciler.plan.recheck import differences_text, fields_changed_since_plan, fields_not_stored

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.live import LiveScope
    from reconciler.model.plan import Change
    from reconciler.plan.identity import KnownIds

_ELSEWHERE: Final = "the sink of the run that made it, or lost"


def is_found(kind: Kind, live: LiveScope, changes: Iterable[Change]) -> bool:
    """Return whether the names of changes, and their ids, exist."""
    ids = {change.path_id for change in changes if kind.has_ids} - {None}
    return live.holds(change.name for change in changes) and ids <= names_by_id(kind, live).keys()


class KnownObjects:
    """The objects that declared names stood for, by their ids, unless the plan has them already."""

    def __init__(self, known_ids: KnownIds) -> None:
        """Store the ids by the addresses of the names."""
        self._ids = known_ids
        self._addresses: dict[str, list[str]] = {}
        for address, path_id in known_ids.items():
            self._addresses.setdefault(path_id, []).append(address)

    def renamed(self, change: Change, names: Mapping[str, str]) -> Outcome | None:
        """Return the outcome of a change about an object that was renamed; None for any other.

        Such a change creates or changes the object that has the former name, or changes the renamed object.
        ``names`` are those of all live objects of its scope by id.
        """
        front = f"{change.scope}/"
        others = self._addresses.get(change.path_id or "", ())
        about = [
            (address.removeprefix(front), change.path_id)
            for address in others
            if address.startswith(front) and address != change.address
        ]
        if change.action is not Action.DELETE:
            about.append((change.name, self._ids.get(change.address)))
        for name, path_id in about:
            if path_id is not None and (found := renaming(name, path_id, names)) is not None:
                return Outcome(change, Result.STALE, f"{found.advice}; then plan again, with --history")
        return None


def recheck_key(
    kind: Kind, change: Change, observed: LiveScope, names: Mapping[str, str], now: dt.datetime
) -> Outcome | None:
    """Return the outcome of a change that must not be sent, None if it may be. ``names`` are by id."""
    if renamed := _renamed(kind, change, observed, names):
        return Outcome(change, Result.STALE, renamed)
    live = observed.keys.get(change.name)
    try:
        moved = fields_changed_since_plan(kind, change, live)
        if moved and _is_done(kind, change, live):
            is_secret = change.action.adds and kind.secret is not None
            return Outcome(change, Result.UNCHANGED, secret_at=_ELSEWHERE if is_secret else "")
    except SchemaMismatchError as error:
        return Outcome(change, Result.NOT_ATTEMPTED, str(error))
    if moved:
        is_anew = kind.has_ids and any(one.field == kind.path_field for one in moved)
        text = differences_text("was planned from", "and is now", moved)
        return Outcome(change, Result.STALE, f"deleted and created again: {text}" if is_anew else text)
    for problem in past_expiries(kind, change, now):
        return Outcome(change, Result.NOT_ATTEMPTED, problem.message)
    return None


def _renamed(kind: Kind, change: Change, observed: LiveScope, names: Mapping[str, str]) -> str:
    """Return how the object of a name has changed since the plan, where the service assigns ids."""
    if change.name in observed.unclear:
        return f"its name now {unclear_text(kind, observed.unclear[change.name])}"
    found = None if change.path_id is None else renaming(change.name, change.path_id, names)
    if found is None:
        return ""
    what = f"{kind.path_field} {found.path_id} was planned as {json_text(found.name)}"
    return f"{what}, and is now named {json_text(found.new_name)}"


def _is_done(kind: Kind, change: Change, live: Mapping[str, Any] | None) -> bool:
    """Return whether a key already has the state that the change would produce."""
    if change.action is Action.DELETE or live is None:
        return change.action is Action.DELETE and live is None
    if change.action is Action.UPDATE and kind.has_ids and kind.id_of(live) != change.path_id:
        return False  # it is another key, of which the plan showed nothing
    # What a new key is made of leaves out what is null.
    wanted = change.after if change.action is Action.REPLACE else change.patch
    return not fields_not_stored(kind, change.address, wanted, live)
