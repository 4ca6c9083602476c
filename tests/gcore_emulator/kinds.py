"""The three families of keys, as the tests of the emulator use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

BOX = {"name": "web", "namespace": "space"}
SOON = "2027-01-31T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One family: where its keys are, what a create needs, and all that create and PATCH can set.

    ``defaults`` is what a create with ``minimal`` and a name makes of the other members.
    """

    name: str
    collection: str
    scope: tuple[int, int | None]
    label: str
    parameter: str
    page: int
    minimal: Mapping[str, Any]
    created: Mapping[str, Any]
    patched: Mapping[str, Any]
    defaults: Mapping[str, Any]

    def __str__(self) -> str:
        return self.name


CAAS = Kind(
    name="caas",
    collection="/cloud/v1/caas/keys/1/76",
    scope=(1, 76),
    label="1/76",
    parameter="key_name",
    page=1000,
    minimal={"containers": []},
    created={"description": "for the shop", "expire": SOON, "is_disabled": True, "containers": [BOX]},
    patched={"description": "for the shop", "expire": SOON, "is_disabled": True, "containers": [BOX]},
    defaults={
        "description": "",
        "expire": None,
        "is_disabled": False,
        "containers": [],
        "status": "Active",
        "source": "cloud",
    },
)
FAAS = Kind(
    name="faas",
    collection="/cloud/v1/faas/keys/1/76",
    scope=(1, 76),
    label="1/76",
    parameter="key_name",
    page=1000,
    minimal={"functions": []},
    created={"description": "for the shop", "expire": SOON, "functions": [BOX]},
    patched={"description": "for the shop", "expire": SOON, "functions": [BOX]},
    defaults={"description": None, "expire": None, "functions": [], "status": "Active"},
)
INFERENCE = Kind(
    name="inference",
    collection="/cloud/v3/inference/1/api_keys",
    scope=(1, None),
    label="1",
    parameter="api_key_name",
    page=100,
    minimal={},
    created={"description": "for the shop", "expires_at": SOON},
    patched={"description": "for the shop"},
    defaults={"description": None, "expires_at": None, "deployment_names": []},
)
KINDS = (CAAS, FAAS, INFERENCE)
