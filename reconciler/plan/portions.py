"""How many more keys a set of files may end before their apply exceeds the limit of revocations. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.limits import Count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.plan.limits import Share


class Portions:
    """The remainder of the limit in each scope, or in total if the limit counts keys of a plan.

    Keys that the files already revoke count too. If the limit is below one key, one is allowed: otherwise
    nothing would ever be proposed, and it would stay unnoticed that the limit must be raised.
    """

    def __init__(self, limit: Count | Share, plans: Iterable[Plan]) -> None:
        """Count what ``plans`` of the scopes, with the present files, revoke."""
        self._limit = limit
        self._observed: dict[Scope, int] = {}
        self._revoked: set[tuple[Scope, str]] = set()
        for plan in plans:
            self._observed |= plan.observed
            self._revoked |= {(change.scope, change.name) for change in plan.changes if change.effect.revokes}

    def has_room(self, scope: Scope, name: str) -> bool:
        """Return whether a key may lose access in the next apply, or does so already."""
        most = self._limit.most(self._observed[scope])
        is_whole = isinstance(self._limit, Count)
        used = sum(is_whole or other == scope for other, _ in self._revoked)
        return most is None or (scope, name) in self._revoked or used < max(most, 1)

    def take(self, scope: Scope, name: str) -> None:
        """Count a key that loses access in the next apply."""
        self._revoked.add((scope, name))
