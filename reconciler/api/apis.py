"""Several APIs in one run, each with its own address, tokens, threads and pauses."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from reconciler.errors import ConfigurationError
from reconciler.model.endpoint import place_text
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Mapping

    from reconciler.api.client import Session
    from reconciler.api.redaction import Redactor
    from reconciler.model.clock import Clock


class Apis:
    """Sessions by the names of their APIs; a context manager, which closes them all.

    They share a clock, a redactor and the event that stops the run. Use it in one call at a time.
    """

    def __init__(self, sessions: Mapping[str, Session]) -> None:
        """Store at least one session; nothing is sent yet."""
        self._sessions = dict(sessions)
        self._first = next(iter(self._sessions.values()))

    def __enter__(self) -> Self:
        """Return the sessions."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection, and end the threads."""
        with ExitStack() as stack:
            for session in self._sessions.values():
                stack.push(session)

    def __repr__(self) -> str:
        """Return the class and the names, without a token."""
        return f"{type(self).__name__}({sorted(self._sessions)})"

    @property
    def clock(self) -> Clock:
        """Return the clock of all requests."""
        return self._first.clock

    @property
    def stop(self) -> threading.Event:
        """Return the event after which nothing more is sent; requests in flight finish."""
        return self._first.stop

    @property
    def redactor(self) -> Redactor:
        """Return what knows the secrets of the run."""
        return self._first.redactor

    def session(self, api: str) -> Session:
        """Return the session with an API. Raises ConfigurationError for one that is not there."""
        if api not in self._sessions:
            known = listed(sorted(self._sessions))
            raise ConfigurationError(f"the API {api} is not configured; there are {known}")
        return self._sessions[api]

    def place(self, apis: Iterable[str]) -> str:
        """Return where requests to ``apis`` go: a base URL, or one for each name; without names, of all."""
        return place_text({name: self.session(name).base_url for name in set(apis) or self._sessions})
