"""The root command, and how every error becomes a message and an exit code."""

from __future__ import annotations

import io
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from reconciler import __version__
from reconciler.cli.accept import accept
from reconciler.cli.apply import apply
from reconciler.cli.console import CONTEXT, Console, complain
from reconciler.cli.demo import demo
from reconciler.cli.drift import drift
from reconciler.cli.emulator import emulator
from reconciler.cli.explain import explain
from reconciler.cli.export import export
from reconciler.cli.history import history
from reconciler.cli.journal import journal
from reconciler.cli.journald import mark_tracebacks, show_error
from reconciler.cli.kind import kind
from reconciler.cli.plan import plan
from reconciler.cli.schema import completion, schema
from reconciler.cli.show import show
from reconciler.cli.signals import stop_signals
from reconciler.cli.validate import validate
from reconciler.cli.variables import add_strict_env
from reconciler.errors import ExitCode, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from reconciler.model.clock import Clock

PROGRAM = "reconciler"
ENVIRONMENT_PREFIX = "RECONCILER"


class _Root(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Invoke a command; an error of this package becomes its message and its exit code."""
        try:
            return super().invoke(ctx)
        except ReconcilerError as error:
            complain(error)
            return error.exit_code


@click.group(
    cls=_Root,
    context_settings=CONTEXT | {"auto_envvar_prefix": ENVIRONMENT_PREFIX},
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


for command in (
    validate,
    plan,
    show,
    apply,
    drift,
    history,
    explain,
    export,
    accept,
    journal,
    kind,
    schema,
    completion,
    emulator,
    demo,
):
    cli.add_command(command)
add_strict_env(cli)


def run(arguments: Sequence[str], clock: Clock | None = None) -> int:
    """Run one command and give its exit code. Nothing but a bug leaves a traceback.

    ``clock`` stands in for the machine's.
    """
    for number in stop_signals():
        signal.signal(number, _as_interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no reason to fail
    mark_tracebacks()
    try:
        result = cli.main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False, obj=clock)
    except click.UsageError as error:
        show_error(error)
        return ExitCode.USAGE
    except click.ClickException as error:
        show_error(error)
        return ExitCode.ERROR
    except OSError as error:  # click prints help by itself: a full disk ends here
        Console(0, color=None).error(f"the output cannot be written: {error.strerror}")
        return ExitCode.ERROR
    except (KeyboardInterrupt, click.Abort):
        Console(0, color=None).note("Interrupted.")
        return ExitCode.INTERRUPTED
    return result if isinstance(result, int) else ExitCode.DONE


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
