"""Parts of an OpenAPI description with every reference replaced by what it leads to; cycles are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.references import lookup_in

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_VALUES: Final = 200_000
"""Values that one path may stand for after expansion: references to references double again and again."""


class Resolver:
    """Returns parts of one description without references, and with what ``allOf`` joins in one place."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        """Store the description, which all references lead into."""
        self._lookup = lookup_in(description)
        self._left = _MOST_VALUES

    def expanded(self, value: Any, above: tuple[str, ...] = ()) -> Any:
        """Return a value with everything in it written out. Raises DescriptionError for what cannot be."""
        self._left -= 1
        if self._left < 0:
            raise DescriptionError(
                "its references stand for too much; describe the path in a file of its own"
            )
        if isinstance(value, list):
            return [self.expanded(item, above) for item in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str):
            if reference in above:
                raise DescriptionError(
                    f"the reference {reference} leads to itself; a kind has no such fields"
                )
            target = self.expanded(self.target(value), (*above, reference))
            return target | self.expanded(_without(value, "$ref"), above)
        is_example = {"example", "examples"}.__contains__
        members = {
            name: part if is_example(name) else self.expanded(part, above) for name, part in value.items()
        }
        return _joined(_without_null(members))

    def target(self, value: Any) -> dict[str, Any]:
        """Return what the reference of a value leads to, itself with references; nothing if it has none."""
        reference = value.get("$ref") if isinstance(value, dict) else None
        if not isinstance(reference, str):
            return {}
        found = self._lookup(reference)
        if not isinstance(found, dict):
            raise DescriptionError(f"the reference {reference} cannot be resolved")
        return found


def _without(schema: dict[str, Any], member: str) -> dict[str, Any]:
    return {name: part for name, part in schema.items() if name != member}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Write a choice between something and null as something that may be null."""
    for word in ("anyOf", "oneOf"):
        variants = schema.get(word)
        if not isinstance(variants, list) or not all(isinstance(one, dict) for one in variants):
            continue
        others = [one for one in variants if one.get("type") != "null"]
        if len(others) == 1:
            nullable = {"nullable": True} if len(variants) > 1 else {}
            return {**others[0], **_without(schema, word), **nullable}
    return schema


def _joined(schema: dict[str, Any]) -> dict[str, Any]:
    parts = schema.get("allOf")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return schema
    joined: dict[str, Any] = {}
    for part in (*parts, _without(schema, "allOf")):
        properties = {**joined.get("properties", {}), **part.get("properties", {})}
        required = list(dict.fromkeys([*joined.get("required", []), *part.get("required", [])]))
        joined |= part
        joined |= {"properties": properties} if properties else {}
        joined |= {"required": required} if required else {}
    return joined
