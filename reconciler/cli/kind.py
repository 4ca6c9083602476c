"""``reconciler kind``: custom kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from reconciler.adopt.drafts import draft_text, drafts_of
from reconciler.cli.console import CONTEXT, Console, plain_console
from reconciler.cli.sections import Group
from reconciler.cli.values import command, epilog, option
from reconciler.errors import DescriptionError
from reconciler.kinds.openapi.draft import draft
from reconciler.kinds.packaged import SUFFIX
from reconciler.kinds.rules import KIND_NAME
from reconciler.load.files import read_description
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted
from reconciler.validate.custom_kinds import complaints


@dataclass(frozen=True, slots=True)
class InitOptions:
    """The options of ``kind init``."""

    openapi: str = option(
        "An OpenAPI 3.0 or 3.1 description, in YAML or JSON.",
        required=True,
        metavar="FILE",
        type=click.Path(),
    )
    collection: str | None = option(
        "The path that lists the keys, as written in the description.", metavar="PATH"
    )
    item: str | None = option(
        "The path of one key in the description, if several paths are possible.", metavar="PATH"
    )
    identity: str | None = option(
        "The member of rows that files use as the name, such as name or spec.name, instead of the likeliest.",
        metavar="MEMBER",
    )
    name: str | None = option("The name of the kind.", metavar="NAME")
    every: bool = option("Draft every collection whose items can be changed.", "--all", "every")
    output: str | None = option(
        "With --all, the folder for the drafts and their index; nothing in it is overwritten.",
        metavar="DIR",
        type=click.Path(file_okay=False),
    )


_INIT: Final = "reconciler kind init --openapi api.yaml --collection"


@click.group(
    cls=Group, context_settings=CONTEXT, epilog=epilog(f"{_INIT} /v1/things > kinds/thing.schema.json")
)
def kind() -> None:
    """Draft a kind for another REST API; docs/kinds.md describes kinds."""


@command(
    InitOptions,
    f"{_INIT} '/repos/{{owner}}/{{repo}}/labels' \\\n    --name label > kinds/label.schema.json",
    "reconciler kind init --openapi api.yaml --all --output drafts/",
    group=kind,
)
def init(_context: click.Context, options: InitOptions) -> None:
    """Draft a kind file from an OpenAPI description.

    The draft is written to standard output. What a description does not contain, such as the effect of a
    field on access, is omitted, and listed on standard error as decisions to make. With --all, every
    collection is drafted into a folder, with an index of the drafts, their decisions, and the refused
    collections with the reasons.
    """
    _check(options)
    description = read_description(options.openapi)
    console = plain_console()
    try:
        if options.output is not None:
            _init_all(console, options.openapi, description, Path(options.output))
        elif options.collection is not None:
            _init_one(console, options, description, options.collection)
    except DescriptionError as error:
        raise DescriptionError(f"{options.openapi}: {error}") from error


def _check(options: InitOptions) -> None:
    """Check for missing and contradicting options. Raises click's UsageError."""
    name = options.name
    if name is not None and not KIND_NAME.fullmatch(name):
        raise click.BadParameter("use lower-case letters, digits and hyphens.", param_hint="--name")
    if not options.every:
        if options.output is not None:
            raise click.UsageError("--output is for --all; a single draft is written to standard output")
        if options.collection is None:
            raise click.UsageError("Missing option '--collection' or '--all'.")
        return
    if options.output is None:
        raise click.UsageError("--all needs --output DIR, the folder for the drafts")
    single = {"--collection": options.collection, "--item": options.item, "--identity": options.identity}
    for flag, given in {**single, "--name": name}.items():
        if given is not None:
            raise click.UsageError(f"{flag} is for a single draft; --all drafts every collection")


def _init_one(console: Console, options: InitOptions, description: Any, collection: str) -> None:
    name = options.name
    title = None if name is None else name.replace("-", " ").capitalize()
    drafted = draft(description, collection, title, options.item, options.identity)
    console.result(draft_text(drafted.schema))
    console.note(f"To decide, then save as kinds/{name or 'NAME'}{SUFFIX}:")
    faulty = (message for _, message in complaints(name or "draft", drafted.schema))
    for decision in (*drafted.decisions, *faulty):
        console.note(f"- {decision}")


def _init_all(console: Console, source: str, description: Any, folder: Path) -> None:
    """Write a draft of every collection, and the index."""
    found = drafts_of(source, description, folder)
    found.write()
    refused = found.collections - found.count
    why = f", and why {refused} are refused" if refused else ""
    console.text(
        f"Drafted {found.count} of {counted(found.collections, 'collection')} into {folder};"
        f" {found.index} lists the decisions to make{why}.\n"
    )
