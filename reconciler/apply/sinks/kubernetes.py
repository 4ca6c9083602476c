"""Secrets as Secrets of the Kubernetes cluster that the reconciler runs in."""

from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler import errors
from reconciler.api.secret_server import Patience, SecretServer, ServerAuth, sink_errors
from reconciler.apply.sinks.names import object_name
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.api.exchange import HttpSettings
    from reconciler.apply.sinks.sink import Held, Place
    from reconciler.model.endpoint import BaseUrl

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_MANAGER: Final = "reconciler"
_SHORTEST: Final = 8
_NO_DRY_RUN: Final = "does not support dry run"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The API server, and the folder that holds ``token`` and ``ca.crt`` of the service account."""

    base_url: BaseUrl
    service_account: Path = SERVICE_ACCOUNT

    def token(self) -> Secret:
        """Read the token, which the cluster replaces from time to time. Raises ConfigurationError."""
        file = self.service_account / "token"
        try:
            text = file.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            reason = errors.os_reason(error, "it is not text")
            message = f"the service account's token {file} cannot be read: {reason}"
            raise errors.ConfigurationError(message) from None
        if not text or not text.isprintable() or " " in text:
            raise errors.ConfigurationError(f"the service account's token {file} is not a token")
        return Secret(text)


class KubernetesSink:
    """Keeps one Secret for each key, with the secret as its data ``secret``."""

    def __init__(self, namespace: str, cluster: Cluster, settings: HttpSettings) -> None:
        """Store the namespace; nothing is opened or read before it is needed."""
        self._namespace = namespace
        self._path = f"/api/v1/namespaces/{namespace}/secrets"
        auth = ServerAuth(
            base_url=cluster.base_url,
            header="Authorization",
            prefix="Bearer ",
            token=cluster.token,
            headers={},
            ca_file=cluster.service_account / "ca.crt",
            trust_setting="ca.crt of the service account",
            use_proxies=False,
        )
        self._server = SecretServer(auth, settings)
        self._hints: Mapping[type[errors.ApiError], str] = {
            errors.UnauthorizedError: "the service account's token is not accepted",
            errors.ForbiddenError: (
                f"the service account needs a role that may create, get and update secrets in {namespace}"
            ),
            errors.NotFoundError: f"is there a namespace {namespace}?",
        }

    def __repr__(self) -> str:
        """Name the namespace."""
        return f"KubernetesSink({self._namespace!r})"

    def where(self, place: Place) -> str:
        """Return ``kubernetes:``, the namespace and the name of the key's Secret."""
        return f"kubernetes:{self._namespace}/{object_name(place.address)}"

    def probe(self, places: Sequence[Place]) -> dict[Place, Held]:
        """Make or update each Secret in a dry run, which goes through every check and stores nothing.

        Returns the resource version of each that there is. Raises SinkError.
        """
        found: dict[Place, Held] = {}
        for place in places:
            with self._errors(place):
                found[place] = self._probed(place)
        return found

    def store(self, place: Place, secret: Secret, held: Held = None) -> str:
        """Make a Secret, or update the one that the probe found.

        Raises SinkError, also if there is one that it did not find, or another version of it.
        """
        with self._errors(place):
            try:
                if held:
                    self._update(place, secret, held)
                else:
                    self._create(place, secret, held)
            except errors.ConflictError as error:
                what = f"{self._what(place)} is not as the probe found it, and is left as it is"
                raise errors.SinkError(f"{what}: {error}") from None
        return self.where(place)

    def hurry(self) -> None:
        """Try no request again from now on."""
        self._server.hurry()

    def _what(self, place: Place) -> str:
        return f"Secret {self._namespace}/{object_name(place.address)} of {place.address}"

    def _url(self, place: Place) -> str:
        return f"{self._path}/{object_name(place.address)}"

    def _errors(self, place: Place) -> contextlib.AbstractContextManager[None]:
        return sink_errors(f"{self._what(place)} cannot be stored", self._hints)

    def _probed(self, place: Place) -> Held:
        trial = Secret("probe")
        try:
            answer = self._server.send("POST", f"{self._path}?dryRun=All", _new(place, trial))
        except errors.ConflictError:
            pass
        except errors.RejectedError as error:
            if _NO_DRY_RUN not in error.failure.detail:
                raise
            return self._glimpsed(place)
        else:
            if not _is_secret(answer):
                raise errors.SinkError(
                    "the server of KUBERNETES_SERVICE_HOST does not respond like Kubernetes"
                )
            return ""
        live = self._read(place)
        if live is None:
            raise errors.SinkError(f"{self._what(place)} comes and goes while it is probed; try again")
        held = self._owned(place, live)
        self._trial_update(place, live, trial)
        return held

    def _trial_update(self, place: Place, live: Mapping[str, Any], trial: Secret) -> None:
        try:
            self._server.send(
                "PUT", f"{self._url(place)}?dryRun=All", _next(live, trial), redact=_values(live)
            )
        except errors.RejectedError as error:
            if _NO_DRY_RUN not in error.failure.detail:
                raise

    def _glimpsed(self, place: Place) -> Held:
        """Return what there is, where an admission webhook keeps a dry run from finding out more."""
        try:
            live = self._read(place)
        except errors.ForbiddenError:
            return None
        return "" if live is None else self._owned(place, live)

    def _create(self, place: Place, secret: Secret, held: Held) -> None:
        try:
            self._server.write(
                "POST",
                self._path,
                _new(place, secret),
                secret=secret,
                is_confirmed=lambda answer: _holds(answer, place, secret),
                is_stored=lambda: _holds(self._read(place, (secret,)), place, secret),
            )
        except errors.ConflictError:
            if held is not None:
                raise
            self._update(place, secret, held)

    def _update(self, place: Place, secret: Secret, held: Held) -> None:
        live = self._read(place, (secret,), Patience.STORING)
        if live is None:  # somebody has removed it since
            return self._create(place, secret, "")
        version = self._owned(place, live)
        if held is not None and version != held:
            what = f"{self._what(place)} was changed after the probe, and is left as it is"
            raise errors.SinkError(what)
        return self._server.write(
            "PUT",
            self._url(place),
            _next(live, secret),
            secret=secret,
            is_confirmed=lambda answer: _holds(answer, place, secret),
            is_stored=lambda: _holds(self._read(place, (secret,)), place, secret),
            redact=_values(live),
        )

    def _read(
        self, place: Place, redact: tuple[Secret, ...] = (), patience: Patience = Patience.PROBING
    ) -> Any:
        """Return the Secret that there is, None if there is none."""
        try:
            return self._server.send("GET", self._url(place), redact=redact, patience=patience)
        except errors.NotFoundError:
            return None

    def _owned(self, place: Place, live: Any) -> str:
        """Return the resource version of a Secret of this very key. Raises SinkError if it is another's."""
        match live:
            case {
                "kind": "Secret",
                "type": "Opaque",
                "metadata": {
                    "resourceVersion": str(version),
                    "labels": {"app.kubernetes.io/managed-by": str(manager)},
                    "annotations": {"reconciler/address": str(address)},
                } as metadata,
            } if manager == _MANAGER and address == place.address:
                held: str = version
            case _:
                what = "was not made by this tool for this key, and is left as it is"
                raise errors.SinkError(f"{self._what(place)} {what}: move it away, or store elsewhere")
        if live.get("immutable") is True:
            raise errors.SinkError(f"{self._what(place)} is immutable: remove it, or store elsewhere")
        if metadata.get("deletionTimestamp") is not None:
            raise errors.SinkError(f"{self._what(place)} is being deleted: wait until it is gone")
        return held


def _new(place: Place, secret: Secret) -> Secret:
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": object_name(place.address),
            "annotations": {f"{_MANAGER}/address": place.address},
            "labels": {"app.kubernetes.io/managed-by": _MANAGER},
        },
        "type": "Opaque",
        "data": {"secret": _base64(secret)},
    }
    return Secret(json.dumps(body))


def _next(live: Mapping[str, Any], secret: Secret) -> Secret:
    """Return a live Secret with another secret; its resource version keeps it from replacing a later one."""
    data = live.get("data")
    others = data if isinstance(data, dict) else {}
    return Secret(json.dumps({**live, "data": {**others, "secret": _base64(secret)}}))


def _values(live: Mapping[str, Any]) -> tuple[Secret, ...]:
    """Return what a live Secret holds: a server that refuses its update may repeat it.

    What is too short for a secret is left out: it would be redacted wherever it stands.
    """
    data = live.get("data")
    found: list[str] = []
    for value in data.values() if isinstance(data, dict) else ():
        with contextlib.suppress(TypeError, ValueError):
            found.append(base64.b64decode(value).decode("utf-8", "replace"))
    return tuple(Secret(value) for value in found if len(value) >= _SHORTEST)


def _base64(secret: Secret) -> str:
    return base64.b64encode(secret.reveal().encode("utf-8", "surrogatepass")).decode("ascii")


def _is_secret(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("kind") == "Secret"


def _holds(answer: Any, place: Place, secret: Secret) -> bool:
    match answer:
        case {"kind": "Secret", "metadata": {"name": str(told)}, "data": {"secret": str(data)}}:
            return told == object_name(place.address) and data == _base64(secret)
        case _:
            return False
