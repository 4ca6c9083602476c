"""Keeping the secrets of the keys that an apply creates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.births import Kept
from reconciler.cli.options import USER_AGENT
from reconciler.errors import ConfigurationError, SinkError
from reconciler.sinks.place import Place
from reconciler.sinks.rescue import rescue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.births import SecretKeeper
    from reconciler.cli.plan import Made
    from reconciler.clock import Clock
    from reconciler.model import Change
    from reconciler.secret import Secret
    from reconciler.sinks.place import SecretSink


@dataclass(frozen=True, slots=True)
class SinkKeeper:
    """Stores secrets in a sink; one that it cannot take goes into a file below the working folder."""

    sink: SecretSink

    def keep(self, change: Change, secret: Secret) -> Kept:
        """Store a secret. Raises SinkError if it can be written nowhere at all, and is lost."""
        place = Place(change.scope, change.name)
        try:
            return Kept(self.sink.store(place, secret))
        except SinkError as error:
            file = rescue(place.address, secret, Path.cwd())
            problem = f"created, but its secret could not be stored: {error}; it is in {file}, to be moved"
            return Kept(file, problem)


def open_keeper(made: Made, parameters: Mapping[str, Any], clock: Clock) -> SecretKeeper | None:
    """Open and probe the sink, if the plan makes a key that has a secret.

    Raises ConfigurationError where none is named, SinkError where it surely cannot store.
    """
    new = [c for c in made.plan.changes if c.action.adds and made.kinds[c.scope.kind].secret is not None]
    if not new:
        return None
    if parameters["secret_sink"] is None:
        count = "a key" if len(new) == 1 else f"{len(new)} keys"
        raise ConfigurationError(
            f"the plan makes {count}, beginning with {new[0].address}, and the service shows a secret once: "
            "say with --secret-sink where it goes, such as file:DIRECTORY"
        )
    from reconciler.cli.sinks import open_sink  # noqa: PLC0415 - only a creation needs one

    sink = open_sink(parameters["secret_sink"], clock, USER_AGENT)
    sink.probe()
    return SinkKeeper(sink)
