"""Changes that a lifecycle forbids, and replacements that are not allowed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.canonical import json_text
from reconciler.model.plan import Action, Change
from reconciler.model.source import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey


def forbidden(kind: Kind, key: DesiredKey, change: Change) -> Iterator[Problem]:
    """Return a problem for each rule of the key's lifecycle that the change breaks."""
    rules = key.lifecycle
    what = rule = ""
    if rules.prevent_destroy and change.action.destroys:
        what, rule = "would be destroyed", "prevent_destroy"
    elif rules.prevent_revoke and change.effect.revokes:
        what, rule = "would lose access", "prevent_revoke"
    if rule:
        message = f"{what}, and its lifecycle has {rule}; remove the rule first if that is intended"
        yield Problem(message, change.position, change.address)
    if change.action is not Action.REPLACE:
        return
    lost = [name for name in sorted(kind.create_later) if change.after.get(name) is not None]
    if lost:
        message = (
            f"would have to be replaced, and a creation does not take {', '.join(lost)}: the new key would "
            "be without until another apply; write the live values into the file, or declare it "
            "`state: absent` and then again"
        )
        yield Problem(message, change.position, change.address)
    if not rules.replace or kind.create_requires is None:
        for field in change.fields:
            if field.field in kind.immutable:
                have, want = json_text(field.before), json_text(field.after)
                message = f"{field.field} is {have} and cannot be changed in place to {want}{_remedy(kind)}"
                yield Problem(message, change.position, change.address)


def _remedy(kind: Kind) -> str:
    """Return the effect of a replacement, or why there can be none, and what to do instead."""
    if kind.create_requires is None:
        return ", and no key of this kind can be created; write the live value into the file"
    effect = "deletes it and creates it again"
    if kind.secret is not None:
        effect = "changes its secret"
    elif kind.has_ids:
        effect = f"changes its {kind.path_field}"
    remedy = "write the live value into the file, or allow it with `lifecycle: {replace: true}`"
    return f": the key would have to be replaced, which {effect}; {remedy}"
