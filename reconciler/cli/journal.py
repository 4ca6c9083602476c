"""``reconciler journal``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import click

from reconciler.apply.in_doubt import Finding, Reading, Resolution, resolve
from reconciler.cli.credentials import sessions
from reconciler.cli.options import ConnectionOptions, KindOptions, OutputOptions
from reconciler.cli.system import clock_of
from reconciler.cli.values import command, option
from reconciler.errors import ExitCode
from reconciler.kinds.ids import named_kind
from reconciler.kinds.kind import Kind
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted
from reconciler.render.values import api_note
from reconciler.service.records import read_records


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalOptions:
    """The options of ``journal``."""

    file: str
    offline: bool = option("List the keys in doubt without asking the server.")
    sources: KindOptions
    connection: ConnectionOptions
    output: OutputOptions


@command(JournalOptions, "reconciler journal applied.jsonl", "reconciler journal applied.jsonl --offline")
@click.argument("file", type=click.Path())
def journal(context: click.Context, options: JournalOptions) -> ExitCode:
    """Show which writes of a run that was killed are in doubt, and how they ended.

    FILE is what --journal or --history wrote. Each key in doubt is read from the server. Exit code 0: nothing
    is in doubt, or all of it is resolved. 4: something is still in doubt.
    """
    console = options.output.console()
    reading = read_records(options.file)
    console.warn_of_readers(options.file, "journal")
    if reading.torn:
        were = "was" if reading.torn == 1 else "were"
        console.warning(f"{counted(reading.torn, 'torn or unreadable line')} {were} skipped")
    if options.offline or not reading.in_doubt:
        console.text(_offline(reading, options.connection.apis))
        return ExitCode.PARTIAL if reading.in_doubt else ExitCode.DONE
    kinds = options.sources.known_kinds(console.warning)
    with sessions(options.connection, clock_of(context), console).opened() as client:
        findings = resolve(client, kinds, reading.in_doubt)
    console.text(_resolved(findings, kinds))
    unknown = any(finding.resolution is Resolution.UNKNOWN for finding in findings)
    return ExitCode.PARTIAL if unknown else ExitCode.DONE


def _offline(reading: Reading, apis: Collection[str]) -> str:
    lines = [
        escape_control(
            f"{write.address}{api_note(write.api if len(apis) > 1 else '')}: in doubt since {write.at}"
        )
        + (escape_control(f"; {write.secret_text}") if write.secret_text else "")
        for write in reading.in_doubt
    ]
    return "\n".join([*lines, f"{counted(reading.writes, 'write')}, {len(lines)} in doubt."]) + "\n"


def _resolved(findings: Sequence[Finding], kinds: Mapping[str, Kind]) -> str:
    lines = []
    for finding in findings:
        detail = f" ({finding.detail})" if finding.detail else ""
        kind = named_kind(kinds, finding.write.address.partition("/")[0])
        api = api_note("" if kind is None else kind.shown_api)
        lines.append(escape_control(f"{finding.write.address}{api}: {finding.resolution.value}{detail}"))
    if any(finding.resolution is not Resolution.TOOK_EFFECT for finding in findings):
        lines.append("Run apply again: it plans what is left.")
    return "\n".join(lines) + "\n"
