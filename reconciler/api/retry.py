"""When a request is tried again, and how long everybody waits; the one home of tenacity."""

from __future__ import annotations

import datetime as dt
import email.utils
import random
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from tenacity import Retrying, retry_if_exception

from reconciler.errors import ApiError, RateLimitedError, StoppedError, ThrottledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from reconciler.model.clock import Clock

T = TypeVar("T")
_SECONDS: Final = re.compile(r"\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long; times in seconds.

    Waits are drawn evenly between zero and a bound that doubles from ``first_wait`` up to
    ``longest_wait`` (full jitter). A service that asks for a longer pause than ``longest_pause`` is
    not waited for. No attempt of a request begins later than ``longest_total`` after its first was wanted:
    a wait that would end later is not begun. Whatever is no rate limit is tried again for
    ``longest_fault`` only.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 8.0
    longest_pause: float = 120.0
    longest_total: float = 300.0
    longest_fault: float = 300.0


class Pause:
    """A moment before which nobody sends: one 429 with Retry-After holds back every worker."""

    def __init__(self, clock: Clock) -> None:
        """Begin without a pause."""
        self._clock = clock
        self._until = 0.0
        self._lock = threading.Lock()

    def extend(self, seconds: float) -> None:
        """Hold everybody back for ``seconds`` from now, or longer if that was asked before."""
        with self._lock:
            self._until = max(self._until, self._clock.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds until the pause is over; not more than 0 if it is."""
        return self._until - self._clock.monotonic()


class Retrier:
    """Calls a function until it succeeds, as the policy allows. Shared by all workers of a run."""

    def __init__(
        self,
        policy: RetryPolicy,
        clock: Clock,
        stop: threading.Event,
        jitter: random.Random | None = None,
    ) -> None:
        """Store the policy, the clock to wait by, the signal to give up, and the source of jitter."""
        self._policy = policy
        self._clock = clock
        self._stop = stop
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads load, hides nothing
        self._pause = Pause(clock)
        self._began = threading.local()
        self._retrying = Retrying(
            stop=self._gives_up,
            retry=retry_if_exception(self._worth_retrying),
            wait=self._wait,
            sleep=lambda seconds: clock.sleep(seconds, stop),
            reraise=True,
        )

    def call(self, function: Callable[[], T], *, repeatable: bool = True) -> T:
        """Call ``function`` until it succeeds; without ``repeatable`` only while it surely had no effect.

        Raises its last ApiError, which then says how often it was tried; without a first attempt,
        StoppedError if the run was interrupted and ThrottledError if the service asked for a long pause.
        """
        self._began.at = self._clock.monotonic()
        self._began.repeatable = repeatable
        attempts = 0
        in_doubt = False
        last: ApiError | None = None

        def attempt() -> T:
            nonlocal attempts, in_doubt, last
            self._hold()
            attempts += 1
            try:
                return function()
            except ApiError as error:
                last = error
                in_doubt = in_doubt or error.failure.in_doubt
                raise

        try:
            return self._retrying(attempt)
        except (ApiError, ThrottledError, StoppedError):
            if last is None:
                raise
            raise last.after(attempts, in_doubt=in_doubt) from last

    def _gives_up(self, state: RetryCallState) -> bool:
        wait = max(state.upcoming_sleep, self._pause.left())
        error = state.outcome.exception() if state.outcome else None
        is_fault = not isinstance(error, RateLimitedError) and self._spent(wait) >= self._policy.longest_fault
        return (
            is_fault
            or self._is_late(wait)
            or self._stop.is_set()
            or state.attempt_number >= self._policy.attempts
        )

    def _is_late(self, wait: float) -> bool:
        """Return whether a request that waits so long from now would be sent after its time."""
        return self._spent(wait) >= self._policy.longest_total

    def _spent(self, wait: float) -> float:
        """Return how long a request has taken that waits so long from now."""
        began: float = self._began.at
        return self._clock.monotonic() - began + max(wait, 0.0)

    def _hold(self) -> None:
        """Wait until the pause is over, unless it is longer than anybody waits or the run is interrupted."""
        while not self._stop.is_set() and (left := self._pause.left()) > 0:
            if left > self._policy.longest_pause or self._is_late(left):
                message = f"not sent: the service asked for a pause, and {left:.0f} s of it are left"
                raise ThrottledError(message)
            self._clock.sleep(left, self._stop)
        if self._stop.is_set():
            raise StoppedError("interrupted before it was sent")

    def _worth_retrying(self, error: BaseException) -> bool:
        if not isinstance(error, ApiError) or not error.retryable:
            return False
        if error.failure.in_doubt and not (self._began.repeatable or isinstance(error, RateLimitedError)):
            return False  # whoever repeats after 429 looks first
        asked = error.failure.retry_after or 0
        self._pause.extend(asked)
        return asked <= self._policy.longest_pause

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.failure.retry_after if isinstance(error, ApiError) else None
        if asked:
            return 0  # the pause is waited for
        bound = self._policy.first_wait * 2 ** (state.attempt_number - 1)
        return self._jitter.uniform(0, min(bound, self._policy.longest_wait))


def retry_after(header: str | None, clock: Clock) -> float | None:
    """Read Retry-After: seconds, also with a fraction, or an HTTP date.

    Gives None where it is absent or unreadable.
    """
    if header is None:
        return None
    if _SECONDS.fullmatch(header.strip()):
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - clock.now()).total_seconds())
