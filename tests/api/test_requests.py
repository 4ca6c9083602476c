"""What the client sends."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.exchange import Exchange
from reconciler.api.http_client import PLAIN_ADDRESS
from reconciler.api.reader import Connection, Reader
from reconciler.api.writer import Writer
from reconciler.errors import ApiError, ConfigurationError, RejectedError
from reconciler.model.endpoint import BaseUrl
from reconciler.model.request import Request
from reconciler.model.secret import Secret
from reconciler.model.system import SystemRandomness
from tests.support import (
    COLLECTION,
    EMPTY_LIST,
    ONCE,
    TOKEN,
    FakeClock,
    Script,
    connect,
    http_bytes,
    raw_server,
)


@pytest.fixture
def remote() -> Script:
    return Script(httpx.Response(200, json=EMPTY_LIST))


def test_the_token_is_sent_as_an_apikey(remote: Script) -> None:
    with Reader(connect(remote)) as reader:
        reader.get(COLLECTION, {})
    assert remote.requests[0].headers.get_list("Authorization") == [f"apikey {TOKEN}"]


def test_every_request_has_a_user_agent_and_accepts_json(remote: Script) -> None:
    with Reader(connect(remote, user_agent="gcore-reconciler/9")) as reader:
        reader.get(COLLECTION, {})
    headers = remote.requests[0].headers
    assert (headers["User-Agent"], headers["Accept"]) == ("gcore-reconciler/9", "application/json")


def test_the_time_outs_are_those_of_the_connection(remote: Script) -> None:
    with Reader(connect(remote, connect_timeout=1.5, read_timeout=7)) as reader:
        reader.get(COLLECTION, {})
    timeouts = remote.requests[0].extensions["timeout"]
    assert (timeouts["connect"], timeouts["read"]) == (1.5, 7)


def test_parameters_go_into_the_query_and_a_get_has_no_body(remote: Script) -> None:
    with Reader(connect(remote)) as reader:
        assert reader.get(COLLECTION, {"limit": 1000, "offset": 20}) == EMPTY_LIST
    sent = remote.requests[0]
    assert (sent.method, sent.url.raw_path) == ("GET", f"{COLLECTION}?limit=1000&offset=20".encode())
    assert sent.content == b""
    assert "Content-Type" not in sent.headers


@pytest.mark.parametrize("text", ["café", "\N{SNOWMAN}", "\ud800"])
def test_a_patch_carries_compact_json_that_needs_no_encoding(remote: Script, text: str) -> None:
    body = {"description": text, "expire": None}
    with Writer(connect(remote)) as writer:
        writer.update(Request("PATCH", f"{COLLECTION}/web", body))
    sent = remote.requests[0]
    assert json.loads(sent.content) == body
    assert (sent.content.isascii(), b" " in sent.content) == (True, False)
    assert sent.headers["Content-Type"] == "application/json"


def test_a_percent_encoded_name_is_not_encoded_again(remote: Script) -> None:
    with Writer(connect(remote)) as writer:
        writer.update(Request("PATCH", f"{COLLECTION}/a%2Fb%20c", {}))
    assert remote.requests[0].url.raw_path == f"{COLLECTION}/a%2Fb%20c".encode()


@pytest.mark.parametrize(
    ("base_url", "sent"),
    [
        ("http://127.0.0.1", COLLECTION),
        ("http://127.0.0.1/", COLLECTION),
        ("http://127.0.0.1/proxy", f"/proxy{COLLECTION}"),
        ("http://127.0.0.1/proxy/", f"/proxy{COLLECTION}"),
    ],
)
def test_the_base_url_may_have_a_path_and_a_trailing_slash(remote: Script, base_url: str, sent: str) -> None:
    with Reader(connect(remote, base_url=base_url)) as reader:
        reader.get(COLLECTION, {})
    assert remote.requests[0].url.path == sent


@pytest.mark.parametrize(
    "base_url",
    [
        "https://xn--a",
        "https://xn--a.example.com",
        "https://1.2.3.999",
        "https://\N{SNOWMAN}",
        "https://h\x7f",
        "http://[::1]evil",
    ],
)
def test_a_base_url_that_http_cannot_use_is_a_configuration_error(remote: Script, base_url: str) -> None:
    with pytest.raises(ConfigurationError, match="base URL"):
        Reader(connect(remote, base_url=base_url))
    assert not remote.requests


@given(st.from_regex(PLAIN_ADDRESS.pattern, fullmatch=True))
def test_an_address_that_is_not_asked_for_is_one_of_httpx(address: str) -> None:
    assert httpx.URL(address).host


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_the_token_is_not_forwarded(status: int) -> None:
    with raw_server(http_bytes(b"{}")) as elsewhere:
        remote = Script(httpx.Response(status, headers={"Location": f"{elsewhere.url}/take"}))
        with (
            Reader(connect(remote)) as reader,
            pytest.raises(RejectedError, match=r"redirected to .*/take") as raised,
        ):
            reader.get(COLLECTION, {})
        assert elsewhere.heads == []
    assert raised.value.failure.status == status
    assert len(remote.requests) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (302, "HTTP 302: Found"),
        (300, "HTTP 300: Multiple Choices"),
        (304, "HTTP 304: Not Modified; a cache sent it, although the request was not conditional"),
    ],
)
def test_a_3xx_status_without_a_location_is_reported_by_its_status(status: int, said: str) -> None:
    with Reader(connect(Script(httpx.Response(status)))) as reader, pytest.raises(RejectedError) as raised:
        reader.get(COLLECTION, {})
    assert said in str(raised.value)
    assert "redirect" not in str(raised.value)


def test_a_proxy_is_not_used_for_loopback() -> None:
    with raw_server(http_bytes(b'{"from": "proxy"}')) as proxy, raw_server(http_bytes(b"{}")) as server:
        environment = {"HTTP_PROXY": proxy.url, "ALL_PROXY": proxy.url}
        connection = connect(Script(), base_url=server.url, transport=None, environment=environment)
        with Reader(connection) as reader:
            assert reader.get(COLLECTION, {}) == {}
        assert proxy.heads == []


def test_each_exchange_is_reported_with_its_status_and_duration_but_no_header(clock: FakeClock) -> None:
    message: list[Exchange] = []

    def slow(_request: httpx.Request) -> httpx.Response:
        clock.sleep(0.25, threading.Event())
        return httpx.Response(200, json=EMPTY_LIST)

    with Reader(connect(slow, clock=clock, on_exchange=message.append)) as reader:
        reader.get(COLLECTION, {"limit": 5})
    assert message == [Exchange("GET", f"{COLLECTION}?limit=5", 0.25, 200, "gcore")]


def test_an_exchange_without_a_response_has_no_status() -> None:
    message: list[Exchange] = []
    with (
        Reader(connect(Script(httpx.ReadError("")), on_exchange=message.append)) as reader,
        pytest.raises(ApiError),
    ):
        reader.get(COLLECTION, {})
    assert [exchange.status for exchange in message] == [None]


def test_each_thread_has_its_own_connection() -> None:
    together = threading.Barrier(3)
    with raw_server(http_bytes(b"{}")) as server:

        def work(_number: int) -> object:
            together.wait(timeout=60)
            return reader.get(COLLECTION, {})

        connection = connect(Script(), base_url=server.url, transport=None)
        with Reader(connection) as reader, ThreadPoolExecutor(3) as pool:
            assert list(pool.map(work, range(3))) == [{}, {}, {}]


def test_a_reader_is_closed_when_its_context_exits(remote: Script) -> None:
    with Reader(connect(remote)) as reader:
        reader.get(COLLECTION, {})
    with pytest.raises(RuntimeError, match="closed"):
        reader.get(COLLECTION, {})


def test_the_defaults_are_those_of_the_command_line() -> None:
    connection = Connection(
        "test", FakeClock(), SystemRandomness(), base_url=BaseUrl("https://h"), token=Secret(TOKEN)
    )
    assert (connection.connect_timeout, connection.read_timeout) == (5, 30)
    assert connection.retry.attempts > ONCE.attempts
