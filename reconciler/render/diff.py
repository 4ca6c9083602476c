"""The plan as a diff, for tools that colour standard output by the first character of each line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.escape import escape_control
from reconciler.render.lines import SYMBOLS, becomes, diff_lines, field_view, heading
from reconciler.render.text import summary_line
from reconciler.render.values import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.plan import Plan


@joined
def render_diff(plan: Plan) -> Iterator[str]:
    """Return the plan, each line of which is empty or starts with ``+``, ``-`` or ``~`` and a space."""
    for change in plan.changes:
        yield f"{SYMBOLS[change.action][0][-1]} {heading(change)}{becomes(change)}"
        for view in map(field_view, change.fields):
            if view.brackets:
                yield f"~ {view.name} = {view.brackets[0]}  # {view.note}"
                yield from diff_lines(view, "~")
                yield f"~ {view.brackets[1]}"
            else:
                *first, last = diff_lines(view, "~", " ")
                yield from (*first, f"{last}  # {view.note}")
        yield ""
    for severity, problems in (("Error", plan.errors), ("Warning", plan.warnings)):
        yield from (f"~ {severity}: {escape_control(str(problem))}" for problem in problems)
    if plan.errors or plan.warnings:
        yield ""
    yield f"~ {summary_line(plan)}"
