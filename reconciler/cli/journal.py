"""``reconciler journal``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.api.reader import Reader
from reconciler.apply.in_doubt import Finding, Reading, Resolution, read_journal, resolve
from reconciler.apply.journal import is_journal
from reconciler.cli.console import Console
from reconciler.cli.credentials import connection
from reconciler.cli.options import ConnectionOptions, OutputOptions, clock_of, kinds_option
from reconciler.cli.values import command, flag
from reconciler.errors import ConfigurationError, ExitCode, os_reason
from reconciler.model.escape import escape_control
from reconciler.service.history.database import MAGIC
from reconciler.service.history.queries import journal_lines
from reconciler.service.history.reading import ReadOnlyDatabase
from reconciler.validate.known_kinds import tree_kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalOptions:
    """The options of ``journal``."""

    file: str
    offline: bool = flag("--offline", text="List the keys in doubt without asking the server.")
    kinds: tuple[str, ...] = kinds_option()
    connection: ConnectionOptions
    output: OutputOptions


@command(
    JournalOptions,
    "reconciler journal applied.jsonl",
    "reconciler journal applied.jsonl --offline",
)
@click.argument("file", type=click.Path())
def journal(context: click.Context, options: JournalOptions) -> ExitCode:
    """Show which writes of a run that was killed are in doubt, and what became of them.

    FILE is what --journal or --history wrote. Each key in doubt is read from the server. Exit code 0: nothing
    is in doubt, or all of it is resolved. 4: something is in doubt still.
    """
    console = options.output.console()
    console.warn_of_readers(options.file, "journal")
    reading = _read(options.file)
    if reading.torn:
        lines = (
            "1 torn or unreadable line was"
            if reading.torn == 1
            else f"{reading.torn} torn or unreadable lines were"
        )
        console.note(f"Warning: {lines} passed over")
    if options.offline or not reading.in_doubt:
        _print_offline(reading, console)
        return ExitCode.PARTIAL if reading.in_doubt else ExitCode.DONE

    with Reader(connection(options.connection, clock_of(context), console)) as reader:
        findings = resolve(
            reader,
            tree_kinds(options.kinds),
            options.connection.base_url,
            reading.in_doubt,
            options.connection.parallelism,
        )
    _print(findings, console)
    unknown = any(finding.resolution is Resolution.UNKNOWN for finding in findings)
    return ExitCode.PARTIAL if unknown else ExitCode.DONE


def _read(file: str) -> Reading:

    try:
        with Path(file).open("rb") as lines:
            is_history = lines.peek(len(MAGIC)).startswith(MAGIC)
            if not is_history and not is_journal(lines.fileno()):
                advice = "name the file that --journal or --history wrote"
                raise ConfigurationError(f"{file} is not a journal; {advice}")
            if not is_history:
                return read_journal(lines)
    except (OSError, ValueError) as error:
        reason = os_reason(error)
        raise ConfigurationError(f"the journal {file} cannot be read: {reason}") from error
    with ReadOnlyDatabase(file) as database:
        return read_journal(journal_lines(database))


def _print_offline(reading: Reading, console: Console) -> None:

    lines = []
    for write in reading.in_doubt:
        secret = f"; {write.secret_text}" if write.secret_text else ""
        lines.append(escape_control(f"{write.address}: in doubt since {write.at}{secret}"))
    writes = "1 write" if reading.writes == 1 else f"{reading.writes} writes"
    console.result("\n".join([*lines, f"{writes}, {len(lines)} in doubt."]) + "\n")


def _print(findings: Sequence[Finding], console: Console) -> None:

    lines = []
    for finding in findings:
        detail = f" ({finding.detail})" if finding.detail else ""
        lines.append(escape_control(f"{finding.write.address}: {finding.resolution.value}{detail}"))
    if any(finding.resolution is not Resolution.TOOK_EFFECT for finding in findings):
        lines.append("Run apply again: it plans what is left.")
    console.result("\n".join(lines) + "\n")
