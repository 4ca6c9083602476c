"""Declared keys with their positions: file, document, and index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.adopt.edits import FileEdits
from reconciler.errors import InputError
from reconciler.kinds.ids import named_kind
from reconciler.kinds.kind import RESERVED
from reconciler.model.frozen import dataclass
from reconciler.model.numbers import by_value
from reconciler.model.source import Problem
from reconciler.validate.validator import DEFAULT_KIND

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping

    from reconciler.adopt.edit.lists import Same
    from reconciler.adopt.edits import KeyPlace
    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey, DesiredState
    from reconciler.model.scope import Scope
    from reconciler.validate.validator import Rules


@dataclass(frozen=True, slots=True)
class Located:
    """A declared key, its position in a file, and the policies of its document."""

    kind: Kind
    scope: Scope
    key: DesiredKey
    file: DeclaredFile
    place: KeyPlace
    renew: Mapping[str, str]
    rotate: Mapping[str, str]

    @property
    def address(self) -> str:
        """Return the address of the key."""
        return self.scope.address(self.key.name)

    @property
    def written(self) -> Mapping[str, Any]:
        """Return the members of the key itself in the file."""
        data: Mapping[str, Any] = self.file.edits.documents[self.place[0]].data["keys"][self.place[1]]
        return data

    @property
    def fields(self) -> Mapping[str, Any]:
        """Return the fields of the key itself in the file, without instructions."""
        return {name: value for name, value in self.written.items() if name not in RESERVED}

    def set(self, name: str, value: Any, same: Same = None) -> None:
        """Set a member of the key, or remove it if the value is ``GONE``; see :meth:`FileEdits.set`."""
        self.file.edits.set(self.place, name, value, same, self.address)


class DeclaredFile:
    """A file that declares keys, and its edits."""

    def __init__(self, file: str, content: bytes) -> None:
        """Parse the content. Raises InputError."""
        self.file = file
        self.content = content
        self.edits = FileEdits(content, file)

    def located(
        self, kinds: Mapping[str, Kind], keys: Iterable[tuple[Scope, DesiredKey]]
    ) -> Iterator[Located]:
        """Yield the position of each of ``keys``.

        Raises InputError if the file changed since it was checked.
        """
        known = {(key.offset, key.name): (scope, key) for scope, key in keys}
        for document in self.edits.documents:
            data = document.data
            kind = named_kind(kinds, data.get("kind", DEFAULT_KIND))
            for index, offset in enumerate(document.item_offsets("keys")):
                name = None if kind is None else kind.name_of(by_value(data["keys"][index]))
                found = None if name is None else known.pop((offset, name), None)
                if kind is not None and found is not None:
                    policies = data.get("renew", {}), data.get("rotate", {})
                    yield Located(kind, *found, self, (document.index, index), *policies)
        for _, key in known.values():
            raise InputError([Problem("the file changed while it was read; try again", key.position)])

    def rewritten(self, rules: Rules) -> Rewritten | None:
        """Return the file with its edits, None without any. Raises InputError if one is not possible."""
        if not self.edits:
            return None
        return Rewritten(self.file, self.content, self.edits.result(rules)[0])


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A file before and after its edits."""

    file: str
    before: bytes
    after: str


def located_keys(
    state: DesiredState,
    kinds: Mapping[str, Kind],
    read: Callable[[str], bytes],
    files: Container[str] | None = None,
) -> tuple[Located, ...]:
    """Return the position of each declared key, of all files or of some.

    Each file is read once, by ``read``; the edits of its keys belong together. Raises InputError.
    """
    by_file: dict[str, list[tuple[Scope, DesiredKey]]] = {}
    for part in state.scopes:
        for key in part.keys:
            if files is None or key.source in files:
                by_file.setdefault(key.source, []).append((part.scope, key))
    return tuple(
        one
        for file, keys in sorted(by_file.items())
        for one in DeclaredFile(file, read(file)).located(kinds, keys)
    )


def rewritten(
    located: Iterable[Located], rules: Rules
) -> tuple[tuple[Rewritten, ...], Mapping[str, InputError]]:
    """Return every edited file of these keys, and the errors of files that cannot be edited.

    No file is written.
    """
    found: list[Rewritten] = []
    refused: dict[str, InputError] = {}
    for file in dict.fromkeys(one.file for one in located):
        try:
            one = file.rewritten(rules)
        except InputError as error:
            refused[file.file] = error
        else:
            found += [] if one is None else [one]
    return tuple(found), refused
