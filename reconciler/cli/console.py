"""What is printed where: results on stdout; warnings, errors, progress and prompts on stderr."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.errors import InputError, Problem, ReconcilerError
from reconciler.render.escape import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reconciler.client import Exchange

HELP_OPTIONS: Final = ["-h", "--help"]
CONTEXT: dict[str, Any] = {"help_option_names": HELP_OPTIONS, "max_content_width": 100}


@dataclass(frozen=True, slots=True)
class Console:
    """How much to say, and whether in colour. ``verbosity`` is -1 (quiet), 0, or the number of -v."""

    verbosity: int
    color: bool | None

    def result(self, text: str) -> None:
        """Print a result. A reader who has left (`| head`) is no error and stops nothing."""
        try:
            click.echo(text, nl=False, color=self.color)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def note(self, text: str) -> None:
        """Print something that is not the result."""
        if self.verbosity >= 0:
            click.echo(text, err=True, color=self.color)

    def warn(self, problems: Iterable[Problem]) -> None:
        """Print warnings."""
        for problem in problems:
            self.note(f"{self._label('Warning', 'yellow')}: {printable(str(problem))}")

    def error(self, text: str) -> None:
        """Print one error; quiet or not."""
        click.echo(f"{self._label('Error', 'red')}: {printable(text)}", err=True, color=self.color)

    def exchange(self, exchange: Exchange) -> None:
        """Print one request and its answer's status, with -v."""
        if self.verbosity > 0:
            status = "no answer" if exchange.status is None else exchange.status
            self.note(f"{exchange.method} {exchange.path} -> {status} ({exchange.seconds * 1000:.0f} ms)")

    def paint(self, text: str, colour: str) -> str:
        """Colour a piece of a result; click drops the colour where there is no terminal."""
        return click.style(text, bold=True) if colour == "bold" else click.style(text, fg=colour)

    def _label(self, word: str, colour: str) -> str:
        return click.style(word, fg=colour, bold=True)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """Show a bar on stderr while something is counted up to ``total``; only on a terminal."""
        if self.verbosity < 0 or not sys.stderr.isatty():
            yield lambda: None
            return
        from rich.console import Console as RichConsole  # noqa: PLC0415 - only a terminal pays for it
        from rich.progress import Progress  # noqa: PLC0415 - the same

        # NO_COLOR alone would keep bold and dim text.
        terminal = RichConsole(stderr=True, color_system=None if self.color is False else "auto")
        with Progress(console=terminal, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)


def console_of(parameters: Mapping[str, Any]) -> Console:
    """Choose how to print by the options of a command."""
    verbosity = -1 if parameters["quiet"] else parameters["verbose"]
    return Console(verbosity, False if parameters["no_color"] else color_choice())


def complain(error: ReconcilerError) -> None:
    """Print an error of this package, one line for each problem."""
    printer = Console(0, color_choice())
    problems = error.problems if isinstance(error, InputError) else str(error).splitlines()
    for problem in problems:
        printer.error(str(problem))


def color_choice() -> bool | None:
    """Give False where colour is unwanted (NO_COLOR), else None: click looks for a terminal."""
    return False if os.environ.get("NO_COLOR") else None
