"""The edits of rotations of declared keys, as a request asks for them, and the report about them."""

from __future__ import annotations

import datetime as dt
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.adopt.renew import near_keys, renewals_of
from reconciler.adopt.rotate import abort, deleted, finish, left
from reconciler.adopt.successor import Begun, Succession
from reconciler.errors import ConfigurationError
from reconciler.kinds.ids import clear_key
from reconciler.model.addresses import advice_near
from reconciler.model.frozen import dataclass
from reconciler.plan.portions import Portions, Proposed
from reconciler.plan.rotation import Rotation, rotations
from reconciler.render.lifetimes import begun_line, step_line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from reconciler.adopt.editing import Declarations
    from reconciler.adopt.located import Located
    from reconciler.adopt.renew import PolicyOf
    from reconciler.model.live import LiveScope
    from reconciler.model.policy import RotatePolicy
    from reconciler.model.scope import Scope
    from reconciler.plan.limits import Limits


class Mode(StrEnum):
    """The operation on rotations."""

    BEGIN = "begin"
    """Declare successors."""
    NOW = "now"
    """Declare successors without an overlap, or end that."""
    FINISH = "finish"
    """Make the next step of rotations."""
    ABORT = "abort"
    """Undo rotations of which nothing was applied."""
    DUE = "due"
    """Declare successors of the keys that a renewal reports for rotation."""


@dataclass(frozen=True, slots=True)
class Request:
    """The requested operation on the keys at ``addresses``; without any, policies select the keys.

    ``limits`` are those of one apply.
    """

    mode: Mode
    addresses: Sequence[str]
    limits: Limits
    renewal: PolicyOf
    policy: Callable[[Located], RotatePolicy]

    @property
    def is_scheduled(self) -> bool:
        """Return whether policies select the keys, so that an error of one does not stop others."""
        return self.mode in {Mode.DUE, Mode.FINISH} and not self.addresses


class Report:
    """The report about edits: lines, warnings, and why keys wait, by address.

    ``unchanged`` are lines about rotations whose files do not change.
    """

    def __init__(self) -> None:
        """Make an empty report."""
        self.lines: list[str] = []
        self.unchanged: list[str] = []
        self.warnings: list[str] = []
        self.waiting: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class RotationEdits:
    """The edits of rotations: of declared keys by address, with the live keys of their scopes.

    Keys that are ``refused``, by address, are not edited. ``portions`` limit the proposals of a scheduled
    run.
    """

    request: Request
    declared: Declarations
    located: Mapping[str, Located]
    live: Mapping[Scope, LiveScope]
    refused: Collection[str]
    portions: Portions | None
    report: Report = field(default_factory=Report)

    def key(self, address: str) -> Located:
        """Return a declared key. Raises ConfigurationError if there is none."""
        found = self.located.get(address)
        if found is None:
            near = advice_near(address, self.located)
            raise ConfigurationError(f"{address} is not declared in these files{near}")
        return found

    def row(self, one: Located) -> Mapping[str, Any]:
        """Return the live key. Raises ConfigurationError if there is none, or several have its name."""
        live = self._live(one)
        if live is None:
            message = f"{one.address} is not live, so there is nothing to rotate; apply creates it"
            raise ConfigurationError(f"{one.key.position}: {message}")
        return live

    def _live(self, one: Located) -> Mapping[str, Any] | None:
        return clear_key(one.kind, self.live[one.scope], one.key.name)

    def rotations(self, addresses: Sequence[str]) -> list[Rotation]:
        """Return the declared rotations: of these keys, or all."""
        found: list[Rotation] = []
        for part in self.declared.state.scopes:
            if part.scope in self.live:
                kind = self.declared.kinds[part.scope.kind]
                found += rotations(kind, part.scope, part.keys, self.live[part.scope].keys)
        return [
            one for one in found if not addresses or not {one.address, one.successor}.isdisjoint(addresses)
        ]

    def begun(self, addresses: Sequence[str]) -> Iterator[str]:
        """Start rotations, and yield a line about each. A key that was not requested by name may fail."""
        taken, successors = self._taken(), self._successors()
        for address in dict.fromkeys(addresses):
            try:
                one = self.key(address)
                successor = successors.get((one.scope, one.key.name))
                found = self._begun(one, successor, taken[one.scope])
            except ConfigurationError as error:
                if self.request.mode is not Mode.DUE:
                    raise
                self.report.warnings.append(str(error))
                continue
            if found is None:
                continue
            taken[found.scope].add(found.new)
            yield begun_line(found.scope.address(found.old), found.new, found.end)

    def _taken(self) -> Mapping[Scope, set[str]]:
        """Return the names that a successor cannot get, in each scope: live and declared ones, aliases."""
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

    def _waits(self, one: Proposed) -> bool:
        """Return whether a key waits, because one apply may not do what is proposed."""
        shortage = "" if self.portions is None else self.portions.shortage(one)
        if shortage:
            self.report.waiting[one.scope.address(one.name)] = shortage
        return bool(shortage)

    def _take(self, one: Proposed) -> None:
        """Count what the next apply does."""
        if self.portions is not None:
            self.portions.take(one)

    def _begun(self, one: Located, successor: Located | None, taken: Collection[str]) -> Begun | None:
        """Start a rotation, or end its overlap; return None for one that waits or is refused.

        ``taken`` are the names of the scope that its successor cannot get.
        """
        before = one.key.lifecycle.rotates
        earlier = None if before is None else self.located.get(one.scope.address(before))
        if any(each is not None and each.address in self.refused for each in (one, earlier)):
            return None
        policy, now = self.request.policy(one), self.declared.now
        live_before = None if earlier is None else self._live(earlier)
        succession = Succession(one, self.row(one), taken, policy, now, earlier, live_before)
        if successor is None and self.request.mode is Mode.NOW:
            return succession.begin_at_once()
        if successor is None:
            proposed = succession.proposed
            if self._waits(proposed):
                return None
            found = succession.begin()
            self._take(proposed)
            return found
        if self.request.mode is Mode.NOW:
            return succession.end_at_once(successor)
        name = successor.key.name
        raise ConfigurationError(
            f"{successor.key.position}: {one.address} is already being rotated to {name}; use --abort "
            f"to undo that before it is applied, --now to end the overlap, or --now with "
            f"{name} to replace the successor"
        )

    def finished(self, addresses: Sequence[str]) -> Iterator[str]:
        """Write the next steps of rotations, and yield a line about each; one of a chain at a time."""
        touched: set[str] = set()
        latest = dt.datetime.max.replace(tzinfo=dt.UTC)
        for rotation in sorted(self.rotations(addresses), key=lambda one: one.end or latest):
            both = {rotation.address, rotation.successor}
            if not both.isdisjoint({*touched, *self.refused}):
                continue
            old, new = self.key(rotation.address), self.key(rotation.successor)
            end = Proposed(old.scope, old.key.name, revokes=True)
            last = deleted if self.portions is None or not self.portions.shortage(end) else left
            step = finish(rotation, old, new, self.request.policy(old), self.declared.now, end=last)
            if step.revokes and not self._waits(end):
                self._take(end)
            touched |= both if step.is_edit else set()
            line = step_line(step.rotation, step.text)
            if step.is_edit:
                yield line
            else:
                self.report.unchanged.append(line)

    def undone(self, addresses: Sequence[str]) -> Iterator[str]:
        """Undo rotations, and yield a line about each."""
        for address in addresses:
            found = self.rotations([address])
            if len(found) != 1:
                which = "takes part in two rotations; use the other key" if found else "is not being rotated"
                raise ConfigurationError(f"{self.key(address).key.position}: {address} {which}")
            (rotation,) = found
            old = self.key(rotation.address)
            abort(rotation, old, self.key(rotation.successor), self.row(old))
            yield step_line(rotation, "undone")

    def due(self) -> list[str]:
        """Return the addresses of keys that a renewal reports for rotation, first to end first."""
        near = near_keys(self.located.values(), self.request.renewal, self.declared)
        found = renewals_of(near, self.request.renewal, self.live, self.declared)
        due = [one for one in found if one.is_for_rotation]
        now = self.declared.now
        return [one.address for one in sorted(due, key=lambda one: (one.latest or now, one.address))]

    def edit(self) -> None:
        """Make the edits that are asked for, and collect the lines about them."""
        match self.request.mode:
            case Mode.FINISH:
                lines = self.finished(self.request.addresses)
            case Mode.ABORT:
                lines = self.undone(self.request.addresses)
            case Mode.DUE:
                lines = self.begun(self.due())
            case Mode.BEGIN | Mode.NOW:
                lines = self.begun(self.request.addresses)
        self.report.lines.extend(lines)
