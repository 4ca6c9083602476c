"""The plan as one HTML document for reviewers.

Every change can be folded, and filters are forms with style sheet rules, so that the page works wherever a
pipeline's files are shown. A style sheet cannot read typed text: the filter by name is a script, shown only
where scripts run.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reconciler.diff.alignment import common_ends
from reconciler.model.escape import quoted
from reconciler.model.expressions import expression
from reconciler.model.phrases import counted
from reconciler.model.plan import Effect, Origin
from reconciler.model.version import __version__
from reconciler.plan.needs import shown_needs
from reconciler.render.html import PageTemplate, Severity, page_template
from reconciler.render.impact import lost_access, purpose_text
from reconciler.render.lines import Mark, becomes, field_view
from reconciler.render.text import changes_text, errors_line
from reconciler.render.values import api_note, named_address, standing

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.model.plan import Change, FieldChange, Plan
    from reconciler.model.scope import Scope
    from reconciler.model.source import Problem
    from reconciler.render.lines import Line

_UNFOLDED: Final = 20
"""A plan of fewer changes is shown with all of them unfolded."""
_SHORT: Final = 60
_DEEPEST: Final = 6
"""Lines that are nested deeper are not indented any more."""
_KEPT: Final = 60
_DATE: Final = expression(r"(\b\d{4}-\d\d-\d\d(?:T[\d:.]{1,20}Z)?\b)", re.ASCII)
"""What stays on one line, although a browser may break a line after a hyphen."""


class Piece(NamedTuple):
    """A part of a value, ``changed`` relative to the other value or not; or a count of omitted characters."""

    text: str
    part: str = ""


class FieldCell(NamedTuple):
    """A field that changes: the lines inside its brackets if it has some, else both values in parts."""

    change: FieldChange
    lines: tuple[Line, ...] = ()
    before: tuple[Piece, ...] = ()
    after: tuple[Piece, ...] = ()
    is_long: bool = False


class ChangeView(NamedTuple):
    """A change with everything that the page shows and filters by."""

    change: Change
    marks: str
    is_open: bool
    origins: tuple[Origin, ...]
    fields: tuple[FieldCell, ...]
    errors: Sequence[Problem]


def render_plan_page(plan: Plan, made_at: dt.datetime, facts: Sequence[tuple[str, str]] = ()) -> str:
    """Return the page; ``facts`` are names and values for its head, such as the commit."""
    scopes = tuple(dict.fromkeys(change.scope for change in plan.changes))
    words, severity, notes = _headline(plan)
    return _template().render(
        plan=plan,
        made_at=made_at,
        facts=facts,
        words=words,
        severity=severity,
        notes=notes,
        counts=plan.action_counts,
        scopes=scopes,
        changes=_change_views(plan, scopes),
        anchors=_anchors(plan),
        version=__version__,
    )


@functools.cache
def _template() -> PageTemplate:
    filters: dict[str, Callable[..., Any]] = {
        "api_note": api_note,
        "becomes": becomes,
        "lost_access": lost_access,
        "purpose": purpose_text,
        "body": lambda patch: json.dumps(dict(patch), indent=2, ensure_ascii=False),
        "dates": _DATE.split,
        "is_date": lambda pieces: len(pieces) == 1 and bool(_DATE.fullmatch(pieces[0].text[1:-1])),
        "named_address": named_address,
        "standing": standing,
    }
    names = {"Effect": Effect, "Mark": Mark, "Origin": Origin, "deepest": _DEEPEST}
    return page_template("plan.html", filters, names)


def _headline(plan: Plan) -> tuple[str, Severity, Sequence[str]]:
    """Return the plan in a few words, its severity, and other important facts."""
    notes = [f"{errors_line(plan)}."] if plan.errors else []
    if conflicts := plan.of_origin(Origin.CONFLICT):
        keys = counted(conflicts, "key")
        notes.append(f"{keys} in conflict: Git and the live API changed a field differently.")
    severity = Severity.WARNING if plan.grants or plan.revokes else Severity.WAITING
    severity = Severity.BAD if notes else severity
    if plan.changes:
        notes += [f"{need.line}." for need in shown_needs(plan)]
        return changes_text(plan), severity, notes
    if plan.problems:
        notes.append("The keys with errors cannot be planned; the others match the configuration.")
        return "No changes can be planned", severity, notes
    return "No changes", Severity.GOOD, ("Your infrastructure matches the configuration.",)


def _anchors(plan: Plan) -> dict[str, str]:
    """Return the anchors of the changes that have errors, by address."""
    wrong = {error.address for error in plan.errors}
    numbered = enumerate((change.address for change in plan.changes), 1)
    return {address: f"change-{number}" for number, address in numbered if address in wrong}


def _change_views(plan: Plan, scopes: Sequence[Scope]) -> Iterator[ChangeView]:
    numbers = {scope: number for number, scope in enumerate(scopes)}
    errors: dict[str, list[Problem]] = {}
    for error in plan.errors:
        errors.setdefault(error.address, []).append(error)
    is_short = len(plan.changes) < _UNFOLDED
    for change in plan.changes:
        present = {field.origin for field in change.fields}
        origins = tuple(origin for origin in Origin if origin in present)
        wrong = errors.get(change.address, ())
        yield ChangeView(
            change,
            " ".join(
                (
                    f"s{numbers[change.scope]}",
                    *change.effect.split("+"),
                    *origins,
                    *(["destroys"] if change.action.destroys else []),
                )
            ),
            is_short or bool(wrong) or change.effect.revokes or Origin.CONFLICT in origins,
            origins,
            tuple(map(_cell, change.fields)),
            wrong,
        )


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
    is_long = any(sum(len(piece.text) for piece in side) > _SHORT for side in (old, new))
    return FieldCell(field, (), old, new, is_long and not field.with_key)


def _parts(text: str, start: int, end: int) -> Iterator[Piece]:
    middle = text[start : len(text) - end]
    yield from (Piece('"'), *_alike(text[:start]))
    if middle:
        yield Piece(_inside(middle), "changed" if start or end else "")
    yield from (*_alike(text[len(text) - end :]), Piece('"'))


def _alike(text: str) -> tuple[Piece, ...]:
    rest = len(text) - 2 * _KEPT
    if rest <= 0:
        return (Piece(_inside(text)),)
    left_out = Piece(counted(rest, "character"), "left out")
    return Piece(_inside(text[:_KEPT])), left_out, Piece(_inside(text[-_KEPT:]))


def _inside(text: str) -> str:
    """Return a text as between the quotes of JSON, with as few escapes as possible."""
    return quoted(text)[1:-1]
