"""The options that commands share: frozen classes, whose fields declare click options."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import click

from reconciler.api.address import DEFAULT_BASE_URL, DEFAULT_SCHEME
from reconciler.cli.color import ColorOptions
from reconciler.cli.completing import InputPath, by
from reconciler.cli.configuration import NOT_CONFIGURED, TREE, Configured
from reconciler.cli.console import Console
from reconciler.cli.sections import GLOBAL
from reconciler.cli.system import HOST
from reconciler.cli.values import Integers, PathListType, Seconds, option
from reconciler.kinds.kind import Kind
from reconciler.kinds.packaged import document_schema
from reconciler.load.configuration import shares_repository
from reconciler.model.configuration import Api
from reconciler.model.endpoint import BaseUrl
from reconciler.model.frozen import dataclass
from reconciler.model.scope import ScopeDefaults
from reconciler.observe.base import Base, read_base
from reconciler.validate.known_kinds import base_kinds, tree_kinds, unused_folders
from reconciler.validate.validator import Rules

if TYPE_CHECKING:
    from reconciler.api.exchange import Exchange
    from reconciler.api.retry import Wait
    from reconciler.observe.names import Directory

FILES: Final = "Files and kinds"
"""The section of options about what is read."""
paths_argument = click.argument("paths", nargs=-1, metavar="[PATH...]", type=InputPath())
"""The files; without them, those of the configuration."""
_WITHOUT_PLAN: Final = "!plan_file"
"""Where a saved plan is applied no file is read, compared or checked."""
_BUILT_IN: Final = "!api|api=gcore"
_ASKED: Final = ("!offline", _BUILT_IN)
"""Where the built-in API is reached."""


def id_option(name: str, of: str) -> Any:
    """Declare the option for the id of a project or region; ``of`` is the object it belongs to."""
    variable = f"GCORE_CLOUD_{name.upper()}_ID"
    settings = {"type": Integers(min=1), "envvar": variable, "metavar": "N"}
    return option(f"{name.capitalize()} of {of}.", needs=(_WITHOUT_PLAN, _BUILT_IN), **settings)


def flag_of(parameter: str) -> str:
    """Return the option for a part of a scope, such as --project-id."""
    return f"--{parameter.replace('_', '-')}"


def base_option(
    text: str = "Show whether Git or the live API changed each field since this commit; REF... is where"
    " HEAD left REF.",
    needs: tuple[str, ...] = (),
) -> Any:
    """Declare the option for a commit that the files are compared with."""
    return option(text, metavar="REF", needs=needs)


kinds_option = partial(
    option,
    "A folder of custom kinds, NAME.schema.json each; kinds/ beside the files is one. Repeatable.",
    metavar="DIR",
    type=PathListType(),
    needs=_ASKED,
)
trust_option = partial(
    option,
    "Where configuration and kinds of the repository come from, which determine what the token reads: the"
    " working tree, or the commit of --base. Without --base, base knows those of --config and --kinds alone.",
    type=click.Choice((TREE, "base")),
    default=TREE,
    is_eager=True,  # what --base may be depends on it
    needs=_ASKED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """What a command prints besides its result, and whether in colour."""

    SECTION: ClassVar = GLOBAL

    verbose: int = option("Show each request and list unmanaged keys.", "-v", "--verbose", count=True)
    quiet: bool = option("Print the result and errors, nothing else.", "-q", "--quiet")
    colors: ColorOptions

    def console(self) -> Console:
        """Return the console of the command."""
        return self.colors.console(-1 if self.quiet else self.verbose)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationOptions:
    """Which configuration file is used, and its values."""

    SECTION: ClassVar = GLOBAL

    config: str | None = option(
        "The configuration, instead of reconciler.yaml in this folder or above it in its repository.",
        type=click.Path(),
        metavar="FILE",
        envvar="RECONCILER_CONFIG",
    )
    env: str | None = option(
        "The environment of the configuration for this run.",
        metavar="NAME",
        envvar="RECONCILER_ENV",
        shell_complete=by("environments"),
    )
    configured: Configured = NOT_CONFIGURED


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOptions(ConfigurationOptions):
    """The sources of kinds besides the packaged ones; a command may declare --base for more than that."""

    SECTION: ClassVar = FILES

    kinds: tuple[str, ...] = kinds_option()
    trust: str = trust_option()
    base: str | None = base_option(
        "The commit that configuration and kinds come from with --trust base.", needs=("trust=base",)
    )
    paths: tuple[str, ...] = ()

    def known_kinds(
        self, warn: Callable[[str], None], on_file: Callable[[bytes, str], None] | None = None
    ) -> Mapping[str, Kind]:
        """Load the packaged kinds, those of --kinds and, depending on --trust, those beside the files.

        ``warn`` is called where --trust base excludes kinds of the working tree, ``on_file`` with the content
        and name of each file. Raises InputError with all errors of kind files, ConfigurationError if the base
        cannot be read.
        """
        return self.configured.at_apis(self._kinds(warn, on_file))

    def _kinds(
        self, warn: Callable[[str], None], on_file: Callable[[bytes, str], None] | None
    ) -> Mapping[str, Kind]:
        folders = (*self.kinds, *self.configured.used_kinds(warn))
        if self.trust == TREE:
            return tree_kinds(folders, self.paths, on_file, self.configured.kind_apis)
        if self.base is not None:
            committed = self.configured.committed_kinds
            named = [folder for folder in folders if folder not in committed]
            apis = self.configured.kind_apis
            return base_kinds(named, self.paths, self.base, HOST, warn, committed, on_file, apis)
        for text in unused_folders(folders, self.paths):
            warn(text)
        return tree_kinds(folders, (), on_file, self.configured.kind_apis)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputOptions(KindOptions):
    """The files to read, and defaults for their documents."""

    SECTION: ClassVar = FILES

    project_id: int | None = id_option("project", "documents without one")
    region_id: int | None = id_option("region", "documents without one")
    expiry_warning: int = option(
        "Warn of keys that expire within this many days.",
        type=Integers(0, 3650),
        default=14,
        metavar="DAYS",
        needs=(_WITHOUT_PLAN,),
    )

    @property
    def versioned(self) -> tuple[str, ...]:
        """Return the paths whose commit is recorded: the files, and the configuration of their repository."""
        return (*self.paths, *(file for file in self.configured.files if shares_repository(file, self.paths)))

    def rules(self, kinds: Mapping[str, Kind], now: dt.datetime) -> Rules:
        """Return the rules for checking the files."""
        return Rules(
            document_schema=document_schema(),
            kinds=kinds,
            defaults=ScopeDefaults(self.project_id, self.region_id),
            now=now,
            expiry_warning=dt.timedelta(days=self.expiry_warning),
        )

    def read_base(self, kinds: Mapping[str, Kind], directory: Directory, now: dt.datetime) -> Base | None:
        """Read the desired state at the commit of --base, None without it. Raises ConfigurationError."""
        if self.base is None:
            return None
        return read_base(self.base, self.paths, HOST, self.rules(kinds, now), directory)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions(ConfigurationOptions):
    """How to reach the API.

    ``apis`` are the APIs with the values of options; ``built_in_url`` is the address whose host GCORE_API_KEY
    and --token-file belong to.
    """

    SECTION: ClassVar = "Connection"

    base_url: BaseUrl = option(
        "Address of the API.",
        envvar="GCORE_BASE_URL",
        metavar="URL",
        default=DEFAULT_BASE_URL,
        callback=lambda _context, _option, text: BaseUrl.recorded(text),
        needs=_ASKED,
    )
    token_file: str | None = option(
        "File that holds the token; overrides GCORE_API_KEY.",
        envvar="GCORE_API_KEY_FILE",
        type=click.Path(),
        metavar="FILE",
        needs=_ASKED,
    )
    auth_scheme: str = option(
        "Scheme before the token in the header Authorization, such as Bearer.",
        metavar="WORD",
        default=DEFAULT_SCHEME,
        needs=_ASKED,
    )
    parallelism: int = option(
        "Requests at a time.", type=Integers(1, 100), default=10, metavar="N", needs=_ASKED
    )
    connect_timeout: float = option(
        "How long to wait for a connection.",
        type=Seconds(),
        default=5.0,
        metavar="SECONDS",
        needs=_ASKED,
    )
    read_timeout: float = option(
        "How long to wait for a response.", type=Seconds(), default=30.0, metavar="SECONDS", needs=_ASKED
    )
    retries: int = option(
        "How often a failed request is retried.",
        type=Integers(0, 20),
        default=4,
        metavar="N",
        needs=_ASKED,
    )
    apis: Mapping[str, Api]
    built_in_url: BaseUrl

    @property
    def base_urls(self) -> Mapping[str, BaseUrl]:
        """Return the address of each API by its name."""
        return {name: api.base_url or self.base_url for name, api in self.apis.items()}

    @property
    def parallelism_by_api(self) -> Mapping[str, int]:
        """Return the maximum number of concurrent requests to each API."""
        return {name: api.parallelism or self.parallelism for name, api in self.apis.items()}

    def shown_by(self, console: Console) -> Callable[[Exchange], None]:
        """Return a function that prints a request: with its API, where there are several."""
        return console.exchange_of_several if len(self.apis) > 1 else console.exchange

    def waits_shown_by(self, console: Console, api: str) -> Callable[[Wait], None]:
        """Return a function that prints a wait for an API: with its name, where there are several."""
        return partial(console.wait, f"{api}: " if len(self.apis) > 1 else "")
