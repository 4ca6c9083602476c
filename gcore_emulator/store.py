"""The keys in memory, in the order of lists; `persistence` can store them on disk."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from gcore_emulator.families import FAMILIES

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

    from gcore_emulator.keys import Scope, StoredKey
    from gcore_emulator.switches import Switches


class Storage(Protocol):
    """Stores keys between two runs; each call is atomic."""

    fresh: bool

    def load(self) -> Iterable[StoredKey]:
        """Return every key."""
        ...

    def save(self, keys: Sequence[StoredKey]) -> None:
        """Store these keys in place of those with the same names."""
        ...

    def remove(self, key: StoredKey) -> None:
        """Delete a key."""
        ...

    def close(self) -> None:
        """Close files."""
        ...


class KeyStore:
    """All keys, written through to a storage.

    Hold ``lock`` around every use: responses come from the server's thread, and a test may read from its own.
    """

    def __init__(self, storage: Storage, switches: Switches, random: random.Random) -> None:
        """Load the keys in the storage."""
        self.lock = threading.RLock()
        self._storage = storage
        self._random = random if switches.order == "random" else None
        self._scopes: dict[Scope, dict[str, StoredKey]] = {}
        self._orders: dict[Scope, list[str]] = {}
        self._last_sequence = 0
        for key in storage.load():
            self._scopes.setdefault(key.scope, {})[key.name] = key
            self._last_sequence = max(self._last_sequence, key.sequence)

    def next_sequence(self) -> int:
        """Return the number of the next creation."""
        return self._last_sequence + 1

    def get(self, scope: Scope, name: str) -> StoredKey | None:
        """Find one key."""
        return self._scopes.get(scope, {}).get(name)

    def all(self, scope: Scope) -> tuple[StoredKey, ...]:
        """Return every key of a scope, in no particular order."""
        return tuple(self._scopes.get(scope, {}).values())

    def everything(self) -> tuple[StoredKey, ...]:
        """Return every key there is, in no particular order."""
        return tuple(key for keys in self._scopes.values() for key in keys.values())

    def put(self, *keys: StoredKey) -> None:
        """Store keys, new ones or new versions, all or none of them."""
        self._storage.save(keys)
        for key in keys:
            if self._scopes.setdefault(key.scope, {}).get(key.name) is None:
                self._orders.pop(key.scope, None)
            self._scopes[key.scope][key.name] = key
            self._last_sequence = max(self._last_sequence, key.sequence)

    def remove(self, key: StoredKey) -> None:
        """Remove a key."""
        self._storage.remove(key)
        del self._scopes[key.scope][key.name]
        self._orders.pop(key.scope, None)

    def page(self, scope: Scope, offset: int, limit: int) -> tuple[int, Sequence[StoredKey]]:
        """Return the number of all keys in ``scope`` and at most ``limit`` of them after ``offset``."""
        keys = self._scopes.get(scope, {})
        if offset == 0 and self._is_shuffled(scope):
            # The order applies to the following pages, so that one listing sees every key.
            self._orders.pop(scope, None)
        if scope not in self._orders:
            self._orders[scope] = self._ordered(scope)
        return len(keys), [keys[name] for name in self._orders[scope][offset : offset + limit]]

    def _ordered(self, scope: Scope) -> list[str]:
        keys = self._scopes.get(scope, {}).values()
        newest_first = sorted(keys, key=lambda key: (key.created_at, key.sequence), reverse=True)
        names = [key.name for key in newest_first]
        if self._random and self._is_shuffled(scope):
            self._random.shuffle(names)
        return names

    def _is_shuffled(self, scope: Scope) -> bool:
        """Return whether lists of a scope have no order; those with ``order_by`` always have one."""
        return self._random is not None and not FAMILIES[scope.family].listing.orders
