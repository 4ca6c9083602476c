"""``reconciler show``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from reconciler.cli.console import CONTEXT, console_of
from reconciler.cli.formats import format_options, rendered
from reconciler.cli.kinds import KINDS, known_kinds
from reconciler.cli.plan import Made, complain, judged
from reconciler.errors import ConfigurationError, RefusedError, os_reason
from reconciler.kinds.kind import Kind
from reconciler.kinds.packaged import plan_schema
from reconciler.load.links import special_refusal
from reconciler.model.plan import Plan
from reconciler.plan.saved import read_saved


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler show plan.json
  reconciler show plan.json --format markdown > comment.md
""",
)
@click.argument("file", type=click.Path())
@format_options
@KINDS
@click.option("-v", "--verbose", count=True, help="List unmanaged keys.")
@click.option("--no-color", is_flag=True, help="No colour.  [env: NO_COLOR]")
def show(**parameters: Any) -> None:
    """Show a plan that plan --out saved, in any format. Needs neither files nor API nor token."""
    console = console_of({**parameters, "quiet": False})
    saved, _ = _read(parameters["file"], parameters)
    console.result(rendered(parameters, saved, console))
    complain(saved, console)


def open_plan(parameters: Mapping[str, Any]) -> Made:
    """Read the saved plan that is to be applied.

    Raises RefusedError if it cannot be used, or was made for another API.
    """
    file, base_url = parameters["plan_file"], parameters["base_url"]
    saved, kinds = _read(file, parameters)
    if saved.base_url != base_url:
        raise RefusedError(
            f"the plan {file} is refused: it was made for {saved.base_url}, not for {base_url}"
        )
    return Made(kinds, judged(saved, parameters))


def _read(file: str, parameters: Mapping[str, Any]) -> tuple[Plan, Mapping[str, Kind]]:

    refusal = special_refusal(file)  # a pipe might never end
    if refusal:
        raise ConfigurationError(f"the plan {file} {refusal}")
    try:
        content = Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = os_reason(error)
        raise ConfigurationError(f"the plan {file} cannot be read: {reason}") from error
    kinds = known_kinds({"kinds": parameters["kinds"]})
    try:
        return read_saved(content, kinds, plan_schema()), kinds
    except RefusedError as error:
        raise RefusedError(f"the plan {file} is refused: {error}") from error
