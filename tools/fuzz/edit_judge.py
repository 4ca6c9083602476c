"""What is wrong with an edited file: more changed than was meant, or a comment is lost or moved.

The judge looks at the text alone: words that identify one key, field or item each, and what is before and
behind a comment. Values are compared by another loader.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fuzz.layouts import Layout

_LOADER: Final = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
"""Reads every value as a text."""
_FIELDS: Final = "description|expire|is_disabled|containers|keys|project_id|region_id"
_TOKEN: Final = re.compile(
    rf"#r(?P<remark>\d+);[^\r\n]*|\b(?P<word>(?:key|box|ns)\d+|{_FIELDS})\b|(?<![^\r\n])(?P<start>---)|(?P<bracket>[\[\]])"
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
    """The position of a comment: what is before and after it, and which field it is in."""

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
    """Yield what became of comments that should have stayed where they were put."""
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


def edit_complaints(layout: Layout, after: str, name: str, wanted: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a file in which the fields of one key should have got the wanted values."""
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


def addition_complaints(layout: Layout, after: str, place: int) -> Iterator[str]:
    """Yield what is wrong with a file to which keys should have been added at one place."""
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
    )  # of a block at the end this loader preserves none
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
