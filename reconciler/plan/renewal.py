"""Keys that get a later expiry, and keys that a renewal cannot extend. Pure: the time is an argument."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.kinds.rotation import ends_of, renewal_fault, rotation_fault
from reconciler.model.canonical import format_instant
from reconciler.model.frozen import dataclass
from reconciler.model.policy import after, is_soon, longest_life, whole_day

if TYPE_CHECKING:
    import datetime as dt

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey
    from reconciler.model.policy import RenewPolicy
    from reconciler.model.scope import Scope

_LONGEST: Final = "the end of its maximum lifetime (max_total)"
_TOO_OLD: Final = "has reached its maximum lifetime (max_total)"


@dataclass(frozen=True, slots=True)
class Renewal:
    """The result for a key that expires soon, or is too old: ``value`` is its new expiry.

    Without a value it is not renewed, for the ``reason``; ``is_for_rotation`` is true if it needs a
    successor. ``old`` is the text of its expiry and ``left`` the time until then, None if it never expires.
    ``latest`` is the end of its life: the expiry, or the end by the policy where that is earlier.
    """

    kind: Kind
    scope: Scope
    key: DesiredKey
    field: str | None
    old: str | None
    left: dt.timedelta | None
    value: str | None = None
    reason: str = ""
    is_for_rotation: bool = False
    latest: dt.datetime | None = None

    @property
    def address(self) -> str:
        """Return the address of the key."""
        return self.scope.address(self.key.name)


def is_near(kind: Kind, key: DesiredKey, policy: RenewPolicy, now: dt.datetime) -> bool:
    """Return whether the policy may require an action for a declared key.

    If the policy limits the lifetime, this depends on the creation time, which is not known here.
    """
    if key.is_absent or is_manual(kind, key):
        return False
    return policy.max_total is not None or is_soon(ends_of(kind).expires_at(key.fields), now, policy.within)


def is_manual(kind: Kind, key: DesiredKey) -> bool:
    """Return whether the lifecycle of a key leaves its expiry to people."""
    return not key.lifecycle.renew or ends_of(kind).expiry in key.lifecycle.ignore_changes


def renewal(  # noqa: PLR0913, PLR0917 - what the expiry of a key depends on
    kind: Kind,
    scope: Scope,
    key: DesiredKey,
    policy: RenewPolicy,
    created: dt.datetime | None,
    now: dt.datetime,
) -> Renewal | None:
    """Return the renewal of a key, None if it needs none; ``created`` is None if the key is not live."""
    if not is_near(kind, key, policy, now):
        return None
    ends = ends_of(kind)
    expiry = ends.expires_at(key.fields)
    old = None if ends.expiry is None or expiry is None else key.fields[ends.expiry]
    longest = longest_life(created, policy.max_total)
    latest = min(filter(None, (expiry, longest)), default=None)
    left = None if expiry is None else expiry - now
    found = Renewal(kind, scope, key, ends.expiry, old, left, latest=latest)
    if expiry is not None and is_soon(expiry, now, policy.within):
        return _renewed(found, expiry, policy, longest, now)
    return _for_rotation(found, _TOO_OLD) if is_soon(longest, now, policy.within) else None


def _renewed(
    found: Renewal, expiry: dt.datetime, policy: RenewPolicy, longest: dt.datetime | None, now: dt.datetime
) -> Renewal | None:
    """Return the renewal of a key that expires soon, limited by the end of its life if there is one."""
    if expiry <= now:
        return replace(found, reason="has expired: write a later expiry, or declare it absent")
    if fault := renewal_fault(found.kind):
        return _for_rotation(found, fault)
    wanted = whole_day(after(now, policy.to))
    if longest is not None:
        wanted = min(wanted, longest)
        if wanted <= expiry:
            return _for_rotation(found, _TOO_OLD)
    reason = _LONGEST if wanted == longest else ""
    return replace(found, value=format_instant(wanted), reason=reason) if wanted > expiry else None


def _for_rotation(found: Renewal, reason: str) -> Renewal:
    """Return the result for a key that needs a successor, or the reason why it can have none."""
    if fault := rotation_fault(found.kind):
        return replace(found, reason=f"{reason}, and it cannot be rotated: {fault}")
    return replace(found, reason=reason, is_for_rotation=True)
