"""Values that a described schema allows: made from its words alone, the same ones for the same seed."""

from __future__ import annotations

import datetime as dt
import importlib
import json
import random
import re
import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from described import Described

_parser: Final[Any] = importlib.import_module("re._parser")
_DEEPEST: Final = 7
_TRIES: Final = 40
_NEAR: Final = 300
_FAR: Final = 10**6
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_START: Final = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
_CATEGORIES: Final = {
    "CATEGORY_DIGIT": "0123456789",
    "CATEGORY_SPACE": " ",
    "CATEGORY_WORD": _LETTERS,
    "CATEGORY_NOT_DIGIT": "abcxyz",
    "CATEGORY_NOT_SPACE": _LETTERS,
    "CATEGORY_NOT_WORD": "-. ",
}
REQUEST: Final = "readOnly"
"""What the body of a request leaves out."""
RESPONSE: Final = "writeOnly"
"""What a response leaves out."""


def anything(_value: Any) -> bool:
    """Accept any value."""
    return True


class Maker:
    """Makes values; ``described`` follows references and checks them."""

    def __init__(self, described: Described, seed: int = 0) -> None:
        """Start with a seed."""
        self._described = described
        self._random = random.Random(seed)  # noqa: S311 - the same values every time

    def valid(self, schema: Any, without: str, accept: Callable[[Any], bool] = anything) -> Any:
        """Return a value that a schema allows and ``accept`` too. Raises LookupError where none is found."""
        for _ in range(_TRIES):
            value = self.value(schema, without)
            if self._described.is_valid(schema, value, without) and accept(value):
                return value
        for example in self._examples(schema):
            if self._described.is_valid(schema, example, without) and accept(example):
                return example
        raise LookupError(f"no value found for {json.dumps(schema)[:120]}")

    def _examples(self, schema: Any) -> list[Any]:
        words = self._described.flat(schema)
        return [
            *(words.get("examples") or ()),
            *(words[word] for word in ("example", "default") if word in words),
        ]

    def value(self, schema: Any, without: str, depth: int = 0) -> Any:
        """Return a value that a schema very likely allows."""
        words = self._random.choice(self._described.choices(schema))
        if "const" in words:
            return words["const"]
        if words.get("enum"):
            return self._random.choice([one for one in words["enum"] if one is not None] or [None])
        makers = {
            "object": self._object,
            "array": self._array,
            "string": self._text,
            "integer": self._integer,
            "number": self._number,
        }
        kind = self._type(words)
        if kind == "boolean":
            return self._random.random() < 0.5  # noqa: PLR2004 - a coin
        return makers[kind](words, without, depth) if kind in makers else None

    def _type(self, words: Mapping[str, Any]) -> str:
        named = words.get("type")
        every = [one for one in (named if isinstance(named, list) else [named]) if one not in (None, "null")]
        if every:
            return str(self._random.choice(every))
        if named is not None:
            return "null"
        inferred = {"properties": "object", "additionalProperties": "object", "items": "array"}
        return next((kind for word, kind in inferred.items() if words.get(word)), "string")

    def _object(self, words: Mapping[str, Any], without: str, depth: int) -> Any:
        members, required = words.get("properties") or {}, words.get("required") or ()
        made = {
            name: self.value(schema, without, depth + 1)
            for name, schema in members.items()
            if (depth < _DEEPEST or (name in required and depth < _DEEPEST * 2))
            and not self._described.flat(schema).get(without)
        }
        free = words.get("additionalProperties")
        if not members and free is not False:
            inner = free if isinstance(free, dict) else {"type": "string"}
            names = words.get("propertyNames") or {}
            for _ in range(max(words.get("minProperties", 2), 1)):
                made[str(self.value({"type": "string", **names}, without))] = self.value(
                    inner, without, depth + 1
                )
        return made

    def _array(self, words: Mapping[str, Any], without: str, depth: int) -> Any:
        least = words.get("minItems", 0)
        count = max(least, min(self._random.randint(1, 2), words.get("maxItems", 2)))
        count = least if depth >= _DEEPEST else count
        made = [
            self.value(words.get("items") or {"type": "string"}, without, depth + 1) for _ in range(count)
        ]
        distinct = {json.dumps(item, sort_keys=True): item for item in made}
        return list(distinct.values())

    def _text(self, words: Mapping[str, Any], _without: str, _depth: int) -> str:
        kind, pattern = words.get("format"), words.get("pattern")
        number = self._random.randrange(10**6)
        formats = {
            "date-time": f"{_START + dt.timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}",
            "date": f"{_START + dt.timedelta(days=number % 3000):%Y-%m-%d}",
            "uuid": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "uuid4": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "ipv4": f"10.{number % 200}.{number // 200 % 250}.{number % 250 + 1}",
            "ipv6": f"2001:db8::{number % 9000 + 1:x}",
            "ipvanyaddress": f"10.{number % 200}.{number // 200 % 250}.{number % 250 + 1}",
            "ipvanynetwork": f"10.{number % 200}.{number // 200 % 250}.0/24",
            "ipv4network": f"10.{number % 200}.{number // 200 % 250}.0/24",
            "email": f"user{number}@example.com",
            "uri": f"https://example.com/{number}",
            "url": f"https://example.com/{number}",
            "hostname": f"host{number}.example.com",
            "binary": f"text{number}",
            "byte": "dGV4dA==",
        }
        least, most = words.get("minLength", 0), words.get("maxLength", 10**9)
        if pattern:
            return self._matching(str(pattern), least, most)
        if kind in formats:
            return formats[kind]
        base = f"text-{number}"
        return (
            (base + "x" * max(0, least - len(base)))[: max(most, 1)]
            if most >= len(base)
            else self._letters(most)
        )

    def _letters(self, count: int) -> str:
        return "".join(self._random.choice(_LETTERS) for _ in range(count))

    def _matching(self, pattern: str, least: int, most: int) -> str:
        tree = _parser.parse(pattern)
        text = ""
        for attempt in range(_TRIES):
            text = self._walked(tree, more=4 + attempt)
            if max(least, attempt < _TRIES // 2) <= len(text) <= most and re.search(pattern, text):
                break
        return text

    def _walked(self, tree: Any, more: int) -> str:
        return "".join(self._of(str(operation), argument, more) for operation, argument in tree)

    def _of(self, operation: str, argument: Any, more: int) -> str:
        """Return a text for one step of a pattern; what looks around says nothing of the text itself."""
        if operation.endswith("REPEAT"):
            least, most, inner = argument
            count = self._random.randint(least, min(int(most), least + more))
            return "".join(self._walked(inner, more) for _ in range(count))
        makers: dict[str, Callable[[], str]] = {
            "LITERAL": lambda: chr(argument),
            "NOT_LITERAL": lambda: self._random.choice([one for one in _LETTERS if ord(one) != argument]),
            "ANY": lambda: self._random.choice(_LETTERS),
            "IN": lambda: self._one_of(argument),
            "SUBPATTERN": lambda: self._walked(argument[-1], more),
            "ATOMIC_GROUP": lambda: self._walked(argument, more),
            "BRANCH": lambda: self._walked(self._random.choice(argument[1]), more),
        }
        return makers.get(operation, str)()

    def _one_of(self, parts: Any) -> str:
        allowed: list[str] = []
        is_negated = False
        for operation, argument in parts:
            match str(operation):
                case "NEGATE":
                    is_negated = True
                case "LITERAL":
                    allowed.append(chr(argument))
                case "RANGE":
                    low, high = argument
                    allowed += [chr(code) for code in range(low, min(high, low + 100) + 1)]
                case "CATEGORY":
                    allowed += _CATEGORIES.get(str(argument), "a")
        if is_negated:
            return self._random.choice([one for one in _LETTERS if one not in allowed] or ["_"])
        plain = [one for one in allowed if one in _LETTERS]
        return self._random.choice(plain or allowed)

    def _integer(self, words: Mapping[str, Any], _without: str, _depth: int) -> int:
        known = {"minimum", "exclusiveMinimum"} & words.keys()
        most = words.get("maximum", words.get("exclusiveMaximum", 10**9) - 1)
        least = words.get("minimum", words.get("exclusiveMinimum", -1) + 1) if known else min(0, most - _NEAR)
        reach = self._random.choice((_NEAR, _FAR))  # another schema of the same value may be narrower
        found = self._random.randint(int(least), int(min(most, least + reach)))
        step = words.get("multipleOf", 1)
        return int(found - found % step if found - found % step >= least else found + step - found % step)

    def _number(self, words: Mapping[str, Any], without: str, depth: int) -> float:
        if words.get("multipleOf") or words.get("maximum", 2) - words.get("minimum", 0) >= 1:
            whole = {**words, "minimum": -(-words["minimum"] // 1)} if "minimum" in words else words
            return self._integer(whole, without, depth)
        least = float(words.get("minimum", 0))
        return (least + float(words.get("maximum", least + 1))) / 2


def readings(text: str) -> list[Any]:
    """Return what a text in a path or query may stand for."""
    found: list[Any] = [text, text.split(",")]
    if re.fullmatch(r"-?\d{1,18}", text):
        found.append(int(text))
    return [*found, text == "true"] if text in {"true", "false"} else found


def form_of(raw: bytes) -> Any:
    """Return the object that a form with brackets holds, all values as text."""
    made: dict[str, Any] = {}
    for name, value in parse_qsl(raw.decode(), keep_blank_values=True):
        steps = re.findall(r"[^\[\]]+", name)
        inner = made
        for step in steps[:-1]:
            inner = inner.setdefault(step, {})
        inner[steps[-1]] = value
    return made
