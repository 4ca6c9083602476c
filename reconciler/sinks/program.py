"""Secrets handed to a program: one JSON object on its standard input."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import SinkError
from reconciler.secret import Secret
from reconciler.sinks.hiding import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.clock import Clock
    from reconciler.sinks.place import Place

SECONDS: Final = 60.0
_KEPT: Final = 64 * 2**10
_PART: Final = 4096
_GLANCE: Final = 0.05


@dataclass(frozen=True, slots=True)
class ExecSink:
    """A program that is run once for each secret, without a shell, for at most ``seconds``.

    ``environment`` is all that it gets of the environment. It runs in a session of its own, so that Ctrl-C
    does not end it halfway.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    clock: Clock
    seconds: float = SECONDS

    @property
    def _program(self) -> str:
        return Path(self.command[0]).name

    def probe(self) -> None:
        """See whether there is such a program; it is not run. Raises SinkError."""
        path = self.environment.get("PATH", os.defpath)
        if shutil.which(self.command[0], path=path) is None:
            raise SinkError(f"there is no program {self.command[0]} that can be run")

    def store(self, place: Place, secret: Secret) -> str:
        """Run the program with the secret. Raises SinkError unless it ends with 0 in time."""
        code, told = self._run(_message(place, secret), secret)
        if code == 0:
            return f"exec:{self._program}"
        if code is None:
            what = f"did not end within {self.seconds:g} s, and was killed"
        elif code < 0:
            what = f"was killed by signal {-code}"
        else:
            what = f"ended with {code}"
        raise SinkError(f"{self._program} {what}{f': {told}' if told else ''}")

    def _run(self, message: Secret, secret: Secret) -> tuple[int | None, str]:
        """Give the exit code, None if it took too long, and what the program said without the secret."""
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
                bufsize=0,
            )
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or "its name cannot be used"
            raise SinkError(f"{self._program} cannot be run: {reason}") from None
        said = bytearray()
        with process:
            try:
                self._talk(process, message, said)
            finally:
                is_late = process.poll() is None
                with contextlib.suppress(ProcessLookupError):
                    if is_late:
                        os.killpg(process.pid, signal.SIGKILL)
        return None if is_late else process.returncode, quoted(said.decode("utf-8", "replace"), secret)

    def _talk(self, process: subprocess.Popen[bytes], message: Secret, said: bytearray) -> None:
        """Feed the program and hear what it says until it has ended or its time is over.

        A pipe that a grandchild keeps open is not waited for.
        """
        latest = self.clock.monotonic() + self.seconds
        sent: int | None = 0
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        with selectors.DefaultSelector() as selector:
            for stream, event in (
                (process.stdin, selectors.EVENT_WRITE),
                (process.stdout, selectors.EVENT_READ),
            ):
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, event)
            ended = False
            while not ended and self.clock.monotonic() < latest:
                ended = process.poll() is not None
                for key, event in selector.select(0 if ended else _GLANCE):
                    if event & selectors.EVENT_READ:
                        if not _heard(key.fd, said):
                            selector.unregister(key.fileobj)
                        continue
                    sent = _fed(key.fd, message, sent or 0)
                    if sent is None:
                        selector.unregister(process.stdin)
                        process.stdin.close()


def _fed(descriptor: int, message: Secret, sent: int) -> int | None:
    """Write one part more, and give how much is sent; None once there is no more to send."""
    content = message.reveal().encode("ascii")
    try:
        sent += os.write(descriptor, content[sent : sent + _PART])
    except BrokenPipeError:  # it does not read all: its exit code says why
        return None
    return sent if sent < len(content) else None


def _heard(descriptor: int, said: bytearray) -> bool:
    """Read what there is, keep the end of it, and tell whether there may be more."""
    part = os.read(descriptor, _KEPT)
    said += part
    del said[:-_KEPT]
    return bool(part)


def _message(place: Place, secret: Secret) -> Secret:
    told = {
        "address": place.address,
        "kind": place.scope.kind,
        "name": place.name,
        "scope": dict(place.scope.parts),
        "secret": secret.reveal(),
    }
    return Secret(json.dumps(told) + "\n")
