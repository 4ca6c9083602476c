"""The formats of a plan, one renderer each: plan in, text out; and the shorter renderers themselves.

A diff is for tools that colour output by the first character of each line.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.later import Later
from reconciler.plan.needs import Asked
from reconciler.render.impact import lost_access
from reconciler.render.lines import SYMBOLS, becomes_with_note, diff_lines, field_view
from reconciler.render.text import Detail, render_text, summary_line
from reconciler.render.text_layout import PLAIN, Screen
from reconciler.render.values import heading, joined, short_commit

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.model.plan import Plan
    from reconciler.plan import saved
    from reconciler.render import github, markdown
else:
    github = Later("reconciler.render.github")
    markdown = Later("reconciler.render.markdown")
    saved = Later("reconciler.plan.saved")


WITHOUT_NEEDS: Final = frozenset({"gitlab"})
"""Formats of other programs, which have no place for what an apply will need."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a plan is rendered: ``detail`` and ``screen`` of the text, ``name`` of the Markdown comment.

    The text lists the options that the plan needs, except those that ``asked`` already has.
    """

    detail: Detail = Detail.USUAL
    screen: Screen = PLAIN
    name: str = ""
    asked: Asked = Asked.PLAN


def _facts(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return the name and value of each item of a plan's provenance."""
    made_from = plan.provenance
    commit, base = (made_from.git_commit, made_from.base_commit) if made_from else (None, None)
    facts = {"API": plan.base_url, "Commit": short_commit(commit or "unknown")}
    return tuple((facts | ({"Base": short_commit(base)} if base else {})).items())


def _html(plan: Plan, _style: Style) -> str:
    from reconciler.render.plan_page import render_plan_page  # noqa: PLC0415 - jinja2 is an extra

    return render_plan_page(plan, _made_at(plan), _facts(plan))


def _made_at(plan: Plan) -> dt.datetime:
    if plan.provenance is None:
        raise ValueError("the plan has no creation time")
    return plan.provenance.made_at


@joined
def render_diff(plan: Plan) -> Iterator[str]:
    """Yield the lines of the plan; each is empty or starts with ``+``, ``-`` or ``~`` and a space."""
    for change in plan.changes:
        yield f"{SYMBOLS[change.action][0][0]} {heading(change)}{becomes_with_note(change)}"
        if lost := lost_access(change):
            yield f"- {lost}"
        for field in change.fields:
            view = field_view(field)
            note = "" if field.with_key else f"  # {view.note}"
            if view.brackets:
                yield f"{view.mark} {view.name} = {view.brackets[0]}{note}"
                yield from diff_lines(view, "~")
                yield f"{view.mark} {view.brackets[1]}"
            else:
                *first, last = diff_lines(view, "~", " ")
                yield from (*first, f"{last}{note}")
        yield ""
    for severity, problems in (("Error", plan.errors), ("Warning", plan.warnings)):
        yield from (f"~ {severity}: {escape_control(str(problem))}" for problem in problems)
    if plan.errors or plan.warnings:
        yield ""
    yield f"~ {summary_line(plan)}"


def render_gitlab(plan: Plan) -> str:
    """Return how many keys are created, updated and deleted: the report of GitLab's widget."""
    return json.dumps(plan.action_counts, separators=(",", ":")) + "\n"


RENDERERS: Final[Mapping[str, Callable[[Plan, Style], str]]] = MappingProxyType(
    {
        "text": lambda plan, style: render_text(plan, style.detail, style.screen, style.asked),
        "json": lambda plan, _style: saved.render_saved(plan),
        "markdown": lambda plan, style: markdown.render_markdown(
            plan, style.name, (*_facts(plan), ("Fingerprint", plan.fingerprint))
        ),
        "html": _html,
        "diff": lambda plan, _style: render_diff(plan),
        "github": lambda plan, _style: github.render_github(plan),
        "gitlab": lambda plan, _style: render_gitlab(plan),
    }
)
