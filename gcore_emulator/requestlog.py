"""The requests so far, for tests and people. It never contains headers, tokens and secrets."""

from __future__ import annotations

import dataclasses
import json
import re
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_RECORDS = 100_000
_LINE_BODY = 500
_HIDDEN = "[hidden]"
_SECRET_MEMBER = re.compile(r'("secret": )"(?:[^"\\]|\\.)*"')

SECRET_PREFIX = "emulated-"  # noqa: S105 - what every made-up secret begins with
_SECRET = re.compile(SECRET_PREFIX + "[0-9a-f]{40}")


class Result(NamedTuple):
    """The result of a request."""

    status: int | None
    fault: str | None = None
    effective: bool = False


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request.

    ``sequence`` counts from 1 in the order in which requests took effect; ``path`` is as sent, with its
    query; ``body`` is the parsed JSON, None without JSON. ``status`` is what the client should receive, None
    if its connection was reset; ``fault`` is the injected fault. ``effective`` is true if a write was
    executed, whatever the client received, and even if it changed nothing.
    """

    sequence: int
    method: str
    path: str
    status: int | None
    body: Any = None
    fault: str | None = None
    effective: bool = False

    def document(self) -> dict[str, Any]:
        """Return the record as a JSON object."""
        return dataclasses.asdict(self)

    def line(self) -> str:
        """Return the record on one line, long bodies shortened, everything but printable ASCII escaped."""
        body = "" if self.body is None else " " + json.dumps(self.body)[:_LINE_BODY]
        status = "reset" if self.status is None else self.status
        fault = f" [{self.fault}]" if self.fault else ""
        return ascii(f"#{self.sequence} {self.method} {self.path} {status}{fault}")[1:-1] + body


class RequestLog:
    """The latest requests; when full, each new one drops the oldest. Safe to use from any thread.

    ``listen`` is called with every record as it is made.
    """

    def __init__(self, listen: Callable[[RequestRecord], None] | None = None, token: str = "") -> None:
        """Start empty; ``token`` is redacted."""
        self._lock = threading.Lock()
        self._latest = 0
        self._records: deque[RequestRecord] = deque(maxlen=MAX_RECORDS)
        self._listen = listen
        self._token = token
        self._token_in_paths = tuple(filter(None, {token, quote(token), quote(token, safe="")}))

    @property
    def latest(self) -> int:
        """The number of the latest request, 0 before the first."""
        return self._latest

    def add(self, method: str, path: str, body: object, result: Result) -> None:
        """Record a request and its result; secrets and the token in it become ``[hidden]``."""
        path, body = self._without_secrets_in_path(path), self._without_secrets(body)
        with self._lock:
            self._latest += 1
            record = RequestRecord(
                self._latest, method, path, result.status, body, result.fault, result.effective
            )
            self._records.append(record)
        if self._listen:
            self._listen(record)

    def _without_secrets(self, body: object) -> object:
        if body is None:
            return None
        try:
            text = json.dumps(body)
        except RecursionError:  # deeper than the reader of JSON went
            return _HIDDEN
        hidden = _SECRET_MEMBER.sub(rf'\1"{_HIDDEN}"', _SECRET.sub(_HIDDEN, text))
        if self._token:
            hidden = hidden.replace(json.dumps(self._token)[1:-1], _HIDDEN)
        return body if hidden == text else json.loads(hidden)

    def _without_secrets_in_path(self, path: str) -> str:
        """Redact secrets, and a complete path with a percent-encoded one."""
        for written in self._token_in_paths:
            path = path.replace(written, _HIDDEN)
        path = _SECRET.sub(_HIDDEN, path)
        plain = unquote(path)
        leaks = _SECRET.search(plain) or (self._token and self._token in plain)
        return _HIDDEN if leaks else path

    def records(self) -> tuple[RequestRecord, ...]:
        """Return the records, oldest first."""
        with self._lock:
            return tuple(self._records)

    def clear(self) -> None:
        """Delete the records; the numbers continue."""
        with self._lock:
            self._records.clear()
