"""The packaged data files: schemas and examples."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.kind import EXTENSION, Kind, kind_from_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

SUFFIX: Final = ".schema.json"


def resource(folder: str) -> Path:
    """Return the path of a data folder: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / folder
    return inside if inside.is_dir() else package.parent / folder


@functools.cache
def schema_texts() -> Mapping[str, str]:
    """Return the text of every schema file by its short name.

    The files are read once: a running service does not depend on them.
    """
    files = sorted(resource("schemas").glob(f"*{SUFFIX}"))
    texts = {file.name.removesuffix(SUFFIX): file.read_text(encoding="utf-8") for file in files}
    return MappingProxyType(texts)


def packaged_schema(name: str) -> dict[str, Any]:
    """Return a schema by its short name. Raises KeyError for an unknown one."""
    schema: dict[str, Any] = json.loads(schema_texts()[name])
    return schema


def document_schema() -> Mapping[str, Any]:
    """Return the schema of one desired-state document."""
    return packaged_schema("keys")


def plan_schema() -> Mapping[str, Any]:
    """Return the schema of a plan."""
    return packaged_schema("plan")


def kind_schema() -> Mapping[str, Any]:
    """Return the schema of a kind file, which checks custom kinds and, in tests, the packaged ones."""
    return packaged_schema("kind")


def configuration_schema() -> Mapping[str, Any]:
    """Return the schema of a configuration file."""
    return packaged_schema("config")


def load_kinds() -> Mapping[str, Kind]:
    """Return the packaged kinds by name."""
    return dict(_kinds())


@functools.cache
def _kinds() -> Mapping[str, Kind]:
    """Derive every kind from its schema file; a schema without the extension is not a kind."""
    schemas = {name: packaged_schema(name) for name, text in schema_texts().items() if EXTENSION in text}
    return {name: kind_from_schema(name, schema) for name, schema in schemas.items() if EXTENSION in schema}
