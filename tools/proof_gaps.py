"""What an update takes and a proof says nothing of, each with its reason, by the description alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from described_server import Fake

NAME: Final = "it is the name of a key, or what its path takes: another one is another key"
UNSEEN: Final = "no response shows it, so that nothing can be compared"
ITEM: Final = "the list does not show it, only GET of one key"
SHAPE: Final = "responses show it in a shape that no value of it has"
OPEN: Final = "the draft leaves it out"


def gaps(fake: Fake, identity: str, seen: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what the update takes besides ``seen``, with the reason; ``identity`` is the name of a key.

    All are names at the API.
    """
    of = fake.of
    row, *others = of.views
    for name in of.taken:
        if name in seen:
            continue
        if name in {identity, of.key}:
            yield name, NAME
        elif of.shown_as(name, row) is None:
            yield name, ITEM if any(of.shown_as(name, view) for view in others) else UNSEEN
        else:
            is_set = any(thing.settings.get(name) is not None for thing in fake.things.every.values())
            yield name, OPEN if is_set else SHAPE
