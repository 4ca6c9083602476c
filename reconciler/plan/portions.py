"""How many more keys a set of files may end or change before their apply exceeds its limits. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.plan.limits import Count, Limits, Share


@dataclass(frozen=True, slots=True)
class Proposed:
    """The proposed effect of edits on a key in the next apply, and whether they create a successor."""

    scope: Scope
    name: str
    revokes: bool = False
    changes: bool = True
    creates: bool = False


class Portions:
    """The remainder of the limits in each scope, or in total if a limit counts keys of a plan.

    Keys that the files already revoke or change count too. If a limit is below one key, one is allowed:
    otherwise nothing would ever be proposed, and it would stay unnoticed that the limit must be raised.
    """

    def __init__(self, limits: Limits, plans: Iterable[Plan]) -> None:
        """Count what ``plans`` of the scopes, with the present files, revoke and change."""
        every = tuple(plans)
        observed = {scope: count for plan in every for scope, count in plan.observed}
        changes = [change for plan in every for change in plan.changes]
        self._revoked = _Portion(limits.revoked, observed)
        self._changed = _Portion(limits.changed, observed)
        self._changed.take({(one.scope, one.name, False) for one in changes})
        self._revoked.take({(one.scope, one.name, False) for one in changes if one.effect.revokes})

    def shortage(self, one: Proposed) -> str:
        """Return why a key must wait for another run, empty if the proposal is within the limits."""
        ended, changed, created = _keys_of(one)
        if not self._revoked.has_room(one.scope, ended):
            return f"one apply may take access from {self._revoked.words} (--max-revoked)"
        if not self._changed.has_room(one.scope, changed | created):
            return f"one apply may change {self._changed.words} (--max-changes)"
        return ""

    def take(self, one: Proposed) -> None:
        """Count what is proposed."""
        ended, changed, created = _keys_of(one)
        self._revoked.take(ended)
        self._changed.take(changed | created)


_Key = tuple["Scope", str, bool]
"""A key, or the successor of it that has no name yet."""


def _keys_of(one: Proposed) -> tuple[set[_Key], set[_Key], set[_Key]]:
    """Return the keys that end, change and are created."""
    old, successor = (one.scope, one.name, False), (one.scope, one.name, True)
    return (
        {old} if one.revokes else set(),
        {old} if one.changes else set(),
        {successor} if one.creates else set(),
    )


class _Portion:
    """The remainder of one limit."""

    def __init__(self, limit: Count | Share | None, observed: Mapping[Scope, int]) -> None:
        self._limit, self._observed = limit, observed
        self._used: set[_Key] = set()
        self._counts = Counter["Scope"]()

    @property
    def words(self) -> str:
        """Return the limit in words."""
        return "" if self._limit is None else self._limit.words

    def has_room(self, scope: Scope, keys: set[_Key]) -> bool:
        """Return whether these keys are within the limit in addition, or are counted already."""
        most = None if self._limit is None else self._limit.most(self._observed[scope])
        if self._limit is None or most is None:
            return True
        used, more = self._limit.used(self._counts, scope), len(keys - self._used)
        return not more or not used or used + more <= most

    def take(self, keys: set[_Key]) -> None:
        """Count keys, each once."""
        self._counts.update(scope for scope, *_ in keys - self._used)
        self._used |= keys
