"""Files that are edited together: their declared keys, the live keys of their scopes, and refused edits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from reconciler.adopt.located import located_keys, rewritten
from reconciler.adopt.write import replace_texts
from reconciler.errors import InputError
from reconciler.load.sources import read_input_file
from reconciler.model.frozen import dataclass
from reconciler.model.source import Problem
from reconciler.observe.listing import observe
from reconciler.pipeline.reading import directory_of
from reconciler.plan.planning import plan_scope

T = TypeVar("T")
_MOST_ATTEMPTS: Final = 60
"""So often a file is edited to find the keys that cannot be: a few of thousands, or each of a few."""

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from reconciler.adopt.located import Located, Rewritten
    from reconciler.api.client import Sessions
    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredState
    from reconciler.model.live import LiveScope
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.validate.validator import Rules

    Edit = Callable[[tuple[Located, ...], Collection[str]], T]
    """Edits declared keys, but for those of some addresses."""


@dataclass(frozen=True, slots=True)
class Edits:
    """The files with their edits, and why keys are not edited, by address."""

    files: Sequence[Rewritten]
    refused: Mapping[str, InputError]

    def write(self) -> None:
        """Write all files or none, like :func:`replace_texts`."""
        replace_texts(self.files)


@dataclass(frozen=True, slots=True)
class Declarations:
    """The declarations of files, and the rules by which they were checked."""

    state: DesiredState
    rules: Rules

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Return the known kinds."""
        return self.rules.kinds

    @property
    def now(self) -> dt.datetime:
        """Return the time when the files were checked."""
        return self.rules.now

    def resolved(self, client: Sessions) -> Declarations:
        """Return the same declarations with ids in place of names in scopes.

        Raises ReconcilerError if one cannot be looked up.
        """
        found = self.resolved_as_possible(client)
        for error in found.state.unresolved.values():
            raise error
        return found

    def resolved_as_possible(self, client: Sessions) -> Declarations:
        """Return the same declarations with ids in place of the names that can be looked up."""
        return replace(self, state=directory_of(client).resolved(self.state))

    def located(self, files: Collection[str] | None = None) -> tuple[Located, ...]:
        """Read all files, or some, and return the declared keys with their positions. Raises InputError."""
        return located_keys(self.state, self.kinds, read_input_file, files)

    def live(self, client: Sessions, scopes: Iterable[Scope]) -> Mapping[Scope, LiveScope]:
        """List the live keys of scopes. Raises ReconcilerError if one cannot be read."""
        found: dict[Scope, LiveScope] = {}
        for scope in dict.fromkeys(scopes):
            kind = self.kinds[scope.kind]
            found[scope] = observe(client.session(kind.api).reader, kind, scope)
        return found

    def plans(self, live: Mapping[Scope, LiveScope]) -> list[Plan]:
        """Return the plans of the files, without edits, for the scopes that were read."""
        parts = (part for part in self.state.scopes if part.scope in live)
        return [plan_scope(self.kinds[part.scope.kind], part, live[part.scope], self.now) for part in parts]

    def edited(self, located: tuple[Located, ...], edit: Edit[T]) -> tuple[Edits, T]:
        """Return the files with the edits that ``edit`` makes in ``located``, and its result.

        Raises InputError.
        """
        result = edit(located, ())
        files, refused = rewritten(located, self.rules)
        for error in refused.values():
            raise error
        return Edits(files, refused), result

    def edited_if_possible(self, located: tuple[Located, ...], edit: Edit[T]) -> tuple[Edits, T]:
        """Return the files with the edits of all keys whose edits are possible.

        When edits are refused, all others are made again without them, because related edits are elsewhere,
        too, and others replace them.
        """
        refused: dict[str, InputError] = {}
        while True:
            result = edit(located, refused)
            files, more = rewritten(located, self.rules)
            if not more:
                return Edits(files, refused), result
            for file, error in more.items():
                refused |= _Search(self, located, edit, file, refused).result(error)
            located = self.located()


class _Search:
    """The search for the keys of one file whose edits are refused, by edits of some of its keys."""

    def __init__(
        self,
        declared: Declarations,
        located: Iterable[Located],
        edit: Edit[Any],
        file: str,
        refused: Collection[str],
    ) -> None:
        self._declared, self._edit, self._file, self._before = declared, edit, file, refused
        self._here = {one.address: one for one in located if one.file.file == file}
        self._others = [one for one in located if one.file.file != file]
        self._edited = [name for name, one in self._here.items() if one.file.edits.has_edit_of(one.place)]
        # No other key takes the place of one that is left out, but an edit of a rotation needs both its keys.
        pairs = ((one.scope, {one.key.name, one.key.lifecycle.rotates}) for one in self._here.values())
        both = {scope.address(name) for scope, names in pairs if None not in names for name in names if name}
        self._kept = self._here.keys() - both.difference(self._edited)
        self._found: dict[str, InputError] = {}
        self._left = _MOST_ATTEMPTS

    def result(self, error: InputError) -> Mapping[str, InputError]:
        """Return why keys cannot be edited, by address; at least one.

        ``error`` is that of all edits together.
        """
        self._narrow(set(), self._edited)
        return self._found or dict.fromkeys(self._here, error)

    def _narrow(self, fine: set[str], keys: Sequence[str]) -> None:
        """Find those of ``keys`` whose edits are refused together with those that are ``fine``."""
        error = self._fault({*fine, *keys})
        if error is None:
            return
        if len(keys) == 1 or self._left <= 0:
            reason = error.problems[0].message
            for name in keys:
                problem = Problem(reason, self._here[name].key.position, name)
                self._found[name] = InputError([problem])
            return
        half = len(keys) // 2
        self._narrow(fine, keys[:half])
        self._narrow({*fine, *keys[:half]} - self._found.keys(), keys[half:])

    def _fault(self, allowed: set[str]) -> InputError | None:
        """Return why the file cannot be edited at these keys, None if it can."""
        self._left -= 1
        here = self._declared.located({self._file})
        self._edit((*self._others, *here), {*self._before, *(self._kept - allowed)})
        _, refused = rewritten(here, self._declared.rules)
        return refused.get(self._file)
