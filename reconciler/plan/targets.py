"""Narrowing a desired state to the addresses that the user names."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.model.desired import DesiredState
from reconciler.plan.planning import everything

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Selection = Callable[[str], bool]


def select(state: DesiredState, targets: Sequence[str]) -> tuple[DesiredState, Selection]:
    """Narrow a state to the scopes and warnings that ``targets``, globs over addresses, touch.

    Without targets all is selected. Return the state, and whether an address is selected. Raises
    ConfigurationError for a target that matches no declared key.
    """
    if not targets:
        return state, everything
    patterns = {target: re.compile(fnmatch.translate(target)) for target in targets}
    unmatched = set(targets)
    scopes = []
    for scope in state.scopes:
        addresses = [scope.scope.address(key.name) for key in scope.keys]
        hits = {
            target
            for target, pattern in patterns.items()
            if any(pattern.fullmatch(address) for address in addresses)
        }
        unmatched -= hits
        if hits:
            scopes.append(scope)
    if unmatched:
        names = ", ".join(sorted(unmatched))
        message = f"--target matches no declared key: {names}; addresses look like caas/1/76/name"
        raise ConfigurationError(message)

    def selected(address: str) -> bool:
        return any(pattern.fullmatch(address) for pattern in patterns.values())

    warnings = tuple(warning for warning in state.warnings if selected(warning.address))
    return DesiredState(tuple(scopes), warnings), selected
