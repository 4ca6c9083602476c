"""The root command, and how every error becomes a message and an exit code."""

from __future__ import annotations

import io
import signal
import sys
from collections import UserDict
from contextlib import redirect_stderr
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli.console import (
    CONTEXT,
    Console,
    color_choice,
    for_stderr,
    is_stderr_journal,
    plain_console,
)
from reconciler.cli.variables import PREFIX, strict_env, strict_option
from reconciler.errors import ExitCode, ReconcilerError, os_reason
from reconciler.model.collector import kept_for_good
from reconciler.model.version import __version__
from reconciler.service.journald import Priority

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from reconciler.model.clock import Clock

PROGRAM = "reconciler"


COMMANDS: Final = {
    "accept": "Write the live values of one key into the file that declares it otherwise.",
    "apply": "Plan, ask, and send only the fields that differ: one PATCH for each changed key.",
    "completion": "Print the completion script of a shell.",
    "demo": "Run a short tour: plan, apply and plan again against an emulated API.",
    "drift": "Show which live keys differ from the files; with --correct, correct what changed outside Git.",
    "emulator": "Serve an emulated API for the keys of all kinds on this machine.",
    "explain": "Explain why fields of one key are equal or different, and print what apply would send.",
    "export": "Write the live keys of a scope as a desired-state file, to adopt what exists.",
    "history": "Show what rounds of drift found and did: each drifted field, since when, and what became of"
    " it.",
    "journal": "Show which writes of a run that was killed are in doubt, and what became of them.",
    "kind": "Draft a kind for another REST API; docs/kinds.md describes kinds.",
    "kinds": "List the kinds that are known here.",
    "plan": "Show what differs from the live API, field by field.",
    "projects": "List the projects that the token sees, with their numbers.",
    "regions": "List the regions that the token sees, with their numbers.",
    "schema": "Print a JSON Schema (draft-07) that needs no other file.",
    "show": "Show a plan that plan --out saved, in any format.",
    "validate": "Check desired-state files, offline.",
}
"""The help of each command in one line: what a list of them shows."""
_MODULES: Final = {
    "completion": "reconciler.cli.schema",
    "emulator": "gcore_emulator.command",
    "regions": "reconciler.cli.projects",
}
"""The modules of commands that are not in the one of their name."""
_EXTRAS: Final = {
    **dict.fromkeys(("jinja2", "markupsafe", "prometheus_client"), "runtime"),
    **dict.fromkeys(("distributed", "dask"), "cluster"),
}
"""The file of requirements that has each package of an extra."""


class _Commands(UserDict[str, click.Command]):
    """The commands; what is listed is a name and its help, and a command is imported when it is taken."""

    def __getitem__(self, name: str) -> click.Command:
        command = super().__getitem__(name)
        if command.callback is None:
            with kept_for_good():  # as where the program begins
                module = import_module(_MODULES.get(name, f"reconciler.cli.{name}"))
            command = self.data[name] = strict_env(cli, getattr(module, name))
        return command


class _Root(click.Group):
    commands: _Commands

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands({name: click.Command(name, help=text) for name, text in COMMANDS.items()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Return what lists and completion show of a command, without importing it."""
        return self.commands.data.get(cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Return the command that the arguments name, imported."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else self.commands[name], rest

    def invoke(self, ctx: click.Context) -> Any:
        """Invoke a command; an error of this package, or a missing extra, becomes message and exit code."""
        try:
            return super().invoke(ctx)
        except ReconcilerError as error:
            plain_console().complain(error)
            return error.exit_code
        except ImportError as error:
            if error.name not in _EXTRAS:
                raise
            install = f"pip install --require-hashes -r requirements/{_EXTRAS[error.name]}.txt"
            plain_console().error(
                f"{error.name} is not installed; in a checkout of reconciler, run {install}"
            )
            return ExitCode.ERROR


@click.group(
    cls=_Root,
    context_settings=CONTEXT | {"auto_envvar_prefix": PREFIX},
    epilog="""\b
Examples:
  reconciler validate keys/
  reconciler plan keys/
  reconciler apply keys/ --auto-approve

The token is read from GCORE_API_KEY or --token-file, never from the command line.
Every option can be set in the environment too: RECONCILER_APPLY_PARALLELISM=4.
""",
)
@click.version_option(__version__, "--version", message="%(prog)s %(version)s", allow_from_autoenv=False)
def cli() -> None:
    """Keep cloud API keys equal to what a Git repository says.

    Declare the keys in YAML, look at the plan, apply it: only the fields that differ are sent, in
    one small PATCH for each key.
    """


cli.params.append(strict_option())


def run(arguments: Sequence[str], clock: Clock | None = None) -> int:
    """Run one command and give its exit code. Nothing but a bug leaves a traceback.

    ``clock`` replaces that of the machine.
    """
    for number in stop_signals():
        signal.signal(number, _as_interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is not a reason to fail
    if is_stderr_journal():
        sys.excepthook = _show_traceback
    try:
        result = cli.main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False, obj=clock)
    except click.UsageError as error:
        _show_error(error)
        return ExitCode.USAGE
    except click.ClickException as error:
        _show_error(error)
        return ExitCode.ERROR
    except OSError as error:  # click prints help by itself: a full disk ends here
        Console(0, color_choice()).error(f"the output cannot be written: {os_reason(error)}")
        return ExitCode.ERROR
    except (KeyboardInterrupt, click.Abort):
        Console(0, color_choice()).note("Interrupted.")
        return ExitCode.INTERRUPTED
    return result if isinstance(result, int) else ExitCode.DONE


def stop_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that ask a run to end; one that is ignored, as under nohup, is left alone."""
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return tuple(number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN)


def _show_error(error: click.ClickException) -> None:
    """Print a usage error with its lines of help."""
    lines = io.StringIO()
    error.show(lines)
    click.echo(for_stderr(lines.getvalue(), Priority.ERROR), nl=False, err=True)


def _show_traceback(*error: Any) -> None:
    with redirect_stderr(io.StringIO()) as text:
        sys.__excepthook__(*error)
    sys.stderr.write(for_stderr(text.getvalue(), Priority.ERROR))


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
