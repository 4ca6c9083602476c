"""Store the secrets of the keys that an apply creates."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reconciler.apply.observer import StoredSecret
from reconciler.apply.sinks.sink import Held, Place, SecretSink
from reconciler.errors import ConfigurationError, SinkError
from reconciler.model.phrases import listed
from reconciler.model.plan import Action, Change
from reconciler.model.succession import Purpose
from reconciler.plan.needs import STORE_OPTION, with_new_secret, with_rotated_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.apply.sinks.fallback import Rescuer
    from reconciler.model.outcome import Outcome
    from reconciler.model.secret import Secret
    from reconciler.model.succession import SecretAlias


class SinkSecretStore:
    """Stores secrets in a sink, and those that the sink refuses in fallback files.

    After the first refusal, no further key is created.
    """

    def __init__(
        self,
        sink: SecretSink,
        changes: Iterable[Change],
        fallback: Rescuer,
        report: Callable[[str], None],
        aliases: Iterable[SecretAlias],
    ) -> None:
        """Store the sink, the changes that create keys, and the aliases of secrets.

        ``report`` prints urgent messages at once.
        """
        self._sink = sink
        self._aliases = tuple(map(_alias_place, aliases)) if sink.has_versions else ()
        self._places = {change.address: _place(change) for change in changes}
        self._held: Mapping[Place, Held] = {}
        self._fallback = fallback
        self._report = report
        self._pending: set[str] = set()
        self._stored: dict[str, str] = {}
        self._taken: dict[str, Secret] = {}
        self._lock = threading.Lock()
        self._broken = ""
        self.published: list[str] = []
        self.failures: list[str] = []

    def pending(self) -> tuple[str, ...]:
        """Return the addresses of the keys being created, whose secrets would be lost with the process.

        From now on nothing is retried: their secrets are stored at once, or in fallback files.
        """
        self._sink.hurry()
        with self._lock:
            return tuple(sorted(self._pending))

    def report_stored(self) -> None:
        """Report where each secret was stored so far, if no outcome can report it."""
        with self._lock:
            stored = sorted(self._stored.items())
        for address, where in stored:
            self._report(f"{address}: created; its secret is in {where}")

    def probe(self) -> None:
        """Check that the sink can store each secret. Raises SinkError if it certainly cannot."""
        self._held = self._sink.probe((*self._places.values(), *self._aliases))

    def where(self, change: Change) -> str:
        """Return the destination of the secret of a new key, empty if it has none."""
        return self._sink.where(_place(change)) if change.address in self._places else ""

    def started(self, change: Change) -> None:
        """Record that a key is about to be created. Raises SinkError if its secret cannot be stored.

        The place of a successor's secret must be empty: after a crash before it is stored, the next run would
        take an earlier secret there for the new one, and end the old key.
        """
        place = self._places.get(change.address)
        if place is None:
            return
        if change.purpose is Purpose.ROTATE and self._held.get(place) and self._holds(place):
            what = f"{self._sink.where(place)} holds the secret of an earlier key of this name"
            raise SinkError(
                f"{what}, which could be mistaken for the secret of the successor: move it away first"
            )
        with self._lock:
            if self._broken:
                raise SinkError(self._broken)
            self._pending.add(change.address)

    def finished(self, outcome: Outcome) -> None:
        """Record the end of a creation."""
        with self._lock:
            self._pending.discard(outcome.change.address)

    def outdated(self, change: Change) -> str:
        """Return a remark about the stored secret of a deleted key, empty if there is none."""
        place = _place(change)
        held = self._held.get(place)
        if held or (held is None and place.is_replaced):
            if_any = "" if held else ", if anything,"
            return f"the secret of the earlier key in {self.where(change)}{if_any} is no longer valid"
        return ""

    def store(self, change: Change, secret: Secret) -> StoredSecret:
        """Store a secret. Raises SinkError if it can be written nowhere, and is lost."""
        place = _place(change)
        try:
            where = self._sink.store(place, secret, self._held.get(place))
        except Exception as error:  # noqa: BLE001 - whatever it is, the secret is stored nowhere yet
            reason = str(error) if isinstance(error, SinkError) else type(error).__name__
        else:
            self._note(place, where)
            self._taken[place.address] = secret
            return StoredSecret(where)
        self._broken = f"not created, because the secret of {place.address} could not be stored"
        file = self._fallback.rescue(place.address, secret)
        self._note(place, file)
        problem = f"created, but its secret could not be stored: {reason}; it is in {file}; move it"
        if outdated := self.outdated(change):
            problem = f"{problem}; {outdated}"
        self._report(f"{place.address}: {problem}")
        return StoredSecret(file, problem)

    def missing(self, change: Change) -> str:
        """Return why a rotated key must not lose access yet, if the secret of its successor is not stored.

        For a sink that cannot read, it counts as stored.
        """
        place = Place(change.scope, change.waits_for or "")
        try:
            return "" if self._holds(place) else self._lost(place)
        except SinkError as error:
            return f"the stored secret of {place.address} cannot be read: {error}"

    def _holds(self, place: Place) -> bool:
        """Return whether a place holds the secret of its key, believing a sink that cannot tell.

        Raises SinkError, also where it shows another one than this run has stored.
        """
        if self._sink.has_versions:
            return self._secret(place) is not None
        with self._lock:
            is_stored = place.address in self._stored
        held = "" if is_stored else self._sink.probe([place])[place]
        return is_stored or held is None or bool(held)

    def _secret(self, place: Place) -> Secret | None:
        """Return what a place holds. Raises SinkError, also for another secret than this run has stored."""
        found, stored = self._sink.read(place), self._taken.get(place.address)
        if found is not None and stored is not None and found.reveal() != stored.reveal():
            raise SinkError(f"{self._sink.where(place)} contains another secret than the one that was stored")
        return found

    def _lost(self, place: Place) -> str:
        advice = f"if it is lost, reconciler rotate {place.address} --now replaces that key"
        return f"{self._sink.where(place)} holds no secret of {place.address}, a successor; {advice}"

    def publish(self, alias: SecretAlias) -> str:
        """Store the secret of a key under its alias too, if it is not there; return why that failed.

        A sink without versions has no aliases. In any other sink, nothing is stored in a place that was not
        probed.
        """
        if not self._sink.has_versions:
            return ""
        place = _alias_place(alias)
        if place not in self._aliases:
            what = f"the secret sink was not opened for the alias {alias.alias}"
            return self._failed(alias, f"{what}; open it with all aliases of the plan")
        own = Place(alias.scope, alias.name)
        try:
            secret = self._secret(own)
            if secret is None:
                return self._failed(alias, self._lost(own))
            known = self._sink.read(place)
            if known is not None and known.reveal() == secret.reveal():
                return ""
            held = self._sink.probe([place])[place]
            where = self._sink.store(place, secret, held)
        except SinkError as error:
            what = f"its secret could not be stored under the alias {alias.alias}: {error}"
            return self._failed(alias, what)
        self.published.append(f"{alias.address}: its secret is in {where} too")
        return ""

    def _failed(self, alias: SecretAlias, problem: str) -> str:
        self.failures.append(f"{alias.address}: {problem}")
        self._report(self.failures[-1])
        return problem

    def _note(self, place: Place, where: str) -> None:
        with self._lock:
            self._stored[place.address] = where


def open_secret_store(
    changes: Iterable[Change],
    sink: Callable[[], SecretSink] | None,
    fallback: Rescuer,
    report: Callable[[str], None],
    aliases: Sequence[SecretAlias],
) -> SinkSecretStore | None:
    """Open the sink and probe the place of each secret; None if none is needed.

    It is needed where ``changes`` create keys with secrets, or end a rotated key; without a sink ``aliases``
    are ignored. Raises ConfigurationError without a sink, SinkError if it certainly cannot store.
    """
    every = tuple(changes)
    new, ending = with_new_secret(every), with_rotated_secret(every)
    if not new and not ending and (not aliases or sink is None):
        return None
    if sink is None:
        keys = listed((change.address for change in new or ending), 1)
        what = (
            f"the plan creates {keys}, and the service shows the secret of a new key only once: set"
            " where to store it"
        )
        if not new:
            what = f"the plan ends {keys} once the secret of its successor is stored: set where to store it"
        raise ConfigurationError(f"{what} with {STORE_OPTION}, such as file:DIRECTORY")
    store = SinkSecretStore(sink(), new, fallback, report, aliases)
    store.probe()
    return store


def _alias_place(alias: SecretAlias) -> Place:
    return Place(alias.scope, alias.alias, is_alias=True)


def _place(change: Change) -> Place:
    return Place(change.scope, change.name, change.action is Action.REPLACE)
