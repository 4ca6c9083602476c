"""The small HTTP server of a service: what it returns, and that no client can block it."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import ConfigurationError, HistoryError
from reconciler.service.http import PLAIN, Response, serve
from tests.support import FakeClock, pipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HERE = "127.0.0.1"
SAFE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


HANGING = """
import threading
from reconciler.model.system import SystemClock
from reconciler.service.http import serve
asked = threading.Event()

def page(_query):
    asked.set()
    threading.Event().wait()

with serve("127.0.0.1", 0, {"/": page}, SystemClock()) as port:
    print(port, flush=True)
    asked.wait()
"""


@dataclass(frozen=True, slots=True)
class Got:
    status: int
    body: bytes
    headers: Mapping[str, str]


def broken(_query: str) -> Response:
    raise HistoryError("the history h\udcff.db cannot be read: disk I/O error")


PATHS: dict[str, Callable[[str], Response]] = {
    "/": lambda _query: Response(b"<h1>page</h1>", "text/html; charset=utf-8", headers={"X-Own": "1"}),
    "/healthz": lambda _query: Response(b"alive\n"),
    "/readyz": lambda _query: Response(b"not ready\n", status=HTTPStatus.SERVICE_UNAVAILABLE),
    "/broken": broken,
    "/bug": lambda _query: 1 / 0,  # type: ignore[dict-item, return-value]  # a fault of the program
    "/strict": lambda _query: Response(b"", headers={"Referrer-Policy": "same-origin"}),
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serve(HERE, 0, PATHS, FakeClock()) as port:
        yield port


@pytest.fixture(scope="module")
def restricted() -> Iterator[int]:
    with serve(HERE, 0, PATHS, FakeClock(), ["reconciler-watch.ops.svc", "10.1.2.3"]) as port:
        yield port


def ask(port: int, path: str, method: str = "GET", host: str = HERE) -> Got:
    with closing(http.client.HTTPConnection(host, port, timeout=10)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return Got(response.status, response.read(), dict(response.getheaders()))


def raw(port: int, request: bytes) -> bytes:
    """Send bytes and return the entire response."""
    with socket.create_connection((HERE, port), timeout=60) as peer:
        peer.sendall(request)
        peer.shutdown(socket.SHUT_WR)
        found = b""
        while chunk := peer.recv(65536):
            found += chunk
        return found


def test_a_path_returns_its_body_type_and_headers(port: int) -> None:
    got = ask(port, "/")
    assert (got.status, got.body) == (200, b"<h1>page</h1>")
    assert got.headers["Content-Type"] == "text/html; charset=utf-8"
    assert got.headers["Content-Length"] == "13"
    assert got.headers["X-Own"] == "1"


def test_a_text_is_plain_by_default(port: int) -> None:
    got = ask(port, "/healthz")
    assert (got.status, got.body, got.headers["Content-Type"]) == (200, b"alive\n", PLAIN)


def test_a_path_can_return_an_error_status(port: int) -> None:
    got = ask(port, "/readyz")
    assert (got.status, got.body) == (503, b"not ready\n")


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/broken", "/missing"])
def test_head_returns_the_same_headers_without_the_body(port: int, path: str) -> None:
    whole, head = ask(port, path), ask(port, path, "HEAD")
    assert head.body == b""
    dated = {"Date": ""}
    assert (head.status, {**head.headers, **dated}) == (whole.status, {**whole.headers, **dated})


def test_a_query_is_passed_on() -> None:
    with serve(HERE, 0, {"/": lambda query: Response(query.encode())}, FakeClock()) as port:
        got = [ask(port, path).body for path in ("/", "/?", "/?a=1&b=%3F?c")]
    assert got == [b"", b"", b"a=1&b=%3F?c"]


@pytest.mark.parametrize("path", ["/?", "/?x=/healthz", "/?a=1&b=2?c"])
def test_a_query_string_does_not_change_the_path(port: int, path: str) -> None:
    assert ask(port, path).body == b"<h1>page</h1>"


@pytest.mark.parametrize(
    "path", ["/missing", "/healthz/", "/HEALTHZ", "/../etc/passwd", "/%2e%2e", "/healthz;x", "*", "/<script>"]
)
def test_an_unknown_path_returns_404_with_the_known_paths(port: int, path: str) -> None:
    got = ask(port, path)
    known = b"not found; there is / /healthz /readyz /broken /bug /strict\n"
    assert (got.status, got.body, got.headers["Content-Type"]) == (404, known, PLAIN)


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/broken", "/missing"])
def test_every_response_disables_caching_sniffing_and_referrers(port: int, path: str) -> None:
    headers = ask(port, path).headers
    assert {name: headers[name] for name in SAFE} == SAFE
    assert headers["Server"].strip() == "reconciler"


def test_a_path_can_set_its_own_header(port: int) -> None:
    assert ask(port, "/strict").headers["Referrer-Policy"] == "same-origin"


def test_an_error_of_a_page_is_reported(port: int) -> None:
    got = ask(port, "/broken")
    assert (got.status, got.headers["Content-Type"]) == (503, PLAIN)
    assert got.body == b"the history h\\udcff.db cannot be read: disk I/O error\n"


def test_an_internal_error_of_a_page_is_reported_and_the_server_continues(
    port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    got = ask(port, "/bug")
    assert (got.status, got.headers["Content-Type"]) == (500, PLAIN)
    assert got.body == b"internal error: ZeroDivisionError\n"
    assert ask(port, "/healthz").status == 200
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_only_get_and_head_are_allowed(port: int, method: str) -> None:
    assert ask(port, "/", method).status == 501


@pytest.mark.parametrize(
    "request_bytes",
    [b"", b"\r\n", b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\xff\xfe\r\n\r\n"],
)
def test_malformed_requests_do_not_stop_the_server(
    port: int, request_bytes: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    raw(port, request_bytes)
    raw(port, b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n")
    assert ask(port, "/healthz").status == 200
    assert capfd.readouterr() == ("", "")


def test_a_client_that_disconnects_early_is_not_reported(capfd: pytest.CaptureFixture[str]) -> None:
    asked, gone = threading.Event(), threading.Event()

    def slow(_query: str) -> Response:
        asked.set()
        gone.wait(timeout=60)
        return Response(b"x" * 10_000_000)

    with serve(HERE, 0, {"/": slow, "/healthz": PATHS["/healthz"]}, FakeClock()) as port:
        with socket.create_connection((HERE, port)) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            asked.wait(timeout=60)
        gone.set()
        assert ask(port, "/healthz").status == 200
    assert capfd.readouterr() == ("", "")


def test_clients_are_served_concurrently() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(_query: str) -> Response:
        asked.set()
        go_on.wait(timeout=60)
        return Response(b"slow")

    with serve(HERE, 0, {"/slow": slow, "/healthz": PATHS["/healthz"]}, FakeClock()) as port:
        found: list[bytes] = []
        thread = threading.Thread(target=lambda: found.append(ask(port, "/slow").body))
        thread.start()
        asked.wait(timeout=60)
        assert ask(port, "/healthz").body == b"alive\n"
        go_on.set()
        thread.join()
    assert found == [b"slow"]


def test_a_hanging_client_does_not_delay_the_stop_of_the_server() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def stuck(_query: str) -> Response:
        asked.set()
        go_on.wait(timeout=60)
        return Response(b"")

    ended = threading.Event()

    def run(idle: socket.socket, busy: socket.socket) -> None:
        with serve(HERE, 0, {"/": stuck}, FakeClock()) as port:
            idle.connect((HERE, port))
            idle.sendall(b"GET / HT")
            busy.connect((HERE, port))
            busy.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            asked.wait(timeout=60)
        ended.set()

    with socket.socket() as idle, socket.socket() as busy:
        threading.Thread(target=run, args=(idle, busy), daemon=True).start()
        assert ended.wait(timeout=60)
    go_on.set()


def test_a_hanging_client_does_not_delay_the_end_of_the_process() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", HANGING], stdout=subprocess.PIPE, text=True) as process,
        socket.create_connection((HERE, int(pipe(process.stdout).readline()))) as peer,
    ):
        peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert process.wait(timeout=60) == 0


def test_a_port_is_free_again_after_the_server() -> None:
    with serve(HERE, 0, PATHS, FakeClock()) as port:
        assert ask(port, "/healthz").status == 200
    with contextlib.suppress(ConnectionRefusedError):
        ask(port, "/healthz")
        pytest.fail("the port is still in use")
    with serve(HERE, port, PATHS, FakeClock()) as again:
        assert again == port
        assert ask(port, "/healthz").status == 200


def test_the_server_stops_on_an_error() -> None:
    with pytest.raises(ZeroDivisionError), serve(HERE, 0, PATHS, FakeClock()) as port:
        raise ZeroDivisionError
    with serve(HERE, port, PATHS, FakeClock()):
        pass


def refusal(address: str, port: int) -> str:
    with pytest.raises(ConfigurationError) as caught, serve(address, port, PATHS, FakeClock()):
        pass
    return str(caught.value)


def test_a_port_that_is_taken_is_an_error(port: int) -> None:
    assert (
        refusal(HERE, port) == f"it is not possible to listen on {HERE} port {port}: Address already in use"
    )


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("192.0.2.1", 0),
        ("no-such-host.invalid", 0),
        ("2001:db8::1", 0),
        (":::", 0),
        ("x" * 64, 0),
        ("a..b", 0),
        ("\udcff", 0),
        ("a\x00b", 0),
        (HERE, 65536),
        (HERE, -1),
    ],
)
def test_an_address_that_cannot_be_bound_is_an_error(address: str, number: int) -> None:
    message = rf"it is not possible to listen on {re.escape(address)} port {number}: \S.*"
    assert re.fullmatch(message, refusal(address, number))


NAMED = {
    "127.0.0.1": 200,
    "127.0.0.1:9464": 200,
    "127.1.2.3": 200,
    "localhost": 200,
    "LOCALHOST.:80": 200,
    "[::1]:9464": 200,
    "[::ffff:127.0.0.1]": 200,
    "reconciler-watch.ops.svc": 200,
    "Reconciler-Watch.OPS.svc.:9464": 200,
    "10.1.2.3": 200,
    "attacker.example": 421,
    "attacker.example:9464": 421,
    "localhost.attacker.example": 421,
    "127.0.0.1.attacker.example": 421,
    "10.1.2.4": 421,
    "[2001:db8::1]": 421,
    "": 400,
    "[::1": 400,
    "[localhost]": 400,
    "local host": 400,
    "localhost:x": 400,
    "user@localhost": 400,
    "localhost/": 400,
    "localhost,attacker.example": 400,
}


@pytest.mark.parametrize(("path", "served"), [("/healthz", 200), ("/missing", 404)])
def test_only_known_hosts_are_served(restricted: int, path: str, served: int) -> None:
    found = {}
    for host in NAMED:
        response = raw(restricted, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        found[host] = int(response.split(b" ")[1])
    assert found == {host: served if status == 200 else status for host, status in NAMED.items()}


def test_the_response_to_a_refused_host_names_the_option_that_allows_it(port: int) -> None:
    response = raw(port, b"GET / HTTP/1.1\r\nHost: attacker.example\r\n\r\n")
    assert response.endswith(
        b"attacker.example is not served here; --metrics-host attacker.example would allow it\n"
    )


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /healthz HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example\r\n\r\n", b"400"),
    ],
)
def test_a_request_of_http_1_1_must_name_one_host(port: int, head: bytes, status: bytes) -> None:
    assert raw(port, head).split(b" ")[1] == status


def test_the_connected_address_is_a_known_host() -> None:
    with serve("0.0.0.0", 0, PATHS, FakeClock()) as port:  # noqa: S104 - what a pod listens on
        reached = raw(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        other = raw(port, b"GET /healthz HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n")
    assert (reached.split(b" ")[1], other.split(b" ")[1]) == (b"200", b"421")


def test_idle_clients_are_disconnected_for_a_new_one() -> None:
    with contextlib.ExitStack() as clients, serve(HERE, 0, PATHS, FakeClock()) as port:
        idle = [clients.enter_context(socket.create_connection((HERE, port), timeout=60)) for _ in range(95)]
        assert ask(port, "/healthz").status == 200
        # With the one that asked, 16 are held; the end of a connection is all that its client can see.
        assert {client.recv(1) for client in idle[: 95 + 1 - 16]} == {b""}


def test_a_client_that_takes_too_long_is_disconnected() -> None:
    clock = FakeClock()
    with (
        serve(HERE, 0, PATHS, clock) as port,
        socket.create_connection((HERE, port), timeout=60) as peer,
    ):
        peer.sendall(b"GET / HTTP/1.1\r\n")
        assert ask(port, "/healthz").status == 200
        clock.elapsed = 11.0
        assert peer.recv(1) == b""


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_an_address_may_be_ipv6() -> None:
    with serve("::1", 0, PATHS, FakeClock()) as port:
        assert ask(port, "/healthz", host="::1").body == b"alive\n"


@pytest.mark.parametrize("response", [Response(b""), Response(b"", PLAIN, HTTPStatus.OK, {})])
def test_a_response_is_plain_text_with_status_200_by_default(response: Any) -> None:
    assert (response.content_type, response.status, response.headers) == (PLAIN, HTTPStatus.OK, {})
