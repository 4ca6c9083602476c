"""What to start with: keys, the workloads they may refer to, projects and regions.

A seed maps a family to scopes, and a scope ``PROJECT/REGION`` (``PROJECT`` for inference) to the keys in
it, each written as the API shows it. ``containers`` and ``functions`` list, by scope, those that exist,
for the switch that asks; ``projects`` and ``regions`` are lists of what those paths show, whose members
may be left out but for ``id`` and the name::

    {"caas": {"1/76": [{"name": "web", "containers": []}]},
     "faas": {"1/76": [{"name": "web", "functions": []}]},
     "inference": {"1": [{"name": "chat", "deployment_names": ["llama"]}]},
     "containers": {"1/76": [{"name": "shop", "namespace": "default"}]},
     "projects": [{"id": 1, "name": "Default"}],
     "regions": [{"id": 76, "display_name": "Luxembourg-2", "products": ["containers"]}]}

``products`` of a region are what the parameter of that name finds; responses do not show them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gcore_emulator.bodies import Complaints, stored_values
from gcore_emulator.errors import SeedError
from gcore_emulator.families import FAMILIES, Family
from gcore_emulator.keys import Scope, StoredKey
from gcore_emulator.lookups import LOOKUPS, Entry, Lookup, read_entry
from gcore_emulator.rules import (
    REQUIRED,
    InvalidValueError,
    NameRule,
    Reference,
    ReferenceListRule,
    parse_date_time,
)
from gcore_emulator.timestamps import parse_instant

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

_SCOPE = NameRule(r"[0-9]{1,18}(/[0-9]{1,18})*")
_WORKLOADS: Mapping[str, ReferenceListRule] = {
    field.name: field.parse
    for family in FAMILIES.values()
    for field in family.fields
    if isinstance(field.parse, ReferenceListRule)
}

Workloads = Mapping[tuple[str, tuple[int, ...]], frozenset[Reference]]
"""The workloads that exist, by the field that refers to them and the numbers of their scope."""


@dataclass(frozen=True, slots=True)
class Seed:
    """The content of a seed: keys, workloads, and entries by the name of their list."""

    keys: tuple[StoredKey, ...]
    workloads: Workloads
    entries: Mapping[str, tuple[Entry, ...]]


def load_seed(path: Path) -> Mapping[str, object]:
    """Read a seed file's JSON. Raises `SeedError` with the reason if it is invalid.

    A duplicate member of an object is an error: JSON parsers would drop the first silently.
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
    """An object of a file with a duplicate name."""

    def __init__(self, pairs: Sequence[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.repeated = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]


def _repetitions(value: object, where: str) -> Iterator[str]:
    """Yield the position of every duplicate name, in the order of the file."""
    if isinstance(value, _Repeating):
        yield from (f"{where}{name}: occurs more than once" for name in value.repeated)
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _repetitions(member, f"{where}{name}.")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _repetitions(item, f"{where.removesuffix('.')}[{index}].")


def read_seed(document: Mapping[str, object], *, now: dt.datetime) -> Seed:
    """Check a complete seed. Raises `SeedError` with every problem in it.

    Keys without ``created_at`` are created at ``now``, one after the other.
    """
    problems: list[str] = []
    keys: list[StoredKey] = []
    workloads: dict[tuple[str, tuple[int, ...]], frozenset[Reference]] = {}
    entries: dict[str, tuple[Entry, ...]] = {}
    known = (*FAMILIES, *_WORKLOADS, *LOOKUPS)
    for member, value in document.items():
        if member not in known:
            problems.append(f"{member}: not one of {', '.join(known)}")
        elif member in LOOKUPS:
            entries[member] = tuple(_read_entries(LOOKUPS[member], value, now, problems))
        elif not isinstance(value, dict):
            problems.append(f"{member}: must be an object whose members are scopes such as 1/76")
        elif member in _WORKLOADS:
            for label, listed in value.items():
                _read_workloads(member, label, listed, workloads, problems)
        else:
            for label, listed in value.items():
                keys += _read_scope(member, label, listed, _Start(now, 1 + len(keys)), problems)
    if problems:
        raise SeedError(problems)
    return Seed(tuple(keys), workloads, entries)


@dataclass(frozen=True, slots=True)
class _Start:
    now: dt.datetime
    sequence: int


def _read_workloads(
    member: str,
    label: str,
    listed: object,
    workloads: dict[tuple[str, tuple[int, ...]], frozenset[Reference]],
    problems: list[str],
) -> None:
    try:
        numbers = tuple(map(int, _SCOPE(label).split("/")))
        workloads[member, numbers] = frozenset(_WORKLOADS[member](listed))
    except InvalidValueError as error:
        problems += [f"{member}.{label}: {complaint}" for complaint in error.complaints]


def _read_entries(lookup: Lookup, listed: object, now: dt.datetime, problems: list[str]) -> Iterator[Entry]:
    if not isinstance(listed, list):
        problems.append(f"{lookup.name}: must be a list")
        return
    ids: set[object] = set()
    for index, written in enumerate(listed):
        where = f"{lookup.name}[{index}]"
        try:
            entry = read_entry(lookup, written, where=where, now=now)
        except SeedError as error:
            problems += error.problems
            continue
        if entry["id"] in ids:
            problems.append(f"{where}.id: {entry['id']} is there already")
        ids.add(entry["id"])
        yield entry


def _read_scope(
    family: str, label: str, entries: object, start: _Start, problems: list[str]
) -> list[StoredKey]:
    where = f"{family}.{label}"
    try:
        scope = read_scope(family, label)
        if not isinstance(entries, list):
            raise SeedError([f"{where}: must be a list of keys"])  # noqa: TRY301 - reported with the others
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
    """Read the scope of a family from its label ``1/76``. Raises `SeedError` if it is invalid."""
    parameters = FAMILIES[family].parameters
    try:
        numbers = tuple(map(int, _SCOPE(label).split("/")))
    except InvalidValueError:
        numbers = ()
    if len(numbers) != len(parameters):
        example = "/".join(("1", "76")[: len(parameters)])
        written = "/".join(parameters).upper()
        raise SeedError([f"{family}.{label}: a scope is written {written}, such as {example}"])
    return Scope(family, numbers)


def read_key(scope: Scope, entry: object, *, where: str, now: dt.datetime, sequence: int) -> StoredKey:
    """Check one key written as the API shows it; its status is computed, so it may be present.

    Raises `SeedError` with each bad member after ``where``.
    """
    if not isinstance(entry, dict):
        raise SeedError([f"{where}: must be an object"])
    family = FAMILIES[scope.family]
    complaints: Complaints = {}
    values = stored_values(family, entry, complaints)
    _note_other_members(family, entry, complaints)
    if complaints:
        raise SeedError([f"{where}.{name}: {text}" for name, texts in complaints.items() for text in texts])
    created_at = entry.get("created_at")
    return StoredKey(
        scope=scope,
        name=entry["name"],
        sequence=sequence,
        created_at=now if created_at is None else parse_instant(created_at),
        values=values,
    )


def _note_other_members(family: Family, entry: Mapping[str, object], complaints: Complaints) -> None:
    """Record the faults of members that are not fields."""
    checks: dict[str, Callable[[object], object]] = {
        # Wider than a create: keys made elsewhere can have every name that a path can have.
        "name": family.lenient_path_name,
        "created_at": parse_date_time,
    }
    known = {*checks, *(field.name for field in family.fields), *(("status",) if family.has_status else ())}
    if "name" not in entry:
        complaints["name"] = [REQUIRED]
    for member, value in entry.items():
        try:
            if member not in known:
                raise InvalidValueError("unknown member")  # noqa: TRY301 - reported with the others
            if member in checks:
                checks[member](value)
        except InvalidValueError as error:
            complaints[member] = list(error.complaints)
