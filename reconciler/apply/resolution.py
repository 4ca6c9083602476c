"""Resolve a write in doubt by reading the key.

Only 200 and 201 with the requested object prove that a write is done. A redirect, 202, an empty body, an
error status or no response at all may each come from a service, or a proxy, that has executed the write, or
has not, or will.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from reconciler.errors import InvalidResponseError, NoSuchMethodError, NotFoundError
from reconciler.kinds.ids import clear_key
from reconciler.kinds.paths import is_segment
from reconciler.observe.items import key_in
from reconciler.observe.listing import observe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.api.reader import Page, Parameters, Reader
    from reconciler.kinds.kind import Kind
    from reconciler.model.live import LiveScope
    from reconciler.model.plan import Change

T = TypeVar("T")
_FIRST_PAUSE: Final = 1.0
"""Seconds between two readings of a write that was accepted; it grows by half each time."""
_LONGEST_PAUSE: Final = 10.0


class _ReadBack:
    """A reader that works even after the run was interrupted: a write in flight is always resolved."""

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

    def get(self, path: str, parameters: Parameters, headers: Mapping[str, str]) -> Any:
        return self._reader.read_back(path, parameters, headers)


class Resolver:
    """Reads the key of a change after its write."""

    def __init__(self, reader: Reader, kinds: Mapping[str, Kind]) -> None:
        """Store the reader and the kinds."""
        self._reader = reader
        self._kinds = kinds

    def settled(self, change: Change, read: Callable[[], T], is_done: Callable[[T], bool]) -> T:
        """Call ``read`` until it ``is_done``, or the waiting time of an accepted write is over.

        It is called once if the kind has no waiting time.
        """
        until = self._reader.seconds + self._kinds[change.scope.kind].wait
        pause = _FIRST_PAUSE
        while True:
            found = read()
            left = until - self._reader.seconds
            if left <= 0 or self._reader.is_stopped or is_done(found):
                return found
            self._reader.pause(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def live(self, change: Change) -> Mapping[str, Any] | None:
        """Return the live key, or None if it does not exist.

        A 404 alone is no proof: a proxy, or a path that the service does not have, returns one as well. So
        the listing of the scope is read then, and also if the response is not about the key. Raises
        ReconcilerError if neither can be read.
        """
        with suppress(NotFoundError):
            if (found := self._item(change)) is not None:
                return found
        return self._listed(change)

    def after_deletion(self, change: Change) -> Mapping[str, Any] | None:
        """Return the live key, or None if it was deleted, after a DELETE with the status 200 or 204.

        That status proves that the path is right, so that a 404 is enough. Raises ReconcilerError if it
        cannot be read.
        """
        try:
            found = self._item(change)
        except NotFoundError:
            return None
        return self._listed(change) if found is None else found

    def created(self, change: Change, response: Any) -> Mapping[str, Any] | None:
        """Return the live key that a creation made, or None if it does not exist.

        Where the service makes ids, it is found by the id in ``response``, an object or nothing, or else by
        its name in the listing. Raises AmbiguousNameError if several objects have the name, and the errors of
        :meth:`live`.
        """
        kind = self._kinds[change.scope.kind]
        if not kind.has_ids:
            return self.live(change)
        with suppress(NotFoundError):
            found = self._item(_with_id(kind, change, response))
            if found is not None and kind.name_of(found) == change.name:
                return found
        return clear_key(kind, self._named(change, [change.name]), change.name)

    def is_listed(self, change: Change) -> bool:
        """Return whether a live object has the name of a change. Raises ReconcilerError."""
        return self._named(change).holds([change.name])

    def _item(self, change: Change) -> Mapping[str, Any] | None:
        """Return the response to a GET of the key, None if it is not about the key."""
        kind = self._kinds[change.scope.kind]
        if change.path_id is None:
            return None
        try:
            response = self._reader.read_back(change.path, kind.query, kind.headers)
            return key_in(kind, change.path, change.path_id, response)
        except (InvalidResponseError, NoSuchMethodError):  # a page of a proxy, say, or no GET of one key
            return None

    def _listed(self, change: Change) -> Mapping[str, Any] | None:
        """Return the key in the listing of its scope: the object with its id, even if renamed."""
        kind = self._kinds[change.scope.kind]
        if not kind.has_ids:
            return clear_key(kind, self._named(change), change.name)

        def found(observed: LiveScope) -> Mapping[str, Any] | None:
            rows = (*observed.keys.values(), *(row for rows in observed.unclear.values() for row in rows))
            return next((row for row in rows if kind.id_of(row) == change.path_id), None)

        return found(self._observed(change, lambda observed: found(observed) is not None))

    def _named(self, change: Change, read: Iterable[str] = ()) -> LiveScope:
        """List the scope, to find the name of a change, with all fields of the keys ``read``."""
        return self._observed(change, lambda observed: observed.holds([change.name]), read)

    def _observed(
        self, change: Change, is_found: Callable[[LiveScope], bool], read: Iterable[str] = ()
    ) -> LiveScope:
        return observe(_ReadBack(self._reader), self._kinds[change.scope.kind], change.scope, is_found, read)


def new_id(kind: Kind, change: Change, response: Any) -> str:
    """Return the id in the response to a creation that has the name of the key; empty if there is none."""
    found = _with_id(kind, change, response).path_id if kind.has_ids else None
    return found if found and kind.name_of(response) == change.name else ""


def _with_id(kind: Kind, change: Change, response: Any) -> Change:
    """Return a creation with the id in its response, unless the response has another name."""
    path_id = kind.id_of(response) if isinstance(response, dict) else None
    if path_id is None or not is_segment(path_id) or kind.name_of(response) not in {None, change.name}:
        return change
    return replace(change, path_id=path_id, path=kind.item_path(change.scope, path_id))
