"""The formats of a plan, one renderer each: plan in, text out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from reconciler.plan.saved import render_saved
from reconciler.render.diff import render_diff
from reconciler.render.github import render_github
from reconciler.render.markdown import render_markdown
from reconciler.render.text import Detail, plain, render_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.plan import Plan
    from reconciler.render.text import Paint


@dataclass(frozen=True, slots=True)
class Style:
    """How a plan is rendered: ``detail`` and ``paint`` of the text, ``name`` of the Markdown comment."""

    detail: Detail = Detail.SUMMARY
    paint: Paint = plain
    name: str = ""


def _facts(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return the name and value of what a plan was made from."""
    made_from = plan.provenance
    commit, base = (made_from.git_commit, made_from.base_commit) if made_from else (None, None)
    return (("API", plan.base_url), ("Commit", commit or "unknown"), *((("Base", base),) if base else ()))


def _html(plan: Plan, _style: Style) -> str:
    from reconciler.render.plan_page import render_plan_page  # noqa: PLC0415 - jinja2 is an extra

    if plan.provenance is None:
        raise ValueError("the plan does not say when it was made")
    return render_plan_page(plan, plan.provenance.made_at, _facts(plan))


def render_gitlab(plan: Plan) -> str:
    """Return how many keys are created, updated and deleted: the report of GitLab's widget."""
    return json.dumps(plan.action_counts, separators=(",", ":")) + "\n"


RENDERERS: Final[Mapping[str, Callable[[Plan, Style], str]]] = MappingProxyType(
    {
        "text": lambda plan, style: render_text(plan, style.detail, style.paint),
        "json": lambda plan, _style: render_saved(plan),
        "markdown": lambda plan, style: render_markdown(
            plan, style.name, (*_facts(plan), ("Fingerprint", plan.fingerprint))
        ),
        "html": _html,
        "diff": lambda plan, _style: render_diff(plan),
        "github": lambda plan, _style: render_github(plan),
        "gitlab": lambda plan, _style: render_gitlab(plan),
    }
)
