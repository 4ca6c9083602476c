"""The plan as a diff, for tools that colour standard output by the first character of each line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.escape import escape_control
from reconciler.model.plan import Action, Plan
from reconciler.render.lines import SYMBOLS, FieldView, diff_lines, field_view, heading
from reconciler.render.text import summary_line

if TYPE_CHECKING:
    from collections.abc import Iterator


def render_diff(plan: Plan) -> str:
    """Return the plan, each line of which is empty or starts with ``+``, ``-`` or ``~`` and a space."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    for change in plan.changes:
        symbol, _, becomes = SYMBOLS[change.action]
        words = "" if change.action is Action.UPDATE else f" {becomes}"
        yield f"{symbol[-1]} {heading(change)}{words}"
        for field in change.fields:
            yield from _field_lines(field_view(field))
        yield ""
    for problem in plan.errors:
        yield f"~ Error: {escape_control(str(problem))}"
    for problem in plan.warnings:
        yield f"~ Warning: {escape_control(str(problem))}"
    if plan.errors or plan.warnings:
        yield ""
    yield f"~ {summary_line(plan)}"


def _field_lines(view: FieldView) -> Iterator[str]:
    if view.brackets:
        yield f"~ {view.name} = {view.brackets[0]}  # {view.note}"
        yield from diff_lines(view, "~")
        yield f"~ {view.brackets[1]}"
    else:
        *first, last = diff_lines(view, "~", " ")
        yield from first
        yield f"{last}  # {view.note}"
