"""The plan as a diff, for tools that colour standard output by the first character of each line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.escape import escape_control
from reconciler.model.phrases import counted
from reconciler.model.plan import Action
from reconciler.render.lines import SYMBOLS, field_view, heading
from reconciler.render.text import summary_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.plan import Plan
    from reconciler.render.lines import FieldView


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
    if not view.is_set:
        lines = [f"- {view.name} = {item}" for item in view.removed]
        lines += [f"+ {view.name} = {item}" for item in view.added]
        yield from lines[:-1]
        yield f"{lines[-1]}  # {view.note}"
        return
    yield f"~ {view.name} = [  # {view.note}"
    for item in view.removed:
        yield f"-   {item}"
    for item in view.added:
        yield f"+   {item}"
    if view.kept:
        yield f"~   # ({counted(view.kept, 'unchanged element')} hidden)"
    yield "~ ]"
