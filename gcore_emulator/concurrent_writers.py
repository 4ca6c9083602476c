"""Concurrent writers: keys added and removed between two pages, fields changed during an apply."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import threading
from collections import deque
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from gcore_emulator.families import FAMILIES
from gcore_emulator.keys import Scope, StoredKey
from gcore_emulator.rendering import canonical_document
from gcore_emulator.requestlog import MAX_RECORDS
from gcore_emulator.rules import Reference, Value

if TYPE_CHECKING:
    from gcore_emulator.injector import Injector
    from gcore_emulator.store import KeyStore

_A_YEAR = dt.timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """One write of a concurrent writer.

    ``after`` is the number of the latest request in the log at that time. For a change, ``field``
    went from ``old`` to ``new``, both written as the API shows them by default.
    """

    after: int
    action: Literal["added", "removed", "changed"]
    family: str
    scope: str
    name: str
    field: str | None = None
    old: Any = None
    new: Any = None

    def document(self) -> dict[str, Any]:
        """Return the disturbance as a JSON object."""
        return asdict(self)


class ConcurrentWriter:
    """Changes keys as the faults require, and records each change.

    Call it with the store's lock held; `done` is safe from any thread.
    """

    def __init__(self, store: KeyStore, injector: Injector) -> None:
        """Work on ``store`` when ``injector`` requires it."""
        self._store = store
        self._injector = injector
        self._lock = threading.Lock()
        self._done: deque[Disturbance] = deque(maxlen=MAX_RECORDS)
        self._passing: dict[Scope, list[str]] = {}

    def done(self) -> tuple[Disturbance, ...]:
        """Return the past disturbances, oldest first."""
        with self._lock:
            return tuple(self._done)

    def between_pages(self, scope: Scope, offset: int, *, after: int, now: dt.datetime) -> bool:
        """Add a key, or remove one added before, if the page at ``offset`` is to be disturbed.

        Other keys are never removed: with fewer keys it could not be verified that a run converged.
        """
        if not self._injector.page_change(f"{scope.family}/{scope.label}", offset):
            return False
        passing = [key for name in self._passing.get(scope, ()) if (key := self._store.get(scope, name))]
        if passing:
            self._passing[scope].remove(passing[0].name)
            self._store.remove(passing[0])
            self._note(passing[0], "removed", after)
        else:
            self._note(self._added(scope, now), "added", after)
        return True

    def _added(self, scope: Scope, now: dt.datetime) -> StoredKey:
        sequence = self._store.next_sequence()
        names = (f"passing-{number}" for number in itertools.count(sequence))
        name = next(name for name in names if self._store.get(scope, name) is None)
        family = FAMILIES[scope.family]
        values: dict[str, Value] = {entry.name: entry.default for entry in family.fields}
        if family.references:
            values[family.references] = ()
        key = StoredKey(scope=scope, name=name, sequence=sequence, created_at=now, values=values)
        self._store.put(key)
        self._passing.setdefault(scope, []).append(name)
        return key

    def after_patch(self, *, after: int, now: dt.datetime) -> bool:
        """Change a field of some key, if the faults require a write after this PATCH."""
        number = self._injector.concurrent_write()
        # Sorted: requests in parallel make keys in any order, and the choice is to be the same.
        keys = (
            [] if number is None else sorted(self._store.everything(), key=lambda key: (key.scope, key.name))
        )
        if not keys:
            return False
        draw = random.Random(f"{self._injector.faults.seed}/{number}")  # noqa: S311 - has to be repeatable
        key = draw.choice(keys)
        family = FAMILIES[key.scope.family]
        field = draw.choice(family.patchable)
        value = key.values[field]
        other = _set_expiry(now) if value is None and field == family.expiry else _other(value, number or 0)
        changed = replace(key, values={**key.values, field: other})
        self._store.put(changed)
        old, new = canonical_document(key)[field], canonical_document(changed)[field]
        self._note(changed, "changed", after, field=field, old=old, new=new)
        self._injector.count("concurrent_write")
        return True

    def _note(
        self, key: StoredKey, action: Literal["added", "removed", "changed"], after: int, **change: Any
    ) -> None:
        scope = key.scope
        done = Disturbance(
            after=after, action=action, family=scope.family, scope=scope.label, name=key.name, **change
        )
        with self._lock:
            self._done.append(done)


def _set_expiry(now: dt.datetime) -> dt.datetime:
    """Return an expiry for a key that had none."""
    return now.replace(microsecond=0) + _A_YEAR


def _other(value: Value, number: int) -> Value:
    """Return a value of the same field that differs from ``value``; null counts as a text."""
    match value:
        case bool():
            return not value
        case str() | None:
            text = f"changed by another writer ({number})"
            return text if text != value else f"{text} again"
        case tuple():
            return value[1:] if value else (Reference("other", f"another-writer-{number}"),)
        case dt.datetime():
            return None
