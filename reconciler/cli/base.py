"""What the files said at a base commit, for commands that say which side changed a field since."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.cli.settings import InputOptions
from reconciler.errors import InputError
from reconciler.kinds.kind import Kind
from reconciler.load.files import parse_all
from reconciler.load.git import files_at
from reconciler.model.desired import DesiredState
from reconciler.model.plan import Plan
from reconciler.model.source import Problem
from reconciler.observe.names import Directory
from reconciler.plan.origins import released, state_as_base, with_origins
from reconciler.validate.files import validated

if TYPE_CHECKING:
    from reconciler.plan.planning import Selection


@dataclass(frozen=True, slots=True)
class Base:
    """What the files said at the base commit; ``state`` is None if they were not valid then."""

    commit: str
    state: DesiredState | None
    warnings: tuple[Problem, ...]
    is_whole: bool = True

    @property
    def comparable(self) -> DesiredState | None:
        """Return what drift is told from: nothing, where one of the paths named nothing at the base.

        Counting all of its differences as changes of Git would hide drift.
        """
        return self.state if self.is_whole else None

    def labelled(
        self, kinds: Mapping[str, Kind], made: Plan, state: DesiredState, selected: Selection
    ) -> Plan:
        """Return a plan with labels, and with warnings of what no label can say."""
        if self.state is None:
            return replace(made, warnings=(*made.warnings, *self.warnings))
        gone = released(self.state, state, selected)
        labelled = with_origins(made, state_as_base(kinds, made, self.state))
        return replace(labelled, warnings=(*made.warnings, *self.warnings, *gone))


def base_of(
    kinds: Mapping[str, Kind], directory: Directory, inputs: InputOptions, now: dt.datetime
) -> Base | None:
    """Read what the files said at the base commit, if one is given."""
    reference = inputs.base
    if reference is None:
        return None

    there = files_at(reference, inputs.paths, os.environ)
    unknown = f"at {reference} there was nothing by this name, so every difference in it counts as config"
    missing = tuple(Problem(f"{path}: {unknown}") for path in there.missing)
    try:
        checks = inputs.validator(kinds, now)
        state = directory.resolved(validated(parse_all(there.files, there.problems), checks))
    except InputError as error:
        reason = f"the files were not valid at {reference}, so no difference is labelled: {error.texts[0]}"
        return Base(there.commit, None, (Problem(reason),))
    return Base(there.commit, state, missing, is_whole=not missing)
