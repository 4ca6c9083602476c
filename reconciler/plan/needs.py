"""The options that an apply needs, shown with the plan. Pure."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted
from reconciler.model.plan import Action
from reconciler.plan.limits import Limits, excesses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.model.plan import Change, Plan
    from reconciler.plan.limits import Excess

STORE_OPTION: Final = "--secret-sink"


@dataclass(frozen=True, slots=True)
class Need:
    """An option that apply needs for these keys, and the reason.

    ``value`` is its argument, if it has one. A limit may be in the configuration file instead.
    """

    option: str
    reason: str
    keys: tuple[str, ...]
    value: str = ""
    is_limit: bool = True

    @property
    def words(self) -> str:
        """Return the option with its argument."""
        return f"{self.option} {self.value}".rstrip()

    @property
    def line(self) -> str:
        """Return the need in one line for people."""
        elsewhere = " or limits in the configuration" if self.is_limit and self.value else ""
        return f"{self.reason}; apply needs {self.option}{elsewhere}"


def needs(plan: Plan) -> tuple[Need, ...]:
    """Return the options that an apply of ``plan`` needs, with the default limits."""
    limits = (_of_limit(plan, excess) for excess in excesses(plan, Limits()))
    return (*_of_secrets(plan.changes), *limits)


class Asked(Enum):
    """The command that shows a plan: a plan alone, or an apply, with a sink or without."""

    PLAN = "plan"
    APPLY = "apply"
    APPLY_WITH_SINK = "apply with a sink"


def shown_needs(plan: Plan, asked: Asked = Asked.PLAN) -> Iterator[Need]:
    """Yield the needs that are not refusals of the plan, since those name their limits.

    An apply has limits of its own: excesses are refusals, and the other options are given.
    """
    for need in needs(plan):
        is_said = bool(plan.refusals) or asked is not Asked.PLAN
        if not (is_said if need.is_limit else asked is Asked.APPLY_WITH_SINK):
            yield need


def with_new_secret(changes: Iterable[Change]) -> Sequence[Change]:
    """Return the changes that create a key whose secret has to be stored."""
    return [change for change in changes if change.action.adds and change.has_secret]


def with_rotated_secret(changes: Iterable[Change]) -> Sequence[Change]:
    """Return the changes that reduce access once the secret of another key is stored."""
    return [change for change in changes if change.waits_for is not None and change.has_secret]


def _of_secrets(changes: Sequence[Change]) -> Iterator[Need]:
    new, ending = with_new_secret(changes), with_rotated_secret(changes)
    if not new and ending:
        reason = f"Secrets: {counted(len(ending), 'key')} will end once that of a successor is stored"
        yield Need(STORE_OPTION, reason, tuple(change.address for change in ending), "SINK", is_limit=False)
    if not new:
        return
    verb = "created or replaced" if any(change.action is Action.REPLACE for change in new) else "created"
    reason = f"Secrets: {counted(len(new), 'key')} will be {verb}"
    yield Need(STORE_OPTION, reason, tuple(change.address for change in new), "SINK", is_limit=False)


def _of_limit(plan: Plan, excess: Excess) -> Need:
    value = str(plan.revokes) if excess.option == "--max-revoked" else ""
    return Need(excess.option, f"Limits: it would {excess.would}", excess.keys, value)
