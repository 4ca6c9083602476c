"""A desired state narrowed to the addresses that the user names."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.model.desired import DesiredState
from reconciler.plan.planning import everything

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.plan.planning import Selection


def select(state: DesiredState, targets: Sequence[str]) -> tuple[DesiredState, Selection]:
    """Return what ``targets``, globs over addresses, select of ``state``; without targets that is all.

    The second value is a function that returns whether an address is selected. Raises ConfigurationError for
    a target that matches no declared key.
    """
    if not targets:
        return state, everything
    patterns = {target: re.compile(fnmatch.translate(target)).fullmatch for target in targets}
    hits = [
        {target for key in part.keys for target in targets if patterns[target](part.scope.address(key.name))}
        for part in state.scopes
    ]
    unmatched = sorted(set(targets).difference(*hits))
    if unmatched:
        names = ", ".join(unmatched)
        message = f"--target matches no declared key: {names}; addresses look like caas/1/76/name"
        raise ConfigurationError(message)

    def selected(address: str) -> bool:
        return any(matches(address) for matches in patterns.values())

    warnings = tuple(warning for warning in state.warnings if selected(warning.address))
    scopes = tuple(part for part, found in zip(state.scopes, hits, strict=True) if found)
    return DesiredState(scopes, warnings), selected
