"""Secrets as Secrets of the Kubernetes cluster that the reconciler runs in."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler import errors
from reconciler.api.address import checked_token
from reconciler.api.environment import Proxies
from reconciler.api.exchange import HttpSettings, Server
from reconciler.api.secret_server import BOUNDS, Patience, SecretServer, ServerAuth, member, sink_errors
from reconciler.apply.sinks.sink import object_name
from reconciler.model.frozen import dataclass
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.apply.sinks.sink import Held, Place
    from reconciler.model.endpoint import BaseUrl

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_MANAGER: Final = "reconciler"
_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_SHORTEST: Final = 8
_NO_DRY_RUN: Final = "does not support dry run"
_TRIAL: Final = Secret("probe")


@dataclass(frozen=True, slots=True)
class Cluster:
    """The API server, and the folder that holds ``token`` and ``ca.crt`` of the service account."""

    base_url: BaseUrl
    service_account: Path = SERVICE_ACCOUNT

    def token(self) -> Secret:
        """Return the token, which the cluster renews from time to time. Raises ConfigurationError."""
        file = self.service_account / "token"
        try:
            text = file.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            reason = errors.os_reason(error, "it is not text")
            message = f"the service account's token {file} cannot be read: {reason}"
            raise errors.ConfigurationError(message) from None
        return checked_token(text, f"the service account's token {file}")


class KubernetesSink:
    """Stores one Secret for each key, with the secret as its data ``secret``."""

    def __init__(self, namespace: str, cluster: Cluster, settings: HttpSettings) -> None:
        """Store the namespace; nothing is opened or read before it is needed."""
        self._namespace = namespace
        self._path = f"/api/v1/namespaces/{namespace}/secrets"
        ca_file, setting = cluster.service_account / "ca.crt", "ca.crt of the service account"
        server = Server(
            cluster.base_url, BOUNDS, "the cluster's address", ca_file, setting, proxies=Proxies.NONE
        )
        self._server = SecretServer(server, ServerAuth("Authorization", "Bearer ", cluster.token), settings)
        self._hints: Mapping[type[errors.ApiError], str] = {
            errors.UnauthorizedError: "the service account's token is not accepted",
            errors.ForbiddenError: (
                f"the service account needs a role that may create, get and update secrets in {namespace}"
            ),
            errors.NotFoundError: f"is there a namespace {namespace}?",
        }

    def __repr__(self) -> str:
        """Return the class and the namespace."""
        return f"KubernetesSink({self._namespace!r})"

    def where(self, place: Place) -> str:
        """Return ``kubernetes:``, the namespace and the name of the key's Secret."""
        return f"kubernetes:{self._namespace}/{object_name(place.address)}"

    def probe(self, places: Sequence[Place]) -> dict[Place, Held]:
        """Create or update each Secret in a dry run, which goes through every check and stores nothing.

        Returns the resource version of each that exists. Raises SinkError.
        """
        found: dict[Place, Held] = {}
        for place in places:
            with self._errors(place):
                found[place] = self._probed(place)
        return found

    def store(self, place: Place, secret: Secret, held: Held = None) -> str:
        """Create a Secret, or update the one that the probe found.

        Raises SinkError, also if another Secret, or another version of it, exists now.
        """
        self._server.redactor.add(secret)
        with self._errors(place):
            try:
                if held:
                    self._update(place, secret, held)
                else:
                    self._create(place, secret, held)
            except errors.ConflictError as error:
                what = (
                    f"{self._what(place)} has changed since it was checked, and is not overwritten; try again"
                )
                raise errors.SinkError(f"{what}: {error}") from None
        return self.where(place)

    def read(self, place: Place) -> Secret | None:
        """Return the secret in the key's Secret, None if there is none. Raises SinkError."""
        with sink_errors(f"{self._what(place)} cannot be read", self._hints):
            live = self._read(place, Patience.STORING)
            if live is None:
                return None
            found = _taken_out(live)
            self._owned(place, live)
        if found is not None:
            self._server.redactor.add(found)
        return found

    @property
    def has_versions(self) -> bool:
        """Return True: an alias stores the previous secret as ``previous``."""
        return True

    def hurry(self) -> None:
        """Do not retry requests from now on."""
        self._server.hurry()

    def _what(self, place: Place) -> str:
        return f"Secret {self._namespace}/{object_name(place.address)} of {place.address}"

    def _url(self, place: Place) -> str:
        return f"{self._path}/{object_name(place.address)}"

    def _errors(self, place: Place) -> contextlib.AbstractContextManager[None]:
        return sink_errors(f"{self._what(place)} cannot be stored", self._hints)

    def _probed(self, place: Place) -> Held:
        try:
            response = self._server.send("POST", f"{self._path}?dryRun=All", _new(place, _TRIAL))
        except errors.ConflictError:
            live = self._read(place)
        except errors.RejectedError as error:
            if _NO_DRY_RUN not in error.failure.detail:
                raise
            try:  # what an admission webhook that cannot make a dry run lets a probe find out
                live = self._read(place)
            except errors.ForbiddenError:
                return None
            return "" if live is None else self._owned(place, live)
        else:
            if member(response, "kind") != "Secret":
                what = "the server of KUBERNETES_SERVICE_HOST does not respond like Kubernetes"
                raise errors.SinkError(what)
            return ""
        if live is None:
            what = f"{self._what(place)} is created and deleted while it is probed; try again"
            raise errors.SinkError(what)
        held = self._owned(place, live)
        try:
            self._server.send("PUT", f"{self._url(place)}?dryRun=All", self._next(place, live, _TRIAL))
        except errors.RejectedError as error:
            if _NO_DRY_RUN not in error.failure.detail:
                raise
        return held

    def _create(self, place: Place, secret: Secret, held: Held) -> None:
        try:
            self._write("POST", self._path, _new(place, secret), place, secret)
        except errors.ConflictError:
            if held is not None:
                raise
            self._update(place, secret, held)

    def _update(self, place: Place, secret: Secret, held: Held) -> None:
        live = self._read(place, Patience.STORING)
        if live is None:  # it was removed since
            return self._create(place, secret, "")
        version = self._owned(place, live)
        if held is not None and version != held:
            what = (
                f"{self._what(place)} was changed by another program meanwhile, and is not overwritten;"
                " try again"
            )
            raise errors.SinkError(what)
        return self._write("PUT", self._url(place), self._next(place, live, secret), place, secret)

    def _write(self, method: str, path: str, body: Secret, place: Place, secret: Secret) -> None:
        def is_stored(response: Any) -> bool:
            is_it = member(response, "metadata", "name") == object_name(place.address)
            data = member(response, "data", "secret")
            return is_it and member(response, "kind") == "Secret" and bool(data == _base64(secret))

        self._server.write(method, path, body, is_stored, lambda: is_stored(self._read(place)))

    def _read(self, place: Place, patience: Patience = Patience.PROBING) -> Any:
        """Return the Secret that exists, None if there is none."""
        try:
            return self._server.send("GET", self._url(place), patience=patience)
        except errors.NotFoundError:
            return None

    def _owned(self, place: Place, live: Any) -> str:
        """Return the resource version of a Secret of this key. Raises SinkError if it belongs to another."""
        metadata = member(live, "metadata")
        version = member(metadata, "resourceVersion")
        is_owned = (
            (member(live, "kind"), member(live, "type")) == ("Secret", "Opaque")
            and member(metadata, "labels", _MANAGED_BY) == _MANAGER
            and member(metadata, "annotations", f"{_MANAGER}/address") == place.address
        )
        if not is_owned or not isinstance(version, str):
            problem = "was not made by this tool for this key, and is not changed: "
            problem += "move it away, or store elsewhere"
        elif live.get("immutable") is True:
            problem = "is immutable: remove it, or store elsewhere"
        elif metadata.get("deletionTimestamp") is not None:
            problem = "is being deleted: wait until it is gone"
        else:
            return version
        raise errors.SinkError(f"{self._what(place)} {problem}")

    def _next(self, place: Place, live: Mapping[str, Any], secret: Secret) -> Secret:
        """Return a live Secret with another secret; its resource version prevents replacing a later one.

        Its old content is redacted, as a server that refuses the update may repeat it. Values too short for a
        secret are not redacted, since they would match everywhere.
        """
        data = member(live, "data")
        others = data if isinstance(data, dict) else {}
        for value in others.values():
            with contextlib.suppress(TypeError, ValueError):
                text = base64.b64decode(value).decode("utf-8", "replace")
                if len(text) >= _SHORTEST:
                    self._server.redactor.add(Secret(text))
        if place.is_alias and "secret" in others:
            others = {**others, "previous": others["secret"]}
        return Secret(json.dumps({**live, "data": {**others, "secret": _base64(secret)}}))


def _taken_out(live: Any) -> Secret | None:
    """Remove the data from a live Secret, and return the secret in it, if there is one."""
    data = live.pop("data", None) if isinstance(live, dict) else None
    try:
        return Secret(base64.b64decode(member(data, "secret")).decode("utf-8", "surrogatepass"))
    except (TypeError, ValueError):
        return None


def _new(place: Place, secret: Secret) -> Secret:
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": object_name(place.address),
            "annotations": {f"{_MANAGER}/address": place.address},
            "labels": {_MANAGED_BY: _MANAGER},
        },
        "type": "Opaque",
        "data": {"secret": _base64(secret)},
    }
    return Secret(json.dumps(body))


def _base64(secret: Secret) -> str:
    return base64.b64encode(secret.reveal().encode("utf-8", "surrogatepass")).decode("ascii")
