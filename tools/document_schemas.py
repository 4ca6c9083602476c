"""The page that lists every member of every schema, made from the schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.packaged import packaged_schema, schema_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HEAD: Final = """# Members of files and documents

For those who write files by hand, or programs that read what commands print. Made from `schemas/`:
`reconciler schema NAME` prints each as JSON Schema, and [editors](editor.md) show the same texts.
"""
_FILES: Final = ("keys", "caas", "faas", "inference", "config", "kind")
"""What people write, in the order in which they meet it; all others are what commands print."""


def schemas_page() -> str:
    """Return the page."""
    printed = [name for name in sorted(schema_texts()) if name not in _FILES]
    return "\n".join([_HEAD, *(_section(name) for name in (*_FILES, *printed))])


def _section(name: str) -> str:
    schema = packaged_schema(name)
    schema = _with_texts(schema, schema.get("definitions", {}))
    parts = [f"## {name}", f"{schema['title']}. {_text(schema.get('description', ''))}".strip()]
    parts += _table(schema)
    for part, definition in schema.get("definitions", {}).items():
        if "properties" in definition:
            parts += [f"### {name}: {part}", *filter(None, [_text(definition.get("description", ""))])]
            parts += _table(definition)
    return "\n\n".join(parts) + "\n"


def _with_texts(value: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a schema without references to definitions of texts, which have no table of their own."""
    if isinstance(value, list):
        return [_with_texts(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    definition = definitions.get(str(value.get("$ref")).rpartition("/")[2], {})
    if definition.get("type") == "string":
        value = {name: word for name, word in value.items() if name != "$ref"} | {"type": "string"}
    return {name: _with_texts(word, definitions) for name, word in value.items()}


def _table(schema: Mapping[str, Any]) -> list[str]:
    rows = [f"| `{name}` | {kind} | {text} |" for name, kind, text in _members(schema, "")]
    return ["\n".join(["| member | is | |", "|---|---|---|", *rows])] if rows else []


def _members(schema: Mapping[str, Any], above: str) -> Iterator[tuple[str, str, str]]:
    """Yield the members of an object, and below each those of the objects in it."""
    required = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        kind = _kind(member) + (", required" if name in required else "")
        yield above + name, kind, _text(member.get("description") or member.get("title", ""))
        yield from _members(member, f"{above}{name}.")
        if isinstance(member.get("items"), dict):
            yield from _members(member["items"], f"{above}{name}[].")


def _kind(member: Mapping[str, Any]) -> str:
    """Return what a value may be, in words of JSON Schema."""
    if "const" in member:
        return f"`{member['const']}`"
    if "enum" in member:
        return " or ".join(f"`{'null' if value is None else value}`" for value in member["enum"])
    if "$ref" in member:
        return str(member["$ref"]).rpartition("/")[2]
    for word in ("oneOf", "anyOf"):
        if word in member:
            return " or ".join(dict.fromkeys(_kind(each) for each in member[word]))
    types = member.get("type", "any value")
    words = types if isinstance(types, str) else " or ".join(types)
    return f"{words} ({member['format']})" if "format" in member else words


def _text(text: str) -> str:
    """Return a description for one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
