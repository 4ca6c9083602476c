"""Every way to print a plan; each is a renderer of its own, loaded only when it is asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

import click

from reconciler.cli.console import Console
from reconciler.cli.options import missing_extra
from reconciler.model.plan import Plan, Provenance
from reconciler.plan.saved import render_saved
from reconciler.render.markdown import render_markdown
from reconciler.render.text import Detail, render_text

FORMATS: Final = ("text", "json", "markdown", "html", "diff", "github", "gitlab")
_FORMAT: Final = click.option(
    "--format",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How the plan is printed.",
)
_NAME: Final = click.option(
    "--name", default="", metavar="TEXT", help="Tell several plans of one pull request apart, in Markdown."
)


def format_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how a plan is printed."""
    return _FORMAT(_NAME(command))


def rendered(
    parameters: Mapping[str, Any], plan: Plan, made_at: dt.datetime, provenance: Provenance, console: Console
) -> str:
    """Return ``plan`` as the options ask. Raises ConfigurationError if it needs a missing extra."""
    output_format = parameters["format"]
    if output_format == "text":
        detail = Detail.FULL if console.verbosity > 0 else Detail.SUMMARY
        return render_text(plan, detail, console.paint)
    if output_format == "json":
        return render_saved(plan, made_at, provenance)
    if output_format == "markdown":
        facts = (*_facts(provenance), ("Fingerprint", plan.fingerprint))
        return render_markdown(plan, parameters["name"], facts)
    if output_format == "html":
        return _page(plan, made_at, provenance)
    renderer = import_module(f"reconciler.render.{output_format}")
    render: Callable[[Plan], str] = getattr(renderer, f"render_{output_format}")
    return render(plan)


def _facts(provenance: Provenance) -> tuple[tuple[str, str], ...]:
    """Name what a plan was made from."""
    base = () if provenance.base_commit is None else (("Base", provenance.base_commit),)
    commit = provenance.git_commit or "unknown"
    return (("API", provenance.base_url), ("Commit", commit), *base)


def _page(plan: Plan, made_at: dt.datetime, provenance: Provenance) -> str:
    try:
        from reconciler.render.plan_page import render_plan_page  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing_extra("report", error) from error
    return render_plan_page(plan, made_at, _facts(provenance))
