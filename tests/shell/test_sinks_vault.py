"""Secrets in Vault: written once, never replaced, whatever Vault answers."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.cli.sinks import open_sink
from reconciler.client.stores import Conditions
from reconciler.client.vault import VaultAccess, VaultSink
from reconciler.clock import SystemClock
from reconciler.errors import SinkError
from reconciler.scope import Scope
from reconciler.secret import Secret
from reconciler.sinks.place import Place
from tests.shell.sinks import VALUE, WEB, probe_error, store, store_error
from tests.support import FakeClock, Script, unused_port

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "hvs.CAESIJ-token-of-vault"
WHERE = "secret/api-keys/caas/1/76/web"
URL = "/v1/secret/data/api-keys/caas/1/76/web"
CAS = "check-and-set parameter did not match the current version"


def refusal(code: int, *texts: str) -> httpx.Response:
    """Write a refusal the way Vault does."""
    return httpx.Response(code, json={"errors": list(texts)})


class Vault:
    """Keeps secrets of one engine by their path; ``lose`` writes' answers are lost on the way back."""

    def __init__(self, mount: str = "secret", version: str = "2", lose: int = 0) -> None:
        self.stored: dict[str, Any] = {}
        self.requests: list[httpx.Request] = []
        self.capabilities = ["create", "read"]
        self.knows_mounts = True
        self.may_read = True
        self._mount, self._version, self._lose = mount, version, lose

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.headers["x-vault-token"] != TOKEN or request.headers["x-vault-request"] != "true":
            return refusal(403, "permission denied", "invalid token")
        path = request.url.path.removeprefix("/v1/")
        if path.startswith("sys/internal/ui/mounts/"):
            return self._described()
        if path == "sys/capabilities-self":
            (asked,) = json.loads(request.read())["paths"]
            found = {asked: self.capabilities, "capabilities": self.capabilities}
            return httpx.Response(200, json={"data": found, **found})
        if not path.startswith(f"{self._mount}/data/"):
            return refusal(404, f'no handler for route "{path}". route entry not found.')
        return self._read(path) if request.method == "GET" else self._written(path, request)

    def _described(self) -> httpx.Response:
        if not self.knows_mounts:
            return refusal(403, "preflight capability check returned 403")
        options = {"version": self._version} if self._version else None
        about = {"path": f"{self._mount}/", "type": "kv", "options": options}
        return httpx.Response(200, json={"data": about})

    def _read(self, path: str) -> httpx.Response:
        if not self.may_read:
            return refusal(403, "permission denied")
        return httpx.Response(200, json={"data": {"data": self.stored[path]["data"]}})

    def _written(self, path: str, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.read())
        if path in self.stored and body["options"]["cas"] == 0:
            return refusal(400, CAS)
        self.stored[path] = body
        if self._lose:
            self._lose -= 1
            raise httpx.ReadTimeout("timed out")
        return httpx.Response(200, json={"data": {"version": 1, "destroyed": False}})


def connect(remote: Any, path: str = "secret/api-keys", namespace: str = "") -> VaultSink:
    access = VaultAccess("https://vault.example.com:8200", lambda: Secret(TOKEN), namespace)
    return VaultSink(path, access, Conditions("test/1", FakeClock(), httpx.MockTransport(remote)))


def test_a_secret_is_written_below_the_path_only_if_there_is_none() -> None:
    vault = Vault()
    assert store(connect(vault)) == f"vault:{WHERE}"
    request = vault.requests[-1]
    assert (request.method, str(request.url)) == ("POST", f"https://vault.example.com:8200{URL}")
    assert json.loads(request.read()) == {"options": {"cas": 0}, "data": {"secret": VALUE}}
    assert "x-vault-namespace" not in request.headers


def test_the_namespace_is_sent() -> None:
    vault = Vault()
    store(connect(vault, namespace="team/a"))
    assert {request.headers["x-vault-namespace"] for request in vault.requests} == {"team/a"}


@pytest.mark.parametrize(
    ("mount", "path", "url"),
    [
        ("secret", "secret", "secret/data/caas/1/76/web"),
        ("secret", "secret/a/b", "secret/data/a/b/caas/1/76/web"),
        ("team/kv", "team/kv", "team/kv/data/caas/1/76/web"),
        ("team/kv", "team/kv/a", "team/kv/data/a/caas/1/76/web"),
    ],
)
def test_an_engine_may_be_mounted_anywhere(mount: str, path: str, url: str) -> None:
    vault = Vault(mount)
    sink = connect(vault, path)
    sink.probe()
    assert store(sink) == f"vault:{path}/caas/1/76/web"
    assert list(vault.stored) == [url]


def test_without_an_answer_about_mounts_it_is_the_first_part() -> None:
    vault = Vault()
    vault.knows_mounts = False
    sink = connect(vault)
    sink.probe()
    store(sink)
    assert list(vault.stored) == [URL.removeprefix("/v1/")]


@pytest.mark.parametrize("version", ["1", ""])
def test_an_engine_that_would_overwrite_is_refused(version: str) -> None:
    vault = Vault(version=version)
    told = "only a kv engine of version 2 can refuse to overwrite"
    assert told in probe_error(connect(vault))
    assert told in store_error(connect(vault))
    assert vault.stored == {}


def test_an_engine_that_stores_without_a_version_is_not_believed() -> None:
    answers = [refusal(403, "no"), httpx.Response(204)]
    assert "the answer is not JSON (0 bytes)" in store_error(connect(Script(*answers)))


def test_a_probe_asks_for_the_capability_and_writes_nothing() -> None:
    vault = Vault()
    connect(vault).probe()
    assert json.loads(vault.requests[-1].read()) == {"paths": ["secret/data/api-keys/probe"]}
    assert vault.stored == {}


@pytest.mark.parametrize("capabilities", [["root"], ["create"], ["create", "update", "sudo"]])
def test_a_token_that_may_create_is_enough(capabilities: list[str]) -> None:
    vault = Vault()
    vault.capabilities = capabilities
    connect(vault).probe()


@pytest.mark.parametrize("capabilities", [["deny"], [], ["read", "update"]])
def test_a_token_that_may_not_create_is_found_out_before(capabilities: list[str]) -> None:
    vault = Vault()
    vault.capabilities = capabilities
    may = ", ".join(capabilities) or "nothing"
    assert probe_error(connect(vault)) == (
        f"the token may not create secret/data/api-keys/probe in Vault (it may: {may}); add a policy for it"
    )


@pytest.mark.parametrize("answer", [{}, [], {"data": None}, {"data": {"capabilities": "root"}}, "root"])
def test_a_server_that_does_not_answer_like_vault_is_found_out(answer: Any) -> None:
    remote = Script(refusal(404, "no"), httpx.Response(200, json=answer))
    assert probe_error(connect(remote)) == "the server of VAULT_ADDR does not answer like Vault"


def test_an_older_answer_without_data_is_understood() -> None:
    connect(Script(refusal(404, "no"), httpx.Response(200, json={"capabilities": ["create"]}))).probe()


def test_a_secret_that_exists_is_left_as_it_is() -> None:
    vault = Vault()
    store(connect(vault))
    before = dict(vault.stored)
    assert store_error(connect(vault)) == (
        f"{WHERE} exists in Vault, and is left as it is: POST {URL}: HTTP 400: {CAS}"
    )
    assert vault.stored == before


@pytest.mark.parametrize("lose", [1, 2])
def test_a_lost_answer_is_cleared_up_by_reading(lose: int) -> None:
    vault = Vault(lose=lose)
    assert store(connect(vault)) == f"vault:{WHERE}"


def test_a_lost_answer_that_cannot_be_read_is_an_error() -> None:
    vault = Vault(lose=1)
    vault.may_read = False
    told = store_error(connect(vault))
    assert "exists in Vault, and is left as it is" in told
    assert "it may be stored all the same" in told


def test_a_secret_of_somebody_else_is_not_taken_for_ours() -> None:
    other = httpx.Response(200, json={"data": {"data": {"secret": "other"}}})
    remote = Script(refusal(403, "no"), httpx.ReadTimeout("timed out"), refusal(400, CAS), other)
    assert "exists in Vault" in store_error(connect(remote))


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "caf\u00e9?#", "%2E"])
def test_a_name_cannot_lead_out_of_the_path(name: str) -> None:
    vault = Vault()
    store(connect(vault), Place(Scope("own", 1), name))
    (path,) = vault.stored
    assert path.startswith("secret/data/api-keys/own/1/")
    assert path.count("/") == 5
    assert not path.endswith(("/", "/.", "/.."))


FAILURES: dict[str, tuple[httpx.Response | Exception, str]] = {
    "no token": (refusal(401, "unauthorized"), "HTTP 401: unauthorized; check VAULT_TOKEN"),
    "no policy": (
        refusal(403, "1 error occurred:\n\t* permission denied\n\n"),
        "HTTP 403: 1 error occurred: * permission denied; is the token valid, and may its policies",
    ),
    "no engine": (refusal(404, "no handler"), "HTTP 404: no handler; is a key-value engine mounted there"),
    "an error": (refusal(400, "one", "two"), "HTTP 400: one; two"),
    "sealed": (refusal(503, "Vault is sealed"), "HTTP 503: Vault is sealed"),
    "a fault": (refusal(500), "HTTP 500: Internal Server Error"),
    "too many requests": (refusal(429, "quota"), "HTTP 429: quota"),
    "a standby": (httpx.Response(473), "HTTP 473: no reason given"),
    "HTML": (httpx.Response(200, html="<html>login</html>"), "the answer is not JSON"),
    "another shape": (httpx.Response(200, json={"data": {"version": "1"}}), ""),
    "a warning": (httpx.Response(200, json={"warnings": ["Invalid path for a versioned K/V"]}), ""),
    "errors of another shape": (httpx.Response(400, json={"errors": [1, None]}), "HTTP 400: Bad Request"),
    "a redirect": (
        httpx.Response(307, headers={"Location": "https://active:8200/v1/x"}),
        "redirected to https://active:8200/v1/x, which is refused: secrets go to one host",
    ),
    "no connection": (httpx.ConnectError("refused"), "no answer: refused"),
    "a time-out": (httpx.ConnectTimeout("timed out"), "timed out: timed out"),
    "the secret": (refusal(400, f"cannot parse {json.dumps(VALUE)}"), 'HTTP 400: cannot parse "***"'),
    "half the secret": (refusal(400, f"cannot parse {VALUE[:20]}"), "cannot parse ***"),
    "the token": (refusal(403, f"bad token {TOKEN}"), "HTTP 403: bad token ***"),
    "an error with the token": (
        httpx.LocalProtocolError(f"Illegal header value {TOKEN}"),
        "Illegal header value ***",
    ),
}


@pytest.mark.parametrize(("answer", "reason"), FAILURES.values(), ids=FAILURES)
def test_a_failure_says_what_is_wrong_and_nothing_of_the_secret(
    answer: httpx.Response | Exception, reason: str
) -> None:
    told = store_error(connect(Script(refusal(403, "no"), answer)))
    assert told.startswith(f"Vault did not store {WHERE}: ")
    assert reason in told
    with pytest.raises(SinkError) as probed:  # which knows no secret but the token
        connect(Script(refusal(403, "no"), answer)).probe()
    assert TOKEN not in told + str(probed.value)


def test_a_failure_to_find_the_mount_is_a_failure() -> None:
    assert "HTTP 503: Vault is sealed" in probe_error(connect(Script(refusal(503, "Vault is sealed"))))
    assert "HTTP 503: Vault is sealed" in store_error(connect(Script(refusal(503, "Vault is sealed"))))


class _Handler(http.server.BaseHTTPRequestHandler):
    """Hands requests to a Vault."""

    remote = Vault()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = f"http://127.0.0.1{self.path}"
        answer = self.remote(httpx.Request(self.command, url, headers=dict(self.headers), content=body))
        self.send_response(answer.status_code)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST  # noqa: N815 - the name that http.server asks for

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


def test_a_real_server_on_loopback_is_reached_without_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        environment = {
            "VAULT_ADDR": f"http://127.0.0.1:{server.server_port}/",
            "VAULT_TOKEN_FILE": str(tmp_path / "token"),
        }
        sink = open_sink("vault:secret/api-keys", SystemClock(), "test/1", environment)
        sink.probe()
        assert store(sink, WEB) == f"vault:{WHERE}"
        assert "exists in Vault" in store_error(sink)
        server.shutdown()
        thread.join()


def test_an_address_where_nobody_listens_is_an_error() -> None:
    with unused_port() as port:
        environment = {"VAULT_ADDR": f"http://127.0.0.1:{port}", "VAULT_TOKEN": TOKEN}
        sink = open_sink("vault:secret", FakeClock(), "test/1", environment)
        assert "no answer: " in probe_error(sink)
        assert "check the address and the network" in store_error(sink)
