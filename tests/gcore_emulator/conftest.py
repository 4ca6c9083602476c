"""A running emulator, and a client for it that checks every normal response against the API's description."""

from __future__ import annotations

import contextlib
import datetime as dt
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gcore_emulator import Emulator, Faults, Switches
from gcore_emulator.faults import NO_FAULTS
from tests.gcore_emulator.description import complaints
from tests.gcore_emulator.kinds import CAAS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# Loading the certificate authorities would be most of the time of a test.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
NOON = dt.datetime(2026, 6, 1, 12, 0, 0, 250_000, tzinfo=dt.UTC)
TOKEN = "made-up$token"
KEYS = "/cloud/v1/caas/keys/1/76"


class FakeClock:
    """A clock that is moved only by a test."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += dt.timedelta(**delta)


@dataclass(frozen=True, slots=True)
class Api:
    """A started emulator with a client that knows the token; its methods ask for keys of one kind."""

    emulator: Emulator
    client: httpx.Client
    clock: FakeClock
    kind: Kind = CAAS

    def create(self, name: str, /, **members: Any) -> httpx.Response:
        return self.client.post(self.kind.collection, json={"name": name, **self.kind.minimal, **members})

    def read(self, name: str) -> httpx.Response:
        return self.client.get(self.path(name))

    def patch(self, name: str, /, **members: Any) -> httpx.Response:
        return self.client.patch(self.path(name), json=members)

    def delete(self, name: str) -> httpx.Response:
        return self.client.delete(self.path(name))

    def page(self, **query: Any) -> httpx.Response:
        return self.client.get(self.kind.collection, params=query)

    def path(self, name: str) -> str:
        return f"{self.kind.collection}/{name}"

    def live(self) -> dict[str, dict[str, Any]]:
        return self.emulator.keys(*self.kind.scope, family=self.kind.name)

    def put(self, name: str, /, **members: Any) -> None:
        entry = {"name": name, **self.kind.minimal, **members}
        self.emulator.put_key(*self.kind.scope, entry, family=self.kind.name)

    def names(self, **query: Any) -> list[str]:
        return [key["name"] for key in self.page(**query).json()["results"]]


@dataclass(frozen=True, slots=True)
class Examiner:
    """Checks a response against the description, unless faults or switches say that it differs."""

    emulator: Emulator

    def __call__(self, response: httpx.Response) -> None:
        switches, request = self.emulator.switches, response.request
        other_form = response.status_code == 401 and switches.unauthorized_body != "documented"
        if self.emulator.faults != NO_FAULTS or other_form:
            return
        content = response.read()
        document = response.json() if content else None
        dated = switches.timestamps in {"z", "offset", "fraction"}
        path = request.url.raw_path.decode("ascii").partition("?")[0]
        assert complaints(request.method, path, response.status_code, document, dated=dated) == []


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
        kind: Kind = CAAS,
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
            httpx.Client(
                base_url=emulator.url,
                headers=headers,
                verify=NO_TLS,
                event_hooks={"response": [Examiner(emulator)]},
            )
        )
        return Api(emulator, client, clock, kind)


@pytest.fixture
def start() -> Iterator[Launcher]:
    with contextlib.ExitStack() as running:
        yield Launcher(running)


@pytest.fixture
def api(start: Launcher) -> Api:
    return start()
