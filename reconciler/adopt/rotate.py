"""Rotations as edits of files, after their start: finished step by step, or undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.adopt.edits import GONE
from reconciler.errors import ConfigurationError
from reconciler.kinds.rotation import ends_of
from reconciler.model.canonical import format_instant, instant_in
from reconciler.model.frozen import dataclass
from reconciler.model.policy import after
from reconciler.model.succession import Stage
from reconciler.plan.changes import created_instant
from reconciler.plan.rotation import Rotation, next_step, says_until

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from reconciler.adopt.located import Located
    from reconciler.model.policy import RotatePolicy


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one rotation: the words for people; ``is_edit`` says that a file is changed.

    ``revokes`` says that the rotated key loses access by it, or would if it did not wait.
    """

    rotation: Rotation
    text: str
    is_edit: bool = False
    revokes: bool = False


def finish(  # noqa: PLR0913 - what the next step depends on
    rotation: Rotation,
    old: Located,
    new: Located,
    policy: RotatePolicy,
    now: dt.datetime,
    *,
    end: Callable[[Rotation, Located], Step],
) -> Step:
    """Make the edits of the next step of a rotation, if one is due; the last one is made by ``end``."""
    name = rotation.old.name
    match rotation.stage(now):
        case Stage.OVER:
            if _is_late(rotation) and (step := _waiting(rotation, old, new, policy, now)).is_edit:
                return step
            return end(rotation, old)
        case Stage.GONE:
            old.file.edits.drop(old.place)
            rest = {n: v for n, v in new.written["lifecycle"].items() if n not in {"rotates", "until"}}
            earlier = old.key.lifecycle
            if earlier.rotates is not None:  # the key before that one is not gone yet
                rest["rotates"] = earlier.rotates
                rest |= {} if earlier.until is None else {"until": earlier.until}
            new.set("lifecycle", rest or GONE)
            return Step(rotation, f"{name} was deleted: its entry is removed", is_edit=True)
        case Stage.PROPOSED:
            return _waiting(rotation, old, new, policy, now)
        case Stage.OVERLAP | Stage.ENDING:
            return Step(rotation, next_step(rotation, now))


def deleted(rotation: Rotation, old: Located) -> Step:
    """Declare the rotated key absent."""
    old.set("state", "absent")
    text = f"the overlap has ended: {rotation.old.name} is declared absent now"
    return Step(rotation, text, is_edit=True, revokes=True)


def left(rotation: Rotation, _old: Located) -> Step:
    """Return the rotated key unchanged."""
    text = f"the overlap has ended: {rotation.old.name} is left for the next run, because of the limits"
    return Step(rotation, text, revokes=True)


def _is_late(rotation: Rotation) -> bool:
    """Return whether the overlap had passed before the successor was created, so that there was none."""
    created = created_instant(rotation.kind, rotation.new_live or {})
    return created is not None and rotation.end is not None and created >= rotation.end


def _waiting(rotation: Rotation, old: Located, new: Located, policy: RotatePolicy, now: dt.datetime) -> Step:
    """Move the end of an overlap that is near, or past, although it has not begun or never was one.

    A key that has expired stays so: a later end would make it valid again, one in the past cannot be applied.
    """
    end, ends = rotation.end, ends_of(rotation.kind)
    is_cut = old.key.is_absent or ends.is_off(old.key.fields)
    live = rotation.old_live or {}
    expired = ends.expires_at(live) if ends.can_change else None
    if not is_cut and expired is not None and expired <= now:
        if end == expired:
            return Step(rotation, next_step(rotation, now))
        set_overlap_end(old, new, expired)
        return Step(rotation, f"{rotation.old.name} has expired; its expiry is not changed", is_edit=True)
    later = policy.overlap_end(now, created_instant(rotation.kind, live), ends.expires_at(live))
    if is_cut or end is None or end > after(now, policy.overlap / 2) or later <= end:
        return Step(rotation, next_step(rotation, now))
    set_overlap_end(old, new, later)
    why = "is not live yet, so the end of the overlap is postponed"
    if rotation.new_live is not None:
        why = "was created after the overlap, so its end is postponed"
    text = f"{rotation.new.name} {why}"
    return Step(rotation, text, is_edit=True)


def set_overlap_end(old: Located, new: Located, end: dt.datetime) -> None:
    """Write the end of the overlap of a key and its successor in each place of the files that has it."""
    ends, text = ends_of(old.kind), format_instant(end)
    if says_until(old.kind, new.key):
        new.set("lifecycle", {**new.written["lifecycle"], "until": text})
    if ends.expiry is not None and ends.can_change:
        old.set(ends.expiry, text)


def abort(rotation: Rotation, old: Located, new: Located, live: Mapping[str, Any]) -> None:
    """Make the edits that undo a rotation of which nothing was applied.

    The key gets the live values of what ends its access. Raises ConfigurationError once the successor is
    live.
    """
    if rotation.new_live is not None:
        raise ConfigurationError(
            f"{rotation.new.position}: {rotation.successor} is live already, so the rotation cannot be "
            "undone; continue the rotation, or replace the successor with reconciler rotate "
            f"{rotation.new.name} --now"
        )
    new.file.edits.drop(new.place)
    ends = ends_of(rotation.kind)
    for field in filter(None, (ends.expiry if ends.can_change else None, ends.switch)):
        _restore(old, field, live)
    if old.key.is_absent:
        old.set("state", GONE)


def _restore(old: Located, field: str, live: Mapping[str, Any]) -> None:
    """Restore the live value of a field that a key declares, or its default where that is the same."""
    if field not in old.written:
        return
    value = live.get(field)
    found = instant_in(value)
    value = value if found is None else format_instant(found)
    data = old.file.edits.documents[old.place[0]].data
    default = data.get("defaults", {}).get(field, GONE)
    is_usual = default == value or (not value and field == ends_of(old.kind).switch)
    if is_usual and not old.file.edits.has_comment(old.place, field):
        old.set(field, GONE)
    elif old.written[field] != value:
        old.set(field, value)
