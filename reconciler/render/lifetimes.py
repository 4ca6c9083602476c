"""Texts about renewals, rotations and expiries. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Final

from reconciler.model.canonical import format_instant
from reconciler.model.durations import rough_duration
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import and_more, counted, listed
from reconciler.model.policy import is_soon
from reconciler.model.succession import Stage
from reconciler.render.text_layout import PLAIN, Colour, Screen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.plan import Plan
    from reconciler.model.status import FlappingField
    from reconciler.model.succession import KeyExpiry, KeyRotation, Lifetimes
    from reconciler.plan.renewal import Renewal
    from reconciler.plan.rotation import Rotation

_SOON: Final = dt.timedelta(days=7)
_MOST: Final = 10


def time_left(left: dt.timedelta) -> str:
    """Return a duration in days, or in hours below two days; or how long ago it ended."""
    size = rough_duration(abs(left))
    return f"in {size}" if left >= dt.timedelta() else f"{size} ago"


def is_urgent(one: KeyExpiry, now: dt.datetime) -> bool:
    """Return whether a key expires within a week, or has expired, without a declared successor."""
    return is_soon(one.at, now, _SOON) and not one.is_rotated


def renewal_line(found: Renewal) -> str:
    """Return one line about a key that expires soon: its new expiry, or why it gets none."""
    when = f"{found.address}: no expiry"
    if found.left is not None:
        when = f"{found.address}: {found.field} {found.old}, {time_left(found.left)}"
    if found.value is not None:
        return f"{when} -> {found.value}{f', {found.reason}' if found.reason else ''}"
    advice = f"; rotate it: reconciler rotate {found.address}" if found.is_for_rotation else ""
    return f"{when}: {found.reason}{advice}"


def begun_line(address: str, successor: str, end: dt.datetime | None) -> str:
    """Return one line about a started rotation: the address of a key, the name of its successor."""
    if end is None:
        return (
            f"{address} -> {successor}: no overlap; {address} loses access as soon as {successor} has"
            " been created"
        )
    return f"{address} -> {successor}: both work until {format_instant(end)}, regardless of when apply runs"


def stage_text(one: KeyRotation, now: dt.datetime) -> str:
    """Return the stage of a rotation; the end of its overlap may follow."""
    if one.ends is None:
        return str(one.stage)
    overlap = f"overlap {'ends' if one.ends > now else 'ended'}"
    return overlap if one.stage in {Stage.OVERLAP, Stage.OVER} else f"{one.stage}, {overlap}"


def step_line(rotation: Rotation, text: str) -> str:
    """Return one line about a rotation."""
    return f"{rotation.address} -> {rotation.new.name}: {text}"


@dataclass(frozen=True, slots=True)
class Overview:
    """The content of one screen about the keys; ``contested`` is None without a history."""

    plan: Plan
    lifetimes: Lifetimes
    declared: int
    contested: Sequence[FlappingField] | None
    now: dt.datetime
    within: dt.timedelta


def overview_lines(found: Overview, screen: Screen = PLAIN) -> Iterator[str]:
    """Yield the lines of the screen: counts, expiries, rotations, and next steps."""
    plan, now = found.plan, found.now
    live = sum(count for _, count in plan.observed)
    due = [one for one in found.lifetimes.expiries if is_soon(one.at, now, found.within)]
    contested = "not known without --history"
    if found.contested is not None:
        fields = (f"{one.address} {one.field}".rstrip() for one in found.contested)
        contested = escape_control(listed(fields, _MOST)) or "none"
    passed = sum(one.at <= now for one in due)
    expired = f", {counted(passed, 'key')} {'has' if passed == 1 else 'have'} expired" if passed else ""
    purposes = Counter(change.purpose for change in plan.changes if change.purpose is not None)
    parts = [f"{count} to {purpose}" for purpose, count in sorted(purposes.items())]
    differing = f"{counted(len(plan.changes), 'key')}{f' ({listed(parts)})' if parts else ''}"
    rows = (
        ("Declared", f"{counted(found.declared, 'key')} in {counted(len(plan.observed), 'scope')}"),
        ("Live", f"{counted(live, 'key')}, {len(plan.unmanaged)} of them not declared"),
        ("Differing", differing if plan.changes else "none"),
        ("Contested", contested),
        ("Expiring", f"{counted(len(due) - passed, 'key')} within {rough_duration(found.within)}{expired}"),
        ("Rotating", counted(len(found.lifetimes.rotations), "key")),
    )
    for name, text in rows:
        yield from screen.lines((f"{name:<10}", Colour.STRONG), f" {text}", hang=" " * 11)
    yield from _expiry_lines(due, found, screen)
    yield from _rotation_lines(found.lifetimes.rotations, now, screen)
    yield ""
    yield from screen.lines(("Next", Colour.STRONG))
    for step in next_steps(found):
        yield from screen.lines(f"  {step}", hang="    ")


def _expiry_lines(due: Sequence[KeyExpiry], found: Overview, screen: Screen) -> Iterator[str]:
    if due:
        yield from ("", screen.line(("Expiring", Colour.STRONG)))
    for one in due[:_MOST]:
        when = time_left(one.at - found.now)
        colour = Colour.REMOVE if is_urgent(one, found.now) else Colour.QUIET
        passed_over = ", renew skips it" if one.address in found.lifetimes.manual else ""
        more = ", its successor is declared" if one.is_rotated else passed_over
        day = f"  {format_instant(one.at)}  "
        yield from screen.lines(
            day, escape_control(one.address), "  ", (f"{when}{more}", colour), hang="    "
        )
    if len(due) > _MOST:
        yield f"  {and_more(len(due) - _MOST)}"


def _rotation_lines(found: Sequence[KeyRotation], now: dt.datetime, screen: Screen) -> Iterator[str]:
    if found:
        yield from ("", screen.line(("Rotating", Colour.STRONG)))
    for one in found[:_MOST]:
        ends = "" if one.ends is None else f" {time_left(one.ends - now)}"
        pair = f"  {escape_control(one.address)} -> {escape_control(one.successor)}  "
        yield from screen.lines(pair, (f"{stage_text(one, now)}{ends}", Colour.CHANGE), hang="    ")
        yield from screen.lines(f"    {escape_control(one.step)}", hang="      ")
    if len(found) > _MOST:
        yield f"  {and_more(len(found) - _MOST)}"


def next_steps(found: Overview) -> Iterator[str]:
    """Yield the next steps; at least one line."""
    plan, stages = found.plan, Counter(one.stage for one in found.lifetimes.rotations)
    every = [one for one in found.lifetimes.expiries if not one.is_rotated]
    soon = (one for one in every if is_soon(one.at, found.now, found.within))
    waiting = [one.address for one in soon if one.at > found.now]
    manual = sum(address in found.lifetimes.manual for address in waiting)
    steps = (
        (len(plan.errors), "plan: read the messages about {}", "error"),
        (len(plan.changes), "apply: send {}, or accept the live values", "change"),
        (len(waiting) - manual, "renew: set a later expiry for {}, or use rotate", "key"),
        (manual, "by hand: set a later expiry for {} that renew skips, or use rotate", "key"),
        (
            sum(one.at <= found.now for one in every),
            "by hand: declare absent, or set a later expiry for, {} that expired",
            "key",
        ),
        (stages[Stage.OVERLAP], "by hand: move the clients of {} to the successor", "key"),
        (stages[Stage.OVER] + stages[Stage.GONE], "rotate --finish: continue {}", "rotation"),
        (
            len(found.contested or ()),
            "history: find out what reverts the corrections of {} (contested)",
            "field",
        ),
    )
    texts = [text.format(counted(count, noun)) for count, text, noun in steps if count]
    yield from texts or ["nothing to do"]
