"""The keys and containers to start with.

A seed maps a family to scopes, and a scope ``PROJECT/REGION`` to the keys in it, each written as the
API shows it; ``containers`` lists, by scope, the containers that exist, for the switch that asks::

    {"caas": {"1/76": [{"name": "web", "containers": []}]},
     "containers": {"1/76": [{"name": "shop", "namespace": "default"}]}}
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.emulator.bodies import Complaints, created_values
from reconciler.emulator.errors import SeedError
from reconciler.emulator.families import FAMILIES, Family
from reconciler.emulator.rules import (
    REQUIRED,
    Container,
    InvalidValueError,
    parse_containers,
    parse_name,
    parse_text,
)
from reconciler.emulator.store import Scope, StoredKey
from reconciler.emulator.timestamps import parse_moment

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_SOURCES = ("cloud", "iate")
_SCOPE = re.compile(r"[0-9]{1,18}(/[0-9]{1,18})*")
_COMPUTED = ("status",)


@dataclass(frozen=True, slots=True)
class Seed:
    """What a seed says: keys, and the containers of each scope by its numbers."""

    keys: tuple[StoredKey, ...]
    containers: Mapping[tuple[int, ...], frozenset[Container]]


def load_seed(path: Path) -> Mapping[str, object]:
    """Read a seed file's JSON; `SeedError` says what is wrong in it.

    A member name that occurs twice in an object is wrong: JSON readers would drop the first silently.
    """
    repeating: list[_Repeating] = []

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(document := dict(pairs)) < len(pairs):
            repeating.append(document := _Repeating(pairs))
        return document

    try:
        document = json.loads(path.read_bytes(), object_pairs_hook=members)
        problems = list(_repetitions(document, "")) if repeating else []
    except OSError as error:
        raise SeedError([f"cannot be read: {error.strerror}"]) from error
    except (ValueError, RecursionError) as error:
        raise SeedError([f"not JSON: {error}"]) from error
    if problems:
        raise SeedError(problems)
    if not isinstance(document, dict):
        raise SeedError(["must be an object with a member for each family"])
    return document


class _Repeating(dict[str, object]):
    """An object of a file in which a name occurs more than once."""

    def __init__(self, pairs: Sequence[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.repeated = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]


def _repetitions(value: object, where: str) -> Iterator[str]:
    """Give the place of every name that occurs more than once, in the order of the file."""
    if isinstance(value, _Repeating):
        yield from (f"{where}{name}: occurs more than once" for name in value.repeated)
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _repetitions(member, f"{where}{name}.")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _repetitions(item, f"{where.removesuffix('.')}[{index}].")


def read_seed(document: Mapping[str, object], *, now: dt.datetime) -> Seed:
    """Check a whole seed; `SeedError` carries every problem in it.

    Keys without ``created_at`` are made at ``now``, one after the other.
    """
    problems: list[str] = []
    keys: list[StoredKey] = []
    containers: dict[tuple[int, ...], frozenset[Container]] = {}
    for member, scopes in document.items():
        if member not in FAMILIES and member != "containers":
            problems.append(f"{member}: not one of {', '.join([*FAMILIES, 'containers'])}")
        elif not isinstance(scopes, dict):
            problems.append(f"{member}: must be an object whose members are scopes such as 1/76")
        elif member == "containers":
            for label, listed in scopes.items():
                _read_containers(label, listed, containers, problems)
        else:
            for label, entries in scopes.items():
                keys += _read_scope(member, label, entries, _Start(now, 1 + len(keys)), problems)
    if problems:
        raise SeedError(problems)
    return Seed(tuple(keys), containers)


@dataclass(frozen=True, slots=True)
class _Start:
    now: dt.datetime
    sequence: int


def _read_containers(
    label: str, listed: object, containers: dict[tuple[int, ...], frozenset[Container]], problems: list[str]
) -> None:
    try:
        numbers = tuple(map(int, parse_name(label, _SCOPE).split("/")))
        containers[numbers] = frozenset(parse_containers(listed))
    except InvalidValueError as error:
        problems += [f"containers.{label}: {complaint}" for complaint in error.complaints]


def _read_scope(
    family: str, label: str, entries: object, start: _Start, problems: list[str]
) -> list[StoredKey]:
    where = f"{family}.{label}"
    try:
        scope = read_scope(family, label)
        if not isinstance(entries, list):
            raise SeedError([f"{where}: must be a list of keys"])  # noqa: TRY301 - told with the others
    except SeedError as error:
        problems += error.problems
        return []
    keys: dict[str, StoredKey] = {}
    for index, entry in enumerate(entries):
        place = f"{where}[{index}]"
        try:
            key = read_key(scope, entry, where=place, now=start.now, sequence=start.sequence + index)
        except SeedError as error:
            problems += error.problems
            continue
        if key.name in keys:
            problems.append(f"{place}.name: {key.name!r} is there already")
        keys[key.name] = key
    return list(keys.values())


def read_scope(family: str, label: str) -> Scope:
    """Read the scope of a family from its label ``1/76``; `SeedError` when it is none."""
    parameters = FAMILIES[family].parameters
    if _SCOPE.fullmatch(label) is None or label.count("/") != len(parameters) - 1:
        raise SeedError(
            [f"{family}.{label}: a scope is written {'/'.join(parameters).upper()}, such as 1/76"]
        )
    return Scope(family, tuple(map(int, label.split("/"))))


def read_key(scope: Scope, entry: object, *, where: str, now: dt.datetime, sequence: int) -> StoredKey:
    """Check one key written as the API shows it; its status is computed, so it may stand there.

    `SeedError` names each bad member after ``where``.
    """
    if not isinstance(entry, dict):
        raise SeedError([f"{where}: must be an object"])
    family = FAMILIES[scope.family]
    complaints: Complaints = {}
    values = created_values(family, entry, complaints)
    _note_own_members(family, entry, complaints)
    if complaints:
        raise SeedError([f"{where}.{name}: {text}" for name, texts in complaints.items() for text in texts])
    created_at = entry.get("created_at")
    return StoredKey(
        scope=scope,
        name=entry["name"],
        sequence=sequence,
        created_at=now if created_at is None else parse_moment(created_at),
        source=entry.get("source", _SOURCES[0]),
        values=values,
    )


def _note_own_members(family: Family, entry: Mapping[str, object], complaints: Complaints) -> None:
    """Note what is wrong with the members that no client can set."""
    checks = {
        # Wider than a create: keys made elsewhere can have every name that a path can have.
        "name": lambda value: parse_name(value, family.short_path_name),
        "created_at": lambda value: parse_moment(parse_text(value)),
        "source": _parse_source,
    }
    known = {*checks, *_COMPUTED, *(field.name for field in family.fields)}
    if "name" not in entry:
        complaints["name"] = [REQUIRED]
    for member, value in entry.items():
        try:
            if member not in known:
                raise InvalidValueError("unknown member")  # noqa: TRY301 - told together with the others
            if member in checks:
                checks[member](value)
        except (InvalidValueError, ValueError) as error:
            complaints[member] = [str(error)]


def _parse_source(value: object) -> str:
    if value not in _SOURCES:
        raise InvalidValueError(f"must be one of {', '.join(_SOURCES)}")
    return parse_text(value)
