"""Objects that were renamed, or deleted and created again, where the service makes ids. Pure.

A history has the id of the object that a declared name stood for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.kinds.ids import stood_for
from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass
from reconciler.model.identity import IdentityChange, identity_changes, renaming
from reconciler.model.plan import Action, Change, DriftOrigin, Effect, FieldChange
from reconciler.model.source import Problem
from reconciler.plan.drift import DriftedKey
from reconciler.plan.planning import in_order, with_fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.plan.planning import Selection
    from reconciler.plan.report import DriftReport

KnownIds = Mapping[str, str]
"""The ids of the objects that declared names stood for, by the addresses of the names."""


@dataclass(frozen=True, slots=True)
class _Moved:
    """A declared key whose name now stands for another object, or whose object has another name."""

    kind: Kind
    scope: Scope
    key: DesiredKey
    identity_change: IdentityChange

    @property
    def address(self) -> str:
        """Return the address of the key."""
        return self.scope.address(self.key.name)

    @property
    def problem(self) -> Problem:
        """Return a problem if the key is left to a person, else a warning with the object used now."""
        return Problem(self.identity_change.advice, self.key.position, self.address, is_live=True)

    @property
    def record(self) -> FieldChange:
        """Return the difference as a field change: the name of the object, or the id of the name."""
        kind, identity, origin = self.kind, self.identity_change, DriftOrigin.DRIFT
        if identity.new_name is not None and identity.other_id is None:
            sides = (kind.identity_value(identity.name), kind.identity_value(identity.new_name))
            return FieldChange(kind.identity, *sides, Effect.NEUTRAL, identity.reason, origin=origin)
        sides = (identity.path_id, identity.other_id or "")
        return FieldChange(kind.path_field, *sides, Effect.BOTH, identity.reason, origin=origin)

    def drifted(self, found: DriftedKey | None) -> DriftedKey:
        """Return the drift of the key; ``found`` is that of its fields, if any of them differs."""
        record, identity = self.record, self.identity_change
        path_id = identity.other_id or identity.path_id
        path = self.kind.item_path(self.scope, path_id)
        nothing = Change(self.scope, self.key.name, path, (), {}, {}, {}, self.key.position)
        nothing = replace(nothing, path_id=path_id, api=self.kind.api)
        key = DriftedKey(nothing, ()) if found is None else found
        fields = (record, *key.fields)
        names = [one.field for one in fields] if identity.needs_decision else [record.field]
        return replace(
            key, fields=fields, identity_change=identity, unsent=dict.fromkeys(names, identity.advice)
        )


def key_identity_changes(
    part: DesiredScope, names: Mapping[str, str], known_ids: KnownIds
) -> Iterator[tuple[DesiredKey, IdentityChange]]:
    """Return the declared keys of a scope whose objects have changed, each with how its object has changed.

    ``names`` are those of all live objects by id. A key that is declared absent is one of them only where its
    object lives on under a name that is not declared.
    """
    return _key_identity_changes(part, names, _known(part, known_ids))


def _key_identity_changes(
    part: DesiredScope, names: Mapping[str, str], known: Mapping[str, str]
) -> Iterator[tuple[DesiredKey, IdentityChange]]:
    found = identity_changes(known, names)
    declared = {key.name: key for key in part.keys} if found else {}
    for name, identity in found.items():
        is_unwanted = declared[name].is_absent
        lives_on = identity.is_rename and identity.other_id is None and identity.new_name not in declared
        if not is_unwanted or (lives_on and part.exclusive is None):
            yield declared[name], replace(identity, is_unwanted=is_unwanted)


def _known(part: DesiredScope, known_ids: KnownIds) -> dict[str, str]:
    """Return the ids of the objects that the declared names of a scope stood for, as far as known."""
    known = ((key.name, known_ids.get(part.scope.address(key.name))) for key in part.keys)
    return {name: path_id for name, path_id in known if path_id is not None}


@dataclass(frozen=True, slots=True)
class _Identities:
    """What happened to objects: ``moved`` by the address of the declared key that each stood for.

    ``holders`` are the objects of declared keys that now have another name, by scope and id, also where
    several objects have the declared name. ``reported`` are those of ``moved`` that are selected.
    """

    moved: Mapping[str, _Moved]
    holders: Mapping[tuple[Scope, str], IdentityChange]
    reported: Mapping[str, _Moved]

    def holder(self, change: Change) -> IdentityChange | None:
        """Return how the object of a change is renamed, if it stood for another name."""
        return self.holders.get((change.scope, change.path_id or ""))

    def is_left(self, change: Change) -> bool:
        """Return whether a change is left to a person."""
        one = self.moved.get(change.address)
        return self.holder(change) is not None if one is None else one.identity_change.needs_decision

    def advice(self, change: Change) -> str:
        """Return why a change is left to a person; empty if it is not, or if a declared key reports it."""
        if not self.is_left(change) or change.address in self.reported:
            return ""
        if (holder := self.holder(change)) is None:
            return self.moved[change.address].identity_change.advice
        is_reported = change.is_undeclared and change.scope.address(holder.name) in self.reported
        return "" if is_reported else holder.advice


def _identities(
    kinds: Mapping[str, Kind], plan: Plan, state: DesiredState, selected: Selection, known_ids: KnownIds
) -> _Identities:
    moved: dict[str, _Moved] = {}
    holders: dict[tuple[Scope, str], IdentityChange] = {}
    for part in state.scopes:
        if (names := plan.names.get(part.scope)) is None:
            continue
        known = _known(part, known_ids)
        for key, identity in _key_identity_changes(part, names, known):
            one = _Moved(kinds[part.scope.kind], part.scope, key, identity)
            moved[one.address] = one
        renamed = [found for item in known.items() if (found := renaming(*item, names)) is not None]
        absent = {key.name for key in part.keys if key.is_absent} if renamed else set()
        holders |= {(part.scope, one.path_id): one for one in renamed if one.name not in absent}
    reported = {address: one for address, one in moved.items() if selected(address)}
    return _Identities(moved, holders, reported)


def identified(
    kinds: Mapping[str, Kind],
    report: DriftReport,
    state: DesiredState,
    was_compared: Selection,
    known_ids: KnownIds,
) -> DriftReport:
    """Return ``report`` with the identity changes of objects whose ids are known.

    An object that was renamed is reported once, as renamed. A correction does not create it again, and does
    not change or delete the object that has its name now, or the object itself under its new name.
    """
    report = replace(report, plan=_with_known_twins(report.plan, known_ids))
    found = _identities(kinds, report.plan, state, was_compared, known_ids)
    left, drifted = dict(found.reported), list[DriftedKey]()
    for key in report.drifted:
        change = key.correction
        if change.address in found.reported:
            if change.action in {Action.UPDATE, Action.REPLACE}:
                drifted.append(left.pop(change.address).drifted(key))
        elif not found.is_left(change):
            drifted.append(key)
        elif advice := found.advice(change):
            records = (record.field for record in key.records)
            drifted.append(replace(key, unsent=dict.fromkeys(records, advice)))
    drifted += [one.drifted(None) for one in left.values()]
    plan = _withheld(report.plan, found)
    held = {change.address for change in report.plan.changes} - {change.address for change in plan.changes}
    return replace(
        report,
        plan=plan,
        drifted=tuple(sorted(drifted, key=lambda key: key.correction.sort_key)),
        pending=tuple(key for key in report.pending if key.correction.address not in held),
    )


def with_identities(
    kinds: Mapping[str, Kind], plan: Plan, state: DesiredState, selected: Selection, known_ids: KnownIds
) -> Plan:
    """Return ``plan`` without changes that a person must decide about: each such key has a problem.

    An object that was renamed is not created again, and neither the object that has its name now nor the
    object itself is changed or deleted. Identity changes that need no decision are warnings. Only keys that
    are ``selected`` are reported; the objects of others count too.
    """
    identities = _identities(kinds, plan, state, selected, known_ids)
    found = _withheld(_with_known_twins(plan, known_ids), identities)
    held = {change.address: change for change in found.withheld}
    problems, warnings = list(found.problems), [*_renamed_in_files(found, state, known_ids)]
    for one in identities.reported.values():
        identity = one.identity_change
        is_left = identity.needs_decision and (one.address in held or identity.other_id is None)
        (problems if is_left else warnings).append(one.problem)
    for address, change in held.items():
        if advice := identities.advice(change):
            problems.append(Problem(advice, change.position, address, is_live=True))
    return replace(
        found,
        problems=in_order(problems),
        warnings=(*plan.warnings, *in_order(warnings)),
        knows_ids=True,
    )


def _withheld(plan: Plan, found: _Identities) -> Plan:
    """Return ``plan`` without the changes that are left to a person, and without their problems."""
    held = tuple(filter(found.is_left, plan.changes))
    addresses = {change.address for change in (*held, *filter(found.is_left, plan.withheld))}
    changes = tuple(change for change in plan.changes if change.address not in addresses)
    # What is wrong with a change that is not made stops nothing.
    problems = tuple(one for one in plan.problems if one.is_live or one.address not in addresses)
    left = replace(
        plan,
        changes=changes,
        problems=problems,
        withheld=(*plan.withheld, *held),
        identity_changes={address: one.identity_change for address, one in sorted(found.reported.items())},
    )
    return with_fingerprint(left)


def _with_known_twins(plan: Plan, known_ids: KnownIds) -> Plan:
    """Return ``plan`` whose problems of ambiguous names include which object a name stood for."""

    def known(problem: Problem) -> Problem:
        path_id = known_ids.get(problem.address) if problem.is_live else None
        if path_id is None:
            return problem
        for scope, names in plan.names.items():
            name = names.get(path_id)
            is_it = name is not None and scope.address(name) == problem.address
            if is_it and len([other for other in names.values() if other == name]) > 1:
                return replace(problem, message=f"{problem.message}{stood_for(path_id)}")
        return problem

    return replace(plan, problems=tuple(map(known, plan.problems)))


def _renamed_in_files(plan: Plan, state: DesiredState, known_ids: KnownIds) -> Iterator[Problem]:
    """Yield a warning for each new key that may be an object whose name the files have changed.

    There is one if exactly one key of a scope is new, and exactly one is no longer declared.
    """
    created = {change.address: change for change in plan.changes if change.action is Action.CREATE}
    for part in state.scopes if created else ():
        if (names := plan.names.get(part.scope)) is None:
            continue
        live, address_of = {*names.values()}, part.scope.address
        new = [key.name for key in part.keys if not key.is_absent and key.name not in live]
        change = created.get(address_of(new[0])) if len(new) == 1 else None
        if change is None or known_ids.get(change.address) is not None:
            continue
        declared = {key.name for key in part.keys}
        left = [
            (name, path_id)
            for path_id, name in names.items()
            if name not in declared and known_ids.get(address_of(name)) == path_id
        ]
        if len(left) == 1:
            (name, path_id) = left[0]
            was = f"the files declared {json_text(name)} (id {path_id}) until now"
            advice = "if this is its new name, rename it in the service instead; no update carries a name"
            text = f"will be another object: {was}; {advice}"
            yield Problem(text, change.position, change.address, is_live=True)
