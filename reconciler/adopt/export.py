"""Write live keys as desired state: a document of its own, or added to a file."""

from __future__ import annotations

import fnmatch
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adopt.content import keys_of, part_of, text_of
from reconciler.adopt.declaration import Adoption, adopt, document_lines
from reconciler.adopt.edits import FileEdits
from reconciler.adopt.modeline import MODELINE
from reconciler.adopt.write import replace_text, write_new
from reconciler.errors import InputError, SchemaMismatchError
from reconciler.kinds.ids import unclear_text
from reconciler.kinds.packaged import document_schema
from reconciler.load.builder import parse
from reconciler.load.sources import read_input_file, sources
from reconciler.model.desired import DesiredScope
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted, listed
from reconciler.model.source import Problem
from reconciler.plan.planning import plan_scope
from reconciler.validate.schema import SchemaChecker
from reconciler.validate.validator import Validator

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.load.documents import Document
    from reconciler.model.live import LiveScope
    from reconciler.model.scope import Scope
    from reconciler.validate.parts import Part
    from reconciler.validate.validator import Rules


@dataclass(frozen=True, slots=True)
class Live:
    """The live keys of a scope at a time, and the rules for files that are to declare them."""

    kind: Kind
    observed: LiveScope
    now: dt.datetime
    rules: Rules

    @property
    def scope(self) -> Scope:
        """Return the scope of the keys."""
        return self.observed.scope


@dataclass(frozen=True, slots=True)
class Export:
    """A text that declares live keys, and warnings about those it leaves out."""

    text: str
    adoption: Adoption
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class FileExport:
    """The export to a file; ``before`` is its content, None for a new file."""

    file: str
    before: bytes | None
    export: Export

    def write(self) -> None:
        """Write the file, unless it is unchanged. Raises ConfigurationError."""
        if self.before is None:
            write_new(self.file, self.export.text)
        elif self.export.adoption.keys:
            replace_text(self.file, self.before, self.export.text)


def export_to(live: Live, file: str, before: bytes | None, schema: str) -> FileExport:
    """Export live keys to a new file, or into the one that holds ``before``. Raises ReconcilerError."""
    export = export_document(live, schema) if before is None else export_into(before, file, live, schema)
    return FileExport(file, before, export)


def export_document(live: Live, schema: str) -> Export:
    """Write a scope's live keys as a file. Raises SchemaMismatchError if its plan would not be empty."""
    adoption = _adopted(live, frozenset())
    lines = [f"{MODELINE}{schema}", *document_lines(live.kind, live.scope, adoption)]
    text = "\n".join(lines) + "\n"
    _check(live, part_of(parse(text, "<export>"), text, "<export>", live.rules), adoption)
    return Export(text, adoption, _warnings(live.scope, adoption))


def export_into(content: bytes, file: str, live: Live, schema: str) -> Export:
    """Add the live keys that a file does not declare to its document of their scope, or to a new one.

    The first line of an empty file refers to the ``schema``. Without new keys the text is unchanged. Raises
    InputError if the file cannot be used or extended.
    """
    edits = FileEdits(content, file)
    edits.advice = "reconciler export without --into prints the keys, to add them by hand"
    before = part_of(edits.documents, edits.text, file, live.rules) if edits.documents else None
    if before is not None and before.names:
        named = before.names[0]
        message = f"export --into does not resolve the name {named.name}; write {named.parameter} in the file"
        raise InputError([Problem(message, named.position)])
    scope = live.scope
    declared = () if before is None else keys_of(before, scope)
    adoption = _adopted(live, frozenset(key.name for key in declared))
    if not adoption.keys:
        return Export(edits.mark + edits.text, adoption, _warnings(scope, adoption))
    found = next((one for one in edits.documents if _declares(one, live.rules, scope)), None)
    if found is not None:
        edits.append(found.index, adoption.keys)
    else:
        lines = edits.text.splitlines()
        model = next((line for line in lines if line.startswith(MODELINE)), None)
        head = [f"{MODELINE}{schema}"] if not lines else [model] if model and edits.documents else []
        edits.add_document([*head, *document_lines(live.kind, scope, adoption)])
    text, after = edits.result(live.rules)
    _check(live, after, adoption)
    return Export(text, adoption, _warnings(scope, adoption))


def _adopted(live: Live, declared: frozenset[str]) -> Adoption:
    checker = SchemaChecker(document_schema(), live.kind)
    keys = (key for name, key in live.observed.keys.items() if name not in declared)
    unnamed = tuple(problem.message for problem in live.observed.problems)
    adoption = adopt(live.kind, keys, checker)
    unclear = {
        name: unclear_text(live.kind, rows)
        for name, rows in sorted(live.observed.unclear.items())
        if name not in declared
    }
    return replace(adoption, unusable={**adoption.unusable, **unclear}, unnamed=unnamed)


def declares(content: bytes, file: str, rules: Rules, scope: Scope) -> bool:
    """Return whether a file has a document of a scope, by ids. Raises InputError."""
    _, text = text_of(content, file)
    return any(_declares(document, rules, scope) for document in parse(text, file))


def named_by(observed: LiveScope, globs: Sequence[str]) -> LiveScope:
    """Return the live keys whose names match one of the globs."""

    def matches(name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, glob) for glob in globs)

    keys = {name: row for name, row in observed.keys.items() if matches(name)}
    unclear = {name: rows for name, rows in observed.unclear.items() if matches(name)}
    return replace(observed, keys=keys, unnamed=0, problems=(), unclear=unclear)


def declaring_file(live: Live, folder: str) -> str | None:
    """Return the file below a folder that declares the scope already, if there is one."""
    for file in sources([folder], []) if Path(folder).is_dir() else ():
        with suppress(InputError):  # validate shows what is wrong with a file
            if declares(read_input_file(file), file, live.rules, live.scope):
                return file
    return None


def _declares(document: Document, rules: Rules, scope: Scope) -> bool:
    """Return whether a document declares the scope."""
    part = Validator(rules).check_documents([document], document.source)
    return any(one.scope == scope for one in part.scopes)


def _check(live: Live, part: Part, adoption: Adoption) -> None:
    """Raise SchemaMismatchError unless the plan of the new keys is empty."""
    scope = live.scope
    names = {key.name for key in adoption.keys}
    keys = tuple(key for key in keys_of(part, scope) if key.name in names)
    plan = plan_scope(live.kind, DesiredScope(scope, keys), live.observed, live.now)
    wrong = [*(change.address for change in plan.changes), *(problem.address for problem in plan.problems)]
    if wrong or len(keys) != len(names):
        listed = ", ".join(wrong) or str(scope)
        raise SchemaMismatchError(f"nothing was written, because a plan of it would not be empty: {listed}")


def _warnings(scope: Scope, adoption: Adoption) -> tuple[Problem, ...]:
    """Return a warning for each type of omission: objects, keys, and each property.

    It has the reason of the first. Comments have the others: of properties always, of keys and objects in a
    new text.
    """
    fields: dict[str, list[tuple[str, str]]] = {}
    for key in adoption.keys:
        for field, reason in key.left_out.items():
            fields.setdefault(field, []).append((scope.address(key.name), reason))
    objects = [(str(scope), reason) for reason in adoption.unnamed]
    keys = [(scope.address(name), reason) for name, reason in adoption.unusable.items()]
    names = [*adoption.unusable][1:]
    return (
        *_warning("left out", counted(len(objects) - 1, "more object"), objects),
        *_warning("left out", listed(names), keys),
        *(
            warning
            for field, every in fields.items()
            for warning in _warning(f"{field} left out", f"of {counted(len(every) - 1, 'more key')}", every)
        ),
    )


def _warning(what: str, others: str, found: list[tuple[str, str]]) -> Iterator[Problem]:
    """Yield the warning of a type: the first address and reason, and the number of ``others`` if any."""
    for address, reason in found[:1]:
        more = f" (and {others})" if len(found) > 1 else ""
        yield Problem(f"{what}{more}: {reason}", address=address)


def nothing_to_add(file: str, scope: Scope, adoption: Adoption) -> str:
    """Return why a file is unchanged."""
    count = len(adoption.unusable) + sum(map(len, adoption.managed_elsewhere.values()))
    rest = f" but {count} that cannot be declared" if count else ""
    return f"Nothing to add: {file} declares every key of {scope}{rest}."
