"""What records a run: the settings, from the options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reconciler.apply.journal import check_journal
from reconciler.cli.console import Console
from reconciler.cli.options import RecordOptions
from reconciler.cli.provenance import actor
from reconciler.errors import ConfigurationError
from reconciler.model.endpoint import BaseUrl
from reconciler.service.records import RecordSettings


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
    return RecordSettings(command, base_url, actor(), commit, options.journal, options.history)


def check_distinct(files: dict[str, str | None]) -> None:
    """Raise ConfigurationError where two options name one file, before anything is written."""
    taken: dict[Path, str] = {}
    for option, file in files.items():
        if file is not None:
            other = taken.setdefault(Path(file).resolve(), option)
            if other != option:
                raise ConfigurationError(f"{other} and {option} name the same file {file}; give each its own")
