"""``reconciler show``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import click

from reconciler.cli.console import CONTEXT, OutputOptions
from reconciler.cli.formats import FORMAT, FormatOptions, rendered
from reconciler.cli.options import KINDS, add
from reconciler.cli.plan import Made, complain, judged
from reconciler.cli.settings import InputOptions, PlanningOptions, takes
from reconciler.errors import RefusedError
from reconciler.kinds.kind import Kind
from reconciler.model.plan import Plan
from reconciler.pipeline import read_plan
from reconciler.validate.known_kinds import tree_kinds


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """The options of ``show``."""

    file: str
    inputs: InputOptions
    output: OutputOptions
    form: FormatOptions


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler show plan.json
  reconciler show plan.json --format markdown > comment.md
""",
)
@click.argument("file", type=click.Path())
@add(FORMAT, KINDS)
@click.option("-v", "--verbose", count=True, help="List unmanaged keys.")
@click.option("--no-color", is_flag=True, help="No colour.  [env: NO_COLOR]")
@takes(ShowOptions)
def show(_context: click.Context, options: ShowOptions) -> None:
    """Show a plan that plan --out saved, in any format. Needs neither files nor API nor token."""
    console = options.output.console()
    saved, _ = _read(options.file, options.inputs)
    console.result(rendered(options.form, saved, console))
    complain(saved, console)


def open_plan(file: str, options: PlanningOptions) -> Made:
    """Read the saved plan that is to be applied.

    Raises RefusedError if it cannot be used, or was made for another API.
    """
    base_url = options.connection.base_url
    saved, kinds = _read(file, options.inputs)
    if saved.base_url != base_url:
        raise RefusedError(
            f"the plan {file} is refused: it was made for {saved.base_url}, not for {base_url}"
        )
    return Made(kinds, judged(saved, options.selection.limits))


def _read(file: str, inputs: InputOptions) -> tuple[Plan, Mapping[str, Kind]]:
    kinds = tree_kinds(inputs.kinds)
    return read_plan(file, kinds=kinds), kinds
