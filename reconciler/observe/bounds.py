"""How large one listing may become: a service that counts without end must not be read without end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from reconciler.errors import Failure, InvalidResponseError

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_ITEMS: Final = 1_000_000
MOST_PAGES: Final = 10_000
MOST_BYTES: Final = 512 * 2**20
LONGEST: Final = 3600.0
"""Seconds, also where each page comes slowly but within its time-outs."""


class Source(Protocol):
    """What pages are read from."""

    @property
    def received(self) -> int:
        """Return how many bytes of responses the calling thread has read so far."""
        ...

    @property
    def seconds(self) -> float:
        """Return the seconds by a clock that nobody sets."""
        ...

    def get(self, path: str, parameters: Mapping[str, int]) -> Any:
        """Return the JSON response to a GET. Raises ReconcilerError."""
        ...


class ListingBounds:
    """Counts the pages of one listing."""

    def __init__(self, source: Source, path: str) -> None:
        """Start before the first page."""
        self._source = source
        self._path = path
        self._before = source.received
        self._began = source.seconds
        self._pages = 0

    def check(self, items: int) -> None:
        """Count one more page; ``items`` are listed by now, or counted by the service.

        Raises InvalidResponseError if the listing is too large.
        """
        self._pages += 1
        if items > MOST_ITEMS:
            raise self._too_large(f"it has more than {MOST_ITEMS} entries")
        if self._pages >= MOST_PAGES:
            raise self._too_large(f"it does not end within {MOST_PAGES} pages")
        if self._source.received - self._before > MOST_BYTES:
            raise self._too_large(f"it has more than {MOST_BYTES // 2**20} MiB")

        if self._source.seconds - self._began > LONGEST:
            raise self._too_large(f"it does not end within {LONGEST:.0f} s")

    def _too_large(self, reason: str) -> InvalidResponseError:
        return InvalidResponseError(Failure(f"GET {self._path}", f"the listing is too large: {reason}"))
