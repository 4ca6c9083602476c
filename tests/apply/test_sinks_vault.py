"""Secrets in Vault: written once, never replaced, whatever Vault responds."""

from __future__ import annotations

import http.server
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.api.exchange import HttpSettings
from reconciler.apply.sinks.sink import Place
from reconciler.apply.sinks.spec import open_sink
from reconciler.apply.sinks.vault import VaultAccess, VaultSink
from reconciler.errors import SinkError
from reconciler.model.endpoint import BaseUrl
from reconciler.model.scope import Scope
from reconciler.model.secret import Secret
from reconciler.model.system import SystemClock, SystemRandomness
from tests.apply.sinks import SECRET, VALUE, WEB, probe_error, safe, store, store_error
from tests.support import FakeClock, Script, serving, unused_port

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "hvs.CAESIJ-token-of-vault"
WHERE = "secret/api-keys/caas/1/76/web"
URL = "/v1/secret/data/api-keys/caas/1/76/web"
BELOW = "api-keys/caas/1/76/web"
CAS = "check-and-set parameter did not match the current version"


def refusal(code: int, *texts: str) -> httpx.Response:
    """Write a refusal the way Vault does."""
    return httpx.Response(code, json={"errors": list(texts)})


class Vault:
    """Stores the versions of secrets of one engine by their path, as OpenBao was seen to do.

    The responses to the next ``lose`` writes are lost on the way back.
    """

    def __init__(self, mount: str = "secret", version: str = "2", lose: int = 0) -> None:
        self.stored: dict[str, list[Any]] = {}
        self.requests: list[httpx.Request] = []
        self.may: dict[str, list[str]] = {"data": ["create", "update", "read"], "metadata": ["read"]}
        self.has_capabilities = True
        self.namespace = ""
        self._mount, self._version, self._lose = mount, version, lose

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.headers["x-vault-token"] != TOKEN or request.headers["x-vault-request"] != "true":
            return refusal(403, "permission denied", "invalid token")
        path = request.url.path.removeprefix("/v1/")
        is_here = request.headers.get("x-vault-namespace", "") == self.namespace
        if path.startswith("sys/internal/ui/mounts/"):
            asked = path.removeprefix("sys/internal/ui/mounts/")
            return self._described() if is_here and f"{asked}/".startswith(f"{self._mount}/") else NOT_MOUNTED
        if path == "sys/capabilities-self":
            return self._capabilities(json.loads(request.read())["paths"])
        if not is_here or not path.startswith(f"{self._mount}/"):
            return refusal(403, "permission denied")
        section, _, below = path.removeprefix(f"{self._mount}/").partition("/")
        if request.method == "GET":
            return self._read(section, below)
        return self._written(below, json.loads(request.read()))

    def _described(self) -> httpx.Response:
        options = {"version": self._version} if self._version else None
        about = {"path": f"{self._mount}/", "type": "kv", "options": options}
        return httpx.Response(200, json={"data": about})

    def _capabilities(self, paths: list[str]) -> httpx.Response:
        if not self.has_capabilities:
            return refusal(403, "permission denied")
        found = {path: self.may[path.removeprefix(f"{self._mount}/").partition("/")[0]] for path in paths}
        return httpx.Response(200, json={"data": found, **found})

    def _read(self, section: str, below: str) -> httpx.Response:
        if "read" not in self.may[section] and "root" not in self.may[section]:
            return refusal(403, "permission denied")
        versions = self.stored.get(below)
        if versions is None:
            return refusal(404)
        if section == "metadata":
            return httpx.Response(200, json={"data": {"current_version": len(versions)}})
        latest = {"data": versions[-1], "metadata": {"version": len(versions)}}
        return httpx.Response(200 if versions[-1] is not None else 404, json={"data": latest})

    def _written(self, below: str, body: Any) -> httpx.Response:
        versions = self.stored.get(below)
        if {"create" if versions is None else "update", "root"}.isdisjoint(self.may["data"]):
            return refusal(403, "permission denied")
        if body["options"]["cas"] != len(versions or ()):
            return refusal(400, CAS)
        self.stored.setdefault(below, []).append(body["data"])
        if self._lose:
            self._lose -= 1
            raise httpx.ReadTimeout("timed out")
        return httpx.Response(200, json={"data": {"version": len(self.stored[below])}})


NOT_MOUNTED = refusal(403, "preflight capability check returned 403, please ensure client's policies")
MOUNTED = httpx.Response(200, json={"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}})
NONE_YET = refusal(404)


def connect(
    remote: Any, path: str = "secret/api-keys", namespace: str = "", clock: FakeClock | None = None
) -> VaultSink:
    access = VaultAccess(BaseUrl("https://vault.example.com:8200"), lambda: Secret(TOKEN), namespace)
    conditions = HttpSettings("test/1", clock or FakeClock(), SystemRandomness(), httpx.MockTransport(remote))
    return VaultSink(path, access, conditions)


def probe(sink: VaultSink) -> str | None:
    """Return what the path of the key contains."""
    return sink.probe([WEB])[WEB]


def stored_in(vault: Vault) -> list[str]:
    """Return every version of the key's secret."""
    return [data and data["secret"] for data in vault.stored[BELOW]]


def test_a_secret_is_written_only_if_the_path_has_none() -> None:
    vault = Vault()
    sink = connect(vault)
    assert probe(sink) == ""
    assert sink.where(WEB) == f"vault:{WHERE}"
    assert sink.store(WEB, SECRET, "") == f"vault:{WHERE}"
    request = vault.requests[-1]
    assert (request.method, str(request.url)) == ("POST", f"https://vault.example.com:8200{URL}")
    assert json.loads(request.read()) == {"options": {"cas": 0}, "data": {"secret": VALUE}}
    assert "x-vault-namespace" not in request.headers


@pytest.mark.parametrize("latest", [{"secret": "dead"}, None], ids=["live", "deleted"])
def test_the_secret_of_a_replaced_key_is_the_next_version(latest: Any) -> None:
    vault = Vault()
    vault.stored[BELOW] = [{"secret": "older"}, latest]
    sink = connect(vault)
    assert (probe(sink), len(vault.stored[BELOW])) == ("2", 2)
    sink.store(WEB, SECRET, "2")
    assert stored_in(vault) == ["older", latest and "dead", VALUE]


def test_without_a_probe_the_version_is_read_first() -> None:
    vault = Vault()
    vault.stored[BELOW] = [{"secret": "dead"}]
    assert store(connect(vault)) == f"vault:{WHERE}"
    assert stored_in(vault) == ["dead", VALUE]


@pytest.mark.parametrize("held", ["", "1", "3"])
def test_a_secret_created_after_the_probe_is_not_overwritten(held: str) -> None:
    vault = Vault()
    vault.stored[BELOW] = [{"secret": "one"}, {"secret": "two"}]
    with pytest.raises(SinkError) as raised:
        connect(vault).store(WEB, SECRET, held)
    assert f"{WHERE} in Vault has another version than {held or 0}, and is not changed" in str(raised.value)
    assert stored_in(vault) == ["one", "two"]


def test_a_secret_that_belongs_to_something_else_is_not_changed() -> None:
    vault = Vault()
    vault.stored[BELOW] = [{"user": "admin", "password": "x"}]
    said = f"{WHERE} in Vault contains data that is not a secret of this key, and is not changed"
    assert said in probe_error(connect(vault))
    assert said in store_error(connect(vault))
    assert len(vault.stored[BELOW]) == 1


def test_the_namespace_is_sent() -> None:
    vault = Vault()
    vault.namespace = "team/a"
    sink = connect(vault, namespace="team/a")
    probe(sink)
    store(sink)
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
    probe(sink)
    assert store(sink) == f"vault:{path}/caas/1/76/web"
    assert [f"{mount}/data/{below}" for below in vault.stored] == [url]


@pytest.mark.parametrize(
    ("path", "namespace", "within"),
    [
        ("secrets/api-keys", "", "the root namespace"),
        ("secret/api-keys", "other", "namespace other"),
        ("secret/api-keys", "", "the root namespace"),
    ],
    ids=["a wrong mount", "another namespace", "a forgotten namespace"],
)
@pytest.mark.parametrize("capabilities", [["create"], ["root"]])
def test_a_missing_mount_is_detected_by_the_probe(
    path: str, namespace: str, within: str, capabilities: list[str]
) -> None:
    vault = Vault()
    vault.may["data"] = capabilities
    vault.namespace = "team" if path == "secret/api-keys" else ""
    sink = connect(vault, path, namespace)
    assert f"nothing is mounted at {path} in {within} of Vault" in probe_error(sink)
    assert f"nothing is mounted at {path} in {within} of Vault" in store_error(sink)
    assert vault.stored == {}


@pytest.mark.parametrize("version", ["1", ""])
def test_an_engine_that_would_overwrite_is_refused(version: str) -> None:
    vault = Vault(version=version)
    said = "only a kv engine of version 2 can refuse to overwrite"
    assert said in probe_error(connect(vault))
    assert said in store_error(connect(vault))
    assert [request.method for request in vault.requests] == ["GET", "GET"]


def test_an_engine_that_stores_without_a_version_is_an_error() -> None:
    responses = [MOUNTED, NONE_YET, httpx.Response(204)]
    assert "the response is not JSON (0 bytes)" in store_error(connect(Script(*responses)))


def test_an_engine_without_check_and_set_is_detected_by_the_probe() -> None:
    may = httpx.Response(200, json={"capabilities": ["root"]})
    responses = [MOUNTED, may, NONE_YET, httpx.Response(200, json={"data": {"version": 1}})]
    assert "accepts a write to" in probe_error(connect(Script(*responses)))


def test_a_probe_checks_the_exact_path_and_writes_nothing() -> None:
    vault = Vault()
    probe(connect(vault))
    _, asked, metadata, trial = vault.requests
    paths = ["secret/data/api-keys/caas/1/76/web", "secret/metadata/api-keys/caas/1/76/web"]
    assert json.loads(asked.read()) == {"paths": paths}
    assert metadata.url.path == f"/v1/{paths[1]}"
    assert json.loads(trial.read()) == {"options": {"cas": 2**31 - 1}, "data": {}}
    assert vault.stored == {}


def test_a_probe_checks_many_paths_with_one_request() -> None:
    vault = Vault()
    places = [Place(Scope("caas", 1, 76), f"key-{number}") for number in range(120)]
    assert set(connect(vault).probe(places).values()) == {""}
    assert sum(request.url.path.endswith("capabilities-self") for request in vault.requests) == 3


POLICIES: dict[str, tuple[list[str], list[str], int, str]] = {
    "all, nothing there": (["root"], ["root"], 0, ""),
    "all, one there": (["root"], ["root"], 1, ""),
    "create alone, nothing there": (["create"], ["deny"], 0, ""),
    "create alone, one there": (["create"], ["deny"], 1, "its policy needs update and read"),
    "create and read, one there": (
        ["create", "read"],
        [],
        1,
        "(it may: create, read), where version 1 of the secret is; add a policy for it",
    ),
    "data alone, nothing there": (["create", "read", "update"], ["deny"], 0, ""),
    "data alone, one there": (["create", "read", "update"], ["deny"], 1, ""),
    "metadata to read, nothing there": (["create", "update"], ["read"], 0, ""),
    "metadata to read, one there": (["create", "update"], ["read"], 1, ""),
    "nothing to read": (["create", "update"], ["deny"], 0, "add read to its policy"),
    "update alone": (
        ["update", "read"],
        [],
        0,
        "the token may not create secret/data/api-keys/caas/1/76/web",
    ),
    "nothing": (["deny"], ["deny"], 0, "add read to its policy"),
    "read alone": (["read"], ["deny"], 0, "(it may: read); add a policy for it"),
}


@pytest.mark.parametrize(("data", "metadata", "there", "reason"), POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("has_capabilities", [True, False], ids=["", "without capabilities"])
def test_missing_policy_permissions_are_detected_by_the_probe(
    data: list[str], metadata: list[str], there: int, reason: str, *, has_capabilities: bool
) -> None:
    vault = Vault()
    vault.may = {"data": data, "metadata": metadata}
    vault.has_capabilities = has_capabilities
    if there:
        vault.stored[BELOW] = [{"secret": "dead"}]
    if reason or (not has_capabilities and data == ["create"]):
        said = probe_error(connect(vault))
        assert reason in said or not has_capabilities
    else:
        sink = connect(vault)
        sink.store(WEB, SECRET, probe(sink))
        assert stored_in(vault) == [*["dead"] * there, VALUE]


def test_without_a_probe_a_version_that_may_not_be_read_is_an_error() -> None:
    vault = Vault()
    vault.may = {"data": ["create", "update"], "metadata": []}
    assert "add read to its policy" in store_error(connect(vault))
    assert vault.stored == {}


@pytest.mark.parametrize("response", [{}, [], {"data": None}, {"data": {"capabilities": "root"}}, "root"])
def test_a_server_that_is_not_vault_is_detected(response: Any) -> None:
    for responses in ([httpx.Response(200, json=response)], [MOUNTED, httpx.Response(200, json=response)]):
        assert (
            probe_error(connect(Script(*responses))) == "the server of VAULT_ADDR does not respond like Vault"
        )


@pytest.mark.parametrize("lose", [1, 2])
@pytest.mark.parametrize("before", [0, 1])
def test_a_lost_response_is_resolved_by_reading(lose: int, before: int) -> None:
    vault = Vault(lose=lose)
    vault.stored |= {BELOW: [{"secret": "dead"}]} if before else {}
    assert store(connect(vault)) == f"vault:{WHERE}"
    assert stored_in(vault)[-1] == VALUE


def test_a_lost_response_that_cannot_be_read_is_an_error() -> None:
    vault = Vault(lose=1)
    vault.may = {"data": ["create", "update"], "metadata": []}
    with pytest.raises(SinkError) as raised:
        connect(vault).store(WEB, SECRET, "")
    assert "has another version than 0" in str(raised.value)
    assert "it may be stored all the same" in str(raised.value)


def test_a_secret_of_another_owner_is_not_overwritten() -> None:
    other = httpx.Response(200, json={"data": {"data": {"secret": "other"}}})
    remote = Script(MOUNTED, NONE_YET, httpx.ReadTimeout("timed out"), refusal(400, CAS), other)
    assert "has another version than 0" in store_error(connect(remote))


STANDBY = httpx.Response(307, headers={"Location": "https://10.0.0.2:8200/v1/x"})
PASSING: dict[str, httpx.Response | Exception] = {
    "a rate limit without Retry-After": refusal(429, "rate limit quota exceeded"),
    "a sealed server": refusal(503, "Vault is sealed"),
    "no active server": refusal(500, "local node not active but active cluster node not found"),
    "a standby that points to a leader which is gone": STANDBY,
    "a standby for reading": refusal(473),
    "one that is behind": refusal(412, "required index state not present"),
    "a server that restarts": httpx.ConnectError("refused"),
    "an engine that was just mounted": refusal(
        400,
        "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period",
    ),
    "a gateway": httpx.Response(502, html="<html>"),
}


@pytest.mark.parametrize("response", PASSING.values(), ids=PASSING)
def test_a_secret_is_stored_after_a_minute_of_failures(response: httpx.Response | Exception) -> None:
    vault, clock = Vault(), FakeClock()

    def remote(request: httpx.Request) -> httpx.Response:
        if 1 < clock.elapsed < 60:
            return Script(response)(request)
        return vault(request)

    sink = connect(remote, clock=clock)
    held = probe(sink)
    clock.elapsed = 2.0
    assert sink.store(WEB, SECRET, held) == f"vault:{WHERE}"
    assert (stored_in(vault), clock.elapsed < 90) == ([VALUE], True)


@pytest.mark.parametrize(("code", "probing"), [(503, 10), (429, 120)])
def test_storing_is_retried_for_two_minutes_and_a_probe_for_ten_seconds(code: int, probing: int) -> None:
    clock = FakeClock()
    remote = Script(refusal(code, "not now"))
    assert f"HTTP {code}: not now" in probe_error(connect(remote, clock=clock))
    assert probing - 10 <= clock.elapsed <= probing
    clock.elapsed = 0.0
    assert f"HTTP {code}: not now" in store_error(connect(remote, clock=clock))
    assert 100 < clock.elapsed <= 120


@pytest.mark.parametrize("is_sealed", [True, False])
def test_during_a_forced_stop_each_request_is_sent_once(*, is_sealed: bool) -> None:
    vault, clock = Vault(), FakeClock()
    sink = connect(
        lambda request: refusal(503, "Vault is sealed") if is_sealed else vault(request), clock=clock
    )
    sink.hurry()
    if is_sealed:
        assert "HTTP 503: Vault is sealed" in store_error(sink)
    else:
        assert store(sink) == f"vault:{WHERE}"
    assert clock.sleeps == []


def test_a_forced_stop_ends_waiting_for_a_server() -> None:
    requests: list[httpx.Request] = []

    def remote(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if len(requests) == 3:
            sink.hurry()
        return refusal(503, "Vault is sealed")

    sink = connect(remote)
    assert "HTTP 503: Vault is sealed (tried 3 times)" in store_error(sink)


@pytest.mark.parametrize("version", [True, -1, "1", 1.5, None])
def test_an_invalid_version_is_an_error(version: Any) -> None:
    may = httpx.Response(200, json={"capabilities": ["root"]})
    odd = httpx.Response(200, json={"data": {"current_version": version}})
    assert "does not respond like Vault" in probe_error(connect(Script(MOUNTED, may, odd)))


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "caf\u00e9?#", "%2E"])
def test_a_name_cannot_lead_out_of_the_path(name: str) -> None:
    vault = Vault()
    store(connect(vault), Place(Scope("own", 1), name))
    (path,) = vault.stored
    assert path.startswith("api-keys/own/1/")
    assert path.count("/") == 3
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
    "HTML": (httpx.Response(200, html="<html>login</html>"), "the response is not JSON"),
    "another shape": (httpx.Response(200, json={"data": {"version": "1"}}), ""),
    "a warning": (httpx.Response(200, json={"warnings": ["Invalid path for a versioned K/V"]}), ""),
    "errors of another shape": (httpx.Response(400, json={"errors": [1, None]}), "HTTP 400: Bad Request"),
    "a redirect": (
        httpx.Response(307, headers={"Location": "https://active:8200/v1/x"}),
        "redirected to https://active:8200/v1/x, which is refused: secrets go to one host",
    ),
    "no connection": (httpx.ConnectError("refused"), "no response: refused"),
    "a time-out": (httpx.ConnectTimeout("timed out"), "timed out: timed out"),
    "the secret": (refusal(400, f"cannot parse {json.dumps(VALUE)}"), 'HTTP 400: cannot parse "***"'),
    "half the secret": (refusal(400, f"cannot parse {VALUE[:20]}"), "cannot parse ***"),
    "the token": (refusal(403, f"bad token {TOKEN}"), "HTTP 403: bad token ***"),
    "an error with the token": (
        httpx.LocalProtocolError(f"Illegal header value {TOKEN}"),
        "Illegal header value ***",
    ),
}


@pytest.mark.parametrize(("response", "reason"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_explained_without_the_secret(response: httpx.Response | Exception, reason: str) -> None:
    said = store_error(connect(Script(MOUNTED, NONE_YET, response)))
    assert said.startswith(f"Vault did not store {WHERE}: ")
    assert reason in said
    with pytest.raises(SinkError) as probed:  # which knows no secret but the token
        connect(Script(MOUNTED, response)).probe([WEB])
    assert TOKEN not in said + str(probed.value)


def test_a_failure_to_find_the_mount_is_a_failure() -> None:
    assert "HTTP 503: Vault is sealed" in probe_error(connect(Script(refusal(503, "Vault is sealed"))))
    assert "HTTP 503: Vault is sealed" in store_error(connect(Script(refusal(503, "Vault is sealed"))))


class _Handler(http.server.BaseHTTPRequestHandler):
    """Hands requests to a Vault."""

    remote = Vault()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = f"http://127.0.0.1{self.path}"
        response = self.remote(httpx.Request(self.command, url, headers=dict(self.headers), content=body))
        self.send_response(response.status_code)
        self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    do_GET = do_POST  # noqa: N815 - the name that http.server asks for

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


def test_a_real_server_on_loopback_is_reached_without_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)) as url:
        environment = {"VAULT_ADDR": f"{url}/", "VAULT_TOKEN_FILE": str(tmp_path / "token")}
        sink = open_sink("vault:secret/api-keys", SystemClock(), SystemRandomness(), "test/1", environment)
        sink.probe([WEB])
        assert store(sink, WEB) == f"vault:{WHERE}"


def test_an_address_without_a_server_is_an_error() -> None:
    with unused_port() as port:
        environment = {"VAULT_ADDR": f"http://127.0.0.1:{port}", "VAULT_TOKEN": TOKEN}
        sink = open_sink("vault:secret", FakeClock(), SystemRandomness(), "test/1", environment)
        assert "no response: " in probe_error(sink)
        assert "check the address and the network" in store_error(sink)


def test_the_secret_that_a_path_has_is_read_back() -> None:
    vault = Vault()
    sink = connect(vault)
    assert sink.read(WEB) is None
    sink.store(WEB, SECRET, "")
    found = sink.read(WEB)
    assert found is not None
    assert found.reveal() == VALUE
    vault.stored[BELOW].append(None)  # deleted there
    assert (sink.read(WEB), sink.has_versions) == (None, True)


def test_a_secret_that_may_not_be_read_is_an_error() -> None:
    vault = Vault()
    vault.stored[BELOW] = [{"secret": VALUE}]
    vault.may["data"] = ["create", "update"]
    with pytest.raises(SinkError) as raised:
        connect(vault).read(WEB)
    assert f"Vault did not show {WHERE}" in safe(raised.value)
