"""The declarations of single files, and how those of one scope are merged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.errors import InputError
from reconciler.load.source_lines import with_lines
from reconciler.model.desired import NO_LIFECYCLE, DesiredScope, DesiredState, joined, packed
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import MANY_MORE
from reconciler.model.source import Position, Problem, Rule, of_rule
from reconciler.validate.rotations import rotated_keys, rotation_problems
from reconciler.validate.same_objects import same_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey, NamedParameter, PackedKeys
    from reconciler.model.scope import Scope

MOST_PROBLEMS: Final = 10_000
"""Problems after which no further document, and no further file, is looked at."""


@dataclass(frozen=True, slots=True)
class ScopePart:
    """The keys that one file declares in a scope.

    ``repeated`` are the problems of names that it declares twice, ``doubtful`` the warnings of names that
    look alike. ``has_rotations`` is true if some of the keys replace another, or have an alias.
    """

    scope: Scope
    keys: PackedKeys
    exclusive: Position | None
    repeated: tuple[Problem, ...]
    doubtful: tuple[Problem, ...]
    has_rotations: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """The declarations of one file, small enough to be sent to another process, and its problems."""

    source: str
    scopes: tuple[ScopePart, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    names: tuple[NamedParameter, ...]

    def shown_in(self, content: bytes) -> Part:
        """Return the same part with the source lines of its problems, taken from ``content``."""
        problems = with_lines(self.problems, content, self.source)
        scopes = (
            replace(one, repeated=with_lines(one.repeated, content, self.source)) if one.repeated else one
            for one in self.scopes
        )
        return replace(self, problems=problems, scopes=tuple(scopes))


def scope_part(scope: Scope, keys: Sequence[DesiredKey], exclusive: Position | None) -> ScopePart:
    """Return the part of a scope that one file declares."""
    found = DesiredScope(scope, keys)
    return ScopePart(
        scope,
        packed(keys),
        exclusive,
        tuple(found.repeated_names()),
        tuple(found.doubtful_names()),
        any(key.lifecycle is not NO_LIFECYCLE and key.lifecycle.is_rotating for key in keys),
    )


def merged(
    parts: Iterable[Part], kinds: Mapping[str, Kind], problems: Iterable[Problem] = ()
) -> DesiredState:
    """Return the declarations of all files together, scopes in order; ``problems`` are those of inputs.

    The result depends on the order of the files only, not on how they were checked. Raises InputError with
    every problem of every file.
    """
    found, warnings = list[Problem](), list[Problem]()
    names: dict[tuple[str, str], NamedParameter] = {}
    by_scope: dict[Scope, list[ScopePart]] = {}
    for part in parts:
        if len(found) >= MOST_PROBLEMS:
            if found[-1].message != MANY_MORE:
                found.append(Problem(MANY_MORE, Position(part.source), rule=Rule.MORE))
            break
        found.extend(part.problems)
        warnings.extend(part.warnings)
        for name in part.names:
            names.setdefault((name.parameter, name.name), name)
        for one in part.scopes:
            by_scope.setdefault(one.scope, []).append(one)
    found.extend(of_rule(problems, Rule.UNREADABLE))  # after the parts: reading the files may add to them
    scopes: list[DesiredScope] = []
    rotated = set[str]()
    for scope in sorted(by_scope, key=lambda scope: scope.sort_key):
        whole = _together(by_scope[scope])
        found.extend(whole.repeated)
        warnings.extend(whole.doubtful)
        scopes.append(DesiredScope(scope, whole.keys, whole.exclusive))
        if whole.has_rotations:
            found.extend(rotation_problems(scopes[-1]))
            rotated |= rotated_keys(scopes[-1])
    found.extend(same_objects(kinds, scopes))
    if found:
        raise InputError(found)
    # An overlap ends by an expiry: that is what the files are to say, and no reason to act.
    near = [one for one in warnings if one.rule is not Rule.EXPIRY or one.address not in rotated]
    return DesiredState(tuple(scopes), tuple(near), tuple(names.values()))


def _together(parts: Sequence[ScopePart]) -> ScopePart:
    """Return the parts of one scope as one; findings about names are retained only if there is one part."""
    if len(parts) == 1:
        return parts[0]
    exclusive = next((part.exclusive for part in parts if part.exclusive is not None), None)
    return scope_part(parts[0].scope, tuple(joined(part.keys for part in parts)), exclusive)
