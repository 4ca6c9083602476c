"""``reconciler show``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from reconciler.cli.options import OutputOptions, PlanningOptions, kinds_option
from reconciler.cli.plan import FormatOptions, Made, complain, judged, rendered
from reconciler.cli.values import command, flag, option
from reconciler.errors import RefusedError
from reconciler.kinds.kind import Kind
from reconciler.model.plan import Plan
from reconciler.pipeline import read_plan
from reconciler.validate.known_kinds import tree_kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions:
    """The options of ``show``."""

    file: str
    form: FormatOptions
    kinds: tuple[str, ...] = kinds_option()
    verbose: int = option("-v", "--verbose", count=True, text="List unmanaged keys.")
    no_color: bool = flag("--no-color", text="No colour.  [env: NO_COLOR]")


@command(
    ShowOptions,
    "reconciler show plan.json",
    "reconciler show plan.json --format markdown > comment.md",
)
@click.argument("file", type=click.Path())
def show(_context: click.Context, options: ShowOptions) -> None:
    """Show a plan that plan --out saved, in any format. Needs neither files nor API nor token."""
    console = OutputOptions(verbose=options.verbose, quiet=False, no_color=options.no_color).console()
    saved, _ = _read(options.file, options.kinds)
    console.result(rendered(options.form, saved, console))
    complain(saved, console)


def open_plan(file: str, options: PlanningOptions) -> Made:
    """Read the saved plan that is to be applied.

    Raises RefusedError if it cannot be used, or was made for another API.
    """
    base_url = options.connection.base_url
    saved, kinds = _read(file, options.inputs.kinds)
    if saved.base_url != base_url:
        raise RefusedError(
            f"the plan {file} is refused: it was made for {saved.base_url}, not for {base_url}"
        )
    return Made(kinds, judged(saved, options.selection.limits))


def _read(file: str, folders: Sequence[str]) -> tuple[Plan, Mapping[str, Kind]]:
    kinds = tree_kinds(folders)
    return read_plan(file, kinds=kinds), kinds
