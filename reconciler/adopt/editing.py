"""Files that are edited together: their declared keys, the live ones of their scopes, and what is refused."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from reconciler.adopt.located import located_keys, rewritten
from reconciler.adopt.write import replace_texts
from reconciler.load.sources import read
from reconciler.model.frozen import dataclass
from reconciler.observe.listing import observe
from reconciler.pipeline.reading import directory_of
from reconciler.plan.planning import plan_scope

T = TypeVar("T")

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from reconciler.adopt.located import Located, Rewritten
    from reconciler.api.client import Sessions
    from reconciler.errors import InputError
    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredState
    from reconciler.model.live import LiveScope
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.validate.validator import Rules

    Edit = Callable[[tuple[Located, ...], Collection[str]], T]
    """Edits declared keys, but for those of the files that are to stay as they are."""


@dataclass(frozen=True, slots=True)
class Edits:
    """The files with their edits, and why others stay as they are."""

    files: Sequence[Rewritten]
    refused: Mapping[str, InputError]

    def write(self) -> None:
        """Write all files or none, as :func:`replace_texts` does."""
        replace_texts(self.files)


@dataclass(frozen=True, slots=True)
class Declarations:
    """What files declare, and the rules by which they were checked."""

    state: DesiredState
    rules: Rules

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Return the known kinds."""
        return self.rules.kinds

    @property
    def now(self) -> dt.datetime:
        """Return the time at which the files were checked."""
        return self.rules.now

    def resolved(self, client: Sessions) -> Declarations:
        """Return the same with numbers for names of scopes.

        Raises ReconcilerError if one cannot be looked up.
        """
        state = directory_of(client).resolved(self.state)
        for error in state.unresolved.values():
            raise error
        return replace(self, state=state)

    def located(self) -> tuple[Located, ...]:
        """Read the files, and return the declared keys at their places. Raises InputError."""
        return located_keys(self.state, self.kinds, lambda file: read(file, io.BytesIO()))

    def live(self, client: Sessions, scopes: Iterable[Scope]) -> Mapping[Scope, LiveScope]:
        """List the live keys of scopes. Raises ReconcilerError where one cannot be read."""
        found: dict[Scope, LiveScope] = {}
        for scope in dict.fromkeys(scopes):
            kind = self.kinds[scope.kind]
            found[scope] = observe(client.session(kind.api).reader, kind, scope)
        return found

    def plans(self, live: Mapping[Scope, LiveScope]) -> list[Plan]:
        """Return what the files, without edits, change in the scopes that were read."""
        parts = (part for part in self.state.scopes if part.scope in live)
        return [plan_scope(self.kinds[part.scope.kind], part, live[part.scope], self.now) for part in parts]

    def edited(self, located: tuple[Located, ...], edit: Edit[T]) -> tuple[Edits, T]:
        """Return the files with the edits that ``edit`` makes of ``located``, and what it returns.

        Raises InputError.
        """
        result = edit(located, ())
        files, refused = rewritten(located, self.rules)
        for error in refused.values():
            raise error
        return Edits(files, refused), result

    def edited_if_possible(self, located: tuple[Located, ...], edit: Edit[T]) -> tuple[Edits, T]:
        """Return the same of the files whose edits are possible.

        As soon as one more is refused all is edited again without it: what belongs to it is elsewhere, too,
        and others take its place.
        """
        refused: dict[str, InputError] = {}
        while True:
            result = edit(located, refused)
            files, more = rewritten(located, self.rules)
            if not more:
                return Edits(files, refused), result
            refused |= more
            located = self.located()
