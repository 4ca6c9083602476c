"""The result of a comparison, in a cycle or before an apply, for a history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.desired import DesiredState
    from reconciler.model.plan import Plan


@dataclass(frozen=True, slots=True)
class Compared:
    """A plan with its desired state; ``has`` returns whether the key at an address was compared.

    ``is_whole`` is false if the plan has only some keys of its scopes.
    """

    state: DesiredState
    plan: Plan
    has: Callable[[str], bool]
    is_whole: bool
