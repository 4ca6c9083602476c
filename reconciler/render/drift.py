"""Drift for people, in the words of Terraform's refresh-only plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model import Effect
from reconciler.render.text import Colour, access_line, change_lines, counted, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.drift import DriftedKey
    from reconciler.render.text import Paint


def render_drift(drifted: Sequence[DriftedKey], *, is_whole: bool, paint: Paint = plain) -> str:
    """Give what changed outside Git, ending with a newline.

    ``is_whole`` says that every declared key could be compared.
    """
    return "\n".join(_lines(drifted, is_whole, paint)) + "\n"


def _lines(drifted: Sequence[DriftedKey], is_whole: bool, paint: Paint) -> Iterator[str]:  # noqa: FBT001 - passed on
    if not drifted:
        if is_whole:
            yield paint("No changes. Your infrastructure still matches the configuration.", Colour.ADD)
        else:
            yield "No drift was found in the keys without errors."
        return
    yield "Note: Objects have changed outside Git"
    yield ""
    yield "reconciler detected the following changes made outside Git, from the declared to the live value:"
    yield ""
    for key in drifted:
        yield from change_lines(key.correction, key.fields, "has changed", paint)
        yield ""
    yield f"Drift: {counted(len(drifted), 'key')} changed outside Git."
    yield access_line(
        sum(key.effect.grants for key in drifted),
        sum(key.effect.revokes for key in drifted),
        sum(key.effect is Effect.NEUTRAL for key in drifted),
    )
