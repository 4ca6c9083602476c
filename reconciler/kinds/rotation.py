"""Whether keys of a kind can be renewed and rotated, and by which of their fields. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.kinds.kind import EffectRule
from reconciler.model.canonical import format_instant, instant_in
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from reconciler.kinds.kind import Kind


@dataclass(frozen=True, slots=True)
class Ends:
    """The fields by which the access of a key ends, if there are such.

    ``expiry`` is its expiry time, and ``can_change`` whether that can be updated; ``switch`` is the field
    that disables the key.
    """

    expiry: str | None
    can_change: bool
    switch: str | None

    def expires_at(self, values: Mapping[str, Any]) -> dt.datetime | None:
        """Return when a key of these values, declared or live, expires; None where it never does."""
        return None if self.expiry is None else instant_in(values.get(self.expiry))

    def is_off(self, values: Mapping[str, Any]) -> bool:
        """Return whether a key of these values, declared or live, is switched off."""
        return self.switch is not None and values.get(self.switch) is True


def ends_of(kind: Kind) -> Ends:
    """Return the fields by which the access of keys of a kind ends."""

    def of_rule(rule: EffectRule) -> list[str]:
        return [name for name in kind.settable if kind.fields[name].effect is rule]

    expiries = of_rule(EffectRule.EXPIRY)
    switches = [name for name in of_rule(EffectRule.SWITCH_OFF) if name not in kind.immutable]
    expiry = next(iter(expiries), None)
    return Ends(expiry, expiry is not None and expiry not in kind.immutable, next(iter(switches), None))


def ended(kind: Kind, live: Mapping[str, Any], now: dt.datetime) -> str:
    """Return why a live key gives no access at a time, empty if it does."""
    ends = ends_of(kind)
    if ends.is_off(live):
        return f"{ends.switch} is true"
    expiry = ends.expires_at(live)
    if expiry is not None and expiry <= now:
        return f"it expired at {format_instant(expiry)}"
    return ""


def renewal_fault(kind: Kind) -> str:
    """Return why keys of a kind cannot be renewed, empty if they can be."""
    ends = ends_of(kind)
    if ends.expiry is None:
        return f"keys of the kind {kind.name} have no expiry"
    if not ends.can_change:
        return f"{ends.expiry} of keys of the kind {kind.name} cannot change in place"
    return ""


def rotation_fault(kind: Kind) -> str:
    """Return why keys of a kind cannot be rotated, empty if they can be: see ``docs/rotation.md``."""
    if kind.create_requires is None:
        return f"no key of the kind {kind.name} can be created, so there can be no successor"
    ends = ends_of(kind)
    if ends.expiry is None and ends.switch is None:
        return (
            f"keys of the kind {kind.name} have neither an expiry nor a switch that it names (effects), so "
            "the life of a successor would have no end"
        )
    if str not in kind.fields[kind.identity].types:
        return (
            f"the identity of {kind.name} keys is an integer, so no name of a successor can be derived"
            " from it"
        )
    return ""
