"""The emulator running: a web server on a loopback socket, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
from typing import TYPE_CHECKING, Self

import uvicorn

from reconciler.emulator.application import Service, build_application
from reconciler.emulator.delivery import FaultyProtocol
from reconciler.emulator.disturbances import Disturbance, Disturber
from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.families import CAAS
from reconciler.emulator.faults import NO_FAULTS, Faults
from reconciler.emulator.injector import Injector
from reconciler.emulator.operations import World
from reconciler.emulator.persistence import NoStorage, SqliteStorage
from reconciler.emulator.rendering import Document, Renderer, canonical_document, key_status
from reconciler.emulator.requestlog import RequestLog, RequestRecord
from reconciler.emulator.seeds import read_key, read_seed
from reconciler.emulator.store import KeyStore, Scope
from reconciler.emulator.switches import Switches
from reconciler.emulator.timestamps import Clock, system_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"
DEFAULT_TOKEN = "emulator-token"  # noqa: S105 - a made-up token for a made-up service
_DEFAULT_SWITCHES = Switches()
_GRACE_SECONDS = 0.5


class _Server(uvicorn.Server):
    """A uvicorn server that starts and stops without polling, for suites with hundreds of them."""

    def __init__(self, application: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                log_config=None,
                log_level="critical",
                access_log=False,
                lifespan="off",
                http=FaultyProtocol,
                ws="none",
                loop="asyncio",
                server_header=False,
                date_header=False,
            )
        )
        self.ready = threading.Event()
        self._stopping = asyncio.Event()

    async def main_loop(self) -> None:
        """Serve until `stop`."""
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything: idle connections at once, busy ones when they are done or grace is over."""
        del sockets
        for server in self.servers:
            server.close()
        connections, tasks = self.server_state.connections, self.server_state.tasks
        for connection in list(connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                while connections:  # noqa: ASYNC110 - uvicorn only offers a set to look at
                    await asyncio.sleep(0.001)
        for connection in list(connections):
            connection.transport.abort()
        for task in tasks:
            task.cancel()

    def stop(self) -> None:
        """Ask the server, which must be ready, from another thread to shut down."""
        self._loop.call_soon_threadsafe(self._stopping.set)


@contextlib.contextmanager
def _serving(application: ASGIApp, listener: socket.socket) -> Iterator[None]:
    server = _Server(application)
    thread = threading.Thread(target=server.run, args=([listener],), name="emulator", daemon=True)
    thread.start()
    server.ready.wait()
    try:
        yield
    finally:
        server.stop()
        thread.join()


def _listen(port: int) -> socket.socket:
    # With the protocol left at 0, asyncio would not switch Nagle's algorithm off: 40 ms for each answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise EmulatorError(f"port {port} on {LOOPBACK} cannot be used: {error.strerror}") from error
    return listener


def _seeded_random(switches: Switches) -> random.Random:
    return random.Random(switches.random_seed)  # noqa: S311 - has to be repeatable, guards nothing


class Emulator:
    """The emulated API, reachable at ``url`` inside a ``with`` block.

    ``seed`` has the shape described in `seeds`; with a ``database`` file it counts only while the file
    is new. ``clock`` gives the service's time. ``port`` 0 is any free port. ``delay`` is added to each
    request, in seconds. ``listen`` is called, in the server's thread, with each request's record.
    ``faults`` go wrong on purpose, and may be replaced while the emulator runs.

    Entering raises `EmulatorError` when the port, the database or the seed cannot be used.
    """

    def __init__(  # noqa: PLR0913 - independent settings, each by keyword and with a default
        self,
        *,
        seed: Mapping[str, object] | None = None,
        switches: Switches = _DEFAULT_SWITCHES,
        token: str = DEFAULT_TOKEN,
        clock: Clock = system_clock,
        port: int = 0,
        database: Path | None = None,
        delay: float = 0.0,
        listen: Callable[[RequestRecord], None] | None = None,
        faults: Faults = NO_FAULTS,
    ) -> None:
        """Keep the settings; nothing runs yet."""
        self.switches = switches
        self.token = token
        self._seed = seed or {}
        self._clock = clock
        self._port = port
        self._database = database
        self._delay = delay
        self._log = RequestLog(listen)
        self._injector = Injector(faults)
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start serving; requests are answered as soon as this returns."""
        with contextlib.ExitStack() as started:
            self._world = self._open(started)
            self._disturber = Disturber(self._world.store, self._injector)
            listener = started.enter_context(_listen(self._port))
            self.url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
            started.enter_context(_serving(build_application(self._service()), listener))
            self._running = started.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop: the thread has ended and every socket and file is closed when this returns."""
        self._running.close()

    def _open(self, started: contextlib.ExitStack) -> World:
        seed = read_seed(self._seed, now=self._clock())
        storage = SqliteStorage(self._database) if self._database else NoStorage()
        started.callback(storage.close)
        chance = _seeded_random(self.switches)
        store = KeyStore(storage, self.switches, chance)
        if storage.fresh:
            store.put(*seed.keys)
        return World(store, Renderer(self.switches, chance), self.switches, seed.containers)

    def _service(self) -> Service:
        return Service(
            world=self._world,
            log=self._log,
            clock=self._clock,
            token=self.token,
            delay=self._delay,
            ids=_seeded_random(self.switches),
            injector=self._injector,
            disturber=self._disturber,
        )

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """The requests so far, oldest first; what this object does itself is not among them."""
        return self._log.records()

    def clear_requests(self) -> None:
        """Forget the requests so far; their numbers go on."""
        self._log.clear()

    @property
    def faults(self) -> Faults:
        """What goes wrong; assign other `Faults` to change it, which starts every choice afresh."""
        return self._injector.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._injector.use(faults)

    @property
    def injected(self) -> dict[str, int]:
        """How often each fault was injected so far, under all the faults there were."""
        return self._injector.injected()

    @property
    def disturbances(self) -> tuple[Disturbance, ...]:
        """What the faults made other writers do to the keys, oldest first."""
        return self._disturber.done()

    def keys(self, project_id: int, region_id: int) -> dict[str, Document]:
        """Give the container keys of a scope by name, as the API shows them by default."""
        scope = Scope(CAAS.name, (project_id, region_id))
        store, now = self._world.store, self._clock()
        with store.lock:
            return {
                key.name: canonical_document(key) | {"status": key_status(key, now)}
                for key in store.all(scope)
            }

    def put_key(self, project_id: int, region_id: int, entry: Mapping[str, object]) -> None:
        """Make or replace a container key behind the API's back; `SeedError` when ``entry`` is unusable.

        ``entry`` is written as in a seed, so what `keys` gives can be changed and put back. A replaced
        key keeps its place in lists unless ``created_at`` says otherwise.
        """
        scope = Scope(CAAS.name, (project_id, region_id))
        store = self._world.store
        with store.lock:
            found = store.get(scope, str(entry.get("name")))
            store.put(
                read_key(
                    scope,
                    dict(entry),
                    where="key",
                    now=found.created_at if found else self._clock(),
                    sequence=found.sequence if found else store.next_sequence(),
                )
            )

    def remove_key(self, project_id: int, region_id: int, name: str) -> None:
        """Delete a container key behind the API's back; KeyError when there is none."""
        store = self._world.store
        with store.lock:
            key = store.get(Scope(CAAS.name, (project_id, region_id)), name)
            if key is None:
                raise KeyError(name)
            store.remove(key)
