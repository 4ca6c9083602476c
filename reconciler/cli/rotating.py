"""The options of ``rotate``, and the edits that they ask for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from reconciler.adopt.located import Located
from reconciler.adopt.rotate import abort, finish
from reconciler.adopt.successor import Begun, Succession
from reconciler.cli.lifetimes import (
    LifetimeOptions,
    lifetime_option,
)
from reconciler.cli.renew import is_due, renewals_of
from reconciler.cli.values import LIMIT, option
from reconciler.errors import ConfigurationError
from reconciler.kinds.ids import clear_key
from reconciler.model.addresses import advice_near
from reconciler.model.desired import DesiredState
from reconciler.model.frozen import dataclass
from reconciler.model.live import LiveScope
from reconciler.model.policy import RenewPolicy, RotatePolicy, renew_policy, rotate_policy
from reconciler.model.scope import Scope
from reconciler.plan.limits import DEFAULT_REVOKED, Count, Share
from reconciler.plan.portions import Portions
from reconciler.plan.rotation import Rotation, rotations
from reconciler.render.lifetimes import begun_line, step_line


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateOptions(LifetimeOptions):
    """The options of ``rotate``."""

    addresses: tuple[str, ...]
    now: bool = option(
        "For a leak: no overlap, or the end of it; the key loses access once its successor is there."
    )
    finish: bool = option("Write the next step of rotations whose overlap has passed, or whose key is gone.")
    abort: bool = option("Undo a rotation whose successor is not live yet.")
    due: bool = option("Begin the rotation of each key that renew names for it.")
    overlap: str | None = lifetime_option("How long both keys work.  [default: 7d]", needs=("!abort",))
    to: str | None = lifetime_option(
        "How long the successor lives.  [default: that of renew, or 180d; forever if the key does]",
        needs=("!abort", "!finish"),
    )
    max_revoked: Count | Share | None = option(
        "With --due and --finish: propose no more than what one apply may take access from, N keys or P% of a"
        f" scope.  [default: {DEFAULT_REVOKED.words}]",
        type=LIMIT,
    )

    @property
    def limit(self) -> Count | Share:
        """Return the limit of what one apply may revoke."""
        return self.max_revoked or DEFAULT_REVOKED

    @property
    def is_scheduled(self) -> bool:
        """Return whether the command finds the keys itself, so that one does not stop others."""
        return (self.due or self.finish) and not self.addresses

    def renewal(self, one: Located) -> RenewPolicy | None:
        """Return the policy by which a key is renewed."""
        return renew_policy(*self.layers("renew", {"to": self.to}, one.renew))

    def policy(self, one: Located) -> RotatePolicy:
        """Return the policy of a key: what options say, then its document, then the configuration."""
        policy = rotate_policy(
            self.layers("renew", {"to": self.to}, one.renew),
            self.layers("rotate", {"overlap": self.overlap}, one.rotate),
        )
        return replace(policy, must_end=self.to is not None)


class EditReport:
    """What people are to know of edits: lines, warnings, and the addresses of keys that wait."""

    def __init__(self) -> None:
        """Make an empty report."""
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.waiting: list[str] = []


@dataclass(frozen=True, slots=True)
class RotatedKeys:
    """Declared keys by their addresses, where they are written, and the live keys of their scopes.

    Files that are ``refused`` stay as they are. ``portions`` say what may be proposed in a scheduled run.
    """

    options: RotateOptions
    state: DesiredState
    located: Mapping[str, Located]
    live: Mapping[Scope, LiveScope]
    now: dt.datetime
    refused: Collection[str]
    portions: Portions | None
    report: EditReport = field(default_factory=EditReport)

    def key(self, address: str) -> Located:
        """Return a declared key. Raises ConfigurationError if there is none."""
        found = self.located.get(address)
        if found is None:
            near = advice_near(address, self.located)
            raise ConfigurationError(f"{address} is not declared in these files{near}")
        return found

    def row(self, one: Located) -> Mapping[str, Any]:
        """Return the live key. Raises ConfigurationError if there is none, or more than one of its name."""
        live = clear_key(one.kind, self.live[one.scope], one.key.name)
        if live is None:
            message = f"{one.address} is not live, so there is nothing to rotate; apply creates it"
            raise ConfigurationError(f"{one.key.position}: {message}")
        return live

    def rotations(self, addresses: Sequence[str]) -> list[Rotation]:
        """Return the declared rotations: of these keys, or all."""
        found: list[Rotation] = []
        for part in self.state.scopes:
            kind = next((one.kind for one in self.located.values() if one.scope == part.scope), None)
            if kind is not None and part.scope in self.live:
                found += rotations(kind, part.scope, part.keys, self.live[part.scope].keys)
        return [
            one for one in found if not addresses or not {one.address, one.successor}.isdisjoint(addresses)
        ]

    def begun(self, addresses: Sequence[str]) -> Iterator[str]:
        """Start rotations, and yield a line about each. One that is not asked for by its name may fail."""
        taken, successors = self._taken(), self._successors()
        for address in dict.fromkeys(addresses):
            try:
                one = self.key(address)
                successor = successors.get((one.scope, one.key.name))
                found = self._begun(one, successor, taken[one.scope])
            except ConfigurationError as error:
                if not self.options.due:
                    raise
                self.report.warnings.append(str(error))
                continue
            if found is None:
                continue
            taken[found.scope].add(found.new)
            yield begun_line(found.scope.address(found.old), found.new, found.end)

    def _taken(self) -> Mapping[Scope, set[str]]:
        """Return the names that no successor can get, in each scope: live ones, declared ones, aliases."""
        taken = {scope: set(part.keys) for scope, part in self.live.items()}
        for one in self.located.values():
            if one.scope in taken:
                taken[one.scope].update(filter(None, (one.key.name, one.key.lifecycle.alias)))
        return taken

    def _successors(self) -> Mapping[tuple[Scope, str], Located]:
        """Return the declared successor of each rotated key."""
        return {
            (one.scope, one.key.lifecycle.rotates): one
            for one in self.located.values()
            if one.key.lifecycle.rotates is not None
        }

    def _may_end(self, one: Located) -> bool:
        """Return whether a key may lose access in the next apply; if not, it waits."""
        has_room = self.portions is None or self.portions.has_room(one.scope, one.key.name)
        self.report.waiting.extend([] if has_room else [one.address])
        return has_room

    def _ended(self, one: Located) -> None:
        """Count a key that loses access in the next apply."""
        if self.portions is not None:
            self.portions.take(one.scope, one.key.name)

    def _begun(self, one: Located, successor: Located | None, taken: Collection[str]) -> Begun | None:
        """Start a rotation, or end its overlap; return None for one that waits, or whose file is refused.

        ``taken`` are the names of the scope that its successor cannot get.
        """
        before = one.key.lifecycle.rotates
        earlier = None if before is None else self.located.get(one.scope.address(before))
        if any(each is not None and each.key.source in self.refused for each in (one, earlier)):
            return None
        succession = Succession(one, self.row(one), taken, self.options.policy(one), self.now, earlier)
        if successor is None and self.options.now:
            return succession.begin_at_once()
        if successor is None:
            revokes = succession.revokes
            if revokes and not self._may_end(one):
                return None
            found = succession.begin()
            if revokes:
                self._ended(one)
            return found
        if self.options.now:
            return succession.end_at_once(successor)
        name = successor.key.name
        raise ConfigurationError(
            f"{successor.key.position}: {one.address} is being rotated: {name} takes its place; --abort "
            f"undoes that before it is applied, --now ends the overlap, and --now with "
            f"{name} replaces the successor"
        )

    def finished(self, addresses: Sequence[str]) -> Iterator[str]:
        """Write the next steps of rotations, and yield a line about each; one of a chain at a time."""
        touched: set[str] = set()
        latest = dt.datetime.max.replace(tzinfo=dt.UTC)
        for rotation in sorted(self.rotations(addresses), key=lambda one: one.end or latest):
            both = {rotation.address, rotation.successor}
            if not touched.isdisjoint(both):
                continue
            old, new = self.key(rotation.address), self.key(rotation.successor)
            if not {old.key.source, new.key.source}.isdisjoint(self.refused):
                continue
            may_end = self.portions is None or self.portions.has_room(old.scope, old.key.name)
            step = finish(rotation, old, new, self.options.policy(old), self.now, may_end=may_end)
            if step.revokes and self._may_end(old):
                self._ended(old)
            touched |= both if step.is_edit else set()
            yield step_line(step.rotation, step.text)

    def undone(self, addresses: Sequence[str]) -> Iterator[str]:
        """Undo rotations, and yield a line about each."""
        for address in addresses:
            found = self.rotations([address])
            if len(found) != 1:
                which = "takes part in two rotations; name the other key" if found else "is not being rotated"
                raise ConfigurationError(f"{self.key(address).key.position}: {address} {which}")
            (rotation,) = found
            old = self.key(rotation.address)
            abort(rotation, old, self.key(rotation.successor), self.row(old))
            yield step_line(rotation, "undone")

    def due(self) -> list[str]:
        """Return the addresses of keys that a renewal names for rotation, first to end first."""
        near = [one for one in self.located.values() if is_due(one, self.options.renewal(one), self.now)]
        found = renewals_of(near, self.options.renewal, self.live, self.state, self.now)
        due = [one for one in found if one.is_for_rotation]
        return [one.address for one in sorted(due, key=lambda one: (one.latest or self.now, one.address))]

    def edit(self, addresses: Sequence[str]) -> None:
        """Make the edits that the options ask for, and collect the lines about them."""
        if self.options.finish:
            self.report.lines.extend(self.finished(addresses))
        elif self.options.abort:
            self.report.lines.extend(self.undone(addresses))
        else:
            self.report.lines.extend(self.begun(self.due() if self.options.due else addresses))
