"""``reconciler schema`` and ``reconciler completion``: what editors and shells need."""

from __future__ import annotations

from dataclasses import dataclass

import click
from click.shell_completion import get_completion_class

from reconciler.cli.console import CONTEXT, Console, color_choice
from reconciler.cli.options import kinds_option
from reconciler.cli.values import takes
from reconciler.kinds.bundle import bundled_schema, editor_schema
from reconciler.kinds.packaged import schema_texts
from reconciler.validate.known_kinds import tree_kinds

_SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaOptions:
    """The options of ``schema``."""

    name: str
    kinds: tuple[str, ...] = kinds_option()


def _schema_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:

    return [name for name in schema_texts() if name.startswith(incomplete)]


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler schema > keys.schema.json
  reconciler schema caas
  reconciler schema --kinds kinds/ > keys.schema.json
""",
)
@click.argument("name", default="keys", shell_complete=_schema_names)
@takes(SchemaOptions)
def schema(_context: click.Context, options: SchemaOptions) -> None:
    """Print a JSON Schema (draft-07) that needs no other file.

    NAME is keys (a desired-state document, the default), a kind such as caas, plan (the JSON plan), history
    (what history --format json prints), notification (what a webhook is sent) or kind (the file of a kind of
    your own). With --kinds, a document may be of custom kinds too.
    """
    name, known = options.name, schema_texts()
    console = Console(0, color_choice())
    if options.kinds and name == "keys":
        own = tree_kinds(options.kinds)
        console.result(editor_schema(kind for name, kind in own.items() if name not in known))
        return
    if name not in known:
        raise click.BadParameter(f"{name!r} is none of {', '.join(known)}", param_hint="NAME")
    console.result(bundled_schema(name))


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler completion bash > ~/.local/share/bash-completion/completions/reconciler
  reconciler completion zsh > ~/.zfunc/_reconciler
  reconciler completion fish > ~/.config/fish/completions/reconciler.fish
""",
)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    root = context.find_root()
    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - the choice above lists what click knows
        raise click.UsageError(f"no completion for {shell}")
    script = kind(root.command, {}, "reconciler", "_RECONCILER_COMPLETE").source()
    Console(0, color_choice()).result(script + "\n")
