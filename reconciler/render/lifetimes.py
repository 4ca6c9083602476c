"""What renewals, rotations and expiries are to people. Pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from reconciler.model.canonical import format_instant
from reconciler.model.phrases import counted

if TYPE_CHECKING:
    from reconciler.plan.renewal import Renewal
    from reconciler.plan.rotation import Rotation

_DAY: Final = dt.timedelta(days=1)
_HOUR: Final = dt.timedelta(hours=1)


def time_left(left: dt.timedelta) -> str:
    """Return a time until something in whole days, or hours of the last two days; or how long ago it was."""
    size = abs(left)
    rough = counted(size // _DAY, "day") if size >= 2 * _DAY else counted(size // _HOUR, "hour")
    return f"in {rough}" if left >= dt.timedelta() else f"{rough} ago"


def renewal_line(found: Renewal) -> str:
    """Return one line about a key that expires soon: its new expiry, or why it gets none."""
    when = f"{found.address}: {found.field} {found.old}, {time_left(found.left)}"
    if found.value is not None:
        return f"{when} -> {found.value}"
    advice = f"; rotate it: reconciler rotate {found.address}" if found.is_for_rotation else ""
    return f"{when}: {found.reason}{advice}"


def begun_line(old: str, new: str, end: dt.datetime | None) -> str:
    """Return one line about a rotation that was begun."""
    name = new.rpartition("/")[2]
    if end is None:
        return f"{old} -> {name}: no overlap; {old} loses access as soon as {name} is there"
    return f"{old} -> {name}: both work until {format_instant(end)}, counted from now"


def step_line(rotation: Rotation, text: str) -> str:
    """Return one line about a rotation."""
    return f"{rotation.address} -> {rotation.new.name}: {text}"
