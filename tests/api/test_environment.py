"""Proxies and certificates in the environment: used, left alone, or named for what they are."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.api.environment import Proxies, proxy_for, trusted
from reconciler.api.exchange import Bounds, HttpSettings, Server
from reconciler.api.reader import Reader
from reconciler.api.webhook import Webhook
from reconciler.errors import ConfigurationError, UnreachableError
from reconciler.model.secret import Secret
from reconciler.model.system import SystemRandomness
from tests.support import COLLECTION, FakeClock, Script, connect, http_bytes, raw_server, unused_port

if TYPE_CHECKING:
    from pathlib import Path

PROXY = "http://proxy.example.com:3128"
API = "https://api.example.com"


def chosen(environment: dict[str, str], url: str = API) -> tuple[str, str] | None:
    """Return the proxy for an address, and the variable that names it."""
    proxy = proxy_for(httpx.URL(url), environment)
    return None if proxy is None else (str(proxy.url), proxy.variable)


def test_what_is_not_encrypted_trusts_nothing() -> None:
    server = Server("HTTP://api.example.com", Bounds(1, 1, 1, 1, 1))
    proxy = proxy_for(httpx.URL("http://api.example.com"), {"http_proxy": "https://proxy.example.com"})
    through = server.tls({}, proxy)
    assert server.tls({}, None) is None
    assert (through is not None and through.cert_store_stats()["x509_ca"], proxy is None) == (0, False)


@pytest.mark.parametrize(
    ("proxies", "used"),
    [(Proxies.NONE, []), (Proxies.ENCRYPTED, ["https"]), (Proxies.ALL, ["http", "https"])],
)
def test_a_server_says_which_requests_use_a_proxy(proxies: Proxies, used: list[str]) -> None:
    assert [
        one for one in ("http", "https") if proxies.of(f"{one}://api.example.com", {"all_proxy": PROXY})
    ] == used


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        ({"HTTPS_PROXY": PROXY}, "HTTPS_PROXY"),
        ({"https_proxy": PROXY}, "https_proxy"),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, "https_proxy"),
        ({"ALL_PROXY": PROXY}, "ALL_PROXY"),
        ({"all_proxy": PROXY, "HTTP_PROXY": "http://other:1"}, "all_proxy"),
        ({"HTTPS_PROXY": PROXY, "ALL_PROXY": "gopher://other"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": f" {PROXY} "}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": "proxy.example.com:3128"}, "HTTPS_PROXY"),
        (
            {"HTTPS_PROXY": PROXY, "NO_PROXY": "other.com,::1, [::1],fd00::/8 10.0.0.0/8,127.0.0.1:*"},
            "HTTPS_PROXY",
        ),
    ],
)
def test_the_proxy_of_an_address_is_found_with_its_variable(
    environment: dict[str, str], variable: str
) -> None:
    assert chosen(environment) == (PROXY, variable)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"HTTP_PROXY": PROXY},
        {"HTTPS_PROXY": ""},
        {"HTTPS_PROXY": "  "},
        {"https_proxy": "", "HTTPS_PROXY": PROXY},
        {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"},
        {"HTTPS_PROXY": "gopher://nowhere", "no_proxy": "x,api.example.com"},
    ],
)
def test_an_address_may_have_no_proxy(environment: dict[str, str]) -> None:
    assert chosen(environment) is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:80", "http://[::1]", "http://localhost:1", "http://127.9.9.9"]
)
def test_plain_http_to_this_machine_has_no_proxy_and_reads_no_variable(url: str) -> None:
    environment = {"HTTP_PROXY": "gopher://x", "ALL_PROXY": "socks5://x:1", "NO_PROXY": "[::"}
    assert chosen(environment, url) is None


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("example.com", "https://example.com"),
        ("example.com", API),
        ("EXAMPLE.com.", API),
        (".example.com", API),
        ("*.example.com", API),
        ("api.*", API),
        ("https://api.example.com", API),
        ("all://api.example.com", API),
        ("api.example.com:443", API),
        ("api.example.com:*", API),
        ("127.0.0.1", "https://127.0.0.1:1"),
        ("127.0.0.1:1", "https://127.0.0.1:1"),
        ("127.0.0.1:*", "https://127.0.0.1:1"),
        ("127.0.0.0/8", "https://127.0.0.1:1"),
        ("::1", "https://[::1]:1"),
        ("0:0:0:0:0:0:0:1", "https://[::1]"),
        ("[::1]", "https://[::1]:1"),
        ("[::1]:1", "https://[::1]:1"),
        ("[::1]:*", "https://[::1]:1"),
        ("fd00::/8", "https://[fd12::7]"),
        ("[fd00::]/8", "https://[fd12::7]"),
        ("fe80::%eth0", "https://[fe80::]"),
        ("localhost", "https://localhost:1"),
        ("a.com,,example.com", API),
        ("a.com example.com", API),
    ],
)
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_an_entry_of_no_proxy_names_hosts_addresses_and_networks(variable: str, entry: str, url: str) -> None:
    assert chosen({"ALL_PROXY": PROXY, variable: entry}, url) is None


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("ample.com", API),
        (".api.example.com", API),
        ("http://api.example.com", API),
        ("api.example.com:80", API),
        ("127.0.0.2", "https://127.0.0.1"),
        ("[::1]:2", "https://[::1]:1"),
        ("::/0", "https://127.0.0.1"),
        ("0.0.0.0/0", "https://[fd00::1]"),
        ("10.0.0.0/8", API),
        ("example.com.evil.org", API),
    ],
)
def test_an_entry_of_no_proxy_names_nothing_else(entry: str, url: str) -> None:
    assert chosen({"ALL_PROXY": PROXY, "NO_PROXY": entry}, url) is not None


@pytest.mark.parametrize("entry", ["[::1", "fd00::/999", "10.0.0.0/33", "a/b", "<local>", "::1::2", "[a]"])
def test_an_invalid_entry_is_named_if_it_could_apply(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="NO_PROXY has the entry") as raised:
        chosen({"HTTPS_PROXY": PROXY, "NO_PROXY": f"a.com,{entry}"})
    assert entry in str(raised.value)
    assert chosen({"NO_PROXY": entry}) is None
    assert chosen({"HTTPS_PROXY": PROXY, "NO_PROXY": f"{entry},api.example.com"}) is None


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("socks5://user:hush@proxy:1", "SOCKS proxy, which needs the package socksio"),
        ("gopher://user:hush@proxy", "a proxy of an unknown kind gopher://"),
        ("user hush://proxy", "not the address of a proxy|unknown kind"),
        ("http://user:hush@[::1", "not the address of a proxy"),
        ("http://user:hush@", "names no host"),
        ("http://user:hush@proxy:0", "no port"),
        ("http://user:hush@proxy:99999", "not the address of a proxy"),
        ("http://hush\x7f", "not the address of a proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable_alone(
    variable: str, address: str, reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{variable} .*({reason})") as raised:
        chosen({variable: address})
    assert "hush" not in str(raised.value)


def test_a_refusing_proxy_is_named_by_its_variable() -> None:
    wants_login = http_bytes(b"", "407 Proxy Authentication Required")
    with raw_server(wants_login) as proxy:
        environment = {"HTTPS_PROXY": proxy.url.replace("//", "//me:hush-hush@")}
        connection = connect(Script(), base_url=API, transport=None, environment=environment)
        with Reader(connection) as reader, pytest.raises(UnreachableError) as raised:
            reader.get(COLLECTION, {})
        (head,) = proxy.heads
    assert head.startswith(b"CONNECT api.example.com:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6aHVzaC1odXNo" in head
    assert "no response from the proxy of HTTPS_PROXY: 407" in str(raised.value)
    assert "the proxy requires a login: set HTTPS_PROXY like" in str(raised.value)
    assert "hush" not in str(raised.value)
    assert not raised.value.failure.in_doubt


def test_an_unreachable_proxy_is_named_by_its_variable() -> None:
    with unused_port() as port:
        environment = {"all_proxy": f"127.0.0.1:{port}"}
        connection = connect(Script(), base_url=API, transport=None, environment=environment)
        with Reader(connection) as reader, pytest.raises(UnreachableError) as raised:
            reader.get(COLLECTION, {})
    assert "no response from the proxy of all_proxy: " in str(raised.value)
    assert "check all_proxy, or name the host in NO_PROXY" in str(raised.value)


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        (
            {"SSL_CERT_FILE": "/nowhere/ca.pem"},
            r"/nowhere/ca.pem cannot be loaded: No such file.*check SSL_CERT_FILE",
        ),
        ({"SSL_CERT_FILE": "{folder}"}, "cannot be loaded: .*check SSL_CERT_FILE"),
        ({"SSL_CERT_FILE": "{empty}"}, "holds no certificate in PEM form; check SSL_CERT_FILE"),
        ({"SSL_CERT_FILE": "{folder}\0"}, "cannot be used as a name; check SSL_CERT_FILE"),
        ({"SSL_CERT_DIR": "/nowhere"}, "^SSL_CERT_DIR names /nowhere, which is not a directory"),
        ({"SSL_CERT_DIR": "{empty}"}, "^SSL_CERT_DIR names .*, which is not a directory"),
    ],
)
def test_certificates_that_cannot_be_loaded_are_named_by_their_variable(
    tmp_path: Path, environment: dict[str, str], reason: str
) -> None:
    (tmp_path / "empty").write_text("nothing")
    places = {"{folder}": str(tmp_path), "{empty}": str(tmp_path / "empty")}
    filled = {
        name: next((value.replace(mark, place) for mark, place in places.items() if mark in value), value)
        for name, value in environment.items()
    }
    with pytest.raises(ConfigurationError, match=reason):
        Reader(connect(Script(), base_url=API, transport=None, environment=filled))
    with raw_server(http_bytes(b"{}")) as server:
        plain = connect(Script(), base_url=server.url, transport=None, environment=filled)
        with Reader(plain) as reader:
            assert reader.get(COLLECTION, {}) == {}


def test_a_directory_of_certificates_is_trusted_beside_a_file(tmp_path: Path) -> None:
    usual = trusted({})
    assert usual.verify_mode is ssl.CERT_REQUIRED
    assert usual.check_hostname
    assert usual.get_ca_certs()
    context = trusted({"SSL_CERT_DIR": f"/nowhere:{tmp_path}"})
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.get_ca_certs()


@pytest.mark.parametrize(
    "environment",
    [
        {"NO_PROXY": "localhost,[::1]"},
        {"NO_PROXY": "10.0.0.0/8,fd00::/8"},
        {"ALL_PROXY": "socks5://127.0.0.1:1080"},
        {"HTTP_PROXY": "gopher://x"},
        {"SSL_CERT_FILE": "/nonexistent"},
    ],
)
def test_a_loopback_webhook_ignores_the_variables(environment: dict[str, str]) -> None:
    with raw_server(http_bytes(b"ok")) as server:
        url = Secret(f"{server.url}/services/x")
        clock = FakeClock()
        with Webhook(
            url, None, HttpSettings("test/1", clock, SystemRandomness(), environment=environment)
        ) as hook:
            hook.send({}, "msg_1")
        assert server.heads[0].startswith(b"POST /services/x HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"ALL_PROXY": "socks5://proxy:1"}, "^ALL_PROXY"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "[::1"}, "^NO_PROXY"),
        ({"SSL_CERT_DIR": "/nonexistent"}, "^SSL_CERT_DIR"),
    ],
)
def test_a_webhook_elsewhere_names_the_variable_that_is_wrong(
    environment: dict[str, str], named: str
) -> None:
    url = Secret("https://hooks.example.com/x")
    with pytest.raises(ConfigurationError, match=named):
        Webhook(url, None, HttpSettings("test/1", FakeClock(), SystemRandomness(), environment=environment))
