"""When a request is tried again, and how long everybody waits; the one home of tenacity."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_any, stop_when_event_set

from reconciler.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from reconciler.clock import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long; times in seconds.

    Waits are drawn evenly between zero and a bound that doubles from ``first_wait`` up to
    ``longest_wait`` (full jitter). A service that asks for a longer pause than ``longest_pause`` is
    not waited for.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 8.0
    longest_pause: float = 120.0


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

    def wait(self) -> None:
        """Wait until the pause is over."""
        while (left := self._until - self._clock.monotonic()) > 0:
            self._clock.sleep(left)


class Retrier:
    """Calls a function until it succeeds, as the policy allows. Shared by all workers of a run."""

    def __init__(
        self,
        policy: RetryPolicy,
        clock: Clock,
        stop: threading.Event,
        jitter: random.Random | None = None,
    ) -> None:
        """Take the policy, the clock to wait by, the signal to give up, and the source of jitter."""
        self._policy = policy
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads load, hides nothing
        self._pause = Pause(clock)
        self._retrying = Retrying(
            stop=stop_any(stop_after_attempt(policy.attempts), stop_when_event_set(stop)),
            retry=retry_if_exception(self._worth_retrying),
            wait=self._wait,
            sleep=clock.sleep,
            before=lambda _state: self._pause.wait(),
            reraise=True,
        )

    def call(self, function: Callable[[], T]) -> T:
        """Call ``function`` until it succeeds.

        Raises its last ApiError, which then says how often it was tried.
        """
        attempts = 0

        def counted() -> T:
            nonlocal attempts
            attempts += 1
            return function()

        try:
            return self._retrying(counted)
        except ApiError as error:
            if attempts == 1:
                raise
            raise error.after(attempts) from error

    def _worth_retrying(self, error: BaseException) -> bool:
        if not isinstance(error, ApiError) or not error.retryable:
            return False
        return (error.failure.retry_after or 0) <= self._policy.longest_pause

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.failure.retry_after if isinstance(error, ApiError) else None
        if asked is not None:
            self._pause.extend(asked)
            return 0
        bound = self._policy.first_wait * 2 ** (state.attempt_number - 1)
        return self._jitter.uniform(0, min(bound, self._policy.longest_wait))
