"""``reconciler demo``."""

from __future__ import annotations

import click

from reconciler.cli.console import CONTEXT


@click.command(context_settings=CONTEXT)
def demo() -> None:
    """Take a two-minute tour with the embedded emulator."""
