"""What one example is tested with: how its API behaves, what is live, and what is to be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.gallery.server import JSON, TOKEN, Api, Row, Sent, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TEXT: Shape = {"type": "string"}
FLAG: Shape = {"type": "boolean"}
WHOLE_NUMBER: Shape = {"type": "integer"}
TEXTS: Shape = {"type": "array", "items": TEXT}
TEXT_OR_NONE: Shape = {"type": ["string", "null"]}


@dataclass(frozen=True, slots=True)
class Case:
    """One file of examples/apis, and a server for it.

    ``live`` are the objects before the first apply; ``filler`` makes so many others that a listing has
    several pages. ``sent`` are the writes of the first apply. Then ``drift`` is written into the object whose
    identity has the value ``drifted``, and ``corrected`` is what takes that back. ``auth`` are
    the headers that authenticate, ``covers`` the styles.
    """

    file: str
    api: Api
    live: Sequence[Row]
    filler: Callable[[int], Row]
    sent: Sequence[Sent]
    drifted: Any
    drift: Mapping[str, Any]
    corrected: Sequence[Sent]
    identity: str = "name"
    fillers: int = 101
    auth: Mapping[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {TOKEN}"})
    covers: Sequence[str] = ()
    secrets: Sequence[str] = ()
    """Beginnings of the secrets of new keys."""
    listed_secrets: Sequence[str] = ()
    """Secrets that the listing shows."""
    exported: str = "- name: "


def write(method: str, path: str, body: Any, content_type: str = JSON) -> Sent:
    """Return a write with a body."""
    return Sent(method, path, content_type, body)
