"""``reconciler schema`` and ``reconciler completion``, for editors and shells."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from reconciler.cli.configuration import tree_configuration
from reconciler.cli.console import plain_console
from reconciler.cli.options import kinds_option
from reconciler.cli.values import command, option
from reconciler.kinds.bundle import bundled_schema, editor_schema
from reconciler.kinds.packaged import schema_texts
from reconciler.model.frozen import dataclass
from reconciler.validate.known_kinds import tree_kinds


class _Fish(FishComplete):
    """Completion in fish, where the help of a value may contain commas."""

    source_template = FishComplete.source_template.replace('string split ","', 'string split --max 1 ","')


_SHELLS: Final = {"bash": BashComplete, "zsh": ZshComplete, "fish": _Fish}


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaOptions:
    """The options of ``schema``."""

    name: str
    kinds: tuple[str, ...] = kinds_option(needs=("name=keys",))
    config_file: str | None = option(
        "The configuration whose kinds count too, instead of reconciler.yaml in this folder or above it.",
        "--config",
        "config_file",
        type=click.Path(),
        metavar="FILE",
        envvar="RECONCILER_CONFIG",
        needs=("name=keys",),
    )


def _schema_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in schema_texts() if name.startswith(incomplete)]


@command(
    SchemaOptions,
    "reconciler schema > keys.schema.json",
    "reconciler schema caas",
    "reconciler schema --kinds kinds/ > keys.schema.json",
)
@click.argument("name", default="keys", shell_complete=_schema_names)
def schema(_context: click.Context, options: SchemaOptions) -> None:
    """Print a JSON Schema (draft-07) that needs no other file.

    NAME is keys (a desired-state document, the default), a kind such as caas, plan (the JSON plan), history
    (what history --format json prints), validation (what validate --format json prints), notification (what a
    webhook receives), log (a line of the log of a service), kind (a custom kind file) or config
    (reconciler.yaml). A document may be of the kinds of the configuration and of --kinds too.
    """
    name, known = options.name, schema_texts()
    console = plain_console()
    if name == "keys":
        configured = tree_configuration(options.config_file)
        kinds = tree_kinds((*options.kinds, *configured.kinds), apis=configured.kind_apis)
        console.result(editor_schema(configured.at_apis(kinds).values()))
        return
    if name not in known:
        raise click.BadParameter(f"{name!r} is not one of {', '.join(known)}", param_hint="NAME")
    console.result(bundled_schema(name))


@dataclass(frozen=True, slots=True)
class CompletionOptions:
    """The argument of ``completion``."""

    shell: str


@command(
    CompletionOptions,
    "reconciler completion bash > ~/.local/share/bash-completion/completions/reconciler",
    "reconciler completion zsh > ~/.zfunc/_reconciler",
    "reconciler completion fish > ~/.config/fish/completions/reconciler.fish",
)
@click.argument("shell", type=click.Choice(tuple(_SHELLS)))
def completion(context: click.Context, options: CompletionOptions) -> None:
    """Print the completion script of a shell.

    zsh reads it from a folder of its fpath, to which ~/.zshrc adds it before compinit: fpath+=(~/.zfunc).
    """
    script = _SHELLS[options.shell](context.find_root().command, {}, "reconciler", "_RECONCILER_COMPLETE")
    plain_console().result(script.source() + "\n")
