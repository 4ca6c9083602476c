"""Options in sections, as the help of a command shows them: its own, the common ones, first."""

from __future__ import annotations

import os
from typing import Any, Final

import click
from click.core import ParameterSource

from reconciler.cli.system import ENVIRONMENT
from reconciler.render.text_layout import Screen

GLOBAL: Final = "Global options"
"""The section of options that may stand before the command, too; the last one."""
_NARROWEST: Final = 30
_USUAL_WIDTH: Final = 80
_ROOM_FOR_BOTH: Final = 76
_WIDEST_NAME: Final = 30
"""Behind a longer name its help begins on the next line; on a narrow screen that is so sooner."""
OWN: Final = "Options"
"""The section of options that are of a command alone, and of the commonest ones; the first one."""


class Option(click.Option):
    """An option, and the section of its help; without one it is among those of its command.

    It has an effect only if everything in ``needs`` applies: the name of a parameter that is given, or
    NAME=VALUE, or !NAME that is not given; with ``|`` between them one is enough. Names that the command does
    not have are ignored.
    """

    def __init__(
        self,
        *arguments: Any,
        section: str = OWN,
        needs: tuple[str, ...] = (),
        **settings: Any,
    ) -> None:
        """Store the attributes that click does not have; the rest is click's."""
        super().__init__(*arguments, **settings)
        self.section, self.needs = section, needs

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """Return the subject of an error, with the variable if the value comes from one."""
        hint = super().get_error_hint(ctx)
        if ctx is None or ctx.get_parameter_source(self.name or "") is not ParameterSource.ENVIRONMENT:
            return hint
        own = (self.envvar,) if isinstance(self.envvar, str) else tuple(self.envvar or ())
        names = (*own, f"{ctx.auto_envvar_prefix}_{self.name}".upper())
        return f"{hint} from {next(name for name in names if ENVIRONMENT.get(name))}"


class _Context(click.Context):
    def make_formatter(self) -> click.HelpFormatter:
        """Return the help formatter, also for a terminal narrower than the 50 columns that click assumes."""
        formatter = super().make_formatter()
        formatter.width = min(formatter.width, max(_columns() - 2, _NARROWEST))
        return formatter


def _columns() -> int:
    """Return the columns of the terminal, like shutil, whose import would load compressors."""
    named = ENVIRONMENT.get("COLUMNS", "")
    if named.isdecimal() and int(named):
        return int(named)
    try:
        return os.get_terminal_size(1).columns or _USUAL_WIDTH
    except OSError:
        return _USUAL_WIDTH


class _Sectioned(click.Command):
    context_class = _Context

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section in the order of their first ones; the global ones last."""
        sections: dict[str, list[tuple[str, str]]] = {OWN: [], GLOBAL: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                section = parameter.section if isinstance(parameter, Option) else GLOBAL
                sections.setdefault(section, []).append(record)
        sections[GLOBAL] = sections.pop(GLOBAL)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    _write_options(formatter, records)


def _write_options(formatter: click.HelpFormatter, records: list[tuple[str, str]]) -> None:
    """Write options beside their help, or above it where the names of variables do not fit beside.

    Click breaks a long word wherever the line ends.
    """
    if formatter.width >= _ROOM_FOR_BOTH:
        formatter.write_dl(records, col_max=min(_WIDEST_NAME, formatter.width * 2 // 5))
        return
    screen, indent = Screen(width=formatter.width), " " * formatter.current_indent
    for names, text in records:
        formatter.write(f"{indent}{names}\n")
        for line in screen.lines(f"{indent}  {text}", hang=f"{indent}  "):
            formatter.write(f"{line.rstrip()}\n")


class Command(_Sectioned):
    """A command whose help shows its options in sections."""


class Group(_Sectioned, click.Group):
    """A group of commands whose help shows them before its options, and these in sections."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the options."""
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)
