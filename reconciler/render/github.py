"""The plan as annotations of GitHub Actions: each change is shown at its declaration in the pull request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reconciler.model.escape import escape_control
from reconciler.model.plan import Action, Change, Origin, Plan
from reconciler.model.source import Position, Problem
from reconciler.render.lines import SYMBOLS, Bound, cut, field_view, is_high_impact, line_text, priority
from reconciler.render.text import summary_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_MOST: Final = 10
"""GitHub shows this many annotations of a kind from one step, and drops the others without a word."""
_BOUND: Final = Bound(characters=500, items=10)
_LONGEST_PROBLEM: Final = 2000


class _Kind(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class _Annotation:
    """Its texts are safe ones; only the line breaks of ``message`` are meant."""

    message: str
    title: str = ""
    position: Position | None = None


def render_github(plan: Plan) -> str:
    """Return workflow commands, then the counts, which are a plain line of the log.

    Errors of the plan are errors; changes that revoke access or are in conflict, and warnings, are
    warnings; other changes are notices. Of more than ten of a kind the last one counts the rest.
    """
    ranked = sorted(plan.changes, key=priority)
    high = [change for change in ranked if is_high_impact(*change.fields)]
    found: dict[_Kind, Sequence[Problem | Change]] = {
        _Kind.ERROR: plan.errors,
        _Kind.WARNING: [*high, *plan.warnings],
        _Kind.NOTICE: ranked[len(high) :],
    }
    commands = [_command(kind, one) for kind, subjects in found.items() for one in _shown(kind, subjects)]
    return "\n".join([*commands, summary_line(plan)]) + "\n"


def _shown(kind: _Kind, subjects: Sequence[Problem | Change]) -> Iterator[_Annotation]:
    rest = 0 if len(subjects) <= _MOST else len(subjects) - _MOST + 1
    for subject in subjects[: len(subjects) - rest]:
        yield _of_problem(kind, subject) if isinstance(subject, Problem) else _of_change(subject)
    if rest:
        yield _Annotation(
            f"{rest} of {len(subjects)} {kind}s are not shown: GitHub shows {_MOST} from a step. "
            "The plan in another format shows all."
        )


def _of_problem(kind: _Kind, problem: Problem) -> _Annotation:
    title = "the plan must not be applied" if kind is _Kind.ERROR else "deserves a look"
    text = ": ".join(part for part in (problem.address, problem.message) if part)
    return _Annotation(cut(escape_control(text), _LONGEST_PROBLEM), title, problem.position)


def _of_change(change: Change) -> _Annotation:
    found = {field.origin for field in change.fields}
    labels = "".join(f"[{origin}] " for origin in reversed(Origin) if origin in found)
    views = (field_view(field, _BOUND) for field in change.fields)
    fields = (f"{line_text(view)}  # {view.note}" for view in views)
    becomes = "" if change.action is Action.UPDATE else f" {SYMBOLS[change.action][2]}"
    message = "\n".join([f"{escape_control(change.address)}{becomes}", *fields])
    return _Annotation(message, f"{labels}access: {change.effect}", change.position)


def _command(kind: _Kind, annotation: _Annotation) -> str:
    properties: dict[str, object] = {}
    if annotation.position is not None:
        properties["file"] = escape_control(annotation.position.source)
        properties["line"] = annotation.position.line
        properties["col"] = annotation.position.column
    if annotation.title:
        properties["title"] = annotation.title
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{kind}{' ' if written else ''}{written}::{_data(annotation.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
