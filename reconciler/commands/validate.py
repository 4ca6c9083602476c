"""Reading the desired state, and narrowing it to targets."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, BinaryIO

from reconciler.commands.collector import paused_collector
from reconciler.desired import ScopeDefaults, Validator
from reconciler.errors import ConfigurationError
from reconciler.load.files import load
from reconciler.model import DesiredState
from reconciler.resources import document_schema

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.kinds import Kind

    Selection = Callable[[str], bool]


def desired_state(
    paths: Sequence[str],
    standard_input: BinaryIO,
    kinds: Mapping[str, Kind],
    defaults: ScopeDefaults,
    now: dt.datetime,
) -> DesiredState:
    """Load and validate every file. Raises InputError with every problem found."""
    with paused_collector():
        loaded = load(paths, standard_input)
        validator = Validator(document_schema(), kinds, defaults, now)
        for document in loaded.documents:
            validator.add(document)
        return validator.finish(loaded.problems)


def select(state: DesiredState, targets: Sequence[str]) -> tuple[DesiredState, Selection]:
    """Narrow a state to the scopes that ``targets`` (globs over addresses) touch.

    Gives that state and the function that tells whether an address is selected. Raises
    ConfigurationError for a target that matches no declared key.
    """
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

    return DesiredState(tuple(scopes), state.warnings), selected
