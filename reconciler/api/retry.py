"""When a request is retried, and how long all workers wait."""

from __future__ import annotations

import datetime as dt
import email.utils
import math
import re
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from reconciler.api.gate import ThreadGate
from reconciler.errors import ApiError, RateLimitedError, StoppedError, ThrottledError
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.api.gate import Gate
    from reconciler.model.clock import Clock
    from reconciler.model.randomness import Randomness

    Repeats = Callable[[ApiError], bool]
    """Returns whether a call may be repeated after an error."""

T = TypeVar("T")
_SECONDS: Final = expression(r"\d+(\.\d+)?", re.ASCII)
_NOTICED: Final = 1.0
"""Seconds of a wait that a person notices."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait before attempt number ``attempt`` of ``attempts``; ``status`` is None without a response."""

    status: int | None
    seconds: float
    attempt: int
    attempts: int

    def __str__(self) -> str:
        """Return the wait on one line."""
        reason = "no response" if self.status is None else self.status
        seconds = math.ceil(self.seconds)
        return f"{reason}: waiting {seconds} s, attempt {self.attempt} of {self.attempts}"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long requests are retried; times in seconds.

    Waits are drawn uniformly between zero and a bound that doubles from ``first_wait`` up to ``longest_wait``
    (full jitter). A pause longer than ``longest_pause`` is not waited for. No attempt begins later than
    ``longest_total`` after the call; after a failure that is not a rate limit, not later than
    ``longest_fault``.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 8.0
    longest_pause: float = 120.0
    longest_total: float = 300.0
    longest_fault: float = 300.0


def after_faults(error: ApiError) -> bool:
    """Return whether an error may be gone at the next attempt: for calls that may take effect twice."""
    return error.retryable


def without_effect(error: ApiError) -> bool:
    """Return whether a call certainly had no effect, and may succeed; after 429, the caller reads first."""
    return error.retryable and (not error.failure.in_doubt or isinstance(error, RateLimitedError))


class Retrier:
    """Calls a function until it succeeds, within the policy. All workers of a run share one.

    They share the pause too: a response with Retry-After delays every worker.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - how to wait, and who takes part
        self,
        policy: RetryPolicy,
        clock: Clock,
        stop: threading.Event,
        randomness: Randomness,
        gate: Gate | None = None,
        on_wait: Callable[[Wait], object] = str,
    ) -> None:
        """Store the policy, the clock, the stop event, and the source of jitter.

        ``gate`` limits requests of other processes too, if there are any. ``on_wait`` is called before each
        wait of a second or longer that ends later than those before.
        """
        self._policy = policy
        self._clock = clock
        self._stop = stop
        self._randomness = randomness
        self._gate = gate or ThreadGate(clock)
        self._on_wait = on_wait
        self._lock = threading.Lock()
        self._reported_until = 0.0

    def call(self, function: Callable[[], T], repeats: Repeats = after_faults) -> T:
        """Call ``function`` until it succeeds, as long as ``repeats`` returns true for its error.

        Raises its last ApiError, with the number of attempts. Without a first attempt, raises StoppedError if
        the run was interrupted and ThrottledError if the service asked for a long pause.
        """
        began = self._clock.monotonic()
        failed: ApiError | None = None
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._through_gate(function, began, repeats)
            except (StoppedError, ThrottledError) as error:
                if failed is None:
                    raise
                raise failed from error  # it was sent before
            except ApiError as error:
                failed = error.after(attempt, failed)
                wait = self._wait(attempt, began, error) if repeats(error) else None
                if wait is None:
                    raise failed from error
                self._report(wait, error.failure.status, attempt + 1)
            self._clock.sleep(wait, self._stop)

    def _through_gate(self, function: Callable[[], T], began: float, repeats: Repeats) -> T:
        while True:
            self._wait_for_pause(began)
            with self._gate.slot(self._stop):
                if self._gate.pause_left() > 0:  # one was asked for meanwhile
                    continue
                try:
                    return function()
                except ApiError as error:
                    if repeats(error):
                        # Before another request takes the slot: it may be that of another process.
                        self._gate.pause(error.failure.retry_after or 0.0)
                    raise

    def _wait_for_pause(self, began: float) -> None:
        while not self._stop.is_set() and (left := self._gate.pause_left()) > 0:
            if left > self._policy.longest_pause or self._spent(began, left) >= self._policy.longest_total:
                message = f"not sent: the service asked for a pause, and {left:.0f} s of it are left"
                raise ThrottledError(message)
            self._clock.sleep(left, self._stop)
        if self._stop.is_set():
            raise StoppedError("interrupted before it was sent")

    def _wait(self, attempt: int, began: float, error: ApiError) -> float | None:
        """Return the seconds until the next attempt, None if it would be too late or one too many."""
        policy = self._policy
        is_limit = isinstance(error, RateLimitedError)
        asked = error.failure.retry_after or 0.0
        bound = min(policy.first_wait * 2 ** (attempt - 1), policy.longest_wait)
        wait = 0.0 if asked else bound * self._randomness.random()  # the pause is waited for
        spent = self._spent(began, max(wait, self._gate.pause_left()))
        is_late = spent >= policy.longest_total or (spent >= policy.longest_fault and not is_limit)
        is_last = attempt >= policy.attempts or asked > policy.longest_pause or self._stop.is_set()
        return None if is_late or is_last else wait

    def _report(self, wait: float, status: int | None, attempt: int) -> None:
        """Report a wait, once for all workers that it delays."""
        seconds = round(max(wait, self._gate.pause_left()), 1)  # some of the pause is over already
        until = self._clock.monotonic() + seconds
        with self._lock:
            is_new = seconds >= _NOTICED and until >= self._reported_until + _NOTICED
            self._reported_until = until if is_new else self._reported_until
        if is_new:
            self._on_wait(Wait(status, seconds, attempt, self._policy.attempts))

    def _spent(self, began: float, wait: float) -> float:
        """Return how long a call has taken after a wait from now."""
        return self._clock.monotonic() - began + max(wait, 0.0)


def retry_after(header: str | None, clock: Clock) -> float | None:
    """Return the seconds of a header Retry-After, None where it is absent or unreadable."""
    if header is None:
        return None
    if _SECONDS.fullmatch(header.strip()):
        return float(header)
    try:
        date = email.utils.parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=dt.UTC)
    return max(0.0, (date - clock.now()).total_seconds())
