"""``reconciler kinds``."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Final

import click

from reconciler.cli.configuration import OptionalPaths
from reconciler.cli.console import plain_console
from reconciler.cli.options import KindOptions
from reconciler.cli.values import command, option
from reconciler.kinds.packaged import SUFFIX
from reconciler.render.kinds import render_kinds, render_kinds_json

_FORMATS: Final = {"text": render_kinds, "json": render_kinds_json}


@dataclass(frozen=True, slots=True)
class KindsOptions:
    """The options of ``kinds``."""

    known: KindOptions
    format: str = option("How the kinds are printed.", type=click.Choice(tuple(_FORMATS)), default="text")


@command(
    KindsOptions,
    "reconciler kinds",
    "reconciler kinds keys/ --kinds kinds/",
    "reconciler kinds --format json",
)
@click.argument("paths", cls=OptionalPaths, nargs=-1, metavar="[PATH]...", type=click.Path())
def kinds(_context: click.Context, options: KindsOptions) -> None:
    """List the kinds that are known here.

    Each with where it comes from, its path, and what can be set, created and deleted. Kinds beside the files
    of PATH count too.
    """
    console = plain_console()
    files: dict[str, str] = {}
    known = options.known.known_kinds(
        console.warning,
        lambda _content, file: files.update({posixpath.basename(file).removesuffix(SUFFIX): file}),
    )
    console.result(_FORMATS[options.format](known, files))
