"""What the answers of Vault say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.errors import SinkError

if TYPE_CHECKING:
    from reconciler.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Engine:
    """What is mounted where."""

    path: str
    kind: str
    version: object

    @property
    def has_versions(self) -> bool:
        """Whether it keeps versions, and so can refuse to overwrite."""
        return self.kind in {"kv", "generic"} and self.version == "2"


def engine_of(answer: Any) -> Engine | None:
    """Return what is mounted, None if the answer does not say."""
    match answer:
        case {"data": {"path": str(path), "type": str(kind), "options": {"version": version}}}:
            return Engine(path, kind, version)
        case {"data": {"path": str(path), "type": str(kind)}}:
            return Engine(path, kind, None)
        case _:
            return None


def capabilities_of(answer: Any, path: str) -> frozenset[str] | None:
    """Return what the token may do, or None if the answer does not say."""
    data = answer.get("data", answer) if isinstance(answer, dict) else None
    found = data.get(path, data.get("capabilities")) if isinstance(data, dict) else None
    return frozenset(str(name) for name in found) if isinstance(found, list) else None


def version_of(answer: Any) -> int | None:
    """Return the version that a write made, None if the answer does not say."""
    match answer:
        case {"data": {"version": int(version)}}:
            return version
        case _:
            return None


def current_version(answer: Any) -> int:
    """Return the version that metadata or data tell of, 0 where there are none. Raises SinkError."""
    match answer:
        case {"data": {"current_version": int(version)} | {"metadata": {"version": int(version)}}} if (
            type(version) is int and version >= 0
        ):
            return version
        case {"errors": []}:
            return 0
        case _:
            raise SinkError("the server of VAULT_ADDR does not respond like Vault")


def holds(answer: Any, secret: Secret) -> bool:
    """Return whether what was read is the secret."""
    match answer:
        case {"data": {"data": {"secret": str(told)}}}:
            return told == secret.reveal()
        case _:
            return False
