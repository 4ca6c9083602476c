"""Objects that two kinds declare: each would be created twice, or changed back and forth."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from reconciler.kinds.paths import segment, without_slash
from reconciler.model.scope import ALIASES
from reconciler.model.source import Problem, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredScope
    from reconciler.model.scope import Scope

    Place = tuple[str, str]
    """The URL of a collection, and the member that names an object there."""

_PARAMETERS: Final = {alias: parameter for parameter, alias in ALIASES.items()}


def same_objects(kinds: Mapping[str, Kind], scopes: Iterable[DesiredScope]) -> Iterator[Problem]:
    """Yield a problem for each key that another kind declares too, at the same path of one server."""
    by_place: defaultdict[Place, list[DesiredScope]] = defaultdict(list)
    for one in scopes:
        by_place[_place(kinds[one.scope.kind], one.scope)].append(one)
    for (url, _), several in by_place.items():
        if len(several) > 1:
            yield from _repeated(url, several)


def _repeated(url: str, scopes: Iterable[DesiredScope]) -> Iterator[Problem]:
    first: dict[str, tuple[str, Problem]] = {}
    for one in scopes:
        for key in one.keys:
            found = Problem("", key.position, one.scope.address(key.name))
            kind, known = first.setdefault(key.name, (one.scope.kind, found))
            if known is not found:
                what = f"is the same object as {known.address} at {known.position}"
                why = f"{one.scope.kind} and {kind} both are {url}"
                yield Problem(
                    f"{what}: {why}; keep one of the two",
                    found.position,
                    found.address,
                    rule=Rule.DECLARED_TWICE,
                )


def _place(kind: Kind, scope: Scope) -> Place:
    # A name that is not looked up yet is another thing than a number.
    parameters = {
        _PARAMETERS.get(name, name): f"{{{value}}}" if name in _PARAMETERS else segment(str(value))
        for name, value in scope.parameters
    }
    path = without_slash(kind.collection.format(**parameters))
    query = f"?{urlencode(sorted(kind.query.items()))}" if kind.query else ""
    identity = kind.read_from.get(kind.identity, kind.renamed.get(kind.identity, kind.identity))
    return f"{kind.server or kind.api}{path}{query}", identity
