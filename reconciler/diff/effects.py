"""What a field change does to access: reviewers fear breakage and exposure, not counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.kind import EffectRule
from reconciler.model.plan import Effect

if TYPE_CHECKING:
    from collections.abc import Sequence


_UNCHANGED: Final = "access unchanged"


def effect_of(
    rule: EffectRule,
    before: Any,
    after: Any,
    added: Sequence[Any],
    removed: Sequence[Any],
) -> tuple[Effect, str]:
    """Return the effect of a change from ``before`` to ``after``, with the reason in a few words.

    ``added`` and ``removed`` are the items of a set that come and go.
    """
    match rule:
        case EffectRule.SWITCH_OFF:
            return (Effect.REVOKES, "disables the key") if after else (Effect.GRANTS, "enables the key")
        case EffectRule.EXPIRY:
            return _expiry(before, after)
        case EffectRule.BINDING:
            reasons = [
                f"{verb} {len(items)}" for verb, items in (("binds", added), ("unbinds", removed)) if items
            ]
            return Effect.of(grants=bool(added), revokes=bool(removed)), ", ".join(reasons) or _UNCHANGED
        case EffectRule.NONE:
            return Effect.NEUTRAL, _UNCHANGED


def _expiry(before: str | None, after: str | None) -> tuple[Effect, str]:
    if after is None:
        return Effect.GRANTS, "never expires"
    if before is None:
        return Effect.REVOKES, "expires, where it never did"
    # Normal forms are UTC texts of one length, so their order is the order in time.
    return (Effect.GRANTS, "expires later") if after > before else (Effect.REVOKES, "expires earlier")
