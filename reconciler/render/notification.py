"""Notifications of a team: the bodies that a webhook is sent. Pure.

A body is an object with ``type``, ``timestamp``, ``text`` and ``data``; docs/drift.md describes it.
``text`` is for people, in the markup of Slack.
"""

from __future__ import annotations

import itertools
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.canonical import format_instant, json_text
from reconciler.model.cycle import FieldOutcome
from reconciler.model.escape import escape_control
from reconciler.model.phrases import and_more, counted, shortened
from reconciler.model.plan import Action
from reconciler.model.status import ApiOutage
from reconciler.plan.origins import is_unwanted
from reconciler.render.history import ONE_API, api_fact, episode_facts
from reconciler.render.values import change_text, whole_key_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from reconciler.model.status import ConditionState, Episode, NewKey, PendingNotification

_MOST_FIELDS: Final = 50
_LONGEST_TEXT: Final = 500
_LONGEST_VALUE: Final = 4096
_MARKUP: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "'", "*": "\u2217"})
_LONGEST_MESSAGE: Final = 30_000
"""Slack cuts texts of 40,000 characters."""
AFTER_CYCLES: Final = frozenset({FieldOutcome.LEFT, FieldOutcome.NOT_ATTEMPTED})
"""Outcomes that are notified once enough cycles in a row have seen the drift."""
_OVER: Final = frozenset({FieldOutcome.ENDED, FieldOutcome.UNDECLARED})
_AT_ONCE: Final = frozenset(FieldOutcome) - AFTER_CYCLES - _OVER - {FieldOutcome.CHANGED}
"""Outcomes that are notified whatever the number of cycles."""
_TEXTS: Final = {
    "rounds.failing": "rounds have failed",
    "rounds.recovered": "rounds succeed again",
    "files.invalid": "the files are invalid; the last valid version is still in force",
    "files.valid": "the files are valid again",
    "checkout.stale": "the checkout cannot be updated; the files at hand are in force",
    "checkout.current": "the checkout is updated again",
    "api.unreachable": "the API {api} cannot be read; the others are compared",
    "api.reachable": "the API {api} can be read again",
}
"""The types of messages about conditions, first of its beginning and then of its end, with their texts."""


class Delivery(StrEnum):
    """When an outcome is notified."""

    NOW = "now"
    NEVER = "never"
    LATER = "later"


def delivery_of(pending: PendingNotification, after_cycles: int) -> Delivery:
    """Return when to notify of drift: of what was done about it at once, of the rest after so many cycles.

    The end of drift is notified where its beginning was.
    """
    episode = pending.episode
    if episode.outcome in _AT_ONCE or (episode.outcome in _OVER and pending.notified):
        return Delivery.NOW
    if episode.ended is not None:
        return Delivery.NEVER
    is_due = episode.outcome in AFTER_CYCLES and episode.cycles >= after_cycles
    return Delivery.NOW if is_due else Delivery.LATER


def drift_message(
    episodes: Sequence[Episode],
    at: dt.datetime,
    base_url: str,
    run: str,
    apis: Mapping[str, str] = ONE_API,
) -> dict[str, Any]:
    """Return the body about drift: of fields, and of keys that were created or deleted.

    ``apis`` are those of the kinds, where there are several.
    """
    shown, source = episodes[:_MOST_FIELDS], {"base_url": base_url, "run": run}
    granted = len({item.address for item in episodes if item.ended is None and item.effect.grants})
    alarm = f", *access granted on {counted(granted, 'key')}*" if granted else ""
    written = [_line(episode, apis) for episode in shown]
    sizes = itertools.accumulate(len(line) + 1 for line in written)
    lines = [line for line, size in zip(written, sizes, strict=True) if size <= _LONGEST_MESSAGE]
    if len(lines) < len(episodes):
        lines.append(f"{and_more(len(episodes) - len(lines))}: see `reconciler history`")
    facts = {"fields": [_facts(episode, apis) for episode in shown], "grants": granted}
    omitted = {"omitted": len(episodes) - len(shown)}
    return _message("drift", at, f"{_what(episodes)}{alarm}", lines, source | facts | omitted)


def new_keys_message(
    keys: Sequence[NewKey],
    at: dt.datetime,
    base_url: str,
    run: str,
    apis: Mapping[str, str] = ONE_API,
) -> dict[str, Any]:
    """Return the body about live keys that were created and that no file declares."""
    shown = [
        {"address": key.address, "first_seen": format_instant(key.first_seen)} | api_fact(key.address, apis)
        for key in keys[:_MOST_FIELDS]
    ]
    omitted = len(keys) - len(shown)
    lines = [
        f"• `{_escaped(key['address'])}`{_api(key['address'], apis)}, first seen {key['first_seen']}"
        for key in shown
    ]
    if omitted:
        lines.append(and_more(omitted))
    facts = {"base_url": base_url, "run": run, "keys": shown, "omitted": omitted}
    return _message("keys.unmanaged", at, f"{counted(len(keys), 'new key')} not declared", lines, facts)


def condition_message(
    state: ConditionState, at: dt.datetime, base_url: str, run: str, errors: Sequence[str]
) -> dict[str, Any]:
    """Return the body about a condition, or its end; ``errors`` are those of the cycle."""
    condition = state.condition
    api = condition.api if isinstance(condition, ApiOutage) else ""
    topic = "api" if api else condition.value
    names = [name for name in _TEXTS if name.partition(".")[0] == topic]
    name, since = names[state.is_over], format_instant(state.since)
    text = _TEXTS[name].format(api=_escaped(api))
    head = f"{text}{'; the problem began' if state.is_over else ', since'} {since}"
    shown = [] if state.is_over else list(errors[:10])
    facts = {"base_url": base_url, "run": run, "since": since, "rounds": state.cycles, "errors": shown}
    facts |= {"api": api} if api else {}
    return _message(name, at, head, [f"• {_escaped(error)}" for error in shown], facts)


def _message(
    name: str, at: dt.datetime, head: str, lines: Sequence[str], data: dict[str, Any]
) -> dict[str, Any]:
    text = "\n".join([f"*reconciler*: {head}", *lines])
    return {"type": name, "timestamp": format_instant(at), "text": text, "data": data}


def _what(episodes: Sequence[Episode]) -> str:
    """Return how many fields and keys it is about, and what became of them as far as that is known."""
    nouns = {Action.UPDATE: "field", Action.CREATE: "created key", Action.DELETE: "deleted key"}
    counts = Counter(
        "unwanted key" if is_unwanted(episode.action, episode.origin) else nouns[episode.action]
        for episode in episodes
    )
    ordered = (*nouns.values(), "unwanted key")
    named = ", ".join(counted(counts[noun], noun) for noun in ordered if counts[noun])
    if all(episode.origin is not None for episode in episodes):
        return f"{named} changed outside Git"
    return f"{named} {'differs' if len(episodes) == 1 else 'differ'} from the files"


def _facts(episode: Episode, apis: Mapping[str, str]) -> dict[str, Any]:
    """Return the facts of a field; a value that is too long for a message becomes its beginning, as text."""
    facts = episode_facts(episode, apis)
    for side in ("declared", "live"):
        text = json_text(facts[side])
        if len(text) > _LONGEST_VALUE:
            facts[side] = shortened(text, _LONGEST_VALUE)
    return facts


def _line(episode: Episode, apis: Mapping[str, str]) -> str:
    what = whole_key_text(episode.action, episode.origin)
    if episode.action is Action.UPDATE:
        what = f"{_escaped(episode.field)}: {_escaped(change_text(episode.desired, episode.live))}"
    label = "" if episode.origin is None else f"[{episode.origin}] "
    why = f"({label}{episode.effect.value}: {_escaped(episode.reason)})"
    since = f"since {format_instant(episode.first_seen)}: *{episode.outcome.value}*"
    detail = f": {_escaped(episode.detail)}" if episode.detail else ""
    return f"• `{_escaped(episode.address)}`{_api(episode.address, apis)} {what} {why}, {since}{detail}"


def _api(address: str, apis: Mapping[str, str]) -> str:
    """Return the API of the key at an address, where there are several."""
    return "".join(f" (API {_escaped(api)})" for api in api_fact(address, apis).values())


def _escaped(text: str) -> str:
    """Return a text that is harmless in Slack's markup, and short; a backtick cannot be quoted there."""
    return escape_control(shortened(text, _LONGEST_TEXT)).translate(_MARKUP)
