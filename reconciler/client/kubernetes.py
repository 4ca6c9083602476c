"""Secrets as Secrets of the Kubernetes cluster that the reconciler runs in."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler import errors
from reconciler.client.stores import Entrance, Store, sink_errors
from reconciler.secret import Secret
from reconciler.sinks.names import object_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.client.stores import Conditions
    from reconciler.sinks.place import Place

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_MANAGER: Final = "reconciler"
_NO_DRY_RUN: Final = "does not support dry run"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The API server, and the folder that holds ``token`` and ``ca.crt`` of the service account."""

    base_url: str
    service_account: Path = SERVICE_ACCOUNT

    def token(self) -> Secret:
        """Read the token, which the cluster replaces from time to time. Raises ConfigurationError."""
        file = self.service_account / "token"
        try:
            text = file.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            message = f"the service account's token {file} cannot be read: {reason}"
            raise errors.ConfigurationError(message) from None
        if not text or not text.isprintable() or " " in text:
            raise errors.ConfigurationError(f"the service account's token {file} is not a token")
        return Secret(text)


class KubernetesSink:
    """Makes one Secret for each key, with the secret as its only data, ``secret``."""

    def __init__(self, namespace: str, cluster: Cluster, conditions: Conditions) -> None:
        """Take the namespace; nothing is opened or read before it is needed."""
        self._namespace = namespace
        self._path = f"/api/v1/namespaces/{namespace}/secrets"
        entrance = Entrance(
            base_url=cluster.base_url,
            header="Authorization",
            prefix="Bearer ",
            token=cluster.token,
            headers={},
            authorities=cluster.service_account / "ca.crt",
            use_proxies=False,
        )
        self._store = Store(entrance, conditions)
        self._hints: Mapping[type[errors.ApiError], str] = {
            errors.UnauthorizedError: "the service account's token is not accepted",
            errors.ForbiddenError: f"the service account needs a role that may create secrets in {namespace}",
            errors.NotFoundError: f"is there a namespace {namespace}?",
        }

    def __repr__(self) -> str:
        """Name the namespace."""
        return f"KubernetesSink({self._namespace!r})"

    def probe(self) -> None:
        """Make a Secret in a dry run, which goes through every check and stores nothing. Raises SinkError."""
        body = _body({"generateName": f"{_MANAGER}-probe-"}, Secret("probe"))
        with sink_errors(f"no Secret can be made in namespace {self._namespace}", self._hints):
            try:
                answer = self._store.send("POST", f"{self._path}?dryRun=All", body)
            except errors.RejectedError as error:
                if _NO_DRY_RUN in error.failure.detail:
                    return  # an admission webhook leaves it open
                raise
            if not isinstance(answer, dict) or answer.get("kind") != "Secret":
                raise errors.SinkError(
                    "the server of KUBERNETES_SERVICE_HOST does not answer like Kubernetes"
                )

    def store(self, place: Place, secret: Secret) -> str:
        """Make a Secret. Raises SinkError, also if there is one of that name."""
        name = object_name(place.address)
        what = f"Secret {self._namespace}/{name} of {place.address}"
        body = _body({"name": name, "annotations": {f"{_MANAGER}/address": place.address}}, secret)
        with sink_errors(f"{what} could not be made", self._hints):
            try:
                self._store.create(
                    self._path,
                    body,
                    secret,
                    lambda answer: _holds(answer, name, secret),
                    lambda: _holds(self._store.send("GET", f"{self._path}/{name}"), name, secret),
                )
            except errors.ConflictError as error:
                raise errors.SinkError(f"{what} exists, and is left as it is: {error}") from None
        return f"kubernetes:{self._namespace}/{name}"


def _body(metadata: Mapping[str, Any], secret: Secret) -> Secret:
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {**metadata, "labels": {"app.kubernetes.io/managed-by": _MANAGER}},
        "type": "Opaque",
        "data": {"secret": _base64(secret)},
    }
    return Secret(json.dumps(body))


def _base64(secret: Secret) -> str:
    return base64.b64encode(secret.reveal().encode("utf-8", "surrogatepass")).decode("ascii")


def _holds(answer: Any, name: str, secret: Secret) -> bool:
    match answer:
        case {"kind": "Secret", "metadata": {"name": str(told)}, "data": {"secret": str(data)}}:
            return told == name and data == _base64(secret)
        case _:
            return False
