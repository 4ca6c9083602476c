"""The options of commands that write: where secrets of new keys go, and what records a run."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from reconciler.cli.values import FILE, ListType, option
from reconciler.model.frozen import dataclass

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
history_option = partial(
    option, "SQLite file of all rounds and writes.", type=FILE, envvar="RECONCILER_HISTORY"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretOptions:
    """Where the secrets of new keys go, and what programs that are run may know."""

    secret_sink: str | None
    pass_env: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """Which files record a run."""

    SECTION: ClassVar = "Records"

    journal: str | None = option("Record every write in this file, before and after it is sent.", type=FILE)
    history: str | None = history_option()
