"""The kinds in effect: the packaged ones, those of named folders, and those beside the files."""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Final

from reconciler.kinds.packaged import load_kinds
from reconciler.load.links import is_inside, work_tree
from reconciler.load.sources import folders_beside, kind_files, places_beside
from reconciler.model.later import Later
from reconciler.model.phrases import listed
from reconciler.validate.custom_kinds import NO_APIS, custom_kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.load import git
    from reconciler.load.process import Host
    from reconciler.model.source import Problem

    Warn = Callable[[str], None]
    Listener = Callable[[bytes, str], None]
else:
    git = Later("reconciler.load.git")

_MOST_NAMED: Final = 10


def tree_kinds(
    folders: Sequence[str],
    paths: Sequence[str] = (),
    on_file: Listener | None = None,
    apis: Mapping[str, str] = NO_APIS,
) -> Mapping[str, Kind]:
    """Return the packaged kinds, those of ``folders``, and those beside the files ``paths``.

    ``on_file`` is called with the content and name of each file. ``apis`` maps some of the folders to the
    APIs of their kinds. Raises InputError with all errors in kind files.
    """
    built_in, found = load_kinds(), folders_beside(paths)
    if not folders and not found:
        return built_in
    problems: list[Problem] = []
    files = kind_files(folders, found, problems)
    return {**built_in, **custom_kinds(files, problems, built_in, on_file, apis)}


def unused_folders(folders: Sequence[str], paths: Sequence[str]) -> Iterator[str]:
    """Yield a warning for each folder of kinds beside ``paths`` that is not among ``folders``."""
    named = {os.path.realpath(folder) for folder in folders}
    for folder in folders_beside(paths):
        if os.path.realpath(folder) not in named and any(kind_files([], [folder], [])):
            yield (
                f"{folder} is not used: with --trust base, kinds come from the commit of --base, which is "
                "not given, or from the folders of --kinds"
            )


def base_kinds(  # noqa: PLR0913, PLR0917 - what the kinds of a commit depend on
    folders: Sequence[str],
    paths: Sequence[str],
    base: str,
    host: Host,
    warn: Warn,
    configured: Mapping[str, str],
    on_file: Listener | None = None,
    apis: Mapping[str, str] = NO_APIS,
) -> Mapping[str, Kind]:
    """Return the packaged kinds, those of the commit ``base``, and those of folders outside its checkout.

    Its checkout is that of ``paths``, or without paths the one around the working folder. ``configured`` are
    folders in the configuration file of that commit, each with a path in its checkout. ``apis`` maps some of
    the folders to the APIs of their kinds. ``warn`` is called where the kinds of the working tree differ.
    Raises InputError for errors in kind files, and ConfigurationError where the commit cannot be read.
    """
    built_in = load_kinds()
    beside = {place: os.path.dirname(place) or os.curdir for place in places_beside(paths)}  # noqa: PTH120 - as it was typed
    tops = {work_tree(folder) or os.devnull: folder for folder in [*beside.values()] or [os.curdir]}
    reviewed = {
        folder: path
        for folder in folders
        for top, path in tops.items()
        if is_inside(os.path.realpath(folder), top)
    }
    elsewhere = [folder for folder in folders if folder not in reviewed]
    there = git.kinds_at(base, {**reviewed, **configured, **beside}, host)
    for text in _differences(there, [*reviewed, *configured, *beside], base):
        warn(text)
    problems = list(there.problems)
    files = chain(kind_files(elsewhere, [], problems), there.files)
    committed = {posixpath.dirname(file): apis[folder] for file, folder in there.origins if folder in apis}
    return {**built_in, **custom_kinds(files, problems, built_in, on_file, {**apis, **committed})}


def _differences(there: git.BaseFiles, folders: Sequence[str], reference: str) -> Iterator[str]:
    """Yield a warning if the kinds of the working tree differ from those of the base."""
    present = [folder for folder in folders if os.path.isdir(folder)]  # noqa: PTH112 - as it was typed
    now = Counter((os.path.basename(file), content) for file, content in kind_files([], present, []))  # noqa: PTH119 - as it was typed
    then = Counter((os.path.basename(file), content) for file, content in there.files)  # noqa: PTH119 - the same
    names = sorted({name for name, _ in (now - then) + (then - now)})
    if names:
        yield (
            f"kinds differ from those at {reference}: {listed(names, _MOST_NAMED)}; "
            "with --trust base the old ones are used, so changes by the new ones are not shown"
        )
