"""The kinds run: files of kinds with hostile values at every place, loaded and then used."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import io
import json
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

from fuzz.report import Broken, Report, seeded
from reconciler.cli.console import Console
from reconciler.desired import ScopeDefaults, Validator
from reconciler.errors import InputError, ReconcilerError
from reconciler.load.files import parse_content
from reconciler.observe import observe
from reconciler.plan import assemble, plan_scope
from reconciler.render.json import render_json
from reconciler.resources import document_schema, editor_schema, load_kinds, resource
from reconciler.userkinds import user_kinds_of

if TYPE_CHECKING:
    import random

    from reconciler.declared import DesiredState
    from reconciler.kinds import Kind

_SECONDS: Final = 5.0
_NOW: Final = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
_RAW: Final = "@raw@"
"""Stands in a text of JSON, in quotes, for what no library writes."""
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
    return (*(json.dumps(kind.schema) for kind in load_kinds().values()), label, label, json.dumps(_RICH))


_RICH: Final = {
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
    text = json.dumps(schema, ensure_ascii=_once_in(2, chance), indent=chance.choice((None, 1)))
    text = text.replace(f'"{_RAW}"', chance.choice(_RAW_TEXTS))
    if _once_in(30, chance):
        text = text[: chance.randrange(len(text))]
    return text.encode("utf-8", "surrogatepass")


def _once_in(times: int, chance: random.Random) -> bool:
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
    if not steps or _once_in(5, chance):
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
    if word == "pattern" or _once_in(20, chance):
        return chance.choice(PATTERNS)
    if word == "collection":
        return chance.choice(PATHS)
    if _once_in(20, chance):
        deep: Any = chance.choice(VALUES)
        for _ in range(chance.choice((3, 30, 400))):
            deep = [deep] if _once_in(2, chance) else {"items": deep, "type": "array"}
        return deep
    return json.loads(json.dumps(chance.choice((*VALUES, *NAMES))))


def complaint_of(data: bytes, chance: random.Random) -> tuple[bool, str]:
    """Load the file of a kind and use it; return whether it was accepted, and what was not as promised."""
    console = Console(0, color=False)
    began = time.perf_counter()
    accepted = False
    try:
        try:
            kind = user_kinds_of([("thing.schema.json", data)], [], {})["thing"]
            accepted = True
            _use(kind, chance)
        except InputError as error:
            for text in error.texts:
                console.error(text)
    except Exception:  # noqa: BLE001 - any exception is what is looked for
        return accepted, traceback.format_exc(limit=-6)
    seconds = time.perf_counter() - began
    return accepted, f"took {seconds:.1f} s" if seconds > _SECONDS else ""


class _Source:
    """Answers every listing alike."""

    received = 0
    seconds = 0.0

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def get(self, path: str, parameters: Any) -> Any:
        """Return the answer, and check that the request stays where the kind says."""
        if any(part in {"", ".", ".."} for part in path[1:].split("/")) or not parameters:
            raise AssertionError(f"not a path to ask for: {path}")
        return self._answer


def _use(kind: Kind, chance: random.Random) -> None:
    """Print, validate and plan with a kind, with values that it allows and others."""
    editor_schema([kind]).encode("utf-8", "surrogatepass")
    live = [_row(kind, chance, name) for name in ("web", "api", "..", "x")]
    answer: Any = live if kind.listing.results is None else {kind.listing.results: live}
    if kind.listing.count is not None and isinstance(answer, dict):
        answer[kind.listing.count] = len(live)
    for _ in range(3):
        state = _state(kind, chance)
        for desired in () if state is None else state.scopes:
            source: Any = _Source(answer)
            try:
                observed = observe(source, kind, desired.scope)
                plan = assemble([plan_scope(kind, desired, observed, _NOW)])
            except ReconcilerError as error:
                str(error)
            else:
                render_json(plan, _NOW)


def _state(kind: Kind, chance: random.Random) -> DesiredState | None:
    header = {"kind": "thing", **{name: chance.choice((1, "acme", "..")) for name in kind.scope}}
    keys = [_row(kind, chance, name) for name in ("web", "new", "x" * 40)]
    text = json.dumps({**header, "keys": keys}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    validator = Validator(document_schema(), {**load_kinds(), "thing": kind}, ScopeDefaults(1, 1), _NOW)
    try:
        loaded = parse_content(text, "a.yaml")
        for document in loaded.documents:
            validator.add(document)
        return validator.finish(loaded.problems)
    except InputError as error:
        str(error)
        return None


_OF_TYPE: Final[dict[str, tuple[Any, ...]]] = {
    "string": ("", "a", "abc", "2027-01-01T00:00:00Z", "a" * 50),
    "integer": (0, 1, 5.0, 2**63),
    "number": (0, 1.0, 2.5, 1e300),
    "boolean": (True, False),
    "null": (None,),
    "array": ([], [1, 1.0, True], [{"a": "x"}, {"a": "x", "b": 1}], ["a"]),
    "object": ({}, {"a": "x"}, {"a": 1.0}),
}


def _row(kind: Kind, chance: random.Random, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {kind.identity: name}
    for field, keywords in kind.described.items():
        if field == kind.identity or _once_in(3, chance):
            continue
        types = keywords["type"] if isinstance(keywords["type"], list) else [keywords["type"]]
        own = (*keywords.get("enum", ()), *keywords.get("examples", ()))
        row[field] = chance.choice((*own, *_OF_TYPE[chance.choice(types)], None))
    return row


def run(seed: int, inputs: int) -> Report:
    """Load and use ``inputs`` files of kinds."""
    began = time.perf_counter()
    broken: list[Broken] = []
    accepted = 0
    for number in range(inputs):
        data = content(seed, number)
        with contextlib.redirect_stderr(io.StringIO()):
            taken, complaint = complaint_of(data, seeded(seed, "use", number))
        accepted += taken
        if complaint:
            promise = "every file of a kind is loaded and used, or refused with reasons, within seconds"
            broken.append(Broken(promise, f"kind {number}", complaint, data))
    seconds = time.perf_counter() - began
    figures = [f"{inputs:,} files of kinds, {accepted:,} accepted", f"{seconds:.1f} s"]
    return Report("kinds", seed, figures, broken)
