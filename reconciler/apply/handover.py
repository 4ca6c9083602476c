"""From a key to its successor, in an order that leaves a valid key and its secret at every step.

1. The sink is probed for the secret and its alias.
2. The successor is created.
3. Its secret is stored under its own name.
4. The successor is read back.
5. Its secret is stored under the alias, as the next version.
6. The rotated key loses its access.

Each step is made only if the steps before it have succeeded, in this run or an earlier one. A run that ends
between two of them is repaired by the next run, which finds the results of completed steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.api.workers import completed
from reconciler.errors import ReconcilerError
from reconciler.kinds.rotation import ended

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reconciler.api.workers import Workers
    from reconciler.apply.observer import SecretStore
    from reconciler.kinds.kind import Kind
    from reconciler.model.live import LiveScope
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change
    from reconciler.model.scope import Scope
    from reconciler.model.succession import SecretAlias

_NO_STORE: Final = "set --secret-sink: the secret of its successor must be stored there first"


class Handover:
    """Decides whether each rotated key may lose its access; stores secrets under their aliases first.

    A plan may have waited, and a successor that was live may be gone or switched off by now: each that a
    change waits for is read back, whether this run created it or not.
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        workers: Workers,
        read: Callable[[Scope, Collection[str]], LiveScope],
        secrets: SecretStore | None,
        outcomes: Iterable[Outcome],
    ) -> None:
        """Store the function that lists the keys of a scope, and the outcomes of this run's creations."""
        self._kinds = kinds
        self._workers = workers
        self._read = read
        self._secrets = secrets
        self._created = {one.change.address: one for one in outcomes if one.change.action.adds}
        self._faults: dict[str, str] = {}

    def read_back(self, waiting: Iterable[Change], aliases: Iterable[SecretAlias], now: dt.datetime) -> None:
        """Read the successors that changes wait for, and new keys with an alias, by scope.

        Those whose creation failed are not read.
        """
        wanted = [(change.scope, change.waits_for or "") for change in waiting]
        wanted += [(alias.scope, alias.name) for alias in aliases if alias.address in self._created]
        names: dict[Scope, set[str]] = {}
        for scope, name in wanted:
            outcome = self._created.get(scope.address(name))
            if outcome is None or outcome.result.is_success:
                names.setdefault(scope, set()).add(name)
            else:
                fault = ": ".join(filter(None, (outcome.result.value, outcome.detail)))
                self._faults[scope.address(name)] = fault
        read = [self._workers.submit(self._of_scope, *item, now) for item in names.items()]
        for part in completed(read):
            self._faults |= part.result()

    def publish(self, aliases: Iterable[SecretAlias]) -> Mapping[str, str]:
        """Store secrets under their aliases; return the failures by the address of the key."""
        failed: dict[str, str] = {}
        if self._secrets is None:
            return failed
        for alias in aliases:
            if not self._faults.get(alias.address) and (problem := self._secrets.publish(alias)):
                self._faults[alias.address] = failed[alias.address] = problem
        return failed

    def obstacle(self, change: Change) -> str:
        """Return why a rotated key must not lose its access yet, empty if it may."""
        address = change.successor or ""
        if fault := self._faults[address]:
            return f"{address} replaces it, and is not ready: {fault}"
        if not change.has_secret:
            return ""
        return _NO_STORE if self._secrets is None else self._secrets.missing(change)

    def _of_scope(self, scope: Scope, names: Collection[str], now: dt.datetime) -> Mapping[str, str]:
        """Return why each of these keys of a scope does not work, empty where it does, by address."""
        try:
            live = self._read(scope, names)
        except ReconcilerError as error:
            return {scope.address(name): f"it cannot be read back: {error}" for name in names}
        kind, faults = self._kinds[scope.kind], dict[str, str]()
        for name in names:
            row = live.keys.get(name)
            fault = "it does not exist when it is read back" if row is None else ended(kind, row, now)
            faults[scope.address(name)] = fault
        return faults
