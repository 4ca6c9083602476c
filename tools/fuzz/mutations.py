"""Small damages to a file, in its bytes and in its tokens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fuzz.corpus import TEXTS, TOKENS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Mutation = Callable[[bytes, random.Random], bytes]

LARGEST: Final = 64 * 1024
"""Bytes of the largest input: the promise about seconds is about files up to this size."""
_TOKEN: Final = re.compile(rb"\w+|\s+|[^\w\s]")
_MANY: Final = (2, 3, 10, 64, 65, 100, 1000, 5000)


def mutate(content: bytes, chance: random.Random) -> bytes:
    """Damage a file a few times."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5, 12))):
        content = chance.choice(_MUTATIONS)(content, chance)[:LARGEST]
    return content


def _span(content: bytes, chance: random.Random) -> tuple[int, int]:
    begin = chance.randint(0, len(content))
    return begin, min(len(content), begin + chance.choice((1, 1, 2, 4, 16, 80)))


def _flip(content: bytes, chance: random.Random) -> bytes:
    if not content:
        return content
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]


def _insert_byte(content: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(content))
    return content[:place] + bytes([chance.randrange(256)]) + content[place:]


def _insert_token(content: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(content))
    return content[:place] + chance.choice(TOKENS) + content[place:]


def _delete(content: bytes, chance: random.Random) -> bytes:
    begin, end = _span(content, chance)
    return content[:begin] + content[end:]


def _duplicate(content: bytes, chance: random.Random) -> bytes:
    begin, end = _span(content, chance)
    return content[:end] + content[begin:]


def _repeat(content: bytes, chance: random.Random) -> bytes:
    begin, end = _span(content, chance)
    return content[:begin] + content[begin:end] * chance.choice(_MANY) + content[end:]


def _repeat_token(content: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(content))
    return content[:place] + chance.choice(TOKENS) * chance.choice(_MANY) + content[place:]


def _splice(content: bytes, chance: random.Random) -> bytes:
    other = chance.choice(TEXTS)
    return content[: chance.randint(0, len(content))] + other[chance.randint(0, len(other)) :]


def _truncate(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randint(0, len(content))]


def _swap_lines(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _duplicate_line(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    lines.insert(chance.randint(0, len(lines)), chance.choice(lines))
    return b"".join(lines)


def _indent_line(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    place = chance.randrange(len(lines))
    lines[place] = chance.choice((b"  ", b" ", b"\t", b"- ", b"? ")) + lines[place]
    return b"".join(lines)


def _replace_token(content: bytes, chance: random.Random) -> bytes:
    tokens = _TOKEN.findall(content) or [b""]
    tokens[chance.randrange(len(tokens))] = chance.choice(TOKENS)
    return b"".join(tokens)


def _swap_tokens(content: bytes, chance: random.Random) -> bytes:
    tokens = _TOKEN.findall(content) or [b""]
    one, other = chance.randrange(len(tokens)), chance.randrange(len(tokens))
    tokens[one], tokens[other] = tokens[other], tokens[one]
    return b"".join(tokens)


def _recode(content: bytes, chance: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(chance.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1")), "replace")


_MUTATIONS: Final[tuple[Mutation, ...]] = (
    *(_flip, _insert_byte, _insert_token, _insert_token, _insert_token, _delete, _delete, _duplicate),
    *(_repeat, _repeat_token, _splice, _truncate, _swap_lines, _duplicate_line, _indent_line),
    *(_replace_token, _replace_token, _replace_token, _swap_tokens, _swap_tokens),
)
RECODE: Final[Mutation] = _recode
