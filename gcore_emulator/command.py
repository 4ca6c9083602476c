"""``gcore-emulator``, also ``reconciler emulator``: serve the emulated API until a stop signal."""

from __future__ import annotations

import contextlib
import shlex
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import gcore_emulator
from gcore_emulator import EmulatorError, Faults, SeedError, Switches
from gcore_emulator.faults import FaultSpec, fault_specs
from gcore_emulator.seeds import load_seed
from gcore_emulator.switches import switch_specs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gcore_emulator import Emulator, RequestRecord

PROGRAM = "gcore-emulator"
_MOST_PROBLEMS = 20
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_HOW_TO_INSTALL = "in a checkout of reconciler, run pip install --require-hashes -r requirements/demo.txt"
_EPILOG = """\b
Example:
  {program} --port 8076 --seed seed.json --null-expire ignored
  export GCORE_BASE_URL=http://127.0.0.1:8076 GCORE_API_KEY=emulator-token
"""


class _Integers(click.IntRange):
    """A range of integers, with a name for errors."""

    name = "integer"


class _Numbers(click.FloatRange):
    """A range of numbers, with a name for errors."""

    name = "number"


def _switch_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add an option for each switch."""
    for spec in reversed(switch_specs()):
        command = click.option(
            "--" + spec.name.replace("_", "-"),
            type=click.Choice(spec.choices) if spec.choices else _Integers(min=0),
            default=spec.default,
            show_default=spec.default is not None,
            help=spec.help,
        )(command)
    return command


def _fault_type(spec: FaultSpec) -> click.ParamType[Any]:
    match spec.kind:
        case "rate":
            return _Numbers(0, 1)
        case "seconds":
            return _Numbers(min=0)
        case "number":
            return _Integers(min=spec.least)
        case "names":
            return click.Choice(spec.choices)


def _fault_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add an option for each setting of the faults."""
    for spec in reversed(fault_specs()):
        several = spec.kind == "names"
        command = click.option(
            "--" + _fault_parameter(spec).replace("_", "-"),
            type=_fault_type(spec),
            multiple=several,
            default=spec.default,
            show_default=spec.kind in {"number", "seconds"} and spec.default is not None,
            metavar=None if several else {"rate": "RATE", "seconds": "SECONDS"}.get(spec.kind, "NUMBER"),
            help=spec.help + (" May be repeated." if several else ""),
        )(command)
    return command


def _fault_parameter(spec: FaultSpec) -> str:
    return f"fault_{spec.name}"


def _faults(specs: Mapping[str, Any]) -> Faults:
    """Return the faults among the values of options. Raises UsageError when they contradict."""
    given = {spec.name: specs[_fault_parameter(spec)] for spec in fault_specs()}
    try:
        return Faults(**given)
    except ValueError as error:
        raise click.UsageError(f"--fault-...: {error}") from error


class _Command(click.Command):
    """A command whose example uses the name it was called by."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(_EPILOG.format(program=ctx.command_path))


@click.command(cls=_Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--port",
    type=_Integers(0, 65535),
    default=8076,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes any free one.",
)
@click.option(
    "--token",
    default="emulator-token",
    show_default=True,
    help="The token to accept. Make one up: real tokens do not belong on a command line.",
)
@click.option(
    "--seed",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help='JSON: {"caas": {"1/76": [KEY, ...]}, "inference": {"1": [...]}, "projects": [...]}; see the docs.',
)
@click.option(
    "--db",
    "database",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep the keys in this SQLite file; a seed counts only while the file is new.",
)
@click.option(
    "--delay",
    type=_Numbers(min=0),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="Latency to add to each request.",
)
@click.option("--log-requests", is_flag=True, help="Print a line for each request to stderr.")
@_switch_options
@_fault_options
def emulator(  # noqa: PLR0913 - its own options by name; ``specs`` are those of switches and faults
    *,
    port: int,
    token: str,
    seed: Path | None,
    database: Path | None,
    delay: float,
    log_requests: bool,
    **specs: Any,
) -> None:
    """Serve an emulated API for the keys of all kinds on this machine.

    The first line on stdout is its address; the lines after it set the environment for a client. GET
    /_emulator/requests shows the requests so far. Stops on SIGINT or SIGTERM.

    The options from --null-expire on determine the behaviours that the API's description leaves open. Those
    from --fault-status-429 on make requests fail, by rates from 0 to 1; /_emulator/faults accepts the same
    settings as JSON while the emulator runs.
    """
    faults = _faults(specs)
    switches = Switches(**{spec.name: specs[spec.name] for spec in switch_specs()})
    try:
        with _stop_signals_blocked():
            _serve(
                emulator_class("emulator")(
                    seed=load_seed(seed) if seed else None,
                    switches=switches,
                    listen=_print_request if log_requests else None,
                    faults=faults,
                    port=port,
                    token=token,
                    database=database,
                    delay=delay,
                )
            )
    except SeedError as error:
        first = [f"{seed}: {problem}" for problem in error.problems[:_MOST_PROBLEMS]]
        rest = len(error.problems) - len(first)
        lines = [*first, f"and {rest} more"] if rest else first
        raise click.ClickException("\n".join(lines)) from error
    except EmulatorError as error:
        raise click.ClickException(str(error)) from error


def main() -> None:
    """Run the command by its own name."""
    emulator(prog_name=PROGRAM, auto_envvar_prefix="GCORE_EMULATOR")


def emulator_class(what: str) -> type[Emulator]:
    """Return the class of the emulator. Raises ClickException if an extra that ``what`` needs is missing."""
    try:
        return gcore_emulator.Emulator
    except ImportError as error:
        needed = (error.name or "").partition(".")[0]
        raise click.ClickException(
            f"the {what} needs the extra emulator ({needed} is not installed); {_HOW_TO_INSTALL}"
        ) from error


@contextlib.contextmanager
def _stop_signals_blocked() -> Iterator[None]:
    """Block the stop signals for `signal.sigwait`; threads started inside inherit this."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(stopped: Emulator) -> None:
    with stopped as running:
        # One write, so that a reader who leaves after the first line does not break the pipe.
        click.echo(
            f"{running.url}\n"
            f"export GCORE_BASE_URL={running.url}\n"
            f"export GCORE_API_KEY={shlex.quote(running.token)}"
        )
        signal.sigwait(_STOP_SIGNALS)


def _print_request(record: RequestRecord) -> None:
    click.echo(record.line(), err=True)
