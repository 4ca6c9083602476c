"""A real server of OpenBao on loopback, for tests; it stores everything in memory."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx

from counterparts import find
from tests.integration.running import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM: Final = find("bao")
_SECONDS: Final = 30.0


def _wait() -> None:
    """Continue a server in another process."""
    threading.Event().wait(0.02)


class OpenBao:
    """A server that was initialized and unsealed, as its root sees it."""

    def __init__(self, address: str, authority: Path | None) -> None:
        self.address = address
        trusted = ssl.create_default_context(cafile=authority)
        self.client = httpx.Client(base_url=address, verify=trusted, trust_env=False, timeout=_SECONDS)
        self.token = ""
        self._key = ""

    def __call__(self, method: str, path: str, body: Any = None, namespace: str = "", token: str = "") -> Any:
        """Return the response to a request with the root token or ``token``."""
        headers = {"X-Vault-Token": token or self.token, "X-Vault-Namespace": namespace}
        response = self.client.request(method, f"/v1/{path}", json=body, headers=headers)
        return response.json() if response.content else {}

    def begin(self) -> None:
        """Wait until it responds, and make it usable."""
        latest = time.monotonic() + _SECONDS
        while True:
            try:
                made = self("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
                break
            except httpx.TransportError:
                assert time.monotonic() < latest
                _wait()
        self.token, self._key = made["root_token"], made["keys"][0]
        self.unseal()

    def unseal(self) -> None:
        self("PUT", "sys/unseal", {"key": self._key})

    def mount(self, path: str, version: str = "2", namespace: str = "") -> None:
        """Mount an engine, and wait until it takes secrets."""
        self("POST", f"sys/mounts/{path}", {"type": "kv", "options": {"version": version}}, namespace)
        latest = time.monotonic() + _SECONDS
        while version == "2" and self("GET", f"{path}/metadata/x", namespace=namespace) != {"errors": []}:
            assert time.monotonic() < latest
            _wait()

    def login(self, *rules: str, namespace: str = "") -> str:
        """Return a token that may do no more than its rules say, such as ``create secret/data/*``."""
        paths = [rule.rpartition(" ") for rule in rules]
        policy = {"path": {path: {"capabilities": names.split(",")} for names, _, path in paths}}
        name = f"policy-{len(rules)}-{abs(hash(rules))}"
        self("PUT", f"sys/policies/acl/{name}", {"policy": json.dumps(policy)}, namespace)
        token: str = self("POST", "auth/token/create", {"policies": [name]}, namespace)["auth"][
            "client_token"
        ]
        return token

    def read(self, path: str, version: int = 0) -> str:
        """Return a version of a secret, the latest one by default."""
        secret: str = self("GET", f"{path}?version={version}")["data"]["data"]["secret"]
        return secret


@contextmanager
def serving(folder: Path, certificate: Path | None = None) -> Iterator[OpenBao]:
    """Run a server; with a certificate, whose key lies beside it, it speaks TLS."""
    (port,) = free_ports(1)
    secure = (
        {"tls_cert_file": str(certificate), "tls_key_file": str(certificate.with_suffix(".key"))}
        if certificate
        else {"tls_disable": True}
    )
    config = folder / "openbao.json"
    listener = {"tcp": {"address": f"127.0.0.1:{port}", **secure}}
    config.write_text(json.dumps({"storage": {"inmem": {}}, "listener": listener}), encoding="utf-8")
    command = [str(PROGRAM), "server", f"-config={config}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={"HOME": str(folder), "PATH": ""})
    try:
        server = OpenBao(f"{'https' if certificate else 'http'}://127.0.0.1:{port}", certificate)
        with server.client:
            server.begin()
            yield server
    finally:
        process.terminate()
        process.wait(_SECONDS)
