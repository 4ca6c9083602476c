"""``reconciler kinds``."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.configuration import OptionalPaths
from reconciler.cli.console import plain_console
from reconciler.cli.options import KindOptions
from reconciler.cli.values import command, option
from reconciler.kinds.packaged import SUFFIX
from reconciler.model.frozen import dataclass
from reconciler.render.kinds import render_kinds, render_kinds_json
from reconciler.validate.custom_kinds import api_of_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.kinds.kind import Kind

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

    For each kind: its source, its path, and what can be set, created and deleted. Kinds beside the files of
    PATH are included.
    """
    console = plain_console()
    files: list[str] = []
    known = options.known.known_kinds(console.warning, lambda _content, file: files.append(file))
    apis = options.known.configured.kind_apis
    put = console.text if options.format == "text" else console.result
    put(_FORMATS[options.format](known, {_name(file, apis, known): file for file in files}))


def _name(file: str, apis: Mapping[str, str], known: Mapping[str, Kind]) -> str:
    """Return the name of the kind that a file describes."""
    name = posixpath.basename(file).removesuffix(SUFFIX)
    full = f"{api_of_folder(posixpath.dirname(file), apis)}.{name}"
    return full if full in known else name
