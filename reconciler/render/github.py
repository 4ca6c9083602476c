"""The plan as annotations of GitHub Actions: each change is shown at its declaration in the pull request."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from reconciler.model.escape import escape_control
from reconciler.model.phrases import at_least
from reconciler.model.plan import Origin
from reconciler.model.source import Problem
from reconciler.render.impact import is_high_impact, lost_access, priority
from reconciler.render.lines import Bound, becomes_with_note, cut, field_view, line_text
from reconciler.render.text import summary_line
from reconciler.render.values import heading, joined, key_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.plan import Change, Plan
    from reconciler.model.source import Position


_MOST: Final = 10
"""GitHub shows this many annotations of a kind from one step, and drops the others without a word."""
_BOUND: Final = Bound(characters=500, items=10)
_LONGEST_PROBLEM: Final = 2000


@joined
def render_github(plan: Plan) -> Iterator[str]:
    """Return workflow commands, then the counts, which are a plain line of the log.

    Errors of the plan are errors; changes that revoke access or are in conflict, and warnings, are warnings;
    other changes are notices. GitHub shows ten of each type, so the last one has the number of the others.
    """
    ranked = sorted(plan.changes, key=priority)
    high = [change for change in ranked if is_high_impact(change)]
    by_kind: dict[str, Sequence[Problem | Change]] = {
        "error": plan.errors,
        "warning": [*high, *plan.warnings],
        "notice": ranked[len(high) :],
    }
    for kind, subjects in by_kind.items():
        written = (_of_plan(kind, subject) for subject in subjects)
        yield from _first(kind, written, len(subjects), "Another format of the plan shows all.")
    yield summary_line(plan)


def problem_commands(problems: Mapping[str, tuple[str, Sequence[Problem]]]) -> Iterator[str]:
    """Yield workflow commands of problems, whose title is their type: error or warning."""
    for kind, (title, subjects) in problems.items():
        written = (_problem(kind, subject, title) for subject in subjects)
        yield from _first(kind, written, len(subjects), "The log of the step shows more.", at_least(subjects))


def _first(kind: str, commands: Iterator[str], count: int, advice: str, least: str = "") -> Iterator[str]:
    """Yield as many commands of a type as GitHub shows; the last one has the number of those left out."""
    rest = 0 if count <= _MOST else count - _MOST + 1
    yield from islice(commands, count - rest)
    if rest:
        left_out = f"{least}{rest} of {count} {kind}s are not shown"
        yield _command(kind, f"{left_out}: GitHub shows {_MOST} from a step. {advice}")


def _of_plan(kind: str, subject: Problem | Change) -> str:
    if not isinstance(subject, Problem):
        return _change(kind, subject)
    stops = "left as it is" if subject.is_live else "the plan must not be applied"
    return _problem(kind, subject, stops if kind == "error" else "needs attention")


def _problem(kind: str, problem: Problem, title: str) -> str:
    text = ": ".join(filter(None, (problem.address, problem.message)))
    return _command(kind, cut(escape_control(text), _LONGEST_PROBLEM), title, problem.position)


def _change(kind: str, change: Change) -> str:
    present = {field.origin for field in change.fields}
    labels = "".join(f"[{origin}] " for origin in reversed(Origin) if origin in present)
    views = ((field_view(field, _BOUND), field.with_key) for field in change.fields)
    fields = (line_text(view) + ("" if with_key else f"  # {view.note}") for view, with_key in views)
    title = heading(change) if change.is_undeclared else key_text(change)
    lost = cut(lost_access(change), _BOUND.characters)
    message = "\n".join([f"{title}{becomes_with_note(change)}", *filter(None, [lost]), *fields])
    return _command(kind, message, f"{labels}access: {change.effect}", change.position)


def _command(kind: str, message: str, title: str = "", position: Position | None = None) -> str:
    """Return a workflow command of safe texts; only the line breaks of ``message`` are retained."""
    properties = {"title": title} if title else {}
    if position is not None:
        line = {"line": f"{position.line}", "col": f"{position.column}"} if position.line else {}
        properties = {"file": escape_control(position.source), **line, **properties}
    written = ",".join(
        f"{name}={_data(value).replace(':', '%3A').replace(',', '%2C')}" for name, value in properties.items()
    )
    return f"::{kind}{' ' if written else ''}{written}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
