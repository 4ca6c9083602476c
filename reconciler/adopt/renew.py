"""Later expiries for keys that expire soon, written into the files of the keys that have them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.kinds.rotation import ends_of
from reconciler.model.frozen import dataclass
from reconciler.plan.changes import created_instant
from reconciler.plan.planning import select
from reconciler.plan.portions import Portions, Proposed
from reconciler.plan.renewal import is_manual, is_near, renewal
from reconciler.plan.rotation import Successions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from reconciler.adopt.editing import Declarations, Edits
    from reconciler.adopt.located import DeclaredFile, Located
    from reconciler.api.client import Sessions
    from reconciler.model.live import LiveScope
    from reconciler.model.policy import RenewPolicy
    from reconciler.model.scope import Scope
    from reconciler.plan.limits import Limits
    from reconciler.plan.renewal import Renewal

    PolicyOf = Callable[[Located], RenewPolicy | None]


@dataclass(frozen=True, slots=True)
class Renewed:
    """The renewals of keys that expire soon, and the edited files.

    ``waiting`` has the reasons why keys wait for another run, by address; ``passed_over`` those of targets
    that no run renews.
    """

    edits: Edits
    renewals: Sequence[Renewal]
    waiting: Mapping[str, str]
    passed_over: Mapping[str, str]


def renewed(
    declared: Declarations,
    client: Sessions,
    policy_of: PolicyOf,
    targets: tuple[str, ...],
    limits: Limits,
) -> Renewed:
    """Edit the files so that keys that expire soon expire later; ``targets`` select keys, by default all.

    The API is read only for facts that the files do not have. Without targets, a key that cannot be edited is
    skipped, and no more is proposed than one apply may change. Raises ConfigurationError if no key has a
    policy.
    """
    located = declared.located()
    near = near_keys(located, policy_of, declared)
    if located and not any(map(policy_of, located)):
        where = "set --within and --to, or add renew: {within: 30d, to: 180d} to the configuration"
        raise ConfigurationError(f"no policy defines which keys are renewed; {where}")
    live: Mapping[Scope, LiveScope] = {}
    is_counted = limits.changed is not None and not targets
    if declared.state.names or (near and is_counted) or any(_is_limited(policy_of(one)) for one in near):
        declared = declared.resolved(client)
        located = declared.located()
        near = near_keys(located, policy_of, declared)
        scopes = [one.scope for one in near if is_counted or _is_limited(policy_of(one))]
        scopes += [part.scope for part in declared.state.scopes if is_counted and limits.count_together]
        live = declared.live(client, scopes)
    _, is_selected = select(declared.state, targets, "")
    wanted = renewals_of([one for one in near if is_selected(one.address)], policy_of, live, declared)

    plans = declared.plans(live) if is_counted else []

    def edit(
        keys: Iterable[Located], refused: Collection[str]
    ) -> tuple[Sequence[Renewal], Mapping[str, str]]:
        found = [one for one in wanted if one.value is None or one.address not in refused]
        waiting = _waiting(found, Portions(limits, plans)) if is_counted else {}
        found = [one for one in found if one.address not in waiting]
        write_renewals(keys, found)
        return found, waiting

    edited = declared.edited if targets else declared.edited_if_possible
    edits, (found, waiting) = edited(located, edit)
    selected = [one for one in located if targets and is_selected(one.address)]
    return Renewed(edits, found, waiting, _passed_over(selected, declared))


def _passed_over(located: Iterable[Located], declared: Declarations) -> Mapping[str, str]:
    """Return why keys are never renewed, by their addresses."""
    rotated = _rotated(declared)
    found = {one.address: "another key replaces it" for one in located if one.address in rotated}
    manual = (one for one in located if is_manual(one.kind, one.key))
    return found | {one.address: _manual_reason(one) for one in manual}


def _manual_reason(one: Located) -> str:
    if one.key.lifecycle.renew:
        return "its lifecycle ignores changes of its expiry (ignore_changes)"
    return "its lifecycle has renew: false"


def _rotated(declared: Declarations) -> set[str]:
    """Return the addresses of keys that another key replaces."""
    scopes = declared.state.scopes
    return {part.scope.address(name) for part in scopes for name in Successions.of(part.keys).last}


def _waiting(renewals: Iterable[Renewal], portions: Portions) -> Mapping[str, str]:
    """Return why keys wait, by address: those that expire last, if one apply may not renew all."""
    found: dict[str, str] = {}
    for one in sorted(renewals, key=lambda one: (one.left or dt.timedelta(), one.address)):
        proposed = Proposed(one.scope, one.key.name)
        if one.value is None:
            continue
        if shortage := portions.shortage(proposed):
            found[one.address] = shortage
        else:
            portions.take(proposed)
    return found


def _is_limited(policy: RenewPolicy | None) -> bool:
    """Return whether the policy limits the lifetime of a key, counted from its creation."""
    return policy is not None and policy.max_total is not None


def near_keys(located: Iterable[Located], policy_of: PolicyOf, declared: Declarations) -> list[Located]:
    """Return the keys whose policies require an action."""
    found = []
    for one in located:
        policy = policy_of(one)
        if policy is not None and is_near(one.kind, one.key, policy, declared.now):
            found.append(one)
    return found


def renewals_of(
    near: Iterable[Located],
    policy_of: PolicyOf,
    live: Mapping[Scope, LiveScope],
    declared: Declarations,
) -> list[Renewal]:
    """Return the renewals of keys that expire soon, except those that are rotated already."""
    rotated, found = _rotated(declared), []
    for one in near:
        policy = policy_of(one)
        if policy is None or one.address in rotated:
            continue
        row = live[one.scope].keys.get(one.key.name) if one.scope in live else None
        created = None if row is None else created_instant(one.kind, row)
        found.append(renewal(one.kind, one.scope, one.key, policy, created, declared.now))
    return [one for one in found if one is not None]


def write_renewals(located: Iterable[Located], renewals: Sequence[Renewal]) -> None:
    """Make the edits of renewals; ``located`` are all keys of the files that hold them.

    A default is changed only if all keys with it are renewed; otherwise keys get a field of their own.
    """
    wanted = {one.address: one for one in renewals if one.value is not None}
    shared: dict[tuple[DeclaredFile, int, str], list[tuple[Located, str | None]]] = {}
    for one in located:
        found = wanted.get(one.address)
        field = ends_of(one.kind).expiry
        if field is None or one.key.is_absent:
            continue
        value = None if found is None else found.value
        if one.key.inherited_from(field) is not None:
            shared.setdefault((one.file, one.place[0], field), []).append((one, value))
        elif value is not None:
            one.set(field, value)
    for (file, document, field), keys in shared.items():
        if len(values := {value for _, value in keys}) == 1 and (value := values.pop()) is not None:
            file.edits.set_default(document, field, value)
            continue
        for one, value in keys:
            if value is not None:
                one.set(field, value)
