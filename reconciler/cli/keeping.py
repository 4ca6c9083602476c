"""Keeping the secrets of the keys that an apply creates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.births import Kept
from reconciler.cli.children import passed_names
from reconciler.cli.options import USER_AGENT
from reconciler.errors import ConfigurationError, SinkError
from reconciler.sinks.place import Place
from reconciler.sinks.rescue import rescue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.cli.console import Console
    from reconciler.cli.plan import Made
    from reconciler.clock import Clock
    from reconciler.model import Change
    from reconciler.secret import Secret
    from reconciler.sinks.place import SecretSink


class SinkKeeper:
    """Stores secrets in a sink; one that it cannot take goes into a file below ``folder``."""

    def __init__(self, sink: SecretSink, folder: Path, console: Console) -> None:
        """Take the sink, where to rescue to, and where to say so at once."""
        self._sink = sink
        self._folder = folder
        self._console = console
        self._expected: set[str] = set()

    @property
    def expected(self) -> tuple[str, ...]:
        """Name the keys that are being made, whose secrets nobody has yet."""
        return tuple(sorted(self._expected))

    def expect(self, change: Change) -> None:
        """Hear that a key is about to be made."""
        self._expected.add(change.address)

    def settle(self, change: Change) -> None:
        """Hear that this is over."""
        self._expected.discard(change.address)

    def keep(self, change: Change, secret: Secret) -> Kept:
        """Store a secret. Raises SinkError if it can be written nowhere at all, and is lost."""
        place = Place(change.scope, change.name)
        try:
            return Kept(self._sink.store(place, secret))
        except Exception as error:  # noqa: BLE001 - whatever it is, the secret is in nobody's hands yet
            reason = str(error) if isinstance(error, SinkError) else type(error).__name__
        file = rescue(place.address, secret, self._folder)
        problem = f"created, but its secret could not be stored: {reason}; it is in {file}, to be moved"
        self._console.error(f"{place.address}: {problem}")
        return Kept(file, problem)


def open_keeper(
    made: Made, parameters: Mapping[str, Any], clock: Clock, console: Console
) -> SinkKeeper | None:
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

    sink = open_sink(parameters["secret_sink"], clock, USER_AGENT, passed=passed_names(parameters))
    sink.probe()
    if parameters["journal"] is None and parameters["history"] is None:
        console.note("Without --journal nothing will tell, if this run is killed, whose secret was lost.")
    return SinkKeeper(sink, Path.cwd(), console)
