"""The API of each kind, by the configuration file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.api.address import DEFAULT_BASE_URL
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.model.configuration import Api


def kinds_of(apis: Mapping[str, Api], kinds: Mapping[str, Kind]) -> Mapping[str, Kind]:
    """Return ``kinds`` with their configured APIs: custom kinds without an API belong to the only one."""
    names = [*apis]
    if not names:
        return kinds
    several = len(names) > 1
    servers = {name: api.base_url or DEFAULT_BASE_URL for name, api in apis.items()}
    of_api = {
        name: replace(kind, shown_api=kind.api, server=servers.get(kind.api, ""))
        if several
        else replace(kind, api=names[0])
        for name, kind in kinds.items()
        if several or kind.is_custom
    }
    return {
        name: kind if kind.api in names else replace(kind, api_fault=_api_fault(kind, names))
        for name, kind in {**kinds, **of_api}.items()
    }


def _api_fault(kind: Kind, apis: Sequence[str]) -> str:
    """Return why a kind cannot be used whose API is not among ``apis``, and the fix."""
    if kind.is_custom:
        return f"{kind.name} is a kind of none of the APIs {listed(apis)}; set its folder as kinds of one"
    return (
        f"{kind.name} is a kind of the API {kind.api}, and the configuration has {listed(apis)}; "
        f"add {kind.api}: {{}} under apis"
    )
