"""Options about the environment of child processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.variables import ListType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

pass_env_option = click.option(
    "--pass-env",
    multiple=True,
    type=ListType(),
    metavar="NAME",
    help="A variable that programs which are run may have too, such as VAULT_TOKEN or 'AWS_*'. Repeatable.",
)


def passed_names(parameters: Mapping[str, Any]) -> Sequence[str]:
    """Return what ``--pass-env`` names; nothing for a command without it."""
    names: Sequence[str] = parameters.get("pass_env", ())
    return names
