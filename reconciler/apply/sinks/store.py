"""Keeping the secrets of the keys that an apply creates."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.apply.lifecycle import StoredSecret
from reconciler.apply.sinks.fallback import Rescuer
from reconciler.apply.sinks.sink import Place
from reconciler.cli.children import passed_names
from reconciler.cli.options import USER_AGENT
from reconciler.errors import ConfigurationError, SinkError
from reconciler.model.plan import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.api.redaction import Redactor
    from reconciler.apply.sinks.sink import Held, SecretSink
    from reconciler.cli.console import Console
    from reconciler.kinds.kind import Kind
    from reconciler.model.clock import Clock
    from reconciler.model.plan import Change
    from reconciler.model.secret import Secret


class SinkSecretStore:
    """Stores secrets in a sink; those that it cannot take go into files of one folder.

    After the first that it could not take, no further key is expected.
    """

    def __init__(
        self, sink: SecretSink, changes: Sequence[Change], rescuer: Rescuer, console: Console
    ) -> None:
        """Store the sink, the changes that make keys, what rescues, and where to say so at once."""
        self._sink = sink
        self._places = {change.address: _place(change) for change in changes}
        self._held: Mapping[Place, Held] = {}
        self._rescuer = rescuer
        self._console = console
        self._expected: set[str] = set()
        self._kept: dict[str, str] = {}
        self._lock = threading.Lock()
        self._broken = ""

    @property
    def expected(self) -> tuple[str, ...]:
        """Name the keys that are being made, whose secrets nobody has yet."""
        with self._lock:
            return tuple(sorted(self._expected))

    def held(self) -> tuple[str, ...]:
        """Return the keys whose secrets nobody has yet, and wait for no server any longer.

        Their secrets are stored at once, or rescued.
        """
        self._sink.hurry()
        return self.expected

    def tell(self) -> None:
        """Print on standard error where each secret is that was kept so far, if no outcome can tell it."""
        with self._lock:
            kept = sorted(self._kept.items())
        for address, where in kept:
            self._console.error(f"{address}: made; its secret is in {where}")

    def probe(self) -> None:
        """Find out whether the sink will take each secret. Raises SinkError if it surely will not."""
        self._held = self._sink.probe(tuple(self._places.values()))

    def where(self, change: Change) -> str:
        """Return where the secret of a new key is to go, empty if it has none."""
        return self._sink.where(_place(change)) if change.address in self._places else ""

    def expect(self, change: Change) -> None:
        """Note that a key is about to be made. Raises SinkError if its secret has nowhere to go."""
        with self._lock:
            if self._broken:
                raise SinkError(self._broken)
            self._expected.add(change.address)

    def settle(self, change: Change) -> None:
        """Note that this is over."""
        with self._lock:
            self._expected.discard(change.address)

    def outdated(self, change: Change) -> str:
        """Return what to say of a secret in the place of a key which is gone, if there may be one."""
        place = _place(change)
        held = self._held.get(place)
        if held:
            return f"what {self.where(change)} holds of the key before is dead"
        if held is None and place.is_replaced:
            return f"what {self.where(change)} holds of the key before, if anything, is dead"
        return ""

    def keep(self, change: Change, secret: Secret) -> StoredSecret:
        """Store a secret. Raises SinkError if it can be written nowhere at all, and is lost."""
        place = _place(change)
        try:
            where = self._sink.store(place, secret, self._held.get(place))
        except Exception as error:  # noqa: BLE001 - whatever it is, the secret is in nobody's hands yet
            reason = str(error) if isinstance(error, SinkError) else type(error).__name__
        else:
            self._keep(place, where)
            return StoredSecret(where)
        self._broken = (
            f"not made: the secret of {place.address} could not be stored, and none is made that nobody keeps"
        )
        file = self._rescuer.rescue(place.address, secret)
        self._keep(place, file)
        problem = f"created, but its secret could not be stored: {reason}; it is in {file}, to be moved"
        if outdated := self.outdated(change):
            problem = f"{problem}; {outdated}"
        self._console.error(f"{place.address}: {problem}")
        return StoredSecret(file, problem)

    def _keep(self, place: Place, where: str) -> None:
        with self._lock:
            self._kept[place.address] = where


def open_secret_store(  # noqa: PLR0913, PLR0917 - all that the place of a secret depends on
    changes: Iterable[Change],
    kinds: Mapping[str, Kind],
    parameters: Mapping[str, Any],
    clock: Clock,
    console: Console,
    redactor: Redactor | None = None,
) -> SinkSecretStore | None:
    """Open the sink and probe the place of each secret, if one of ``changes`` makes a key that has one.

    ``redactor`` knows the secrets of the run. Raises ConfigurationError where no sink is named, SinkError
    where it surely cannot store.
    """
    new = [change for change in changes if change.action.adds and kinds[change.scope.kind].secret is not None]
    if not new:
        return None
    if parameters["secret_sink"] is None:
        others = f" and {len(new) - 1} more" if len(new) > 1 else ""
        raise ConfigurationError(
            f"the plan creates {new[0].address}{others}, and the service shows the secret of a new key "
            "only once: name a place for it with --secret-sink, such as file:DIRECTORY"
        )
    from reconciler.cli.sinks import open_sink  # noqa: PLC0415 - only a creation needs one

    passed = passed_names(parameters)
    sink = open_sink(parameters["secret_sink"], clock, USER_AGENT, passed=passed, redactor=redactor)
    keeper = SinkSecretStore(sink, new, Rescuer(_rescue_folders()), console)
    keeper.probe()
    if parameters["journal"] is None and parameters["history"] is None:
        console.note("Without --journal nothing will tell, if this run is killed, whose secret was lost.")
    return keeper


def _place(change: Change) -> Place:
    return Place(change.scope, change.name, change.action is Action.REPLACE)


def _rescue_folders() -> tuple[Path, ...]:
    """Return where to rescue to: the working directory, which may be gone, and the user's own."""
    folders: list[Path] = []
    for find in (Path.cwd, Path.home):
        try:
            folders.append(find())
        except (OSError, RuntimeError):
            continue
    return tuple(folders)
