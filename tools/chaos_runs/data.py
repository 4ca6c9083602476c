"""Generated keys that all differ from their files: the same seed generates the same ones everywhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from random import Random

    from gcore_emulator import Emulator

    Fields = Mapping[str, Any]

PROJECT: Final = 1
FIRST_REGION: Final = 70
FIELDS: Final = ("description", "expire", "is_disabled", "containers")
_COLLECTION: Final = "/cloud/v1/caas/keys"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what the service stores before a run, and what the file declares of it.

    Values are written the way the service shows them, containers sorted.
    """

    region: int
    name: str
    old: Fields
    declared: Fields

    @property
    def address(self) -> str:
        """The key's address in plans and outcomes."""
        return f"caas/{PROJECT}/{self.region}/{self.name}"

    @property
    def path(self) -> str:
        """The path of requests for the key."""
        return f"{_COLLECTION}/{PROJECT}/{self.region}/{self.name}"

    @property
    def patch(self) -> Fields:
        """The declared fields that differ: all that may ever be sent."""
        return {name: value for name, value in self.declared.items() if value != self.old[name]}

    @property
    def new(self) -> Fields:
        """What the service is to hold after a run."""
        return {**self.old, **self.declared}


def make_keys(sizes: Sequence[int], draw: Random) -> tuple[Key, ...]:
    """Make keys that all have something to change; ``sizes`` counts those of each scope."""
    return tuple(
        _make_key(FIRST_REGION + scope, f"key-{number:05}", draw)
        for scope, size in enumerate(sizes)
        for number in range(1, size + 1)
    )


def _make_key(region: int, name: str, draw: Random) -> Key:
    old = {field: _VALUES[field](draw, name) for field in FIELDS}
    changed = draw.sample(FIELDS, draw.randint(1, 3))
    declared = {field: other_value(field, old[field], draw, "new") for field in changed}
    # Some equal fields are declared too, others are left to whoever writes them.
    declared |= {field: old[field] for field in FIELDS if field not in changed and draw.random() < 1 / 2}
    return Key(region, name, old, declared)


def other_value(field: str, value: object, draw: Random, word: str) -> Any:
    """Draw a value of ``field`` that is not ``value``; ``word`` marks texts."""
    while (other := _VALUES[field](draw, word)) == value:
        pass
    return other


def _instant(draw: Random, _word: str) -> str | None:
    # Far enough that no expiry is ever past or near.
    instant = f"{draw.randint(2080, 2099)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}T00:00:00Z"
    return None if draw.random() < 1 / 4 else instant


def _containers(draw: Random, _word: str) -> list[dict[str, str]]:
    numbers = sorted(draw.sample(range(10), draw.randint(0, 3)))
    return [{"name": f"web-{number}", "namespace": "shop"} for number in numbers]


_VALUES: Final[Mapping[str, Callable[[Random, str], Any]]] = {
    "description": lambda draw, word: f"{word} {draw.getrandbits(32)}",
    "expire": _instant,
    "is_disabled": lambda draw, _word: draw.random() < 1 / 2,
    "containers": _containers,
}


def seed_of(keys: Iterable[Key]) -> dict[str, Any]:
    """Write what the emulator starts with."""
    scopes: dict[str, list[dict[str, Any]]] = {}
    for key in keys:
        scopes.setdefault(f"{PROJECT}/{key.region}", []).append({"name": key.name, **key.old})
    return {"caas": scopes}


def write_files(keys: Iterable[Key], directory: Path) -> None:
    """Write one file for each scope, in the part of YAML that is JSON."""
    scopes: dict[int, list[dict[str, Any]]] = {}
    for key in keys:
        scopes.setdefault(key.region, []).append({"name": key.name, **key.declared})
    directory.mkdir()
    for region, declared in scopes.items():
        document = {"project_id": PROJECT, "region_id": region, "keys": declared}
        (directory / f"scope-{region}.yaml").write_text(json.dumps(document), encoding="utf-8")


def shown(document: Fields) -> dict[str, Any]:
    """Return the fields of a key with its containers sorted, so that equal ones compare equal."""
    fields = {name: document[name] for name in FIELDS}
    return fields | {"containers": sorted(fields["containers"], key=lambda item: sorted(item.items()))}


def stored(emulator: Emulator, keys: Iterable[Key]) -> dict[str, dict[str, Any]]:
    """Return what the emulator stores of ``keys``, by address."""
    regions = {key.region for key in keys}
    found = {region: emulator.keys(PROJECT, region) for region in regions}
    return {key.address: shown(found[key.region][key.name]) for key in keys}


def truthful(key: Key, result: str) -> tuple[Fields, ...]:
    """Return what the service may hold of a key with this ``result``, if no other writer writes."""
    match result:
        case "applied":
            return (key.new,)
        case "not verified":
            return (key.old, key.new)
        case _:
            return (key.old,)
