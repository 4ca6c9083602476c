"""The begin of a rotation as an edit of a file: a successor, and an end for the key whose place it takes."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final, NoReturn

from reconciler.adopt.declaration import declaration
from reconciler.adopt.edits import GONE
from reconciler.adopt.rotate import set_overlap_end
from reconciler.errors import ConfigurationError
from reconciler.kinds.packaged import document_schema
from reconciler.kinds.rotation import Ends, ends_of, rotation_fault
from reconciler.model.canonical import format_instant
from reconciler.model.frozen import dataclass
from reconciler.model.policy import ALIAS, NUMBER, after, next_whole_day, whole_day
from reconciler.plan.changes import created_instant
from reconciler.plan.portions import Proposed
from reconciler.plan.rotation import overlap_end
from reconciler.validate.schema import SchemaChecker

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from reconciler.adopt.located import Located
    from reconciler.model.policy import RotatePolicy
    from reconciler.model.scope import Scope

_OF_ONE_KEY: Final = frozenset({"rotates", "until", "alias"})
"""Members of a lifecycle that say something of one key alone: its successor has its own."""
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {}, False)


@dataclass(frozen=True, slots=True)
class Begun:
    """A rotation that was begun: both names, and the end of the overlap, None where there is none."""

    scope: Scope
    old: str
    new: str
    end: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Succession:
    """A key that is to be rotated, and all that decides how.

    ``live`` is the live key, ``taken`` are all declared and live names of its scope. ``before`` is the key
    whose place this one takes, if it still does: it works until the new successor takes over, if it is live.
    """

    one: Located
    live: Mapping[str, Any]
    taken: Collection[str]
    policy: RotatePolicy
    now: dt.datetime
    before: Located | None = None
    live_before: Mapping[str, Any] | None = None

    def begin(self) -> Begun:
        """Make the edits: a successor behind the key, whose own access ends after an overlap.

        Raises ConfigurationError for a key that cannot be rotated.
        """
        self._check()
        if (expiry := self._expiry()) is not None and expiry <= self.now:
            advice = "an overlap would make it valid again; use --now for a successor without an overlap"
            self._refuse(f"it expired at {format_instant(expiry)}, and {advice}")
        end, ends = self._end(), self._ends
        name = self._succeeded(end, None if ends.can_change else end)
        if ends.expiry is not None and ends.can_change:
            self.one.set(ends.expiry, format_instant(end))
        return Begun(self.one.scope, self.one.key.name, name, end)

    @property
    def proposed(self) -> Proposed:
        """Return what the begin does in the next apply: a successor, and an earlier end of the key."""
        ends = self._ends
        changes = revokes = ends.expiry is not None and ends.can_change
        if changes:
            expiry = ends.expires_at(self.live)
            revokes = expiry is None or self._end() < expiry
        return Proposed(self.one.scope, self.one.key.name, revokes, changes, creates=True)

    def begin_at_once(self) -> Begun:
        """Make the edits without an overlap: the key loses its access in the plan that creates its successor.

        It is switched off, or deleted where its kind has no switch. Raises ConfigurationError for a key that
        cannot be rotated.
        """
        self._check()
        name = self._succeeded(self.now, None if self._ends.switch is None else self.now)
        self._cut()
        return Begun(self.one.scope, self.one.key.name, name, None)

    def end_at_once(self, successor: Located) -> Begun:
        """Make the edits that end an overlap: the key has leaked, and has this successor already.

        Raises ConfigurationError for a key whose access ends already, or must not.
        """
        self._check()
        if self._ends.switch is not None:
            until = {"until": format_instant(self.now)}
            successor.set("lifecycle", {**successor.written["lifecycle"], **until})
        self._cut()
        return Begun(self.one.scope, self.one.key.name, successor.key.name, None)

    def _cut(self) -> None:
        """End the access of the key, by its switch or else by its deletion."""
        if self._ends.switch is None:
            self.one.set("state", "absent")
        else:
            self.one.set(self._ends.switch, value=True)

    @property
    def _ends(self) -> Ends:
        return ends_of(self.one.kind)

    def _check(self) -> None:
        """Raise ConfigurationError for a key that cannot be rotated."""
        key, ends, rules = self.one.key, self._ends, self.one.key.lifecycle
        if fault := rotation_fault(self.one.kind):
            self._refuse(fault)
        if key.is_absent:
            self._refuse("it is declared absent")
        if (owner := self.one.kind.owner(self.live)) is not None:
            self._refuse(f"it is managed elsewhere ({owner})")
        for rule in ("prevent_destroy", "prevent_revoke"):
            if getattr(rules, rule):
                self._refuse(f"its lifecycle has {rule}, and its access would end; remove the rule first")
        if not rules.ignore_changes.isdisjoint(filter(None, (ends.expiry, ends.switch))):
            self._refuse(
                "its lifecycle ignores changes of its expiry or switch (ignore_changes); remove that first"
            )
        if ends.is_off(self.live) or ends.is_off(key.fields):
            self._refuse(f"{ends.switch} is true, so it has no access; declare it absent instead")

    def _refuse(self, reason: str) -> NoReturn:
        raise ConfigurationError(f"{self.one.key.position}: {self.one.address} cannot be rotated: {reason}")

    def _expiry(self) -> dt.datetime | None:
        """Return when the key expires by its files."""
        return self._ends.expires_at(self.one.key.fields)

    def _end(self) -> dt.datetime:
        """Return the end of the overlap: not beyond an expiry that cannot change."""
        expiry = self._expiry()
        if expiry is not None and not self._ends.can_change:
            return min(next_whole_day(after(self.now, self.policy.overlap)), expiry)
        return self.policy.overlap_end(self.now, created_instant(self.one.kind, self.live), expiry)

    def _succeeded(self, end: dt.datetime, until: dt.datetime | None) -> str:
        """Add the successor behind the key, and return its name; ``end`` is that of the overlap."""
        one = self.one
        alias = one.key.lifecycle.alias or one.key.name
        name = self._next_name(alias)
        inherited = {n: v for n, v in one.written.get("lifecycle", {}).items() if n not in _OF_ONE_KEY}
        said = {} if until is None else {"until": format_instant(until)}
        lifecycle = {**inherited, "rotates": one.key.name, **said, "alias": alias}
        one.file.edits.add_behind(one.place, {**self._fields(name, end), "lifecycle": lifecycle})
        if self.before is not None and self.live_before is not None:
            self._prolong(self.before, self.live_before)
        return name

    def _fields(self, name: str, end: dt.datetime) -> Mapping[str, Any]:
        """Return the fields of the successor: those of the key, declared or live, and a new expiry."""
        kind, key, ends = self.one.kind, self.one.key, self._ends
        needed = kind.create_requires or ()
        shown = declaration(kind, self.live, SchemaChecker(document_schema(), kind)).fields
        more = {
            field: value
            for field, value in shown.items()
            if field not in key.fields and (value not in _EMPTY or field in needed)
        }
        fields = {kind.identity: name, **more, **self.one.fields, kind.identity: name}
        fields.pop(ends.switch or "", None)
        expires = ends.expiry is not None and (key.fields.get(ends.expiry) or self.live.get(ends.expiry))
        if ends.expiry is None or not (expires or self.policy.max_total or self.policy.must_end):
            return fields
        life = min(filter(None, (self.policy.to, self.policy.max_total)))
        fields.pop(ends.expiry, None)
        expiry = whole_day(after(self.now, life))
        if expiry <= end:
            times = f"at {format_instant(expiry)}, and the overlap ends at {format_instant(end)}"
            self._refuse(f"its successor would expire {times}; it must live longer (--to, max_total)")
        return {kind.identity: fields.pop(kind.identity), ends.expiry: format_instant(expiry), **fields}

    def _next_name(self, alias: str) -> str:
        """Return the name of the successor: with the first number behind that of the key that is free."""
        kind, pattern = self.one.kind, self.policy.name.replace(ALIAS, alias)
        head, _, tail = pattern.partition(NUMBER)
        own = self.one.key.name.removeprefix(head).removesuffix(tail)
        is_numbered = own.isdecimal() and self.one.key.name == pattern.replace(NUMBER, own)
        start = max(int(own) if is_numbered else 1, 1) + 1
        names = (pattern.replace(NUMBER, str(number)) for number in count(start))
        name = next(name for name in names if name not in self.taken)
        violations = SchemaChecker(document_schema(), kind).violations({"keys": [{kind.identity: name}]})
        if any(violation.path[-1:] == (kind.identity,) for violation in violations):
            longest = kind.schema["properties"][kind.identity].get("maxLength")
            limit = (
                "" if longest is None or len(name) <= longest else f", which has at most {longest} characters"
            )
            self._refuse(f"{name} cannot be a name{limit}; choose another pattern (rotate: {{name: …}})")
        return name

    def _prolong(self, before: Located, live: Mapping[str, Any]) -> None:
        """Move the end of the earlier key, whose successor is replaced by this one: its overlap restarts.

        An earlier key that was to be deleted because its overlap has passed is retained; one that has leaked
        is not.
        """
        kind, ends, end = before.kind, self._ends, overlap_end(before.kind, before.key, self.one.key)
        later = self.policy.overlap_end(self.now, created_instant(kind, live), ends.expires_at(live))
        has_passed = end is not None and end <= self.now
        if ends.is_off(before.key.fields) or (before.key.is_absent and not has_passed):
            return
        if later <= max(end or self.now, self.now):
            return
        if before.key.is_absent:
            before.set("state", GONE)
        set_overlap_end(before, self.one, later)
