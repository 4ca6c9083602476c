"""The running emulator: a web server on a loopback socket, in a thread of its own."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Self

from gcore_emulator.application import Service, build_application
from gcore_emulator.concurrent_writers import ConcurrentWriter, Disturbance
from gcore_emulator.deferral import Deferral
from gcore_emulator.families import CAAS, FAMILIES
from gcore_emulator.faults import NO_FAULTS, Faults
from gcore_emulator.injector import Injector
from gcore_emulator.keys import Scope
from gcore_emulator.lookups import LOOKUPS, PROJECTS, REGIONS, Catalogue, Lookup, read_entry
from gcore_emulator.operations import EmulatorState
from gcore_emulator.persistence import NoStorage, SqliteStorage
from gcore_emulator.rendering import Renderer, default_document
from gcore_emulator.requestlog import RequestLog, RequestRecord
from gcore_emulator.seeds import read_key, read_seed
from gcore_emulator.serving import LOOPBACK, listen, serving
from gcore_emulator.store import KeyStore
from gcore_emulator.switches import Switches
from gcore_emulator.timestamps import Clock, system_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gcore_emulator.responses import Document

DEFAULT_TOKEN = "emulator-token"  # noqa: S105 - a made-up token for a made-up service
_DEFAULT_SWITCHES = Switches()


def _seeded_random(switches: Switches) -> random.Random:
    return random.Random(switches.random_seed)  # noqa: S311 - has to be repeatable, guards nothing


class Emulator:
    """The emulated API, reachable at ``url`` inside a ``with`` block.

    ``seed`` has the shape described in `seeds`; with a ``database`` file its keys are used only if the file
    is new. ``clock`` returns the service's time. ``port`` 0 is any free port. ``delay`` is added to each
    request, in seconds. ``listen`` is called, in the server's thread, with each request's record. ``faults``
    are injected, and may be replaced while the emulator runs.

    Entering raises `EmulatorError` if the port, the database or the seed cannot be used.
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
        """Store the settings; nothing runs yet."""
        self.switches = switches
        self.token = token
        self._seed = seed or {}
        self._clock = clock
        self._port = port
        self._database = database
        self._delay = delay
        self._log = RequestLog(listen, token)
        self._injector = Injector(faults)
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start serving; requests are accepted as soon as this returns."""
        with contextlib.ExitStack() as started:
            self._state = self._open(started)
            self._writer = ConcurrentWriter(self._state.store, self._injector)
            listener = started.enter_context(listen(self._port))
            self.url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
            started.enter_context(serving(build_application(self._service()), listener))
            self._running = started.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop: the thread has ended and every socket and file is closed when this returns."""
        self._running.close()

    def _open(self, started: contextlib.ExitStack) -> EmulatorState:
        seed = read_seed(self._seed, now=self._clock())
        storage = SqliteStorage(self._database) if self._database else NoStorage()
        started.callback(storage.close)
        chance = _seeded_random(self.switches)
        store = KeyStore(storage, self.switches, chance)
        if storage.fresh:
            store.put(*seed.keys)
        catalogue = Catalogue()
        for name, entries in seed.entries.items():
            catalogue.put(LOOKUPS[name], *entries)
        return EmulatorState(store, Renderer(self.switches, chance), self.switches, seed.workloads, catalogue)

    def _service(self) -> Service:
        return Service(
            state=self._state,
            log=self._log,
            clock=self._clock,
            token=self.token,
            delay=self._delay,
            ids=_seeded_random(self.switches),
            injector=self._injector,
            writer=self._writer,
            deferral=Deferral(),
        )

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """The requests so far, oldest first, without those of this object itself."""
        return self._log.records()

    def clear_requests(self) -> None:
        """Delete the requests so far; their numbers continue."""
        self._log.clear()

    @property
    def faults(self) -> Faults:
        """The injected faults; assign other `Faults` to change them, which restarts all choices."""
        return self._injector.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._injector.use(faults)

    @property
    def injected(self) -> dict[str, int]:
        """How often each fault was injected so far, by all sets of faults."""
        return self._injector.injected()

    @property
    def disturbances(self) -> tuple[Disturbance, ...]:
        """The writes of concurrent writers so far, oldest first."""
        return self._writer.done()

    def keys(
        self, project_id: int, region_id: int | None = None, *, family: str = CAAS.name
    ) -> dict[str, Document]:
        """Return the keys of a scope by name, as the API shows them by default, without secrets.

        ``family`` is ``caas``, ``faas`` or ``inference``; the last has no ``region_id``. Raises ValueError if
        these contradict each other.
        """
        scope = _scope(family, project_id, region_id)
        store, now = self._state.store, self._clock()
        with store.lock:
            return {key.name: default_document(key, now) for key in store.all(scope)}

    def put_key(
        self,
        project_id: int,
        region_id: int | None,
        entry: Mapping[str, object],
        *,
        family: str = CAAS.name,
    ) -> None:
        """Create or replace a key without a request. Raises `SeedError` if ``entry`` is invalid.

        ``entry`` is written as in a seed, so that a result of `keys` can be changed and put back, including
        the read-only ``source`` and ``deployment_names``. A replaced key retains its position in lists unless
        ``created_at`` changes it. The scope is given as to `keys`.
        """
        scope = _scope(family, project_id, region_id)
        store = self._state.store
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

    def remove_key(
        self, project_id: int, region_id: int | None, name: str, *, family: str = CAAS.name
    ) -> None:
        """Delete a key without a request. Raises KeyError if there is none. The scope is as for `keys`."""
        store = self._state.store
        with store.lock:
            key = store.get(_scope(family, project_id, region_id), name)
            if key is None:
                raise KeyError(name)
            store.remove(key)

    def put_project(self, entry: Mapping[str, object]) -> None:
        """Create or replace a project: ``id``, ``name``, and any other member that its list shows.

        Raises `SeedError` if ``entry`` is invalid. A key may have the number of any project.
        """
        self._put_entry(PROJECTS, "project", entry)

    def put_region(self, entry: Mapping[str, object]) -> None:
        """Create or replace a region: ``id``, ``display_name``, and any other member that its list shows.

        ``products`` are the values of the query parameter ``product`` that select it. Raises `SeedError` if
        ``entry`` is invalid. A key may have the number of any region, also of one that does not exist.
        """
        self._put_entry(REGIONS, "region", entry)

    def _put_entry(self, lookup: Lookup, where: str, entry: Mapping[str, object]) -> None:
        read = read_entry(lookup, entry, where=where, now=self._clock())
        with self._state.store.lock:
            self._state.catalogue.put(lookup, read)


def _scope(family: str, project_id: int, region_id: int | None) -> Scope:
    if family not in FAMILIES:
        raise ValueError(f"{family!r} is not one of {', '.join(FAMILIES)}")
    numbers = (project_id,) if region_id is None else (project_id, region_id)
    parameters = FAMILIES[family].parameters
    if len(numbers) != len(parameters):
        raise ValueError(f"a key of {family} has {' and '.join(parameters)}")
    return Scope(family, numbers)
