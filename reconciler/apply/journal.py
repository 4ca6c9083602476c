"""A record of every write: one line before it is sent, one after, on disk before the next step.

A run that is killed leaves a write without an outcome for each key that it was changing: those keys, and no
others, are in doubt. Lines are JSON objects; ``event`` is ``write`` or ``outcome``. A file is only ever
appended to, by any number of runs, and holds no secret: a patch has none.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from reconciler.apply.in_doubt import entry_of
from reconciler.errors import ConfigurationError, JournalError, os_reason
from reconciler.load.write import open_private, sync_folder
from reconciler.model.canonical import format_instant
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.model.clock import Clock
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change

_LONGEST_LINE: Final = 1 << 20
_START: Final = b'{"at": "'
"""How each line begins, also one that a killed run left unfinished."""


@dataclass(frozen=True, slots=True)
class Run:
    """The context of an apply: an identifier of the run, the plan's fingerprint, the actor, the commit."""

    run: str
    fingerprint: str
    who: str
    git_commit: str | None


class Sink(Protocol):
    """A destination of journal lines."""

    def append(self, line: bytes) -> None:
        """Store a line, which ends in a line break; on disk when this returns. Raises JournalError."""
        ...


def _nowhere(_change: Change) -> str:
    return ""


class Journal:
    """Records writes, for any number of threads: every line goes to each of its sinks."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        run: Run,
        clock: Clock,
        base_url: Callable[[Change], str],
        places: Callable[[Change], str] = _nowhere,
    ) -> None:
        """Store the sinks, the run, and the clock.

        ``base_url`` returns the base URL for a change, ``places`` the destination of the secret of a new key.
        """
        self._base_url = base_url
        self._places = places
        self._sinks = sinks
        self._run = {field.name: getattr(run, field.name) for field in fields(run)}
        self._clock = clock

    def started(self, change: Change) -> None:
        """Record that ``change`` is about to be sent; on disk when this returns. Raises JournalError."""
        content = self._line(
            {
                "event": "write",
                "address": change.address,
                "api": change.api,
                "base_url": self._base_url(change),
                "path": change.path,
                **({} if change.path_id in {None, change.name} else {"id": change.path_id}),
                "patch": dict(change.patch),
                "action": change.action.value,
                "before": _overwritten(change),
                "secret_to": self._places(change) if change.action.adds else "",
                **self._run,
            }
        )
        for sink in self._sinks:  # it is not sent if one cannot store it, so the others need not
            sink.append(content)

    def finished(self, outcome: Outcome) -> None:
        """Record the outcome of a change that was sent, in every sink that works. Raises JournalError."""
        content = self._line(
            {
                "event": "outcome",
                "address": outcome.change.address,
                "outcome": outcome.result.value,
                "detail": "; ".join(filter(None, (outcome.detail, outcome.notice))),
                "request_id": outcome.request_id,
                "secret_at": outcome.secret_at,
                **({"id": outcome.new_id} if outcome.new_id else {}),
            }
        )
        failure: JournalError | None = None
        for sink in self._sinks:
            try:
                sink.append(content)
            except JournalError as error:  # another may store what this one cannot
                failure = failure or error
        if failure is not None:
            raise failure

    def _line(self, entry: Mapping[str, Any]) -> bytes:
        line = {"at": format_instant(self._clock.now()), "run": self._run["run"], **entry}
        return json.dumps(line).encode() + b"\n"


def _overwritten(change: Change) -> dict[str, Any]:
    """Return the values that a write replaces: none by a creation, all by a deletion."""
    names = change.before if change.action.destroys else change.patch
    return {name: change.before[name] for name in names if name in change.before}


class JournalFile:
    """An append-only file of lines; use it as a context manager."""

    def __init__(self, file: str) -> None:
        """Open ``file`` for appending, or create it. Raises ConfigurationError if that cannot be done."""
        self._lock = threading.Lock()
        self._broken: JournalError | None = None
        try:
            self._descriptor = open_private(file, os.O_APPEND)
            try:
                _require_journal(file, self._descriptor)  # again: it may have come since the run began
                self._end_torn_line()
                self._sync_name(file)
            except BaseException:
                os.close(self._descriptor)
                raise
        except OSError as error:
            raise _unopened(file, error) from error

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def append(self, line: bytes) -> None:
        """Append a line. Raises JournalError, and for ever after a line that was written incompletely."""
        with self._lock:
            if self._broken is not None:
                raise self._broken  # half a line may be at the end: nothing may be added to it
            try:
                # One write of a whole line: the lines of several runs do not mix.
                is_whole = os.write(self._descriptor, line) == len(line)
                reason = "" if is_whole else os.strerror(errno.ENOSPC)
            except OSError as error:
                reason = os_reason(error)
            if reason:
                self._broken = JournalError(f"the journal cannot be written: {reason}")
                raise self._broken
        try:
            _synchronize(self._descriptor)
        except OSError as error:
            raise JournalError(f"the journal cannot be written: {os_reason(error)}") from error

    def _end_torn_line(self) -> None:
        """Start a new line, if a run that was killed has left an incomplete line."""
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")

    def _sync_name(self, file: str) -> None:
        """Sync a new file's name to disk: without it the content is lost if the machine fails."""
        if os.fstat(self._descriptor).st_size == 0:
            sync_folder(Path(file).parent)


def check_journal(file: str) -> None:
    """Check that ``file`` is a journal or may become one; nothing is created. Raises ConfigurationError."""
    try:
        # A pipe may have no writer yet.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unopened(file, error) from error
    try:
        _require_journal(file, descriptor)
    finally:
        os.close(descriptor)


def _require_journal(file: str, descriptor: int) -> None:
    if not is_journal(descriptor):
        raise ConfigurationError(
            f"--journal {file} would append to a file that is not a journal; use another file"
        )


def is_journal(descriptor: int) -> bool:
    """Return whether an open file holds a journal, or nothing; a pipe or device is accepted."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return True  # a pipe or a device holds nothing that could be harmed
    first = os.pread(descriptor, _LONGEST_LINE, 0).lstrip().partition(b"\n")[0]
    is_torn = first[: len(_START)] == _START[: len(first)] and not first.rstrip().endswith(b"}")
    return is_torn or entry_of(first) is not None


def _unopened(file: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"the journal {file} cannot be opened: {os_reason(error)}")


def _synchronize(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a pipe or device has nothing to synchronize
            raise
