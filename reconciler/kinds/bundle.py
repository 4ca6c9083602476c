"""Self-contained schemas for editors and other tools, without references to other files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.kinds.kind import RESERVED
from reconciler.kinds.packaged import SUFFIX, schema_texts
from reconciler.kinds.references import with_references

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.kinds.kind import Kind


def bundled_schema(name: str) -> str:
    """Return the text of one self-contained schema. Raises KeyError for an unknown name."""
    texts = schema_texts()
    used: set[str] = set()

    def localized(reference: str) -> str:
        other, is_other, inside = reference.partition(SUFFIX)
        if not is_other:
            return reference
        used.add(other)
        return f"{_reference(other)}{inside.removeprefix('#')}"

    schema = with_references(json.loads(texts[name]), localized)
    if not used:
        return texts[name]
    others = {f"{other}{SUFFIX}": json.loads(text) for other, text in texts.items() if other in used}
    return _text({**schema, "definitions": schema.get("definitions", {}) | others})


def editor_schema(kinds: Iterable[Kind]) -> str:
    """Return the schema of documents of these kinds and the packaged kinds with a configured API, as text."""
    schema = json.loads(bundled_schema("keys"))
    header = schema["properties"]
    packaged = frozenset(header)
    for kind in kinds:
        if kind.api_fault:
            _leave_out(schema, kind.name)
        if kind.api_fault or not kind.is_custom:
            continue
        header["kind"]["enum"].append(kind.name)
        header["kind"]["enumDescriptions"].append(kind.schema.get("description", ""))
        parameters = {name: described for name, described in kind.scope.items() if name not in packaged}
        for name, described in parameters.items():
            # Kinds may mean different things by one name: each says for itself what it takes.
            header[name] = described if header.get(name, described) == described else {}
        is_meant = {"required": ["kind"], "properties": {"kind": {"const": kind.name}}}
        keys = {"keys": {"items": {"$ref": _reference(kind.name)}}}
        then = {"required": sorted(parameters), "properties": {**parameters, **keys}}
        schema["allOf"].append({"if": is_meant, "then": then})
        rules = {name: {"$ref": f"#/definitions/{name}"} for name in sorted(RESERVED, reverse=True)}
        schema["definitions"][f"{kind.name}{SUFFIX}"] = {
            **kind.schema,
            "properties": {**kind.schema["properties"], **rules},
        }
    return _text(schema)


def _reference(kind: str) -> str:
    """Return the reference to a kind: it is called like its file, so as no other definition can be."""
    return f"#/definitions/{kind}{SUFFIX}"


def _leave_out(schema: Any, name: str) -> None:
    """Remove a kind from the enumeration of kinds; if the kind was the default, make ``kind`` required."""
    kind = schema["properties"]["kind"]
    if name in kind["enum"]:
        place = kind["enum"].index(name)
        del kind["enum"][place], kind["enumDescriptions"][place]
        kind["examples"] = kind["enum"]
    if name == kind.get("default"):
        del kind["default"]
        schema["required"].append("kind")


def _text(schema: Any) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
