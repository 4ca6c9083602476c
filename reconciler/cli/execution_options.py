"""The options that say where files are checked and scopes are compared."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import click

from reconciler.cli.values import Integers, option
from reconciler.model.frozen import dataclass

AUTO: Final = "auto"


class ProcessesType(click.ParamType[Any]):
    """A number of processes, or ``auto``."""

    name = "N|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or ``auto``."""
        if value == AUTO:
            return value
        if not str(value).isdecimal():
            self.fail(f"{value!r} is neither a number nor {AUTO}.", param, ctx)
        return Integers(1, 256).convert(value, param, ctx)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOptions:
    """Where files are checked and scopes are compared; changes are sent by this process alone."""

    SECTION: ClassVar = "Execution"

    processes: int | str = option(
        "Check files and compare scopes in N processes; auto: where there is enough for several cores.",
        type=ProcessesType(),
        default=AUTO,
        metavar="N|auto",
        envvar="RECONCILER_PROCESSES",
        needs=("!plan_file", "!dask"),
    )
    dask: str | None = option(
        "Check files and compare scopes on the Dask cluster with this scheduler, such as tcp://HOST:8786.",
        metavar="ADDRESS",
        needs=("!plan_file",),
    )
