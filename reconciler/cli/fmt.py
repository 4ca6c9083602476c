"""``reconciler fmt``: files in one layout."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from reconciler.adopt.layout import formatted
from reconciler.adopt.write import replace_text
from reconciler.cli.console import standard_input
from reconciler.cli.options import ConfigurationOptions, OutputOptions, paths_argument
from reconciler.cli.values import command, option
from reconciler.errors import ExitCode, InputError
from reconciler.load.source_lines import with_lines
from reconciler.load.sources import STANDARD_INPUT, label_of, read, sources
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
    for file in sources(options.paths, problems):
        before = b""
        try:
            before = read(file, standard_input())
            after = formatted(before, label_of(file))
        except InputError as error:
            problems += with_lines(error.problems, before, label_of(file))
            continue
        changed |= before != after
        _put(console, options, file, before, after)
    if problems:
        raise InputError(problems)
    return ExitCode.CHANGES if changed and options.check else ExitCode.DONE


def _put(console: Console, options: FmtOptions, file: str, before: bytes, after: bytes) -> None:
    """Print the result for a file, and write it unless it is only checked."""
    is_input = file == STANDARD_INPUT
    if is_input and not options.check and not options.diff:
        console.result(after)
    elif before != after:
        console.result(escape_control(label_of(file)) + "\n")
        if options.diff:
            console.result("".join(_diff(console, label_of(file), before, after)))
        if not options.check and not is_input:
            replace_text(file, before, after.decode("utf-8"))


def _diff(console: Console, file: str, before: bytes, after: bytes) -> Iterator[str]:
    """Yield the lines that differ, in colour."""
    old, new = ([f"{line}\n" for line in text.decode("utf-8").split("\n")] for text in (before, after))
    colours = {"+": "green", "-": "red"}
    for line in difflib.unified_diff(old, new, file, file):
        shown = escape_control(line.removesuffix("\n"))
        yield (console.paint(shown, colours[line[0]]) if line[0] in colours else shown) + "\n"
