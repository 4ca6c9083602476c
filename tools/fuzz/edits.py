"""Edits in place of files in every layout: only what was meant changes, every comment stays where it was put.

The judge looks at the text alone: words that stand for one key, field or item each, and what is before and
behind a comment. Values are compared by another loader.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

from fuzz.layouts import chance, make, new_boxes
from fuzz.report import Broken, Report, seeded
from reconciler.commands.accept import accept, drifted
from reconciler.commands.export import Live, export_into
from reconciler.desired import ScopeDefaults, Validator
from reconciler.errors import InputError
from reconciler.load.builder import parse
from reconciler.model import ObservedScope
from reconciler.resources import document_schema, load_kinds

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping, Sequence

    from fuzz.layouts import Layout

_NOW: Final = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
_KINDS: Final = load_kinds()
_CAAS: Final = _KINDS["caas"]
_SHARED: Final = ("is the alias", "is used by others", "comes from a merge", "other values would change")
_LOADER: Final = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
"""Reads every value as a text."""
_FIELDS: Final = "description|expire|is_disabled|containers|keys|project_id|region_id"
_TOKEN: Final = re.compile(
    rf"#r(?P<remark>\d+);[^\r\n]*|\b(?P<word>(?:key|box|ns)\d+|{_FIELDS})\b|(?<![^\r\n])(?P<start>---)|(?P<bracket>[\[\]])"
)
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


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, by how many of it came before; or a comment, by its number."""

    text: str
    start: int
    is_remark: bool = False


def _tokens(text: str) -> list[_Token]:
    seen: Counter[str] = Counter()
    found = []
    for match in _TOKEN.finditer(text):
        if match["remark"]:
            found.append(_Token(match["remark"], match.start(), is_remark=True))
            continue
        word = match["word"] or match["start"] or match["bracket"]
        unique = word if word[-1].isdigit() or word in "[]" else f"{word} {seen[word]}"
        seen[word] += 1
        found.append(_Token(unique, match.start()))
    return found


@dataclass(frozen=True, slots=True)
class _Seat:
    """Where a comment stands: what is before and behind it, and which field it is in."""

    before: str
    behind: str
    field: str
    depth: int
    is_alone: bool
    line: str


def _seats(text: str) -> dict[int, _Seat]:
    tokens = _tokens(text)
    found = {}
    last = inside = ""
    depth = 0
    for place, token in enumerate(tokens):
        if not token.is_remark:
            last = token.text
            if " " in last:
                inside, depth = last, 0
            depth += (last == "[") - (last == "]")
            continue
        following = next((other.text for other in tokens[place + 1 :] if not other.is_remark), "")
        start = max(text.rfind(mark, 0, token.start) for mark in "\r\n") + 1
        line = text[start : token.start].strip("\ufeff \t")
        found[int(token.text)] = _Seat(last, following, inside, depth, not line, line)
    return found


def complaints(before: str, after: str, remarks: Mapping[int, tuple[str, str]]) -> Iterator[str]:
    """Return what became of comments that should have stayed where they were put."""
    order = [int(number) for number in re.findall(r"#r(\d+);", after)]
    if order != sorted(remarks):
        lost = sorted(set(remarks).symmetric_difference(order)) or "the order"
        yield f"comments lost or doubled: {lost}"
        return
    for number in remarks:
        note = re.compile(rf"#r{number};[^\r\n]*")
        one, other = note.search(before), note.search(after)
        if one is None or other is None or one[0].rstrip() != other[0].rstrip():
            yield f"#r{number} reads otherwise"
    old, new = _seats(before), _seats(after)
    for number, (how, owner) in remarks.items():
        if not _stays(how, old[number], new[number]):
            yield f"#r{number}, put {how} {owner}, stood {old[number]} and stands {new[number]}"


def _stays(how: str, old: _Seat, new: _Seat) -> bool:
    same = {
        "above": new.behind == old.behind,
        "dash": new.behind == old.behind and new.line == old.line,
        "inside": (new.before, new.behind) == (old.before, old.behind),
        "below": new.before == old.before,
        "behind item": new.before == old.before,
        "behind key": new.before == old.before,
        "opening": (new.before, new.field) == ("[", old.field),
        "end": new.behind == old.behind or (not old.behind and new.behind.startswith("---")),
        "behind field": new.field == old.field and new.depth == old.depth,
    }
    return old.is_alone == new.is_alone and same[how]


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
            after = accept(layout.text.encode(), found, _NOW, _validator)
        except InputError as error:
            return self._refused(layout, name, wanted, str(error))
        self.counts["edited"] += 1
        return list(_judged(layout, after, name, {one: wanted[one] for one in found.fields}))

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
        observed = ObservedScope(scope, {key["name"]: key for key in [*shown, *fresh]})
        try:
            made = export_into(layout.text.encode(), "keys.yaml", Live(_CAAS, observed, _NOW, _validator))
        except InputError as error:
            self.counts["refused"] += 1
            return [] if layout.is_json else [f"refused without need: {error}"]
        self.counts["added to"] += 1
        return list(_judged_addition(layout, made.text, layout.ends.get(region, len(layout.text))))


def _judged(layout: Layout, after: str, name: str, wanted: Mapping[str, Any]) -> Iterator[str]:
    before = layout.text
    if layout.is_json:
        try:
            json.loads(after)
        except ValueError as error:
            yield f"no JSON any more: {error}: {after!r}"
    yield from complaints(before, after, layout.remarks)
    yield from _other_values(before, after, name, wanted)
    if not layout.is_json:
        first = min(layout.places[name, one][0] for one in wanted)
        last = max(layout.places[name, one][1] for one in wanted)
        if not (after.startswith(before[:first]) and after.endswith(before[last:])):
            yield f"something else changed: {after!r}"
        marks = set(re.findall("\r\n|\r|\n", after[first : len(after) - len(before) + last]))
        around = before[:first].splitlines(keepends=True)[-1:]
        known = set(re.findall("\r\n|\r|\n", "".join([*around, before[first:last]])))
        if not marks <= known:
            yield f"a line break of another kind: {marks} where {known} stood"


def _judged_addition(layout: Layout, after: str, place: int) -> Iterator[str]:
    before = layout.text
    more = after[place : len(after) - len(before) + place]
    is_between = after[:place] == before[:place] and after[place + len(more) :] == before[place:]
    if not is_between or not (place == 0 or before[place - 1] in "\r\n" or more[:1] in {"\r", "\n"}):
        yield f"not added behind the last key, at {place}: {after!r}"  # and so no comment moved
    old, new = list(_loaded(before)), list(_loaded(after))
    for document in new:
        document["keys"] = [key for key in document["keys"] if not key["name"].startswith("new")]
    if [document for document in new if document["keys"]] != old:
        yield f"other values changed: {after!r}"


def _loaded(text: str) -> Iterator[Any]:
    whole = (
        text if text.endswith(("\n", "\r")) else f"{text}\n"
    )  # of a block at the end this loader keeps none
    return (document for document in yaml.load_all(whole, _LOADER) if document)


def _other_values(before: str, after: str, name: str, wanted: Mapping[str, Any]) -> Iterator[str]:
    old, new = list(_loaded(before)), list(_loaded(after))
    for documents in (old, new):
        for document in documents:
            for key in document["keys"]:
                if key["name"] != name:
                    continue
                held = {one: key.pop(one, None) for one in wanted}
                if documents is new and not _are(held, wanted):
                    yield f"{held} where {wanted} was asked for: {after!r}"
    if old != new:
        yield f"other values changed: {after!r}"


def _are(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Compare what a loader of texts read with what was asked for."""
    for one, value in wanted.items():
        if one == "containers":
            same = sorted(map(_said, held[one])) == sorted(map(_said, value))
        elif one == "description":
            same = held[one] == value
        else:
            same = held[one] == (value if isinstance(value, str) else json.dumps(value))
        if not same:
            return False
    return True


def _said(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


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


def _validator() -> Validator:
    return Validator(document_schema(), _KINDS, ScopeDefaults(), _NOW)


def _declared(text: str) -> dict[str, tuple[Any, Any]]:
    """Return the keys of a file by name, each with its scope."""
    check = _validator()
    for document in parse(text, "keys.yaml"):
        check.add(document)
    return {key.name: (part.scope, key) for part in check.finish().scopes for key in part.keys}


def run(seed: int, count: int) -> Report:
    """Edit ``count`` files."""
    editor = Editor(seed)
    for number in range(count):
        editor.case(number)
    told = editor.counts
    figures = [
        f"{count:,} files: {told['edited']:,} edited, {told['added to']:,} added to",
        f"{told['refused']:,} edits refused, {told['nothing to edit']:,} files with nothing to edit",
        f"{told['comments']:,} comments, each where it was put",
    ]
    return Report("edits", seed, figures, editor.broken)
