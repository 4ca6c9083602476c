"""The records of a run: a journal, a history, both or neither."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from reconciler.apply.executor import exit_code
from reconciler.apply.in_doubt import Reading, read_journal
from reconciler.apply.journal import Journal, JournalFile, Run, is_journal
from reconciler.apply.observer import SentOnly
from reconciler.errors import ConfigurationError, ExitCode, os_reason
from reconciler.model.frozen import dataclass
from reconciler.model.randomness import unique
from reconciler.model.version import __version__
from reconciler.plan.planning import select
from reconciler.service.history.applied import Applied
from reconciler.service.history.compared import Compared
from reconciler.service.history.cycles import History, HistoryRun
from reconciler.service.history.database import MAGIC, Database, sole_user
from reconciler.service.history.object_ids import ObjectIds, stored_ids
from reconciler.service.history.queries import journal_lines
from reconciler.service.history.reading import ReadOnlyDatabase

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from threading import Event

    from reconciler.apply.journal import Sink
    from reconciler.apply.observer import Observer
    from reconciler.apply.sinks.store import SinkSecretStore
    from reconciler.kinds.kind import Kind
    from reconciler.model.clock import Clock
    from reconciler.model.desired import DesiredState
    from reconciler.model.endpoint import BaseUrl
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change, Plan
    from reconciler.model.randomness import Randomness
    from reconciler.model.scope import Scope
    from reconciler.plan.identity import KnownIds


class WriteObserver(Protocol):
    """Shows the writes of a plan to people; called by the thread that waits for them."""

    def writing(self, plan: Plan) -> AbstractContextManager[Sequence[Observer]]:
        """Return a context for the writes of ``plan``, whose value are the observers of each of them."""

    def written(self, outcomes: Sequence[Outcome]) -> bool:
        """Show the outcomes of the writes; return False if they cannot be shown."""


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """The files that record a run, and the facts about it.

    ``base_urls`` are those of the APIs, by name. ``commit`` returns the commit of what is applied: that of a
    saved plan, or of the files.
    """

    command: str
    base_urls: Mapping[str, BaseUrl]
    who: str
    commit: Callable[[], str | None]
    randomness: Randomness
    journal: str | None = None
    history: str | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one run; ``run`` is its identifier."""

    run: str
    settings: RecordSettings
    clock: Clock
    history: History | None = None

    @contextmanager
    def observers(self, fingerprint: str, places: Callable[[Change], str]) -> Iterator[tuple[Observer, ...]]:
        """Yield the observers that record the writes of a plan; ``places`` returns where a secret is stored.

        Raises ConfigurationError if the journal cannot be opened.
        """
        settings = self.settings
        with ExitStack() as stack:
            sinks: list[Sink] = []
            observers: list[Observer] = []
            if settings.journal is not None:
                sinks.append(stack.enter_context(JournalFile(settings.journal)))
            if self.history is not None and settings.history is not None:
                sinks.append(self.history)
            if sinks:
                # Not the run's own name: a service journals many times, and each is a run for itself.
                name = f"{self.run}-{unique(settings.randomness)[:8]}"
                run = Run(name, fingerprint, settings.who, settings.commit())
                urls = settings.base_urls
                observers.append(Journal(sinks, run, self.clock, lambda change: urls[change.api], places))
            if self.history is not None:
                observers.append(self.history)
            yield tuple(map(SentOnly, observers))

    def apply(
        self,
        plan: Plan,
        store: SinkSecretStore | None,
        observer: WriteObserver,
        stop: Event,
        send: Callable[[Sequence[Observer]], tuple[Outcome, ...]],
    ) -> tuple[ExitCode, tuple[Outcome, ...]]:
        """Record and show the writes of ``plan``, which ``send`` makes with their observers.

        Return the exit code and the outcomes. Raises ConfigurationError if the journal cannot be opened.
        """
        places = store.where if store else lambda _change: ""
        with (
            self.observers(plan.fingerprint, places) as recorded,
            observer.writing(plan) as followed,
        ):
            # The journal comes first: what it cannot store is not sent, and so has not started.
            outcomes = send((*recorded, *followed))
        code = exit_code(outcomes, stop)
        is_shown = observer.written(outcomes)  # the writes were made all the same
        return code or (ExitCode.DONE if is_shown else ExitCode.PARTIAL), outcomes

    def store_applied(
        self,
        kinds: Mapping[str, Kind],
        state: DesiredState | None,
        plan: Plan,
        targets: Sequence[str],
        now: dt.datetime,
    ) -> None:
        """Store in the history the fields that are as desired before the first write, which adds to them.

        A saved plan has no ``state``, and nothing is stored. Raises HistoryError.
        """
        if self.history is None:
            return
        self.history.database.bind_kinds(scope for scope, _ in plan.observed)
        if state is None:
            return
        targeted, selected = select(state, targets)
        wrong = {problem.address for problem in plan.problems}

        def was_compared(address: str) -> bool:
            return address not in wrong and selected(address)

        applied = Applied(self.history.database, kinds)
        if not targets:
            applied.store_unmanaged(plan, now)
        compared = Compared(targeted, plan, was_compared, is_whole=not targets)
        applied.store(compared)
        ObjectIds(self.history.database, kinds).store_before_apply(compared)

    def known_ids(self, scopes: Iterable[Scope]) -> KnownIds | None:
        """Return the ids of the objects that names in ``scopes`` stood for; None without a history.

        Raises HistoryError, also if it belongs to another API.
        """
        if self.history is None:
            return None
        self.history.database.bind_kinds(scopes)
        return stored_ids(self.history.database)


@contextmanager
def open_records(settings: RecordSettings, clock: Clock) -> Iterator[Records]:
    """Open the history, if there is one. Raises HistoryError."""
    if settings.history is None:
        yield Records(_identifier(settings.randomness), settings, clock)
        return
    with Database(settings.history) as database:
        yield _records(database, settings, clock)[0]


@contextmanager
def open_history(settings: RecordSettings, clock: Clock) -> Iterator[tuple[Records, History]]:
    """Open the history for a run that records cycles, or a temporary one in memory.

    Raises HistoryError, also if another run records cycles in the file.
    """
    with sole_user(settings.history), Database(settings.history) as database:
        yield _records(database, settings, clock)


def _records(database: Database, settings: RecordSettings, clock: Clock) -> tuple[Records, History]:
    who, commit = "", None
    if settings.history is not None:
        database.bind(settings.base_urls)
        who, commit = settings.who, settings.commit()
    run = _identifier(settings.randomness)
    history = History(database, HistoryRun(run, settings.command, __version__, who, commit), clock.now)
    return Records(run, settings, clock, history), history


def read_records(file: str) -> Reading:
    """Read a journal, or that of a history. Raises ConfigurationError for any other file."""
    try:
        with Path(file).open("rb") as lines:
            is_history = lines.peek(len(MAGIC)).startswith(MAGIC)
            if not is_history and not is_journal(lines.fileno()):
                advice = "use a file that --journal or --history wrote"
                raise ConfigurationError(f"{file} is not a journal; {advice}")
            if not is_history:
                return read_journal(lines)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the journal {file} cannot be read: {os_reason(error)}") from error
    with ReadOnlyDatabase(file) as database:
        return read_journal(journal_lines(database))


def _identifier(source: Randomness) -> str:
    return unique(source)[:12]
