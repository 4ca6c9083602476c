"""Generated keys: the same numbers generate the same desired files and the same live keys everywhere.

Every process of a run builds its own copy from one small ``Dataset``, so that nothing large has to
travel between them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE_LIMIT: Final = 1000
COLLECTION: Final = "/cloud/v1/caas/keys"
MANAGED: Final = ("description", "expire", "is_disabled", "containers")
_TEAMS: Final = ("web", "search", "billing", "partners", "status")
_NAMESPACES: Final = ("shop", "finance", "public")
_REGIONS: Final = 10
_FIRST_REGION: Final = 70
# Far enough that neither a past nor a near expiry is ever reported.
_EXPIRY_YEAR: Final = 2099


class Spelling(StrEnum):
    """How the server writes values that are equal to the declared ones."""

    SAME = "same"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Keys to declare and to serve.

    ``sizes`` has the number of keys of each scope. Every ``drift_every``-th key differs on the
    server in one field; 0 means that none does.
    """

    sizes: tuple[int, ...]
    drift_every: int = 0
    spelling: Spelling = Spelling.SAME

    @property
    def keys(self) -> int:
        """How many keys there are in all scopes."""
        return sum(self.sizes)

    @property
    def pages(self) -> int:
        """How many list requests read every scope once."""
        return sum(-(-size // PAGE_LIMIT) for size in self.sizes)

    @property
    def drifted(self) -> int:
        """How many keys differ on the server."""
        return sum(size // self.drift_every for size in self.sizes) if self.drift_every else 0

    def drifts(self, index: int) -> bool:
        """Whether the key with this number differs on the server; the numbers start at 1."""
        return self.drift_every > 0 and index % self.drift_every == 0

    def to_json(self) -> str:
        """Write the dataset as text for another process."""
        return json.dumps(asdict(self))


def dataset_from_json(text: str) -> Dataset:
    """Read what ``Dataset.to_json`` wrote."""
    members = json.loads(text)
    return Dataset(tuple(members["sizes"]), members["drift_every"], Spelling(members["spelling"]))


def scope_path(scope: int) -> str:
    """Return the collection path of a scope."""
    return f"{COLLECTION}/{scope // _REGIONS + 1}/{scope % _REGIONS + _FIRST_REGION}"


def key_name(index: int) -> str:
    """Return the name of the key with this number."""
    return f"key-{index:05}"


def desired_key(scope: int, index: int) -> dict[str, Any]:
    """Return what the file declares for one key."""
    team = _TEAMS[(scope + index) % len(_TEAMS)]
    namespace = _NAMESPACES[index % len(_NAMESPACES)]
    return {
        "name": key_name(index),
        "description": f"Key number {index} of team {team}",
        "expire": f"{_EXPIRY_YEAR}-{index % 12 + 1:02}-{scope % 28 + 1:02}T00:00:00Z",
        "is_disabled": False,
        "containers": [
            {"name": f"{team}-{number}", "namespace": namespace} for number in range(1, index % 2 + 2)
        ],
    }


def observed_key(dataset: Dataset, scope: int, index: int) -> dict[str, Any]:
    """Return what the server stores for one key."""
    key = desired_key(scope, index)
    if dataset.spelling is Spelling.OTHER:
        key["expire"] = key["expire"].replace("Z", "+00:00")
        key["containers"].reverse()
    if dataset.drifts(index):
        key |= _drift(index // dataset.drift_every)
    return {**key, "created_at": "2026-01-31T08:00:00Z", "status": "Active", "source": "cloud"}


def changes(dataset: Dataset) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the item path and the minimal PATCH body of every key that differs on the server."""
    for scope, size in enumerate(dataset.sizes):
        for index in range(1, size + 1):
            if dataset.drifts(index):
                desired = desired_key(scope, index)
                fields = _drift(index // dataset.drift_every)
                yield f"{scope_path(scope)}/{desired['name']}", {name: desired[name] for name in fields}


def write_files(dataset: Dataset, directory: Path) -> None:
    """Write one desired-state file for each scope."""
    directory.mkdir()
    for scope, size in enumerate(dataset.sizes):
        project, region = scope_path(scope).split("/")[-2:]
        with (directory / f"scope-{scope:03}.yaml").open("w", encoding="utf-8") as file:
            file.write(f"kind: caas\nproject_id: {project}\nregion_id: {region}\nkeys:\n")
            file.writelines(_as_yaml(desired_key(scope, index)) for index in range(1, size + 1))


def _drift(number: int) -> dict[str, Any]:
    # Correcting any of these opens access and none closes it: a plan that closes much is refused.
    return (
        {"description": "Edited by hand"},
        {"is_disabled": True},
        {"expire": "2098-01-31T00:00:00Z"},
        {"containers": []},
    )[number % 4]


def _as_yaml(key: dict[str, Any]) -> str:
    lines = [
        f"  - name: {key['name']}",
        f"    description: {key['description']}",
        f"    expire: {key['expire']}",
        f"    is_disabled: {json.dumps(key['is_disabled'])}",
        "    containers:",
    ]
    lines += (
        f"      - {{name: {bound['name']}, namespace: {bound['namespace']}}}" for bound in key["containers"]
    )
    return "\n".join([*lines, ""])
