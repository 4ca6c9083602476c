"""Resolve a write whose response proves nothing, by reading the key.

Only 200 and 201 with the object as it was asked for prove that a write is done. A redirect, 202, an empty
body, an error of any status or no response at all may each come from a service, or a proxy, that has executed
the write, or has not, or will.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from reconciler.errors import InvalidResponseError, NotFoundError
from reconciler.observe.listing import observe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.api.reader import Page, Parameters, Reader
    from reconciler.kinds.kind import Kind
    from reconciler.model.plan import Change


class _ReadBack:
    """Reads even after the run was interrupted: a write in flight is always resolved."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def received(self) -> int:
        return self._reader.received

    @property
    def seconds(self) -> float:
        return self._reader.seconds

    def page(self, path: str, parameters: Parameters, headers: Mapping[str, str]) -> Page:
        return self._reader.page_after_write(path, parameters, headers)


class Resolver:
    """Reads the key of a change after its write."""

    def __init__(self, reader: Reader, kinds: Mapping[str, Kind]) -> None:
        """Store what reads, and the kinds."""
        self._reader = reader
        self._kinds = kinds

    def live(self, change: Change) -> Mapping[str, Any] | None:
        """Return the live key, or None if it does not exist.

        A 404 alone does not show that: a proxy, or a path that the service does not have, gives one as well.
        So the listing of the scope decides then, and also where the response is not about the key.
        Raises ReconcilerError if neither can be read.
        """
        with suppress(NotFoundError):
            if (found := self._item(change)) is not None:
                return found
        return self._listed(change)

    def after_deletion(self, change: Change) -> Mapping[str, Any] | None:
        """Return the live key, or None if it is gone, after a DELETE with the status 200 or 204.

        So the path is right, and 404 is enough. Raises ReconcilerError if it cannot be read.
        """
        try:
            found = self._item(change)
        except NotFoundError:
            return None
        return self._listed(change) if found is None else found

    def _item(self, change: Change) -> Mapping[str, Any] | None:
        """Return the response to a GET of the key, None if it is not about the key."""
        try:
            found: Mapping[str, Any] = self._reader.read_back(change.path, {})
        except InvalidResponseError:  # a page of a proxy, say
            return None
        is_about = (
            isinstance(found, dict) and found.get(self._kinds[change.scope.kind].identity) == change.name
        )
        return found if is_about else None

    def _listed(self, change: Change) -> Mapping[str, Any] | None:
        kind = self._kinds[change.scope.kind]
        return observe(_ReadBack(self._reader), kind, change.scope).keys.get(change.name)
