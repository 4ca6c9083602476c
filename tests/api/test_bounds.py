"""An exchange ends, however slowly, lengthily or densely the other side writes."""

from __future__ import annotations

import itertools
import threading
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from reconciler import errors
from reconciler.api.reader import Connection, Reader
from reconciler.api.writer import Writer
from reconciler.model.request import Request
from reconciler.model.system import SystemClock
from tests.support import COLLECTION, FakeClock, Script, connect, dripping, http_bytes, raw_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\n"


def short(url: str, **settings: Any) -> Connection:
    """Connect with time-outs of tenths of a second: 0.4 for a head, 0.9 for all."""
    times = {"connect_timeout": 0.2, "read_timeout": 0.2, "clock": SystemClock()}
    return connect(Script(), **{"base_url": url, "transport": None} | times | settings)


def long(url: str, clock: FakeClock) -> Connection:
    """Connect with time-outs of that clock: 20 s for a head, 45 for all."""
    return short(url, connect_timeout=10, read_timeout=10, clock=clock)


def passing(clock: FakeClock, parts: Iterable[bytes]) -> Callable[[], Iterator[bytes]]:
    """Move the client's clock by 2.5 s before each part: the speed of the machine does not matter then."""

    def moved() -> Iterator[bytes]:
        for part in parts:
            clock.elapsed += 2.5
            yield part

    return moved


def lines() -> Iterator[bytes]:
    yield HEAD
    yield from (f"X-{number}: 1\r\n".encode() for number in itertools.count())


def letters() -> Iterator[bytes]:
    yield HEAD
    yield from itertools.repeat(b"X")


def interim(status: str) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.repeat(f"HTTP/1.1 {status}\r\n\r\n".encode())


def body() -> Iterator[bytes]:
    yield HEAD + b"\r\n"
    yield from itertools.repeat(b" ")


ENDLESS = {
    "lines of a head": (lines, "the head of the response does not end"),
    "letters of a head": (letters, "the head of the response does not end"),
    "100 Continue": (interim("100 Continue"), "the head of the response does not end"),
    "103 Early Hints": (interim("103 Early Hints"), "the head of the response does not end"),
    "a body": (body, "the response does not end"),
}


CALLS: dict[str, Callable[[Writer], object]] = {
    "get": lambda writer: writer.get(COLLECTION, {}),
    "update": lambda writer: writer.update(Request("PATCH", COLLECTION, {})),
}


@pytest.mark.parametrize(("parts", "reason"), ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_response_that_does_not_end_times_out(
    parts: Callable[[], Iterator[bytes]], reason: str, call: Callable[[Writer], object]
) -> None:
    clock = FakeClock()
    with (
        dripping(passing(clock, parts()), pause=0.001) as url,
        Writer(long(url, clock)) as writer,
        pytest.raises(errors.UnreachableError, match=f"timed out: {reason}") as raised,
    ):
        call(writer)
    assert raised.value.failure.in_doubt


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_response_that_does_not_start_times_out(call: Callable[[Writer], object]) -> None:
    with (
        dripping(lambda: iter(())) as url,
        Writer(short(url)) as writer,
        pytest.raises(errors.UnreachableError, match="timed out: nothing came") as raised,
    ):
        call(writer)
    assert raised.value.failure.in_doubt


def test_endless_interim_responses_exceed_the_header_limit() -> None:
    many = interim("100 Continue")
    with (
        dripping(
            lambda: (b"".join(itertools.islice(many(), 10_000)) for _ in itertools.count()), pause=0
        ) as url,
        Reader(short(url, read_timeout=20)) as reader,
        pytest.raises(errors.UnreachableError, match="the head of the response is larger than 1 MiB"),
    ):
        reader.get(COLLECTION, {})


def test_a_body_has_a_longer_timeout_than_the_headers() -> None:
    clock = FakeClock()
    parts = passing(clock, [http_bytes(b"", length=12), *(bytes([letter]) for letter in b'{"a": "bcd"}')])
    with (
        dripping(parts, pause=0.001) as url,
        Reader(long(url, clock)) as reader,
    ):
        assert reader.get(COLLECTION, {}) == {"a": "bcd"}


def test_a_server_that_does_not_read_times_out() -> None:
    with (
        dripping(lambda: iter(()), is_reading=False) as url,
        Writer(short(url)) as writer,
        pytest.raises(errors.UnreachableError, match="timed out"),
    ):
        writer.update(Request("PATCH", COLLECTION, {"description": "x" * 2**24}))


def test_a_tls_handshake_that_does_not_end_times_out() -> None:
    trickle = itertools.repeat(b"\x16")
    with (
        dripping(lambda: trickle) as url,
        Reader(short(url.replace("http", "https"))) as reader,
        pytest.raises(errors.UnreachableError, match=r"timed out|TLS") as raised,
    ):
        reader.get(COLLECTION, {})
    assert not raised.value.failure.in_doubt


@pytest.mark.parametrize("parts", [lines, body, lambda: iter(())], ids=["a head", "a body", "silence"])
def test_a_pending_read_ends_when_the_run_is_stopped(parts: Callable[[], Iterator[bytes]]) -> None:
    stop = threading.Event()
    timer = threading.Timer(0.1, stop.set)
    with dripping(parts) as url, Reader(short(url, read_timeout=60, stop=stop)) as reader:
        timer.start()
        with pytest.raises(errors.StoppedError, match="interrupted"):
            reader.get(COLLECTION, {})
    timer.join()


def test_a_write_in_flight_completes_after_the_run_is_stopped() -> None:
    stop = threading.Event()

    def parts() -> Iterator[bytes]:
        stop.set()
        yield HEAD
        yield b"Content-Length: 2\r\n\r\n{}"

    with dripping(parts) as url, Writer(short(url, stop=stop, read_timeout=60)) as writer:
        assert writer.update(Request("PATCH", COLLECTION, {})) == {}


def test_a_read_that_resolves_a_write_completes_after_a_stop() -> None:
    stop = threading.Event()

    def parts() -> Iterator[bytes]:
        stop.set()
        yield http_bytes(b"{}")

    with dripping(parts) as url, Reader(short(url, stop=stop, read_timeout=60)) as reader:
        assert reader.read_back(COLLECTION, {}) == {}


def gzip(content: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return packer.compress(content) + packer.flush()


def encoded(content: bytes, *headers: str) -> str | object:
    """Return what the client makes of an encoded response: its value, or the message of the error."""
    with (
        raw_server(http_bytes(content, "200 OK", None, *headers)) as server,
        Reader(short(server.url, read_timeout=20)) as reader,
    ):
        try:
            value: object = reader.get(COLLECTION, {})
        except errors.InvalidResponseError as error:
            return str(error)
        assert b"\r\nAccept-Encoding: identity\r\n" in server.heads[0]
        return value


@pytest.mark.parametrize(
    ("content", "coding"),
    [
        (b"{}", "identity"),
        (b"{}", ""),
        (gzip(b"{}"), "gzip"),
        (gzip(b"{}"), "X-GZIP, identity"),
        (zlib.compress(b"{}"), "deflate"),
    ],
)
def test_an_unrequested_single_content_encoding_is_accepted(content: bytes, coding: str) -> None:
    assert encoded(content, f"Content-Encoding: {coding}") == {}


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Encoding: gzip, gzip"],
        ["Content-Encoding: gzip", "Content-Encoding: gzip"],
        ["Content-Encoding: br"],
        ["Content-Encoding: gzip,deflate,gzip"],
    ],
)
def test_stacked_and_unknown_content_encodings_are_refused_without_reading(headers: list[str]) -> None:
    bomb = gzip(gzip(bytes(2**24)))
    assert "cannot be decoded: it has a content coding that was not asked for" in str(encoded(bomb, *headers))


def test_the_size_limit_applies_to_the_decoded_response() -> None:
    assert "larger than 64 MiB" in str(encoded(gzip(bytes(2**27)), "Content-Encoding: gzip"))


@pytest.mark.parametrize("content", [gzip(b"{}")[:-4], gzip(b"{}") + b"x", gzip(b"{}") * 2, b"", b"{}"])
def test_a_truncated_or_padded_compressed_body_is_refused(content: bytes) -> None:
    assert "cannot be decoded: " in str(encoded(content, "Content-Encoding: gzip"))
