"""Which keys get a later expiry, and which are past what a renewal may give them. Pure: the time is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.kinds.rotation import ends_of, renewal_fault, rotation_fault
from reconciler.model.canonical import format_instant, parse_instant
from reconciler.model.frozen import dataclass
from reconciler.model.policy import after, whole_day

if TYPE_CHECKING:
    import datetime as dt

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey
    from reconciler.model.policy import RenewPolicy
    from reconciler.model.scope import Scope


@dataclass(frozen=True, slots=True)
class Renewal:
    """What is to become of a key that expires soon: ``value`` is its new expiry.

    Without a value it is not renewed, for the ``reason``; ``is_for_rotation`` says that a successor is due.
    """

    kind: Kind
    scope: Scope
    key: DesiredKey
    field: str
    old: str
    left: dt.timedelta
    value: str | None = None
    reason: str = ""
    is_for_rotation: bool = False

    @property
    def address(self) -> str:
        """Return the address of the key."""
        return self.scope.address(self.key.name)


def expiry_of(kind: Kind, key: DesiredKey) -> tuple[str, str, dt.datetime] | None:
    """Return the field, the declared text and the time at which a key expires; None if it never does."""
    field = ends_of(kind).expiry
    value = None if field is None else key.fields.get(field)
    instant = parse_instant(value) if isinstance(value, str) else None
    return None if field is None or value is None or instant is None else (field, value, instant)


def is_near(kind: Kind, key: DesiredKey, policy: RenewPolicy, now: dt.datetime) -> bool:
    """Return whether the policy asks for something to be done about a declared key."""
    found = expiry_of(kind, key)
    if found is None or key.is_absent or not key.lifecycle.renew:
        return False
    field, _, expiry = found
    return field not in key.lifecycle.ignore_changes and expiry - now <= policy.within


def renewal(  # noqa: PLR0913, PLR0917 - what the expiry of a key depends on
    kind: Kind,
    scope: Scope,
    key: DesiredKey,
    policy: RenewPolicy,
    created: dt.datetime | None,
    now: dt.datetime,
) -> Renewal | None:
    """Return what is to become of a key, None if nothing is; ``created`` is None where it is not live."""
    found = expiry_of(kind, key)
    if found is None or not is_near(kind, key, policy, now):
        return None
    field, old, expiry = found
    left = expiry - now

    def left_as_it_is(reason: str, *, is_for_rotation: bool = False) -> Renewal:
        if is_for_rotation and (fault := rotation_fault(kind)):
            reason, is_for_rotation = f"{reason}, and it cannot be rotated: {fault}", False
        return Renewal(kind, scope, key, field, old, left, reason=reason, is_for_rotation=is_for_rotation)

    if expiry <= now:
        return left_as_it_is("has expired: give it a later expiry by hand, or declare it absent")
    if fault := renewal_fault(kind):
        return left_as_it_is(fault, is_for_rotation=True)
    wanted = whole_day(after(now, policy.to))
    if policy.max_total is not None and created is not None:
        wanted = min(wanted, whole_day(after(created, policy.max_total)))
        if wanted <= expiry:
            return left_as_it_is("has reached its longest life (max_total)", is_for_rotation=True)
    if wanted <= expiry:
        return None
    return Renewal(kind, scope, key, field, old, left, format_instant(wanted))
