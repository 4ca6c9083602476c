"""How requests authenticate: headers, a second one, basic, and access tokens that are fetched."""

from __future__ import annotations

import base64
import itertools
import re
import traceback
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from reconciler.api.address import binding, binding_fault, url_fault
from reconciler.api.reader import Connection, Reader
from reconciler.api.retry import RetryPolicy
from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.errors import (
    ApiError,
    ConfigurationError,
    InvalidResponseError,
    RateLimitedError,
    ServerFaultError,
    UnauthorizedError,
    UnreachableError,
)
from reconciler.model.configuration import Auth, AuthMethod, ClientAuth, TokenServer
from reconciler.model.endpoint import BaseUrl
from reconciler.model.request import Encoding, Request
from reconciler.model.secret import Secret
from tests.support import FakeClock, connect

BASE = "https://api.example.com"
TOKENS = "https://login.example.com/oauth/token"
TOKEN = "t0ken-of-the-api"
SECRET = "s3cret of+the client"
CLIENT = "the client"
OAUTH2 = Auth(AuthMethod.OAUTH2, server=TokenServer(TOKENS, ("keys:read", "keys:write"), "keys"))


def sent(auth: Auth, **settings: Any) -> httpx.Headers:
    """Return the headers of one request."""
    found: list[httpx.Headers] = []

    def handle(request: httpx.Request) -> httpx.Response:
        found.append(request.headers)
        return httpx.Response(200, json={})

    known = {"token": Secret(TOKEN), "base_url": BASE, "auth": auth}
    with Reader(connect(handle, **known | settings)) as reader:
        reader.get("/keys", {}, {"X-Api-Key": "of-the-kind", "X-Kind": "kind", "x-both": "kind"})
    (headers,) = found
    return headers


HEADERS: dict[str, tuple[Auth, dict[str, Any], dict[str, str]]] = {
    "a word before it": (Auth(scheme="token"), {}, {"Authorization": f"token {TOKEN}"}),
    "no word": (Auth(scheme=""), {}, {"Authorization": TOKEN}),
    "another header": (Auth(header="X-Api-Key", scheme=""), {}, {"X-Api-Key": TOKEN}),
    "two headers": (
        Auth(header="X-Api-Key", scheme="", second_header="X-App-Key"),
        {"second_token": Secret("second-token")},
        {"X-Api-Key": TOKEN, "X-App-Key": "second-token"},
    ),
    "basic": (
        Auth(AuthMethod.BASIC),
        {"token": Secret("user:pass:word")},
        {"Authorization": f"Basic {base64.b64encode(b'user:pass:word').decode()}"},
    ),
    "constants": (
        Auth(),
        {"constants": {"X-Version": "1", "X-Both": "api"}},
        {"X-Version": "1", "X-Both": "kind", "X-Kind": "kind", "Authorization": f"Bearer {TOKEN}"},
    ),
}


@pytest.mark.parametrize("name", HEADERS)
def test_requests_carry_the_tokens_in_the_headers_of_the_api(name: str) -> None:
    auth, settings, expected = HEADERS[name]
    headers = sent(auth, **settings)
    assert {header: headers.get_list(header) for header in expected} == {
        header: [value] for header, value in expected.items()
    }
    assert headers["Cache-Control"] == "no-cache"


def test_a_header_of_a_kind_does_not_replace_a_token() -> None:
    assert sent(Auth(header="x-api-key", scheme="")).get_list("X-Api-Key") == [TOKEN]


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (Auth(second_header="X-App-Key"), "there is no token for the header X-App-Key"),
        (Auth(AuthMethod.BASIC), "GCORE_API_KEY or the token file must be USER:PASSWORD"),
        (OAUTH2, "OAuth 2 needs the URL of the token server, and a client id"),
        (Auth(server=TokenServer("http://h/token")), "the token URL .* would send the token unencrypted"),
    ],
)
def test_a_missing_secret_is_an_error_before_anything_is_sent(auth: Auth, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        sent(auth)


@pytest.mark.parametrize(
    ("auth", "settings", "secret"),
    [
        (Auth(), {}, TOKEN),
        (Auth(second_header="X-App"), {"second_token": Secret("second-token")}, "second-token"),
        (Auth(AuthMethod.BASIC), {"token": Secret("user:a-password")}, "a-password"),
        (Auth(AuthMethod.BASIC), {"token": Secret("sk_live_key:")}, "sk_live_key"),
    ],
)
def test_a_response_that_holds_a_token_is_not_used(auth: Auth, settings: Any, secret: str) -> None:
    known = {"token": Secret(TOKEN), "base_url": BASE, "auth": auth} | settings
    connection = connect(lambda _: httpx.Response(200, json={"echo": secret}), **known)
    with Reader(connection) as reader, pytest.raises(InvalidResponseError) as refused:
        reader.get("/keys", {})
    assert secret not in str(refused.value)
    assert secret not in connection.redactor.text(f"it says {secret} here")


def test_a_refusal_names_where_the_token_is_set() -> None:
    connection = connect(
        lambda _: httpx.Response(401), base_url=BASE, token_setting="RECONCILER_TOKEN_api_example_com"
    )
    with Reader(connection) as reader, pytest.raises(UnauthorizedError, match="RECONCILER_TOKEN_api_exam"):
        reader.get("/keys", {})


# OAuth 2


class Remote:
    """An API and its token server, which gives out token-1, token-2, and so on."""

    def __init__(self, *responses: httpx.Response, lifetime: Any = 3600) -> None:
        self.requests: list[httpx.Request] = []
        self._responses = iter(responses)
        self._numbers = itertools.count(1)
        self._lifetime = lifetime
        self.valid: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host == "login.example.com":
            return next(self._responses, None) or self._token()
        assert SECRET not in str(request.headers)
        is_valid = request.headers["Authorization"].removeprefix("Bearer ") in self.valid
        return httpx.Response(200 if is_valid else 401, json={})

    def _token(self) -> httpx.Response:
        token = f"access-token-{next(self._numbers)}"
        self.valid.add(token)
        lifetime = {} if self._lifetime is None else {"expires_in": self._lifetime}
        return httpx.Response(200, json={"access_token": token, "token_type": "bearer", **lifetime})

    @property
    def fetches(self) -> list[httpx.Request]:
        return [request for request in self.requests if request.url.host == "login.example.com"]

    def connection(self, auth: Auth = OAUTH2, **settings: Any) -> Connection:
        known = {"token": Secret(SECRET), "client_id": Secret(CLIENT), "base_url": BASE, "auth": auth}
        return connect(self, **known | settings)


def test_one_token_serves_many_requests_until_shortly_before_its_end() -> None:
    remote, clock = Remote(lifetime=1000), FakeClock()
    with Reader(remote.connection(clock=clock)) as reader:
        for seconds in (0, 500, 939):
            clock.elapsed = float(seconds)
            reader.get("/keys", {})
        assert len(remote.fetches) == 1
        clock.elapsed = 941.0
        reader.get("/keys", {})
    assert len(remote.fetches) == 2


def test_threads_share_one_token() -> None:
    remote = Remote()
    with Reader(remote.connection()) as reader, Workers(8) as workers:
        futures = [workers.submit(reader.get, "/keys", {}) for _ in range(40)]
        assert [future.result() for future in futures] == [{}] * 40
        remote.valid.clear()
        futures = [workers.submit(reader.get, "/keys", {}) for _ in range(40)]
        assert [future.result() for future in futures] == [{}] * 40
    assert len(remote.fetches) == 2


def test_a_short_life_is_used_but_for_a_tenth() -> None:
    remote, clock = Remote(lifetime=10), FakeClock()
    with Reader(remote.connection(clock=clock)) as reader:
        for seconds in (0.0, 8.9, 9.1):
            clock.elapsed = seconds
            reader.get("/keys", {})
    assert len(remote.fetches) == 2


@pytest.mark.parametrize("lifetime", [None, "soon", True])
def test_a_token_without_a_life_is_used_until_it_is_refused(lifetime: Any) -> None:
    remote, clock = Remote(lifetime=lifetime), FakeClock()
    with Reader(remote.connection(clock=clock)) as reader:
        reader.get("/keys", {})
        clock.elapsed = 1e9
        reader.get("/keys", {})
        assert len(remote.fetches) == 1
        remote.valid.clear()
        reader.get("/keys", {})
    assert len(remote.fetches) == 2


def test_a_refused_token_is_renewed_once() -> None:
    remote = Remote()
    with Writer(remote.connection()) as writer:
        writer.get("/keys", {})
        remote.valid.clear()
        request = Request("PATCH", "/keys/a", {"a": 1}, Encoding.JSON)
        assert writer.update(request) == {}
    patches = [one for one in remote.requests if one.method == "PATCH"]
    assert [one.headers["Authorization"] for one in patches] == [
        "Bearer access-token-1",
        "Bearer access-token-2",
    ]
    assert [one.content for one in patches] == [b'{"a":1}'] * 2


def test_a_token_that_is_always_refused_ends_with_401_after_two_attempts() -> None:
    remote = Remote()
    remote.valid = Refusing()
    with Reader(remote.connection()) as reader, pytest.raises(UnauthorizedError):
        reader.get("/keys", {})
    assert [request.url.host for request in remote.requests] == [
        *("login.example.com", "api.example.com"),
        *("login.example.com", "api.example.com"),
    ]


class Refusing(set[str]):
    """A set that stays empty."""

    def add(self, _value: str, /) -> None:
        """Store nothing."""


def test_the_client_authenticates_in_the_header_each_part_encoded() -> None:
    remote = Remote()
    with Reader(remote.connection()) as reader:
        reader.get("/keys", {})
    (fetch,) = remote.fetches
    login = base64.b64decode(fetch.headers["Authorization"].removeprefix("Basic ")).decode()
    assert login == "the+client:s3cret+of%2Bthe+client"
    assert parse_qs(fetch.content.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["keys:read keys:write"],
        "audience": ["keys"],
    }
    assert fetch.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_the_client_may_authenticate_in_the_body() -> None:
    remote = Remote()
    auth = Auth(AuthMethod.OAUTH2, server=TokenServer(f"{TOKENS}/", client_auth=ClientAuth.POST))
    with Reader(remote.connection(auth)) as reader:
        reader.get("/keys", {})
    (fetch,) = remote.fetches
    assert str(fetch.url) == f"{TOKENS}/"
    assert "Authorization" not in fetch.headers
    assert parse_qs(fetch.content.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": [CLIENT],
        "client_secret": [SECRET],
    }


REFUSED: dict[str, tuple[httpx.Response, type[ApiError], str]] = {
    "invalid client": (
        httpx.Response(400, json={"error": "invalid_client", "error_description": "no such client"}),
        UnauthorizedError,
        "invalid_client: no such client; check GCORE_API_KEY",
    ),
    "not found": (httpx.Response(404), UnauthorizedError, "Not Found"),
    "redirect": (
        httpx.Response(302, headers={"Location": "https://evil.example.com/"}),
        UnauthorizedError,
        "redirected, which is refused",
    ),
    "not JSON": (httpx.Response(200, text="<html>"), UnauthorizedError, "not that of a bearer token"),
    "another type": (
        httpx.Response(200, json={"access_token": "a", "token_type": "mac"}),
        UnauthorizedError,
        "not that of a bearer token",
    ),
    "a token with a line break": (
        httpx.Response(200, json={"access_token": "a\r\nX: b"}),
        UnauthorizedError,
        "contains a character that is invalid in a token",
    ),
    "overloaded": (httpx.Response(503), ServerFaultError, "Service Unavailable"),
    "too many": (httpx.Response(429, headers={"Retry-After": "7"}), RateLimitedError, "Too Many Requests"),
    "too large": (httpx.Response(200, content=b" " * 2**21), UnauthorizedError, "larger than 1 MiB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_without_a_token_a_write_is_not_sent_and_not_in_doubt(name: str) -> None:
    response, kind, text = REFUSED[name]
    remote = Remote(response)
    with Writer(remote.connection()) as writer, pytest.raises(kind, match=text) as refused:
        writer.update(Request("PATCH", "/keys/a", {}, Encoding.JSON))
    assert [request.url.host for request in remote.requests] == ["login.example.com"]
    assert not refused.value.failure.in_doubt
    assert SECRET not in str(refused.value)


def test_a_token_server_that_is_away_leaves_nothing_in_doubt() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    connection = connect(handle, base_url=BASE, auth=OAUTH2, client_id=Secret(CLIENT), token=Secret(SECRET))
    with Writer(connection) as writer, pytest.raises(UnreachableError) as failed:
        writer.update(Request("PATCH", "/keys/a", {}, Encoding.JSON))
    assert (failed.value.failure.in_doubt, failed.value.failure.request) == (False, f"POST {TOKENS}")


def test_a_failure_of_the_token_server_is_tried_again() -> None:
    remote = Remote(httpx.Response(503), httpx.Response(503))
    with Reader(remote.connection(retry=RetryPolicy(attempts=3))) as reader:
        assert reader.get("/keys", {}) == {}
    assert len(remote.fetches) == 3


def test_an_error_that_repeats_secrets_is_redacted() -> None:
    texts = httpx.Response(400, json={"error": f"bad {SECRET}"})
    with Reader(Remote(texts).connection()) as reader, pytest.raises(UnauthorizedError) as refused:
        reader.get("/keys", {})
    assert SECRET not in str(refused.value)


def test_an_access_token_is_redacted_and_no_response_may_hold_it() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        is_fetch = request.url.host == "login.example.com"
        return httpx.Response(200, json={"access_token" if is_fetch else "echo": "access-token-1"})

    connection = connect(handle, base_url=BASE, auth=OAUTH2, client_id=Secret(CLIENT), token=Secret(SECRET))
    with Reader(connection) as reader, pytest.raises(InvalidResponseError, match="contains the token"):
        reader.get("/keys", {})
    assert "access-token-1" not in connection.redactor.text("it was access-token-1")


@pytest.mark.parametrize("host", ["api.example.com", "login.example.com"])
def test_a_crash_shows_neither_token_nor_secret(host: str) -> None:
    remote = Remote()

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.host == host:
            raise ZeroDivisionError
        return remote(request)

    connection = remote.connection(transport=httpx.MockTransport(handle))
    with Reader(connection) as reader, pytest.raises(ZeroDivisionError) as crash:
        reader.get("/keys", {})
    shown = traceback.TracebackException.from_exception(crash.value, capture_locals=True)
    text = "".join(line for line in shown.format() if "tests/" not in line)
    encoded = base64.b64encode(b"the+client:s3cret").decode()[:20]
    assert [secret for secret in (SECRET, "access-token-1", encoded) if secret in text] == []


# Tokens are bound to hosts


BINDINGS = {
    "https://api.github.com": "api_github_com",
    "https://API.GitHub.com:443/v3/": "api_github_com",
    "https://my-api.example.com": "my__api_example_com",
    "https://xn--bcher-kva.example": "xn____bcher__kva_example",
    "https://gitea.example.com:3000/api/v1": "gitea_example_com___3000",
    "http://localhost:8080": "localhost___8080",
    "http://127.0.0.1:80": "127_0_0_1",
}


@pytest.mark.parametrize("url", BINDINGS)
def test_a_host_has_one_name_in_variables(url: str) -> None:
    assert binding(BaseUrl(url)) == BINDINGS[url]


@pytest.mark.parametrize("host", ["a_b", "[::1]", "a.example.com.", "-a", "a-.b", "a..b"])
def test_a_host_without_such_a_name_is_refused(host: str) -> None:
    url = BaseUrl(f"https://{host}")
    assert "cannot be part of the name of a variable" in binding_fault(url)
    with pytest.raises(ConfigurationError, match="cannot be part of the name"):
        binding(url)


def short_places() -> set[BaseUrl]:
    """Return all addresses whose host has up to six characters, each with and without a port."""
    texts = ("".join(text) for size in range(1, 7) for text in itertools.product("a1-.", repeat=size))
    labels = r"[a1]([a1-]*[a1])?"
    hosts = [text for text in texts if re.fullmatch(rf"{labels}(\.{labels})*", text) and "a" in text]
    return {BaseUrl(f"https://{host}{port}") for host in hosts for port in ("", ":1", ":11")}


def test_no_two_places_have_the_same_name() -> None:
    places = short_places()
    assert len({binding(place) for place in places}) == len(places) > 2000


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://h", ""),
        ("http://127.0.0.1:1", ""),
        ("http://h", "it would send the token unencrypted"),
        ("https://u:pass@h", "it holds a user name or password"),
        ("ftp://h", "it has no scheme and host"),
    ],
)
def test_an_address_to_which_no_token_may_go_is_faulty(url: str, fault: str) -> None:
    assert url_fault(url).startswith(fault)
    assert bool(url_fault(url)) == bool(fault)
    assert "pass@" not in url_fault(url)
