"""``reconciler show``."""

from __future__ import annotations

import click

from reconciler.cli.color import ColorOptions
from reconciler.cli.options import KindOptions
from reconciler.cli.printing import FormatOptions
from reconciler.cli.printing import show as show_plan
from reconciler.cli.sections import GLOBAL
from reconciler.cli.values import command, option
from reconciler.model.frozen import dataclass
from reconciler.pipeline import read_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions:
    """The options of ``show``."""

    file: str
    form: FormatOptions
    sources: KindOptions
    verbose: int = option("List unmanaged keys.", "-v", "--verbose", count=True, section=GLOBAL)
    colors: ColorOptions


@command(ShowOptions, "reconciler show plan.json", "reconciler show plan.json --format markdown > comment.md")
@click.argument("file", type=click.Path())
def show(_context: click.Context, options: ShowOptions) -> None:
    """Show a plan that plan --out saved, in any format. Needs neither files nor API nor token."""
    console = options.colors.console(options.verbose)
    show_plan(
        read_plan(options.file, kinds=options.sources.known_kinds(console.warning)),
        options.form,
        console,
    )
