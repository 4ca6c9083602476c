"""The options that commands share, and the settings that they become."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.api.address import DEFAULT_BASE_URL, DEFAULT_SCHEME
from reconciler.cli.extras import how_to_install
from reconciler.cli.kinds import KINDS, TRUST
from reconciler.cli.variables import ListType, PathListType
from reconciler.errors import ConfigurationError
from reconciler.kinds.packaged import document_schema
from reconciler.model.clock import Clock, SystemClock
from reconciler.model.endpoint import BaseUrl
from reconciler.model.scope import ScopeDefaults
from reconciler.model.version import __version__
from reconciler.plan.limits import DEFAULT_REVOKED, Limits, parse_limit
from reconciler.service.schedule import parse_duration
from reconciler.validate.validator import Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.kinds.kind import Kind

    Command = Callable[..., Any]

USER_AGENT: Final = f"gcore-reconciler/{__version__}"

_LONGEST_TIMEOUT: Final = 86_400


class _Seconds(click.FloatRange):
    """A time-out that a socket takes; a range alone lets NaN pass."""

    def __init__(self) -> None:
        super().__init__(0, _LONGEST_TIMEOUT, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return seconds


class _Duration(click.ParamType[Any]):
    """``30s``, ``15m``, ``6h`` or ``1d``, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:

        seconds = parse_duration(value) if isinstance(value, str) else value
        if seconds is None:
            self.fail(f"{value!r} is no duration such as 30s, 15m, 6h or 1d.", param, ctx)
        return seconds


DURATION: Final = _Duration()


class _LimitType(click.ParamType[Any]):
    """``N`` keys, or ``P%`` of a scope."""

    name = "N|P%"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:

        limit = parse_limit(value) if isinstance(value, str) else value
        if limit is None:
            self.fail(f"{value!r} is neither a number of keys nor a percentage such as 30%.", param, ctx)
        return limit


_PATHS = [click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path())]
_OPTIONAL_PATHS = [click.argument("paths", nargs=-1, metavar="[PATH...]", type=click.Path())]
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
_VERBOSE_OFFLINE = click.option("-v", "--verbose", count=True, help="Count the keys of each scope.")
_OUTPUT = [
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
_LIMITS = [
    click.option(
        "--max-revoked",
        type=_LimitType(),
        help="Refuse a plan that takes access from more keys than N, or than P% of a scope."
        "  [default: 30% of a scope with 10 keys or more]",
    ),
    click.option(
        "--max-changes",
        type=_LimitType(),
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
        type=_Seconds(),
        default=5.0,
        show_default=True,
        help="Seconds to wait for a connection.",
    ),
    click.option(
        "--read-timeout",
        type=_Seconds(),
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
_TARGETS = [
    click.option(
        "--target",
        multiple=True,
        type=ListType(lambda word: "/" in word or word.startswith("*")),
        metavar="GLOB",
        help="Only keys whose whole address matches, such as 'caas/1/76/web-*' or '*/web'. Repeatable.",
    ),
]


def input_options(command: Command) -> Command:
    """Add the options of a command that reads files."""
    return _add(command, [*_PATHS, KINDS, TRUST, *_SCOPE, _EXPIRY, _VERBOSE_OFFLINE, *_OUTPUT])


def api_options(command: Command) -> Command:
    """Add the options of a command that reads files and talks to the API."""
    scoped = [KINDS, TRUST, *_SCOPE, _EXPIRY, *_CONNECTION, _VERBOSE, *_OUTPUT]
    return _add(command, [*_PATHS, *_TARGETS, *_LIMITS, *scoped])


def apply_options(command: Command) -> Command:
    """Add the options of a command that reads files, or a plan that was made from them."""
    scoped = [KINDS, TRUST, *_SCOPE, _EXPIRY, *_CONNECTION, _VERBOSE, *_OUTPUT]
    return _add(command, [*_OPTIONAL_PATHS, *_TARGETS, *_LIMITS, allow_destroy_option, *scoped])


def explain_options(command: Command) -> Command:
    """Add the options of a command about one key, which names its files by an option."""
    files = click.option(
        "-f",
        "--file",
        "paths",
        multiple=True,
        required=True,
        metavar="PATH",
        type=PathListType(),
        help="A file or directory that declares the key. Repeatable.",
    )
    return _add(command, [files, KINDS, TRUST, *_SCOPE, _EXPIRY, *_CONNECTION, _VERBOSE, *_OUTPUT])


def connection_options(command: Command) -> Command:
    """Add the options of a command that talks to the API and reads no desired state."""
    return _add(command, [KINDS, *_CONNECTION, _VERBOSE, *_OUTPUT])


def _add(command: Command, options: list[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def clock_of(context: click.Context) -> Clock:
    """Return the clock that the caller handed in, or the machine's."""
    return context.obj or SystemClock()


def validator(parameters: Mapping[str, Any], kinds: Mapping[str, Kind], now: dt.datetime) -> Validator:
    """Build what checks the files."""
    defaults = ScopeDefaults(parameters["project_id"], parameters["region_id"])
    warning = dt.timedelta(days=parameters["expiry_warning"])
    return Validator(document_schema(), kinds, defaults, now, warning)


def limits(parameters: Mapping[str, Any]) -> Limits:
    """Return what one run may do."""
    may_destroy = parameters.get("allow_destroy", False)
    return Limits(
        parameters["max_revoked"] or DEFAULT_REVOKED, parameters["max_changes"], may_destroy=may_destroy
    )


def missing_extra(extra: str, error: ImportError) -> ConfigurationError:
    """Return the error that says what has to be installed, and how."""
    return ConfigurationError(f"{error.name} is not installed; {how_to_install(extra)}")
