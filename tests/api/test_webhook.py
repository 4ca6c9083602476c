"""Messages to a webhook: signed, sent again when that may help, and never an address in a text."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import socket
import threading
import traceback
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.api.exchange import Exchange, HttpSettings
from reconciler.api.webhook import Webhook
from reconciler.errors import ApiError, ConfigurationError, StoppedError, ThrottledError
from reconciler.model.secret import Secret
from reconciler.model.system import SystemRandomness
from tests.support import NOON, FakeClock, Script, http_bytes, raw_server, unused_port

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSWORD = "T0/B0/very-secret"
URL = f"https://hooks.example.com:8443/services/{PASSWORD}?token={PASSWORD}"
MESSAGE = {"type": "drift", "text": "caf\u00e9 \ud800 <b>", "data": {"live": None}}
OK = httpx.Response(200, text="ok")
BUSY = httpx.Response(429)
BYTES = bytes(range(32))
ENCODED = f"whsec_{base64.b64encode(BYTES).decode()}"


def webhook(
    remote: Any,
    secret: str | None = None,
    url: str = URL,
    clock: FakeClock | None = None,
    stop: threading.Event | None = None,
) -> Webhook:
    transport = None if remote is None else httpx.MockTransport(remote)
    key = None if secret is None else Secret(secret)
    settings = HttpSettings(
        "test/1", clock or FakeClock(), SystemRandomness(), transport, stop=stop or threading.Event()
    )
    return Webhook(Secret(url), key, settings)


def send(remote: Any, message: Mapping[str, Any] = MESSAGE, **settings: Any) -> None:
    with webhook(remote, **settings) as hook:
        hook.send(message, "msg_1")


def failure(remote: Any, **settings: Any) -> ApiError:
    with pytest.raises(ApiError) as raised:
        send(remote, **settings)
    return raised.value


def body_of(request: httpx.Request) -> bytes:
    return request.read()


def signature(key: bytes, request: httpx.Request) -> str:
    """Sign a request the way the Standard Webhooks specification says."""
    headers = request.headers
    content = b".".join(
        [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body_of(request)]
    )
    return "v1," + base64.standard_b64encode(hmac.digest(key, content, hashlib.sha256)).decode("ascii")


def test_a_message_is_posted_as_json_with_an_identifier_and_a_timestamp() -> None:
    remote = Script(OK)
    send(remote)
    (request,) = remote.requests
    assert (request.method, str(request.url)) == ("POST", URL)
    assert json.loads(body_of(request)) == MESSAGE
    assert body_of(request).isascii()
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "test/1"
    assert request.headers["webhook-id"] == "msg_1"
    assert request.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert "webhook-signature" not in request.headers


@pytest.mark.parametrize(
    ("secret", "key"),
    [("plain text", b"plain text"), ("schl\u00fcssel", "schl\u00fcssel".encode()), (ENCODED, BYTES)],
)
def test_a_signature_follows_the_specification(secret: str, key: bytes) -> None:
    remote = Script(OK)
    send(remote, secret=secret)
    (request,) = remote.requests
    assert request.headers["webhook-signature"] == signature(key, request)


def test_the_example_of_the_specification_is_signed_the_same() -> None:
    """From https://www.standardwebhooks.com: its identifier and timestamp are put into the same formula."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    content = b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'
    expected = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert base64.b64encode(hmac.digest(key, content, "sha256")).decode() == expected
    remote = Script(OK)
    send(remote, {"test": 2432232314}, secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    (request,) = remote.requests
    assert body_of(request) == b'{"test": 2432232314}'
    assert request.headers["webhook-signature"] == signature(key, request)


@pytest.mark.parametrize(
    "response",
    [httpx.Response(500), httpx.Response(503), BUSY, httpx.Response(408), httpx.ConnectError("refused")],
)
def test_a_transient_failure_is_retried_with_the_same_id_and_a_new_timestamp(
    response: httpx.Response | Exception,
) -> None:
    remote, clock = Script(response, response, OK), FakeClock()
    send(remote, secret="secret", clock=clock)
    assert len({request.headers["webhook-id"] for request in remote.requests}) == 1
    assert len({body_of(request) for request in remote.requests}) == 1
    instants = [int(request.headers["webhook-timestamp"]) for request in remote.requests]
    assert instants == sorted(instants)
    assert instants[-1] == int((NOON + dt.timedelta(seconds=clock.elapsed)).timestamp())
    for request in remote.requests:
        assert request.headers["webhook-signature"] == signature(b"secret", request)


def test_a_delivery_is_abandoned_after_four_attempts() -> None:
    remote, clock = Script(httpx.Response(500)), FakeClock()
    reported = str(failure(remote, clock=clock))
    assert reported == (
        "POST https://hooks.example.com:8443/…: HTTP 500: the webhook refuses the message (tried 4 times)"
    )
    assert len(remote.requests) == 4
    assert clock.elapsed < 30


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_refusal_is_reported_at_once(status: int) -> None:
    remote = Script(httpx.Response(status, text=f"no_service {PASSWORD}"))
    reported = str(failure(remote))
    assert (
        reported == f"POST https://hooks.example.com:8443/…: HTTP {status}: the webhook refuses the message"
    )
    assert len(remote.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirection_is_not_followed(status: int) -> None:
    remote = Script(httpx.Response(status, headers={"Location": "https://elsewhere.example/"}), OK)
    assert f"HTTP {status}" in str(failure(remote))
    assert len(remote.requests) == 1


def test_a_short_retry_after_is_waited_for() -> None:
    remote, clock = Script(httpx.Response(429, headers={"Retry-After": "7"}), OK), FakeClock()
    send(remote, clock=clock)
    assert clock.elapsed == 7


def test_a_long_retry_after_suspends_delivery_for_that_time() -> None:
    clock = FakeClock()
    remote = Script(httpx.Response(429, headers={"Retry-After": "600"}), OK)
    with webhook(remote, clock=clock) as hook:
        with pytest.raises(ApiError, match="HTTP 429"):
            hook.send(MESSAGE, "msg_1")
        with pytest.raises(ThrottledError):
            hook.send(MESSAGE, "msg_1")
        assert len(remote.requests) == 1
        clock.elapsed += 600
        hook.send(MESSAGE, "msg_1")


def test_nothing_is_sent_once_the_service_is_stopping() -> None:
    stop = threading.Event()
    stop.set()
    remote = Script(OK)
    with pytest.raises(StoppedError):
        send(remote, stop=stop)
    assert remote.requests == []


FAILURES = [
    httpx.ConnectError(f"cannot connect to {URL}"),
    httpx.ReadTimeout("timed out"),
    httpx.RemoteProtocolError(f"bad answer from {URL}"),
    httpx.UnsupportedProtocol("what is this"),
    httpx.InvalidURL("bad url"),
    UnicodeError("label too long"),
    httpx.Response(400),
    httpx.Response(500),
]


@pytest.mark.parametrize("response", FAILURES, ids=repr)
def test_the_address_is_in_no_error(response: httpx.Response | Exception) -> None:
    error = failure(Script(response))
    for text in (str(error), repr(error), repr(error.failure)):
        assert PASSWORD not in text
        assert "hooks.example.com" in text
    assert PASSWORD not in "".join(traceback.format_exception_only(error))


def test_the_address_is_not_passed_to_observers() -> None:
    seen: list[Exchange] = []
    settings = HttpSettings(
        "test/1", FakeClock(), SystemRandomness(), httpx.MockTransport(Script(OK)), on_exchange=seen.append
    )
    with Webhook(Secret(URL), None, settings) as hook:
        hook.send(MESSAGE, "msg_1")
    assert seen == []


def test_repr_shows_neither_address_nor_secret() -> None:
    hook = webhook(Script(OK), secret="sign-with-me")
    with hook:
        shown = repr(hook) + repr(vars(hook))
    assert PASSWORD not in shown


def test_the_user_and_password_of_an_address_are_sent_as_basic_and_nowhere_else() -> None:
    remote = Script(OK)
    send(remote, url="https://user:p%40ss-word@hooks.example.com/x")
    (request,) = remote.requests
    expected = base64.b64encode(b"user:p@ss-word").decode()
    assert request.headers["Authorization"] == f"Basic {expected}"
    assert request.headers["Host"] == "hooks.example.com"
    broken = httpx.ReadError(f"cannot send {expected}, which is p@ss-word")
    said = str(failure(Script(broken), url="https://user:p%40ss-word@hooks.example.com/x"))
    assert "p@ss-word" not in said
    assert expected not in said


def test_credentials_in_an_address_are_not_part_of_an_error() -> None:
    error = failure(Script(httpx.Response(400)), url="https://user:word@hooks.example.com/x")
    assert str(error).startswith("POST https://hooks.example.com/…: ")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com/x",
        "ftp://hooks.example.com/x",
        "file:///etc/passwd",
        "https://",
        "https:///x",
        "https://[::1/x",
        "https://hooks.example.com:port/x",
        "https://hooks.example.com:99999/x",
        "https://hooks.example.com/x\n",
        "https://hooks.example.com/\x00",
        " https://hooks.example.com/x",
        "https://hooks example.com/x",
        "https://hooks..example.com\udcff/x",
        f"https://{'x' * 70_000}/",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_is_invalid_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        webhook(Script(OK), url=url)
    assert str(raised.value) == "the webhook is not an address like https://example.com/path"


@pytest.mark.parametrize(
    "secret", ["whsec_", "whsec_no base", "whsec_ab!cd", "whsec_abc", "whsec_\u00fc", "whsec_a-_b", ""]
)
def test_a_secret_that_cannot_sign_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        webhook(Script(OK), secret=secret)
    hidden = secret.removeprefix("whsec_")
    assert not hidden or hidden not in str(raised.value)


@pytest.mark.parametrize("secret", ["x", "whsec_AA=="])
def test_every_valid_secret_signs(secret: str) -> None:
    send(Script(OK), secret=secret)


def test_a_message_is_sent_over_a_real_connection() -> None:
    with raw_server(http_bytes(b"ok")) as server:
        send(None, url=f"{server.url}/{PASSWORD}", secret="secret")
    (head,) = server.heads
    assert head.startswith(f"POST /{PASSWORD} HTTP/1.1\r\n".encode())
    assert b"webhook-signature: v1," in head.lower()


def test_a_receiver_that_cannot_be_reached_is_reported_without_its_path() -> None:
    with unused_port() as port:
        reported = str(failure(None, url=f"http://127.0.0.1:{port}/{PASSWORD}"))
    assert reported.startswith(f"POST http://127.0.0.1:{port}/…: no response: ")
    assert "tried 4 times" in reported
    assert PASSWORD not in reported


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://hooks.example.com:8443/x", "https://hooks.example.com:8443/…"),
        ("https://hooks.example.com:443/x", "https://hooks.example.com/…"),
        ("http://[::1]:9000/x", "http://[::1]:9000/…"),
        ("http://user:word@localhost:80?x", "http://localhost/…"),
        ("https://user:word@h\u00f6st.example:1/x", "https://xn--hst-sna.example:1/…"),
    ],
)
def test_the_place_that_is_shown_has_the_port_unless_it_is_the_usual_one(url: str, place: str) -> None:
    with webhook(Script(OK), url=url) as hook:
        assert hook.place == place


def test_an_endless_response_is_not_waited_for() -> None:
    """The body is of no interest, so a receiver cannot hold up a service by never ending it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx")
                done.wait(timeout=60)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            send(None, url=f"http://127.0.0.1:{listener.getsockname()[1]}/")
        finally:
            was_early = not done.is_set()
            done.set()
            thread.join()
    assert was_early
