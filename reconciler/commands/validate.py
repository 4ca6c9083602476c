"""Reading the desired state, and narrowing it to targets."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, BinaryIO

from reconciler.commands.collector import paused_collector
from reconciler.errors import ConfigurationError
from reconciler.load.files import load
from reconciler.model import DesiredState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.desired import Validator

    Selection = Callable[[str], bool]


def desired_state(paths: Sequence[str], standard_input: BinaryIO, validator: Validator) -> DesiredState:
    """Load every file and validate it. Raises InputError with every problem found."""
    with paused_collector():
        loaded = load(paths, standard_input)
        for document in loaded.documents:
            validator.add(document)
        return validator.finish(loaded.problems)


def select(state: DesiredState, targets: Sequence[str]) -> tuple[DesiredState, Selection]:
    """Narrow a state to the scopes and warnings that ``targets`` (globs over addresses) touch.

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

    warnings = tuple(warning for warning in state.warnings if selected(warning.address))
    return DesiredState(tuple(scopes), warnings), selected
