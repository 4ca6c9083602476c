"""``reconciler kind``: custom kinds."""

from __future__ import annotations

import json

import click

from reconciler.cli.console import CONTEXT, Console, color_choice
from reconciler.errors import DescriptionError
from reconciler.kinds.openapi.draft import draft
from reconciler.kinds.rules import KIND_NAME
from reconciler.load.files import read_description
from reconciler.validate.custom_kinds import complaints


@click.group(
    context_settings=CONTEXT,
    epilog="""\b
Example:
  reconciler kind init --openapi api.yaml --collection /v1/things > kinds/thing.schema.json
""",
)
def kind() -> None:
    """Draft a kind for another REST API; docs/kinds.md describes kinds."""


@kind.command(
    context_settings=CONTEXT,
    epilog="""\b
Example:
  reconciler kind init --openapi api.yaml --collection '/repos/{owner}/{repo}/labels' \\
    --name label > kinds/label.schema.json
""",
)
@click.option(
    "--openapi",
    required=True,
    metavar="FILE",
    type=click.Path(),
    help="An OpenAPI 3.0 or 3.1 description, in YAML or JSON.",
)
@click.option(
    "--collection",
    required=True,
    metavar="PATH",
    help="The path that lists the keys, as it is written there.",
)
@click.option("--name", metavar="NAME", help="What the kind will be called.")
def init(openapi: str, collection: str, name: str | None) -> None:
    """Draft the file of a kind from an OpenAPI description.

    The draft is written to standard output. What a description cannot say, such as the effect of a field on
    access, is omitted, and listed on standard error as things to decide.
    """
    if name is not None and not KIND_NAME.fullmatch(name):
        raise click.BadParameter("use lower-case letters, digits and hyphens.", param_hint="--name")
    description = read_description(openapi)
    title = None if name is None else name.replace("-", " ").capitalize()
    try:
        drafted = draft(description, collection, title)
    except DescriptionError as error:
        raise DescriptionError(f"{openapi}: {error}") from error
    console = Console(0, color_choice())
    console.result(json.dumps(drafted.schema, indent=2, ensure_ascii=False) + "\n")
    console.note(f"To decide, then save as kinds/{name or 'NAME'}.schema.json:")
    faulty = (message for _, message in complaints(name or "draft", drafted.schema))
    for decision in (*drafted.decisions, *faulty):
        console.note(f"- {decision}")
