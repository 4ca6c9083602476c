"""Print a plan on standard output, in the requested format; used for new and for saved plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler import pipeline
from reconciler.cli.values import option
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import first_texts
from reconciler.plan.needs import Asked, shown_needs
from reconciler.render.formats import RENDERERS, WITHOUT_NEEDS, Style
from reconciler.render.text import Detail

if TYPE_CHECKING:
    from reconciler.cli.console import Console
    from reconciler.model.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatOptions:
    """How a plan is printed."""

    summary: bool = option("Print one line for each key, in format text.", needs=("format=text",))
    format: str = option("How the plan is printed.", type=click.Choice(tuple(RENDERERS)), default="text")
    name: str = option(
        "Name of the plan in Markdown, where a pull request has several.",
        default="",
        show_default=False,
        metavar="TEXT",
        needs=("format=markdown",),
    )


def show(plan: Plan, form: FormatOptions, console: Console, asked: Asked = Asked.PLAN) -> None:
    """Print a plan, then all its problems."""
    names = Detail.UNMANAGED if console.verbosity > 0 else Detail.USUAL
    keys = Detail.KEYS if form.summary else Detail.USUAL
    style = Style(names | keys, console.screen(), form.name, asked)
    console.result(pipeline.render(plan, form.format, style))
    if form.format in WITHOUT_NEEDS:
        for need in shown_needs(plan, asked):
            console.note(f"{need.line}.")
    complain(plan, console)


def complain(plan: Plan, console: Console) -> None:
    """Print all problems of a plan."""
    for text in first_texts(plan.errors):
        console.error(text)
