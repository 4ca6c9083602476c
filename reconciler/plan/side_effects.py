"""Changes by the service to fields that an update of a full object sent unchanged. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.compare import readable
from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.kinds.kind import Kind

    Found = Iterator[tuple[str, bool]]
    """Paths of members, and whether each is lost or only has another value."""

_MOST: Final = 10


@dataclass(frozen=True, slots=True)
class SideEffects:
    """The members of a key that an update lost although it sent them, and those with other values now.

    Their values are not shown: no file declares them, and one may be a secret.
    """

    lost: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()

    @property
    def loss(self) -> str:
        """Return the lost members as a text, empty if there are none."""
        return f"the key no longer has {listed(self.lost, _MOST)}, although it was sent" * bool(self.lost)

    @property
    def notice(self) -> str:
        """Return the members with other values as a text, empty if there are none."""
        what = "the service has changed"
        return f"{what} {listed(self.altered, _MOST)}, sent as it was shown" * bool(self.altered)


def side_effects_of(kind: Kind, sent: Mapping[str, Any], live: Mapping[str, Any]) -> SideEffects:
    """Return what ``live`` has lost of the fields ``sent``, and what has other values.

    Lost is a value that is missing or empty, a member, or an item; and a boolean with the other value.
    Numbers and texts may differ: services set versions and times themselves.
    """
    (before, _), (after, _) = (
        readable(kind, sent, sent),
        readable(kind, sent, kind.with_response_defaults(live)),
    )
    pairs = ((name, before.get(name, value), after.get(name, live.get(name))) for name, value in sent.items())
    found = sorted({one for pair in pairs for one in _differences(*pair)})
    return SideEffects(
        tuple(path for path, is_lost in found if is_lost),
        tuple(path for path, is_lost in found if not is_lost),
    )


def _differences(path: str, sent: Any, found: Any) -> Found:
    """Yield the differences between a sent and a live value."""
    if json_text(sent) == json_text(found):
        return
    match sent, found:
        case dict(), dict():
            for name, value in sent.items():
                yield from _differences(f"{path}.{name}", value, found.get(name))
        case list(), list():
            yield from _items(path, sent, found)
        case (bool(), bool()):
            yield path, True
        case _ if sent or found:
            yield path, bool(sent) and not found


def _items(path: str, sent: list[Any], found: list[Any]) -> Found:
    """Yield the differences between two lists: equal items are pairs, the others are paired in order."""
    missing, more = _without(sent, found), _without(found, sent)
    if len(found) < len(sent):
        yield path, True
    elif not missing:
        yield path, False  # other items came, or the order is another
    else:
        for old, new in zip(missing, more, strict=False):
            yield from _differences(f"{path}[]", old, new) if isinstance(old, dict | list) else [(path, True)]


def _without(items: list[Any], others: list[Any]) -> list[Any]:
    """Return the ``items`` without those in ``others``, counting duplicates."""
    left, rest = Counter(map(json_text, others)), []
    for item in items:
        text = json_text(item)
        if left[text]:
            left[text] -= 1
        else:
            rest.append(item)
    return rest
