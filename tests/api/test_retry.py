"""What is tried again, how often, and how long everybody waits."""

from __future__ import annotations

import datetime as dt
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.gate import ThreadGate
from reconciler.api.reader import Reader
from reconciler.api.retry import Retrier, RetryPolicy
from reconciler.api.writer import Writer
from reconciler.errors import (
    ApiError,
    Failure,
    RateLimitedError,
    ServerFaultError,
    StoppedError,
    ThrottledError,
    UnreachableError,
)
from reconciler.model.request import Request
from reconciler.model.system import SystemClock, SystemRandomness
from tests.support import COLLECTION, EMPTY_LIST, NOON, FakeClock, Script, connect, http_bytes, raw_server

if TYPE_CHECKING:
    from collections.abc import Iterator

FINE = httpx.Response(200, json=EMPTY_LIST)
FOUR = RetryPolicy(attempts=4)


def busy(retry_after: str, status: int = 429) -> httpx.Response:
    return httpx.Response(status, headers={"Retry-After": retry_after}, json={"message": "Slow down."})


def attempts(response: httpx.Response | Exception, **settings: Any) -> int:
    """Count the requests that are made of a GET which always gets ``response``."""
    remote = Script(response)
    with Reader(connect(remote, **{"retry": FOUR} | settings)) as reader, pytest.raises(ApiError):
        reader.get(COLLECTION, {})
    return len(remote.requests)


class SlotGate(ThreadGate):
    """A gate with one slot, which records the pause that holds when the slot becomes free."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.left: list[float] = []

    @contextmanager
    def slot(self, _stop: threading.Event) -> Iterator[None]:
        try:
            yield
        finally:
            self.left.append(self.pause_left())


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_holds_before_another_process_may_send(status: int) -> None:
    clock = FakeClock()
    gate = SlotGate(clock)
    assert attempts(busy("7", status), retry=RetryPolicy(attempts=2), clock=clock, gate=gate) == 2
    assert gate.left == [7, 7]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_a_transient_failure_is_retried_as_often_as_the_policy_allows(status: int) -> None:
    assert attempts(httpx.Response(status)) == 4


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError(""), httpx.ConnectTimeout(""), httpx.ReadTimeout(""), httpx.RemoteProtocolError("")],
)
def test_a_lost_connection_is_retried(error: Exception) -> None:
    assert attempts(error) == 4


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 409, 418, 422])
def test_a_refusal_is_final(status: int) -> None:
    assert attempts(httpx.Response(status)) == 1


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"count": NaN}'])
def test_an_invalid_response_is_final(body: bytes) -> None:
    assert attempts(httpx.Response(200, content=body)) == 1


def test_zero_retries_means_one_attempt() -> None:
    assert attempts(httpx.Response(500), retry=RetryPolicy(attempts=1)) == 1


def test_a_success_after_failures_is_a_success() -> None:
    remote = Script(httpx.Response(503), httpx.ConnectError(""), FINE)
    with Reader(connect(remote, retry=FOUR)) as reader:
        assert reader.get(COLLECTION, {}) == EMPTY_LIST
    assert len(remote.requests) == 3


@pytest.mark.parametrize(("count", "said"), [(1, ""), (4, "(tried 4 times)")])
def test_the_final_error_reports_the_number_of_attempts(count: int, said: str) -> None:
    remote = Script(httpx.Response(503))
    with (
        Reader(connect(remote, retry=RetryPolicy(attempts=count))) as reader,
        pytest.raises(ServerFaultError) as raised,
    ):
        reader.get(COLLECTION, {})
    assert str(raised.value) == f"GET {COLLECTION}: HTTP 503: Service Unavailable {said}".strip()


def test_a_patch_whose_response_was_lost_is_sent_again() -> None:
    bodies: list[bytes] = []

    def loses_the_first_response(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        if len(bodies) == 1:
            raise httpx.ReadError("the connection broke")
        return FINE

    with Writer(connect(loses_the_first_response, retry=FOUR)) as writer:
        writer.update(Request("PATCH", f"{COLLECTION}/web", {"is_disabled": True}))
    assert bodies == [b'{"is_disabled":true}'] * 2


def test_an_unreachable_server_is_retried() -> None:
    with raw_server(http_bytes(b"", "503 Service Unavailable")) as server:
        connection = connect(Script(), base_url=server.url, transport=None, retry=FOUR)
        with Reader(connection) as reader, pytest.raises(ServerFaultError):
            reader.get(COLLECTION, {})
        assert len(server.heads) == 4


def waits(seed: int, count: int, policy: RetryPolicy) -> list[float]:
    """Return the waits between ``count`` attempts that all fail."""
    clock = FakeClock()
    retrier = Retrier(policy, clock, threading.Event(), random.Random(seed))  # noqa: S311 - no secret
    with pytest.raises(UnreachableError):
        retrier.call(_unreachable)
    assert len(clock.sleeps) == count - 1
    return clock.sleeps


def _unreachable() -> None:
    raise UnreachableError(Failure("GET /", "no response"))


@given(st.integers())
def test_each_wait_is_between_zero_and_a_doubling_bound_up_to_the_maximum(seed: int) -> None:
    bounds = [0.5, 1, 2, 4, 8, 8, 8]
    drawn = waits(seed, 8, RetryPolicy(attempts=8, first_wait=0.5, longest_wait=8))
    assert all(0 <= wait <= bound for wait, bound in zip(drawn, bounds, strict=True))


def test_waits_are_spread_over_their_entire_range() -> None:
    firsts = [waits(seed, 2, RetryPolicy(attempts=2, first_wait=1))[0] for seed in range(100)]
    assert min(firsts) < 0.1
    assert max(firsts) > 0.9


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "retry_after", ["7", " 7 ", format_datetime(NOON + dt.timedelta(seconds=7), usegmt=True)]
)
def test_retry_after_is_honoured_in_seconds_and_as_a_date(
    clock: FakeClock, status: int, retry_after: str
) -> None:
    remote = Script(busy(retry_after, status), FINE)
    with Reader(connect(remote, clock=clock, retry=FOUR)) as reader:
        reader.get(COLLECTION, {})
    assert clock.elapsed == 7


def test_retries_of_a_request_end(clock: FakeClock) -> None:
    policy = RetryPolicy(attempts=100, longest_total=250)
    remote = Script(*[busy("60")] * 100)
    with (
        Reader(connect(remote, clock=clock, retry=policy)) as reader,
        pytest.raises(RateLimitedError) as failed,
    ):
        reader.get(COLLECTION, {})
    assert clock.elapsed == 240
    assert "tried 5 times" in str(failed.value)


def test_a_request_throttled_for_too_long_is_not_sent(clock: FakeClock) -> None:
    policy = RetryPolicy(attempts=2, longest_total=50)
    remote = Script(busy("60"), FINE)
    with Reader(connect(remote, clock=clock, retry=policy)) as reader:
        with pytest.raises(RateLimitedError):
            reader.get(COLLECTION, {})
        with pytest.raises(ThrottledError, match="60 s of it are left"):
            reader.get(COLLECTION, {})
    assert len(remote.requests) == 1


def test_a_retry_after_may_have_a_fraction(clock: FakeClock) -> None:
    remote = Script(busy("1.5"), FINE)
    with Reader(connect(remote, clock=clock, retry=FOUR)) as reader:
        reader.get(COLLECTION, {})
    assert clock.elapsed == 1.5


def test_after_an_excessive_retry_after_nothing_more_is_sent(clock: FakeClock) -> None:
    remote = Script(busy("600"), FINE)
    with Reader(connect(remote, clock=clock, retry=FOUR)) as reader:
        with pytest.raises(RateLimitedError):
            reader.get(COLLECTION, {})
        with pytest.raises(ThrottledError, match="600 s of it are left"):
            reader.get(COLLECTION, {})
    assert clock.elapsed == 0


def test_a_date_without_a_zone_is_in_utc(clock: FakeClock) -> None:
    remote = Script(busy("Mon, 01 Jun 2026 12:00:09 -0000"), FINE)
    with Reader(connect(remote, clock=clock, retry=FOUR)) as reader:
        reader.get(COLLECTION, {})
    assert clock.elapsed == 9


@pytest.mark.parametrize("retry_after", ["0", "soon", "", "-3", "1,5", "Mon, 01 Jun 2026 11:59:00 GMT"])
def test_an_invalid_retry_after_leaves_the_usual_wait(clock: FakeClock, retry_after: str) -> None:
    remote = Script(busy(retry_after), FINE)
    with Reader(connect(remote, clock=clock, retry=FOUR)) as reader:
        reader.get(COLLECTION, {})
    assert 0 < clock.elapsed <= FOUR.first_wait


@given(st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"])))
def test_no_retry_after_breaks_the_client(retry_after: str) -> None:
    response = httpx.Response(429, headers=[(b"Retry-After", retry_after.encode("latin-1"))])
    assert attempts(response, retry=RetryPolicy(attempts=1)) == 1


@pytest.mark.parametrize("retry_after", ["121", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_retry_after_beyond_the_maximum_is_not_waited_for(clock: FakeClock, retry_after: str) -> None:
    assert attempts(busy(retry_after), clock=clock) == 1
    assert clock.sleeps == []


def test_a_retry_after_of_exactly_the_maximum_is_waited_for(clock: FakeClock) -> None:
    assert attempts(busy("120"), clock=clock, retry=RetryPolicy(attempts=3)) == 3
    assert clock.elapsed == 240


def test_one_retry_after_delays_every_worker(clock: FakeClock) -> None:
    sent: list[float] = []

    def handler(_request: httpx.Request) -> httpx.Response:
        sent.append(clock.elapsed)
        return busy("30") if len(sent) == 1 else FINE

    with Reader(connect(handler, clock=clock)) as reader, ThreadPoolExecutor(3) as pool:
        with pytest.raises(RateLimitedError):
            reader.get(COLLECTION, {})
        list(pool.map(lambda _: reader.get(COLLECTION, {}), range(3)))
    assert sent == [0, 30, 30, 30]


def test_a_request_started_during_a_pause_waits_for_its_end(clock: FakeClock) -> None:
    retrier = Retrier(RetryPolicy(attempts=1), clock, threading.Event(), SystemRandomness())
    with pytest.raises(RateLimitedError):
        retrier.call(_limited)
    assert clock.elapsed == 0
    assert retrier.call(lambda: "sent") == "sent"
    assert clock.elapsed == 30


def reported(clock: FakeClock, *responses: httpx.Response | Exception, calls: int = 1) -> list[str]:
    """Return the waits that are reported while a GET is tried until it succeeds."""
    found: list[str] = []
    remote = Script(*responses)
    with Reader(
        connect(remote, clock=clock, retry=FOUR, on_wait=lambda wait: found.append(str(wait)))
    ) as reader:
        for _ in range(calls):
            reader.get(COLLECTION, {})
    return found


def test_each_wait_that_a_person_notices_is_reported(clock: FakeClock) -> None:
    assert reported(clock, busy("3"), busy("2.5"), busy("1", 503), FINE) == [
        "429: waiting 3 s, attempt 2 of 4",
        "429: waiting 3 s, attempt 3 of 4",
        "503: waiting 1 s, attempt 4 of 4",
    ]


def test_a_short_wait_is_not_reported(clock: FakeClock) -> None:
    assert reported(clock, httpx.Response(500), busy("0.9"), FINE) == []


def test_a_wait_without_a_response_says_so(clock: FakeClock) -> None:
    found: list[str] = []
    slow = RetryPolicy(attempts=9)
    jitter = random.Random(1)  # noqa: S311 - no secret
    retrier = Retrier(slow, clock, threading.Event(), jitter, on_wait=lambda wait: found.append(str(wait)))
    with pytest.raises(UnreachableError):
        retrier.call(_unreachable)
    assert found
    assert all(text.startswith("no response: waiting ") for text in found)


class Together(FakeClock):
    """A clock by which four threads wait at the same time, for two seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.all_four = threading.Barrier(4)

    def sleep(self, _seconds: float, _wake: threading.Event) -> None:
        self.all_four.wait(60)
        self.elapsed = 2


def test_a_pause_that_holds_back_several_workers_is_reported_once() -> None:
    found: list[str] = []
    clock = Together()

    def handler(_request: httpx.Request) -> httpx.Response:
        if clock.elapsed:
            return FINE
        clock.all_four.wait(60)
        return busy("2")

    connection = connect(handler, clock=clock, retry=FOUR, on_wait=lambda wait: found.append(str(wait)))
    with Reader(connection) as reader, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: reader.get(COLLECTION, {}), range(4)))
    assert found == ["429: waiting 2 s, attempt 2 of 4"]


def _limited() -> None:
    raise RateLimitedError(Failure("GET /", "slow down", 429, retry_after=30))


def test_the_later_of_two_pauses_applies(clock: FakeClock) -> None:
    with Reader(connect(Script(busy("30"), busy("5"), FINE), clock=clock, retry=FOUR)) as reader:
        reader.get(COLLECTION, {})
    assert clock.elapsed == 35


def test_an_error_outside_the_api_is_not_retried(clock: FakeClock) -> None:
    with (
        Reader(connect(Script(ZeroDivisionError()), clock=clock, retry=FOUR)) as reader,
        pytest.raises(ZeroDivisionError),
    ):
        reader.get(COLLECTION, {})
    assert clock.sleeps == []


def test_after_a_stop_a_failure_is_not_retried() -> None:
    stop = threading.Event()

    def interrupted(_request: httpx.Request) -> httpx.Response:
        stop.set()
        return httpx.Response(503)

    remote = connect(interrupted, stop=stop, retry=FOUR)
    with Writer(remote) as writer, pytest.raises(ServerFaultError) as raised:
        writer.update(Request("PATCH", COLLECTION, {}))
    assert raised.value.failure.attempts == 1


class InterruptedClock(FakeClock):
    """A clock during whose first sleep the run is interrupted."""

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        super().sleep(seconds, wake)
        wake.set()


@pytest.mark.parametrize("failure", [httpx.Response(503), busy("60")])
def test_an_interrupt_during_a_wait_prevents_the_next_attempt(failure: httpx.Response) -> None:
    remote = Script(failure)
    connection = connect(remote, clock=InterruptedClock(), retry=FOUR)
    with Writer(connection) as writer, pytest.raises(ApiError) as raised:
        writer.update(Request("PATCH", COLLECTION, {}))
    assert len(remote.requests) == 1
    assert raised.value.failure.attempts == 1


def test_an_interrupt_during_a_pause_prevents_the_request() -> None:
    clock = InterruptedClock()
    retrier = Retrier(RetryPolicy(attempts=1), clock, threading.Event(), SystemRandomness())
    with pytest.raises(RateLimitedError):
        retrier.call(_limited)
    with pytest.raises(StoppedError):
        retrier.call(lambda: pytest.fail("sent"))


def test_a_request_that_was_sent_once_is_never_reported_as_not_sent() -> None:
    class Disturbed(FakeClock):
        """A clock during whose first sleep another request is asked for a long pause."""

        def sleep(self, seconds: float, wake: threading.Event) -> None:
            super().sleep(seconds, wake)
            if len(self.sleeps) == 1:
                with pytest.raises(RateLimitedError):
                    writer.get("/other", {})

    def handler(request: httpx.Request) -> httpx.Response:
        return busy("500") if request.url.path == "/other" else httpx.Response(503)

    connection = connect(handler, clock=Disturbed(), retry=FOUR)
    with Writer(connection) as writer, pytest.raises(ServerFaultError) as raised:
        writer.update(Request("PATCH", COLLECTION, {}))
    assert raised.value.failure.attempts == 1


def test_an_interrupt_wakes_the_real_clock() -> None:
    wake = threading.Event()
    wake.set()
    began = SystemClock().monotonic()
    SystemClock().sleep(3600, wake)
    assert SystemClock().monotonic() - began < 3600


def test_the_real_clock_returns_times_in_utc() -> None:
    assert SystemClock().now().utcoffset() == dt.timedelta()
