"""No failure of any sink shows the secret: not its message, not what led to it, no log, no stream."""

from __future__ import annotations

import base64
import json
import logging
import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.api.exchange import HttpSettings
from reconciler.apply.sinks.fallback import Rescuer
from reconciler.apply.sinks.kubernetes import Cluster, KubernetesSink
from reconciler.apply.sinks.sink import file_name
from reconciler.apply.sinks.spec import open_sink
from reconciler.errors import SinkError
from reconciler.model.endpoint import BaseUrl
from reconciler.model.system import SystemClock, SystemRandomness
from tests.apply.sinks import SECRET, TELLING, VALUE, WEB, safe, store
from tests.support import FakeClock, Script, http_bytes, raw_server, unused_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.apply.sinks.sink import SecretSink

ENVIRONMENT = {"PATH": os.environ["PATH"], "VAULT_TOKEN": "hvs.token"}  # noqa: TID251 - where programs are
ECHOES = {
    "as it is": VALUE,
    "as JSON": json.dumps(VALUE),
    "as base64": base64.b64encode(VALUE.encode()).decode(),
    "in a larger base64": base64.b64encode(json.dumps({"x": VALUE}).encode()).decode(),
    "halved": VALUE[: len(VALUE) // 2] + "\n" + VALUE[len(VALUE) // 2 :],
    "cut": VALUE[4:],
}
STATUSES = ["200 OK", "307 Temporary Redirect", "400 Bad Request", "403 Forbidden", "409 Conflict"]


@pytest.fixture(autouse=True)
def nothing_is_shown(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Assert that no log, at the finest level, and neither stream shows a secret."""
    caplog.set_level(logging.DEBUG)
    yield
    streams = capfd.readouterr()
    logs = "".join(f"{record!r} {record.getMessage()}" for record in caplog.get_records("call"))
    everything = logs + streams.out + streams.err
    assert not [part for part in TELLING if part in everything]


def fails(sink: SecretSink) -> str:
    with pytest.raises(SinkError) as raised:
        sink.store(WEB, SECRET)
    assert not [part for part in TELLING if part in repr(sink)]
    return safe(raised.value)


def opened(spec: str, **environment: str) -> SecretSink:
    return open_sink(spec, FakeClock(), SystemRandomness(), "test/1", ENVIRONMENT | environment)


def _existing(folder: Path) -> SecretSink:
    folder.chmod(0o700)
    (folder / file_name(WEB.parts)).mkdir()
    return opened(f"file:{folder}")


def _open_to_others(folder: Path) -> SecretSink:
    folder.chmod(0o755)
    return opened(f"file:{folder}")


LOCAL: dict[str, Callable[[Path], SecretSink]] = {
    "a folder of its name": _existing,
    "a folder that is open": _open_to_others,
    "a folder that cannot be": lambda _: opened("file:/proc/x"),
    "a program that is missing": lambda _: opened("exec:/no/such/program"),
    "a program that fails": lambda _: opened("exec:false"),
    "a program that repeats": lambda _: opened("exec:sh -c 'cat; exit 1'"),
    "a program that repeats on stderr": lambda _: opened("exec:sh -c 'cat >&2; exit 1'"),
    "a program that encodes": lambda _: opened("exec:sh -c 'base64; exit 1'"),
    "a program that cuts": lambda _: opened("exec:sh -c 'cut -c 100-; exit 1'"),
    "a program that is killed": lambda _: opened("exec:sh -c 'cat; kill -9 $$'"),
    "a token that is missing": lambda _: opened(
        "vault:x", VAULT_ADDR="https://h", VAULT_TOKEN="", VAULT_TOKEN_FILE="/no"
    ),
    "a pod that is none": lambda folder: KubernetesSink(
        "shop",
        Cluster(BaseUrl("https://10.0.0.1"), folder),
        HttpSettings("test/1", FakeClock(), SystemRandomness()),
    ),
}


@pytest.mark.parametrize("make", LOCAL.values(), ids=LOCAL)
def test_a_local_failure_does_not_show_the_secret(tmp_path: Path, make: Callable[[Path], SecretSink]) -> None:
    assert fails(make(tmp_path))


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("status", STATUSES)
def test_a_secret_repeated_by_vault_is_redacted(status: str, echo: str) -> None:
    """Over a real socket, so that httpx and its parts log what they log."""
    for body in (json.dumps({"errors": [f"bad: {echo}"]}), echo):
        with raw_server(http_bytes(body.encode(), status, None, "Location: /elsewhere")) as server:
            assert fails(opened("vault:secret", VAULT_ADDR=server.url))


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("status", [200, 307, 400, 403, 409, 500])
def test_a_secret_repeated_by_kubernetes_is_redacted(tmp_path: Path, status: int, echo: str) -> None:
    (tmp_path / "token").write_text("token")
    responses: list[Any] = [{"kind": "Status", "message": f"bad: {echo}"}, echo, {"data": {"secret": echo}}]
    for body in responses:
        remote = Script(httpx.Response(status, json=body, headers={"Location": f"/?{echo!a}"}))
        conditions = HttpSettings("test/1", FakeClock(), SystemRandomness(), httpx.MockTransport(remote))
        assert fails(KubernetesSink("shop", Cluster(BaseUrl("http://127.0.0.1"), tmp_path), conditions))


def test_a_connection_that_fails_does_not_show_the_secret() -> None:
    with unused_port() as port:
        assert fails(opened("vault:secret", VAULT_ADDR=f"http://127.0.0.1:{port}"))
    with raw_server(None) as server:
        assert fails(opened("vault:secret", VAULT_ADDR=server.url))
    with raw_server(VALUE.encode()) as server:
        assert fails(opened("vault:secret", VAULT_ADDR=server.url))


def test_a_success_does_not_show_the_secret(tmp_path: Path) -> None:
    store(opened(f"file:{tmp_path / 'keys'}"))
    store(open_sink("exec:cat", SystemClock(), SystemRandomness(), "test/1", ENVIRONMENT))
    assert not [part for part in TELLING if part in Rescuer([tmp_path]).rescue(WEB.address, SECRET)]
