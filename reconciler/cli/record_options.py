"""The options of commands that write: where secrets of new keys are stored, and the records of a run."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from reconciler.cli.values import FILE, ListType, option
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.model.endpoint import BaseUrl
    from reconciler.model.scope import Scope
    from reconciler.plan.identity import KnownIds

_IDS: Final = "reconciler.service.history.object_ids"
ROUNDS_AND_WRITES: Final = "SQLite file of all rounds and writes."
secret_sink_option = partial(
    option,
    "Where secrets of new keys go: file:DIR, exec:COMMAND or exec+probe:COMMAND, kubernetes:NAMESPACE,"
    " vault:MOUNT/PATH.",
    metavar="SINK",
)
pass_env_option = partial(
    option,
    "Pass this variable to programs that are run, such as VAULT_TOKEN or 'AWS_*'. Repeatable.",
    type=ListType(),
    metavar="NAME",
)
history_option = partial(option, type=FILE, envvar="RECONCILER_HISTORY")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretOptions:
    """Where the secrets of new keys are stored, and the variables of programs that are run."""

    secret_sink: str | None
    pass_env: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """Which files record a run."""

    SECTION: ClassVar = "Records"

    journal: str | None = option("Record every write in this file, before and after it is sent.", type=FILE)
    history: str | None = history_option(ROUNDS_AND_WRITES)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOptions:
    """The history with the ids of objects that declared names stood for; it is only read."""

    SECTION: ClassVar = "Records"

    history: str | None = history_option(
        "History of drift and apply: an object that was renamed at the service is not created again."
    )

    def known_ids(
        self, base_urls: Mapping[str, BaseUrl], scopes: Iterable[Scope], warn: Callable[[str], object]
    ) -> KnownIds | None:
        """Return the ids of the objects that names stood for; None where none is known yet.

        Raises HistoryError if the history cannot be read, or belongs to other APIs.
        """
        if self.history is None:
            return None
        if not Path(self.history).exists():
            warn(f"the history {self.history} does not exist yet, so that no rename can be known by it")
            return None
        # Most plans read none, and do without SQLite.
        found: KnownIds = import_module(_IDS).read_ids(self.history, base_urls, scopes)
        return found
