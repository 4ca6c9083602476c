"""The plan as a page for the people who review it: one HTML document, without a script.

Every change folds, and forms filter by rules of style alone, so that the page works, and looks the same,
wherever a pipeline's files are shown.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reconciler.diff.compare import common_ends
from reconciler.model.escape import quoted
from reconciler.model.phrases import counted
from reconciler.model.plan import Action, Change, Effect, FieldChange, Origin, Plan
from reconciler.model.version import __version__
from reconciler.render.html import PageTemplate, Severity, page_template
from reconciler.render.lines import SYMBOLS, Line, Mark, field_view
from reconciler.render.text import access_line, changes_text, errors_line, secrets_line

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterator, Sequence

    from reconciler.model.scope import Scope
    from reconciler.model.source import Problem

_UNFOLDED: Final = 20
"""A plan of fewer changes is shown with all of them unfolded."""
_PROBLEMS: Final = 10
"""More errors, or more warnings, than this are folded, so that the changes are not far below."""
_SHORT: Final = 60
_DEEPEST: Final = 6
"""Lines that are nested deeper are not indented any more."""
_KEPT: Final = 60
_EFFECTS: Final = {
    Effect.GRANTS: "access is gained",
    Effect.REVOKES: "access is lost",
    Effect.NEUTRAL: "access stays as it is",
}
_ORIGINS: Final = {
    Origin.CONFIG: "Git changed it",
    Origin.DRIFT: "the live API changed it",
    Origin.CONFLICT: "both changed it differently",
}
_COLOURS: Final = {Origin.CONFIG: "config", Origin.DRIFT: "drifted", Origin.CONFLICT: "contested"}


class Part(StrEnum):
    """What a piece of one of two texts is beside the other text."""

    ALIKE = "alike"
    CHANGED = "changed"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a value as shown; of what is left out, ``text`` says how much it is."""

    text: str
    part: Part = Part.ALIKE


@dataclass(frozen=True, slots=True)
class FieldCell:
    """A field that changes: the lines inside its brackets where it has some, else both values in pieces."""

    change: FieldChange
    lines: tuple[Line, ...] = ()
    before: tuple[Piece, ...] = ()
    after: tuple[Piece, ...] = ()
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change with what the page needs to show, fold and filter it."""

    change: Change
    becomes: str
    marks: str
    is_open: bool
    effects: tuple[Effect, ...]
    origins: tuple[Origin, ...]
    fields: tuple[FieldCell, ...]
    hidden: int
    patch: Sequence[str]
    problems: Collection[Problem]


@dataclass(frozen=True, slots=True)
class Headline:
    """The plan in a few words, its severity, and what else must be known first."""

    words: str
    tone: Severity
    notes: tuple[str, ...] = ()


def render_plan_page(plan: Plan, made_at: dt.datetime, facts: Sequence[tuple[str, str]] = ()) -> str:
    """Return the page; ``facts`` are names and values to show at its head, such as the commit."""
    scopes = tuple(dict.fromkeys(change.scope for change in plan.changes))
    return _template().render(
        plan=plan,
        made_at=made_at,
        facts=facts,
        headline=_headline(plan),
        counts=plan.action_counts,
        scopes=scopes,
        changes=_change_views(plan, scopes),
        has_origins=plan.has_origins,
        version=__version__,
    )


@functools.cache
def _template() -> PageTemplate:
    names = {
        "Part": Part,
        "Mark": Mark,
        "deepest": _DEEPEST,
        "problems_shown": _PROBLEMS,
        "EFFECTS": _EFFECTS,
        "ORIGINS": _ORIGINS,
        "COLOURS": _COLOURS,
        "ICONS": {
            Severity.GOOD: "good",
            Severity.WAITING: "change",
            Severity.WARNING: "drifted",
            Severity.BAD: "bad",
        },
    }
    return page_template("plan.html", {}, names)


def _headline(plan: Plan) -> Headline:
    notes = []
    if plan.errors:
        notes.append(f"{errors_line(plan)}.")
    if conflicts := plan.of_origin(Origin.CONFLICT):
        keys = counted(conflicts, "key")
        notes.append(f"{keys} in conflict: Git and the live API changed a field differently.")
    if notes:
        tone = Severity.BAD
    elif plan.grants or plan.revokes:
        tone = Severity.WARNING
    else:
        tone = Severity.WAITING
    if plan.changes:
        notes.append(access_line(plan.grants, plan.revokes, plan.neutral))
        notes += [f"{secrets_line(plan)}."] if plan.new_secrets else []
        return Headline(changes_text(plan), tone, tuple(notes))
    if plan.problems:
        notes.append("The keys with errors cannot be planned; the others match the configuration.")
        return Headline("No changes can be planned", tone, tuple(notes))
    return Headline("No changes", Severity.GOOD, ("Your infrastructure matches the configuration.",))


def _change_views(plan: Plan, scopes: Sequence[Scope]) -> Iterator[ChangeView]:
    numbers = {scope: number for number, scope in enumerate(scopes)}
    problems: dict[str, list[Problem]] = {}
    for problem in plan.problems:
        problems.setdefault(problem.address, []).append(problem)
    is_short = len(plan.changes) < _UNFOLDED
    for change in plan.changes:
        effects = _effects(change.effect)
        found = {field.origin for field in change.fields}
        origins = tuple(origin for origin in Origin if origin in found)
        wrong = problems.get(change.address, ())
        yield ChangeView(
            change=change,
            becomes="" if change.action is Action.UPDATE else SYMBOLS[change.action][2],
            marks=" ".join((f"s{numbers[change.scope]}", *effects, *origins)),
            is_open=is_short or bool(wrong) or Effect.REVOKES in effects or Origin.CONFLICT in origins,
            effects=effects,
            origins=origins,
            fields=tuple(map(_cell, change.fields)),
            hidden=change.unchanged,
            patch=json.dumps(dict(change.patch), indent=2, ensure_ascii=False).split("\n"),
            problems=wrong,
        )


def _effects(effect: Effect) -> tuple[Effect, ...]:
    """Return an effect in its two sides, if it has two."""
    return (Effect.GRANTS, Effect.REVOKES) if effect is Effect.BOTH else (effect,)


def _cell(field: FieldChange) -> FieldCell:
    view = field_view(field)
    if view.brackets:
        return FieldCell(field, view.lines)
    before, after = field.before, field.after
    if isinstance(before, str) and isinstance(after, str) and max(len(before), len(after)) > _SHORT:
        ends = common_ends(before, after)
        old, new = (tuple(_parts(text, *ends)) for text in (before, after))
    else:
        (line,) = view.lines
        old, new = (() if text is None else (Piece(text),) for text in (line.before, line.after))
    is_long = not field.with_key and any(
        sum(len(piece.text) for piece in side) > _SHORT for side in (old, new)
    )
    return FieldCell(field, (), old, new, is_long)


def _parts(text: str, start: int, end: int) -> Iterator[Piece]:
    middle = text[start : len(text) - end]
    yield Piece('"')
    yield from _alike(text[:start])
    if middle:
        yield Piece(_inside(middle), Part.CHANGED if start or end else Part.ALIKE)
    yield from _alike(text[len(text) - end :])
    yield Piece('"')


def _alike(text: str) -> Iterator[Piece]:
    rest = len(text) - 2 * _KEPT
    if rest <= 0:
        yield Piece(_inside(text))
        return
    yield Piece(_inside(text[:_KEPT]))
    yield Piece(counted(rest, "character"), Part.LEFT_OUT)
    yield Piece(_inside(text[-_KEPT:]))


def _inside(text: str) -> str:
    """Return a text as it is between the quotes of JSON, where each character is written for itself."""
    return quoted(text)[1:-1]
