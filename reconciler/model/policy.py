"""Lifetime policies: when keys are renewed, how they are rotated. Durations, and layers of policies."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from reconciler.model.durations import parse_lifetime
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

_DAY: Final = dt.timedelta(days=1)
_LAST_DAY: Final = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
ALIAS, NUMBER = "{alias}", "{number}"


def _lifetime(layers: tuple[Mapping[str, str], ...], name: str) -> dt.timedelta | None:
    text = next((layer[name] for layer in layers if name in layer), None)
    return None if text is None else parse_lifetime(text)


@dataclass(frozen=True, slots=True)
class RenewPolicy:
    """A key that expires ``within`` this time gets a new expiry, ``to`` after today.

    The expiry is never later than ``max_total`` after its creation, if that is set.
    """

    within: dt.timedelta
    to: dt.timedelta
    max_total: dt.timedelta | None = None


@dataclass(frozen=True, slots=True)
class RotatePolicy:
    """A rotated key remains valid for ``overlap`` beside its successor, which lives for ``to``.

    ``name`` is the pattern for names of successors. No key lives longer than ``max_total``. The successor of
    a key without expiry gets one only if it ``must_end``, or if the key has a maximum lifetime.
    """

    overlap: dt.timedelta = dt.timedelta(days=7)
    name: str = f"{ALIAS}-{NUMBER}"
    to: dt.timedelta = dt.timedelta(days=180)
    max_total: dt.timedelta | None = None
    must_end: bool = False

    def overlap_end(
        self, now: dt.datetime, created: dt.datetime | None, expiry: dt.datetime | None
    ) -> dt.datetime:
        """Return the end of an overlap that starts ``now``: a start of day, or the end of the key's lifetime.

        A key that lives longer anyway, until its ``expiry`` or for ever, has an overlap all the same.
        """
        end = next_whole_day(after(now, self.overlap))
        longest = longest_life(created, self.max_total)
        if longest is None:
            return end
        if expiry is None:
            return min(end, longest) if longest > now else end
        return min(end, max(longest, expiry))


def renew_policy(*layers: Mapping[str, str]) -> RenewPolicy | None:
    """Return the policy in which each member comes from the first layer that sets it.

    None if no layer sets ``within``, or none sets ``to``.
    """
    within, to = _lifetime(layers, "within"), _lifetime(layers, "to")
    if within is None or to is None:
        return None
    return RenewPolicy(within, to, _lifetime(layers, "max_total"))


def rotate_policy(
    renew: tuple[Mapping[str, str], ...], rotate: tuple[Mapping[str, str], ...]
) -> RotatePolicy:
    """Return the policy in which each member comes from the first layer that sets it, else the default.

    ``to`` is shared with renewal.
    """
    default = RotatePolicy()
    name = next((layer["name"] for layer in rotate if "name" in layer), default.name)
    overlap, to = _lifetime(rotate, "overlap"), _lifetime(renew, "to")
    return RotatePolicy(overlap or default.overlap, name, to or default.to, _lifetime(renew, "max_total"))


def after(instant: dt.datetime, lifetime: dt.timedelta) -> dt.datetime:
    """Return the time ``lifetime`` after ``instant``, at most the last day of the calendar."""
    return _LAST_DAY if lifetime > _LAST_DAY - instant else instant + lifetime


def longest_life(created: dt.datetime | None, most: dt.timedelta | None) -> dt.datetime | None:
    """Return the day by which a key with a maximum lifetime must have ended; None without a limit."""
    return None if created is None or most is None else whole_day(after(created, most))


def is_soon(instant: dt.datetime | None, now: dt.datetime, within: dt.timedelta) -> bool:
    """Return whether a time is within the given duration, or has passed; None never comes."""
    return instant is not None and instant - now <= within


def whole_day(instant: dt.datetime) -> dt.datetime:
    """Return the start of the day of ``instant``: a readable expiry that is never too late."""
    return instant.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def next_whole_day(instant: dt.datetime) -> dt.datetime:
    """Return the first start of a day that is not before ``instant``: readable, and never too early."""
    day = whole_day(instant)
    return day if day == instant else day + _DAY
