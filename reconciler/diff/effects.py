"""What a change of a field does to access: reviewers fear breakage and exposure, not counts."""

from __future__ import annotations

from typing import Final

from reconciler.kinds.kind import EffectRule
from reconciler.model.plan import Effect, FieldChange

_UNCHANGED: Final = "access unchanged"


def effect_of(rule: EffectRule, change: FieldChange) -> tuple[Effect, str]:
    """Return the effect of a change, with the reason in a few words."""
    match rule:
        case EffectRule.SWITCH_OFF:
            return (
                (Effect.REVOKES, "disables the key") if change.after else (Effect.GRANTS, "enables the key")
            )
        case EffectRule.EXPIRY:
            return _expiry(change.before, change.after)
        case EffectRule.BINDING:
            counts = {"binds": len(change.added), "unbinds": len(change.removed)}
            reasons = [f"{verb} {count}" for verb, count in counts.items() if count]
            effect = Effect.of(grants=bool(counts["binds"]), revokes=bool(counts["unbinds"]))
            return effect, ", ".join(reasons) or _UNCHANGED
        case EffectRule.NONE:
            return Effect.NEUTRAL, _UNCHANGED


def _expiry(before: str | None, after: str | None) -> tuple[Effect, str]:
    if after is None:
        return Effect.GRANTS, "never expires"
    if before is None:
        return Effect.REVOKES, "expires, where it never did"
    # Normal forms are UTC texts of one length, so their order is the order in time.
    return (Effect.GRANTS, "expires later") if after > before else (Effect.REVOKES, "expires earlier")
