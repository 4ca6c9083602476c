"""Write the parts of the documentation that follow from the code; a test compares them with it.

``python tools/document.py`` rewrites the pages of ``PAGES``, and in other pages the tables between marks.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from document_library import codes_page, library_page
from document_schemas import schemas_page
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
_FEW: Final = 4


def reference() -> str:
    """Return docs/reference.md: the help of every command, and the environment variables of every option."""
    remark = (
        "For those who look up an option: what `-h` prints, and the environment variables of every option; "
        "of two, the first wins."
    )
    parts = [f"# Options of every command\n\n{remark}\n\n{_LISTS}"]
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


def variables() -> str:
    """Return the table of the variables that options of several commands share."""
    shared: dict[str, tuple[str, set[str], str]] = {}
    for name, parameter in _options():
        known = parameter.envvar or []
        for variable in [known] if isinstance(known, str) else known:
            option = max(parameter.opts, key=len)
            shared.setdefault(variable, (option, set(), _first(parameter.help or "")))[1].add(name)
    rows = [
        f"| `{variable}` | `{option}` of {_listed(commands)} | {text} |"
        for variable, (option, commands, text) in sorted(shared.items())
    ]
    return "\n".join(["| variable | option | |", "|---|---|---|", *rows]) + "\n"


def _options() -> Iterator[tuple[str, click.Option]]:
    """Yield every option of every command, with the name of the command."""
    for name, command in sorted(cli.commands.items()):
        below = command.commands if isinstance(command, click.Group) else {}
        for words, each in [
            (name, command),
            *((f"{name} {last}", sub) for last, sub in sorted(below.items())),
        ]:
            yield from (
                (words, parameter) for parameter in each.params if isinstance(parameter, click.Option)
            )


def _listed(commands: set[str]) -> str:
    return ", ".join(sorted(commands)) if len(commands) <= _FEW else f"{len(commands)} commands"


def _first(text: str) -> str:
    """Return the first sentence of a help text, for a cell of a table."""
    return " ".join(text.split()).partition(". ")[0].removesuffix(".").replace("|", "\\|")


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


def with_tables(page: str) -> str:
    """Return a page with the tables between its marks as they should be."""
    for word, table in _TABLES.items():
        begin, end = f"<!-- {word} -->\n", f"<!-- /{word} -->"
        if begin in page:
            before, rest = page.split(begin)
            page = f"{before}{begin}{table()}{end}{rest.split(end)[1]}"
    return page


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


_TABLES: Final = {"switches": switches, "variables": variables}
"""Tables of pages that are written by hand, by the word in the marks around each."""
PAGES: Final = {
    "reference.md": reference,
    "reference-errors.md": codes_page,
    "reference-library.md": library_page,
    "reference-schemas.md": schemas_page,
}
"""Pages that are made entirely, each by a function."""


def main() -> None:
    """Rewrite the generated parts."""
    for name, made in PAGES.items():
        (DOCS / name).write_text(made(), encoding="utf-8")
    for page in DOCS.glob("*.md"):
        page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
