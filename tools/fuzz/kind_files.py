"""The files of the kinds run, with hostile values at every place: the same number makes the same file."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, Final

from fuzz.report import seeded
from reconciler.kinds.packaged import load_kinds, resource

if TYPE_CHECKING:
    import random

_RAW: Final = "@raw@"
"""Marks in a JSON text, in quotes, what no library writes."""
_RAW_TEXTS: Final = (
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "1e400",
    "5.0",
    "1e2",
    "9" * 400,
    "-0.0",
    "1e-400",
    "01",
    "tru",
)
NAMES: Final = (
    *(
        "state",
        "lifecycle",
        "kind",
        "keys",
        "defaults",
        "exclusive",
        "project",
        "region",
        "project_id",
        "region_id",
    ),
    *(
        "name",
        "id",
        "",
        ".",
        "..",
        "a/b",
        "a.b",
        "a b",
        "{x}",
        "{0}",
        "__class__",
        "self",
        "$ref",
        "default",
        "pattern",
    ),
    *(
        "properties",
        "items",
        "enum",
        "x" * 3000,
        "\ud800",
        "\u202e",
        "\n",
        '"+exit()+"',
        "\\",
        "é",
        "data",
        "variable",
    ),
)
PATTERNS: Final = (
    *(
        "(a+)+$",
        "^(a|aa)+$",
        "(",
        "[",
        "\\",
        "(?P<a>b)",
        "(?i)a",
        r"\A",
        r"\1",
        "a{99999}",
        "(a{99}){99}",
        ".*",
    ),
    *(
        "^(?!\\.{1,2}$).+$",
        "(?=a)" * 9,
        "(" * 80,
        "[^]",
        "[]",
        r"\p{L}",
        r"\p{Greek}",
        "\x00",
        "$",
        "\\ud800",
        "(a|b)*a(a|b){900}c",
    ),
)
PATHS: Final = (
    *(
        "/",
        "//x",
        "/a/../b",
        "/a/./b",
        "/%2e%2e",
        "/a?b",
        "/a#b",
        "/a\\b",
        "/{a}{b}",
        "/{state}",
        "/{kind}",
        "/{exclusive}",
    ),
    *(
        "/{a}/{a}",
        "/x/{owner}",
        "/things",
        "http://x/y",
        "/{0}",
        "/{a.b}",
        "/a\n",
        "/é",
        "/a;b",
        "/" + "a/" * 3000 + "a",
    ),
)
VALUES: Final[tuple[Any, ...]] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        5.0,
        1.5,
        2**63,
        10**40,
        "",
        "x",
        [],
        {},
        [None],
        [[]],
        {"": None},
        {"a": {}},
        _RAW,
    ),
    *("string", "integer", "number", "boolean", "array", "object", "null", "date-time", "text"),
    *(
        ["string", "null"],
        ["integer", "boolean"],
        {"type": "string"},
        {"type": "integer"},
        {"type": "array"},
        {"$ref": "#"},
    ),
    *(
        [1, True, "1", 1.0],
        [{"a": 1}],
        {"const": 1},
        {"type": "object", "required": ["a"]},
        "\ud800",
        "x" * 5000,
    ),
)


@functools.cache
def _seeds() -> tuple[str, ...]:
    label = (resource("examples") / "kinds/label.schema.json").read_text(encoding="utf-8")
    own = {name: value for name, value in _RICH["x-reconciler"].items() if name not in _OF_UPDATES}
    alone = {**_RICH, "x-reconciler": {**own, "update": None, "list": {**own["list"], "partial": True}}}
    packaged = (json.dumps(kind.schema) for kind in load_kinds().values())
    return (*packaged, label, label, json.dumps(_RICH), json.dumps(alone))


_OF_UPDATES: Final = frozenset({"always_sent", "immutable"})
_RICH: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^(?!\\.{1,2}$).+$"},
        "rate": {"type": ["number", "null"], "minimum": 0, "enum": [1, 2.5, None]},
        "on": {"type": "boolean"},
        "until": {"type": ["string", "null"], "format": "date-time"},
        "list": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        "set": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "type": "object",
                "required": ["a"],
                "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
            },
        },
        "map": {"type": "object", "additionalProperties": False, "properties": {"a": {"type": "string"}}},
        "made": {"type": "string", "readOnly": True},
    },
    "x-reconciler": {
        "collection": "/{owner}/{project_id}/things",
        "identity": "name",
        "page_limit": 10,
        "scope": {"owner": {"type": "string", "pattern": "^[a-z]+$"}},
        "list": {"style": "page", "limit": "n", "page": "p", "results": "items", "count": "total"},
        "effects": {"on": "switch-off", "until": "expiry", "set": "binding"},
        "optional": {"rate": None},
        "foreign": {"made": ["other"]},
        "created": "made",
        "create": {"requires": ["on"]},
        "always_sent": ["list"],
        "immutable": ["map"],
    },
}


def content(seed: int, number: int) -> bytes:
    """Return the file of a kind with this number."""
    chance = seeded(seed, "kinds", number)
    schema = json.loads(chance.choice(_seeds()))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        _damage(schema, chance)
    text = json.dumps(schema, ensure_ascii=once_in(2, chance), indent=chance.choice((None, 1)))
    text = text.replace(f'"{_RAW}"', chance.choice(_RAW_TEXTS))
    if once_in(30, chance):
        text = text[: chance.randrange(len(text))]
    return text.encode("utf-8", "surrogatepass")


def once_in(times: int, chance: random.Random) -> bool:
    """Return true once in the given number of times, at random."""
    return chance.randrange(times) == 0


def _containers(value: Any) -> list[Any]:
    found, waiting = [], [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict | list):
            found.append(item)
            waiting += item.values() if isinstance(item, dict) else item
    return found


def _damage(schema: Any, chance: random.Random) -> None:
    place = chance.choice(_containers(schema))
    steps = list(place) if isinstance(place, dict) else list(range(len(place)))
    if not steps or once_in(5, chance):
        if isinstance(place, dict):
            place[chance.choice(NAMES)] = _value("", chance)
        else:
            place.append(_value("", chance))
        return
    step = chance.choice(steps)
    match chance.randrange(4):
        case 0:
            del place[step]
        case 1 if isinstance(place, dict):
            place[chance.choice(NAMES)] = place.pop(step)
        case _:
            place[step] = _value(step, chance)


def _value(word: str | int, chance: random.Random) -> Any:
    if word == "pattern" or once_in(20, chance):
        return chance.choice(PATTERNS)
    if word == "collection":
        return chance.choice(PATHS)
    if once_in(20, chance):
        deep: Any = chance.choice(VALUES)
        for _ in range(chance.choice((3, 30, 400))):
            deep = [deep] if once_in(2, chance) else {"items": deep, "type": "array"}
        return deep
    return json.loads(json.dumps(chance.choice((*VALUES, *NAMES))))
