"""The options that say how a plan is printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import click

from reconciler.cli.console import Console
from reconciler.cli.options import missing_extra
from reconciler.model.plan import Plan
from reconciler.render.formats import RENDERERS, Style
from reconciler.render.text import Detail

_FORMAT: Final = click.option(
    "--format",
    type=click.Choice(tuple(RENDERERS)),
    default="text",
    show_default=True,
    help="How the plan is printed.",
)
_NAME: Final = click.option(
    "--name", default="", metavar="TEXT", help="Tell several plans of one pull request apart, in Markdown."
)


FORMAT: Final = [_FORMAT, _NAME]


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """How a plan is printed."""

    format: str = "text"
    name: str = ""


def rendered(options: FormatOptions, plan: Plan, console: Console) -> str:
    """Return ``plan`` as the options ask. Raises ConfigurationError if it needs a missing extra."""
    detail = Detail.FULL if console.verbosity > 0 else Detail.SUMMARY
    style = Style(detail, console.paint, options.name)
    try:
        return RENDERERS[options.format](plan, style)
    except ImportError as error:
        raise missing_extra("report", error) from error
