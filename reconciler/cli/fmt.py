"""``reconciler fmt``: files in one layout."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from reconciler.adopt.layout import Formatted, formatted_files
from reconciler.cli.console import standard_input
from reconciler.cli.options import ConfigurationOptions, OutputOptions, paths_argument
from reconciler.cli.values import command, option
from reconciler.errors import ExitCode, InputError
from reconciler.load.sources import STANDARD_INPUT, label_of
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.console import Console
    from reconciler.model.source import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class FmtOptions:
    """The options of ``fmt``."""

    paths: tuple[str, ...]
    check: bool = option("Write nothing: exit with 2 if a file is in another layout.")
    diff: bool = option("Print the lines that differ.")
    configuration: ConfigurationOptions
    output: OutputOptions


@command(FmtOptions, "reconciler fmt", "reconciler fmt keys/ --check --diff")
@paths_argument
def fmt(_context: click.Context, options: FmtOptions) -> ExitCode:
    """Format files in one layout: indentation, blanks and blank lines.

    The names of changed files are printed. No value, comment or order changes: each file is read again and
    compared before it is written, and one whose meaning would change is not written, which is an error. JSON
    files are not changed. PATH - is standard input, whose new text is printed.

    Exit code 0: done. 1: a file cannot be read, or is not written. 2: with --check, a file is in another
    layout.
    """
    console = options.output.console()
    problems: list[Problem] = []
    changed = False
    for one in formatted_files(options.paths, standard_input(), problems):
        changed |= one.differs
        _put(console, options, one)
    if problems:
        raise InputError(problems)
    return ExitCode.CHANGES if changed and options.check else ExitCode.DONE


def _put(console: Console, options: FmtOptions, one: Formatted) -> None:
    """Print the result for a file, and write it unless it is only checked."""
    is_input = one.file == STANDARD_INPUT
    if is_input and not options.check and not options.diff:
        console.result(one.after)
    elif one.differs:
        console.result(escape_control(label_of(one.file)) + "\n")
        if options.diff:
            console.result("".join(_diff(console, label_of(one.file), one.before, one.after)))
        if not options.check and not is_input:
            one.write()


def _diff(console: Console, file: str, before: bytes, after: bytes) -> Iterator[str]:
    """Yield the lines that differ, in colour."""
    old, new = ([f"{line}\n" for line in text.decode("utf-8").split("\n")] for text in (before, after))
    colours = {"+": "green", "-": "red"}
    for line in difflib.unified_diff(old, new, file, file):
        shown = escape_control(line.removesuffix("\n"))
        yield (console.paint(shown, colours[line[0]]) if line[0] in colours else shown) + "\n"
