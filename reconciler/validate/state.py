"""From files to the desired state: each is checked by itself, then their parts are merged."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from reconciler.errors import InputError, ReconcilerError
from reconciler.load.files import inputs
from reconciler.load.source_lines import with_lines
from reconciler.load.sources import MAX_BYTES, read_file, sources
from reconciler.model.collector import paused_collector
from reconciler.model.phrases import MOST_TEXTS
from reconciler.validate.parts import merged
from reconciler.validate.validator import Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.load.files import Input
    from reconciler.model.desired import DesiredState
    from reconciler.model.source import Problem
    from reconciler.validate.parts import Part
    from reconciler.validate.validator import Rules

    Check = Callable[[Rules, Iterable[Input]], Iterable[Part]]
    """Checks files, here or in other processes, and returns their parts in the same order."""

_LARGE: Final = 4 << 20
"""Bytes of files, some 25,000 keys, from which on other processes are worth their start."""


def check_each(rules: Rules, files: Iterable[Input]) -> Iterator[Part]:
    """Check files one by one: only one is in memory at a time."""
    validator = Validator(rules)
    return (validator.check(one) for one in files)


def measured(files: Iterable[Input]) -> tuple[Iterable[Input], bool]:
    """Return files, and whether other processes are worth it; files read for that are not read again."""
    remaining = iter(files)
    first: list[Input] = []
    size = 0
    while size < _LARGE and (file := next(remaining, None)) is not None:
        first.append(file)
        size += len(file.content)
    return chain(first, remaining), size >= _LARGE


def validated(
    files: Iterable[Input], rules: Rules, problems: Iterable[Problem] = (), check: Check = check_each
) -> DesiredState:
    """Check every file by ``check``, and return the desired state; ``problems`` are known already.

    Raises InputError with every problem found.
    """
    with paused_collector():
        return merged(check(rules, files), rules.kinds, problems)


def desired_state(
    paths: Sequence[str],
    standard_input: BinaryIO,
    rules: Rules,
    on_input: Callable[[bytes, str], None] | None = None,
    check: Check = check_each,
) -> DesiredState:
    """Load every file and validate it; ``on_input`` is called with the content and name of each.

    Raises InputError with every problem found.
    """
    problems: list[Problem] = []
    seen: dict[str, int] = {}

    def read() -> Iterator[Input]:
        for one in inputs(paths, standard_input, problems):
            seen[one.label] = hash(one.content)
            if on_input is not None:
                on_input(one.content, one.label)
            yield one

    try:
        return validated(read(), rules, problems, check)
    except InputError as error:
        raise InputError(_shown(error.problems, seen)) from error


def _shown(problems: Sequence[Problem], seen: Mapping[str, int]) -> Sequence[Problem]:
    """Return problems with their source lines, also those found when the files were merged.

    For these a file is read again, and used if it is unchanged: ``seen`` has the hash of each. Standard input
    cannot be read again.
    """
    lacking = [problem for problem in problems[:MOST_TEXTS] if problem.line is None]
    labels = dict.fromkeys(problem.position.source for problem in lacking if problem.position is not None)
    for label in labels:
        with suppress(InputError):
            content = read_file(label, MAX_BYTES, "") if label in seen else b""
            if hash(content) == seen.get(label):
                problems = with_lines(problems, content, label)
    return problems


def declared_addresses(paths: Sequence[str], rules: Rules, most: int) -> Iterator[str]:
    """Yield the addresses of keys in the first ``most`` bytes of files; an invalid file has none."""
    for file in sources(paths, []):
        with suppress(ReconcilerError, OSError, ValueError):
            most -= Path(file).stat().st_size
            if most < 0:
                return
            for part in desired_state([file], BytesIO(), rules).scopes:
                if not part.scope.is_named:
                    yield from (part.scope.address(key.name) for key in part.keys)
