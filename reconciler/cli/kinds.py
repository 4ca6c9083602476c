"""The kinds that a command knows: the built-in ones, those of ``--kinds``, and those beside the files."""

from __future__ import annotations

import os
from itertools import chain
from typing import TYPE_CHECKING, Final

from reconciler.cli.settings import TREE, InputOptions
from reconciler.kinds.packaged import load_kinds
from reconciler.load.git import kinds_at
from reconciler.load.kindfolders import folders_beside, kind_files, places_beside
from reconciler.load.links import is_inside, work_tree
from reconciler.validate.custom_kinds import custom_kinds_of, load_custom_kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.load.git import BaseFiles

    Warn = Callable[[str], None]
    Listener = Callable[[bytes, str], None]

_MOST_NAMED: Final = 10


def known_kinds(
    inputs: InputOptions, warn: Warn | None = None, on_file: Listener | None = None
) -> Mapping[str, Kind]:
    """Load the built-in kinds, those of ``--kinds`` and, as ``--trust`` says, those beside the files.

    ``warn`` is called where ``--trust base`` leaves kinds of the working tree out, ``on_file`` with the
    content and name of each file. Raises InputError with all that is wrong with files of kinds,
    ConfigurationError where the base cannot be read.
    """
    built_in = load_kinds()
    given, paths = inputs.kinds, inputs.paths
    if inputs.trust == TREE:
        found = folders_beside(paths)
    elif inputs.base is None:
        found = []
        lack = "not given" if inputs.has_base else "no option of this command"
        for text in _left_out(given, paths, lack):
            (warn or _ignore)(text)
    else:
        return {**built_in, **_of_base(inputs, inputs.base, built_in, warn or _ignore, on_file)}
    if not given and not found:
        return built_in
    return {**built_in, **load_custom_kinds(given, found, built_in, on_file)}


def _ignore(_text: str) -> None:
    """Do nothing: the command has nobody to warn."""


def _left_out(given: Sequence[str], paths: Sequence[str], lack: str) -> Iterator[str]:
    """Yield a warning of each folder of kinds beside the files that is not read."""
    named = {os.path.realpath(folder) for folder in given}
    for folder in folders_beside(paths):
        if os.path.realpath(folder) not in named and any(kind_files([], [folder], [])):
            yield (
                f"{folder} is not used: with --trust base, kinds come from the commit of --base, which is "
                f"{lack}, or from the folders of --kinds"
            )


def _of_base(
    inputs: InputOptions, base: str, built_in: Mapping[str, Kind], warn: Warn, on_file: Listener | None
) -> Mapping[str, Kind]:
    """Load the kinds of the base commit, and from the working tree only what lies in none of its folders."""
    beside = {place: os.path.dirname(place) or os.curdir for place in places_beside(inputs.paths)}  # noqa: PTH120 - as it was typed
    tops = {work_tree(folder) or os.devnull: folder for folder in beside.values()}
    reviewed = {
        folder: path
        for folder in inputs.kinds
        for top, path in tops.items()
        if is_inside(os.path.realpath(folder), top)
    }
    elsewhere = [folder for folder in inputs.kinds if folder not in reviewed]
    there = kinds_at(base, {**reviewed, **beside}, os.environ)
    for text in _differences(there, [*reviewed, *beside], base):
        warn(text)
    problems = list(there.problems)
    files = chain(kind_files(elsewhere, [], problems), there.files)
    return custom_kinds_of(files, problems, built_in, on_file)


def _differences(there: BaseFiles, folders: Sequence[str], reference: str) -> Iterator[str]:
    """Yield a warning if the working tree has other kinds than the base."""
    present = [folder for folder in folders if os.path.isdir(folder)]  # noqa: PTH112 - as it was typed
    now = {os.path.basename(file): content for file, content in kind_files([], present, [])}  # noqa: PTH119 - the same
    then = {os.path.basename(file): content for file, content in there.files}  # noqa: PTH119 - the same
    names = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    if names:
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        yield (
            f"kinds differ from those at {reference}: {', '.join(names[:_MOST_NAMED])}{more}; "
            "with --trust base the old ones are used, so what the new ones change is not shown"
        )
