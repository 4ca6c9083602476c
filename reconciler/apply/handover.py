"""From a key to its successor, in an order that leaves a valid key and its secret at every step.

1. The place of the secret, and that of its alias, are probed.
2. The successor is created.
3. Its secret is stored in its own place.
4. The successor is read back.
5. Its secret is stored under the alias, as the next version of what is there.
6. The key whose place it takes loses its access.

Each step is made only where those before it have succeeded, in this run or in one before. A run that ends
between two of them is repaired by another: what is done already is found where it was put.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import ReconcilerError
from reconciler.model.plan import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.apply.observer import SecretStore
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change
    from reconciler.model.succession import SecretAlias

_NO_STORE: Final = "name the place of secrets with --secret-sink: that of its successor must be there first"


class Handover:
    """Decides whether each rotated key may lose its access; stores secrets under their aliases first."""

    def __init__(
        self, exists: Callable[[Change], bool], secrets: SecretStore | None, outcomes: Iterable[Outcome]
    ) -> None:
        """Store what reads a new key back, and what became of the creations of this run."""
        self._exists = exists
        self._secrets = secrets
        self._created = {one.change.address: one for one in outcomes if one.change.action is Action.CREATE}
        self._faults: dict[str, str] = {}

    def publish(self, aliases: Iterable[SecretAlias]) -> Mapping[str, str]:
        """Store secrets under their aliases; return why that failed, by the address of the key."""
        failed: dict[str, str] = {}
        if self._secrets is None:
            return failed
        for alias in aliases:
            if not self._fault(alias.address) and (problem := self._secrets.publish(alias)):
                self._faults[alias.address] = failed[alias.address] = problem
        return failed

    def obstacle(self, change: Change) -> str:
        """Return why a rotated key must not lose its access yet, empty if it may."""
        address = change.scope.address(change.waits_for or "")
        if fault := self._fault(address):
            return f"{address} takes its place, and is not ready: {fault}"
        if not change.has_secret:
            return ""
        return _NO_STORE if self._secrets is None else self._secrets.missing(change)

    def _fault(self, address: str) -> str:
        """Return why a successor is not there; one that this run did not create was live before."""
        if address not in self._faults:
            outcome = self._created.get(address)
            self._faults[address] = "" if outcome is None else self._of_creation(outcome)
        return self._faults[address]

    def _of_creation(self, outcome: Outcome) -> str:
        if not outcome.result.is_success:
            return ": ".join(filter(None, (outcome.result.value, outcome.detail)))
        try:
            is_there = self._exists(outcome.change)
        except ReconcilerError as error:
            return f"it cannot be read back: {error}"
        return "" if is_there else "it was created, and is not there when it is read back"
