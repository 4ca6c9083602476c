"""Completion of parameters; its implementation is imported when a shell asks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

_HOME = "reconciler.cli.completions"


def by(name: str) -> Callable[[click.Context, click.Parameter, str], Any]:
    """Return a completion function that imports the function of this name on first use."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> Any:
        return getattr(import_module(_HOME), name)(context, parameter, incomplete)

    return complete


class InputPath(click.Path):
    """A path of desired state or of a saved plan: completes folders, and files with a suitable name."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Return the folders and files that can be read."""
        found: list[CompletionItem[str]] = by("inputs")(ctx, param, incomplete)
        return found
