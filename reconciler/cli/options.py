"""The options that commands share, in groups."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from reconciler.api.address import DEFAULT_BASE_URL, DEFAULT_SCHEME
from reconciler.cli.settings import TREE, Command
from reconciler.cli.values import LIMIT, ListType, PathListType, Seconds
from reconciler.errors import ConfigurationError
from reconciler.model.clock import Clock, SystemClock
from reconciler.model.endpoint import BaseUrl
from reconciler.model.version import __version__

USER_AGENT: Final = f"gcore-reconciler/{__version__}"
_PINNED: Final = {"emulator": "demo", "metrics": "runtime", "report": "runtime"}


PATHS = [click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path())]
OPTIONAL_PATHS = [click.argument("paths", nargs=-1, metavar="[PATH...]", type=click.Path())]
_SCOPE = [
    click.option(
        "--project-id",
        type=click.IntRange(min=1),
        envvar="GCORE_CLOUD_PROJECT_ID",
        help="Project of documents that name none.  [env: GCORE_CLOUD_PROJECT_ID]",
    ),
    click.option(
        "--region-id",
        type=click.IntRange(min=1),
        envvar="GCORE_CLOUD_REGION_ID",
        help="Region of documents that name none.  [env: GCORE_CLOUD_REGION_ID]",
    ),
]
_VERBOSE = click.option("-v", "--verbose", count=True, help="Show each request and list unmanaged keys.")
VERBOSE_OFFLINE = [click.option("-v", "--verbose", count=True, help="Count the keys of each scope.")]
OUTPUT = [
    click.option("-q", "--quiet", is_flag=True, help="Print the result and errors, nothing else."),
    click.option("--no-color", is_flag=True, help="No colour.  [env: NO_COLOR]"),
]
_EXPIRY = click.option(
    "--expiry-warning",
    type=click.IntRange(0, 3650),
    default=14,
    show_default=True,
    metavar="DAYS",
    help="Warn of keys that expire within so many days.",
)
LIMITS = [
    click.option(
        "--max-revoked",
        type=LIMIT,
        help="Refuse a plan that takes access from more keys than N, or than P% of a scope."
        "  [default: 30% of a scope with 10 keys or more]",
    ),
    click.option(
        "--max-changes",
        type=LIMIT,
        help="Refuse a plan that changes more keys than N, or than P% of a scope.",
    ),
]
allow_destroy_option = click.option(
    "--allow-destroy",
    is_flag=True,
    help="Allow keys to be destroyed that no file declares, in scopes declared exclusive.",
)
_CONNECTION = [
    click.option(
        "--base-url",
        envvar="GCORE_BASE_URL",
        default=DEFAULT_BASE_URL,
        show_default=True,
        callback=lambda _context, _option, text: BaseUrl.recorded(text),
        help="Address of the API.  [env: GCORE_BASE_URL]",
    ),
    click.option(
        "--token-file",
        envvar="GCORE_API_KEY_FILE",
        type=click.Path(),
        help="File that holds the token; goes before GCORE_API_KEY.  [env: GCORE_API_KEY_FILE]",
    ),
    click.option(
        "--auth-scheme",
        metavar="WORD",
        default=DEFAULT_SCHEME,
        show_default=True,
        help="Word before the token in the header Authorization, such as Bearer.",
    ),
    click.option(
        "--parallelism",
        type=click.IntRange(1, 100),
        default=10,
        show_default=True,
        help="Requests at a time.",
    ),
    click.option(
        "--connect-timeout",
        type=Seconds(),
        default=5.0,
        show_default=True,
        help="Seconds to wait for a connection.",
    ),
    click.option(
        "--read-timeout",
        type=Seconds(),
        default=30.0,
        show_default=True,
        help="Seconds to wait for an answer.",
    ),
    click.option(
        "--retries",
        type=click.IntRange(0, 20),
        default=4,
        show_default=True,
        help="How often a failed request is tried again.",
    ),
]
TARGETS = [
    click.option(
        "--target",
        multiple=True,
        type=ListType(lambda word: "/" in word or word.startswith("*")),
        metavar="GLOB",
        help="Only keys whose whole address matches, such as 'caas/1/76/web-*' or '*/web'. Repeatable.",
    ),
]


KINDS = [
    click.option(
        "--kinds",
        multiple=True,
        metavar="DIR",
        type=PathListType(),
        help="A folder of custom kinds, NAME.schema.json each; kinds/ beside the files is one. Repeatable.",
    )
]
TRUST = [
    click.option(
        "--trust",
        type=click.Choice((TREE, "base")),
        default=TREE,
        show_default=True,
        help="Where kinds of the repository come from, which decide what the token reads: the working tree,"
        " or the commit of --base. Without --base, base knows those of --kinds alone.",
    )
]
FILES = [
    click.option(
        "-f",
        "--file",
        "paths",
        multiple=True,
        required=True,
        metavar="PATH",
        type=PathListType(),
        help="A file or directory that declares the key. Repeatable.",
    )
]
base_option = click.option(
    "--base",
    metavar="REF",
    help="Say of each field whether Git changed it since this commit, or the live API; REF... is where HEAD"
    " left REF.",
)
secret_sink_option = click.option(
    "--secret-sink",
    metavar="SINK",
    help="Where secrets of new keys go: file:DIR, exec:COMMAND or exec+probe:COMMAND, kubernetes:NAMESPACE, "
    "vault:MOUNT/PATH.",
)
pass_env_option = click.option(
    "--pass-env",
    multiple=True,
    type=ListType(),
    metavar="NAME",
    help="A variable that programs which are run may have too, such as VAULT_TOKEN or 'AWS_*'. Repeatable.",
)
history_option = click.option(
    "--history",
    type=click.Path(dir_okay=False),
    envvar="RECONCILER_HISTORY",
    metavar="FILE",
    help="SQLite file of all rounds and writes.  [env: RECONCILER_HISTORY]",
)
RECORDS = [
    click.option(
        "--journal",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Record every write in this file, before and after it is sent.",
    ),
    history_option,
]
DECLARED = [*KINDS, *TRUST, *_SCOPE, _EXPIRY]
ONLINE = [*_CONNECTION, _VERBOSE, *OUTPUT]


def add(*groups: Sequence[Callable[..., Any]]) -> Callable[[Command], Command]:
    """Add groups of options to a command; its help shows them in this order."""

    def decorate(command: Command) -> Command:
        return functools.reduce(
            lambda inner, option: option(inner), reversed([o for g in groups for o in g]), command
        )

    return decorate


api_options = add(PATHS, TARGETS, LIMITS, DECLARED, ONLINE)


def clock_of(context: click.Context) -> Clock:
    """Return the clock that the caller handed in, or the machine's."""
    return context.obj or SystemClock()


def missing_extra(extra: str, error: ImportError) -> ConfigurationError:
    """Return the error that says what has to be installed, and how."""
    return ConfigurationError(f"{error.name} is not installed; {how_to_install(extra)}")


def how_to_install(extra: str) -> str:
    """Return the advice for an extra: its packages are pinned by their hashes in a checkout."""
    return (
        f"in a checkout of reconciler, run pip install --require-hashes -r requirements/{_PINNED[extra]}.txt"
    )
