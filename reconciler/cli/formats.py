"""Every way to print a plan; each is a renderer of its own, loaded only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.options import missing_extra

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from reconciler.cli.console import Console
    from reconciler.model import Plan
    from reconciler.saved import Provenance

FORMATS: Final = ("text", "json", "markdown", "html", "diff", "github", "gitlab")
format_option = click.option(
    "--format",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How the plan is printed.",
)


def rendered(
    output_format: str, plan: Plan, made_at: dt.datetime, provenance: Provenance, console: Console
) -> str:
    """Give ``plan`` in a format. Raises ConfigurationError if the format needs an extra that is not there."""
    if output_format == "text":
        from reconciler.render.text import Detail, render_text  # noqa: PLC0415 - --help needs no renderer

        detail = Detail.FULL if console.verbosity > 0 else Detail.SUMMARY
        return render_text(plan, detail, console.paint)
    if output_format == "json":
        from reconciler.saved import render_saved  # noqa: PLC0415 - the same

        return render_saved(plan, made_at, provenance)
    if output_format == "html":
        return _page(plan, made_at, provenance)
    renderer = import_module(f"reconciler.render.{output_format}")
    render: Callable[[Plan], str] = getattr(renderer, f"render_{output_format}")
    return render(plan)


def _page(plan: Plan, made_at: dt.datetime, provenance: Provenance) -> str:
    try:
        from reconciler.render.plan_page import render_plan_page  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing_extra("report", error) from error
    facts = (("API", provenance.base_url), ("Commit", provenance.git_commit or "unknown"))
    return render_plan_page(plan, made_at, facts)
