"""A history for people and for machines."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import fields
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.canonical import format_instant
from reconciler.model.cycle import ScopeState
from reconciler.model.escape import escape_control, neutralize_log_commands
from reconciler.model.phrases import counted
from reconciler.model.plan import Action
from reconciler.model.status import Episode
from reconciler.render.lines import note_text
from reconciler.render.values import (
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

FORMAT_VERSION: Final = "1.0"
ONE_API: Final[Mapping[str, str]] = MappingProxyType({})
"""The names of APIs where there is one, which is not named."""
_MEMBERS: Final = {"cycles": "rounds", "desired": "declared", "state": "standing"}


@joined
def render_history_text(status: Status, episodes: Sequence[Episode], total: int) -> Iterator[str]:
    """Return the state of everything and the drift, latest first, of which there are ``total``."""
    count = sum(number for _, number in status.cycles)
    by_result = ", ".join(f"{number} {result.value}" for result, number in status.cycles)
    yield f"Rounds since {format_instant(status.since)}: {count}" + (f" ({by_result})" if count else "")
    last = status.last_cycle
    if last is not None:
        ended = "not ended" if last.result is None else last.result.value
        yield f"Last round: {format_instant(last.began)}: {ended}, run {last.run}"
        for error in last.errors:
            yield f"  {escape_control(error)}"
    for api, since in status.outages.items():
        yield f"API unreachable: {escape_control(api)} since {format_instant(since)}"
    yield from _present_lines(status)
    yield ""
    if not episodes:
        yield "No drift." if status.is_complete else "Of what could be compared, nothing is recorded."
        return
    for address, drift in groupby(episodes, key=lambda episode: episode.address):
        yield shown_address(address, status.apis)
        for episode in drift:
            yield f"  {_drift_text(episode)}  # {note_text(episode)}"
            seen = f"seen {format_instant(episode.first_seen)} to {format_instant(episode.last_seen)}"
            yield f"    {seen}, {counted(episode.cycles, 'round')}; {_outcome(episode)}"
    yield ""
    yield f"Drift: {counted(total, 'field')}."
    if total > len(episodes):
        yield f"The latest {len(episodes)} are shown; --limit shows more."


def render_history_json(status: Status, episodes: Sequence[Episode], total: int) -> str:
    """Return the same as one JSON object, ending with a newline."""
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
    """Return the drift of a field, or of a whole key, as JSON members; its API where there are several."""
    facts: dict[str, Any] = _plain(episode) | {"origin": episode.origin or "unknown"}
    facts |= api_fact(episode.address, apis)
    times = ("first_seen", "last_seen", "ended", "corrected")
    return facts | {name: None if facts[name] is None else format_instant(facts[name]) for name in times}


def _plain(value: Any) -> Any:
    """Return what JSON holds of an instant or a record; some members have names that users know."""
    if isinstance(value, dt.datetime):
        return format_instant(value)
    return {_MEMBERS.get(field.name, field.name): getattr(value, field.name) for field in fields(value)}


def _present_lines(status: Status) -> Iterator[str]:
    """Yield the present: what could not be compared, is contested, is pending; new undeclared keys."""
    for scope in status.scopes:
        if scope.state in {ScopeState.INCOMPLETE, ScopeState.UNREACHABLE}:
            what = escape_control(f"{scope.state}: {scope.detail}")
            yield f"Not compared: {shown_address(scope.scope, status.apis)}: {what}"
    for flapping in status.flapping:
        what = f"{shown_address(flapping.address, status.apis)} {escape_control(field_name(flapping.field))}"
        times = counted(flapping.corrections, "time")
        yield f"Contested: {what} since {format_instant(flapping.since)}, corrected {times}"
        yield f"  {change_text(flapping.desired, flapping.live)}"
        if status.file is not None:
            yield f"  end it with: {clear_command(flapping.address, flapping.field, status.file)}"
    for pending in status.pending:
        why = f"{format_instant(pending.since)}; Git is ahead, and this has not been applied yet"
        yield f"Pending: {shown_address(pending.address, status.apis)} since {why}"
        yield f"  {_drift_text(pending)}"
    for key in status.new_keys:
        since = format_instant(key.first_seen)
        yield f"New and not declared: {shown_address(key.address, status.apis)}, first seen {since}"


def _drift_text(drift: Episode | Pending) -> str:
    """Return what became of a field, or of a whole key, from the desired to the live value."""
    if drift.action is not Action.UPDATE:
        symbol = "+" if drift.action is Action.CREATE else "-"
        origin = drift.origin if isinstance(drift, Episode) else None
        return f"{symbol} {whole_key_text(drift.action, origin)}"
    return f"~ {escape_control(drift.field)} = {change_text(drift.desired, drift.live)}"


def _outcome(episode: Episode) -> str:
    parts = [episode.outcome.value]
    if episode.corrected is not None:
        parts.append(f"{format_instant(episode.corrected)} by run {episode.run}")
    elif episode.ended is not None:
        parts.append(format_instant(episode.ended))
    detail = f": {escape_control(episode.detail)}" if episode.detail else ""
    return " ".join(parts) + detail
