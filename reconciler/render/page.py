"""The status page: one HTML document that needs nothing else, not even a script."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.compare import common_start
from reconciler.model.canonical import json_text
from reconciler.model.cycle import CycleResult, ScopeState
from reconciler.model.escape import quoted
from reconciler.model.phrases import counted
from reconciler.model.plan import Action
from reconciler.model.version import __version__
from reconciler.render.html import PageTemplate, Severity, clock, page_template
from reconciler.render.timeline import HEIGHT, SLOTS, Bar, Mark, Window, lanes, ticks
from reconciler.render.values import clear_command, field_name, whole_key_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from reconciler.model.status import Episode, FlappingField, KeyHistory, Pending, ServiceStatus, Status
    from reconciler.render.timeline import Lane

_EPISODES: Final = 20
_ITEMS: Final = 5
_ERRORS: Final = 20
_SHOWN: Final = 100
_LONG: Final = 200
_LEAD: Final = 40
_DETAIL: Final = 500
_CLASSES: Final = {
    Mark.ENDED: "e",
    Mark.CORRECTED: "c",
    Mark.OPEN: "o",
    Mark.FAILED: "f",
    Mark.CONTESTED: "x",
}
"""Short, for a page can hold thousands of bars."""
_ICONS: Final = {Mark.OPEN: "drifted", Mark.FAILED: "failed", Mark.CONTESTED: "contested"}


@dataclass(frozen=True, slots=True)
class Headline:
    """One thing that the reader should know first, and since when it is so if that matters."""

    words: str
    tone: Severity
    since: dt.datetime | None = None

    def __str__(self) -> str:
        """Return it in one line."""
        return self.words if self.since is None else f"{self.words} since {clock(self.since)} UTC"


@dataclass(frozen=True, slots=True)
class Values:
    """A declared and a live value as shown; of two lists, only the items that differ."""

    declared: tuple[str, ...]
    live: tuple[str, ...]
    is_list: bool
    alike: int = 0


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key with its timeline; ``worst`` is the drift that counts most now, since when ``since`` tells.

    ``hidden`` counts the episodes that are not in the table.
    """

    history: KeyHistory
    lanes: tuple[Lane, ...]
    worst: Episode | None
    since: dt.datetime | None
    shown: tuple[Episode, ...]
    hidden: int


def render_page(status: Status, *, refresh_seconds: int | None = None) -> str:
    """Return the page; a browser loads it again after ``refresh_seconds``, if given."""
    window = Window(status.since, status.at)
    headlines = _headlines(status)
    return _template().render(
        status=status,
        headlines=headlines,
        tone=max((news.tone for news in headlines), key=list(Severity).index),
        window=window,
        ticks=ticks(window),
        keys=[_key_view(key, window) for key in status.keys],
        refresh_seconds=refresh_seconds,
        version=__version__,
    )


def content_security_policy() -> str:
    """Return the value of the header ``Content-Security-Policy``: the policy of the page, and no frames."""
    return f"{_template().policy()}; frame-ancestors 'none'"


@functools.cache
def _template() -> PageTemplate:
    filters: dict[str, Callable[..., Any]] = {
        "command": lambda contest, file: clear_command(contest.address, contest.field, file),
        "cut": _cut,
        "named": field_name,
        "sentence": _sentence,
        "span": _span,
        "values": _values,
        "whole_key": whole_key_text,
    }
    names = {
        "HEIGHT": HEIGHT,
        "SLOTS": SLOTS,
        "CLASSES": _CLASSES,
        "ICONS": _ICONS,
        "Mark": Mark,
        "legend": [Bar(mark, 1, 21) for mark in reversed(Mark)],
        "ScopeState": ScopeState,
        "Action": Action,
        "errors_shown": _ERRORS,
        "pending_shown": _SHOWN,
    }
    return page_template("status.html", filters, names)


def _headlines(status: Status) -> tuple[Headline, ...]:
    """Return the state of everything, what matters most first; there is always one."""
    troubles = (*_service_news(status.service), *_drift_news(status), *_round_news(status))
    if troubles:
        return troubles
    if not status.scopes:
        return (
            Headline("no scope has been read yet" if status.last_cycle else "no round yet", Severity.WAITING),
        )
    every = "all " if len(status.scopes) > 1 else ""
    return (Headline(f"{every}{counted(len(status.scopes), 'scope')} in sync", Severity.GOOD),)


def _service_news(service: ServiceStatus | None) -> Iterator[Headline]:
    if service is not None and service.failing_since is not None:
        yield Headline("rounds failing", Severity.BAD, service.failing_since)
    if service is not None and service.files_invalid_since is not None:
        yield Headline("files invalid", Severity.BAD, service.files_invalid_since)


def _drift_news(status: Status) -> Iterator[Headline]:
    standings = Counter(scope.state for scope in status.scopes)
    granted = sum(key.has_granted for key in status.keys)
    drifted = sum(key.is_drifted for key in status.keys)
    if status.flapping:
        yield Headline(f"{counted(len(status.flapping), 'field')} contested", Severity.BAD)
    if granted:
        yield Headline(f"access granted on {counted(granted, 'key')}", Severity.BAD)
    if drifted:
        least = "at least " if status.omitted_keys and drifted == len(status.keys) else ""
        yield Headline(f"{least}{counted(drifted, 'key')} drifted", Severity.WARNING)
    elif standings[ScopeState.DRIFTED]:
        yield Headline(f"{counted(standings[ScopeState.DRIFTED], 'scope')} drifted", Severity.WARNING)
    every = counted(len(status.scopes), "scope")
    if standings[ScopeState.INCOMPLETE]:
        yield Headline(f"{standings[ScopeState.INCOMPLETE]} of {every} not compared in full", Severity.BAD)
    if standings[ScopeState.UNREACHABLE]:
        yield Headline(f"{standings[ScopeState.UNREACHABLE]} of {every} unreachable", Severity.BAD)
    waiting = len({one.address for one in status.pending})
    if waiting or standings[ScopeState.PENDING]:
        what = counted(waiting, "key") if waiting else counted(standings[ScopeState.PENDING], "scope")
        yield Headline(f"{what} pending", Severity.WAITING)


def _round_news(status: Status) -> Iterator[Headline]:
    words = {
        CycleResult.REFUSED: "correction refused in the last round",
        CycleResult.INCOMPLETE: "correction failed in the last round",
        CycleResult.FAILED: "last round failed",
        CycleResult.INTERRUPTED: "last round interrupted",
    }
    known = status.service is not None and status.service.failing_since is not None
    if not known and status.last_cycle is not None and status.last_cycle.result in words:
        yield Headline(words[status.last_cycle.result], Severity.BAD)


def _key_view(key: KeyHistory, window: Window) -> KeyView:
    going_on = [episode for episode in key.episodes if episode.ended is None]
    return KeyView(
        history=key,
        lanes=lanes(key.episodes, window),
        worst=max(going_on, key=lambda episode: Mark.of(episode).rank, default=None),
        since=min((episode.first_seen for episode in going_on), default=None),
        shown=key.episodes[:_EPISODES],
        hidden=len(key.episodes[_EPISODES:]) + key.omitted,
    )


def _values(drift: FlappingField | Episode | Pending) -> Values:
    declared, live = drift.declared, drift.live
    if isinstance(declared, list) and isinstance(live, list):
        ours, theirs = ({json_text(item): item for item in items} for items in (declared, live))
        gone = [ours[text] for text in ours if text not in theirs]
        new = [theirs[text] for text in theirs if text not in ours]
        if gone or new:
            return Values(_items(gone), _items(new), is_list=True, alike=len(ours) - len(gone))
    before, after = quoted(declared), quoted(live)
    start = common_start(before, after) if max(len(before), len(after)) > _LONG else 0
    return Values((_from(before, start),), (_from(after, start),), is_list=False)


def _items(items: list[Any]) -> tuple[str, ...]:
    rest = len(items) - _ITEMS
    shown = tuple(_cut(_item(item), _LONG) for item in items[:_ITEMS])
    return shown if rest <= 0 else (*shown, f"… and {rest} more")


def _item(item: Any) -> str:
    if isinstance(item, dict):
        return "{" + ", ".join(f"{key}: {quoted(value)}" for key, value in item.items()) + "}"
    return quoted(item)


def _from(text: str, start: int) -> str:
    """Leave out most of what a long text shares with the other before ``start``, and cut its end."""
    skipped = start - _LEAD
    if skipped <= 0:
        return _cut(text, _LONG)
    return f"…({skipped} characters alike)…{_cut(text[skipped:], _LONG)}"


def _cut(text: str, limit: int = _DETAIL) -> str:
    rest = len(text) - limit
    return text if rest <= 0 else f"{text[:limit]}…({counted(rest, 'character')} more)"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _span(length: dt.timedelta) -> str:
    """Return a length of time in the largest unit of which there are at least two."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return counted(seconds // size, unit)
    return counted(seconds, "second")
