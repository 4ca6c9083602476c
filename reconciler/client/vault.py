"""Secrets in HashiCorp Vault, or OpenBao, in a key-value engine of version 2."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from reconciler import errors
from reconciler.client.stores import Entrance, Store, sink_errors
from reconciler.secret import Secret
from reconciler.sinks.hiding import quoted
from reconciler.sinks.names import path_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.client.stores import Conditions
    from reconciler.sinks.place import Place

_ENOUGH: Final = {"create", "root"}
_CAS: Final = "check-and-set"
_TRIAL: Final = "probe"
_MOUNTS: Final = ("sys", "internal", "ui", "mounts")
_HINTS: Final[Mapping[type[errors.ApiError], str]] = {
    errors.UnauthorizedError: "check VAULT_TOKEN",
    errors.ForbiddenError: "is the token valid, and may its policies create this path?",
    errors.NotFoundError: "is a key-value engine mounted there, and VAULT_NAMESPACE right?",
}


@dataclass(frozen=True, slots=True)
class VaultAccess:
    """How to reach Vault: what VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE and VAULT_CACERT say."""

    address: str
    token: Callable[[], Secret]
    namespace: str = ""
    authorities: Path | None = None


class VaultSink:
    """Writes one secret for each key below a path, under the name ``secret``."""

    def __init__(self, path: str, access: VaultAccess, conditions: Conditions) -> None:
        """Take the path, ``MOUNT`` or ``MOUNT/below``; nothing is opened or read before it is needed."""
        self._path = tuple(path.split("/"))
        self._mount: tuple[str, ...] | None = None
        namespace = {"X-Vault-Namespace": access.namespace} if access.namespace else {}
        entrance = Entrance(
            base_url=access.address,
            header="X-Vault-Token",
            prefix="",
            token=access.token,
            headers={"X-Vault-Request": "true", **namespace},
            authorities=access.authorities,
            use_proxies=access.address.startswith("https:"),  # plain http is for loopback
        )
        self._store = Store(entrance, conditions)

    def __repr__(self) -> str:
        """Name the path."""
        return f"VaultSink({'/'.join(self._path)!r})"

    def probe(self) -> None:
        """Ask Vault what the token may do; nothing is written. Raises SinkError."""
        shown = "/".join(self._path)
        with sink_errors(f"Vault cannot be used for {shown}", _HINTS):
            path = "/".join(self._data((*self._path, _TRIAL), ()))
            answer = self._store.send("POST", "/v1/sys/capabilities-self", _json({"paths": [path]}))
            found = _capabilities(answer, path)
            if found is None:
                raise errors.SinkError("the server of VAULT_ADDR does not answer like Vault")
            if _ENOUGH.isdisjoint(found):
                may = quoted(", ".join(sorted(found))) or "nothing"
                message = f"the token may not create {path} in Vault (it may: {may}); add a policy for it"
                raise errors.SinkError(message)

    def store(self, place: Place, secret: Secret) -> str:
        """Write a new secret. Raises SinkError, also if there is one already."""
        parts = (*self._path, *path_parts(place.parts))
        where = "/".join(parts)
        body = _json({"options": {"cas": 0}, "data": {"secret": secret.reveal()}})
        with sink_errors(f"Vault did not store {where}", _HINTS):
            path = _url(self._data(parts, (secret,)))
            try:
                self._store.create(
                    path, body, secret, _is_version, lambda: _holds(self._store.send("GET", path), secret)
                )
            except errors.RejectedError as error:
                if _CAS not in error.failure.detail:
                    raise
                message = f"{where} exists in Vault, and is left as it is: {error}"
                raise errors.SinkError(message) from None
        return f"vault:{where}"

    def _data(self, parts: tuple[str, ...], hide: tuple[Secret, ...]) -> tuple[str, ...]:
        """Give the path of the API: ``data`` stands behind the mount, which may be of several parts."""
        if self._mount is None:
            self._mount = self._found_mount(hide)
        size = len(self._mount)
        return (*self._mount, "data", *parts[size:])

    def _found_mount(self, hide: tuple[Secret, ...]) -> tuple[str, ...]:
        """Ask where the engine is mounted; without an answer, it is the first part of the path."""
        try:
            answer = self._store.send("GET", _url((*_MOUNTS, *self._path)), hide=hide)
        except (errors.ForbiddenError, errors.NotFoundError, errors.RejectedError):
            return self._path[:1]
        match answer:
            case {"data": {"path": str(path), "type": str(kind)} as about}:
                mount = tuple(path.strip("/").split("/"))
            case _:
                return self._path[:1]
        options = about.get("options")
        version = options.get("version") if isinstance(options, dict) else None
        if kind not in {"kv", "generic"} or version != "2" or self._path[: len(mount)] != mount:
            told = quoted(f"{path} in Vault is {kind} version {version or 1}", *hide)
            raise errors.SinkError(f"{told}: only a kv engine of version 2 can refuse to overwrite")
        return mount


def _url(parts: tuple[str, ...]) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _json(value: Mapping[str, Any]) -> Secret:
    return Secret(json.dumps(value))


def _capabilities(answer: Any, path: str) -> set[str] | None:
    """Give what the token may do, or None if the answer does not say."""
    data = answer.get("data", answer) if isinstance(answer, dict) else None
    found = data.get(path, data.get("capabilities")) if isinstance(data, dict) else None
    return {str(name) for name in found} if isinstance(found, list) else None


def _is_version(answer: Any) -> bool:
    match answer:
        case {"data": {"version": int(version)}}:
            return version >= 1
        case _:
            return False


def _holds(answer: Any, secret: Secret) -> bool:
    match answer:
        case {"data": {"data": {"secret": str(told)}}}:
            return told == secret.reveal()
        case _:
            return False
