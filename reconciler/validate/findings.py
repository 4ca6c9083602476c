"""Violations in a document, as problems with positions."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.kinds.shape import type_names
from reconciler.model.source import Problem, Rule
from reconciler.validate.messages import MORE, describe, rule_of
from reconciler.validate.schema import described_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.kinds.kind import Kind
    from reconciler.load.documents import Document
    from reconciler.model.scope import Scope
    from reconciler.validate.messages import Path, Violation


def written_name(key: Any, identity: str, written: type[str | int]) -> str:
    """Return the name of a key of any JSON type; empty if it has none of this type."""
    name = key.get(identity) if isinstance(key, dict) else None
    return str(name) if type(name) is written else ""


def spellings(
    kind: Kind, document: Document, scope: Scope | None, paths: Iterable[Path]
) -> Iterable[Problem]:
    """Yield a warning for integers that are not written in digits, where a field accepts integers only."""
    for path in paths:
        inside = path[2:] if path[0] == "keys" else path[1:]
        if {*type_names(described_at(kind.schema, inside))} - {"null"} == {"integer"}:
            value = functools.reduce(lambda found, step: found[step], path, document.data)
            message = f"{inside[0]} holds a whole number, which is read as {value}; write it in digits"
            address = _address(kind, document, scope, path)
            yield Problem(message, document.position(path), address, rule=Rule.SPELLING)


def problems_of(
    kind: Kind, document: Document, scope: Scope | None, violations: Iterable[Violation]
) -> Iterable[Problem]:
    """Yield a problem for each value with violations: the first in the order of the schema."""
    reported: set[Path] = set()
    for violation in violations:
        path = violation.path
        if path in reported and violation.keyword != MORE:
            continue
        reported.add(path)
        is_about_key = violation.keyword in {"additionalProperties", "not"} or violation.schema.get(
            "readOnly"
        )
        position = document.key_position(path) if is_about_key else document.position(path)
        if violation.keyword == "type" and type(violation.value) in {int, float}:
            violation = replace(violation, written=document.written(path))  # noqa: PLW2901 - as it is reported
        address = _address(kind, document, scope, path)
        yield Problem(describe(violation), position, address, rule=rule_of(violation))


def _address(kind: Kind, document: Document, scope: Scope | None, path: Path) -> str:
    """Return the address of the key that contains ``path``, as far as its document determines it."""
    if path[:1] != ("keys",) or len(path) < 2:  # noqa: PLR2004 - keys and an index
        return "" if scope is None else str(scope)
    entry = document.data["keys"][path[1]]
    name = kind.name_of(entry) if isinstance(entry, dict) else None
    label = f"keys[{path[1]}]" if name is None else name
    return label if scope is None else scope.address(label)
