"""Where a run writes down what it does: a journal, a history, both or neither."""

from __future__ import annotations

import os
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.cli.console import OutputOptions
from reconciler.cli.credentials import warn_of_readers
from reconciler.cli.settings import build
from reconciler.errors import ConfigurationError
from reconciler.model.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.apply.journal import Sink
    from reconciler.apply.observer import Observer
    from reconciler.model.clock import Clock
    from reconciler.model.plan import Change
    from reconciler.service.history.cycles import History, JournalTable
    from reconciler.service.history.database import Database


@dataclass(frozen=True, slots=True)
class Records:
    """Where one run writes things down; ``run`` is its identifier.

    ``table`` keeps the lines of the journal in ``database``, a history that outlives the run.
    """

    run: str
    parameters: Mapping[str, Any]
    clock: Clock
    history: History | None = None
    table: JournalTable | None = None
    database: Database | None = None

    @contextmanager
    def observers(self, fingerprint: str, places: Callable[[Change], str]) -> Iterator[tuple[Observer, ...]]:
        """Yield what records the writes of a plan; ``places`` says where the secret of a key goes.

        Raises ConfigurationError if the journal cannot be opened.
        """
        from reconciler.apply.journal import Journal, JournalFile, Run  # noqa: PLC0415 - --help needs no engine
        from reconciler.apply.observer import SentOnly  # noqa: PLC0415 - the same

        with ExitStack() as stack:
            sinks: list[Sink] = []
            observers: list[Observer] = []
            if self.parameters["journal"] is not None:
                sinks.append(stack.enter_context(JournalFile(self.parameters["journal"])))
            if self.table is not None:
                sinks.append(self.table)
            if sinks:
                from reconciler.cli.provenance import actor  # noqa: PLC0415 - the same

                # Not the run's own name: a service journals many times, and each stands for itself.
                name = f"{self.run}-{uuid.uuid4().hex[:8]}"
                base_url = self.parameters["base_url"]
                run = Run(name, fingerprint, base_url, actor(), _commit(self.parameters))
                observers.append(Journal(sinks, run, self.clock, places))
            if self.history is not None:
                observers.append(self.history)
            yield tuple(map(SentOnly, observers))


@contextmanager
def open_records(parameters: Mapping[str, Any], clock: Clock, command: str) -> Iterator[Records]:
    """Open the history, if one is wanted.

    Raises HistoryError, or ConfigurationError if what the options name is not to be written to.
    """
    _check(parameters)
    run = uuid.uuid4().hex[:12]
    if parameters["history"] is None:
        yield Records(run, parameters, clock)
        return
    from reconciler.service.history.database import Database  # noqa: PLC0415 - only a history needs it

    with Database(parameters["history"]) as database:
        database.bind(parameters["base_url"])
        _, records = _recorded(database, run, parameters, clock, command)
        yield records


@contextmanager
def open_history(
    parameters: Mapping[str, Any], clock: Clock, command: str
) -> Iterator[tuple[Database, History, Records]]:
    """Open the history for a run that writes rounds, or one in memory, which goes with the run.

    Raises HistoryError, also if another run writes rounds into the file, and ConfigurationError if what the
    options name is not to be written to.
    """
    _check(parameters)
    from reconciler.service.history.database import Database, sole_user  # noqa: PLC0415 - only a history needs it

    file = parameters["history"]
    with sole_user(file), Database(file) as database:
        if file is not None:
            database.bind(parameters["base_url"])
        history, records = _recorded(database, uuid.uuid4().hex[:12], parameters, clock, command)
        yield database, history, records


def _check(parameters: Mapping[str, Any]) -> None:
    """Refuse a journal that is none, and one file for two purposes, before anything is asked or written."""
    from reconciler.apply.journal import check_journal  # noqa: PLC0415 - --help needs no engine

    taken: dict[Path, str] = {}
    for name in ("journal", "history", "metrics_file"):
        file = parameters.get(name)
        if file is None:
            continue
        option = f"--{name.replace('_', '-')}"
        other = taken.setdefault(Path(file).resolve(), option)
        if other != option:
            raise ConfigurationError(f"{other} and {option} name the same file {file}; give each its own")
    if parameters["journal"] is not None:
        check_journal(parameters["journal"])
        warn_of_readers(parameters["journal"], "journal", build(OutputOptions, parameters).console())


def _recorded(
    database: Database, run: str, parameters: Mapping[str, Any], clock: Clock, command: str
) -> tuple[History, Records]:
    from reconciler.service.history.cycles import History, HistoryRun, JournalTable  # noqa: PLC0415 - as above

    if parameters["history"] is None:
        history = History(database, HistoryRun(run, command, __version__, "", None), clock.now)
        return history, Records(run, parameters, clock, history)
    from reconciler.cli.provenance import actor  # noqa: PLC0415 - the same

    warn_of_readers(parameters["history"], "history", build(OutputOptions, parameters).console())
    facts = HistoryRun(run, command, __version__, actor(), _commit(parameters))
    history = History(database, facts, clock.now)
    return history, Records(run, parameters, clock, history, JournalTable(database, clock.now), database)


def _commit(parameters: Mapping[str, Any]) -> str | None:
    """Name the commit of what is applied: that of a saved plan, or of the files."""
    from reconciler.load.git import git_commit  # noqa: PLC0415 - only a record asks

    if "commit" in parameters:
        commit: str | None = parameters["commit"]
        return commit
    return git_commit(parameters["paths"], os.environ, build(OutputOptions, parameters).console().warning)  # noqa: TID251 - until it is handed in
