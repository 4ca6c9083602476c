"""The desired state at a base commit, which shows which side has changed a field since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import InputError
from reconciler.load.files import Input
from reconciler.model.frozen import dataclass
from reconciler.model.later import Later
from reconciler.model.source import Problem
from reconciler.validate.state import validated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.load import git
    from reconciler.load.process import Host
    from reconciler.model.desired import DesiredState
    from reconciler.observe.names import Directory
    from reconciler.validate.validator import Rules
else:
    git = Later("reconciler.load.git")


@dataclass(frozen=True, slots=True)
class Base:
    """The desired state at the base commit; ``state`` is None if the files were invalid then."""

    commit: str
    state: DesiredState | None
    warnings: tuple[Problem, ...]
    is_whole: bool = True

    @property
    def comparable(self) -> DesiredState | None:
        """Return the state to compare with for drift; None where one of the paths did not exist at the base.

        Otherwise all its differences would count as changes of Git, and hide drift.
        """
        return self.state if self.is_whole else None


def read_base(
    reference: str,
    paths: Sequence[str],
    host: Host,
    rules: Rules,
    directory: Directory,
) -> Base:
    """Read the desired state at a commit, with names looked up. Raises ConfigurationError if Git fails."""
    there = git.files_at(reference, paths, host)
    unknown = (
        f"at {reference} the path did not exist, so all its differences count as changes in Git (config)"
    )
    missing = tuple(Problem(f"{path}: {unknown}") for path in there.missing)
    try:
        files = [Input(content, label) for label, content in there.files]
        state = directory.resolved(validated(files, rules, there.problems))
    except InputError as error:
        reason = f"the files were not valid at {reference}, so no difference has an origin: {error.texts[0]}"
        return Base(there.commit, None, (Problem(reason),))
    return Base(there.commit, state, missing, is_whole=not missing)
