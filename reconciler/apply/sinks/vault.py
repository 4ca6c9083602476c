"""Secrets in HashiCorp Vault, or OpenBao, in a key-value engine of version 2."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from reconciler import errors
from reconciler.api.exchange import HttpSettings, Server
from reconciler.api.secret_server import BOUNDS, Patience, SecretServer, ServerAuth, member, sink_errors
from reconciler.apply.sinks.sink import path_parts
from reconciler.model.frozen import dataclass
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reconciler.apply.sinks.sink import Held, Place
    from reconciler.model.endpoint import BaseUrl

_SECRET: Final = ("data", "data", "secret")
_ENGINE: Final = (("path",), ("type",), ("options", "version"))
_CAS: Final = "check-and-set"
_NO_VERSION: Final = 2**31 - 1
"""A version that no secret has: a write that asks for it passes every check and stores nothing."""
_MOUNTS: Final = ("sys", "internal", "ui", "mounts")
_PATHS: Final = 100
"""How many paths one question about capabilities names."""
_HINTS: Final[Mapping[type[errors.ApiError], str]] = {
    errors.UnauthorizedError: "check VAULT_TOKEN",
    errors.ForbiddenError: "is the token valid, and may its policies create and update this path?",
    errors.NotFoundError: "is a key-value engine mounted there, and VAULT_NAMESPACE right?",
}
_NOT_VAULT: Final = "the server of VAULT_ADDR does not respond like Vault"


@dataclass(frozen=True, slots=True)
class VaultAccess:
    """How to reach Vault: VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE and VAULT_CACERT."""

    address: BaseUrl
    token: Callable[[], Secret]
    namespace: str = ""
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class _Paths:
    """The path of one secret: for people, and in the API for its data and its metadata."""

    shown: str
    data: str
    metadata: str

    @property
    def unknown(self) -> errors.SinkError:
        return errors.SinkError(
            f"the token may read neither {self.metadata} nor {self.data} in Vault, so the version of the "
            "secret there is not known; add read to its policy"
        )


class VaultSink:
    """Writes one secret for each key below a path, under the name ``secret``."""

    def __init__(self, path: str, access: VaultAccess, settings: HttpSettings) -> None:
        """Store the path, ``MOUNT`` or ``MOUNT/below``; nothing is opened or read before it is needed."""
        self._path = tuple(path.split("/"))
        self._mount: tuple[str, ...] | None = None
        self._namespace = access.namespace
        namespace = {"X-Vault-Namespace": access.namespace} if access.namespace else {}
        server = Server(
            access.address,
            BOUNDS,
            "the address of Vault",
            access.ca_file,
            "VAULT_CACERT",
        )
        auth = ServerAuth("X-Vault-Token", "", access.token, {"X-Vault-Request": "true", **namespace})
        self._server = SecretServer(server, auth, settings)

    def __repr__(self) -> str:
        """Return the class and the path."""
        return f"VaultSink({'/'.join(self._path)!r})"

    def where(self, place: Place) -> str:
        """Return ``vault:`` and the path of the key's secret."""
        return f"vault:{'/'.join((*self._path, *path_parts(place.parts)))}"

    def probe(self, places: Sequence[Place]) -> dict[Place, Held]:
        """Query the capabilities of the token at each path, and the content there; nothing is written.

        Raises SinkError.
        """
        with sink_errors(f"Vault cannot be used for {'/'.join(self._path)}", _HINTS):
            paths = {place: self._paths(place, Patience.PROBING) for place in places}
            may = self._capabilities([path for each in paths.values() for path in (each.data, each.metadata)])
        found: dict[Place, Held] = {}
        for place, each in paths.items():
            with sink_errors(f"Vault cannot be used for {each.shown}", _HINTS):
                found[place] = str(self._probed(each, may) or "")
        return found

    def store(self, place: Place, secret: Secret, held: Held = None) -> str:
        """Write a secret as the version after ``held``. Raises SinkError, also if it is not the latest."""
        where = self.where(place)
        shown = where.partition(":")[2]
        self._server.redactor.add(secret)
        with sink_errors(f"Vault did not store {shown}", _HINTS):
            paths = self._paths(place, Patience.STORING)
            version = self._version(paths, Patience.STORING) if held is None else int(held or 0)
            if version is None:
                raise paths.unknown
            url, next_version = _url(paths.data), version + 1
            try:
                self._server.write(
                    "POST",
                    url,
                    _json({"options": {"cas": version}, "data": {"secret": secret.reveal()}}),
                    lambda response: member(response, "data", "version") == next_version,
                    lambda: member(self._server.send("GET", url), *_SECRET) == secret.reveal(),
                )
            except errors.RejectedError as error:
                if _CAS not in error.failure.detail:
                    raise
                what = f"{shown} in Vault has another version than {version}, and is not changed"
                raise errors.SinkError(f"{what}: {error}") from None
        return where

    def read(self, place: Place) -> Secret | None:
        """Return the latest version of the key's secret, None if there is none. Raises SinkError."""
        shown = self.where(place).partition(":")[2]
        with sink_errors(f"Vault did not show {shown}", _HINTS):
            paths = self._paths(place, Patience.STORING)
            found = member(self._server.send("GET", _url(paths.data)), *_SECRET)
        if not isinstance(found, str):
            return None
        self._server.redactor.add(secret := Secret(found))
        return secret

    @property
    def has_versions(self) -> bool:
        """Return True: the engine retains earlier versions."""
        return True

    def hurry(self) -> None:
        """Do not retry requests from now on."""
        self._server.hurry()

    def _paths(self, place: Place, patience: Patience) -> _Paths:
        """Return the paths of the API: ``data`` follows the mount, which may have several segments."""
        if self._mount is None:
            self._mount = self._found_mount(patience)
        parts = (*self._path, *path_parts(place.parts))
        mount, below = self._mount, parts[len(self._mount) :]
        data, metadata = ("/".join((*mount, section, *below)) for section in ("data", "metadata"))
        return _Paths("/".join(parts), data, metadata)

    def _found_mount(self, patience: Patience) -> tuple[str, ...]:
        """Query the mount of the engine, which a token may read that has any capability below it."""
        shown = "/".join(self._path)
        try:
            url = _url("/".join((*_MOUNTS, *self._path)))
            engine = member(self._server.send("GET", url, patience=patience), "data")
        except (errors.ForbiddenError, errors.NotFoundError) as error:
            within = f"namespace {self._namespace}" if self._namespace else "the root namespace"
            raise errors.SinkError(
                f"nothing is mounted at {shown} in {within} of Vault, as far as the token may see; check "
                f"MOUNT, VAULT_NAMESPACE and the token ({error})"
            ) from None
        path, kind, version = (member(engine, *names) for names in _ENGINE)
        if not isinstance(path, str) or not isinstance(kind, str):
            raise errors.SinkError(_NOT_VAULT)
        mount = tuple(path.strip("/").split("/"))
        if kind not in {"kv", "generic"} or version != "2" or self._path[: len(mount)] != mount:
            what = self._server.redactor.line(f"{path} in Vault is {kind} version {version or 1}")
            raise errors.SinkError(f"{what}: only a kv engine of version 2 can refuse to overwrite")
        return mount

    def _capabilities(self, paths: Sequence[str]) -> Mapping[str, frozenset[str]] | None:
        """Query the capabilities of the token at each path; None if it may not query them."""
        found: dict[str, frozenset[str]] = {}
        for start in range(0, len(paths), _PATHS):
            asked = paths[start : start + _PATHS]
            try:
                response = self._server.send("POST", "/v1/sys/capabilities-self", _json({"paths": asked}))
            except errors.ForbiddenError:
                return None
            data = member(response, "data") or response
            for path in asked:
                names = member(data, path)
                names = member(data, "capabilities") if names is None else names
                if not isinstance(names, list):
                    raise errors.SinkError(_NOT_VAULT)
                found[path] = frozenset(map(str, names))
        return found

    def _probed(self, paths: _Paths, may: Mapping[str, frozenset[str]] | None) -> int:
        """Return the version at a path. Raises SinkError, or ApiError, if no version can be added."""
        path = paths.data
        version = self._version(paths, Patience.PROBING)
        # A token that may do no more than create is refused by the trial if there is a secret.
        if version is None and (may is None or may[path] != {"create"}):
            raise paths.unknown
        needed = "update" if version else "create"
        if may is not None and may[path].isdisjoint({needed, "root"}):
            allowed = self._server.redactor.line(", ".join(sorted(may[path]))) or "nothing"
            reason = f", where version {version} of the secret is" if version else ""
            what = f"the token may not {needed} {path} in Vault (it may: {allowed}){reason}"
            raise errors.SinkError(f"{what}; add a policy for it")
        try:
            self._try(paths)
        except errors.ForbiddenError as error:
            if version is not None:
                raise
            raise errors.SinkError(
                f"there is a secret at {path} in Vault, or the token may not create it ({error}); to "
                "store the next version of a secret, its policy needs update and read"
            ) from None
        return version or 0

    def _try(self, paths: _Paths) -> None:
        """Send a write that passes every check except that of its version.

        Raises the error of any other check.
        """
        body = _json({"options": {"cas": _NO_VERSION}, "data": {}})
        try:
            self._server.send("POST", _url(paths.data), body)
        except errors.RejectedError as error:
            if _CAS in error.failure.detail:
                return
            raise
        what = (
            f"Vault accepts a write to {paths.shown} without a check of its version, and is not used;"
            " enable the version check"
        )
        raise errors.SinkError(what)

    def _version(self, paths: _Paths, patience: Patience) -> int | None:
        """Return the version of the stored secret, 0 if there never was one, None if reading is forbidden.

        Raises SinkError if it is not a secret of a key.
        """
        known = self._read(paths.metadata, patience)
        version = None if known is None else _current(known)
        current = None if version == 0 else self._read(paths.data, patience)
        if current is None:
            return version
        data = member(current, "data", "data")
        if isinstance(data, dict) and data.keys() != {"secret"}:
            what = f"{paths.shown} in Vault contains data that is not a secret of this key"
            raise errors.SinkError(f"{what}, and is not changed: move it away, or store elsewhere")
        return _current(current) if version is None else version

    def _read(self, path: str, patience: Patience) -> Any:
        """Return the content of a path, None if reading is forbidden."""
        try:
            return self._server.send("GET", _url(path), patience=patience)
        except errors.ForbiddenError:
            return None


def _current(response: Any) -> int:
    """Return the version in metadata or data, 0 if there is none. Raises SinkError."""
    places = (("data", "current_version"), ("data", "metadata", "version"))
    for version in (member(response, *names) for names in places):
        if type(version) is int and version >= 0:
            return version
    if member(response, "errors") == []:
        return 0
    raise errors.SinkError(_NOT_VAULT)


def _url(path: str) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in path.split("/"))


def _json(value: Mapping[str, Any]) -> Secret:
    return Secret(json.dumps(value))
