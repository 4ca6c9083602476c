"""The keys of the year: of three kinds, some old and some new, declared in several ways."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from year_runs.place import as_json, day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

OLDEST: Final = 180
"""Days that no key lives longer than."""
_RENEWED: Final = 90
POLICY: Final = f"renew: {{within: 30d, to: {_RENEWED}d, max_total: {OLDEST}d}}\n"
_SHARES: Final = {"caas": 0.7, "faas": 0.2, "inference": 0.1}
_FLOW: Final = 3


@dataclass(frozen=True, slots=True)
class First:
    """A key that is there when the year begins."""

    kind: str
    name: str
    created: dt.datetime
    expires: dt.datetime

    @property
    def address(self) -> str:
        """Return its address."""
        return f"{self.kind}/1/{self.name}" if self.kind == "inference" else f"{self.kind}/1/76/{self.name}"

    @property
    def field(self) -> str:
        """Return what its expiry is called."""
        return "expires_at" if self.kind == "inference" else "expire"

    @property
    def bound(self) -> dict[str, Any]:
        """Return what it opens."""
        work = [{"name": f"{self.name[:20]}-app", "namespace": "shop"}]
        return {"caas": {"containers": work}, "faas": {"functions": work}, "inference": {}}[self.kind]

    @property
    def declared(self) -> dict[str, Any]:
        """Return its declaration."""
        return {
            "name": self.name,
            "description": f"of {self.name}",
            self.field: day(self.expires),
            **self.bound,
        }


def first_keys(count: int, now: dt.datetime, rng: Random) -> tuple[First, ...]:
    """Return so many keys, of which no week has much more than another."""
    found = []
    for kind, share in _SHARES.items():
        for number in range(max(round(count * share), 1)):
            age = rng.uniform(1, OLDEST - 35)
            left = rng.uniform(32, min(_RENEWED, OLDEST - age))
            created, expires = now - dt.timedelta(days=age), now + dt.timedelta(days=left)
            found.append(First(kind, f"{kind[:4]}-key-{number:03}", created, expires))
    return tuple(found)


def _work(key: First) -> str:
    """Write what a key opens between brackets."""
    (work,) = key.bound["containers"]
    return f"[{{name: {work['name']}, namespace: {work['namespace']}}}]"


def _block(key: First) -> str:
    """Write a key on several lines, with comments."""
    return (
        f"  # {key.name} is of a team\n  - name: {key.name}\n    description: of {key.name}  # short\n"
        f"    expire: {day(key.expires)}\n    containers: {_work(key)}\n\n"
    )


def documents(keys: Sequence[First]) -> dict[str, str]:
    """Return the files: YAML in blocks with comments, between brackets, and JSON."""
    head = "project_id: 1\nregion_id: 76\n"
    caas = [key for key in keys if key.kind == "caas"]
    blocks, flow = caas[: len(caas) // _FLOW * 2], caas[len(caas) // _FLOW * 2 :]
    lines = "".join(map(_block, blocks))
    short = "".join(
        f"  - {{name: {key.name}, expire: {day(key.expires)}, containers: {_work(key)}}}  # in brackets\n"
        for key in flow
    )
    faas = {"kind": "faas", "project_id": 1, "region_id": 76}
    inference = {"kind": "inference", "project_id": 1}
    return {
        "reconciler.yaml": f"paths: [keys/]\n{POLICY}",
        "keys/blocks.yaml": f"# the shop\n{head}keys:\n{lines}",
        "keys/flow.yaml": f"{head}keys:\n{short}",
        "keys/faas.yaml": as_json({**faas, "keys": [key.declared for key in keys if key.kind == "faas"]}),
        "keys/inference.yaml": as_json(
            {**inference, "keys": [key.declared for key in keys if key.kind == "inference"]}
        ),
    }
