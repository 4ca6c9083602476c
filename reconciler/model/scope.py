"""The collections of keys, each identified by its path parameters."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

SCOPE_NAMES: Final = ("project_id", "region_id")
"""What the paths of the vendor's collections leave open."""
ALIASES: Final = {"project_id": "project", "region_id": "region"}
"""What a document may write instead of each of these numbers: a name, to be looked up."""
HEADER_WORDS: Final = frozenset(
    {"kind", "exclusive", "defaults", "renew", "rotate", "keys", *ALIASES.values()}
)
"""Members of a document besides its path parameters, which therefore have other names."""


@dataclass(frozen=True, slots=True, init=False)
class Scope:
    """One collection of keys: a kind, and its path parameters.

    ``parameters`` are their names and values, in the order of the path: project and region, or the project
    alone, for the vendor's kinds. ``api`` is the name of the API, which follows from the kind;
    ``shown_api`` is that name if there are several, empty otherwise.
    """

    kind: str
    parameters: tuple[tuple[str, int | str], ...]
    api: str = field(compare=False, repr=False)
    shown_api: str = field(compare=False, repr=False)

    def __init__(
        self,
        kind: str,
        *values: int | str,
        names: Sequence[str] = SCOPE_NAMES,
        api: str = BUILT_IN_API,
        shown_api: str = "",
    ) -> None:
        """Store the kind, the values of its ``names``, and the API."""
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "parameters", tuple(zip(names, values, strict=False)))
        object.__setattr__(self, "api", api)
        object.__setattr__(self, "shown_api", shown_api)

    def __str__(self) -> str:
        """Return the common prefix of the addresses in this scope, such as ``caas/1/76``."""
        return "/".join([self.kind, *(str(value) for _, value in self.parameters)])

    @property
    def is_named(self) -> bool:
        """Return whether a parameter is a name that is not looked up yet."""
        return any(name in ALIASES.values() for name, _ in self.parameters)

    def may_hold(self, address: str) -> bool:
        """Return whether an address or scope, as text, may be in this scope once its names are looked up."""
        kind, *values = address.split("/", len(self.parameters) + 1)
        return (
            kind == self.kind
            and len(values) >= len(self.parameters)
            and all(
                value == str(known) or (name in ALIASES.values() and value.isdecimal())
                for value, (name, known) in zip(values, self.parameters, strict=False)
            )
        )

    @property
    def sort_key(self) -> tuple[str, tuple[tuple[int, str], ...]]:
        """Return the sort key of scopes: by kind, then by number (region 9 before region 76) or name."""
        return (self.kind, tuple((v, "") if isinstance(v, int) else (-1, v) for _, v in self.parameters))

    def address(self, name: str) -> str:
        """Return the address of the key ``name`` in this scope."""
        return f"{self}/{name}"


def scope_text(address: str, known: Container[str]) -> str:
    """Return which of the ``known`` scopes, as texts, holds an address; empty if none does.

    Names may contain slashes, so the last slash does not always end the scope.
    """
    end = address.rfind("/")
    while end >= 0 and address[:end] not in known:
        end = address.rfind("/", 0, end)
    return address[: max(end, 0)]


@dataclass(frozen=True, slots=True)
class ScopeDefaults:
    """Project and region for documents without them."""

    project_id: int | None = None
    region_id: int | None = None

    def of(self, name: str) -> int | None:
        """Return the default of a path parameter, None if there is none."""
        return {"project_id": self.project_id, "region_id": self.region_id}.get(name)
