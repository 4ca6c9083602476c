"""Names that do not identify one live key, where the service assigns ids. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import field
from typing import TYPE_CHECKING

from reconciler.kinds.ids import short_json, unclear_text
from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass
from reconciler.model.source import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey, DesiredScope
    from reconciler.model.live import LiveScope


@dataclass(frozen=True, slots=True)
class Unclear:
    """The effects of ambiguous names; ``others`` are the declared keys with unambiguous names.

    ``unmanaged`` holds the name of each live object that is not declared, ``ids`` those of an address that
    several objects have.
    """

    others: Sequence[DesiredKey]
    unmanaged: Sequence[str] = ()
    problems: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def unclear_names(
    kind: Kind, desired: DesiredScope, observed: LiveScope, selected: Callable[[str], bool]
) -> Unclear:
    """Return the problems of ambiguous names: their objects are not changed, and all others are planned.

    In an exclusive scope, several objects of one name are a problem: their deletions would share an address,
    so that a review, a journal and a history could not distinguish them.
    """
    respelt = _respelt(kind, desired, observed) if kind.has_ids else {}
    if not observed.unclear and not respelt:
        return Unclear(desired.keys)
    declared = {key.name: key for key in desired.keys if key.name in observed.unclear}
    unmanaged: list[str] = []
    ids: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for name, rows in sorted(observed.unclear.items()):
        address = desired.scope.address(name)
        if not selected(address):
            continue
        owned = [row for row in rows if kind.owner(row) is not None]
        is_ours = name in declared or (desired.exclusive is not None and len(owned) < len(rows))
        others = [] if name in declared else owned if is_ours else rows
        unmanaged += [name] * len(others)
        if len(rows) > 1 and others:
            shown = (kind.id_of(row) or short_json(row.get(kind.path_field)) for row in others)
            ids[address] = tuple(sorted(shown))
        position = declared[name].position if name in declared else desired.exclusive if is_ours else None
        problem = Problem(unclear_text(kind, rows), position, address, is_live=True)
        if is_ours:
            problems.append(problem)
        elif len(rows) == 1:
            warnings.append(problem)
    problems += [problem for problem in respelt.values() if selected(problem.address)]
    clear = [key for key in desired.keys if key.name not in declared and key.name not in respelt]
    return Unclear(clear, unmanaged, problems, warnings, ids)


def _respelt(kind: Kind, desired: DesiredScope, observed: LiveScope) -> Mapping[str, Problem]:
    """Return the problem of each new key whose name differs from an undeclared live one only in spelling.

    If the service normalizes names, each apply would otherwise create another key.
    """
    known = observed.keys.keys() | observed.unclear.keys()
    new = [key for key in desired.keys if key.name not in known and not key.is_absent]
    if not new or kind.create_requires is None:
        return {}
    live = {_spelling(name): name for name in sorted(known - {key.name for key in desired.keys})}
    problems: dict[str, Problem] = {}
    for key in new:
        if (name := live.get(_spelling(key.name))) is not None:
            what = f"is not live, but {json_text(name)} is, which differs in capitals or blanks only"
            advice = "if the service normalises names, each apply would create another key; declare that name"
            address = desired.scope.address(key.name)
            problems[key.name] = Problem(f"{what}: {advice}", key.position, address, is_live=True)
    return problems


def _spelling(name: str) -> str:
    """Return a name in lower case and NFKC, with single blanks: equal for all its spellings."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
