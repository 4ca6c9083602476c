"""A history for people and for machines."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.canonical import format_instant
from reconciler.model.cycle import ScopeState
from reconciler.model.escape import escape_control, neutralize_log_commands
from reconciler.model.phrases import counted
from reconciler.model.plan import Action, Effect
from reconciler.model.status import Episode
from reconciler.render.lines import note_text
from reconciler.render.text import counts_lines
from reconciler.render.text_layout import CONTINUED, PLAIN, Colour, Screen
from reconciler.render.values import (
    change_sides,
    change_text,
    clear_command,
    field_name,
    joined,
    shown_address,
    whole_key_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.status import FlappingField, NewKey, Pending, Status

    _Line = tuple[str, Colour | None]

FORMAT_VERSION: Final = "1.0"
ONE_API: Final[Mapping[str, str]] = MappingProxyType({})
"""The names of APIs where there is one, which is not named."""
_MEMBERS: Final = {"cycles": "rounds", "desired": "declared", "state": "standing"}


@joined
def render_history_text(
    status: Status, episodes: Sequence[Episode], total: int, screen: Screen = PLAIN
) -> Iterator[str]:
    """Yield the state, and the drift by key, latest first; there are ``total`` drifted fields.

    Granted access is as red as revoked access: drift of both types is an alarm.
    """
    for text, colour in (*_cycle_lines(status), *_present_lines(status)):
        indent = " " * (len(text) - len(text.lstrip()))
        yield from screen.lines(text if colour is None else (text, colour), hang=f"{indent}  ")
    yield ""
    if not episodes:
        nothing = (
            "No drift." if status.is_complete else "For the keys that could be compared, nothing is recorded."
        )
        yield from screen.lines(nothing)
        return
    by_key: dict[str, list[Episode]] = {}
    for episode in episodes:
        by_key.setdefault(episode.address, []).append(episode)
    for address, drift in by_key.items():
        yield from screen.lines((shown_address(address, status.apis), Colour.STRONG), hang="  ")
        for episode in drift:
            yield from _episode_lines(episode, screen)
    yield ""
    yield from counts_lines(f"Drift seen: {counted(total, 'field')}.", screen)
    if total > len(episodes):
        yield from screen.lines(f"The latest {len(episodes)} are shown; --limit shows more.")


def _cycle_lines(status: Status) -> Iterator[_Line]:
    count = sum(number for _, number in status.cycles)
    by_result = ", ".join(f"{number} {result.value}" for result, number in status.cycles)
    yield f"Rounds since {format_instant(status.since)}: {count}" + f" ({by_result})" * bool(count), None
    last = status.last_cycle
    if last is not None:
        ended = "not ended" if last.result is None else last.result.value
        yield f"Last round: {format_instant(last.began)}: {ended}, run {last.run}", None
        yield from ((f"  {escape_control(error)}", Colour.REMOVE) for error in last.errors)
    for api, since in status.outages.items():
        yield f"API unreachable: {escape_control(api)} since {format_instant(since)}", Colour.REMOVE


def _episode_lines(episode: Episode, screen: Screen) -> Iterator[str]:
    """Yield the drift of a field with its effect beside or above, and below its start and outcome."""
    colour = Colour.QUIET if episode.effect is Effect.NEUTRAL else Colour.REMOVE
    sides, note = _drift_sides(episode), (f"# {note_text(episode)}", colour)
    drift = f"  {' -> '.join(sides)}"
    if screen.fits(drift, "  ", note):
        yield screen.line(drift, "  ", note)
    else:
        yield from screen.lines("  ", note, hang="  #   ", rest_colour=colour)
        parts = (
            [drift] if screen.fits(drift) else [f"  {sides[0]}", *(f"      -> {side}" for side in sides[1:])]
        )
        for number, part in enumerate(parts):
            yield from screen.lines(part, hang=f"      {CONTINUED}{' ' * number}")
    times = dict.fromkeys(map(format_instant, (episode.first_seen, episode.last_seen)))
    seen = f"seen {' to '.join(times)}"
    yield from screen.lines(
        f"    {seen}, {counted(episode.cycles, 'round')}; {_outcome(episode)}", hang="      "
    )


def render_history_json(status: Status, episodes: Sequence[Episode], total: int) -> str:
    """Return the history as one JSON object, ending with a newline."""
    document = {
        "format_version": FORMAT_VERSION,
        "timestamp": status.at,
        "since": status.since,
        "rounds": {result.value: count for result, count in status.cycles},
        "last_round": status.last_cycle,
        "last_success": status.last_success,
        **({"unreachable_apis": status.outages} if status.apis else {}),
        "scopes": [_plain(scope) | api_fact(scope.scope, status.apis) for scope in status.scopes],
        "contested": _named(status.flapping, status),
        "pending": _named(status.pending, status),
        "new_unmanaged": _named(status.new_keys, status),
        "drift": [episode_facts(episode, status.apis) for episode in episodes],
        "omitted": total - len(episodes),
    }
    return neutralize_log_commands(json.dumps(document, indent=2, default=_plain)) + "\n"


def _named(
    records: Sequence[FlappingField] | Sequence[Pending] | Sequence[NewKey], status: Status
) -> list[dict[str, Any]]:
    return [_plain(record) | api_fact(record.address, status.apis) for record in records]


def api_fact(address: str, apis: Mapping[str, str]) -> dict[str, str]:
    """Return the API of the key or scope at an address as a member, where there are several."""
    api = apis.get(address.partition("/")[0])
    return {} if api is None else {"api": api}


def episode_facts(episode: Episode, apis: Mapping[str, str] = ONE_API) -> dict[str, Any]:
    """Return the drift of a field or key as JSON members; with its API where there are several."""
    facts: dict[str, Any] = _plain(episode) | {"origin": episode.origin or "unknown"}
    facts |= api_fact(episode.address, apis)
    times = ("first_seen", "last_seen", "ended", "corrected")
    return facts | {name: None if facts[name] is None else format_instant(facts[name]) for name in times}


def _plain(value: Any) -> Any:
    """Return the JSON value of an instant or a record, with the documented names of members."""
    if isinstance(value, dt.datetime):
        return format_instant(value)
    return {_MEMBERS.get(field.name, field.name): getattr(value, field.name) for field in fields(value)}


def _present_lines(status: Status) -> Iterator[_Line]:
    """Yield the present state: errors, contested and pending fields; new undeclared keys."""
    for scope in status.scopes:
        if scope.state in {ScopeState.INCOMPLETE, ScopeState.UNREACHABLE}:
            what = escape_control(f"{scope.state}: {scope.detail}")
            yield f"Not compared: {shown_address(scope.scope, status.apis)}: {what}", Colour.REMOVE
    for flapping in status.flapping:
        what = f"{shown_address(flapping.address, status.apis)} {escape_control(field_name(flapping.field))}"
        times = counted(flapping.corrections, "time")
        since = format_instant(flapping.since)
        yield f"Contested: {what} since {since}, corrected {times}", Colour.REMOVE
        yield f"  {change_text(flapping.desired, flapping.live)}", None
        if status.file is not None:
            yield f"  end it with: {clear_command(flapping.address, flapping.field, status.file)}", None
    for pending in status.pending:
        why = f"{format_instant(pending.since)}; Git is ahead, and this has not been applied yet"
        yield f"Pending: {shown_address(pending.address, status.apis)} since {why}", None
        yield f"  {' -> '.join(_drift_sides(pending))}", None
    for key in status.new_keys:
        what = f"{shown_address(key.address, status.apis)}, first seen {format_instant(key.first_seen)}"
        yield f"New and not declared: {what}", Colour.REMOVE


def _drift_sides(drift: Episode | Pending) -> tuple[str, ...]:
    """Return the drift of a field, from the desired to the live value, or of a key itself."""
    if drift.action is not Action.UPDATE:
        symbol = "+" if drift.action is Action.CREATE else "-"
        origin = drift.origin if isinstance(drift, Episode) else None
        return (f"{symbol} {whole_key_text(drift.action, origin)}",)
    first, *rest = change_sides(drift.desired, drift.live)
    return f"~ {escape_control(drift.field)} = {first}", *rest


def _outcome(episode: Episode) -> str:
    parts = [episode.outcome.value]
    if episode.corrected is not None:
        parts.append(f"{format_instant(episode.corrected)} by run {episode.run}")
    elif episode.ended is not None:
        parts.append(format_instant(episode.ended))
    detail = f": {escape_control(episode.detail)}" if episode.detail else ""
    return " ".join(parts) + detail
