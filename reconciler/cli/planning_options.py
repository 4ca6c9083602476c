"""The options that make a plan: its keys, its limits, and its base."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Final

from reconciler.cli.completing import by
from reconciler.cli.options import ConnectionOptions, InputOptions
from reconciler.cli.sections import OWN
from reconciler.cli.values import LIMIT, ListType, option
from reconciler.model.frozen import dataclass
from reconciler.plan.limits import DEFAULT_REVOKED, Count, Limits, Share

_CORRECTED: Final = ("correct",)
"""Where drift is not only shown."""
allow_destroy_option = partial(
    option, "Allow keys to be destroyed that no file declares, in scopes declared exclusive."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionOptions:
    """The keys of a plan, and its limits."""

    SECTION: ClassVar = "Limits"

    target: tuple[str, ...] = option(
        "Only the key with this address, or the end of it if that is unique, such as web; or keys whose whole"
        " address matches, such as 'caas/1/76/web-*' or '*/web'. Repeatable.",
        type=ListType(lambda word: "/" in word or word.startswith("*")),
        section=OWN,
        shell_complete=by("addresses"),
        metavar="GLOB",
    )
    max_revoked: Count | Share | None = option(
        "Refuse a plan that takes access from more keys than N, or than P% of a scope."
        f"  [default: {DEFAULT_REVOKED.words}]",
        type=LIMIT,
        needs=_CORRECTED,
    )
    max_changes: Count | Share | None = option(
        "Refuse a plan that changes more keys than N, or than P% of a scope.", type=LIMIT, needs=_CORRECTED
    )
    allow_destroy: bool = allow_destroy_option()

    @property
    def limits(self) -> Limits:
        """Return the limits of one run."""
        return Limits(self.max_revoked or DEFAULT_REVOKED, self.max_changes, may_destroy=self.allow_destroy)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningOptions:
    """The options that make a plan."""

    selection: SelectionOptions
    inputs: InputOptions
    connection: ConnectionOptions
