"""Options and output of the commands that edit files of declarations in place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from reconciler.adopt.editing import Declarations
from reconciler.adopt.lines import changed_lines
from reconciler.adopt.located import Rewritten
from reconciler.cli.completing import by
from reconciler.cli.console import Console
from reconciler.cli.options import InputOptions
from reconciler.cli.plan import read_files
from reconciler.cli.values import PathListType, option
from reconciler.load.sources import STANDARD_INPUT
from reconciler.model.clock import Clock
from reconciler.model.escape import escape_control


def files_option(what: str, otherwise: str = "those of the configuration, or this folder") -> Any:
    """Declare the option ``--file`` of a command whose arguments name something else; it may be repeated."""
    return option(
        f"A file or directory {what}; without it, {otherwise}. Repeatable.",
        "-f",
        "--file",
        "paths",
        metavar="PATH",
        type=PathListType(),
        shell_complete=by("inputs"),
    )


def read_declarations(inputs: InputOptions, clock: Clock, console: Console) -> Declarations:
    """Load the files, and return their content with the rules. Raises InputError with every problem."""
    kinds, now = inputs.known_kinds(console.warning), clock.now()
    return Declarations(read_files(kinds, inputs, now), inputs.rules(kinds, now))


def check_files(paths: Iterable[str]) -> None:
    """Raise BadParameter where a file cannot be written back."""
    if STANDARD_INPUT in paths:
        raise click.BadParameter("standard input cannot be written; name a file", param_hint="--file")


def print_lines(files: Iterable[Rewritten], console: Console) -> None:
    """Print the lines of files that differ, before and after their edits."""
    for one in files:
        for number, old, new in changed_lines(one.before.decode("utf-8"), one.after):
            removed = [console.paint(escape_control(f"- {line}"), "red") for line in old]
            added = [console.paint(escape_control(f"+ {line}"), "green") for line in new]
            console.result("\n".join([escape_control(f"{one.file}:{number}"), *removed, *added, ""]))
