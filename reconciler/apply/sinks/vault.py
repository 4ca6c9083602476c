"""Secrets in HashiCorp Vault, or OpenBao, in a key-value engine of version 2."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from reconciler import errors
from reconciler.api.secret_server import Patience, SecretServer, ServerAuth, sink_errors
from reconciler.apply.sinks.names import path_parts
from reconciler.apply.sinks.vault_responses import (
    capabilities_of,
    current_version,
    engine_of,
    holds,
    version_of,
)
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reconciler.api.exchange import HttpSettings
    from reconciler.apply.sinks.sink import Held, Place
    from reconciler.model.endpoint import BaseUrl

_CAS: Final = "check-and-set"
_NO_VERSION: Final = 2**31 - 1
"""A version that no secret has: a write that asks for it passes every check and stores nothing."""
_MOUNTS: Final = ("sys", "internal", "ui", "mounts")
_ONLY_CREATE: Final = frozenset({"create"})
"""Where the token may do no more, a trial is refused if there is a secret."""
_PATHS: Final = 100
"""How many paths one question about capabilities names."""
_HINTS: Final[Mapping[type[errors.ApiError], str]] = {
    errors.UnauthorizedError: "check VAULT_TOKEN",
    errors.ForbiddenError: "is the token valid, and may its policies create and update this path?",
    errors.NotFoundError: "is a key-value engine mounted there, and VAULT_NAMESPACE right?",
}


@dataclass(frozen=True, slots=True)
class VaultAccess:
    """How to reach Vault: what VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE and VAULT_CACERT say."""

    address: BaseUrl
    token: Callable[[], Secret]
    namespace: str = ""
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class _Paths:
    """Where one secret is: for people, and in the API its data and its metadata."""

    shown: str
    data: tuple[str, ...]
    metadata: tuple[str, ...]


class VaultSink:
    """Writes one secret for each key below a path, under the name ``secret``."""

    def __init__(self, path: str, access: VaultAccess, settings: HttpSettings) -> None:
        """Store the path, ``MOUNT`` or ``MOUNT/below``; nothing is opened or read before it is needed."""
        self._path = tuple(path.split("/"))
        self._mount: tuple[str, ...] | None = None
        self._namespace = access.namespace
        namespace = {"X-Vault-Namespace": access.namespace} if access.namespace else {}
        auth = ServerAuth(
            base_url=access.address,
            header="X-Vault-Token",
            prefix="",
            token=access.token,
            headers={"X-Vault-Request": "true", **namespace},
            ca_file=access.ca_file,
            trust_setting="VAULT_CACERT",
            use_proxies=access.address.startswith("https:"),  # plain http is for loopback
        )
        self._server = SecretServer(auth, settings)

    def __repr__(self) -> str:
        """Name the path."""
        return f"VaultSink({'/'.join(self._path)!r})"

    def where(self, place: Place) -> str:
        """Return ``vault:`` and the path of the key's secret."""
        return f"vault:{'/'.join((*self._path, *path_parts(place.parts)))}"

    def probe(self, places: Sequence[Place]) -> dict[Place, Held]:
        """Ask Vault what the token may do at each path, and what is there; nothing is written.

        Raises SinkError.
        """
        with sink_errors(f"Vault cannot be used for {'/'.join(self._path)}", _HINTS):
            paths = {place: self._paths(place, (), Patience.PROBING) for place in places}
            may = self._capabilities([path for one in paths.values() for path in (one.data, one.metadata)])
        found: dict[Place, Held] = {}
        for place, one in paths.items():
            with sink_errors(f"Vault cannot be used for {one.shown}", _HINTS):
                found[place] = str(self._probed(one, may) or "")
        return found

    def store(self, place: Place, secret: Secret, held: Held = None) -> str:
        """Write a secret as the version after ``held``. Raises SinkError, also if it is not the latest."""
        shown = self.where(place).partition(":")[2]
        with sink_errors(f"Vault did not store {shown}", _HINTS):
            one = self._paths(place, (secret,), Patience.STORING)
            version = self._seen(one) if held is None else int(held or 0)
            body = _json({"options": {"cas": version}, "data": {"secret": secret.reveal()}})
            url = _url(one.data)
            try:
                self._server.write(
                    "POST",
                    url,
                    body,
                    secret=secret,
                    is_confirmed=lambda answer: version_of(answer) == version + 1,
                    is_stored=lambda: holds(self._server.send("GET", url, redact=(secret,)), secret),
                )
            except errors.RejectedError as error:
                if _CAS not in error.failure.detail:
                    raise
                message = (
                    f"{shown} in Vault has another version than {version}, and is left as it is: {error}"
                )
                raise errors.SinkError(message) from None
        return f"vault:{shown}"

    def hurry(self) -> None:
        """Try no request again from now on."""
        self._server.hurry()

    def _seen(self, one: _Paths) -> int:
        version = self._found_version(one, Patience.STORING)
        if version is None:
            raise errors.SinkError(_unknown(one))
        return version

    def _paths(self, place: Place, redact: tuple[Secret, ...], patience: Patience) -> _Paths:
        """Return the paths of the API: ``data`` stands behind the mount, which may be of several parts."""
        if self._mount is None:
            self._mount = self._found_mount(redact, patience)
        parts = (*self._path, *path_parts(place.parts))
        mount, below = self._mount, parts[len(self._mount) :]
        return _Paths("/".join(parts), (*mount, "data", *below), (*mount, "metadata", *below))

    def _found_mount(self, redact: tuple[Secret, ...], patience: Patience) -> tuple[str, ...]:
        """Ask where the engine is mounted. Whoever may do anything below a mount is told of it."""
        shown = "/".join(self._path)
        try:
            url = _url((*_MOUNTS, *self._path))
            engine = engine_of(self._server.send("GET", url, redact=redact, patience=patience))
        except (errors.ForbiddenError, errors.NotFoundError) as error:
            within = f"namespace {self._namespace}" if self._namespace else "the root namespace"
            message = (
                f"nothing is mounted at {shown} in {within} of Vault, as far as the token may see; check "
                f"MOUNT, VAULT_NAMESPACE and the token ({error})"
            )
            raise errors.SinkError(message) from None
        if engine is None:
            raise errors.SinkError("the server of VAULT_ADDR does not respond like Vault")
        mount = tuple(engine.path.strip("/").split("/"))
        if not engine.has_versions or self._path[: len(mount)] != mount:
            told = f"{engine.path} in Vault is {engine.kind} version {engine.version or 1}"
            told = self._server.redactor.line(told)
            raise errors.SinkError(f"{told}: only a kv engine of version 2 can refuse to overwrite")
        return mount

    def _capabilities(self, paths: Sequence[tuple[str, ...]]) -> Mapping[str, frozenset[str]] | None:
        """Ask what the token may do at each path; None if it may not ask."""
        found: dict[str, frozenset[str]] = {}
        for start in range(0, len(paths), _PATHS):
            asked = ["/".join(path) for path in paths[start : start + _PATHS]]
            try:
                answer = self._server.send("POST", "/v1/sys/capabilities-self", _json({"paths": asked}))
            except errors.ForbiddenError:
                return None
            for path in asked:
                told = capabilities_of(answer, path)
                if told is None:
                    raise errors.SinkError("the server of VAULT_ADDR does not respond like Vault")
                found[path] = told
        return found

    def _probed(self, one: _Paths, may: Mapping[str, frozenset[str]] | None) -> int:
        """Return the version that is there. Raises SinkError, or ApiError, if none can follow it."""
        path = "/".join(one.data)
        version = self._found_version(one, Patience.PROBING)
        if may is None and version is None:
            raise errors.SinkError(_unknown(one))
        if may is not None:
            if version is None and may[path] != _ONLY_CREATE:
                raise errors.SinkError(_unknown(one))
            needed = "update" if version else "create"
            if may[path].isdisjoint({needed, "root"}):
                allowed = self._server.redactor.line(", ".join(sorted(may[path]))) or "nothing"
                what = f"the token may not {needed} {path} in Vault (it may: {allowed})"
                reason = f", where version {version} of the secret is" if version else ""
                raise errors.SinkError(f"{what}{reason}; add a policy for it")
        try:
            self._try(one)
        except errors.ForbiddenError as error:
            if version is not None:
                raise
            message = (
                f"there is a secret at {path} in Vault, or the token may not create it ({error}); to "
                "store the next version of a secret, its policy needs update and read"
            )
            raise errors.SinkError(message) from None
        return version or 0

    def _try(self, one: _Paths) -> None:
        """Send a write that every check lets pass but the one of its version. Raises what refuses it."""
        body = _json({"options": {"cas": _NO_VERSION}, "data": {}})
        try:
            self._server.send("POST", _url(one.data), body)
        except errors.RejectedError as error:
            if _CAS in error.failure.detail:
                return
            raise
        raise errors.SinkError(f"Vault takes a write to {one.shown} whatever its version, and so is not used")

    def _found_version(self, one: _Paths, patience: Patience) -> int | None:
        """Return the version of the secret that is there, 0 if none ever was, None if nothing may be read.

        Raises SinkError if it is no secret of a key.
        """
        known = self._read(one.metadata, patience)
        version = None if known is None else current_version(known)
        if version == 0:
            return 0
        current = self._read(one.data, patience)
        match current:
            case None:
                return version
            case {"data": {"data": dict(data)}} if data.keys() != {"secret"}:
                message = f"{one.shown} in Vault holds something else than a secret of this key"
                raise errors.SinkError(f"{message}, and is left as it is: move it away, or store elsewhere")
            case _:
                return current_version(current) if version is None else version

    def _read(self, path: tuple[str, ...], patience: Patience) -> Any:
        """Return what there is to read at a path, None if that is forbidden."""
        try:
            return self._server.send("GET", _url(path), patience=patience)
        except errors.ForbiddenError:
            return None


def _unknown(one: _Paths) -> str:
    return (
        f"the token may read neither {'/'.join(one.metadata)} nor {'/'.join(one.data)} in Vault, and so "
        "nobody knows which version of the secret is there; add read to its policy"
    )


def _url(parts: tuple[str, ...]) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _json(value: Mapping[str, Any]) -> Secret:
    return Secret(json.dumps(value))
