"""``reconciler show``."""

from __future__ import annotations

from dataclasses import dataclass

import click

from reconciler.cli.options import KindOptions, OutputOptions
from reconciler.cli.printing import FormatOptions
from reconciler.cli.printing import show as show_plan
from reconciler.cli.values import command, option
from reconciler.pipeline import read_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions:
    """The options of ``show``."""

    file: str
    form: FormatOptions
    sources: KindOptions
    verbose: int = option("List unmanaged keys.", "-v", "--verbose", count=True)
    no_color: bool = option("No colour.  [env: NO_COLOR]")


@command(ShowOptions, "reconciler show plan.json", "reconciler show plan.json --format markdown > comment.md")
@click.argument("file", type=click.Path())
def show(_context: click.Context, options: ShowOptions) -> None:
    """Show a plan that plan --out saved, in any format. Needs neither files nor API nor token."""
    console = OutputOptions(verbose=options.verbose, quiet=False, no_color=options.no_color).console()
    show_plan(
        read_plan(options.file, kinds=options.sources.known_kinds(console.warning)),
        options.form,
        console,
    )
