"""Drafts of every collection of a description, their names, and an index of them for people. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconciler.errors import DescriptionError
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.addresses import collections_of
from reconciler.kinds.openapi.draft import Draft, draft
from reconciler.kinds.openapi.words import plain_segments, singular, words_of
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Entry:
    """One collection with the name of its kind: its draft, or why there is none."""

    collection: str
    name: str
    made: Draft | None
    refusal: str = ""


def every_draft(description: Any, taken: Container[str]) -> tuple[Entry, ...]:
    """Draft every collection whose items can be changed; no kind gets one of the names in ``taken``.

    Raises DescriptionError where the description does not follow OpenAPI, or has no such collection.
    """
    found = dict(collections_of(description))
    if not found:
        raise DescriptionError(
            "the description has no collection with GET whose items can be updated, or created and deleted"
        )
    entries = []
    for collection, name in _names(found, taken):
        try:
            made = draft(description, collection, name.replace("-", " ").capitalize(), found[collection])
            entries.append(Entry(collection, name, made))
        except DescriptionError as error:
            entries.append(Entry(collection, name, None, str(error)))
    return tuple(entries)


def _names(collections: Iterable[str], taken: Container[str]) -> Iterator[tuple[str, str]]:
    """Yield each collection with a name: as many of its last words as are needed to make it unique."""
    known: set[str] = set()
    for collection in collections:
        parts = plain_segments(collection)
        spelled = [_spelled(parts[-count:]) for count in range(1, len(parts) + 1)] or ["key"]
        numbered = (f"{spelled[-1]}-{number}" for number in range(2, len(known) + 3))
        name = next(name for name in (*spelled, *numbered) if name not in known and name not in taken)
        known.add(name)
        yield collection, name


def _spelled(parts: Sequence[str]) -> str:
    words = [word for part in parts for word in words_of(part)]
    plain = "-".join([*words[:-1], *(singular(word) for word in words[-1:])])
    plain = re.sub(r"[^a-z0-9-]", "", plain) or "key"
    return plain if plain[0].isalpha() else f"key-{plain}"


def index_of(source: str, entries: Sequence[Entry], faults: Mapping[str, Sequence[str]]) -> str:
    """Return the index of the drafts of ``source``, in Markdown.

    ``faults`` has the errors of the drafts that do not load.
    """
    made = [(entry, entry.made) for entry in entries if entry.made is not None]
    refused = [entry for entry in entries if entry.made is None]
    every = [one.decisions for _, one in made]
    common = [text for text in every[0] if all(text in one for one in every)] if every else []
    lines = [f"# Kinds drafted from {_text(source)}", "", counted(len(made), "draft"), ""]
    if made:
        head = "| kind | collection | identity | can be set | created | questions |"
        lines += [head, "|---|---|---|---|---|--:|"]
        lines += [_row(entry, one, len(one.decisions) - len(common)) for entry, one in made]
        lines += [""]
    questions = [f"- for every kind: {_text(text)}" for text in common] + [""] * bool(common)
    for entry, one in made:
        own = [f"- **invalid draft**: {_text(fault)}" for fault in faults.get(entry.name, ())]
        own += [f"- {_text(text)}" for text in one.decisions if text not in common]
        questions += [f"### {entry.name}", "", *own, ""] if own else []
    if questions:
        lines += ["## To decide", "", *questions]
    if refused:
        lines += ["## Refused", "", "| collection | why |", "|---|---|"]
        lines += [f"| `{_cell(entry.collection)}` | {_cell(_text(entry.refusal))} |" for entry in refused]
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(entry: Entry, made: Draft, questions: int) -> str:
    extension, properties = made.schema[EXTENSION], made.schema["properties"]
    identity = extension["identity"]
    by_id = f", its path by `{extension['path']}`" if "path" in extension else ""
    fields = [name for name in properties if name != identity and not properties[name].get("readOnly")]
    created = "yes" if "create" in extension else "no"
    cells = [f"[{entry.name}]({entry.name}.schema.json)", f"`{entry.collection}`", f"`{identity}`{by_id}"]
    cells += [", ".join(fields), created, str(questions)]
    return f"| {' | '.join(map(_cell, cells))} |"


def _text(text: str) -> str:
    """Return a text with the markup of Markdown escaped."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", " ".join(text.split()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
