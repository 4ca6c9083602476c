"""Secrets handed to a program: one JSON object on its standard input."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.api.redaction import Redactor
from reconciler.errors import SinkError, os_reason
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.apply.sinks.sink import Held, Place
    from reconciler.model.clock import Clock

SECONDS: Final = 60.0
_TAIL: Final = 64 * 2**10
_PART: Final = 4096
_POLL: Final = 0.05
_LONGEST_VERSION: Final = 200


@dataclass(frozen=True, slots=True)
class ExecSink:
    """A program that is run once for each secret, without a shell, for at most ``seconds``.

    ``environment`` is all that it gets of the environment. It runs in a session of its own, so that Ctrl-C
    does not end it halfway. One that ``is_asked`` is run once for each place before, without a secret.
    ``redactor`` knows the secrets of the run.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    clock: Clock
    seconds: float = SECONDS
    is_asked: bool = False
    redactor: Redactor = field(default_factory=Redactor)

    @property
    def _program(self) -> str:
        return Path(self.command[0]).name

    def where(self, _place: Place) -> str:
        """Return ``exec:`` and the name of the program, which alone knows more."""
        return f"exec:{self._program}"

    def probe(self, places: Sequence[Place]) -> dict[Place, Held]:
        """Check that the program exists, and ask it of each place if it can be asked. Raises SinkError."""
        path = self.environment.get("PATH", os.defpath)
        if shutil.which(self.command[0], path=path) is None:
            raise SinkError(f"the program {self.command[0]} cannot be found or run")
        return {place: self._asked(place) if self.is_asked else None for place in places}

    def _asked(self, place: Place) -> str:
        """Return the version that a place holds, empty for none, as the program says."""
        ended = self._run(_message(place, "probe"))
        if ended.code != 0:
            raise SinkError(f"{place.address}: asked by a probe, {self._reason(ended)}")
        version = ended.out.strip()
        if len(version) > _LONGEST_VERSION or not version.isprintable():
            what = "more than one short line"
            raise SinkError(f"{place.address}: asked by a probe, {self._program} printed {what}")
        return version

    def store(self, place: Place, secret: Secret, held: Held = None) -> str:
        """Run the program with the secret. Raises SinkError unless it ends with 0 in time."""
        ended = self._run(_message(place, "store", held, secret), secret)
        if ended.code == 0:
            return self.where(place)
        raise SinkError(self._reason(ended))

    def hurry(self) -> None:
        """Ignore it: nothing is tried again here."""

    def _reason(self, ended: _Ended) -> str:
        if ended.code is None:
            what = f"did not end within {self.seconds:g} s, and was killed"
        elif ended.code < 0:
            what = f"was killed by signal {-ended.code}"
        else:
            what = f"ended with {ended.code}"
        return f"{self._program} {what}{f': {ended.said}' if ended.said else ''}"

    def _run(self, message: Secret, *secrets: Secret) -> _Ended:
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(self.environment),
                start_new_session=True,
                bufsize=0,
            )
        except (OSError, ValueError) as error:
            reason = os_reason(error, "its name cannot be used")
            raise SinkError(f"{self._program} cannot be run: {reason}") from None
        out, err = bytearray(), bytearray()
        with process:
            try:
                self._communicate(process, message, out, err)
            finally:
                is_late = process.poll() is None
                with contextlib.suppress(ProcessLookupError):
                    if is_late:
                        os.killpg(process.pid, signal.SIGKILL)
        self.redactor.add(*secrets)
        said = self.redactor.line((out + b"\n" + err).decode("utf-8", "replace"))
        return _Ended(None if is_late else process.returncode, out.decode("utf-8", "replace"), said)

    def _communicate(
        self, process: subprocess.Popen[bytes], message: Secret, out: bytearray, err: bytearray
    ) -> None:
        """Write to the program and read its output until it has ended or its time is over.

        A pipe that a grandchild holds open is not waited for.
        """
        latest = self.clock.monotonic() + self.seconds
        sent: int | None = 0
        assert process.stdin is not None  # noqa: S101 - all are pipes
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        with selectors.DefaultSelector() as selector:
            for stream, said in ((process.stdin, None), (process.stdout, out), (process.stderr, err)):
                os.set_blocking(stream.fileno(), False)
                event = selectors.EVENT_WRITE if said is None else selectors.EVENT_READ
                selector.register(stream, event, said)
            ended = False
            while not ended and self.clock.monotonic() < latest:
                ended = process.poll() is not None
                for key, _ in selector.select(0 if ended else _POLL):
                    if key.data is not None:
                        if not _read(key.fd, key.data):
                            selector.unregister(key.fileobj)
                        continue
                    sent = _write(key.fd, message, sent or 0)
                    if sent is None:
                        selector.unregister(process.stdin)
                        process.stdin.close()


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a program ended: its exit code, None if it took too long, and what it said without a secret.

    ``out`` is its standard output as it was.
    """

    code: int | None
    out: str = field(repr=False)
    said: str


def _write(descriptor: int, message: Secret, sent: int) -> int | None:
    """Write one more part, and return how much is sent; None once there is no more to send."""
    content = message.reveal().encode("ascii")
    try:
        sent += os.write(descriptor, content[sent : sent + _PART])
    except BrokenPipeError:  # it does not read all: its exit code says why
        return None
    return sent if sent < len(content) else None


def _read(descriptor: int, said: bytearray) -> bool:
    """Read what there is, store the end of it, and return whether there may be more."""
    part = os.read(descriptor, _TAIL)
    said += part
    del said[:-_TAIL]
    return bool(part)


def _message(place: Place, action: str, held: Held = None, secret: Secret | None = None) -> Secret:
    more = {} if secret is None else {"version": held, "secret": secret.reveal()}
    message = {
        "action": action,
        "address": place.address,
        "kind": place.scope.kind,
        "name": place.name,
        "scope": dict(place.scope.parameters),
        "replaced": place.is_replaced,
        **more,
    }
    return Secret(json.dumps(message) + "\n")
