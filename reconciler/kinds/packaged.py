"""Where the packaged data files are: schemas and examples."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.kind import EXTENSION, Kind, kind_from_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SUFFIX: Final = ".schema.json"


def resource(folder: str) -> Path:
    """Return the path of a data folder: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / folder
    return inside if inside.is_dir() else package.parent / folder


@functools.cache
def schema_texts() -> Mapping[str, str]:
    """Return the text of every schema file by its short name.

    The files are read once: a service that has started needs none of them again.
    """
    files = sorted(resource("schemas").glob(f"*{SUFFIX}"))
    texts = {file.name.removesuffix(SUFFIX): file.read_text(encoding="utf-8") for file in files}
    return MappingProxyType(texts)


def bundled_schema(name: str) -> str:
    """Return the text of one schema that stands alone: the schemas that it refers to are inside it.

    Raises KeyError for an unknown name.
    """
    texts = schema_texts()
    text = texts[name]
    parts = {other: f'"{other}{SUFFIX}' for other in texts if f'"{other}{SUFFIX}"' in text}
    if not parts:
        return text
    for other, reference in parts.items():
        text = text.replace(f"{reference}#", f'"#/definitions/{other}')
        text = text.replace(f'{reference}"', f'"#/definitions/{other}"')
    whole = json.loads(text)
    definitions = whole.get("definitions", {}) | {other: json.loads(texts[other]) for other in parts}
    return json.dumps({**whole, "definitions": definitions}, indent=2, ensure_ascii=False) + "\n"


def editor_schema(kinds: Iterable[Kind]) -> str:
    """Return the text of the schema of a document that may be of one of these kinds too, for editors."""
    schema = json.loads(bundled_schema("keys"))
    header = schema["properties"]
    for kind in kinds:
        header["kind"]["enum"].append(kind.name)
        header["kind"]["enumDescriptions"].append(kind.schema.get("description", ""))
        for part, described in kind.scope.items():
            header.setdefault(part, described)
        is_meant = {"required": ["kind"], "properties": {"kind": {"const": kind.name}}}
        keys = {"properties": {"keys": {"items": {"$ref": f"#/definitions/{kind.name}"}}}}
        schema["allOf"].append({"if": is_meant, "then": keys})
        schema["definitions"][kind.name] = kind.schema
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def document_schema() -> Mapping[str, Any]:
    """Return the schema of one desired-state document."""
    schema: Mapping[str, Any] = json.loads(schema_texts()["keys"])
    return schema


def plan_schema() -> Mapping[str, Any]:
    """Return the schema of a plan."""
    schema: Mapping[str, Any] = json.loads(schema_texts()["plan"])
    return schema


def kind_schema() -> Mapping[str, Any]:
    """Return the schema of a kind's file, which checks custom kinds and, in tests, the packaged ones."""
    schema: Mapping[str, Any] = json.loads(schema_texts()["kind"])
    return schema


def load_kinds() -> Mapping[str, Kind]:
    """Derive every kind from its schema file; a schema without the extension is no kind."""
    schemas = {name: json.loads(text) for name, text in schema_texts().items()}
    return {name: kind_from_schema(name, schema) for name, schema in schemas.items() if EXTENSION in schema}
