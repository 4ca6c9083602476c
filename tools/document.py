"""Write the parts of the documentation that follow from the code; a test compares them with it.

``python tools/document.py`` rewrites docs/reference.md and the table of switches in docs/emulator.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcore_emulator.switches import switch_specs
from reconciler.cli.console import HELP_OPTIONS
from reconciler.cli.main import PROGRAM, cli
from reconciler.cli.variables import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parent.parent / "docs"
_LISTS = """
The variable of an option that may be repeated has one value on each line. On a single line, blanks are
between values too where each word is one by itself: an address or a glob with a slash or with `*` in front
for `--target`, NAME=VALUE for `--scope`, any word for `--metrics-host` and `--pass-env`; between paths of
`--kinds` and `--file` colons are. So `RECONCILER_PLAN_TARGET="thing/good first issue"` is one key.

Variables that begin with `RECONCILER_` and that nothing reads are named in a warning, with what was
probably meant; with `--strict-env`, or `RECONCILER_STRICT_ENV=1`, they are an error, exit code 64, before
anything is done.
"""
_BEGIN, _END = "<!-- switches -->\n", "<!-- /switches -->"


def reference() -> str:
    """Return docs/reference.md: the help of every command, and the environment variables of every option."""
    remark = "What `-h` prints, and the environment variables of every option; of two, the first wins."
    parts = [f"# Reference\n\n{remark}\n\n{_LISTS}"]
    root = click.Context(cli, info_name=PROGRAM, auto_envvar_prefix=PREFIX, terminal_width=100)
    for name, command in sorted(cli.commands.items()):
        parts.extend(_command(command, root, name))
        if isinstance(command, click.Group):
            above = click.Context(command, root, name)
            for below, subcommand in sorted(command.commands.items()):
                parts.extend(_command(subcommand, above, f"{name} {below}"))
    return "\n".join(parts)


def _command(command: click.Command, above: click.Context, name: str) -> Iterator[str]:
    """Return the section of one command."""
    last = name.rsplit(maxsplit=1)[-1]
    context = click.Context(command, above, last, terminal_width=100, help_option_names=HELP_OPTIONS)
    yield f"## reconciler {name}\n\n```text\n{command.get_help(context)}\n```\n"
    rows = [
        f"| `{parameter.opts[-1] if len(parameter.opts) == 1 else max(parameter.opts, key=len)}` "
        f"| {_variables(parameter, name)} |"
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.name
    ]
    if rows:
        yield "\n".join(["| option | environment variable |", "|---|---|", *rows]) + "\n"


def switches() -> str:
    """Return the table of the emulator's switches."""
    rows = [
        f"| `--{spec.name.replace('_', '-')}` | {_values(spec.choices, spec.default)} | {spec.help} |"
        for spec in switch_specs()
    ]
    return "\n".join(["| switch | values | question |", "|---|---|---|", *rows]) + "\n"


def live_example() -> dict[str, object]:
    """Return the live keys that the demo starts with."""
    seed: dict[str, object] = json.loads((DOCS.parent / "examples/live.json").read_text(encoding="utf-8"))
    return seed


def emulator_page(page: str) -> str:
    """Return docs/emulator.md with the table of switches as it should be."""
    before, rest = page.split(_BEGIN)
    after = rest.split(_END)[1]
    return f"{before}{_BEGIN}{switches()}{_END}{after}"


def _variables(parameter: click.Option, command: str) -> str:
    """Return the environment variables of an option, by precedence."""
    known = parameter.envvar or []
    names = [known] if isinstance(known, str) else list(known)
    words = [PREFIX, *command.upper().replace("-", "_").split(), str(parameter.name).upper()]
    names += ["_".join(words)] if parameter.allow_from_autoenv else []
    return ", ".join(f"`{name}`" for name in names)


def _values(choices: tuple[str, ...], default: object) -> str:
    if not choices:
        return "a number" if default is None else f"a number, `{default}`"
    return ", ".join(f"`{choice}`" for choice in choices)


def main() -> None:
    """Rewrite the generated parts."""
    (DOCS / "reference.md").write_text(reference(), encoding="utf-8")
    page = DOCS / "emulator.md"
    page.write_text(emulator_page(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
