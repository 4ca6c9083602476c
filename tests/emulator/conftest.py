"""A running emulator and a client for it."""

from __future__ import annotations

import contextlib
import datetime as dt
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.emulator import Emulator, Faults, Switches
from reconciler.emulator.faults import NO_FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# Loading the certificate authorities would be most of the time of a test.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
NOON = dt.datetime(2026, 6, 1, 12, 0, 0, 250_000, tzinfo=dt.UTC)
TOKEN = "made-up$token"
KEYS = "/cloud/v1/caas/keys/1/76"
BOX = {"name": "web", "namespace": "space"}


class FakeClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += dt.timedelta(**delta)


@dataclass(frozen=True, slots=True)
class Api:
    """A started emulator with a client that knows the token."""

    emulator: Emulator
    client: httpx.Client
    clock: FakeClock

    def create(self, name: str, /, **members: Any) -> httpx.Response:
        return self.client.post(KEYS, json={"name": name, "containers": [], **members})

    def read(self, name: str) -> httpx.Response:
        return self.client.get(f"{KEYS}/{name}")

    def patch(self, name: str, /, **members: Any) -> httpx.Response:
        return self.client.patch(f"{KEYS}/{name}", json=members)

    def delete(self, name: str) -> httpx.Response:
        return self.client.delete(f"{KEYS}/{name}")

    def page(self, **query: Any) -> httpx.Response:
        return self.client.get(KEYS, params=query)

    def names(self, **query: Any) -> list[str]:
        return [key["name"] for key in self.page(**query).json()["results"]]


class Launcher:
    """Starts emulators for one test; all are stopped after it."""

    def __init__(self, running: contextlib.ExitStack) -> None:
        self._running = running

    def __call__(
        self,
        *,
        seed: Mapping[str, object] | None = None,
        database: Path | None = None,
        delay: float = 0.0,
        faults: Faults = NO_FAULTS,
        **switches: Any,
    ) -> Api:
        clock = FakeClock()
        emulator = self._running.enter_context(
            Emulator(
                seed=seed,
                database=database,
                delay=delay,
                faults=faults,
                switches=Switches(**switches),
                token=TOKEN,
                clock=clock,
            )
        )
        headers = {"Authorization": f"apikey {TOKEN}"}
        client = self._running.enter_context(
            httpx.Client(base_url=emulator.url, headers=headers, verify=NO_TLS)
        )
        return Api(emulator, client, clock)


@pytest.fixture
def start() -> Iterator[Launcher]:
    with contextlib.ExitStack() as running:
        yield Launcher(running)


@pytest.fixture
def api(start: Launcher) -> Api:
    return start()
