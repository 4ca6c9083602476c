"""The colour options, which every command with a result has."""

from __future__ import annotations

from typing import ClassVar, Final

import click
from click.core import ParameterSource

from reconciler.cli.console import Console, color_choice
from reconciler.cli.sections import GLOBAL
from reconciler.cli.values import option
from reconciler.model.frozen import dataclass

_NAMED: Final = ParameterSource.COMMANDLINE


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorOptions:
    """Whether the output is in colour."""

    SECTION: ClassVar = GLOBAL

    color: str = option(
        "Colour in the output. auto: as NO_COLOR, CLICOLOR_FORCE or FORCE_COLOR, CLICOLOR=0 and TERM=dumb"
        " say, the first that is set; else on a terminal.",
        type=click.Choice(("auto", "always", "never")),
        default="auto",
    )
    no_color: bool = option("The same as --color never.  [env: NO_COLOR]")

    def console(self, verbosity: int) -> Console:
        """Return the console of the command. Raises UsageError for two options that contradict each other."""
        context = click.get_current_context()
        named = [context.get_parameter_source(name) is _NAMED for name in ("color", "no_color")]
        if all(named) and self.no_color and self.color == "always":
            raise click.UsageError("--color always and --no-color contradict each other; give one of them.")
        is_off = self.no_color and (named[1] or not named[0])
        wanted = False if is_off else {"always": True, "never": False}.get(self.color)
        context.find_root().color = wanted  # for the errors too
        return Console(verbosity, color_choice())
