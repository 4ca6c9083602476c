"""Edits in place of files in every layout: only what was meant changes, every comment stays where it was."""

from __future__ import annotations

import datetime as dt
import re
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from fuzz.edit_files import make
from fuzz.edit_judge import addition_complaints, edit_complaints
from fuzz.layouts import chance, new_boxes
from fuzz.report import Broken, Report, seeded
from reconciler.adopt.accept import accept, drifted
from reconciler.adopt.export import Live, export_into
from reconciler.errors import InputError
from reconciler.kinds.packaged import document_schema, load_kinds
from reconciler.load.files import Input
from reconciler.model.live import LiveScope
from reconciler.model.scope import ScopeDefaults
from reconciler.validate.state import validated
from reconciler.validate.validator import Rules

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from fuzz.layouts import Layout

_NOW: Final = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
_KINDS: Final = load_kinds()
_CAAS: Final = _KINDS["caas"]
_RULES: Final = Rules(document_schema=document_schema(), kinds=_KINDS, defaults=ScopeDefaults(), now=_NOW)
_SHARED: Final = ("is the alias", "is used by others", "comes from a merge", "other values would change")
_DESCRIPTIONS: Final = (
    "",
    "new",
    "no",
    "it's",
    "a: b",
    "two\nlines\n",
    "one\n\nmore",
    " led",
    "x # y",
    "- z",
    "tab\there",
    "é 😀",
    '"q"',
    "null",
)


@dataclass(slots=True)
class Editor:
    """Makes files, has them edited, and judges the result."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[Broken] = field(default_factory=list)

    def case(self, number: int) -> None:
        """Edit one file."""
        rng = seeded("edits", self.seed, number)
        layout = make(rng)
        self.counts["comments"] += len(layout.remarks)
        try:
            said = self._added(layout, rng) if number % 4 == 0 else self._accepted(layout, rng)
        except Exception:  # noqa: BLE001 - whatever is raised breaks the promise
            said = [traceback.format_exc()]
        for complaint in said:
            self.broken.append(
                Broken("an edit changes what is meant", f"case {number}", complaint, layout.text.encode())
            )

    def _accepted(self, layout: Layout, rng: random.Random) -> Sequence[str]:
        name = rng.choice([name for name, fields in layout.keys.items() if fields] or [""])
        if not name:
            self.counts["nothing to edit"] += 1
            return []
        scope, key = _declared(layout.text)[name]
        fields = dict(key.fields)  # empty lines behind a block may belong to it
        asked = rng.sample(list(layout.keys[name]), rng.choice((1, 1, len(layout.keys[name]))))
        wanted = {one: _new(rng, one, fields[one]) for one in asked}
        live = {"name": name, "source": "cloud", **_shown({**fields, **wanted})}
        found = drifted(_CAAS, scope, key, live, _NOW)
        if not found.fields:
            self.counts["nothing to edit"] += 1
            return []
        try:
            after = accept(layout.text.encode(), found, _NOW, _RULES)
        except InputError as error:
            return self._refused(layout, name, wanted, str(error))
        self.counts["edited"] += 1
        return list(edit_complaints(layout, after, name, {one: wanted[one] for one in found.fields}))

    def _refused(self, layout: Layout, name: str, wanted: Mapping[str, Any], reason: str) -> Sequence[str]:
        self.counts["refused"] += 1
        old = layout.keys[name].get("containers", [])
        kept = {item["name"] for item in wanted.get("containers", old)}
        gone = {item["name"] for item in old} - kept
        is_new = not any(item["name"] in kept for item in old)
        concerned = {
            number
            for number, (how, owner) in layout.remarks.items()
            if owner in gone or (is_new and owner == "containers" and how in {"end", "opening"})
        }
        if name in layout.shared and any(word in reason for word in _SHARED):
            return []
        named = re.search(r"the comment #r(\d+);", reason)
        if named and int(named[1]) in concerned:
            return []
        return [f"refused without need: {reason}"]

    def _added(self, layout: Layout, rng: random.Random) -> Sequence[str]:
        region = rng.choice([*layout.regions(), 7])
        names = layout.regions().get(region, [])
        declared = _declared(layout.text)
        shown = [{"name": name, "source": "cloud", **_shown(declared[name][1].fields)} for name in names]
        fresh = [
            {"name": f"new{number}", "source": "cloud", **_shown({})} for number in range(rng.choice((1, 2)))
        ]
        scope = _CAAS.scope_of([1, region])
        observed = LiveScope(scope, {key["name"]: key for key in [*shown, *fresh]})
        try:
            made = export_into(
                layout.text.encode(), "keys.yaml", Live(_CAAS, observed, _NOW, _RULES), "s.json"
            )
        except InputError as error:
            self.counts["refused"] += 1
            return [] if layout.is_json else [f"refused without need: {error}"]
        self.counts["added to"] += 1
        return list(addition_complaints(layout, made.text, layout.ends.get(region, len(layout.text))))


def _new(rng: random.Random, one: str, old: Any) -> Any:
    if one == "containers":
        return new_boxes(rng, old)
    if one == "description":
        return rng.choice(_DESCRIPTIONS)
    if one == "expire":
        return "2037-01-01T00:00:00Z" if old is None or chance(rng, 50) else None
    return not old


def _shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": "", "expire": None, "is_disabled": False, "containers": []} | dict(fields)


def _declared(text: str) -> dict[str, tuple[Any, Any]]:
    """Return the keys of a file by name, each with its scope."""
    state = validated([Input(text.encode(), "keys.yaml")], _RULES)
    return {key.name: (part.scope, key) for part in state.scopes for key in part.keys}


def run(seed: int, count: int) -> Report:
    """Edit ``count`` files."""
    editor = Editor(seed)
    for number in range(count):
        editor.case(number)
    reported = editor.counts
    figures = [
        f"{count:,} files: {reported['edited']:,} edited, {reported['added to']:,} added to",
        f"{reported['refused']:,} edits refused, {reported['nothing to edit']:,} files with nothing to edit",
        f"{reported['comments']:,} comments, each where it was put",
    ]
    return Report("edits", seed, figures, editor.broken)
