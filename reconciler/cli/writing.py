"""What the commands that write share: records, a store for secrets, progress."""

from __future__ import annotations

import contextlib
import getpass
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from reconciler.api.redaction import Redactor
from reconciler.apply.journal import check_journal
from reconciler.apply.observer import Observer
from reconciler.apply.sinks.fallback import Rescuer
from reconciler.apply.sinks.spec import open_sink
from reconciler.apply.sinks.store import SinkSecretStore, open_secret_store
from reconciler.cli.console import Console
from reconciler.cli.events import EventStream
from reconciler.cli.record_options import RecordOptions, SecretOptions
from reconciler.cli.system import ENVIRONMENT, RANDOMNESS
from reconciler.errors import ConfigurationError
from reconciler.model.clock import Clock
from reconciler.model.endpoint import BaseUrl
from reconciler.model.frozen import dataclass
from reconciler.model.outcome import Outcome, Result
from reconciler.model.phrases import MOST_TEXTS
from reconciler.model.plan import Change, Plan
from reconciler.model.succession import SecretAlias
from reconciler.model.version import USER_AGENT
from reconciler.plan.needs import with_new_secret
from reconciler.render.text import render_outcomes
from reconciler.service.records import RecordSettings

_ACTORS: Final = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BITBUCKET_STEP_TRIGGERER_UUID", "BUILD_USER_ID")


@dataclass(frozen=True, slots=True)
class Progress:
    """Advances a progress bar."""

    advance: Callable[[], None]

    def started(self, change: Change) -> None:
        """Do nothing before a change."""

    def finished(self, outcome: Outcome) -> None:
        """Advance by a change that was made or tried; after Ctrl-C the bar stops."""
        if outcome.result is not Result.NOT_ATTEMPTED:
            self.advance()


class WritePrinter:
    """Prints the outcomes of writes or, if those cannot be read, where the secrets of new keys are.

    ``store`` is open while keys are created.
    """

    def __init__(self, console: Console, events: EventStream | None = None) -> None:
        """Store the console; with ``events``, print JSON lines."""
        self.console = console
        self.store: SinkSecretStore | None = None
        self._events = events

    @contextlib.contextmanager
    def writing(self, plan: Plan) -> Iterator[Sequence[Observer]]:
        """Show a progress bar, or events. If it ends in an error, no outcome shows where new secrets are."""
        events = () if self._events is None else (self._events,)
        with self.console.progress("Applying", len(plan.changes)) as advance:
            try:
                yield (*events, Progress(advance))
            except BaseException:
                self._report_stored()
                raise

    def written(self, outcomes: Sequence[Outcome]) -> bool:
        """Print the outcomes of the writes; return False if they cannot be printed."""
        is_read = False
        try:
            if self._events is None:
                most = math.inf if self.console.verbosity > 0 else MOST_TEXTS
                text = render_outcomes(outcomes, self.console.screen(), most)
                is_read = self.console.result(text)
                return True
            self._events.applied(outcomes)
            is_read = self._events.is_delivered
        except ConfigurationError as error:
            self.console.complain(error)
            return False
        finally:
            if not is_read:
                self._report_stored()
            self.store = None
        return not self._events.is_broken

    def _report_stored(self) -> None:
        if self.store is not None:
            self.store.report_stored()
            self.store = None


def record_settings(  # noqa: PLR0913, PLR0917 - what a record says, and where it is
    command: str,
    base_urls: Mapping[str, BaseUrl],
    options: RecordOptions,
    commit: Callable[[], str | None],
    console: Console,
    metrics_file: str | None = None,
) -> RecordSettings:
    """Build the settings. Raises ConfigurationError if one file has two uses, before it is written."""
    files = {"--journal": options.journal, "--history": options.history, "--metrics-file": metrics_file}
    used: dict[Path, str] = {}
    for option, file in files.items():
        if file is not None and (other := used.setdefault(Path(file).resolve(), option)) != option:
            raise ConfigurationError(f"{other} and {option} name the same file {file}; give each its own")
    if options.journal is not None:
        check_journal(options.journal)
    console.warn_of_readers(options.journal, "journal")
    return RecordSettings(command, base_urls, _actor(), commit, RANDOMNESS, options.journal, options.history)


def _actor() -> str:
    """Return the name of the person behind a pipeline's run, or of the user of this machine."""
    try:
        return next(filter(None, map(ENVIRONMENT.get, _ACTORS)), None) or getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        return f"uid {os.getuid()}"


def secret_store(  # noqa: PLR0913, PLR0917 - all that the place of a secret depends on
    changes: Iterable[Change],
    aliases: Sequence[SecretAlias],
    secrets: SecretOptions,
    records: RecordOptions,
    clock: Clock,
    console: Console,
    redactor: Redactor,
) -> SinkSecretStore | None:
    """Open the store for the secrets of the keys that ``changes`` create, if any, and ``aliases``.

    ``redactor`` knows the secrets of the run. Raises ConfigurationError without a sink, SinkError if it
    certainly cannot store.
    """
    sink = None
    if secrets.secret_sink is not None:
        settings = (clock, RANDOMNESS, USER_AGENT, ENVIRONMENT, secrets.pass_env, redactor)
        sink = partial(open_sink, secrets.secret_sink, *settings)
    every = tuple(changes)
    store = open_secret_store(every, sink, Rescuer(tuple(_rescue_folders())), console.error, aliases)
    is_recorded = records.journal is not None or records.history is not None
    if store is not None and with_new_secret(every) and not is_recorded:
        console.note("Without --journal, nothing records whose secret is lost if this run is killed.")
    return store


def _rescue_folders() -> Iterator[Path]:
    """Yield the working directory, unless it was removed, and the home directory."""
    for find in (Path.cwd, Path.home):
        with contextlib.suppress(OSError, RuntimeError):
            yield find()
