"""The values of options that commands share, as frozen classes, and how a command gets its own."""

from __future__ import annotations

import datetime as dt
import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, Final, TypeVar, get_type_hints

import click

from reconciler.kinds.kind import Kind
from reconciler.kinds.packaged import document_schema
from reconciler.model.endpoint import BaseUrl
from reconciler.model.scope import ScopeDefaults
from reconciler.observe.base import Base, read_base
from reconciler.observe.names import Directory
from reconciler.plan.limits import DEFAULT_REVOKED, Count, Limits, Share
from reconciler.validate.known_kinds import base_kinds, tree_kinds, unused_folders
from reconciler.validate.validator import Validator

Command = Callable[..., Any]
Options = TypeVar("Options")

TREE: Final = "tree"


@dataclass(frozen=True, slots=True)
class InputOptions:
    """The files to read, and what their documents leave out."""

    paths: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    trust: str = TREE
    project_id: int | None = None
    region_id: int | None = None
    expiry_warning: int = 14
    base: str | None = None
    has_base: bool = False
    """Whether the command has the option --base."""

    def validator(self, kinds: Mapping[str, Kind], now: dt.datetime) -> Validator:
        """Build what checks the files."""
        defaults = ScopeDefaults(self.project_id, self.region_id)
        return Validator(document_schema(), kinds, defaults, now, dt.timedelta(days=self.expiry_warning))

    def known_kinds(
        self, warn: Callable[[str], None], on_file: Callable[[bytes, str], None] | None = None
    ) -> Mapping[str, Kind]:
        """Load the packaged kinds, those of --kinds and, as --trust says, those beside the files.

        ``warn`` is called where --trust base leaves kinds of the working tree out, ``on_file`` with the
        content and name of each file. Raises InputError with all that is wrong with files of kinds,
        ConfigurationError where the base cannot be read.
        """
        if self.trust == TREE:
            return tree_kinds(self.kinds, self.paths, on_file)
        if self.base is not None:
            return base_kinds(self.kinds, self.paths, self.base, os.environ, warn, on_file)
        lack = "not given" if self.has_base else "no option of this command"
        for text in unused_folders(self.kinds, self.paths, lack):
            warn(text)
        return tree_kinds(self.kinds, (), on_file)

    def read_base(self, kinds: Mapping[str, Kind], directory: Directory, now: dt.datetime) -> Base | None:
        """Read what the files said at the commit of --base, None without it. Raises ConfigurationError."""
        if self.base is None:
            return None
        return read_base(self.base, self.paths, os.environ, self.validator(kinds, now), directory)


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How to reach the API."""

    base_url: BaseUrl
    token_file: str | None
    auth_scheme: str
    parallelism: int
    connect_timeout: float
    read_timeout: float
    retries: int


@dataclass(frozen=True, slots=True)
class SelectionOptions:
    """Which keys a plan is about, and what it may do."""

    target: tuple[str, ...]
    max_revoked: Count | Share | None
    max_changes: Count | Share | None
    allow_destroy: bool = False

    @property
    def limits(self) -> Limits:
        """Return what one run may do."""
        return Limits(self.max_revoked or DEFAULT_REVOKED, self.max_changes, may_destroy=self.allow_destroy)


@dataclass(frozen=True, slots=True)
class PlanningOptions:
    """What makes a plan."""

    inputs: InputOptions
    selection: SelectionOptions
    connection: ConnectionOptions


@dataclass(frozen=True, slots=True)
class SecretOptions:
    """Where the secrets of new keys go, and what programs that are run may know."""

    secret_sink: str | None
    pass_env: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """Which files record a run."""

    journal: str | None
    history: str | None


def takes(kind: type[Options]) -> Callable[[Callable[[click.Context, Options], Any]], Command]:
    """Call a command with its context and one value of ``kind``, built from what click found."""

    def decorate(command: Callable[[click.Context, Options], Any]) -> Command:
        @click.pass_context
        @functools.wraps(command)
        def callback(context: click.Context, /, **given: Any) -> Any:
            return command(context, build(kind, given))

        return callback

    return decorate


def build(kind: type[Options], given: Mapping[str, Any]) -> Options:
    """Build options from click's values by name, and likewise each field that is a class of options."""
    given = {"has_base": "base" in given, **given}
    hints = get_type_hints(kind).items()
    inner = {
        name: build(hint, given) for name, hint in hints if isinstance(hint, type) and is_dataclass(hint)
    }
    return kind(**inner, **{name: given[name] for name, _ in hints if name in given})
