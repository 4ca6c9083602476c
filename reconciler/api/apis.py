"""Several APIs in one run, each with its own address, tokens, threads and pauses."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Self

from reconciler.api.client import Session
from reconciler.api.redaction import Redactor
from reconciler.errors import ConfigurationError
from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.endpoint import place_text
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.api.surroundings import Surroundings
    from reconciler.model.clock import Clock


class Apis:
    """Sessions by the names of their APIs, each opened when it is first used; a context manager.

    They share a clock, a redactor and the event that stops the run. Use it in one call at a time.
    """

    def __init__(
        self,
        sessions: Mapping[str, Callable[[], Session]],
        clock: Clock,
        stop: threading.Event,
        redactor: Redactor,
    ) -> None:
        """Store the openers of the sessions, which must have the same clock, event and redactor."""
        self.clock = clock
        self.stop = stop
        self.redactor = redactor
        self._open = dict(sessions)
        self._sessions: dict[str, Session] = {}

    @classmethod
    def of(cls, **clients: Session) -> Self:
        """Return the APIs of some clients by name; closing it closes the clients."""
        clock = next(iter(clients.values())).clock
        stop, redactor = threading.Event(), Redactor()

        def opened(name: str, client: Session) -> Session:
            shared = replace(client.connection, stop=stop, redactor=redactor, clock=clock, api=name)
            return Session(shared, client.workers)

        openers = {name: partial(opened, name, client) for name, client in clients.items()}
        return cls(openers, clock, stop, redactor)

    def __enter__(self) -> Self:
        """Return the sessions."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection, and end the threads."""
        for session in self._sessions.values():
            session.__exit__()

    def close(self) -> None:
        """Close every connection, but no thread."""
        for session in self._sessions.values():
            session.close()

    def __repr__(self) -> str:
        """Return the class and the names, without a token."""
        return f"{type(self).__name__}({sorted(self._open)})"

    def opened(self) -> Self:
        """Open the only API, if there is one, and return the sessions. Raises ConfigurationError at once."""
        if len(self._open) == 1:
            self.session(next(iter(self._open)))
        return self

    @property
    def parallelism(self) -> Mapping[str, int]:
        """Return the maximum number of concurrent requests to each API."""
        return {name: self.session(name).workers.count for name in self._open}

    def within(self, surroundings: Surroundings) -> Apis:
        """Return the same APIs for a worker; all are opened, so that each redacts the tokens of all."""
        sessions = {name: self.session(name).within(surroundings) for name in self._open}
        openers = {name: partial(_itself, session) for name, session in sessions.items()}
        return Apis(openers, self.clock, surroundings.stop, surroundings.redactor)

    def session(self, api: str) -> Session:
        """Return the session with an API. Raises ConfigurationError for an unknown one.

        If there is one API only, the name of the built-in one refers to it too.
        """
        if api == BUILT_IN_API and len(self._open) == 1:
            api = next(iter(self._open))
        if api not in self._open:
            known = listed(sorted(self._open))
            raise ConfigurationError(f"the API {api} is not configured; add it under apis, which has {known}")
        if api not in self._sessions:
            self._sessions[api] = self._open[api]()
        return self._sessions[api]

    def place(self, apis: Iterable[str]) -> str:
        """Return the base URL of ``apis``, or a text with that of each; without names, of all."""
        return place_text({name: self.session(name).base_url for name in set(apis) or self._open})


def _itself(session: Session) -> Session:
    return session
