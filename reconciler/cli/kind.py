"""``reconciler kind``: custom kinds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import click

from reconciler.cli.console import CONTEXT, plain_console
from reconciler.cli.values import command, epilog, option
from reconciler.errors import DescriptionError
from reconciler.kinds.openapi.draft import draft
from reconciler.kinds.rules import KIND_NAME
from reconciler.load.files import read_description
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
    collection: str = option(
        "The path that lists the keys, as it is written there.", required=True, metavar="PATH"
    )
    item: str | None = option(
        "The path of one key, as it is written there, where several may be.", metavar="PATH"
    )
    name: str | None = option("What the kind will be called.", metavar="NAME")


_INIT: Final = "reconciler kind init --openapi api.yaml --collection"


@click.group(context_settings=CONTEXT, epilog=epilog(f"{_INIT} /v1/things > kinds/thing.schema.json"))
def kind() -> None:
    """Draft a kind for another REST API; docs/kinds.md describes kinds."""


@command(
    InitOptions,
    f"{_INIT} '/repos/{{owner}}/{{repo}}/labels' \\\n    --name label > kinds/label.schema.json",
    group=kind,
)
def init(_context: click.Context, options: InitOptions) -> None:
    """Draft the file of a kind from an OpenAPI description.

    The draft is written to standard output. What a description cannot say, such as the effect of a field on
    access, is omitted, and listed on standard error as things to decide.
    """
    name = options.name
    if name is not None and not KIND_NAME.fullmatch(name):
        raise click.BadParameter("use lower-case letters, digits and hyphens.", param_hint="--name")
    description = read_description(options.openapi)
    title = None if name is None else name.replace("-", " ").capitalize()
    try:
        drafted = draft(description, options.collection, title, options.item)
    except DescriptionError as error:
        raise DescriptionError(f"{options.openapi}: {error}") from error
    console = plain_console()
    console.result(json.dumps(drafted.schema, indent=2, ensure_ascii=False) + "\n")
    console.note(f"To decide, then save as kinds/{name or 'NAME'}.schema.json:")
    faulty = (message for _, message in complaints(name or "draft", drafted.schema))
    for decision in (*drafted.decisions, *faulty):
        console.note(f"- {decision}")
