"""Pass secrets to a program: one JSON object on its standard input."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.api.redaction import Redactor
from reconciler.errors import SinkError, os_reason
from reconciler.load.program import run
from reconciler.model.frozen import dataclass
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.apply.sinks.sink import Held, Place
    from reconciler.model.clock import Clock

SECONDS: Final = 60.0
_TAIL: Final = 64 * 2**10
_LONGEST_VERSION: Final = 200


@dataclass(frozen=True, slots=True)
class ExecSink:
    """A program that is run once for each secret, without a shell, for at most ``seconds``.

    ``environment`` is its complete environment, and ``clock`` measures its time. ``redactor`` knows the
    secrets of the run.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    clock: Clock
    seconds: float = SECONDS
    redactor: Redactor = field(default_factory=Redactor)

    @property
    def _program(self) -> str:
        return Path(self.command[0]).name

    def where(self, _place: Place) -> str:
        """Return ``exec:`` and the name of the program, since only the program knows the place."""
        return f"exec:{self._program}"

    def probe(self, places: Sequence[Place]) -> dict[Place, Held]:
        """Check that the program exists; what the places hold is unknown. Raises SinkError."""
        path = self.environment.get("PATH", os.defpath)
        if shutil.which(self.command[0], path=path) is None:
            raise SinkError(f"the program {self.command[0]} cannot be found or run")
        return dict.fromkeys(places)

    def store(self, place: Place, secret: Secret, held: Held = None) -> str:
        """Run the program with the secret. Raises SinkError unless it exits with 0 in time."""
        if failure := self._run(_message(place, "store", held, secret), secret)[1]:
            raise SinkError(failure)
        return self.where(place)

    def read(self, _place: Place) -> None:
        """Return None: only the program can know."""

    @property
    def has_versions(self) -> bool:
        """Return False: it is unknown what the program does with an earlier secret."""
        return False

    def hurry(self) -> None:
        """Do nothing: no operation is retried here."""

    def _run(self, message: Secret, *secrets: Secret) -> tuple[str, str]:
        """Return the output of the program, and why it failed, without secrets; empty on success."""
        try:
            start = partial(run, self.command, self.environment, self.seconds, clock=self.clock)
            ended = start(message.reveal().encode("ascii"), _TAIL)
        except (OSError, ValueError) as error:
            reason = os_reason(error, "its name cannot be used")
            raise SinkError(f"{self._program} cannot be run: {reason}") from None
        self.redactor.add(*secrets)
        out = ended.out.decode("utf-8", "replace").strip()
        if ended.code == 0:
            return out, ""
        if ended.code is None:
            what = f"did not end within {self.seconds:g} s, and was killed"
        elif ended.code < 0:
            what = f"was killed by signal {-ended.code}"
        else:
            what = f"ended with {ended.code}"
        said = self.redactor.line((ended.out + b"\n" + ended.err).decode("utf-8", "replace"))
        return out, f"{self._program} {what}{f': {said}' if said else ''}"


@dataclass(frozen=True, slots=True)
class ProbedExecSink(ExecSink):
    """A program that is also run once for each place before, without a secret, and prints what it holds."""

    def probe(self, places: Sequence[Place]) -> dict[Place, Held]:
        """Check that the program exists, and query each place. Raises SinkError."""
        return {place: self._version(place) for place in ExecSink.probe(self, places)}

    def _version(self, place: Place) -> str:
        """Return the version in a place, empty for none, as the program reports it."""
        version, failure = self._run(_message(place, "probe"))
        if failure:
            raise SinkError(f"{place.address}: the check before the first write failed: {failure}")
        if len(version) > _LONGEST_VERSION or not version.isprintable():
            what = "more than one short line"
            raise SinkError(
                f"{place.address}: the check before the first write failed: {self._program} printed {what}"
            )
        return version


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
