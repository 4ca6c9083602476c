"""Drift of objects that were renamed, or deleted and created again, where the service makes ids. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.fate import Fate, fates_of
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action, Change, DriftOrigin, Effect, FieldChange
from reconciler.plan.drift import DriftedKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey, DesiredState
    from reconciler.model.scope import Scope
    from reconciler.plan.report import DriftReport


@dataclass(frozen=True, slots=True)
class _Moved:
    """A declared key whose object is another one by now, or has another name."""

    kind: Kind
    scope: Scope
    key: DesiredKey
    fate: Fate

    @property
    def record(self) -> FieldChange:
        """Return the difference: the name of the object, or the id of the name."""
        kind, fate, origin = self.kind, self.fate, DriftOrigin.DRIFT
        if fate.new_name is not None and fate.other_id is None:
            sides = (kind.identity_value(fate.name), kind.identity_value(fate.new_name))
            return FieldChange(kind.identity, *sides, Effect.NEUTRAL, fate.reason, origin=origin)
        sides = (fate.path_id, fate.other_id or "")
        return FieldChange(kind.path_field, *sides, Effect.BOTH, fate.reason, origin=origin)

    def drifted(self, found: DriftedKey | None) -> DriftedKey:
        """Return the drift of the key; ``found`` is that of its fields, if any of them differs."""
        record, fate = self.record, self.fate
        path_id = fate.other_id or fate.path_id
        path = self.kind.item_path(self.scope, path_id)
        nothing = Change(self.scope, self.key.name, path, (), {}, {}, {}, self.key.position)
        nothing = replace(nothing, path_id=path_id, api=self.kind.api)
        key = DriftedKey(nothing, ()) if found is None else found
        fields = (record, *key.fields)
        names = [one.field for one in fields] if fate.needs_decision else [record.field]
        return replace(key, fields=fields, fate=fate, unsent=dict.fromkeys(names, fate.advice))


def identified(
    kinds: Mapping[str, Kind],
    report: DriftReport,
    state: DesiredState,
    was_compared: Callable[[str], bool],
    remembered: Mapping[str, str],
) -> DriftReport:
    """Return ``report`` with what became of the objects whose ids are ``remembered``, by address.

    An object that was renamed is told once, as that: it is neither created again, nor is what now has its
    name, or what it is called now, changed or deleted by a correction.
    """
    found = _moved(kinds, report, state, was_compared, remembered)
    moved = {one.scope.address(one.key.name): one for one in found}
    if not moved:
        return report
    renamed = {(one.scope, one.fate.path_id): one.fate for one in moved.values() if one.fate.is_rename}
    drifted: list[DriftedKey] = []
    for key in report.drifted:
        change = key.correction
        holder = renamed.get((change.scope, change.path_id or ""))
        if change.address in moved:
            if change.action in {Action.UPDATE, Action.REPLACE}:
                drifted.append(moved.pop(change.address).drifted(key))
        elif holder is None:
            drifted.append(key)
        elif change.action is not Action.DELETE:
            names = (record.field for record in key.records)
            drifted.append(replace(key, unsent=dict.fromkeys(names, holder.advice)))
    drifted += [one.drifted(None) for one in moved.values()]
    return replace(report, drifted=tuple(sorted(drifted, key=lambda key: key.correction.sort_key)))


def _moved(
    kinds: Mapping[str, Kind],
    report: DriftReport,
    state: DesiredState,
    was_compared: Callable[[str], bool],
    remembered: Mapping[str, str],
) -> Iterator[_Moved]:
    for part in state.scopes:
        if part.scope not in report.plan.names or not remembered:
            continue
        known: dict[str, str] = {}
        keys: dict[str, DesiredKey] = {}
        for key in part.keys:
            address = part.scope.address(key.name)
            if address in remembered and not key.is_absent and was_compared(address):
                known[key.name], keys[key.name] = remembered[address], key
        for name, fate in fates_of(known, report.plan.names[part.scope]).items():
            yield _Moved(kinds[part.scope.kind], part.scope, keys[name], fate)
