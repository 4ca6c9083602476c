"""Notifications of a team: when they are sent, and their content. Pure.

:mod:`reconciler.render.messages` renders them for each receiver.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.canonical import format_instant, json_text
from reconciler.model.cycle import FieldOutcome
from reconciler.model.notification import Line, Notification, Part, Style
from reconciler.model.phrases import counted, shortened
from reconciler.model.plan import Action
from reconciler.model.status import ApiOutage
from reconciler.plan.origins import is_unwanted
from reconciler.render.history import ONE_API, api_fact, episode_facts
from reconciler.render.values import change_text, whole_key_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from reconciler.model.status import ConditionState, Episode, NewKey, PendingNotification, ServiceCondition

_MOST_FIELDS: Final = 50
_MOST_ERRORS: Final = 10
_LONGEST_VALUE: Final = 4096
_ADVICE: Final = (Part(": see "), Part("reconciler history", Style.CODE))
AFTER_CYCLES: Final = frozenset({FieldOutcome.LEFT, FieldOutcome.NOT_ATTEMPTED})
"""Outcomes that are notified once enough cycles in a row have seen the drift."""
_OVER: Final = frozenset({FieldOutcome.ENDED, FieldOutcome.UNDECLARED})
_AT_ONCE: Final = frozenset(FieldOutcome) - AFTER_CYCLES - _OVER - {FieldOutcome.CHANGED}
"""Outcomes that are notified whatever the number of cycles."""
_TEXTS: Final = {
    "rounds.failing": "rounds have failed",
    "rounds.recovered": "rounds succeed again",
    "files.invalid": "the files are invalid; the last valid version is still in use",
    "files.valid": "the files are valid again",
    "checkout.stale": "the checkout cannot be updated; the present files are used",
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
    """Return when to notify of drift: corrected drift at once, other drift after ``after_cycles`` cycles.

    The end of drift is notified if its beginning was.
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
) -> Notification:
    """Return the notification of drift: of fields, and of keys that were created or deleted.

    ``apis`` are those of the kinds, where there are several.
    """
    shown, source = episodes[:_MOST_FIELDS], {"base_url": base_url, "run": run}
    granted = len({item.address for item in episodes if item.ended is None and item.effect.grants})
    alarm = (Part(", "), Part(f"access granted on {counted(granted, 'key')}", Style.BOLD)) if granted else ()
    facts = {"fields": [_facts(episode, apis) for episode in shown], "grants": granted}
    omitted = {"omitted": len(episodes) - len(shown)}
    return Notification(
        "drift",
        at,
        base_url,
        (Part(_what(episodes)), *alarm),
        tuple(_line(episode, apis) for episode in shown),
        len(episodes),
        source | facts | omitted,
        _ADVICE,
    )


def new_keys_message(
    keys: Sequence[NewKey],
    at: dt.datetime,
    base_url: str,
    run: str,
    apis: Mapping[str, str] = ONE_API,
) -> Notification:
    """Return the notification of live keys that were created and that no file declares."""
    shown = [
        {"address": key.address, "first_seen": format_instant(key.first_seen)} | api_fact(key.address, apis)
        for key in keys[:_MOST_FIELDS]
    ]
    lines = tuple(
        (
            Part(key["address"], Style.CODE),
            *_api(key["address"], apis),
            Part(f", first seen {key['first_seen']}"),
        )
        for key in shown
    )
    facts = {"base_url": base_url, "run": run, "keys": shown, "omitted": len(keys) - len(shown)}
    head = (Part(f"{counted(len(keys), 'new key')} not declared"),)
    return Notification("keys.unmanaged", at, base_url, head, lines, len(keys), facts)


def condition_words(condition: ServiceCondition) -> tuple[str, str, str]:
    """Return the types of the messages that a condition has begun, and that it is over, and why it is."""
    begun, over = _types_of(condition.value)
    return begun, over, _TEXTS[over]


def _types_of(topic: str) -> tuple[str, str]:
    """Return the types of the messages about the beginning and the end of a condition."""
    begun, over = (name for name in _TEXTS if name.partition(".")[0] == topic)
    return begun, over


def condition_message(
    state: ConditionState, at: dt.datetime, base_url: str, run: str, errors: Sequence[str]
) -> Notification:
    """Return the notification of a condition, or of its end; ``errors`` are those of the cycle."""
    condition = state.condition
    api = condition.api if isinstance(condition, ApiOutage) else ""
    topic = "api" if api else condition.value
    begun, over = _types_of(topic)
    name, since = over if state.is_over else begun, format_instant(state.since)
    before, found, after = _TEXTS[name].partition("{api}")
    end = f"{after}{'; the problem began' if state.is_over else ', since'} {since}"
    head = tuple(map(Part, (before, api, end) if found else (f"{before}{end}",)))
    shown = [] if state.is_over else list(errors[:_MOST_ERRORS])
    facts = {"base_url": base_url, "run": run, "since": since, "rounds": state.cycles, "errors": shown}
    facts |= {"api": api} if api else {}
    count = 0 if state.is_over else len(errors)
    return Notification(name, at, base_url, head, tuple((Part(error),) for error in shown), count, facts)


def sample_message(at: dt.datetime) -> Notification:
    """Return the notification for a delivery test."""
    head = (Part("this is a test, nothing has changed"),)
    line = (Part("notifications of "), Part("reconciler drift", Style.CODE), Part(" arrive here"))
    return Notification("test", at, "", head, (line,), 1, {})


def _what(episodes: Sequence[Episode]) -> str:
    """Return how many fields and keys are concerned, and their outcomes as far as known."""
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
    """Return the facts of a field; a value that is too long for a message is shortened, as text."""
    facts = episode_facts(episode, apis)
    for side in ("declared", "live"):
        text = json_text(facts[side])
        if len(text) > _LONGEST_VALUE:
            facts[side] = shortened(text, _LONGEST_VALUE)
    return facts


def _line(episode: Episode, apis: Mapping[str, str]) -> Line:
    what: tuple[str, ...] = (whole_key_text(episode.action, episode.origin),)
    if episode.action is Action.UPDATE:
        what = (episode.field, ": ", change_text(episode.desired, episode.live))
    label = "" if episode.origin is None else f"[{episode.origin}] "
    why = f" ({label}{episode.effect.value}: ", episode.reason, ")"
    since = f", since {format_instant(episode.first_seen)}: "
    return (
        Part(episode.address, Style.CODE),
        *_api(episode.address, apis),
        *map(Part, (" ", *what, *why, since)),
        Part(episode.outcome.value, Style.BOLD),
        *map(Part, (": ", episode.detail) if episode.detail else ()),
    )


def _api(address: str, apis: Mapping[str, str]) -> Line:
    """Return the API of the key at an address, where there are several."""
    return tuple(Part(text) for api in api_fact(address, apis).values() for text in (" (API ", api, ")"))
