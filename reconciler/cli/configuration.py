"""The configuration of a run: which file is used, and its values for options that are not given otherwise.

The value of an option is the first of: the command line, its variable, the configuration file, its default.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from reconciler.api.address import DEFAULT_BASE_URL, checked_scheme
from reconciler.cli.api_kinds import kinds_of
from reconciler.cli.console import Console, color_choice
from reconciler.cli.machine import usable_cores
from reconciler.cli.system import HOST
from reconciler.errors import ConfigurationError, InputError
from reconciler.load.configuration import (
    committed_configuration,
    found_configuration,
    is_reviewed,
    named_configuration,
)
from reconciler.load.links import work_tree
from reconciler.load.sources import CONFIGURATION
from reconciler.model.configuration import BUILT_IN_API, Api, AuthMethod, Configuration
from reconciler.model.endpoint import BaseUrl
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import listed
from reconciler.model.source import Rule, of_rule
from reconciler.plan.limits import DEFAULT_REVOKED, parse_limit
from reconciler.validate.configuration import read_configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.load.configuration import ConfigurationFile

TREE: Final = "tree"
_OF_BUILT_IN: Final = {"base_url": "--base-url", "token_file": "--token-file", "auth_scheme": "--auth-scheme"}
"""Options about the built-in API."""
_DEFAULTS: Final = {"max_revoked": DEFAULT_REVOKED.words}
"""What holds where nothing is said."""
_SOURCES: Final = {
    ParameterSource.COMMANDLINE: "command line",
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT: "default",
    ParameterSource.DEFAULT_MAP: "default",
    ParameterSource.PROMPT: "prompt",
}


class OptionalPaths(click.Argument):
    """Optional paths, also if the configuration file has none."""


@dataclass(frozen=True, slots=True)
class Configured:
    """The configuration of a run; ``warnings`` are about a file that is not used."""

    configuration: Configuration | None = None
    warnings: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the folders of kinds in the configuration file."""
        return () if self.configuration is None else self.configuration.kinds

    def used_kinds(self, warn: Callable[[str], None]) -> tuple[str, ...]:
        """Return the folders of kinds, and warn about a configuration file that is not used."""
        for text in self.warnings:
            warn(text)
        return self.kinds

    @property
    def kind_apis(self) -> Mapping[str, str]:
        """Return the name of the API of each of these folders."""
        apis = {} if self.configuration is None else self.configuration.apis
        return {api.kinds: name for name, api in apis.items() if api.kinds is not None}

    def at_apis(self, kinds: Mapping[str, Kind]) -> Mapping[str, Kind]:
        """Return ``kinds`` with their configured APIs: custom kinds without an API belong to the only one."""
        return kinds if self.configuration is None else kinds_of(self.configuration.apis, kinds)

    @property
    def committed_kinds(self) -> Mapping[str, str]:
        """Return these folders if their content is read from a commit, each with a path in its checkout."""
        found = self.configuration
        if found is None or found.reference is None:
            return {}
        return dict.fromkeys(found.kinds, found.folder or os.curdir)

    @property
    def files(self) -> tuple[str, ...]:
        """Return the configuration file if it is one of the working tree."""
        found = self.configuration
        return () if found is None or found.reference is not None else (found.file,)


NOT_CONFIGURED: Final = Configured()


def with_configuration(context: click.Context, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return click's values with those of the configuration file, where nothing else sets them.

    Raises InputError with all its errors, ConfigurationError, and UsageError if there is no path.
    """
    if "config" not in given:
        return given
    found = _configured(given)
    values = dict(given) | {"configured": found}
    values |= {name: value for name, value in _options(found, given).items() if is_open(context, name)}
    if "base_url" in given:
        values |= _connection(context, found, values)
    _say(context, found, values)
    paths = next((one for one in context.command.params if one.name == "paths"), None)
    if paths is None or isinstance(paths, OptionalPaths) or values["paths"] or "plan_file" in given:
        return values
    if isinstance(paths, click.Argument):
        advice = "Name files or folders, here or under paths in reconciler.yaml."
        raise click.MissingParameter(" ".join([advice, *found.warnings]), context, paths)
    return values | {"paths": (os.curdir,)}  # a command about one key needs no more to find it


def tree_configuration(config: str | None) -> Configured:
    """Return the configuration of the working tree. Raises InputError."""
    return _configured({"config": config, "env": None})


def is_open(context: click.Context, name: str) -> bool:
    """Return whether a command has an option that neither the command line nor the environment sets."""
    source = context.get_parameter_source(name)
    return source in {ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP}


def _options(found: Configured, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values of the configuration file, by the names of the command's options."""
    said = found.configuration
    if said is None:
        return {}
    limits = {name: parse_limit(text) for name, text in said.limits.items()}
    paths = {"paths": said.paths} if given.get("plan_file") is None and said.paths else {}
    processes = {} if said.processes is None else {"processes": _bounded(said.processes)}
    return {name: value for name, value in (limits | paths | processes).items() if name in given}


def _bounded(processes: str) -> int | str:
    """Return a number of processes, limited because a file under review must not overload the machine."""
    return min(int(processes), usable_cores()) if processes.isdecimal() else processes


def _configured(given: Mapping[str, Any]) -> Configured:
    try:
        file, warnings = _file(given)
        if file is None:
            if given["env"] is not None:
                raise ConfigurationError(f"--env {given['env']} needs a configuration, and there is none")
            return Configured(None, warnings)
        return Configured(read_configuration(file, given["env"]), warnings)
    except InputError as error:
        raise InputError(of_rule(error.problems, Rule.CONFIGURATION)) from error


def _file(given: Mapping[str, Any]) -> tuple[ConfigurationFile | None, tuple[str, ...]]:
    """Return the configuration file to use, and warnings about one that is not used."""
    name, base = given["config"], given.get("base")
    if name == os.devnull:
        return None, ()
    if given.get("trust", TREE) == TREE or (base is None and name is not None):
        return found_configuration() if name is None else named_configuration(name), ()
    if base is None:
        return None, tuple(_unused("the configuration comes from the commit of --base, which is not given"))
    is_of_base = is_reviewed(name or CONFIGURATION, given.get("paths", ()))
    if name is None and not is_of_base and work_tree(os.curdir) is not None:
        return None, tuple(_unused("the configuration comes from the repository of the files"))
    if not is_of_base:
        return found_configuration() if name is None else named_configuration(name), ()
    file = committed_configuration(base, name, HOST)
    if file is None and name is not None:
        raise ConfigurationError(
            f"--config {name} is not in the commit {base}, from which --trust base takes it"
        )
    return file, tuple(_differences(file, base, name))


def _unused(reason: str) -> Iterator[str]:
    """Yield a warning about the configuration file of the working tree, without reading it."""
    for file in _found():
        yield f"{file} is not used: with --trust base, {reason}, or from --config"


def _found() -> Iterator[str]:
    """Yield the configuration file of the working tree, without reading it."""
    try:
        file = found_configuration()
    except InputError as error:
        yield from (problem.position.source for problem in error.problems if problem.position is not None)
    else:
        yield from () if file is None else (file.file,)


def _differences(file: ConfigurationFile | None, base: str, name: str | None) -> Iterator[str]:
    """Yield a warning if the configuration of the working tree differs from that of the base."""
    then = None if file is None else file.content
    try:
        present = found_configuration() if name is None else named_configuration(name)
        now = None if present is None else present.content
    except InputError:
        now = b""
    if now != then:
        yield (
            f"the configuration differs from that at {base}; with --trust base the old one is used, so "
            "changes by the new one are not shown"
        )


def _connection(context: click.Context, found: Configured, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the APIs with the values of options, and the effective values of options for a single API."""
    built_in_url = BaseUrl.recorded(DEFAULT_BASE_URL if is_open(context, "base_url") else values["base_url"])
    said = found.configuration
    apis = said.apis if said is not None and said.apis else {BUILT_IN_API: Api(name=BUILT_IN_API)}
    used = {name: _used(context, api, built_in_url, values) for name, api in apis.items()}
    if BUILT_IN_API not in used:
        for option, flag in _OF_BUILT_IN.items():
            if context.get_parameter_source(option) is ParameterSource.COMMANDLINE:
                named = listed(apis)
                raise ConfigurationError(f"{flag} is about {BUILT_IN_API}; the configuration has {named}")
    api = next(iter(used.values()))
    single = {"base_url": api.base_url, "parallelism": api.parallelism}
    return {"apis": used, "built_in_url": built_in_url, **single}


def _used(context: click.Context, api: Api, built_in_url: BaseUrl, values: Mapping[str, Any]) -> Api:
    """Return an API with the values of options; those for the built-in one change no other."""
    is_said = is_open(context, "parallelism") and api.parallelism is not None
    parallelism = api.parallelism if is_said else values["parallelism"]
    if api.name != BUILT_IN_API:
        return replace(api, parallelism=parallelism)
    auth, base_url = api.auth, api.base_url
    if base_url is None or not is_open(context, "base_url"):
        base_url = built_in_url
    if not is_open(context, "auth_scheme"):
        if auth.method is not AuthMethod.TOKEN:
            raise ConfigurationError(
                f"--auth-scheme is for a token in a header, and {api.name} uses {auth.method}"
            )
        auth = replace(auth, scheme=checked_scheme(values["auth_scheme"]))
    return replace(api, base_url=base_url, auth=auth, parallelism=parallelism)


def _say(context: click.Context, found: Configured, values: Mapping[str, Any]) -> None:
    """Print the sources of values, with -v and a configuration file."""
    said = found.configuration
    if said is None or not values.get("verbose") or values.get("quiet"):
        return
    console = Console(values["verbose"], color_choice())
    known = _options(found, values)

    def source(name: str, member: str | None) -> str:
        if member is not None and is_open(context, name):
            return said.source_of(member)
        return _SOURCES[context.get_parameter_source(name) or ParameterSource.DEFAULT]

    chosen = "" if said.environment is None else f", environment {said.environment}"
    console.detail(f"configuration: {said.file}{chosen}")
    for name in ("paths", "max_revoked", "max_changes", "processes"):
        if name in values:
            value, origin = values[name], source(name, name if name in known else None)
            shown = ", ".join(value) if isinstance(value, tuple) else value
            console.detail(f"{name}: {_DEFAULTS.get(name, 'none') if shown is None else shown} ({origin})")
    for api in values.get("apis", {}).values():
        configured = said.apis.get(api.name, Api(name=api.name))
        for name, value, given in (
            ("base_url", api.base_url, configured.base_url),
            ("parallelism", api.parallelism, configured.parallelism),
        ):
            member, is_own = f"{api.name}.{name}", name == "base_url" and api.name != BUILT_IN_API
            origin = said.source_of(member) if is_own else source(name, None if given is None else member)
            console.detail(f"{member}: {value} ({origin})")
