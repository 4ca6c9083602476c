"""``reconciler help`` and ``reconciler version``: what ``--help`` and ``--version`` print."""

from __future__ import annotations

import click

from reconciler.cli.console import CONTEXT, plain_console
from reconciler.cli.values import epilog
from reconciler.errors import ExitCode
from reconciler.model.version import __version__


@click.command("help", context_settings=CONTEXT, epilog=epilog("reconciler help apply"))
@click.argument("names", nargs=-1, metavar="[COMMAND]...")
def help_(names: tuple[str, ...]) -> ExitCode:
    """Print the list of commands, or the help of COMMAND."""
    context = click.get_current_context().find_root()
    for name in names:
        if not isinstance(context.command, click.Group):
            raise click.UsageError(f"{context.command_path} has no commands.", context)
        _, command, _ = context.command.resolve_command(context, [name])
        if command is not None:
            context = command.context_class(command, context, name, **{**CONTEXT, **command.context_settings})
    plain_console().result(context.get_help() + "\n")
    return ExitCode.DONE


@click.command(context_settings=CONTEXT, epilog=epilog("reconciler version"))
def version() -> ExitCode:
    """Print the version."""
    plain_console().result(f"{click.get_current_context().find_root().info_name} {__version__}\n")
    return ExitCode.DONE
