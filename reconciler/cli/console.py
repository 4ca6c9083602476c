"""Output: results on stdout; warnings, errors, progress and prompts on stderr."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO

import click

from reconciler.cli.progress import progress_bar
from reconciler.cli.system import ENVIRONMENT
from reconciler.errors import ConfigurationError, InputError, ReconcilerError, os_reason
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.later import Later
from reconciler.model.phrases import MOST_TEXTS, first_texts
from reconciler.model.source import Problem
from reconciler.render.source_lines import place_lines
from reconciler.render.text_layout import PLAIN, Colour, Screen, prose_lines
from reconciler.service.journald import Priority, is_journal, marked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.api.exchange import Exchange
    from reconciler.api.retry import Wait
    from reconciler.model.clock import Clock
    from reconciler.render import log
    from reconciler.render.text_layout import Piece
else:
    log = Later("reconciler.render.log")

_ERASE_LINE: Final = "\r\x1b[2K"
_ERASE_LINE_ABOVE: Final = "\x1b[1A\x1b[2K"
_USUAL_WIDTH: Final = 80
MESSAGE: Final = "message"  # the event in a log of a line that has no event of its own
HELP_OPTIONS: Final = ["-h", "--help"]
CONTEXT: dict[str, Any] = {"help_option_names": HELP_OPTIONS, "max_content_width": 100}


class Bar:
    """Whether a progress bar is in the last line of the terminal; a message replaces it.

    It is drawn again at the next step.
    """

    def __init__(self) -> None:
        """Start without a bar."""
        self.lock = threading.Lock()
        self.is_shown = False


@dataclass(frozen=True, slots=True)
class Log:
    """Turns messages into lines of a log: the clock, and the format."""

    clock: Clock
    form: log.LogFormat

    def line(self, level: str, event: str, address: str, text: str) -> str:
        """Return a message as a line."""
        return log.log_line(log.Entry(level, event, address, text), self.clock.now(), self.form)


@dataclass(frozen=True, slots=True)
class Console:
    """Prints results and messages. ``verbosity`` is -1 (quiet), 0, or the number of -v."""

    verbosity: int
    color: bool | None
    bar: Bar = field(default_factory=Bar, compare=False)
    log: Log | None = None

    def logging(self, log: Log) -> Console:
        """Return a console whose messages are the lines of a log."""
        return replace(self, log=log)

    def result(self, text: str | bytes) -> bool:
        """Print a result; return False if its reader has closed the pipe, as `| head` does.

        Raises ConfigurationError if it cannot be written, such as on a full disk. Bytes are printed
        unchanged: a file for others is UTF-8 in every locale.
        """
        try:
            click.echo(text, nl=False, color=self.color)
        except OSError as error:
            _discard(sys.stdout)
            if not isinstance(error, BrokenPipeError):
                raise ConfigurationError(f"the result cannot be written: {os_reason(error)}") from error
            return False
        return True

    def text(self, text: str) -> None:
        """Print a result whose lines are wrapped between words on a terminal."""
        self.result(_prose(text, sys.stdout))

    def note(self, text: str, event: str = MESSAGE, address: str = "") -> None:
        """Print one message that is not the result."""
        if self.verbosity >= 0:
            self.finding(text, event, address, Priority.INFO)

    def hint(self, text: str) -> None:
        """Print a message with a command to copy: one line, however wide."""
        if self.verbosity >= 0:
            self.say(f"{escape_control(text)}\n")

    def finding(
        self, text: str, event: str, address: str = "", priority: Priority = Priority.WARNING
    ) -> None:
        """Print one line of a result that is a log; also if quiet."""
        self._print(text, priority, event, address)

    def ask(self, text: str) -> None:
        """Print lines of a question, wrapped between words on a terminal."""
        self.say(_prose(text, sys.stderr))

    def say(self, text: str, priority: Priority = Priority.INFO) -> None:
        """Print to stderr; ignore a closed pipe."""
        try:
            with self.bar.lock:
                if self.bar.is_shown:
                    sys.stderr.write(_ERASE_LINE)
                click.echo(for_stderr(text, priority), nl=False, err=True, color=self.color)
        except OSError:
            _discard(sys.stderr)

    def warn(self, problems: Iterable[Problem], event: str = MESSAGE) -> None:
        """Print warnings."""
        every = list(problems) if self.verbosity >= 0 else []
        addresses = (problem.address for problem in every[:MOST_TEXTS])
        for text, address in zip_longest(first_texts(every, "warning"), addresses, fillvalue=""):
            self.warning(text, event, address)

    def warning(self, text: str, event: str = MESSAGE, address: str = "") -> None:
        """Print one warning."""
        if self.verbosity >= 0:
            self._print(text, Priority.WARNING, event, address, (("Warning", Colour.WARNING), ": "))

    def warn_of_readers(self, path: str | None, what: str) -> None:
        """Warn of a file with the contents of keys that every user may read."""
        with suppress(OSError, ValueError):
            mode = 0 if path is None else os.stat(path).st_mode  # noqa: PTH116 - nothing else needs a path
            if mode & stat.S_IROTH and stat.S_ISREG(mode):  # Kubernetes mounts secrets for a group
                self.warning(f"the {what} {path} can be read by others; run chmod 600 on it")

    def error(self, text: str, event: str = MESSAGE, address: str = "") -> None:
        """Print one error; also if quiet."""
        self._print(text, Priority.ERROR, event, address, (("Error", Colour.ALARM), ": "))

    def complain(self, error: ReconcilerError, event: str = MESSAGE) -> None:
        """Print an error of this package: one line for each problem, and below it those of its place."""
        places = map(place_lines, error.problems if isinstance(error, InputError) else ())
        for text, place in zip_longest(error.texts, islice(places, MOST_TEXTS), fillvalue=""):
            self.error(text, event)
            if place and self.log is None:
                self.say(place, Priority.ERROR)

    def detail(self, text: str, event: str = MESSAGE, address: str = "") -> None:
        """Print a message that only -v shows."""
        if self.verbosity > 0:
            self._print(text, Priority.DEBUG, event, address)

    def _print(
        self, text: str, priority: Priority, event: str, address: str, label: Sequence[Piece] = ()
    ) -> None:
        """Print one message, with its label, or as a line of the log with its level."""
        if self.log is None:
            lines = Screen(self.paint, _width(sys.stderr)).lines(*label, escape_control(text))
            self.say("".join(f"{line}\n" for line in lines), priority)
        else:
            self.say(self.log.line(priority.name.lower(), event, address, text), priority)

    def exchange_of_several(self, exchange: Exchange) -> None:
        """Print one request and its API, where there are several, with -v."""
        self.exchange(exchange, f"{exchange.api}: ")

    def exchange(self, exchange: Exchange, front: str = "") -> None:
        """Print one request and the status of its response, with -v."""
        status = "no response" if exchange.status is None else exchange.status
        self.detail(
            f"{front}{exchange.method} {exchange.path} -> {status} ({exchange.seconds * 1000:.0f} ms)",
            "request",
        )

    def wait(self, front: str, wait: Wait) -> None:
        """Print that requests wait before one is retried."""
        self.note(f"{front}{wait}", "request.wait")

    def paint(self, text: str, colour: str) -> str:
        """Colour a part of a result; click removes the colour if there is no terminal."""
        *bold, name = colour.split()
        is_bold = bool(bold) or name == "bold"
        return click.style(text, fg=None if name == "bold" else name, bold=is_bold or None)

    def screen(self) -> Screen:
        """Return the screen for results: as wide as the terminal; a file or a pipe has no width."""
        return Screen(self.paint, _width(sys.stdout))

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """Show a bar on stderr while counting up to ``total``; if the terminal can redraw it."""
        if self.verbosity < 0 or not _can_redraw(sys.stderr):
            yield lambda: None
            return
        bar = progress_bar(what, total, _width(sys.stderr) or _USUAL_WIDTH, color=self.color)

        def draw(step: Callable[..., object], *arguments: object) -> None:
            with self.bar.lock, suppress(OSError):  # a terminal that has gone stops nothing
                step(*arguments)

        draw(bar.render_progress)
        self.bar.is_shown = True
        try:
            yield lambda: draw(bar.update, 1)
        finally:
            self.bar.is_shown = False
            draw(bar.render_finish)
            draw(sys.stderr.write, _ERASE_LINE_ABOVE)


def plain_console() -> Console:
    """Return the console of a command without output options."""
    return Console(0, color_choice())


def is_stderr_journal() -> bool:
    """Return whether the journal of systemd reads standard error."""
    return is_journal(sys.stderr, ENVIRONMENT.get("JOURNAL_STREAM", ""))


def for_stderr(text: str, priority: Priority) -> str:
    """Return a text for standard error: in the journal each line begins with its priority."""
    return marked(text, priority) if is_stderr_journal() else text


def usage_lines(text: str) -> str:
    """Return click's text of a usage error, with the error wrapped between words on a terminal."""
    screen = replace(PLAIN, width=_width(sys.stderr))
    every = text.removesuffix("\n").replace("\n\t", " ").split("\n")  # click has a line for each choice
    lines = (screen.lines(line) if line.startswith("Error: ") else [line] for line in every)
    return "".join(f"{line}\n" for line in chain.from_iterable(lines))


def _prose(text: str, stream: TextIO | None) -> str:
    return "".join(f"{line}\n" for line in prose_lines(text, replace(PLAIN, width=_width(stream))))


def color_choice() -> bool | None:
    """Return whether output is coloured, or None if click must look for a terminal.

    The first that is set decides: --color and --no-color, NO_COLOR, CLICOLOR_FORCE or FORCE_COLOR,
    CLICOLOR=0, TERM=dumb. An empty variable, or 0 for one that enables colour, counts as unset.
    """
    context, variables = click.get_current_context(silent=True), ENVIRONMENT
    chosen = None if context is None else context.find_root().color
    if chosen is not None:
        return chosen
    if variables.get("NO_COLOR"):
        return False
    if any(variables.get(name, "") not in {"", "0"} for name in ("CLICOLOR_FORCE", "FORCE_COLOR")):
        return True
    return False if variables.get("CLICOLOR") == "0" or variables.get("TERM") == "dumb" else None


def _can_redraw(stream: TextIO | None) -> bool:
    """Return whether a line can be redrawn: on a terminal that supports control sequences."""
    return stream is not None and stream.isatty() and ENVIRONMENT.get("TERM") != "dumb"


def _width(stream: TextIO | None) -> int | None:
    """Return the columns of a terminal: COLUMNS, else its own number, else 80; None for other streams."""
    try:
        if stream is None or not stream.isatty():
            return None
        known = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return None
    named = ENVIRONMENT.get("COLUMNS", "")
    return (int(named) if re.fullmatch(r"[0-9]{1,5}", named) else 0) or known or _USUAL_WIDTH


def standard_input() -> BinaryIO:
    """Return the bytes of stdin; a process may be started without one."""
    return io.BytesIO() if sys.stdin is None else sys.stdin.buffer


def _discard(stream: TextIO) -> None:
    """Discard what is left of a stream that cannot be written, or it would be tried again at exit."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
