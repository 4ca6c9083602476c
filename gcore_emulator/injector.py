"""The fault for each request: a choice that is the same whenever a run is repeated."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter

from gcore_emulator.faults import Faults, fault_specs

# A successful response to these has no body, so there is nothing to halve or to misname.
_BODILESS_METHODS = frozenset({"DELETE", "HEAD"})
_BODY_FAULTS = frozenset({"half_body", "wrong_content_type"})
_READS = frozenset({"GET", "HEAD"})
_WRITE_FAULTS = frozenset(
    {"redirect_after", "accepted_after", "accepted_later", "refused_after", "empty_after"}
)
_SETTINGS = frozenset(
    {"concurrent_write_every", "retry_after", "slow_seconds", "max_in_a_row", "methods", "seed"}
)

FAULT_NAMES = tuple(spec.name for spec in fault_specs() if spec.name not in _SETTINGS)
"""What can go wrong, by the name of the setting that makes it happen."""


def chance(*facts: object) -> float:
    """Return a number from 0 up to 1 that depends on ``facts`` only."""
    # A hash of our own: Python's differs from one run to the next.
    digest = hashlib.blake2b(repr(facts).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def _fits(fault: str, method: str) -> bool:
    """Return whether a fault applies to requests of a method."""
    if fault in _WRITE_FAULTS:
        return method not in _READS
    return not (fault in _BODY_FAULTS and method in _BODILESS_METHODS)


class _Row:
    """Counts consecutive faults, up to a maximum."""

    def __init__(self) -> None:
        self.attempts = 0
        self._length = 0

    def allows(self, most: int) -> bool:
        return most == 0 or self._length < most

    def note(self, fault: str | None) -> None:
        self._length = self._length + 1 if fault else 0


class _Listing:
    """The disturbances of the latest listing of one scope, and the number of disturbed ones before it."""

    def __init__(self) -> None:
        self.draws = 0
        self.disturbed = False
        self.went_on = False
        self.in_a_row = 0

    def begin(self) -> None:
        if self.disturbed:
            self.in_a_row += 1
        elif self.went_on:  # a first page asked for twice was one listing
            self.in_a_row = 0
        self.disturbed = self.went_on = False


class _Course:
    """One run under one set of faults, with all its counts since the set was activated."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.harmless = faults.harmless()
        self._rates = tuple(faults.response_rates().items())
        self._requests = 0
        self._patches = 0
        self._rows: dict[tuple[str, str], _Row] = {}
        self._listings: dict[str, _Listing] = {}

    def response_fault(self, method: str, path: str) -> str | None:
        self._requests += 1
        if self.faults.unauthorized_from and self._requests >= self.faults.unauthorized_from:
            return "unauthorized_from"
        if self.faults.methods and method not in self.faults.methods:
            return None
        row = self._rows.setdefault((method, path), _Row())
        row.attempts += 1
        fault = self._drawn(method, path, row.attempts) if row.allows(self.faults.max_in_a_row) else None
        row.note(fault)
        return fault

    def _drawn(self, method: str, path: str, attempt: int) -> str | None:
        left = chance(self.faults.seed, method, path, attempt)
        for name, rate in self._rates:
            left -= rate
            if left < 0:
                return name if _fits(name, method) else None
        return None

    def page_change(self, scope: str, offset: int) -> bool:
        """Decide before each page. The limit is on listings: one of them must have undisturbed pages only."""
        listing = self._listings.setdefault(scope, _Listing())
        if offset == 0:
            listing.begin()
            return False
        listing.went_on = True
        listing.draws += 1
        most = self.faults.max_in_a_row
        if most and listing.in_a_row >= most:
            return False
        change = chance(self.faults.seed, "page_change", scope, listing.draws) < self.faults.page_change
        listing.disturbed |= change
        return change

    def concurrent_write(self) -> int | None:
        """Return the number of the PATCH request when another writer follows it."""
        self._patches += 1
        every = self.faults.concurrent_write_every
        due = every is not None and self._patches % every == 0
        lot = chance(self.faults.seed, "concurrent_write", self._patches)
        return self._patches if due or lot < self.faults.concurrent_write else None


class Injector:
    """Stores the current faults, chooses for each request, and counts injected faults.

    The choice for a request depends on the seed, its method and path, and how often these two were requested
    since the faults were set; so concurrent requests do not affect each other's choices. The faults may be
    changed from any thread, the rest belongs to the server's.
    """

    def __init__(self, faults: Faults) -> None:
        """Start with ``faults``."""
        self._lock = threading.Lock()
        self._injected: Counter[str] = Counter()
        self._course = _Course(faults)

    @property
    def faults(self) -> Faults:
        """The current faults."""
        return self._course.faults

    def use(self, faults: Faults) -> None:
        """Set other faults: the sequence of choices restarts, the counts continue."""
        self._course = _Course(faults)

    @property
    def idle(self) -> bool:
        """Whether no fault can occur."""
        return self._course.harmless

    def response_fault(self, method: str, path: str) -> str | None:
        """Choose the fault of the response to the next request for ``path``, query included."""
        course = self._course
        return None if course.harmless else course.response_fault(method, path)

    def page_change(self, scope: str, offset: int) -> bool:
        """Return whether a scope changes just before the page at ``offset`` is returned."""
        return self._course.page_change(scope, offset)

    def concurrent_write(self) -> int | None:
        """Return the number of this PATCH request if a concurrent write follows it, else None."""
        return self._course.concurrent_write()

    def count(self, fault: str) -> None:
        """Count an injected fault."""
        with self._lock:
            self._injected[fault] += 1

    def injected(self) -> dict[str, int]:
        """Return how often each fault was injected since the emulator was created, including zeros."""
        with self._lock:
            return {name: self._injected[name] for name in FAULT_NAMES}
