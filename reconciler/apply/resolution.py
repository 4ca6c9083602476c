"""Resolving by reading what became of a write whose response proves nothing: never by guessing.

Only 200 and 201 with the object as it was asked for prove that a write is done. A redirect, 202, an empty
body, an error of any status or no response at all may each come from a service, or a proxy, that has executed
the write, or has not, or will.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.errors import InvalidResponseError, NotFoundError
from reconciler.observe.listing import observe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.api.reader import Reader
    from reconciler.kinds.kind import Kind
    from reconciler.model.plan import Change


class _ReadBack:
    """Reads even after the run was interrupted: a write in flight is always resolved."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def received(self) -> int:
        """Return how many bytes the calling thread has read so far."""
        return self._reader.received

    @property
    def seconds(self) -> float:
        """Return the seconds by a clock that nobody sets."""
        return self._reader.seconds

    def get(self, path: str, parameters: Mapping[str, int]) -> Any:
        """Return the JSON response to a GET."""
        return self._reader.read_back(path, parameters)


class Resolver:
    """Reads the key of a change after its write."""

    def __init__(self, reader: Reader, kinds: Mapping[str, Kind]) -> None:
        """Store who reads, and the kinds."""
        self._reader = reader
        self._kinds = kinds

    def live(self, change: Change) -> Mapping[str, Any] | None:
        """Return the live key, or None if it does not exist.

        A 404 alone does not show that: a proxy, or a path that the service does not have, gives one as well.
        So the listing of the scope decides then, and also where the response is not about the key.
        Raises ReconcilerError if neither can be read.
        """
        return self._item(change) or self._listed(change)

    def after_deletion(self, change: Change) -> Mapping[str, Any] | None:
        """Return the live key, or None if it is gone, after a DELETE that was answered with 200 or 204.

        So the path is right, and 404 is enough. Raises ReconcilerError if it cannot be read.
        """
        try:
            found: Mapping[str, Any] = self._reader.read_back(change.path, {})
        except NotFoundError:
            return None
        except InvalidResponseError:  # a page of a proxy, say: a listing has shown the same before
            return self._listed(change)
        return found if self._is_about(change, found) else self._listed(change)

    def _item(self, change: Change) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._reader.read_back(change.path, {})
        except (NotFoundError, InvalidResponseError):
            return None
        return found if self._is_about(change, found) else None

    def _listed(self, change: Change) -> Mapping[str, Any] | None:
        kind = self._kinds[change.scope.kind]
        return observe(_ReadBack(self._reader), kind, change.scope).keys.get(change.name)

    def _is_about(self, change: Change, found: Any) -> bool:
        return isinstance(found, dict) and found.get(self._kinds[change.scope.kind].identity) == change.name


def take_out(response: Any, member: str) -> Any:
    """Remove and return a member of a response: its own, or else the only one within, as in an envelope."""
    if not isinstance(response, dict):
        return None
    if member in response:
        return response.pop(member)
    inside = [value for value in response.values() if isinstance(value, dict) and member in value]
    return inside[0].pop(member) if len(inside) == 1 else None
