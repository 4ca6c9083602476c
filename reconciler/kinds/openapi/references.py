"""The references inside an OpenAPI description: each replaced by what it leads to, cycles refused. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from reconciler.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_VALUES: Final = 200_000
"""Values that one path may stand for after expansion: references to references double again and again."""
_VARIANTS: Final = ("anyOf", "oneOf")


class Resolver:
    """Gives parts of one description without references, and with what ``allOf`` joins in one place."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        """Store the whole description, which all references lead into."""
        self._description = description
        self._left = _MOST_VALUES

    def whole(self, value: Any, above: tuple[str, ...] = ()) -> Any:
        """Return a value with everything in it written out. Raises DescriptionError for what cannot be."""
        self._left -= 1
        if self._left < 0:
            raise DescriptionError(
                "its references stand for too much; describe the path in a file of its own"
            )
        if isinstance(value, list):
            return [self.whole(item, above) for item in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str):
            if reference in above:
                raise DescriptionError(
                    f"the reference {reference} leads to itself; a kind has no such fields"
                )
            rest = {name: part for name, part in value.items() if name != "$ref"}
            return {**self.whole(self._target(reference), (*above, reference)), **self.whole(rest, above)}
        written = {
            name: part if name in {"example", "examples"} else self.whole(part, above)
            for name, part in value.items()
        }
        return _joined(_without_null(written))

    def target(self, value: Any) -> dict[str, Any]:
        """Return what the reference of a value leads to, itself with references; nothing if it has none."""
        reference = value.get("$ref") if isinstance(value, dict) else None
        return self._target(reference) if isinstance(reference, str) else {}

    def _target(self, reference: str) -> dict[str, Any]:
        if not reference.startswith("#/"):
            raise DescriptionError(
                f"the reference {reference} leads out of the file; write what it leads to into it"
            )
        found: Any = self._description
        for step in reference[2:].split("/"):
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise DescriptionError(f"the reference {reference} leads to nothing")
        return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Write a choice between something and null as something that may be null."""
    for word in _VARIANTS:
        variants = schema.get(word)
        if not isinstance(variants, list) or not all(isinstance(one, dict) for one in variants):
            continue
        others = [one for one in variants if one.get("type") != "null"]
        if len(others) == 1:
            rest = {name: part for name, part in schema.items() if name != word}
            is_nullable = len(variants) > 1
            return {**others[0], **rest, **({"nullable": True} if is_nullable else {})}
    return schema


def _joined(schema: dict[str, Any]) -> dict[str, Any]:
    parts = schema.get("allOf")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return schema
    rest = {name: part for name, part in schema.items() if name != "allOf"}
    joined: dict[str, Any] = {}
    for part in (*parts, rest):
        properties = {**joined.get("properties", {}), **part.get("properties", {})}
        required = list(dict.fromkeys([*joined.get("required", []), *part.get("required", [])]))
        joined |= part
        joined |= {"properties": properties} if properties else {}
        joined |= {"required": required} if required else {}
    return joined
