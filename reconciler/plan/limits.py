"""Limits on the changes of one run; a plan beyond them is refused. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from reconciler.errors import ConfigurationError
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted, listed
from reconciler.model.source import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.model.plan import Change, Plan
    from reconciler.model.scope import Scope

_SPELLING: Final = expression(r"(?P<number>\d{1,9})(?P<percent>%?)", re.ASCII)
_WHOLE: Final = 100
_NAMED: Final = 20
"""The largest number of keys in a refusal; the plan shows them all."""


@dataclass(frozen=True, slots=True)
class Count:
    """A limit as a number of keys, for the plan as a unit."""

    number: int

    def __str__(self) -> str:
        """Return the limit as written in the option."""
        return str(self.number)

    def most(self, _observed: int) -> int | None:
        """Return the maximum number of keys."""
        return self.number

    @property
    def words(self) -> str:
        """Return the limit with the unit."""
        return f"{counted(self.number, 'key')} of all scopes together"

    @property
    def counts_together(self) -> bool:
        """Return True: the keys of all scopes are counted together."""
        return True

    def used(self, counts: Counter[Scope], _scope: Scope) -> int:
        """Return how many of the counted keys the limit of a scope applies to: all."""
        return counts.total()

    def excesses(self, _plan: Plan, changes: Sequence[Change], verb: str, option: str) -> Iterator[Excess]:
        """Yield one excess if there are more changes than this."""
        if len(changes) > self.number:
            would = f"{verb} {counted(len(changes), 'key')}"
            yield Excess(option, would, f", more than {option} {self}", _addresses(changes))


@dataclass(frozen=True, slots=True)
class Share:
    """A limit as a percentage of the live keys of each scope with at least ``smallest_scope`` keys."""

    percent: int
    smallest_scope: int = 1

    def __str__(self) -> str:
        """Return the limit as written in the option."""
        return f"{self.percent}%"

    def most(self, observed: int) -> int | None:
        """Return the maximum number of keys for ``observed`` live keys of a scope; None if unlimited."""
        return None if observed < self.smallest_scope else observed * self.percent // _WHOLE

    @property
    def words(self) -> str:
        """Return the limit with its base."""
        size = f" with {self.smallest_scope} keys or more" if self.smallest_scope > 1 else ""
        return f"{self} of a scope{size}"

    @property
    def counts_together(self) -> bool:
        """Return False: the keys of each scope are counted alone."""
        return False

    def used(self, counts: Counter[Scope], scope: Scope) -> int:
        """Return how many of the counted keys the limit of a scope applies to: its own."""
        return counts[scope]

    def excesses(self, plan: Plan, changes: Sequence[Change], verb: str, option: str) -> Iterator[Excess]:
        """Yield an excess for each scope with more changes than this."""
        counts = Counter(change.scope for change in changes)
        for scope, observed in plan.observed:
            most = self.most(observed)
            if most is not None and counts[scope] > most:
                there = [change for change in changes if change.scope == scope]
                would = f"{verb} {counts[scope]} of the {observed} keys in {scope}, more than {self}"
                yield Excess(option, would, f"; {option} N or P% allows more", _addresses(there))


DEFAULT_REVOKED: Final = Share(30, smallest_scope=10)
"""What a plan may revoke by default: 30 % of a scope with ten keys or more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one run: how many keys may lose access, and how many may change at all.

    ``"N"`` counts keys, ``"P%"`` is a share of each scope; any other text raises ConfigurationError.
    ``may_destroy`` allows to destroy keys that no file declares, where a scope is exclusive.
    """

    max_revoked: Count | Share | str | int = DEFAULT_REVOKED
    max_changes: Count | Share | str | int | None = None
    may_destroy: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Check the limits."""
        _ = self.revoked, self.changed

    @property
    def count_together(self) -> bool:
        """Return whether at least one limit counts the keys of all scopes together."""
        return any(limit.counts_together for limit in (self.revoked, self.changed) if limit is not None)

    @property
    def revoked(self) -> Count | Share:
        """Return the limit of keys that lose access."""
        return _limit(self.max_revoked)

    @property
    def changed(self) -> Count | Share | None:
        """Return the limit of keys that change, None without one."""
        return None if self.max_changes is None else _limit(self.max_changes)


def _limit(given: Count | Share | str | int) -> Count | Share:
    limit = given if isinstance(given, Count | Share) else parse_limit(str(given))
    if limit is None:
        raise ConfigurationError(
            f"invalid limit {given!r}; use a number of keys, or a percentage such as 30%"
        )
    return limit


def parse_limit(text: str) -> Count | Share | None:
    """Parse ``N`` or ``P%``; return None for any other text."""
    found = _SPELLING.fullmatch(text)
    if found is None:
        return None
    number = int(found["number"])
    if not found["percent"]:
        return Count(number)
    return Share(number) if number <= _WHOLE else None


def with_limit_violations(plan: Plan, limits: Limits) -> Plan:
    """Return ``plan`` with the refusals for the ``limits`` that it exceeds."""
    return replace(plan, refusals=tuple(Problem(reason) for reason in refusals(plan, limits)))


def refusals(plan: Plan, limits: Limits) -> tuple[str, ...]:
    """Return why ``plan`` must not be executed, with the addresses of keys; empty if it may be."""
    return tuple(excess.refusal for excess in excesses(plan, limits))


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that a plan exceeds, the option that allows it, and the keys concerned.

    ``would`` is the operation in a few words, ``advice`` an addition to the refusal.
    """

    option: str
    would: str
    advice: str
    keys: tuple[str, ...]

    @property
    def refusal(self) -> str:
        """Return why the plan is refused."""
        return f"refused: it would {self.would}{self.advice}: {listed(self.keys, _NAMED)}"


def excesses(plan: Plan, limits: Limits) -> Iterator[Excess]:
    """Yield the ``limits`` that ``plan`` exceeds."""
    revoking = tuple(change for change in plan.changes if change.effect.revokes)
    yield from limits.revoked.excesses(plan, revoking, "revoke access of", "--max-revoked")
    if limits.changed is not None:
        yield from limits.changed.excesses(plan, plan.changes, "change", "--max-changes")
    undeclared = [change for change in plan.changes if change.is_undeclared]
    if undeclared and not limits.may_destroy:
        would = f"destroy {counted(len(undeclared), 'key')} that no file declares"
        yield Excess("--allow-destroy", would, "; --allow-destroy allows it", _addresses(undeclared))


def _addresses(changes: Iterable[Change]) -> tuple[str, ...]:
    return tuple(change.address for change in changes)
