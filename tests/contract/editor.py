"""What an editor shows of the shipped files and schemas: the fields and their texts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.kinds.kind import RESERVED
from reconciler.kinds.packaged import schema_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
MODELINE = "# yaml-language-server: $schema="
SHIPPED = [
    file
    for folder in ("examples", "deploy")
    for file in sorted(ROOT.glob(f"{folder}/**/*.y*ml"))
    if re.search(r"^keys:", file.read_text(encoding="utf-8"), re.MULTILINE)
]
SCOPE = "project_id: 1\nregion_id: 76\n"
CONTAINER = "{name: web, namespace: shop}"
HEADER = f"{SCOPE}keys:\n  - name: storefront\n"
FIELDS = {"description", "expire", "is_disabled", "containers"}
MEMBERS = FIELDS | RESERVED
"""What a key of the default kind can hold besides its name."""


def properties(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return every property of a schema and of nested ones, by its path."""
    for name, keywords in schema.get("properties", {}).items():
        yield f"{path}{name}", keywords
        yield from properties(keywords.get("items", {}), f"{path}{name}.")


EVERY = {
    (name, path): (keywords, keywords.get("description", ""))
    for name in ("keys", "caas", "faas", "inference")
    for path, keywords in properties(json.loads(schema_texts()[name]))
    if not keywords.get("readOnly")
}
DECLARABLE = {path: texts for (name, path), texts in EVERY.items() if name in {"keys", "caas"}}
REQUIRED = (
    "keys",
    "name",
    "containers.name",
    "containers.namespace",
    "functions.name",
    "functions.namespace",
)
HELD_IN_WORDS = ("keys", "lifecycle", "defaults", "containers", "functions")
