"""What was compared in a cycle or before an apply, as far as a history is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.desired import DesiredState
    from reconciler.model.plan import Plan


@dataclass(frozen=True, slots=True)
class Compared:
    """A plan of what is desired; ``has`` returns whether the key at an address was compared.

    ``is_whole`` is not so where the plan holds only some keys of its scopes.
    """

    state: DesiredState
    plan: Plan
    has: Callable[[str], bool]
    is_whole: bool
