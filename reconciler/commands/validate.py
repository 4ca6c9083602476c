"""Reading the desired state, and narrowing it to targets."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, BinaryIO

from reconciler.commands.collector import keep_instead, kept_for_good, paused_collector
from reconciler.errors import ConfigurationError
from reconciler.load.files import DocumentCache, Loaded, load, parse_content
from reconciler.model.desired import DesiredState

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Sequence

    from reconciler.errors import Problem
    from reconciler.load.files import Digests, Parse
    from reconciler.validate.validator import Validator

    Selection = Callable[[str], bool]


def desired_state(
    paths: Sequence[str],
    standard_input: BinaryIO,
    validator: Validator,
    parse_one: Parse = parse_content,
) -> DesiredState:
    """Load every file, by ``parse_one``, and validate it. Raises InputError with every problem found."""
    with kept_for_good():
        return _validated(load(paths, standard_input, parse_one), validator)


def desired_state_of(
    files: Iterable[tuple[str, bytes]], validator: Validator, found: Iterable[Problem] = ()
) -> DesiredState:
    """Validate the contents of ``files``, each with a name for problems. Raises InputError.

    ``found`` are the problems of files that could not be read.
    """
    parts = [parse_content(content, label) for label, content in files]
    documents = tuple(document for part in parts for document in part.documents)
    problems = (*found, *(problem for part in parts for problem in part.problems))
    return _validated(Loaded(documents, problems), validator)


class WatchedFiles:
    """The desired state of files that are read again and again.

    What has not changed is neither parsed nor validated again, but for once a day: an expiry comes near
    without any change.
    """

    def __init__(self, paths: Sequence[str], validator_at: Callable[[dt.datetime], Validator]) -> None:
        """Take the paths, and what makes a validator for a moment."""
        self._paths = paths
        self._validator_at = validator_at
        self._cache = DocumentCache()
        self._known: tuple[Digests, dt.date, DesiredState] | None = None

    def read(self, now: dt.datetime) -> DesiredState:
        """Give what the files say now. Raises InputError with every problem found."""
        with paused_collector():
            loaded, digests = self._cache.load(self._paths)
            if not loaded.problems and self._known is not None and self._known[:2] == (digests, now.date()):
                return self._known[2]
            state = _validated(loaded, self._validator_at(now))
            self._known = (digests, now.date(), state)
            keep_instead()
            return state


def _validated(loaded: Loaded, validator: Validator) -> DesiredState:
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
