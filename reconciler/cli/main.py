"""The root command, and how every error becomes a message and an exit code."""

from __future__ import annotations

import io
import signal
import sys
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import CONTEXT, Console, color_choice, for_stderr, is_stderr_journal, usage_lines
from reconciler.cli.root import Root
from reconciler.cli.variables import PREFIX, strict_option
from reconciler.errors import ExitCode, os_reason
from reconciler.model.version import __version__
from reconciler.service.journald import Priority

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from reconciler.model.clock import Clock

PROGRAM = "reconciler"


@click.group(
    cls=Root,
    context_settings=CONTEXT | {"auto_envvar_prefix": PREFIX},
    epilog="""\b
Examples:
  reconciler validate keys/
  reconciler plan keys/
  reconciler apply keys/ --auto-approve

Global options may stand before the command or after it.
The token is read from GCORE_API_KEY or --token-file, never from the command line.
Every option can be set in the environment too: RECONCILER_APPLY_PARALLELISM=4.
""",
)
@click.version_option(
    __version__, "-V", "--version", message="%(prog)s %(version)s", allow_from_autoenv=False
)
def cli() -> None:
    """Reconcile cloud API keys, and objects of other REST APIs, with a Git repository.

    Declare the keys in YAML, look at the plan, apply it: only the fields that differ are sent, in
    one small PATCH for each key.
    """


cli.params.append(strict_option())


def run(arguments: Sequence[str], clock: Clock | None = None) -> int:
    """Run one command and return its exit code. Only a bug leads to a traceback.

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
    """Return the signals that ask a run to end, except those that are ignored, as under nohup."""
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return tuple(number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN)


def _show_error(error: click.ClickException) -> None:
    """Print a usage error with its lines of help."""
    lines = io.StringIO()
    error.show(lines)
    click.echo(for_stderr(usage_lines(lines.getvalue()), Priority.ERROR), nl=False, err=True)


def _show_traceback(*error: Any) -> None:
    with redirect_stderr(io.StringIO()) as text:
        sys.__excepthook__(*error)
    sys.stderr.write(for_stderr(text.getvalue(), Priority.ERROR))


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
