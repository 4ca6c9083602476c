"""The geometry of a timeline of drift: instants in, slots between 0 and ``SLOTS`` out.

A lane is divided into slots, about as fine as a screen can show. Each has one mark, the most severe of its
events, and neighbours with the same mark are one bar, so that a page of hundreds of episodes is small.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.model.canonical import format_instant
from reconciler.model.cycle import FieldOutcome
from reconciler.model.phrases import counted
from reconciler.render.values import field_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.status import EarlierEpisode, Episode

SLOTS: Final = 400
HEIGHT: Final = 20
_LEAST: Final = 4
"""What is over at once is still this many slots wide: three pixels on a phone."""
_LABELS: Final = 4.3
"""A month is labelled by the week."""
_FREE: Final = 72
"""A label nearer to an end than this would touch the label of that end."""
_FREE_ON_PHONES: Final = 112
"""The same on a phone, which leaves out what is nearer."""
_STEPS: Final = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720))
"""Between the labels of a window that is shorter than a few days."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY: Final = dt.timedelta(days=1)


class Mark(StrEnum):
    """How a period of drift is drawn, in the words of the legend; the most severe comes last."""

    ENDED = "ended otherwise"
    CORRECTED = "corrected"
    OPEN = "drifted now"
    GRANTED = "access granted now"
    FAILED = "correction failed or refused"
    CONTESTED = "contested"

    @property
    def rank(self) -> int:
        """Return its rank among the marks: the most severe has the highest."""
        return _RANKS[self]

    @classmethod
    def of(cls, episode: Episode | EarlierEpisode) -> Mark:
        """Return the mark of an episode."""
        if episode.outcome in _MARKS:
            return _MARKS[episode.outcome]
        if episode.ended is None:
            return cls.GRANTED if episode.effect.grants else cls.OPEN
        return cls.CORRECTED if episode.outcome is FieldOutcome.CORRECTED else cls.ENDED


_RANKS: Final = {mark: rank for rank, mark in enumerate(Mark)}
_MARKS: Final = {
    FieldOutcome.CONTESTED: Mark.CONTESTED,
    **dict.fromkeys(
        (FieldOutcome.FAILED, FieldOutcome.NOT_VERIFIED, FieldOutcome.NOT_ATTEMPTED, FieldOutcome.REFUSED),
        Mark.FAILED,
    ),
}


class Bar(NamedTuple):
    """A stretch of slots with one mark; ``end`` is the first slot after it."""

    mark: Mark
    start: int
    end: int

    @property
    def path(self) -> str:
        """Return its SVG path, in slots and ``HEIGHT`` units; a bar of drift that has ended is less high."""
        top = 6 if self.mark in {Mark.CORRECTED, Mark.ENDED} else 3
        width = self.end - self.start
        return f"M{self.start} {top}h{width}v{HEIGHT - 2 * top}h-{width}z"


class Lane(NamedTuple):
    """The timeline of one field; ``words`` describe the bars."""

    field: str
    bars: tuple[Bar, ...]
    words: str

    @property
    def paths(self) -> tuple[tuple[Mark, str], ...]:
        """Return all bars of a mark as one path, since a page can hold thousands of bars."""
        grouped = ((mark, "".join(bar.path for bar in self.bars if bar.mark is mark)) for mark in Mark)
        return tuple((mark, path) for mark, path in grouped if path)


class Tick(NamedTuple):
    """A day or a time on the axis; ``anchor`` is the part of the label at its slot, as in SVG."""

    slot: int
    label: str
    anchor: str = "middle"

    @property
    def x(self) -> str:
        """Return its position in per cent of the lane: a label, unlike a bar, must not be stretched."""
        return f"{self.slot * 100 / SLOTS:g}%"

    @property
    def is_near_an_end(self) -> bool:
        """Return whether the label does not fit on a phone."""
        return self.anchor == "middle" and not _FREE_ON_PHONES <= self.slot <= SLOTS - _FREE_ON_PHONES


class Window(NamedTuple):
    """The period of a timeline, up to the time when it was made."""

    since: dt.datetime
    at: dt.datetime

    @property
    def words(self) -> str:
        """Return its length."""
        return span(self.at - self.since)

    def slot(self, instant: dt.datetime) -> float:
        """Return the slot of an instant; instants outside are at the edge."""
        length = max(self.at - self.since, dt.timedelta(seconds=1))
        return min(max((instant - self.since) / length, 0), 1) * SLOTS


def ticks(window: Window) -> tuple[Tick, ...]:
    """Return the labels of the axis: the beginning, a few midnights or times between, the end."""
    length = window.at - window.since
    days = max(1, round(length / _DAY / _LABELS)) * _DAY
    step = next((step for step in _STEPS if length / step <= _LABELS), days)
    label = _day if step >= _DAY else _time
    midnight = window.at.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight - step if step >= _DAY else midnight + (window.at - midnight) // step * step
    named = [Tick(SLOTS, label(window.at), "end")]
    while (slot := round(window.slot(at))) >= _FREE:
        if slot <= SLOTS - _FREE:
            named.append(Tick(slot, _day(at) if at.astimezone(dt.UTC).hour == at.minute == 0 else label(at)))
        at -= step
    return (Tick(0, label(window.since), "start"), *reversed(named))


def span(length: dt.timedelta) -> str:
    """Return a duration in the largest unit of which it has at least two."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return counted(seconds // size, unit)
    return counted(seconds, "second") if seconds else "less than a second"


def lanes(episodes: Sequence[Episode | EarlierEpisode], window: Window) -> tuple[Lane, ...]:
    """Return a lane for each field that drifted in the window, ordered by field."""
    by_field: dict[str, list[Episode | EarlierEpisode]] = {}
    for episode in episodes:
        if episode.ended is None or episode.ended >= window.since:
            by_field.setdefault(episode.field, []).append(episode)
    return tuple(_lane(field, by_field[field], window) for field in sorted(by_field))


def _lane(field: str, episodes: Sequence[Episode | EarlierEpisode], window: Window) -> Lane:
    slots: list[Mark | None] = [None] * SLOTS
    marked = sorted(((Mark.of(episode), episode) for episode in episodes), key=lambda pair: pair[0].rank)
    for mark, episode in marked:
        start, end = _extent(episode, window)
        slots[start:end] = [mark] * (end - start)
    ends = [0, *itertools.accumulate(len(list(group)) for _, group in itertools.groupby(slots))]
    stretches = ((slots[start], start, end) for start, end in itertools.pairwise(ends))
    bars = (Bar(drawn, start, end) for drawn, start, end in stretches if drawn is not None)
    counts = Counter(mark for mark, _ in marked)
    parts = ", ".join(f"{counts[mark]} {mark}" for mark in reversed(Mark) if mark in counts)
    count, begin = counted(len(episodes), "episode"), _label(window.since, window)
    words = f"{field_name(field)}: {count} since {begin}: {parts}"
    since = min((episode.first_seen for episode in episodes if episode.ended is None), default=None)
    return Lane(
        field, tuple(bars), words if since is None else f"{words}; goes on since {_label(since, window)}"
    )


def _extent(episode: Episode | EarlierEpisode, window: Window) -> tuple[int, int]:
    """Return the slots of an episode; one too short to be visible is widened to both sides."""
    start = int(window.slot(episode.first_seen))
    end = SLOTS if episode.ended is None else max(start, round(window.slot(episode.ended)))
    if end - start >= _LEAST:
        return start, end
    start = min(max(start - _LEAST // 2, 0), SLOTS - _LEAST)
    return start, start + _LEAST


def _time(instant: dt.datetime) -> str:
    return format_instant(instant)[11:16]


def _label(instant: dt.datetime, window: Window) -> str:
    """Return a day, in a short window with the time."""
    is_short = window.at - window.since <= 2 * _DAY
    return f"{_day(instant)} {_time(instant)}" if is_short else _day(instant)


def _day(instant: dt.datetime) -> str:
    instant = instant.astimezone(dt.UTC)
    return f"{instant.day} {_MONTHS[instant.month - 1]}"
