"""The status page: one self-contained HTML document without a script."""

from __future__ import annotations

import datetime as dt
import functools
import urllib.parse
from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reconciler.diff.alignment import common_ends
from reconciler.model.canonical import json_text
from reconciler.model.cycle import CycleResult, ScopeState
from reconciler.model.expressions import expression
from reconciler.model.phrases import and_more, counted
from reconciler.model.plan import Action
from reconciler.model.version import __version__
from reconciler.render.calendar import calendar
from reconciler.render.html import PageTemplate, Severity, clock, page_template
from reconciler.render.lifetimes import stage_text
from reconciler.render.lines import cut
from reconciler.render.timeline import HEIGHT, SLOTS, Bar, Mark, Window, lanes, span, ticks
from reconciler.render.values import (
    clear_command,
    field_name,
    named_address,
    only_in_one,
    value_text,
    whole_key_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from reconciler.model.status import Episode, FlappingField, Pending, Status

_ITEMS: Final = 5
_LONG: Final = 200
_LEAD: Final = 40
_DETAIL: Final = 500
_ESCAPED: Final = expression(r"\[([*?[])\]")
_SHORT: Final = dt.timedelta(minutes=2)
"""Times are shown with their seconds if rounds begin more often."""
_RESULTS: Final = {
    CycleResult.REFUSED: "correction refused in the last round",
    CycleResult.INCOMPLETE: "correction failed in the last round",
    CycleResult.FAILED: "last round failed",
    CycleResult.INTERRUPTED: "last round interrupted",
}


class Headline(NamedTuple):
    """A headline of the page, and since when it applies."""

    words: str
    severity: Severity
    since: dt.datetime | None = None

    def __str__(self) -> str:
        """Return the headline as one line."""
        return self.words if self.since is None else f"{self.words} since {clock(self.since)} UTC"


class Values(NamedTuple):
    """A declared and a live value for display; of two lists, only the items that differ."""

    desired: tuple[str, ...]
    live: tuple[str, ...]
    is_list: bool
    alike: int = 0


class Medium(Enum):
    """Where a page is displayed, with its policy for forms; a served one has links to single keys."""

    FILE = "'none'"
    SERVED = "'self'"


def render_page(status: Status, medium: Medium = Medium.FILE, *, refresh_seconds: int | None = None) -> str:
    """Return the page; a browser reloads it after ``refresh_seconds``, if given."""
    window = Window(status.since, status.at)
    headlines = tuple(_headlines(status))
    return _template(medium).render(
        status=status,
        headlines=headlines,
        severity=max((headline.severity for headline in headlines), key=list(Severity).index),
        window=window,
        ticks=ticks(window),
        refresh_seconds=refresh_seconds,
        is_served=medium is Medium.SERVED,
        one=_only_address(status.address),
        precision="seconds" if any(between < _SHORT for between in _periods(status)) else "minutes",
        version=__version__,
    )


def _periods(status: Status) -> Iterator[dt.timedelta]:
    """Yield the known intervals between cycles: between the last two, and to the next."""
    if status.period is not None:
        yield status.period
    elif (
        status.service is not None and status.service.next_cycle is not None and status.last_cycle is not None
    ):
        yield status.service.next_cycle - status.last_cycle.began


def content_security_policy() -> str:
    """Return the header ``Content-Security-Policy`` of a served page: its policy, and no frames."""
    return f"{_template(Medium.SERVED).policy()}; frame-ancestors 'none'"


@functools.cache
def _template(medium: Medium) -> PageTemplate:
    filters: dict[str, Callable[..., Any]] = {
        "calendar": calendar,
        "command": lambda field, file: clear_command(field.address, field.field, file),
        "cut": functools.partial(cut, characters=_DETAIL),
        "most_severe": lambda episodes: max(episodes, key=lambda episode: Mark.of(episode).rank),
        "lanes": lanes,
        "named_address": named_address,
        "link": lambda address: f"?object={urllib.parse.quote(address, safe='/', errors='surrogatepass')}",
        "named": field_name,
        "stage": stage_text,
        "sentence": lambda words: words[:1].upper() + words[1:],
        "span": span,
        "values": _values,
        "whole_key": whole_key_text,
    }
    legend = [Bar(mark, 1, 21) for mark in reversed(Mark)]
    names = {"HEIGHT": HEIGHT, "SLOTS": SLOTS, "Mark": Mark, "legend": legend}
    names |= {"ScopeState": ScopeState, "Action": Action}
    return page_template("status.html", filters, names, medium.value)


def _only_address(glob: str) -> str:
    """Return the address if ``glob`` matches only one, empty otherwise."""
    return _ESCAPED.sub(r"\1", glob) if not set("*?[") & set(_ESCAPED.sub("", glob)) else ""


def _headlines(status: Status) -> Iterator[Headline]:
    """Yield the headlines, the most important first; there is always one."""
    outages = status.outages
    down = (Headline(f"API {api} unreachable", Severity.BAD, since) for api, since in outages.items())
    headlines = [*_service_headlines(status), *down, *_drift_headlines(status, outages)]
    failing = status.service is not None and status.service.failing_since is not None
    if not failing and status.last_cycle is not None and status.last_cycle.result in _RESULTS:
        headlines.append(Headline(_RESULTS[status.last_cycle.result], Severity.BAD))
    if headlines:
        yield from headlines
    elif not status.scopes:
        words = "no scope has been read yet" if status.last_cycle else "no round yet"
        yield Headline(words, Severity.WAITING)
    else:
        every = "all " if len(status.scopes) > 1 else ""
        yield Headline(f"{every}{counted(len(status.scopes), 'scope')} in sync", Severity.GOOD)


def _service_headlines(status: Status) -> Iterator[Headline]:
    if status.service is not None:
        since = {
            "rounds failing": status.service.failing_since,
            "files invalid": status.service.files_invalid_since,
        }
        yield from (Headline(words, Severity.BAD, at) for words, at in since.items() if at is not None)


def _drift_headlines(status: Status, outages: Container[str]) -> Iterator[Headline]:
    states, every = Counter(scope.state for scope in status.scopes), counted(len(status.scopes), "scope")
    drifted = sum(key.is_drifted for key in status.keys)
    least = "at least " if status.omitted_keys and drifted == len(status.keys) and drifted else ""
    pending = len({pending.address for pending in status.pending})
    drift, waiting = (
        (keys or states[state], counted(keys, "key") if keys else counted(states[state], "scope"))
        for keys, state in ((drifted, ScopeState.DRIFTED), (pending, ScopeState.PENDING))
    )
    contested, granted = len(status.flapping), sum(key.has_granted for key in status.keys)
    of_outages = {kind for kind, api in status.apis.items() if api in outages}
    unread = (scope for scope in status.scopes if scope.state is ScopeState.UNREACHABLE)
    unreachable = sum(scope.kind not in of_outages for scope in unread)
    incomplete = states[ScopeState.INCOMPLETE]
    for count, words, severity in (
        (contested, f"{counted(contested, 'field')} contested", Severity.BAD),
        (granted, f"access granted on {counted(granted, 'key')}", Severity.BAD),
        (drift[0], f"{least}{drift[1]} drifted", Severity.WARNING),
        (incomplete, f"{incomplete} of {every} not compared in full", Severity.BAD),
        (unreachable, f"{unreachable} of {every} unreachable", Severity.BAD),
        (waiting[0], f"{waiting[1]} pending", Severity.WAITING),
    ):
        if count:
            yield Headline(words, severity)


def _values(drift: FlappingField | Episode | Pending) -> Values:
    gone, new = only_in_one(drift.desired, drift.live)
    if gone or new:
        alike = len({json_text(item) for item in drift.desired}) - len(gone)
        return Values(_items(gone), _items(new), is_list=True, alike=alike)
    before, after = value_text(drift.desired), value_text(drift.live)
    start = common_ends(before, after)[0] if max(len(before), len(after)) > _LONG else 0
    return Values((_from(before, start),), (_from(after, start),), is_list=False)


def _items(items: list[Any]) -> tuple[str, ...]:
    rest = len(items) - _ITEMS
    shown = tuple(cut(value_text(item), _LONG) for item in items[:_ITEMS])
    return shown if rest <= 0 else (*shown, f"… {and_more(rest)}")


def _from(text: str, start: int) -> str:
    """Omit most of what a long text shares with another before ``start``, and its end."""
    skipped = start - _LEAD
    if skipped <= 0:
        return cut(text, _LONG)
    return f"…({skipped} characters alike)…{cut(text[skipped:], _LONG)}"
