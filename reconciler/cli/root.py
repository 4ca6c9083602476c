"""The group of all commands: lists them without an import, and imports the one that is used."""

from __future__ import annotations

from collections import UserDict
from importlib import import_module
from typing import Any, Final

import click

from reconciler.cli.commands import COMMANDS, GROUPS, MODULES
from reconciler.cli.completing import by
from reconciler.cli.console import plain_console
from reconciler.cli.sections import GLOBAL, Group, Option
from reconciler.cli.variables import strict_env
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.model.collector import kept_for_good

_EXTRAS: Final = {
    **dict.fromkeys(("jinja2", "markupsafe"), ("report", "runtime")),
    "prometheus_client": ("metrics", "runtime"),
    **dict.fromkeys(("distributed", "dask"), ("dask", "cluster")),
}
"""The extra of each package that is in one, and the file of requirements that has it."""
_COLOURS: Final = {"auto": None, "always": True, "never": False}
_OF_ALL: Final = frozenset({"--color", "--no-color"})
"""Options that are before a command of no result, too."""
_HANDED_ON: Final = f"{__name__}.handed_on"


class _Commands(UserDict[str, click.Command]):
    """The commands; each is listed by its name and help, and imported when it is used."""

    def __init__(self, root: click.Group) -> None:
        super().__init__({name: click.Command(name, short_help=text) for name, text in COMMANDS.items()})
        self._root = root

    def __getitem__(self, name: str) -> click.Command:
        command = super().__getitem__(name)
        if command.callback is None:
            with kept_for_good():  # as where the program begins
                module = import_module(MODULES.get(name, f"reconciler.cli.{name}"))
            attribute = f"{name}_" if name in _OF_PYTHON else name.replace("-", "_")
            command = self.data[name] = strict_env(self._root, getattr(module, attribute))
        return command


_OF_PYTHON: Final = frozenset({"help", "import"})
"""Commands whose names Python has a use for."""


class Root(Group):
    """The commands, in groups, and the options that may precede one of them."""

    commands: _Commands

    def __init__(self, **settings: Any) -> None:
        """Register the commands."""
        super().__init__(**settings)
        self.commands = _Commands(self)
        self.params += _global_options()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Return a command for lists and completion, without importing it."""
        return self.commands.data.get(cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Return the imported command of the arguments, and its arguments: global options first."""
        name, _, rest = super().resolve_command(ctx, args)
        if name is None:
            return None, None, rest
        command = self.commands[name]
        known = {flag for parameter in command.params for flag in parameter.opts}
        handed_on = ctx.meta.get(_HANDED_ON, {}).items()
        front = [word for flag, words in handed_on if flag in known or flag not in _OF_ALL for word in words]
        return name, command, [*front, *rest]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the commands, in groups."""
        width = max(map(len, COMMANDS))
        for title, group in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, text in group.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Invoke a command; an error of this package, or a missing extra, becomes message and exit code."""
        try:
            return super().invoke(ctx)
        except ReconcilerError as error:
            plain_console().complain(error)
            return error.exit_code
        except ImportError as error:
            if error.name not in _EXTRAS:
                raise
            extra, file = _EXTRAS[error.name]
            install = f"pip install --require-hashes -r requirements/{file}.txt"
            what = f"this needs the extra {extra} ({error.name} is not installed)"
            plain_console().error(f"{what}; in a checkout of reconciler, run {install}")
            return ExitCode.ERROR


def _global_options() -> list[click.Parameter]:
    """Return the options that may precede the command, with the same meaning as behind it."""
    settings: dict[str, Any] = {
        "expose_value": False,
        "allow_from_autoenv": False,
        "callback": _hand_on,
        "section": GLOBAL,
    }
    return [
        Option(["-v", "--verbose"], count=True, help="Show more.", **settings),
        Option(["-q", "--quiet"], is_flag=True, help="Print the result and errors alone.", **settings),
        Option(
            ["--color"],
            type=click.Choice(tuple(_COLOURS)),
            help="Colour in the output; auto: on a terminal.",
            **settings,
        ),
        Option(["--no-color"], is_flag=True, help="The same as --color never.", **settings),
        Option(["--config"], metavar="FILE", help="The configuration.", type=click.Path(), **settings),
        Option(
            ["--env"],
            metavar="NAME",
            help="The environment of the configuration.",
            shell_complete=by("environments"),
            **settings,
        ),
    ]


def _hand_on(context: click.Context, option: click.Parameter, value: Any) -> None:
    """Store an option that precedes the command, in the form that the command accepts."""
    words = [option.opts[-1], value] if isinstance(value, str) else [option.opts[-1]] * int(value or 0)
    context.meta.setdefault(_HANDED_ON, {})[option.opts[-1]] = words
    if option.name == "no_color" and value:
        context.color = False
    elif option.name == "color" and value:
        context.color = _COLOURS[value]
