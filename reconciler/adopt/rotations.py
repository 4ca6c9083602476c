"""Start, finish or undo rotations: read what they need, and edit the files together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.adopt.renew import near_keys
from reconciler.adopt.rotation_edits import Mode, RotationEdits
from reconciler.model.frozen import dataclass
from reconciler.observe.key import whole_address
from reconciler.plan.portions import Portions
from reconciler.plan.rotation import Successions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from reconciler.adopt.editing import Declarations, Edits
    from reconciler.adopt.located import Located
    from reconciler.adopt.rotation_edits import Report, Request
    from reconciler.api.client import Sessions
    from reconciler.model.scope import Scope


@dataclass(frozen=True, slots=True)
class Rotated:
    """The files with the edits of rotations, and the report about them."""

    edits: Edits
    report: Report


def rotated(declared: Declarations, client: Sessions, request: Request) -> Rotated:
    """Edit the files as requested.

    In a scheduled run, a key that cannot be rotated, or edited in place, is skipped, and no more is proposed
    than one apply may revoke and change. Raises ReconcilerError.
    """
    declared = declared.resolved(client)
    every = [whole_address(declared.kinds, text, declared.state) for text in request.addresses]
    request = replace(request, addresses=every)
    first = declared.located()
    live = declared.live(client, _scopes(request, declared, {one.address: one for one in first}))
    plans = declared.plans(live) if request.is_scheduled else []

    def edit(each: Iterable[Located], refused: Collection[str]) -> Report:
        portions = Portions(request.limits, plans) if request.is_scheduled else None
        located = {one.address: one for one in each}
        edits = RotationEdits(request, declared, located, live, refused, portions)
        edits.edit()
        return edits.report

    edited = declared.edited_if_possible if request.is_scheduled else declared.edited
    return Rotated(*edited(first, edit))


def _scopes(request: Request, declared: Declarations, located: Mapping[str, Located]) -> Iterator[Scope]:
    """Yield the scopes whose live keys are needed."""
    scopes = declared.state.scopes
    yield from (located[address].scope for address in request.addresses if address in located)
    if request.is_scheduled and request.limits.count_together:
        yield from (part.scope for part in scopes)
    if request.mode is Mode.FINISH and not request.addresses:
        yield from (part.scope for part in scopes if Successions.of(part.keys).last)
    if request.mode is Mode.DUE:
        yield from (one.scope for one in near_keys(located.values(), request.renewal, declared))
