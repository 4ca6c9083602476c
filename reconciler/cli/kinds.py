"""The kinds that a command knows: the built-in ones, and the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.kinds import Kind

KINDS: Final = click.option(
    "--kinds",
    multiple=True,
    metavar="DIR",
    type=click.Path(),
    help="A folder of kinds of your own, NAME.schema.json each; kinds/ beside the files is one. Repeatable.",
)


def known_kinds(
    parameters: Mapping[str, Any], on_file: Callable[[bytes, str], None] | None = None
) -> Mapping[str, Kind]:
    """Load the built-in kinds, those of ``--kinds`` and those beside the files.

    ``on_file`` hears of the content and name of each. Raises InputError with all that is wrong
    with files of kinds.
    """
    from reconciler.load.kindfolders import folders_beside  # noqa: PLC0415 - --help reads no files
    from reconciler.resources import load_kinds  # noqa: PLC0415 - the same
    from reconciler.userkinds import load_user_kinds  # noqa: PLC0415 - the same

    built_in = load_kinds()
    given, found = parameters["kinds"], folders_beside(parameters.get("paths", ()))
    if not given and not found:
        return built_in
    return {**built_in, **load_user_kinds(given, found, built_in, on_file)}
