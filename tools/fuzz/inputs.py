"""The inputs of the validate run: the same seed and number always produce the same bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fuzz.corpus import TEXTS, VALID
from fuzz.crowds import crowd
from fuzz.mutations import LARGEST, RECODE, mutate
from fuzz.report import seeded

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_WORDS: Final = (
    "caas",
    "web",
    "shop",
    "a",
    "x" * 64,
    "x" * 65,
    "Web",
    "",
    "a\n",
    "no",
    "null",
    "é",
    "\x1b[1m",
)
_NAMES: Final = ("name", "description", "expire", "is_disabled", "containers", "secret", "status", "nmae", "")
_HEADS: Final = ("kind", "project_id", "region_id", "keys", "kye", "<<")
_INSTANTS: Final = (
    *("2036-07-31T00:00:00Z", "2020-01-01T00:00:00Z", "2036-07-31t00:00:00.123456789+23:59"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2036-02-30T00:00:00Z", "2036-07-31"),
    *("2036-07-31 00:00:00Z", "2036-07-31T00:00:00+0000", "1900-01-01T00:00:00Z", "2036-12-31T23:59:60Z"),
)
_GOOD_INSTANTS: Final = (None, "2036-07-31T00:00:00Z", "2020-01-01t00:00:00.5+23:59", "2026-06-03T00:00:00Z")
_NUMBERS: Final = (0, 1, -1, 76, 2**63, 10**30, 1.0, 0.5, 1e300, 100)


def content(seed: int, number: int) -> bytes:
    """Return one input."""
    chance = seeded("validate", seed, number)
    return chance.choice(_KINDS)(chance)[:LARGEST]


def _damaged(chance: random.Random) -> bytes:
    return mutate(chance.choice(VALID if chance.random() < 1 / 2 else TEXTS), chance)


def _made(chance: random.Random) -> bytes:
    documents = [_document(chance) for _ in range(chance.choice((1, 1, 1, 2, 4)))]
    ascii_only = chance.random() < 1 / 2
    texts = [_write(document, chance, ascii_only=ascii_only) for document in documents]
    return "\n---\n".join(texts).encode("utf-8", "surrogatepass")


def _made_and_damaged(chance: random.Random) -> bytes:
    return mutate(_made(chance), chance)


def _rubbish(chance: random.Random) -> bytes:
    size = chance.choice((0, 1, 2, 10, 100, 1000))
    return chance.randbytes(size)


def _tokens(chance: random.Random) -> bytes:
    return mutate(b"", chance) + mutate(mutate(b"", chance), chance)


def _recoded(chance: random.Random) -> bytes:
    return RECODE(chance.choice(TEXTS), chance)


_KINDS: Final[tuple[Callable[[random.Random], bytes], ...]] = (
    *(_damaged,) * 30,
    *(_made,) * 8,
    *(_made_and_damaged,) * 8,
    *(_tokens,) * 2,
    *(_rubbish, _recoded),
    *(crowd,) * 2,
)


def _write(document: Any, chance: random.Random, *, ascii_only: bool) -> str:
    indent = chance.choice((None, None, 1, 4))
    if chance.random() < 1 / 2 or not isinstance(document, dict):
        return json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    lines = [f"{name}: {json.dumps(value, ensure_ascii=ascii_only)}" for name, value in document.items()]
    return "\n".join(lines)


def _document(chance: random.Random) -> Any:
    if chance.random() < 1 / 20:
        return _anything(chance, 0)
    document: dict[str, Any] = {"project_id": 1, "region_id": chance.choice((76, 77))}
    document["keys"] = [_key(chance) for _ in range(chance.choice((0, 1, 1, 2, 3, 8)))]
    if chance.random() < 1 / 8:
        document[chance.choice(_HEADS)] = _anything(chance, 0)
    return document


def _key(chance: random.Random) -> Any:
    if chance.random() < 1 / 20:
        return _anything(chance, 0)
    key: dict[str, Any] = {"name": chance.choice(("one", f"key-{chance.randrange(10**6)}"))}
    if chance.random() < 1 / 2:
        key["expire"] = chance.choice((*_INSTANTS, *_GOOD_INSTANTS * 8))
    if chance.random() < 1 / 2:
        boxes = ({"name": f"box-{number}", "namespace": "shop"} for number in range(9))
        key["containers"] = [box for box in boxes if chance.random() < 1 / 4]
    if chance.random() < 1 / 12:
        key[chance.choice(_NAMES)] = _anything(chance, 0)
    return key


def _anything(chance: random.Random, depth: int) -> Any:
    deepest = 5
    kinds = 6 if depth < deepest else 4
    match chance.randrange(kinds):
        case 0:
            return chance.choice(_WORDS)
        case 1:
            return chance.choice(_NUMBERS)
        case 2:
            return chance.choice((None, True, False))
        case 3:
            return chance.choice(_INSTANTS)
        case 4:
            return [_anything(chance, depth + 1) for _ in range(chance.randrange(4))]
        case _:
            names = (chance.choice((*_NAMES, *_HEADS)) for _ in range(chance.randrange(4)))
            return {name: _anything(chance, depth + 1) for name in names}
