"""How a parameter is completed; what completes it is imported when a shell asks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

_HOME = "reconciler.cli.completions"


def by(name: str) -> Callable[[click.Context, click.Parameter, str], Any]:
    """Return what completes a value by the function of this name."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> Any:
        return getattr(import_module(_HOME), name)(context, parameter, incomplete)

    return complete


class InputPath(click.Path):
    """A path of desired state or of a saved plan: folders, and files that can be such."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Return the folders and files that can be read."""
        found: list[CompletionItem[str]] = by("inputs")(ctx, param, incomplete)
        return found
