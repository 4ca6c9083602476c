"""The API and a token for it: the argument of the steps of the library."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, Self

from reconciler.api.reader import Connection, Reader

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Mapping

    from reconciler.api.redaction import Redactor
    from reconciler.api.surroundings import Surroundings
    from reconciler.api.workers import Workers
    from reconciler.model.clock import Clock


class Sessions(Protocol):
    """The APIs of a run: one, or several by name."""

    @property
    def clock(self) -> Clock:
        """Return the clock of all requests."""
        ...

    @property
    def stop(self) -> threading.Event:
        """Return the event after which nothing more is sent; requests in flight finish."""
        ...

    @property
    def redactor(self) -> Redactor:
        """Return the redactor, which knows the secrets of the run."""
        ...

    @property
    def parallelism(self) -> Mapping[str, int]:
        """Return the maximum number of concurrent requests to each API."""
        ...

    def close(self) -> None:
        """Close every connection; the threads continue."""
        ...

    def within(self, surroundings: Surroundings, /) -> Sessions:
        """Return the same sessions for a worker; ``surroundings`` is shared with other workers."""
        ...

    def session(self, api: str, /) -> Session:
        """Return the session with an API. Raises ConfigurationError for an unknown one."""
        ...

    def place(self, apis: Iterable[str], /) -> str:
        """Return the base URL of ``apis``, or a text with that of each, for people and for a plan."""
        ...


class Session:
    """A connection in use: a reader, and threads for its requests; a context manager, which closes both."""

    def __init__(self, connection: Connection, workers: Workers) -> None:
        """Store both; nothing is sent yet. Raises ConfigurationError."""
        self.connection = connection
        self.reader = Reader(connection)
        self.workers = workers

    def __enter__(self) -> Self:
        """Return the session."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection, and end the threads."""
        self.workers.__exit__()
        self.close()

    def close(self) -> None:
        """Close every connection; the threads continue."""
        self.reader.__exit__()

    def __repr__(self) -> str:
        """Return the class and the address, without the token."""
        return f"{type(self).__name__}({self.base_url!r})"

    @property
    def base_url(self) -> str:
        """Return the base URL in normal form."""
        return self.reader.base_url

    @property
    def parallelism(self) -> Mapping[str, int]:
        """Return the maximum number of concurrent requests."""
        return {self.connection.api: self.workers.count}

    def within(self, surroundings: Surroundings) -> Session:
        """Return the same session for a worker."""
        api = self.connection.api
        connection = replace(
            self.connection,
            stop=surroundings.stop,
            redactor=surroundings.redactor,
            on_exchange=surroundings.on_exchange,
            gate=surroundings.gate(api),
        )
        return Session(connection, surroundings.threads.of(api, self.workers.count))

    def session(self, _api: str) -> Session:
        """Return the session itself, whatever the name of the API."""
        return self

    def place(self, _apis: Iterable[str]) -> str:
        """Return the base URL, where all requests go."""
        return self.base_url

    @property
    def clock(self) -> Clock:
        """Return the clock of all requests."""
        return self.connection.clock

    @property
    def stop(self) -> threading.Event:
        """Return the event after which nothing more is sent; requests in flight finish."""
        return self.connection.stop

    @property
    def redactor(self) -> Redactor:
        """Return the redactor, which knows the secrets of the run."""
        return self.connection.redactor
