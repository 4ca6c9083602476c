"""What the commands about one key share: its address, its declaration, its live value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.api.reader import Reader
from reconciler.cli.options import ConnectionOptions, InputOptions, OutputOptions
from reconciler.cli.values import PathListType, option
from reconciler.errors import ConfigurationError, NotFoundError
from reconciler.kinds.kind import Kind
from reconciler.model.desired import DesiredKey, DesiredState
from reconciler.model.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOptions:
    """The options of a command about one key, which names its files by an option."""

    address: str
    field: str | None
    paths: tuple[str, ...] = option(
        *("-f", "--file", "paths"),
        multiple=True,
        required=True,
        metavar="PATH",
        type=PathListType(),
        text="A file or directory that declares the key. Repeatable.",
    )
    inputs: InputOptions
    connection: ConnectionOptions
    output: OutputOptions


def parsed_address(kinds: Mapping[str, Kind], address: str) -> tuple[Kind, Scope, str]:
    """Return what an address stands for. Raises ConfigurationError if it is none."""
    kind = kinds.get(address.partition("/")[0])
    found = None if kind is None else kind.parse_address(address)
    if kind is None or found is None:
        raise ConfigurationError(f"{address} is not an address such as caas/1/76/name")
    return kind, *found


def known_field(kind: Kind, field: str | None) -> str | None:
    """Return a field that the kind has, or None for all. Raises ConfigurationError for another."""
    if field is not None and field not in kind.fields:
        known = ", ".join(kind.fields)
        raise ConfigurationError(f"{field} is no field of a {kind.name} key; it has {known}")
    return field


def declared_key(state: DesiredState, scope: Scope, name: str) -> DesiredKey:
    """Return the declaration of a key. Raises ConfigurationError if there is none."""
    for part in state.scopes:
        for key in part.keys if part.scope == scope else ():
            if key.name == name:
                return key
    raise ConfigurationError(f"{scope.address(name)} is not declared in these files")


def live_key(reader: Reader, kind: Kind, scope: Scope, name: str) -> Mapping[str, Any]:
    """Read one key that is declared. Raises ConfigurationError if it is not there."""
    live = find_live_key(reader, kind, scope, name)
    if live is None:
        creates = "" if kind.create_requires is None else "; apply creates it"
        message = f"{scope.address(name)} is declared, but not on the server{creates}"
        raise ConfigurationError(message)
    return live


def find_live_key(reader: Reader, kind: Kind, scope: Scope, name: str) -> Mapping[str, Any] | None:
    """Read one key; None if it is not there. Raises ConfigurationError if the response is not about it."""
    path = kind.item_path(scope, name)
    try:
        live = reader.get(path, {})
    except NotFoundError:
        return None
    if not isinstance(live, dict):
        raise ConfigurationError(f"GET {path}: the answer is not an object")
    if live.get(kind.identity) != name:
        raise ConfigurationError(f"GET {path}: the answer is about another key")
    return kind.with_response_defaults(live)
