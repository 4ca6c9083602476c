"""From the text of a configuration file to its values, or all its errors at once."""

from __future__ import annotations

import functools
from dataclasses import replace
from posixpath import normpath
from typing import TYPE_CHECKING, Any

from reconciler.api.address import binding_fault, url_fault
from reconciler.errors import ConfigurationError, InputError
from reconciler.kinds.packaged import configuration_schema
from reconciler.kinds.rest_rules import is_constant
from reconciler.model.configuration import (
    AUTHORIZATION,
    BUILT_IN_API,
    BUILT_IN_AUTH,
    Api,
    Auth,
    AuthMethod,
    ClientAuth,
    Configuration,
    TokenServer,
)
from reconciler.model.endpoint import BaseUrl
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import closest, listed
from reconciler.model.source import Problem
from reconciler.validate.messages import describe
from reconciler.validate.schema import check_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.load.configuration import ConfigurationFile
    from reconciler.load.documents import Document
    from reconciler.validate.messages import Path, Violation

    Fault = tuple[Path, str]


def read_configuration(file: ConfigurationFile, environment: str | None = None) -> Configuration:
    """Return the settings of a configuration file, with those of an environment if one is named.

    Raises InputError with all errors in it, ConfigurationError for an environment that it lacks.
    """
    document = file.document()
    data: Any = document.data
    if isinstance(data, dict) and "keys" in data:
        text = "contains desired state, but has the name of the configuration file; rename it"
        raise InputError([Problem(text, document.key_position(("keys",)))])
    violations = _check()(data)
    if violations:
        raise InputError(_problems(document, violations))
    known: Mapping[str, Any] = data.get("environments", {})
    if environment is not None and environment not in known:
        close = closest(environment, known)
        advice = f"did you mean {close}?" if close else f"it has {listed(known) or 'none'}"
        raise ConfigurationError(f"--env {environment} is not an environment of {file.file}; {advice}")
    faults: dict[Fault, None] = {}
    for name in (None, *known):
        view = _View(file, data, name)
        # Without an environment, an address may be left to the environments.
        is_used = name == environment or (name is not None or not known)
        faults |= dict.fromkeys(view.faults() if is_used else view.faults_but_addresses())
    if faults:
        raise InputError([Problem(text, document.position(path)) for path, text in faults])
    return _View(file, data, environment).configuration()


@functools.cache
def _check() -> Callable[[Any], tuple[Violation, ...]]:
    return check_of(configuration_schema())


def _problems(document: Document, violations: tuple[Violation, ...]) -> Iterator[Problem]:
    for path in dict.fromkeys(violation.path for violation in violations):
        violation = next(one for one in violations if one.path == path)
        is_about_key = violation.keyword in {"additionalProperties", "not"}
        position = document.key_position(path) if is_about_key else document.position(path)
        if violation.keyword == "type" and type(violation.value) in {int, float}:
            violation = replace(violation, written=document.written(path))
        yield Problem(describe(violation).replace("the document", "the configuration"), position)


@dataclass(frozen=True, slots=True)
class _Member:
    """A value and its path; the value is None where the file does not contain it."""

    path: Path
    value: Any

    @property
    def name(self) -> str:
        """Return the path as messages show it."""
        return ".".join(map(str, self.path))


@dataclass(frozen=True, slots=True)
class _View:
    """The view of a configuration in one environment, or in none."""

    file: ConfigurationFile
    data: Mapping[str, Any]
    environment: str | None

    def _member(self, *path: str) -> _Member:
        """Return a value: that of the environment, else the top-level one."""
        places: list[Path] = [path]
        if self.environment is not None:
            places.append(("environments", self.environment, *path))
        found = _Member(places[0], None)
        for place in places:
            value: Any = self.data
            for step in place:
                value = value.get(step) if isinstance(value, dict) else None
            found = found if value is None else _Member(place, value)
        return found

    def _names(self, word: str) -> list[str]:
        return list(self.data.get(word, {}))

    def faults(self) -> Iterator[Fault]:
        """Yield all faults that the schema cannot describe."""
        for name in self._names("apis"):
            if name != BUILT_IN_API and self._member("apis", name, "base_url").value is None:
                hint = "" if self.environment is None else f" in the environment {self.environment}"
                text = f"apis.{name}.base_url is missing{hint}; write the address of the API"
                yield ("apis", name), text
        yield from self.faults_but_addresses()

    def faults_but_addresses(self) -> Iterator[Fault]:
        """Yield the faults of :meth:`faults`, without those about missing addresses."""
        paths = self._member("paths")
        if paths.value == []:
            yield paths.path, f"{paths.name} is empty; write a file or a folder"
        for number, path in enumerate(paths.value or ()):
            yield from self._path((*paths.path, number), f"{paths.name}[{number}]", path)
        if self.environment is not None:
            for name in self.data["environments"][self.environment].get("apis", {}):
                if name not in self._names("apis"):
                    yield self._unknown(name)
        owners: dict[str, str] = {}
        for name in self._names("apis"):
            yield from self._api(name)
            kinds = self._member("apis", name, "kinds")
            owner = name if kinds.value is None else owners.setdefault(normpath(kinds.value), name)
            if owner != name:
                yield kinds.path, f"{kinds.name} is also the folder of {owner}; use one folder for each API"

    def _unknown(self, name: str) -> Fault:
        known = self._names("apis")
        close = closest(name, known)
        advice = f"did you mean {close}?" if close else "add it under apis at the top level too"
        where = ("environments", str(self.environment), "apis", name)
        return where, f"{'.'.join(where)} is not an API of this file; {advice}"

    def _path(self, where: Path, name: str, path: str) -> Iterator[Fault]:
        fault = self.file.fault(path)
        if fault:
            yield where, f"{name} {fault}"

    def _api(self, name: str) -> Iterator[Fault]:
        base_url = self._member("apis", name, "base_url")
        if base_url.value is not None:
            yield from _address(base_url)
        kinds = self._member("apis", name, "kinds")
        if kinds.value is not None:
            yield from self._path(kinds.path, kinds.name, kinds.value)
        auth, headers = self._member("apis", name, "auth"), self._member("apis", name, "headers")
        yield from _auth_faults(auth)
        yield from _header_faults(headers, _auth(name, auth.value or {}))

    def configuration(self) -> Configuration:
        """Return the values of a view without faults."""
        opened = self.file.opened
        return Configuration(
            file=self.file.file,
            folder=self.file.folder,
            reference=self.file.reference,
            content=self.file.content,
            environment=self.environment,
            paths=tuple(map(opened, self._member("paths").value or ())),
            apis={name: self._api_of(name) for name in self._names("apis")},
            limits=self._members("limits", "max_revoked", "max_changes"),
            renew=self._members("renew", "within", "to", "max_total"),
            rotate=self._members("rotate", "overlap", "name"),
            processes=self._written("processes"),
            overridden=frozenset(self._overridden()),
        )

    def _members(self, word: str, *names: str) -> dict[str, str]:
        """Return the members of an object, in the environment or at the top level."""
        return {name: text for name in names if (text := self._written(word, name)) is not None}

    def _written(self, *path: str) -> str | None:
        """Return a number or a word in the syntax of an option, None if it is missing."""
        value = self._member(*path).value
        return None if value is None else str(int(value) if isinstance(value, float) else value)

    def _overridden(self) -> Iterator[str]:
        """Yield the members that the environment overrides, without those that only it can have."""
        here: Mapping[str, Any] = self.data.get("environments", {}).get(self.environment, {})
        yield from here.keys() & {"paths", "processes"}
        for word in ("limits", "renew", "rotate"):
            yield from here.get(word, {})
        for api, members in here.get("apis", {}).items():
            yield from (f"{api}.{member}" for member in members)

    def _api_of(self, name: str) -> Api:
        def value(member: str) -> Any:
            return self._member("apis", name, member).value

        base_url, kinds, parallelism = value("base_url"), value("kinds"), value("parallelism")
        return Api(
            name=name,
            base_url=None if base_url is None else BaseUrl(base_url),
            auth=_auth(name, value("auth") or {}),
            headers=value("headers") or {},
            kinds=None if kinds is None else self.file.opened(kinds),
            parallelism=None if parallelism is None else int(parallelism),
        )


def _address(found: _Member) -> Iterator[Fault]:
    fault = url_fault(found.value) or binding_fault(BaseUrl(found.value))
    if fault:
        yield found.path, f"{found.name} cannot be used: {fault}"


def _auth(name: str, said: Mapping[str, Any]) -> Auth:
    """Return how an API authenticates; the defaults depend on the API and on the header."""
    second = said.get("second_header")
    if said.get("basic"):
        return Auth(AuthMethod.BASIC, scheme="Basic", second_header=second)
    server = said.get("oauth2")
    if server is not None:
        return Auth(AuthMethod.OAUTH2, second_header=second, server=_token_server(server))
    header = said.get("header", AUTHORIZATION)
    usual = BUILT_IN_AUTH.scheme if name == BUILT_IN_API else Auth().scheme
    scheme = said.get("scheme", usual if header.lower() == AUTHORIZATION.lower() else "")
    return Auth(header=header, scheme=scheme, second_header=second)


def _token_server(said: Mapping[str, Any]) -> TokenServer:
    url: str = said["token_url"]
    return TokenServer(
        BaseUrl.recorded(url) + "/" * url.endswith("/"),
        tuple(said.get("scopes", ())),
        said.get("audience"),
        ClientAuth(said.get("client_auth", ClientAuth.BASIC)),
    )


def _auth_faults(found: _Member) -> Iterator[Fault]:
    said, path, name = found.value or {}, found.path, found.name
    ways = [word for word in ("basic", "oauth2") if word in said]
    if len(ways) > 1:
        yield path, f"{name} has both basic and oauth2; keep one"
    for word in ("header", "scheme") if ways else ():
        if word in said:
            yield (*path, word), f"{name}.{word} cannot be combined with {ways[0]}; remove one of the two"
    header, second = said.get("header", AUTHORIZATION), said.get("second_header")
    if header.lower() != AUTHORIZATION.lower() and not is_constant(header):
        yield (*path, "header"), f"{name}.header {header} cannot carry a token; use another header"
    if second is not None and not is_constant(second):
        text = f"{name}.second_header {second} cannot carry a token; use another header"
        yield (*path, "second_header"), text
    elif second is not None and second.lower() == header.lower():
        yield (*path, "second_header"), f"{name}.second_header is the same as header; use another one"
    if "oauth2" in said:
        yield from _address(_Member((*path, "oauth2", "token_url"), said["oauth2"]["token_url"]))


def _header_faults(found: _Member, auth: Auth) -> Iterator[Fault]:
    seen = {header.lower(): "carries a token" for header in auth.headers}
    for header in found.value or ():
        fault = seen.setdefault(header.lower(), "")
        if not is_constant(header):
            fault = "authenticates, routes or frames a request"
        if fault:
            yield (*found.path, header), f"{found.name}.{header} {fault}; use another header, or remove it"
        seen[header.lower()] = "differs from another header only in upper and lower case"
