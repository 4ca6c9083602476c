"""Resolve JSON references; the only module that imports referencing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referencing import Registry, Resource
from referencing.exceptions import Unresolvable

from reconciler.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Callable


def lookup_in(document: Any) -> Callable[[str], Any]:
    """Return a function that finds the target of a reference in ``document``, or raises DescriptionError."""
    resolver = Registry[Any]().with_resource("", Resource.opaque(document)).resolver()

    def target(reference: str) -> Any:
        if not reference.startswith("#/"):
            raise DescriptionError(
                f"the reference {reference} refers to another file; copy its target into this file"
            )
        try:
            return resolver.lookup(reference).contents
        except (Unresolvable, TypeError, ValueError) as error:
            raise DescriptionError(f"the reference {reference} cannot be resolved") from error

    return target


def with_references(value: Any, changed: Callable[[str], str]) -> Any:
    """Return a schema in which every reference is replaced by the result of ``changed``."""
    if isinstance(value, list):
        return [with_references(item, changed) for item in value]
    if not isinstance(value, dict):
        return value
    members = {name: with_references(member, changed) for name, member in value.items()}
    reference = value.get("$ref")
    return members | {"$ref": changed(reference)} if isinstance(reference, str) else members
