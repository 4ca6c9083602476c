"""Secrets as Secrets of a cluster: made once, never replaced, whatever the API server responds."""

from __future__ import annotations

import base64
import http.server
import json
import shutil
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest

from reconciler.api.exchange import HttpSettings
from reconciler.apply.sinks.kubernetes import Cluster, KubernetesSink
from reconciler.apply.sinks.sink import object_name
from reconciler.errors import SinkError
from reconciler.model.endpoint import BaseUrl
from reconciler.model.secret import Secret
from reconciler.model.system import SystemClock, SystemRandomness
from tests.apply.sinks import SECRET, VALUE, WEB, probe_error, safe, store, store_error
from tests.support import FakeClock, Script, from_yaml, serving

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = object_name("caas/1/76/web")
DATA = base64.b64encode(VALUE.encode()).decode()
SECRETS = "/api/v1/namespaces/shop/secrets"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.service-account"


def status(code: int, message: str, reason: str = "") -> httpx.Response:
    """Write a refusal the way the API server does."""
    body = {"kind": "Status", "status": "Failure", "message": message, "reason": reason, "code": code}
    return httpx.Response(code, json=body)


def redirect(target: str) -> httpx.Response:
    return httpx.Response(307, headers={"Location": target})


class ApiServer:
    """Stores Secrets by their path, as the API is documented: versions, dry runs, verbs, quota, namespaces.

    The responses to the next ``lose`` requests are lost on the way back.
    """

    def __init__(self, lose: int = 0) -> None:
        self.stored: dict[str, Any] = {}
        self.requests: list[httpx.Request] = []
        self.verbs = {"create", "get", "update"}
        self.quota = 1000
        self.knows_dry_run = True
        self._version = 100
        self._lose = lose

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        response = self._respond(request)
        if self._lose:
            self._lose -= 1
            raise httpx.ReadTimeout("timed out")
        return response

    def _respond(self, request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"] != f"Bearer {TOKEN}":
            return status(401, "Unauthorized")
        verb = {"GET": "get", "POST": "create", "PUT": "update"}[request.method]
        if verb not in self.verbs:
            return status(403, f'secrets is forbidden: User "x" cannot {verb} resource', "Forbidden")
        path = request.url.path
        if not path.startswith(SECRETS):
            return status(404, 'namespaces "other" not found', "NotFound")
        if verb == "get":
            found = self.stored.get(path)
            return status(404, "not found", "NotFound") if found is None else httpx.Response(200, json=found)
        if request.url.params.get("dryRun") == "All" and not self.knows_dry_run:
            return status(400, 'admission webhook "x" does not support dry run', "BadRequest")
        return self._written(request, json.loads(request.read()))

    def _written(self, request: httpx.Request, body: Any) -> httpx.Response:
        is_new = request.method == "POST"
        name = body["metadata"]["name"]
        path = f"{request.url.path}/{name}" if is_new else request.url.path
        older = self.stored.get(path)
        if is_new and len(self.stored) >= self.quota:
            return status(
                403, 'secrets "x" is forbidden: exceeded quota: few, used: count/secrets=1', "Forbidden"
            )
        if is_new and older is not None:
            return status(409, f'secrets "{name}" already exists', "AlreadyExists")
        if is_new:
            older = body | {"metadata": {"resourceVersion": None}}
        if older is None:
            return status(404, f'secrets "{name}" not found', "NotFound")
        if body["metadata"].get("resourceVersion") != older["metadata"]["resourceVersion"]:
            return status(409, "the object has been modified; please apply your changes", "Conflict")
        if not is_new and (older.get("immutable") or body["type"] != older["type"]):
            return status(422, "data: Forbidden: field is immutable when `immutable` is set", "Invalid")
        self._version += 1
        made = body | {"metadata": {"uid": "1"} | body["metadata"] | {"resourceVersion": str(self._version)}}
        if request.url.params.get("dryRun") != "All":
            self.stored[path] = made
        return httpx.Response(201 if is_new else 200, json=made)

    def put(self, version: str = "7", **fields: Any) -> dict[str, Any]:
        """Store an earlier Secret of the key, as this tool makes it but for some fields."""
        metadata = {
            "name": NAME,
            "resourceVersion": version,
            "annotations": {"reconciler/address": "caas/1/76/web", "team": "shop"},
            "labels": {"app.kubernetes.io/managed-by": "reconciler"},
        }
        made = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"secret": "b2xk"}}
        self.stored[f"{SECRETS}/{NAME}"] = {
            **made,
            "metadata": metadata | fields.pop("metadata", {}),
            **fields,
        }
        stored: dict[str, Any] = self.stored[f"{SECRETS}/{NAME}"]
        return stored


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """The folder of a service account."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    shutil.copy(ssl.get_default_verify_paths().cafile or _bundle(), tmp_path / "ca.crt")
    return tmp_path


def _bundle() -> str:
    import certifi  # noqa: PLC0415 - where the system has no bundle of its own

    return certifi.where()


@pytest.fixture
def connect(account: Path) -> Callable[[Any], KubernetesSink]:
    def connected(remote: Any) -> KubernetesSink:
        conditions = HttpSettings("test/1", FakeClock(), SystemRandomness(), httpx.MockTransport(remote))
        return KubernetesSink("shop", Cluster(BaseUrl("https://10.0.0.1:443"), account), conditions)

    return connected


def test_a_secret_is_created_with_its_label_and_address(connect: Callable[[Any], KubernetesSink]) -> None:
    server = ApiServer()
    sink = connect(server)
    assert (store(sink), sink.where(WEB)) == (f"kubernetes:shop/{NAME}",) * 2
    (request,) = server.requests
    assert (request.method, str(request.url)) == ("POST", f"https://10.0.0.1{SECRETS}")
    assert request.headers["user-agent"] == "test/1"
    assert json.loads(request.read()) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": NAME,
            "annotations": {"reconciler/address": "caas/1/76/web"},
            "labels": {"app.kubernetes.io/managed-by": "reconciler"},
        },
        "type": "Opaque",
        "data": {"secret": DATA},
    }


def test_a_probe_is_a_dry_run_of_the_same_object(
    connect: Callable[[Any], KubernetesSink],
) -> None:
    server = ApiServer()
    assert connect(server).probe([WEB]) == {WEB: ""}
    (request,) = server.requests
    assert str(request.url) == f"https://10.0.0.1{SECRETS}?dryRun=All"
    assert json.loads(request.read())["metadata"]["name"] == NAME
    assert VALUE not in request.read().decode()
    assert server.stored == {}


def test_the_secret_of_a_replaced_key_replaces_the_earlier_one(
    connect: Callable[[Any], KubernetesSink],
) -> None:
    server = ApiServer()
    before = json.dumps(server.put(data={"secret": "b2xk", "other": "eA=="}))
    sink = connect(server)
    assert sink.probe([WEB]) == {WEB: "7"}
    tried = [(request.method, request.url.params.get("dryRun")) for request in server.requests]
    assert tried == [("POST", "All"), ("GET", None), ("PUT", "All")]
    assert json.dumps(server.stored[f"{SECRETS}/{NAME}"]) == before
    assert sink.store(WEB, SECRET, "7") == f"kubernetes:shop/{NAME}"
    after = server.stored[f"{SECRETS}/{NAME}"]
    assert after["data"] == {"secret": DATA, "other": "eA=="}
    assert after["metadata"]["annotations"] == {"reconciler/address": "caas/1/76/web", "team": "shop"}


@pytest.mark.parametrize("data", [None, [], "x", {"secret": 5}])
def test_whatever_data_an_earlier_secret_has_it_is_updated(
    connect: Callable[[Any], KubernetesSink], data: Any
) -> None:
    server = ApiServer()
    server.put(data=data)
    sink = connect(server)
    sink.store(WEB, SECRET, sink.probe([WEB])[WEB])
    assert server.stored[f"{SECRETS}/{NAME}"]["data"] == {"secret": DATA}


def test_without_a_probe_an_earlier_secret_is_found(connect: Callable[[Any], KubernetesSink]) -> None:
    server = ApiServer()
    server.put()
    store(connect(server))
    assert server.stored[f"{SECRETS}/{NAME}"]["data"] == {"secret": DATA}


def test_a_removed_secret_is_created_again(connect: Callable[[Any], KubernetesSink]) -> None:
    server = ApiServer()
    connect(server).store(WEB, SECRET, "7")
    assert server.stored[f"{SECRETS}/{NAME}"]["data"] == {"secret": DATA}


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ("", "has changed since it was checked, and is not overwritten; try again"),
        ("6", "was changed by another program"),
    ],
)
def test_a_secret_created_after_the_probe_is_not_overwritten(
    connect: Callable[[Any], KubernetesSink], held: str, reason: str
) -> None:
    server = ApiServer()
    before = dict(server.put())
    with pytest.raises(SinkError) as raised:
        connect(server).store(WEB, SECRET, held)
    assert str(raised.value).startswith(f"Secret shop/{NAME} of caas/1/76/web {reason}")
    assert server.stored == {f"{SECRETS}/{NAME}": before}


def test_a_change_at_the_same_time_is_not_overwritten(connect: Callable[[Any], KubernetesSink]) -> None:
    server = ApiServer()
    server.put()

    def remote(request: httpx.Request) -> httpx.Response:
        response = server(request)
        if request.method == "GET":
            server.put("8", data={"secret": "dGhlaXJz"})
        return response

    assert "has changed since it was checked," in store_error(connect(remote))
    assert server.stored[f"{SECRETS}/{NAME}"]["data"] == {"secret": "dGhlaXJz"}


NOT_OURS = "was not made by this tool for this key, and is not changed: move it away, or store elsewhere"
OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "no labels": ({"metadata": {"labels": None}}, NOT_OURS),
    "another manager": ({"metadata": {"labels": {"app.kubernetes.io/managed-by": "helm"}}}, NOT_OURS),
    "no address": ({"metadata": {"annotations": {}}}, NOT_OURS),
    "another address": ({"metadata": {"annotations": {"reconciler/address": "caas/1/76/x"}}}, NOT_OURS),
    "another type": ({"type": "kubernetes.io/tls"}, NOT_OURS),
    "no data of ours": ({"data": [1], "type": "other"}, NOT_OURS),
    "immutable": ({"immutable": True}, "is immutable: remove it, or store elsewhere"),
    "on its way out": (
        {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}},
        "is being deleted: wait until it is gone",
    ),
}


@pytest.mark.parametrize(("fields", "reason"), OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("knows", [True, False], ids=["", "no dry run"])
def test_a_secret_that_belongs_to_something_else_is_not_changed(
    connect: Callable[[Any], KubernetesSink], fields: dict[str, Any], reason: str, *, knows: bool
) -> None:
    server = ApiServer()
    before = dict(server.put(**fields))
    server.knows_dry_run = knows
    assert probe_error(connect(server)) == f"Secret shop/{NAME} of caas/1/76/web {reason}"
    assert reason in store_error(connect(server))
    assert server.stored == {f"{SECRETS}/{NAME}": before}


@pytest.mark.parametrize(
    ("verbs", "there", "said"),
    [
        ({"create"}, False, ""),
        ({"create"}, True, "HTTP 403"),
        ({"create", "get"}, True, "cannot update"),
        ({"get", "update"}, False, "cannot create"),
        ({"create", "get", "update"}, True, ""),
    ],
)
def test_missing_role_permissions_are_detected_by_the_probe(
    connect: Callable[[Any], KubernetesSink], verbs: set[str], said: str, *, there: bool
) -> None:
    server = ApiServer()
    server.verbs = verbs
    if there:
        server.put()
    if not said:
        sink = connect(server)
        sink.store(WEB, SECRET, sink.probe([WEB])[WEB])
        return
    error = probe_error(connect(server))
    assert said in error
    assert "the service account needs a role that may create, get and update secrets in shop" in error


def test_an_exhausted_quota_is_detected_by_the_probe(connect: Callable[[Any], KubernetesSink]) -> None:
    server = ApiServer()
    server.quota = 0
    assert "exceeded quota" in probe_error(connect(server))


def test_a_refusal_that_repeats_stored_secrets_is_redacted(
    connect: Callable[[Any], KubernetesSink],
) -> None:
    server = ApiServer()
    old = "b2xkIHNlY3JldCBub2JvZHkgbWF5IHNlZQ=="
    server.put(data={"secret": old, "short": "b2xk", "odd": 5})

    def remote(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            return status(422, f"denied: {request.read().decode()}; was: old secret nobody may see {old}")
        return server(request)

    with pytest.raises(SinkError) as stored:
        connect(remote).store(WEB, SECRET, "7")
    for said in (probe_error(connect(remote)), safe(stored.value)):
        assert "HTTP 422: denied: " in said
        assert not [part for part in ("nobody may see", old) if part in said]


def test_a_secret_created_and_deleted_concurrently_is_reported(
    connect: Callable[[Any], KubernetesSink],
) -> None:
    remote = Script(status(409, "exists", "AlreadyExists"), status(404, "not found"))
    assert "is created and deleted while it is probed; try again" in probe_error(connect(remote))


def test_a_token_is_read_again_for_each_request(
    connect: Callable[[Any], KubernetesSink], account: Path
) -> None:
    server = ApiServer()
    sink = connect(server)
    sink.probe([WEB])
    (account / "token").write_text("older")
    assert "HTTP 401" in probe_error(sink)
    (account / "token").write_text(TOKEN)
    sink.probe([WEB])


@pytest.mark.parametrize("lose", [1, 2, 4])
def test_a_lost_response_is_resolved_by_reading(connect: Callable[[Any], KubernetesSink], lose: int) -> None:
    server = ApiServer(lose)
    assert store(connect(server)) == f"kubernetes:shop/{NAME}"
    assert server.stored[f"{SECRETS}/{NAME}"]["data"] == {"secret": DATA}


@pytest.mark.parametrize("lose", [2, 3])
def test_a_lost_response_to_an_update_is_resolved_by_reading(
    connect: Callable[[Any], KubernetesSink], lose: int
) -> None:
    server = ApiServer(lose)
    server.put()
    assert connect(server).store(WEB, SECRET, "7") == f"kubernetes:shop/{NAME}"
    assert server.stored[f"{SECRETS}/{NAME}"]["data"] == {"secret": DATA}


def test_a_lost_response_that_cannot_be_read_is_an_error(connect: Callable[[Any], KubernetesSink]) -> None:
    forbidden = status(403, "secrets is forbidden: cannot get")
    remote = Script(httpx.ReadTimeout("timed out"), status(409, "already exists"), forbidden)
    with pytest.raises(SinkError, match="it may be stored all the same"):
        connect(remote).store(WEB, SECRET, "")


def test_a_secret_of_another_owner_is_not_overwritten(connect: Callable[[Any], KubernetesSink]) -> None:
    other = {"kind": "Secret", "metadata": {"name": NAME}, "data": {"secret": "b3RoZXI="}}
    remote = Script(httpx.ReadTimeout("timed out"), status(409, "exists"), httpx.Response(200, json=other))
    assert NOT_OURS in store_error(connect(remote))


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_transient_failure_is_retried(connect: Callable[[Any], KubernetesSink], code: int) -> None:
    server = ApiServer()
    responses = iter([status(code, "later")])
    assert store(connect(lambda request: next(responses, None) or server(request))).endswith(NAME)


def test_a_quota_conflict_is_retried(
    connect: Callable[[Any], KubernetesSink],
) -> None:
    spoilt = 'Operation cannot be fulfilled on resourcequotas "few": the object has been modified'
    server = ApiServer()
    spoils = [True, False, True, False]

    def remote(request: httpx.Request) -> httpx.Response:
        return status(409, spoilt, "Conflict") if spoils.pop(0) else server(request)

    sink = connect(remote)
    assert sink.store(WEB, SECRET, sink.probe([WEB])[WEB]) == f"kubernetes:shop/{NAME}"


MADE = {"kind": "Secret", "metadata": {"name": NAME}, "data": {"secret": "b3RoZXI="}}
FAILURES: dict[str, tuple[httpx.Response | Exception, str]] = {
    "no token": (status(401, "Unauthorized"), "HTTP 401: Unauthorized; the service account's token is not"),
    "no role": (status(403, "secrets is forbidden"), "needs a role that may create, get and update secrets"),
    "a quota": (
        status(
            403, 'secrets "x" is forbidden: exceeded quota: few, requested: secrets=1, limited: secrets=1'
        ),
        "limited: secrets=1; a quota or a limit is reached: ask for a higher one",
    ),
    "no role for quotas": (
        status(403, 'secrets is forbidden: User "x" cannot create resource "secrets" in quota'),
        "needs a role that may create, get and update secrets",
    ),
    "an admission webhook": (
        status(403, 'admission webhook "x" denied the request: no'),
        "; an admission policy of the cluster has to allow it",
    ),
    "a namespace that ends": (
        status(403, "unable to create new content in namespace shop because it is being terminated"),
        "; it is being deleted: use another one",
    ),
    "no namespace": (status(404, 'namespaces "shop" not found'), "; is there a namespace shop?"),
    "invalid": (status(422, "Secret is invalid"), "HTTP 422: Secret is invalid"),
    "a fault": (
        status(500, "etcd is gone"),
        "HTTP 500: etcd is gone; it may be stored all the same (tried ",
    ),
    "too many requests": (status(429, "slow down"), "HTTP 429"),
    "a long pause": (httpx.Response(429, headers={"Retry-After": "9999"}), "HTTP 429"),
    "HTML": (httpx.Response(200, html="<html>login</html>"), "the response is not JSON"),
    "HTML as a refusal": (httpx.Response(502, html="<html>"), "HTTP 502: Bad Gateway"),
    "nothing": (httpx.Response(204), "the response is not JSON (0 bytes)"),
    "a list": (httpx.Response(200, json=[]), ""),
    "another object": (httpx.Response(201, json={"kind": "Status"}), ""),
    "too much": (httpx.Response(200, content=b"x" * 2**21), "the response is larger than 1 MiB"),
    "a redirect": (
        redirect("https://evil.example/"),
        "redirected to https://evil.example/, which is refused",
    ),
    "a redirect to nowhere": (redirect("http://[::"), "redirected to http://[::"),
    "no connection": (httpx.ConnectError("refused"), "no response: refused"),
    "a time-out": (httpx.ReadTimeout("timed out"), "timed out: timed out"),
    "an end": (httpx.RemoteProtocolError("closed"), "no response: closed"),
    "the secret as a refusal": (status(422, f"invalid: {VALUE} {DATA} {DATA[:20]}"), "invalid: *** ***= ***"),
    "the secret as text": (httpx.Response(400, text=VALUE), "HTTP 400: Bad Request"),
    "the secret as an answer": (httpx.Response(200, text=DATA), "the response is not JSON"),
    "the secret as a target": (redirect(f"/?{DATA}"), "redirected to /?***"),
    "the token": (status(400, f"bad token {TOKEN}"), "HTTP 400: bad token ***"),
    "an error with the secret": (httpx.ReadError(VALUE), "no response: ***"),
}


@pytest.mark.parametrize(("response", "reason"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_explained_without_the_secret(
    connect: Callable[[Any], KubernetesSink], response: httpx.Response | Exception, reason: str
) -> None:
    said = store_error(connect(Script(response)))
    assert said.startswith(f"Secret shop/{NAME} of caas/1/76/web cannot be stored: ")
    assert reason in said
    assert TOKEN not in said
    with pytest.raises(SinkError) as probed:  # which knows no secret but the token
        connect(Script(response)).probe([WEB])
    assert TOKEN not in str(probed.value)


def test_a_response_with_other_data_is_an_error(connect: Callable[[Any], KubernetesSink]) -> None:
    said = store_error(connect(Script(httpx.Response(201, json=MADE))))
    assert "the response is not that of a new secret; it may be stored all the same" in said


@pytest.mark.parametrize(
    ("verbs", "there", "held"),
    [({"create"}, False, None), ({"create", "get"}, False, ""), ({"create", "get", "update"}, True, "7")],
)
def test_a_webhook_without_dry_run_support_leaves_the_probe_inconclusive(
    connect: Callable[[Any], KubernetesSink], verbs: set[str], held: str | None, *, there: bool
) -> None:
    server = ApiServer()
    server.knows_dry_run = False
    server.verbs = verbs
    if there:
        server.put()
    sink = connect(server)
    assert sink.probe([WEB]) == {WEB: held}
    sink.store(WEB, SECRET, held)
    assert server.stored[f"{SECRETS}/{NAME}"]["data"] == {"secret": DATA}


def test_an_update_without_dry_run_support_leaves_the_probe_inconclusive(
    connect: Callable[[Any], KubernetesSink],
) -> None:
    server = ApiServer()
    server.put()

    def remote(request: httpx.Request) -> httpx.Response:
        server.knows_dry_run = request.method == "POST"
        return server(request)

    assert connect(remote).probe([WEB]) == {WEB: "7"}


@pytest.mark.parametrize("text", [None, "", "two words", "a\nb", "caf\u00e9"])
def test_a_token_that_is_invalid_is_an_error(
    connect: Callable[[Any], KubernetesSink], account: Path, text: str | None
) -> None:
    (account / "token").unlink()
    if text is not None:
        (account / "token").write_text(text, encoding="utf-8")
    assert f"the service account's token {account / 'token'}" in store_error(connect(ApiServer()))


@pytest.mark.parametrize("text", [None, "", "no certificate"])
def test_a_ca_file_that_is_invalid_is_an_error(account: Path, text: str | None) -> None:
    (account / "ca.crt").unlink()
    if text is not None:
        (account / "ca.crt").write_text(text)
    cluster = Cluster(BaseUrl("https://127.0.0.1:1"), account)
    said = store_error(
        KubernetesSink("shop", cluster, HttpSettings("test/1", FakeClock(), SystemRandomness()))
    )
    assert f"the trusted certificates in {account / 'ca.crt'} cannot be loaded" in said


class _Handler(http.server.BaseHTTPRequestHandler):
    """Hands requests to an ApiServer."""

    remote = ApiServer()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        url = f"https://127.0.0.1{self.path}"
        response = self.remote(httpx.Request("POST", url, headers=dict(self.headers), content=body))
        self.send_response(response.status_code)
        self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_only_the_ca_file_of_the_cluster_is_trusted(account: Path) -> None:
    """A real server with a certificate of its own, first trusted, then not."""
    bundle = (account / "ca.crt").read_bytes()
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9000 -subj /CN=test"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "ca.crt"]
    subprocess.run([*command.split(), *names], cwd=account, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(account / "ca.crt", account / "key.pem")
    server = http.server.HTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        cluster = Cluster(BaseUrl(f"https://127.0.0.1:{server.server_port}"), account)
        sink = KubernetesSink("shop", cluster, HttpSettings("test/1", SystemClock(), SystemRandomness()))
        sink.probe([WEB])
        assert store(sink) == f"kubernetes:shop/{NAME}"
        (account / "ca.crt").write_bytes(bundle)
        untrusting = KubernetesSink(
            "shop", cluster, HttpSettings("test/1", SystemClock(), SystemRandomness())
        )
        assert "the server's certificate is not trusted" in store_error(untrusting)


def test_during_a_forced_stop_nothing_is_retried(connect: Callable[[Any], KubernetesSink]) -> None:
    remote = Script(status(503, "later"))
    sink = connect(remote)
    sink.hurry()
    assert "HTTP 503: later" in store_error(sink)
    assert [request.method for request in remote.requests] == ["POST", "GET"]


def test_another_key_has_another_name(connect: Callable[[Any], KubernetesSink]) -> None:
    server = ApiServer()
    sink = connect(server)
    other = type(WEB)(WEB.scope, "WEB")
    assert store(sink) != store(sink, other)
    assert len(server.stored) == 2


def test_requests_and_the_documented_role_match_the_kubernetes_api(
    connect: Callable[[Any], KubernetesSink],
) -> None:
    server = ApiServer()
    store(connect(server))
    page = (Path(__file__).parents[2] / "docs/secrets.md").read_text(encoding="utf-8")
    role = from_yaml(page.split("```yaml\n")[1].split("```")[0])
    for document in (json.loads(server.requests[0].read()), role):
        kubernetes_validate.validate(document, "1.30", strict=True)
    assert NAME in page


def test_an_alias_also_holds_the_previous_secret(connect: Callable[[Any], KubernetesSink]) -> None:
    server = ApiServer()
    sink = connect(server)
    alias = replace(WEB, is_alias=True)
    assert sink.read(alias) is None
    store(sink)
    sink.store(alias, Secret("the-secret-of-the-successor"))
    data = server.stored[f"{SECRETS}/{NAME}"]["data"]
    successor = base64.b64encode(b"the-secret-of-the-successor").decode()
    assert data == {"secret": successor, "previous": DATA}
    found = sink.read(alias)
    assert found is not None
    assert found.reveal() == "the-secret-of-the-successor"


def test_a_secret_of_another_owner_is_not_read(connect: Callable[[Any], KubernetesSink]) -> None:
    server = ApiServer()
    sink = connect(server)
    store(sink)
    server.stored[f"{SECRETS}/{NAME}"]["metadata"]["annotations"] = {}
    with pytest.raises(SinkError) as raised:
        sink.read(WEB)
    assert "was not made by this tool for this key" in safe(raised.value)
