"""A plan on standard output, in the format that is asked for: what showing a plan shares with making one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reconciler import pipeline
from reconciler.cli.values import option
from reconciler.model.phrases import first_texts
from reconciler.render.formats import RENDERERS, Style
from reconciler.render.text import Detail

if TYPE_CHECKING:
    from reconciler.cli.console import Console
    from reconciler.model.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatOptions:
    """How a plan is printed."""

    format: str = option("How the plan is printed.", type=click.Choice(tuple(RENDERERS)), default="text")
    name: str = option(
        "Name of the plan in Markdown, where a pull request has several.",
        default="",
        show_default=False,
        metavar="TEXT",
    )


def show(plan: Plan, form: FormatOptions, console: Console) -> None:
    """Print a plan, then all that is wrong with it."""
    detail = Detail.FULL if console.verbosity > 0 else Detail.SUMMARY
    console.result(pipeline.render(plan, form.format, Style(detail, console.paint, form.name)))
    complain(plan, console)


def complain(plan: Plan, console: Console) -> None:
    """Print all that is wrong with a plan."""
    for text in first_texts(plan.errors):
        console.error(text)
