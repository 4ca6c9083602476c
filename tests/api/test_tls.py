"""A TLS connection that fails is reported as what it is, with a remedy, by real servers."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.api.exchange import HttpSettings
from reconciler.api.reader import Reader
from reconciler.api.webhook import Webhook
from reconciler.apply.sinks.spec import open_sink
from reconciler.errors import ApiError, SinkError, UnreachableError, UntrustedError
from reconciler.model.secret import Secret
from reconciler.model.system import SystemClock, SystemRandomness
from tests.apply.sinks import WEB
from tests.support import COLLECTION, Script, connect, http_bytes, raw_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


@contextlib.contextmanager
def serving(store: Path, name: str, **settings: Any) -> Iterator[int]:
    """Serve ``{}`` over TLS with a certificate, and return the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(store / f"{name}.pem", store / "key.pem")
    for setting, value in settings.items():
        setattr(context, setting, value)
    if settings:
        context.load_verify_locations(store / "ca.pem")

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), peer, context.wrap_socket(peer, server_side=True) as stream:
                stream.recv(65536)
                stream.sendall(http_bytes(b"{}"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def ask(port: int, host: str = "127.0.0.1", **environment: str) -> object:
    url = f"https://{host}:{port}"
    connection = connect(Script(), base_url=url, transport=None, environment=environment)
    with Reader(connection) as reader:
        return reader.get(COLLECTION, {})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_of_a_trusted_ca_file_is_accepted(store: Path, host: str) -> None:
    with serving(store, "good") as port:
        assert ask(port, host, SSL_CERT_FILE=str(store / "ca.pem")) == {}


AUTHORITY = "set the certificate of its authority in SSL_CERT_FILE or SSL_CERT_DIR"
UNTRUSTED = {
    "good": ("127.0.0.1", f"unable to get local issuer certificate; {AUTHORITY}"),
    "ca": ("127.0.0.1", f"self-signed certificate; {AUTHORITY}"),
    "expired": ("127.0.0.1", "certificate has expired; .*renewed on the server, or check the clock"),
    "other": (
        "localhost",
        "Hostname mismatch.*'localhost'.*; it is for another host name: check the address",
    ),
    "elsewhere": ("127.0.0.1", "IP address mismatch.*'127.0.0.1'.*use the host name that it is for"),
}


@pytest.mark.parametrize(("name", "host", "reason"), [(name, *rest) for name, rest in UNTRUSTED.items()])
def test_a_certificate_that_is_not_trusted_is_reported_with_its_remedy(
    store: Path, name: str, host: str, reason: str
) -> None:
    environment = {} if AUTHORITY in reason else {"SSL_CERT_FILE": str(store / "ca.pem")}
    with (
        serving(store, name) as port,
        pytest.raises(UntrustedError, match=f"certificate is not trusted: {reason}") as raised,
    ):
        ask(port, host, **environment)
    assert not raised.value.failure.in_doubt


def test_a_server_without_tls_is_reported() -> None:
    with raw_server(http_bytes(b"{}")) as server, pytest.raises(UnreachableError) as raised:
        ask(int(server.url.rpartition(":")[2]))
    assert "the server does not speak TLS there; check the port" in str(raised.value)


@pytest.mark.parametrize("response", [b"", None], ids=["closed", "reset"])
def test_a_server_that_closes_during_the_handshake_is_reported(response: bytes | None) -> None:
    with raw_server(response) as server, pytest.raises(UnreachableError) as raised:
        ask(int(server.url.rpartition(":")[2]))
    assert "closed the connection within TLS" in str(raised.value) or "reset by peer" in str(raised.value)
    assert not raised.value.failure.in_doubt


def test_a_server_with_an_old_tls_version_is_reported(store: Path) -> None:
    with (
        pytest.warns(DeprecationWarning, match="TLSv1_1"),
        serving(store, "good", maximum_version=ssl.TLSVersion.TLSv1_1) as port,
        pytest.raises(UnreachableError, match="no version or cipher of TLS is common to both sides"),
    ):
        ask(port, SSL_CERT_FILE=str(store / "ca.pem"))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_requires_a_client_certificate_is_reported(
    store: Path, version: ssl.TLSVersion
) -> None:
    settings = {"verify_mode": ssl.CERT_REQUIRED, "maximum_version": version, "minimum_version": version}
    with serving(store, "good", **settings) as port, pytest.raises(UnreachableError) as raised:
        ask(port, SSL_CERT_FILE=str(store / "ca.pem"))
    assert "it may require a client certificate" in str(raised.value)


def test_a_webhook_names_the_setting_that_trusts(store: Path) -> None:
    with serving(store, "good") as port:
        url = Secret(f"https://127.0.0.1:{port}/x")
        with (
            Webhook(url, None, HttpSettings("test/1", SystemClock(), SystemRandomness())) as hook,
            pytest.raises(ApiError, match="SSL_CERT_FILE or SSL_CERT_DIR"),
        ):
            hook.send({}, "msg_1")


def test_vault_names_its_own_setting_that_trusts(store: Path) -> None:
    with serving(store, "good") as port:
        environment = {"VAULT_ADDR": f"https://127.0.0.1:{port}", "VAULT_TOKEN": "hvs.some-token"}
        with pytest.raises(SinkError, match="set the certificate of its authority in VAULT_CACERT"):
            open_sink("vault:secret", SystemClock(), SystemRandomness(), "test/1", environment).probe([WEB])
