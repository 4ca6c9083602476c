"""What the commands that write share: records, a store for secrets, progress."""

from __future__ import annotations

import contextlib
import getpass
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from reconciler.api.redaction import Redactor
from reconciler.apply.journal import check_journal
from reconciler.apply.sinks.fallback import Rescuer
from reconciler.apply.sinks.sink import SecretSink
from reconciler.apply.sinks.spec import open_sink
from reconciler.apply.sinks.store import SinkSecretStore, open_secret_store
from reconciler.cli.console import Console
from reconciler.cli.options import RecordOptions, SecretOptions
from reconciler.errors import ConfigurationError
from reconciler.model.clock import Clock
from reconciler.model.endpoint import BaseUrl
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Change
from reconciler.model.version import USER_AGENT
from reconciler.service.records import RecordSettings

_ACTORS: Final = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BITBUCKET_STEP_TRIGGERER_UUID", "BUILD_USER_ID")


@dataclass(frozen=True, slots=True)
class Progress:
    """Advances a progress bar."""

    advance: Callable[[], None]

    def started(self, change: Change) -> None:
        """Ignore what is still to be done."""

    def finished(self, _outcome: Outcome) -> None:
        """Advance by one change."""
        self.advance()


def record_settings(
    command: str,
    base_url: BaseUrl,
    options: RecordOptions,
    commit: Callable[[], str | None],
    console: Console,
) -> RecordSettings:
    """Build the settings. Raises ConfigurationError for a journal that is another file."""
    check_distinct({"--journal": options.journal, "--history": options.history})
    if options.journal is not None:
        check_journal(options.journal)
    console.warn_of_readers(options.journal, "journal")
    return RecordSettings(command, base_url, _actor(), commit, options.journal, options.history)


def check_distinct(files: dict[str, str | None]) -> None:
    """Raise ConfigurationError where two options name one file, before anything is written."""
    taken: dict[Path, str] = {}
    for option, file in files.items():
        if file is not None:
            other = taken.setdefault(Path(file).resolve(), option)
            if other != option:
                raise ConfigurationError(f"{other} and {option} name the same file {file}; give each its own")


def _actor() -> str:
    """Return the name of the person behind a pipeline's run, or of the user of this machine."""
    for name in _ACTORS:
        if os.environ.get(name):
            return os.environ[name]
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        return f"uid {os.getuid()}"


def secret_store(  # noqa: PLR0913, PLR0917 - all that the place of a secret depends on
    changes: Iterable[Change],
    secrets: SecretOptions,
    records: RecordOptions,
    clock: Clock,
    console: Console,
    redactor: Redactor | None = None,
) -> SinkSecretStore | None:
    """Open what stores the secrets of the keys that ``changes`` create, if one has a secret.

    ``redactor`` knows the secrets of the run. Raises ConfigurationError where no sink is named, SinkError
    where it surely cannot store.
    """
    spec = secrets.secret_sink

    def sink(spec: str) -> SecretSink:
        return open_sink(spec, clock, USER_AGENT, os.environ, passed=secrets.pass_env, redactor=redactor)

    fallback = Rescuer(_rescue_folders())
    store = open_secret_store(changes, None if spec is None else partial(sink, spec), fallback, console.error)
    if store is not None and records.journal is None and records.history is None:
        console.note("Without --journal, nothing records whose secret is lost if this run is killed.")
    return store


def _rescue_folders() -> tuple[Path, ...]:
    """Return the working directory, which may be gone, and the home directory."""
    folders: list[Path] = []
    for find in (Path.cwd, Path.home):
        with contextlib.suppress(OSError, RuntimeError):
            folders.append(find())
    return tuple(folders)
