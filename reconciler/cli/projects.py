"""``reconciler projects`` and ``reconciler regions``: the ids for files and options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.credentials import sessions
from reconciler.cli.options import ConnectionOptions, OutputOptions
from reconciler.cli.system import clock_of
from reconciler.cli.values import command, option
from reconciler.errors import ConfigurationError, ExitCode
from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import listed
from reconciler.observe.names import every_name
from reconciler.render.numbers import render_numbers, render_numbers_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.cli.console import Console
    from reconciler.model.clock import Clock

_FORMATS: Final = ("text", "json")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersOptions:
    """The options of a command that lists ids and names."""

    format: str = option("How they are printed.", type=click.Choice(_FORMATS), default="text")
    connection: ConnectionOptions
    output: OutputOptions


def names_of(
    parameter: str, connection: ConnectionOptions, clock: Clock, console: Console
) -> Mapping[int, str]:
    """Return the names of all projects or regions by id, as the token sees them.

    Raises ConfigurationError if none of the APIs has such lists, and ApiError.
    """
    if BUILT_IN_API not in connection.apis:
        message = f"projects and regions are those of {BUILT_IN_API}, and the configuration has"
        raise ConfigurationError(f"{message} {listed(connection.apis)}; add {BUILT_IN_API}: {{}} under apis")
    with sessions(connection, clock, console).opened() as apis:
        return every_name(apis.session(BUILT_IN_API).reader, parameter)


@command(NumbersOptions, "reconciler projects", "reconciler projects --format json")
def projects(context: click.Context, options: NumbersOptions) -> ExitCode:
    """List the projects that the token sees, with their numbers."""
    return _print(context, options, "project_id", "projects")


@command(NumbersOptions, "reconciler regions", "reconciler regions --format json")
def regions(context: click.Context, options: NumbersOptions) -> ExitCode:
    """List the regions that the token sees, with their numbers."""
    return _print(context, options, "region_id", "regions")


def _print(context: click.Context, options: NumbersOptions, parameter: str, what: str) -> ExitCode:
    console = options.output.console()
    names = names_of(parameter, options.connection, clock_of(context), console)
    if options.format == "json":
        console.result(render_numbers_json(names, what))
        return ExitCode.DONE
    console.result(render_numbers(names))
    if not names:
        console.note(
            f"No {what}: the token sees none. Check that the token is right and belongs to the right account."
        )
    return ExitCode.DONE
