"""Desired state that is read again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.load.files import DocumentCache
from reconciler.model.collector import keep_instead, paused_collector
from reconciler.validate.files import validated

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from reconciler.load.files import Digests
    from reconciler.model.desired import DesiredState
    from reconciler.validate.validator import Validator


class WatchedFiles:
    """The desired state of files that are read again and again.

    What has not changed is neither parsed nor validated again, but for once a day: an expiry comes near
    without any change.
    """

    def __init__(self, paths: Sequence[str], validator_at: Callable[[dt.datetime], Validator]) -> None:
        """Store the paths, and what builds a validator for a time."""
        self._paths = paths
        self._validator_at = validator_at
        self._cache = DocumentCache()
        self._known: tuple[Digests, dt.date, DesiredState] | None = None

    def read(self, now: dt.datetime) -> DesiredState:
        """Return what the files say now. Raises InputError with every problem found."""
        with paused_collector():
            loaded, digests = self._cache.load(self._paths)
            if not loaded.problems and self._known is not None and self._known[:2] == (digests, now.date()):
                return self._known[2]
            state = validated(loaded, self._validator_at(now))
            self._known = (digests, now.date(), state)
            keep_instead()
            return state
