"""``reconciler export``: live keys as desired state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from reconciler.adopt.export import Export, FileExport, Live, export_to, nothing_to_add
from reconciler.adopt.modeline import SCHEMA_FILE, schema_reference
from reconciler.cli.completing import by
from reconciler.cli.console import Console
from reconciler.cli.credentials import sessions
from reconciler.cli.options import ConnectionOptions, KindOptions, OutputOptions, flag_of, id_option
from reconciler.cli.system import clock_of
from reconciler.cli.values import ListType, command, option
from reconciler.errors import ConfigurationError, ExitCode
from reconciler.kinds.ids import named_kind
from reconciler.kinds.kind import Kind
from reconciler.kinds.packaged import document_schema
from reconciler.load.links import path_refusal
from reconciler.load.sources import read_input_file
from reconciler.model.escape import escape_control
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted
from reconciler.model.scope import Scope, ScopeDefaults
from reconciler.observe.listing import observe
from reconciler.render.text import empty_text
from reconciler.validate.schema import is_valid
from reconciler.validate.validator import DEFAULT_KIND, Rules

_NUMBER: Final = expression(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """The options of ``export``."""

    kind: str = option(
        "Kind of the keys.", default=DEFAULT_KIND, metavar="KIND", shell_complete=by("kind_names")
    )
    project_id: int | None = id_option("project", "the keys")
    region_id: int | None = id_option("region", "the keys, for kinds that have one")
    parts: tuple[str, ...] = option(
        "Another path parameter of the kind. Repeatable.",
        "--scope",
        "parts",
        type=ListType(lambda word: "=" in word),
        metavar="NAME=VALUE",
    )
    into: str | None = option(
        "Add the keys that FILE does not declare to it, and change nothing else there.",
        type=click.Path(),
        metavar="FILE",
    )
    out: str | None = option(
        "Write the keys to FILE, which must not exist, and not to standard output.",
        type=click.Path(),
        metavar="FILE",
    )
    schema: str | None = option(
        "Schema that the first line names for editors, see reconciler schema."
        "  [default: the path of keys.schema.json from the file]",
        metavar="PATH",
    )
    sources: KindOptions
    connection: ConnectionOptions
    output: OutputOptions


@command(
    ExportOptions,
    "reconciler export --project-id 1 --region-id 76 --out keys/shop.yaml",
    "reconciler export --project-id 1 --region-id 76 --into keys/shop.yaml",
)
def export(context: click.Context, options: ExportOptions) -> ExitCode:
    """Write the live keys of a scope as a desired-state file, to adopt what exists.

    A plan of the result is empty. Keys that other systems manage are left out, and so are properties that
    cannot be declared; comments list them. Never writes to the API.
    """
    console, clock = options.output.console(), clock_of(context)
    apis = sessions(options.connection, clock, console).opened()

    into = options.into
    if into is not None and options.out is not None:
        raise click.UsageError("--into adds to a file and --out writes a new one; give one of them.")
    sources = replace(options.sources, paths=() if into is None else (into,))
    kinds = sources.known_kinds(console.warning)
    kind = usable_kind(context, kinds, options.kind)
    scope = _scope(kind, options)
    content = None if into is None else _content(into)
    now = clock.now()
    defaults = ScopeDefaults(options.project_id, options.region_id)
    rules = Rules(document_schema=document_schema(), kinds=kinds, defaults=defaults, now=now)
    with apis as client:
        reader = client.session(kind.api).reader
        observed = observe(reader, kind, scope)
    live = Live(kind, observed, now, rules)
    if not observed.count:
        console.note(empty_text(live.scope))
    file = into or options.out
    found = export_to(live, file or "", content, options.schema or schema_reference(file or SCHEMA_FILE))
    console.warn(found.export.warnings)
    if into is None or found.export.adoption.keys:
        tell_elsewhere(console, found.export)
    if file is None:
        console.result(found.export.text.encode())
    else:
        found.write()
        console.text(escape_control(_result(found, live.scope)) + "\n")
    return ExitCode.DONE


def usable_kind(context: click.Context, kinds: Mapping[str, Kind], name: str) -> Kind:
    """Return the kind of that name. Raises UsageError for an unknown kind, or a path parameter it lacks.

    Raises ConfigurationError if its API is not configured.
    """
    kind = named_kind(kinds, name)
    if kind is None:
        usable = [one.name for one in kinds.values() if not one.api_fault]
        raise click.BadParameter(f"{name!r} is not one of {', '.join(usable)}", param_hint="--kind")
    if kind.api_fault:
        raise ConfigurationError(kind.api_fault)
    _refuse_numbers(context, kind)
    return kind


def _refuse_numbers(context: click.Context, kind: Kind) -> None:
    """Check that addresses of the kind have the given project or region. Raises UsageError."""
    for name, what in (("project_id", "project"), ("region_id", "region")):
        if name not in kind.scope and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{flag_of(name)} has no effect: keys of the kind {kind.name} have no {what}."
            )


def tell_elsewhere(console: Console, exported: Export) -> None:
    """Print which keys other systems manage."""
    for owner, left in exported.adoption.managed_elsewhere.items():
        console.note(f"Left out: {counted(len(left), 'key')} managed elsewhere ({owner}): {', '.join(left)}")


def _result(found: FileExport, scope: Scope) -> str:
    """Return what was written to a file."""
    names = [key.name for key in found.export.adoption.keys]
    if found.before is None:
        return f"Wrote {counted(len(names), 'key')} of {scope} to {found.file}"
    if not names:
        return nothing_to_add(found.file, scope, found.export.adoption)
    return f"Added {counted(len(names), 'key')} of {scope} to {found.file}: {', '.join(names)}"


def _content(file: str) -> bytes:
    """Read the file that keys are added to. Raises ConfigurationError if that fails."""
    refusal = path_refusal(file)
    if refusal:
        raise ConfigurationError(f"--into {file} {refusal}")
    if not Path(file).is_file():
        raise ConfigurationError(f"--into {file}: no such file; write a new one with --out {file}")
    return read_input_file(file)


def _scope(kind: Kind, options: ExportOptions) -> Scope:
    """Return the scope of the options. Raises UsageError if they do not determine one."""
    numbers = {"project_id": options.project_id, "region_id": options.region_id}
    given: dict[str, Any] = {name: number for name, number in numbers.items() if number is not None}
    for part in options.parts:
        name, sign, value = part.partition("=")
        if not sign or name not in kind.scope:
            known = ", ".join(kind.scope)
            raise click.BadParameter(
                f"{part!r} is not NAME=VALUE with one of the names {known}", param_hint="--scope"
            )
        is_number = kind.scope[name]["type"] == "integer" and _NUMBER.fullmatch(value)
        given[name] = int(value) if is_number else value
    for name, keywords in kind.scope.items():
        option = flag_of(name) if name in numbers else f"--scope {name}=VALUE"
        if name not in given:
            raise click.UsageError(f"Missing option '{option}'.")
        if not is_valid(given[name], keywords):
            raise click.BadParameter(f"{given[name]!r} is not a valid {name}", param_hint=option)
    return kind.scope_of([given[name] for name in kind.scope])
