"""Drafts of kinds for all collections of an API, in a folder with an index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import ConfigurationError, DescriptionError, os_reason
from reconciler.kinds.openapi.every import every_draft, index_of
from reconciler.kinds.packaged import SUFFIX, schema_texts
from reconciler.load.write import create_new
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted, listed
from reconciler.validate.custom_kinds import complaints

if TYPE_CHECKING:
    from collections.abc import Mapping

_INDEX: Final = "index.md"
_MOST_REASONS: Final = 10


@dataclass(frozen=True, slots=True)
class Drafts:
    """New files by path, one of them the ``index``, and the number of collections."""

    files: Mapping[Path, str]
    index: Path
    collections: int

    @property
    def count(self) -> int:
        """Return the number of drafts."""
        return len(self.files) - 1

    def write(self) -> None:
        """Write the files, where none exists yet. Raises ConfigurationError."""
        folder = self.index.parent
        known = next((file for file in self.files if file.exists()), None)
        if known is not None:
            raise ConfigurationError(f"{known} exists, and nothing is overwritten; use another folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for file, text in self.files.items():
                create_new(file, text)
        except OSError as error:
            what = f"the drafts cannot be written to {folder}: {os_reason(error)}"
            raise ConfigurationError(what) from error


def drafts_of(source: str, description: Any, folder: Path) -> Drafts:
    """Draft every collection of a description. Raises DescriptionError if none can be drafted."""
    entries = every_draft(description, schema_texts())
    made = [(entry.name, entry.made.schema) for entry in entries if entry.made is not None]
    if not made:
        reasons = listed((f"{entry.collection}: {entry.refusal}" for entry in entries), _MOST_REASONS)
        raise DescriptionError(f"none of its {counted(len(entries), 'collection')} can be drafted: {reasons}")
    faults = {name: [message for _, message in complaints(name, schema)] for name, schema in made}
    files = {folder / f"{name}{SUFFIX}": draft_text(schema) for name, schema in made}
    index = folder / _INDEX
    return Drafts({**files, index: index_of(Path(source).name, entries, faults)}, index, len(entries))


def draft_text(schema: Any) -> str:
    """Return the text of the file of a kind."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
