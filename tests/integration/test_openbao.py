"""Secrets in OpenBao, a real server: what the stand-in of other tests claims, and more."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from gcore_emulator import Faults
from reconciler.apply.sinks.sink import Place
from reconciler.apply.sinks.spec import open_sink
from reconciler.errors import SinkError
from reconciler.model.scope import Scope
from reconciler.model.system import SystemClock, SystemRandomness
from tests.apply.sinks import SECRET, VALUE, probe_error, store_error
from tests.integration.openbao import PROGRAM, serving
from tests.support import CommandLine, declare, emulate, lines_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.apply.sinks.sink import SecretSink
    from tests.integration.openbao import OpenBao

pytestmark = pytest.mark.counterpart("OpenBao")
LATER, SOONER = "2036-01-31T00:00:00Z", "2036-01-07T00:00:00Z"


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with serving(tmp_path_factory.mktemp("openbao")) as server:
        server.mount("secret")
        server.mount("team/kv")
        server.mount("first", version="1")
        server("POST", "sys/namespaces/shop")
        server.mount("only-shop", namespace="shop")
        server("POST", "sys/namespaces/team", namespace="shop")
        server.mount("only-team", namespace="shop/team")
        yield server


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    """A key of its own for each test."""
    return Place(Scope("caas", 1, 76), f"key-{abs(hash(request.node.name))}")


def opened(bao: OpenBao, token: str = "", spec: str = "secret/api", **more: str) -> SecretSink:
    environment = {"BAO_ADDR": bao.address, "BAO_TOKEN": token or bao.token, **more}
    return open_sink(f"vault:{spec}", SystemClock(), SystemRandomness(), "test/1", environment)


def data(place: Place, mount: str = "secret", below: str = "api/") -> str:
    return f"{mount}/data/{below}{place.address}"


def version_of(bao: OpenBao, place: Place) -> Any:
    return bao("GET", data(place).replace("/data/", "/metadata/")).get("data", {}).get("current_version")


def test_the_next_version_is_stored_and_earlier_ones_are_preserved(bao: OpenBao, place: Place) -> None:
    sink = opened(bao)
    assert sink.probe([place]) == {place: ""}
    assert version_of(bao, place) is None
    assert sink.store(place, SECRET, "") == f"vault:secret/api/{place.address}"
    assert opened(bao).probe([place]) == {place: "1"}
    assert version_of(bao, place) == 1
    sink.store(place, SECRET, "1")
    assert (version_of(bao, place), bao.read(data(place)), bao.read(data(place), 1)) == (2, VALUE, VALUE)


@pytest.mark.parametrize("held", ["", "1", "3"])
def test_another_version_than_the_probe_found_is_refused(bao: OpenBao, place: Place, held: str) -> None:
    for number in (0, 1):
        bao("POST", data(place), {"options": {"cas": number}, "data": {"secret": "older"}})
    with pytest.raises(SinkError, match="has another version than"):
        opened(bao).store(place, SECRET, held)
    assert version_of(bao, place) == 2


def test_a_version_that_was_deleted_is_followed_by_the_next(bao: OpenBao, place: Place) -> None:
    bao("POST", data(place), {"data": {"secret": "older"}})
    bao("DELETE", data(place))
    for token in ("", bao.login("create,update,read secret/data/api/*")):
        found = opened(bao, token).probe([place])
        assert found == {place: "1"}
    opened(bao).store(place, SECRET, "1")
    assert bao.read(data(place)) == VALUE


def test_a_secret_that_belongs_to_something_else_is_not_changed(bao: OpenBao, place: Place) -> None:
    bao("POST", data(place), {"data": {"user": "x", "password": "y"}})
    with pytest.raises(SinkError, match="contains data that is not a secret of this key"):
        opened(bao).probe([place])
    assert version_of(bao, place) == 1


@pytest.mark.parametrize("is_required", [True, False])
def test_an_engine_may_require_check_and_set(bao: OpenBao, place: Place, *, is_required: bool) -> None:
    bao("POST", "secret/config", {"cas_required": is_required})
    sink = opened(bao)
    sink.store(place, SECRET, sink.probe([place])[place])
    sink.store(place, SECRET, sink.probe([place])[place])
    assert version_of(bao, place) == 2


@pytest.mark.parametrize(
    ("rules", "there", "reason"),
    [
        (["create secret/data/api/*"], False, ""),
        (["create secret/data/api/*"], True, "its policy needs update and read"),
        (["create,read secret/data/api/*"], True, "the token may not update secret/data/api/"),
        (["create,update secret/data/api/*"], False, "add read to its policy"),
        (["create,update,read secret/data/api/*"], True, ""),
        (["create,update secret/data/api/*", "read secret/metadata/api/*"], True, ""),
        (["create,update secret/data/api/*", "read secret/metadata/api/*"], False, ""),
        (["read secret/data/api/*"], False, "the token may not create secret/data/api/"),
        (["create secret/data/other/*"], False, "the token may read neither"),
    ],
)
def test_missing_policy_permissions_are_detected_by_the_probe(
    bao: OpenBao, place: Place, rules: list[str], reason: str, *, there: bool
) -> None:
    if there:
        bao("POST", data(place), {"data": {"secret": "older"}})
    sink = opened(bao, bao.login(*rules))
    if not reason:
        sink.store(place, SECRET, sink.probe([place])[place])
        assert bao.read(data(place)) == VALUE
        return
    with pytest.raises(SinkError) as raised:
        sink.probe([place])
    assert reason in str(raised.value)
    assert version_of(bao, place) == (1 if there else None)


@pytest.mark.parametrize(
    ("spec", "namespace", "rules"),
    [
        ("secrets/api", "", ["create secrets/data/api/*"]),
        ("secret/api", "shop", ["create secret/data/api/*"]),
        ("only-shop/api", "", ["create only-shop/data/api/*"]),
        ("team/other", "", ["create team/other/data/*"]),
        ("team", "", ["create team/*"]),
        ("secret/api", "nowhere", ["create secret/data/api/*"]),
    ],
)
@pytest.mark.parametrize("is_root", [True, False])
def test_a_wrong_mount_and_a_wrong_namespace_are_detected_by_the_probe(
    bao: OpenBao, spec: str, namespace: str, rules: list[str], *, is_root: bool
) -> None:
    token = bao.token if is_root else bao.login(*rules)
    sink = opened(bao, token, spec, VAULT_NAMESPACE=namespace)
    within = f"namespace {namespace}" if namespace else "the root namespace"
    said = f"nothing is mounted at {spec} in {within} of Vault, as far as the token may see"
    assert said in probe_error(sink)
    assert said in store_error(sink)


def test_a_missing_namespace_setting_is_detected_by_the_probe(bao: OpenBao, place: Place) -> None:
    token = bao.login("create,read,update only-shop/data/*", namespace="shop")
    assert "nothing is mounted at only-shop" in probe_error(opened(bao, token, "only-shop"))
    sink = opened(bao, token, "only-shop", BAO_NAMESPACE="shop")
    assert sink.probe([place]) == {place: ""}
    assert sink.store(place, SECRET, "") == f"vault:only-shop/{place.address}"


def test_a_namespace_within_another_is_found(bao: OpenBao, place: Place) -> None:
    token = bao.login("create,read,update only-team/data/*", namespace="shop/team")
    sink = opened(bao, token, "only-team", BAO_NAMESPACE="shop/team")
    sink.store(place, SECRET, sink.probe([place])[place])
    assert opened(bao, token, "only-team", BAO_NAMESPACE="shop/team").probe([place]) == {place: "1"}


def test_a_mount_of_several_parts_is_found(bao: OpenBao, place: Place) -> None:
    sink = opened(bao, bao.login("create,read,update team/kv/data/*"), "team/kv")
    sink.store(place, SECRET, sink.probe([place])[place])
    assert bao.read(data(place, "team/kv", "")) == VALUE


@pytest.mark.parametrize("spec", ["first/api", "cubbyhole/api", "sys/api", "identity/api"])
def test_an_engine_without_versions_is_refused(bao: OpenBao, spec: str) -> None:
    said = probe_error(opened(bao, spec=spec))
    assert "only a kv engine of version 2 can refuse to overwrite" in said
    assert bao("GET", "first/api?list=true") == {"errors": []}


def test_a_wrong_token_is_detected_by_the_probe(bao: OpenBao) -> None:
    assert "permission denied" in probe_error(opened(bao, "s.wrong"))


def test_every_key_name_maps_to_one_path(bao: OpenBao) -> None:
    places = [
        Place(Scope("own", 1), name) for name in ("..", ".", "", "a/b", "caf\u00e9?#", "%2E%2E", "a b", "+")
    ]
    sink = opened(bao)
    for place in places:
        sink.store(place, SECRET, sink.probe([place])[place])
    assert set(opened(bao).probe(places).values()) == {"1"}


def test_a_rate_limit_without_retry_after_is_waited_for(bao: OpenBao, place: Place) -> None:
    sink = opened(bao)
    held = sink.probe([place])[place]
    bao("POST", "sys/quotas/rate-limit/few", {"path": "secret/", "rate": 2, "interval": "1s"})
    try:
        latest = time.monotonic() + 20
        while "quota" not in str(bao("GET", data(place))):
            assert time.monotonic() < latest
        sink.store(place, SECRET, held)
        bao("DELETE", "sys/quotas/rate-limit/few")
        assert bao.read(data(place)) == VALUE
    finally:
        bao("DELETE", "sys/quotas/rate-limit/few")


def test_a_temporarily_sealed_server_is_waited_for(bao: OpenBao, place: Place) -> None:
    sink = opened(bao)
    held = sink.probe([place])[place]
    bao("PUT", "sys/seal")
    later = threading.Timer(0.5, bao.unseal)
    later.start()
    sink.store(place, SECRET, held)
    later.join()
    assert bao.read(data(place)) == VALUE


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_server_is_trusted_by_its_own_ca_file_alone(tmp_path: Path, place: Place) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9000 -subj /CN=test"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "bao.key", "-out", "bao.crt"]
    subprocess.run([*command.split(), *names], cwd=tmp_path, check=True, capture_output=True)
    with serving(tmp_path, tmp_path / "bao.crt") as server:
        server.mount("secret")
        assert "the server's certificate is not trusted" in probe_error(opened(server))
        sink = opened(server, BAO_CACERT=str(tmp_path / "bao.crt"))
        sink.store(place, SECRET, sink.probe([place])[place])
        assert server.read(data(place)) == VALUE


def test_a_key_is_replaced_and_consumers_read_the_new_secret(
    bao: OpenBao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = CommandLine(monkeypatch, capsys)
    monkeypatch.setenv("BAO_ADDR", bao.address)
    monkeypatch.setenv("BAO_TOKEN", bao.token)
    key = {"name": "chat", "expires_at": LATER, "lifecycle": {"replace": True}}
    file = tmp_path / "keys.yaml"
    read = "secret/data/live/inference/1/chat"
    with emulate() as emulator:
        cli.use(emulator)
        seen = []
        for expiry in (LATER, None):
            document = {"kind": "inference", "project_id": 1, "keys": [key | {"expires_at": expiry}]}
            file.write_text(json.dumps(document), encoding="utf-8")
            done = cli("apply", str(file), "--auto-approve", "-q", "--secret-sink", "vault:secret/live")
            assert (done.code, done.err) == (0, "")
            seen.append(bao.read(read))
        assert (len(set(seen)), bao.read(read, 1)) == (2, seen[0])


@pytest.mark.parametrize("rights", ["create,update,read", "create,update", "create"])
def test_a_rotation_stores_the_secret_under_the_alias_or_changes_nothing(
    bao: OpenBao,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    rights: str,
) -> None:
    cli = CommandLine(monkeypatch, capsys)
    folder = f"rotation-{rights.replace(',', '-')}"
    monkeypatch.setenv("BAO_ADDR", bao.address)
    monkeypatch.setenv("BAO_TOKEN", bao.token)
    shop: dict[str, Any] = {"name": "shop", "expire": LATER, "containers": []}
    successor = shop | {"name": "shop-2", "lifecycle": {"rotates": "shop", "alias": "shop"}}
    words = ("--auto-approve", "-q", "--max-revoked=100%", "--secret-sink", f"vault:secret/{folder}")
    path = f"secret/data/{folder}/caas/1/76"
    with emulate() as emulator:
        cli.use(emulator)
        done = cli("apply", declare(tmp_path / "keys.yaml", shop), *words)
        assert (done.code, done.err) == (0, "")
        first = bao.read(f"{path}/shop")
        monkeypatch.setenv("BAO_TOKEN", bao.login(f"{rights} secret/data/{folder}/*"))
        ends = shop | {"expire": SOONER}
        done = cli("apply", declare(tmp_path / "keys.yaml", ends, successor), *words)
        live = emulator.keys(1, 76)
        if rights != "create,update,read":
            assert done.code == 1
            assert (set(live), live["shop"]["expire"], bao.read(f"{path}/shop")) == ({"shop"}, LATER, first)
            return
        assert (done.code, done.err) == (0, "")
        assert live["shop"]["expire"] == SOONER
        second = bao.read(f"{path}/shop-2")
        assert second != first
        assert (bao.read(f"{path}/shop"), bao.read(f"{path}/shop", 1)) == (second, first)


def test_a_rotation_that_is_killed_between_its_two_places_is_completed_by_another_run(
    bao: OpenBao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = CommandLine(monkeypatch, capsys)
    monkeypatch.setenv("BAO_ADDR", bao.address)
    monkeypatch.setenv("BAO_TOKEN", bao.token)
    file = declare(tmp_path / "keys.yaml", {"name": "shop", "expire": LATER, "containers": []})
    words = ("apply", file, "--auto-approve", "--secret-sink", "vault:secret/killed")
    path = "secret/data/killed/caas/1/76"
    with emulate() as emulator:
        cli.use(emulator)
        assert cli(*words).code == 0
        first = bao.read(f"{path}/shop")
        assert cli.alone("rotate", "shop", "--file", file, "--overlap", "7d").code == 0
        emulator.faults = Faults(methods=("POST",), slow_answer=1.0, slow_seconds=2.0)
        with cli.start(*words) as process:
            while "shop-2" not in emulator.keys(1, 76):
                assert process.poll() is None
            emulator.faults = Faults(methods=("GET",), slow_answer=1.0, slow_seconds=60.0)
            while "data" not in bao("GET", f"{path}/shop-2"):
                assert process.poll() is None
            process.kill()
            said = process.communicate()
        second = bao.read(f"{path}/shop-2")
        emulator.faults = Faults()
        assert (bao.read(f"{path}/shop"), emulator.keys(1, 76)["shop"]["expire"]) == (first, LATER)
        done = cli.alone(*words)
        assert (done.code, emulator.keys(1, 76)["shop"]["expire"] < LATER) == (0, True)
        assert (bao.read(f"{path}/shop"), bao.read(f"{path}/shop", 1)) == (second, first)
        assert bao("GET", f"{path}/shop-2".replace("/data/", "/metadata/"))["data"]["current_version"] == 1
    assert not any(secret in text for secret in (first, second) for text in (*said, done.out, done.err))


def test_a_second_signal_rescues_a_secret_that_waits_for_the_server(
    bao: OpenBao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = CommandLine(monkeypatch, capsys)
    monkeypatch.setenv("BAO_ADDR", bao.address)
    monkeypatch.setenv("BAO_TOKEN", bao.token)
    file = declare(tmp_path / "keys.yaml", {"name": "waits", "containers": []})
    with emulate(faults=Faults(methods=("POST",), slow_answer=1.0, slow_seconds=1.0)) as emulator:
        cli.use(emulator)
        words = ("--auto-approve", "--secret-sink", "vault:secret/signals")
        with cli.start("apply", file, *words, cwd=tmp_path) as process:
            while "waits" not in emulator.keys(1, 76):
                assert process.poll() is None
            bao("PUT", "sys/seal")
            process.send_signal(signal.SIGINT)
            lines_until(process.stderr, "Again to stop at once")
            process.send_signal(signal.SIGTERM)
            lines_until(process.stderr, "not yet: the secrets of caas/1/76/waits would be lost")
            _, said = process.communicate(timeout=60)
    bao.unseal()
    assert process.returncode == 130
    (rescued,) = tmp_path.glob("rescued-secret-*/caas_1_76_waits")
    assert f"its secret is in {rescued}" in said
    assert rescued.read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
@pytest.mark.parametrize("kind", ["exec", "exec+probe"])
def test_the_recipe_of_the_documentation_works_with_the_real_program(
    bao: OpenBao, tmp_path: Path, place: Place, kind: str
) -> None:
    from tests.apply.test_sinks_program import Recipe  # noqa: PLC0415 - it represents what others need

    script = Recipe(tmp_path, "to-vault").script
    (tmp_path / "vault").unlink()
    (tmp_path / "vault").symlink_to(str(PROGRAM))
    path = f"{tmp_path}:{os.environ['PATH']}"
    environment = {"PATH": path, "BAO_ADDR": bao.address, "BAO_TOKEN": bao.token, "HOME": str(tmp_path)}
    sink = open_sink(
        f"{kind}:{script}",
        SystemClock(),
        SystemRandomness(),
        "test/1",
        environment,
        ["BAO_ADDR", "BAO_TOKEN"],
    )
    for _ in range(2):
        sink.store(place, SECRET, sink.probe([place])[place])
    assert bao.read(data(place, below="api-keys/")) == VALUE
    assert bao("GET", f"secret/metadata/api-keys/{place.address}")["data"]["current_version"] == 2
