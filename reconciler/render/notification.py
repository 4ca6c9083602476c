"""What a team is told, and in which words: the bodies that a webhook is sent. Pure.

A body is an object with ``type``, ``timestamp``, ``text`` and ``data``; docs/drift.md describes it.
``text`` is for people, in the markup of Slack.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.canonical import format_instant, json_text
from reconciler.model.cycle import FieldOutcome
from reconciler.model.escape import escape_control
from reconciler.model.phrases import counted
from reconciler.model.plan import Action
from reconciler.plan.origins import is_unwanted
from reconciler.render.history import episode_facts
from reconciler.render.values import change_text, whole_key_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.model.status import Episode, NewKey

_MOST_FIELDS: Final = 50
_LONGEST_TEXT: Final = 500
_LONGEST_VALUE: Final = 4096
_LONGEST_MESSAGE: Final = 30_000
"""Slack cuts texts of 40,000 characters."""
_AT_ONCE: Final = frozenset(
    {
        FieldOutcome.CORRECTED,
        FieldOutcome.CONTESTED,
        FieldOutcome.FAILED,
        FieldOutcome.NOT_VERIFIED,
        FieldOutcome.REFUSED,
    }
)
"""Outcomes that somebody should know of whatever the number of rounds."""
AFTER_CYCLES: Final = frozenset({FieldOutcome.LEFT, FieldOutcome.NOT_ATTEMPTED})
"""Outcomes that somebody should know of once enough rounds in a row have seen the drift."""


_OVER: Final = frozenset({FieldOutcome.ENDED, FieldOutcome.UNDECLARED})


class ServiceCondition(StrEnum):
    """What can be wrong with the rounds themselves, for some time."""

    ROUNDS = "rounds"
    FILES = "files"
    CHECKOUT = "checkout"


_WORDS: Final = {
    ServiceCondition.ROUNDS: (
        "rounds.failing",
        "rounds have failed",
        "rounds.recovered",
        "rounds succeed again",
    ),
    ServiceCondition.FILES: (
        "files.invalid",
        "the files are invalid; what they said before is still in force",
        "files.valid",
        "the files are valid again",
    ),
    ServiceCondition.CHECKOUT: (
        "checkout.stale",
        "the checkout cannot be updated; the files at hand are in force",
        "checkout.current",
        "the checkout is updated again",
    ),
}


@dataclass(frozen=True, slots=True)
class ConditionState:
    """A trouble: since when, for how many rounds, and whether it goes on."""

    condition: ServiceCondition
    since: dt.datetime
    cycles: int
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class PendingNotification:
    """Drift whose outcome nobody has been told; ``told`` is the outcome that they were told, if any."""

    number: int
    told: str
    episode: Episode


class Delivery(StrEnum):
    """What to do about an outcome that nobody has been told."""

    NOW = "now"
    NEVER = "never"
    LATER = "later"


def delivery_of(untold: PendingNotification, after_cycles: int) -> Delivery:
    """Decide whether to tell of drift: what was done about it at once, the rest after so many rounds.

    That drift is over is told to those who were told that it began.
    """
    episode = untold.episode
    if episode.outcome in _AT_ONCE:
        return Delivery.NOW
    if episode.outcome in _OVER and untold.told:
        return Delivery.NOW
    if episode.ended is not None:
        return Delivery.NEVER
    is_due = episode.outcome in AFTER_CYCLES and episode.cycles >= after_cycles
    return Delivery.NOW if is_due else Delivery.LATER


def drift_message(episodes: Sequence[Episode], at: dt.datetime, base_url: str, run: str) -> dict[str, Any]:
    """Return the body about drift: of fields, and of keys that were created or deleted."""
    shown = episodes[:_MOST_FIELDS]
    granted = len({one.address for one in episodes if one.ended is None and one.effect.grants})
    alarm = f", *access granted on {counted(granted, 'key')}*" if granted else ""
    count = f"{_what(episodes)}{alarm}"
    lines = list(_within(_LONGEST_MESSAGE, (_line(episode) for episode in shown)))
    if len(lines) < len(episodes):
        lines.append(f"and {len(episodes) - len(lines)} more: see `reconciler history`")
    return {
        "type": "drift",
        "timestamp": format_instant(at),
        "text": "\n".join([f"*reconciler*: {count}", *lines]),
        "data": {
            "base_url": base_url,
            "run": run,
            "fields": [_facts(episode) for episode in shown],
            "grants": granted,
            "omitted": len(episodes) - len(shown),
        },
    }


def new_keys_message(keys: Sequence[NewKey], at: dt.datetime, base_url: str, run: str) -> dict[str, Any]:
    """Return the body about live keys that came and that no file declares."""
    shown = keys[:_MOST_FIELDS]
    lines = [f"• `{_escaped(key.address)}`, first seen {format_instant(key.first_seen)}" for key in shown]
    rest = [f"and {len(keys) - len(shown)} more"] if len(keys) > len(shown) else []
    return {
        "type": "keys.unmanaged",
        "timestamp": format_instant(at),
        "text": "\n".join([f"*reconciler*: {counted(len(keys), 'new key')} not declared", *lines, *rest]),
        "data": {
            "base_url": base_url,
            "run": run,
            "keys": [{"address": key.address, "first_seen": format_instant(key.first_seen)} for key in shown],
            "omitted": len(keys) - len(shown),
        },
    }


def condition_message(
    condition: ConditionState, at: dt.datetime, base_url: str, run: str, errors: Sequence[str]
) -> dict[str, Any]:
    """Return the body that tells of a trouble, or of its end; ``errors`` are those of the round."""
    begun, begun_words, over, over_words = _WORDS[condition.condition]
    since = format_instant(condition.since)
    head = (
        f"{over_words}; that was not so from {since}"
        if condition.is_over
        else f"{begun_words}, since {since}"
    )
    shown = [] if condition.is_over else list(errors[:10])
    lines = [f"*reconciler*: {head}", *(f"• {_escaped(error)}" for error in shown)]
    return {
        "type": over if condition.is_over else begun,
        "timestamp": format_instant(at),
        "text": "\n".join(lines),
        "data": {
            "base_url": base_url,
            "run": run,
            "since": since,
            "rounds": condition.cycles,
            "errors": shown,
        },
    }


def _what(episodes: Sequence[Episode]) -> str:
    """Return how many fields and keys it is about, and what became of them as far as that is known."""
    nouns = {Action.UPDATE: "field", Action.CREATE: "created key", Action.DELETE: "deleted key"}
    found = Counter(
        "unwanted key" if is_unwanted(episode.action, episode.origin) else nouns[episode.action]
        for episode in episodes
    )
    named = ", ".join(counted(found[noun], noun) for noun in (*nouns.values(), "unwanted key") if found[noun])
    if all(episode.origin is not None for episode in episodes):
        return f"{named} changed outside Git"
    return f"{named} {'differs' if len(episodes) == 1 else 'differ'} from the files"


def _within(limit: int, lines: Iterable[str]) -> Iterator[str]:
    """Return the first lines that fit into so many characters."""
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > limit:
            return
        yield line


def _facts(episode: Episode) -> dict[str, Any]:
    """Return the facts of a field; a value that is too long for a message becomes its beginning, as text."""
    facts = episode_facts(episode)
    for side in ("declared", "live"):
        text = json_text(facts[side])
        if len(text) > _LONGEST_VALUE:
            facts[side] = f"{text[:_LONGEST_VALUE]}…"
    return facts


def _line(episode: Episode) -> str:
    return "".join(_parts(episode))


def _parts(episode: Episode) -> Iterator[str]:
    yield f"• `{_escaped(episode.address)}` "
    if episode.action is Action.UPDATE:
        yield f"{_escaped(episode.field)}: {_escaped(change_text(episode.declared, episode.live))}"
    else:
        yield whole_key_text(episode.action, episode.origin)
    label = "" if episode.origin is None else f"[{episode.origin}] "
    yield f" ({label}{episode.effect.value}: {_escaped(episode.reason)})"
    yield f", since {format_instant(episode.first_seen)}: *{episode.outcome.value}*"
    if episode.detail:
        yield f": {_escaped(episode.detail)}"


def _escaped(text: str) -> str:
    """Make a text harmless in Slack's markup, and short; it has no other way to quote a backtick."""
    short = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
    safe = escape_control(short).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return safe.replace("`", "'").replace("*", "\u2217")
