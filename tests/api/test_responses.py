"""What the client makes of responses: errors by meaning, never "no keys"."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
import threading
import zlib
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import errors
from reconciler.api.failures import unreachable
from reconciler.api.reader import Reader
from reconciler.api.redaction import Redactor
from reconciler.api.retry import RetryPolicy
from reconciler.api.writer import Writer
from reconciler.model.request import Request
from reconciler.model.secret import Secret
from tests.support import (
    COLLECTION,
    TOKEN,
    FakeClock,
    Handler,
    Script,
    connect,
    http_bytes,
    raw_server,
    unused_port,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUEST_ID = "af99a1"
REFUSAL = {"exception_class": "SomeError", "message": "Because.", "request_id": REQUEST_ID}
BY_STATUS = {
    400: errors.RejectedError,
    401: errors.UnauthorizedError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    405: errors.NoSuchMethodError,
    408: errors.TimedOutError,
    409: errors.ConflictError,
    418: errors.RejectedError,
    422: errors.RejectedError,
    429: errors.RateLimitedError,
    500: errors.ServerFaultError,
    502: errors.ServerFaultError,
    503: errors.ServerFaultError,
    599: errors.ServerFaultError,
}
BODIES: dict[str, tuple[Any, str]] = {
    "documented": (REFUSAL, "Because. (SomeError, request_id af99a1)"),
    "without request_id": ({"exception_class": "SomeError", "message": "Because."}, "Because. (SomeError)"),
    "detail and code": ({"detail": "No.", "code": "not_authenticated"}, "No. (not_authenticated)"),
    "detail that is no text": ({"detail": [{"loc": 1}], "code": 7}, "Bad Gateway"),
    "empty message": ({"message": ""}, "Bad Gateway"),
    "fields": ({"message": "No.", "invalid_fields": {"a": ["x"], "b": []}}, "No. (fields: a, b)"),
    "fields that are a list": ({"message": "No.", "invalid_fields": ["a"]}, "No."),
    "a list": ([1, 2], "Bad Gateway"),
    "a number": (7, "Bad Gateway"),
    "HTML": (b"<html><h1>502</h1></html>", "Bad Gateway"),
    "nothing": (b"", "Bad Gateway"),
    "not UTF-8": (b"\xff\xfe\xff", "Bad Gateway"),
    "too deep": (b"[" * 100_000, "Bad Gateway"),
}


def fail(handler: Handler, **settings: Any) -> errors.Failure:
    """Return the failure of a GET."""
    with Reader(connect(handler, **settings)) as reader, pytest.raises(errors.ApiError) as raised:
        reader.get(COLLECTION, {})
    assert TOKEN not in str(raised.value)
    return raised.value.failure


def fail_against(url: str, kind: type[errors.ApiError], **settings: Any) -> str:
    """Return the error message of a GET over a socket."""
    settings = {"base_url": url, "transport": None} | settings
    with Reader(connect(Script(), **settings)) as reader, pytest.raises(kind) as raised:
        reader.get(COLLECTION, {})
    assert type(raised.value) is kind
    return str(raised.value)


@pytest.mark.parametrize(("status", "kind"), BY_STATUS.items())
def test_each_error_status_is_reported_with_its_meaning(status: int, kind: type[errors.ApiError]) -> None:
    response = httpx.Response(status, json=REFUSAL)
    with Reader(connect(Script(response))) as reader, pytest.raises(errors.ApiError) as raised:
        reader.get(COLLECTION, {})
    assert type(raised.value) is kind
    assert f"GET {COLLECTION}: HTTP {status}: Because. (SomeError, request_id af99a1)" in str(raised.value)


@pytest.mark.parametrize(("body", "said"), BODIES.values(), ids=BODIES)
def test_an_error_body_of_any_structure_is_accepted(body: Any, said: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    failure = fail(Script(httpx.Response(502, content=content)))
    assert str(failure) == f"GET {COLLECTION}: HTTP 502: {said}"


def test_an_unknown_status_without_a_body_is_reported_by_number() -> None:
    assert str(fail(Script(httpx.Response(599)))) == f"GET {COLLECTION}: HTTP 599: no reason given"


def test_a_huge_error_body_is_cut_short() -> None:
    response = httpx.Response(400, json=dict.fromkeys(REFUSAL, "x" * 10**6))
    assert len(str(fail(Script(response)))) < 1200


@pytest.mark.parametrize(("status", "hint"), [(401, "GCORE_API_KEY"), (403, "permission"), (404, "base URL")])
def test_an_error_names_its_remedy(status: int, hint: str) -> None:
    assert hint in str(fail(Script(httpx.Response(status))))


LIMITS = [
    {
        "exception_class": "ForbiddenError",
        "message": "The region 6 has reached the limit of flavor g1-standard-2-4",
    },
    {"exception_class": "QuotaLimitExceed", "message": "No."},
    {"code": "quota_exceeded"},
    {"message": "Limit of keys exceeded"},
    {"detail": "the maximum number of keys is 50"},
    {"message": "not enough free capacity"},
]
PERMISSIONS = [
    {"message": "permission denied"},
    {"message": "You do not have permission to see this quota."},
    {"message": "Access denied"},
    {},
]


@pytest.mark.parametrize("body", LIMITS)
@pytest.mark.parametrize("status", [400, 403, 409, 422])
def test_a_reached_limit_is_not_reported_as_a_missing_permission(status: int, body: dict[str, str]) -> None:
    failure = fail(Script(httpx.Response(status, json=body)))
    assert failure.hint == "a quota or a limit is reached: ask for a higher one, or delete unneeded keys"


@pytest.mark.parametrize("body", PERMISSIONS)
def test_a_missing_permission_is_not_reported_as_a_limit(body: dict[str, str]) -> None:
    assert fail(Script(httpx.Response(403, json=body))).hint == "the token may lack the permission to read it"


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_refused_update_names_the_permission_whatever_its_method(method: str) -> None:
    with (
        Writer(connect(Script(httpx.Response(403, json={})))) as writer,
        pytest.raises(errors.ApiError) as raised,
    ):
        writer.update(Request(method, COLLECTION, {}))
    assert raised.value.failure.hint.startswith("the token may lack the permission to change it")


def test_a_rate_limit_is_not_a_quota_and_a_partial_listing_is_not_a_listing() -> None:
    assert fail(Script(httpx.Response(429, json={"message": "Rate limit exceeded"}))).hint == ""
    assert "only a part of the requested one" in str(fail(Script(httpx.Response(206, json={"count": 0}))))


@pytest.mark.parametrize("member", ["message", "exception_class", "request_id", "invalid_fields"])
def test_a_token_that_the_service_sends_back_is_not_shown(member: str) -> None:
    value: object = {TOKEN: ["bad"]} if member == "invalid_fields" else f"Bad token: {TOKEN}"
    failure = fail(Script(httpx.Response(401, json={member: value})))
    assert TOKEN not in str(failure)


def test_a_token_in_the_target_of_a_redirect_is_not_shown() -> None:
    failure = fail(Script(httpx.Response(302, headers={"Location": f"https://evil/{TOKEN}"})))
    assert "https://evil/" in str(failure)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Welcome to the captive portal</html>",
        b"",
        b"{",
        b'{"count": 0, "results": []} trailing',
        b'{"count": NaN, "results": []}',
        b'{"count": Infinity}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
    ids=["HTML", "empty", "cut", "trailing", "NaN", "Infinity", "deep", "not UTF-8"],
)
def test_a_success_that_is_not_json_is_an_invalid_response(body: bytes) -> None:
    response = httpx.Response(200, content=body, headers={"Content-Type": "text/html"})
    with Reader(connect(Script(response))) as reader, pytest.raises(errors.InvalidResponseError) as raised:
        reader.get(COLLECTION, {})
    message = str(raised.value)
    assert f"HTTP 200: the response is not JSON (text/html, {len(body)} bytes)" in message
    assert len(message) < 300


@pytest.mark.parametrize("filling", ["", "x" * 100_000])
def test_a_success_with_a_duplicate_member_is_reported(filling: str) -> None:
    body = f'{{"count": 0, "results": [], "filling": "{filling}", "other": {{"a": 1, "a": 1}}}}'
    shown = str(fail(Script(httpx.Response(200, text=body))))
    assert "HTTP 200: the response has a duplicate member in an object, so it is ambiguous" in shown


def test_a_success_without_content_is_an_invalid_response() -> None:
    assert "no content type, 0 bytes" in str(fail(Script(httpx.Response(204))))


def test_a_token_in_a_response_that_is_not_json_is_not_shown() -> None:
    shown = str(fail(Script(httpx.Response(200, content=f"Hello {TOKEN}".encode()))))
    assert "the response contains the token, so it is discarded" in shown
    assert TOKEN not in shown


def test_a_truncated_body_is_an_unreachable_server_and_not_a_short_list() -> None:
    with raw_server(http_bytes(b'{"count": 0, "results": []}', length=1000)) as server:
        assert "without sending complete message body" in fail_against(server.url, errors.UnreachableError)


def test_a_response_that_is_not_http_is_an_unreachable_server() -> None:
    with raw_server(b"SSH-2.0-OpenSSH_9.9\r\n") as server:
        assert "no response" in fail_against(server.url, errors.UnreachableError)


def test_a_server_that_closes_the_connection_is_an_unreachable_server() -> None:
    with raw_server(b"") as server:
        assert "Server disconnected" in fail_against(server.url, errors.UnreachableError)


def test_a_connection_that_is_reset_is_an_unreachable_server() -> None:
    with raw_server(None) as server:
        assert "no response" in fail_against(server.url, errors.UnreachableError)


def test_a_connection_that_is_refused_is_an_unreachable_server() -> None:
    with unused_port() as port:
        message = fail_against(f"http://127.0.0.1:{port}", errors.UnreachableError)
    assert "no response: Connection refused; check" in message
    assert message.endswith("check the address and the network")


@pytest.mark.parametrize("token", ["n", "refused"])
def test_a_reason_of_the_system_is_not_cut_up_by_a_token_of_few_letters(token: str) -> None:
    with unused_port() as port:
        message = fail_against(f"http://127.0.0.1:{port}", errors.UnreachableError, token=Secret(token))
    assert "no response: Connection refused; check" in message


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("[Errno -2] Name or service not known", "no response: Name or service not known"),
        ("[SSL: BAD_SIGNATURE] bad signature (_ssl.c:1007)", "no response: bad signature"),
        ("a text [Errno 1] of somebody", "no response: a text [Errno 1] of somebody"),
    ],
)
def test_numbers_and_source_code_of_the_system_are_not_shown(said: str, shown: str) -> None:
    assert unreachable("GET /", httpx.ConnectError(said), Redactor(), "", "").failure.detail == shown


@pytest.mark.parametrize("host", ["no-such-host.invalid", "two..dots", "a" * 70])
def test_a_host_that_cannot_be_found_is_an_unreachable_server(host: str) -> None:
    assert "no response" in fail_against(f"https://{host}", errors.UnreachableError)


def test_a_silent_server_times_out() -> None:
    with unused_port() as port:
        pass
    release = threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            release.wait(timeout=60)

    with HTTPServer(("127.0.0.1", port), Silent) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        message = fail_against(f"http://127.0.0.1:{port}", errors.UnreachableError, read_timeout=0.05)
        release.set()
        thread.join()
    assert "timed out" in message


def test_a_broken_compression_is_an_invalid_response() -> None:
    with raw_server(http_bytes(b"no gzip", "200 OK", None, "Content-Encoding: gzip")) as server:
        assert "cannot be decoded" in fail_against(server.url, errors.InvalidResponseError)


def test_a_compressed_response_is_read() -> None:
    body = zlib.compress(b'{"count":0}')
    with raw_server(http_bytes(body, "200 OK", None, "Content-Encoding: deflate")) as server:
        reader = Reader(connect(Script(), base_url=server.url, transport=None))
        with reader:
            assert reader.get(COLLECTION, {}) == {"count": 0}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the loopback address that is self-signed, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=loopback"
    names = [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(file),
        "-out",
        str(file.with_suffix(".crt")),
    ]
    subprocess.run(["openssl", *options.split(), *names], check=True, capture_output=True)  # noqa: S607 - openssl of this machine
    with file.open("a") as both:
        both.write(file.with_suffix(".crt").read_text())
    return file


@pytest.fixture
def tls_port(certificate: Path) -> Iterator[int]:
    """The port of a server that speaks TLS with that certificate, to one client."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(http_bytes(b"{}"))

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield server.server_port
        thread.join()


def test_a_certificate_without_a_signature_is_refused_and_not_retried(
    tls_port: int, clock: FakeClock
) -> None:
    message = fail_against(
        f"https://127.0.0.1:{tls_port}", errors.UntrustedError, clock=clock, retry=RetryPolicy(attempts=3)
    )
    assert "certificate is not trusted: self-signed certificate" in message
    assert clock.sleeps == []


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_a_certificate_that_the_environment_trusts_is_accepted(
    tls_port: int, certificate: Path, scheme: str
) -> None:
    connection = connect(
        Script(),
        base_url=f"{scheme}://127.0.0.1:{tls_port}",
        transport=None,
        environment={"SSL_CERT_FILE": str(certificate)},
    )
    with Reader(connection) as reader:
        assert reader.get(COLLECTION, {}) == {}


def test_a_header_that_cannot_be_sent_does_not_show_the_token() -> None:
    with (
        raw_server(http_bytes(b"{}")) as server,
        Writer(connect(Script(), base_url=server.url, transport=None, user_agent=f"a\n{TOKEN}")) as writer,
        pytest.raises(errors.ApiError) as raised,
    ):
        writer.update(Request("PATCH", COLLECTION, {}))
    assert TOKEN not in str(raised.value)


@given(
    st.dictionaries(
        st.sampled_from([*REFUSAL, "detail", "code", "invalid_fields"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_no_error_body_breaks_the_client(body: dict[str, Any]) -> None:
    failure = fail(Script(httpx.Response(400, json=body)))
    assert re.match(rf"GET {COLLECTION}: HTTP 400: .", str(failure), re.DOTALL)
