"""The check of one file: every rule, all violations at once, and the declarations of its documents."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.ids import named_kind
from reconciler.kinds.kind import RESERVED, EffectRule, Kind
from reconciler.kinds.paths import NOT_A_SEGMENT, is_name, is_segment
from reconciler.load.files import parse_content
from reconciler.model.canonical import parse_instant
from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.desired import DesiredKey, Lifecycle, NamedParameter
from reconciler.model.durations import rough_duration
from reconciler.model.frozen import dataclass
from reconciler.model.numbers import replace_whole
from reconciler.model.phrases import MANY_MORE
from reconciler.model.scope import ALIASES, SCOPE_NAMES, Scope
from reconciler.model.source import Position, Problem, Rule
from reconciler.validate.findings import problems_of, spellings, written_name
from reconciler.validate.messages import MORE, Path, Violation
from reconciler.validate.parts import MOST_PROBLEMS, Part, scope_part
from reconciler.validate.schema import SchemaChecker, with_kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.load.documents import Document
    from reconciler.load.files import Input
    from reconciler.model.scope import ScopeDefaults

EXPIRY_WARNING: Final = dt.timedelta(days=14)
"""How long before its expiry a key is warned about."""
DEFAULT_KIND: Final = "caas"
_NO_NAME: Final = "cannot be a name, because it is empty or not valid Unicode; write another name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules for valid documents and their meaning.

    ``defaults`` are used for a missing scope. A key that expires within ``expiry_warning`` from ``now`` leads
    to a warning.
    """

    document_schema: Mapping[str, Any]
    kinds: Mapping[str, Kind]
    defaults: ScopeDefaults
    now: dt.datetime
    expiry_warning: dt.timedelta = EXPIRY_WARNING


class Validator:
    """Checks files one by one, without state between them."""

    def __init__(self, rules: Rules) -> None:
        """Store the rules."""
        self._document_schema = with_kinds(rules.document_schema, rules.kinds)
        self._rules = rules
        self._checkers: dict[str, SchemaChecker] = {}

    def check(self, file: Input) -> Part:
        """Return the declarations of one file, and all its problems."""
        loaded = parse_content(file)
        part = self.check_documents(loaded.documents, file.label, loaded.problems)
        return part.shown_in(file.content)

    def check_documents(
        self, documents: Iterable[Document], label: str, problems: Iterable[Problem] = ()
    ) -> Part:
        """Return the declarations of the documents of one file; ``problems`` were found in it before."""
        found = _Checked(self._rules, self._checker)
        for document in documents:
            found.add(document)
        return found.part(label, problems)

    def _checker(self, kind: Kind) -> SchemaChecker:
        if kind.name not in self._checkers:
            self._checkers[kind.name] = SchemaChecker(self._document_schema, kind)
        return self._checkers[kind.name]


class _Checked:
    """The declarations of the documents of one file, and their problems."""

    def __init__(self, rules: Rules, checker: Callable[[Kind], SchemaChecker]) -> None:
        self._rules, self._kinds, self._checker = rules, rules.kinds, checker
        # An expiry that is a later text than this date is far enough in every time zone.
        far = rules.now + rules.expiry_warning + dt.timedelta(days=3)
        self._surely_far = far.date().isoformat()
        self._scopes: dict[Scope, list[DesiredKey]] = {}
        self._exclusive: dict[Scope, Position] = {}
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []
        self._names: dict[tuple[str, str], NamedParameter] = {}

    def add(self, document: Document) -> None:
        """Check one document and store its keys."""
        data = document.data
        if len(self._problems) >= MOST_PROBLEMS:
            if self._problems[-1].message != MANY_MORE:
                self._problem(MANY_MORE, document.position(), rule=Rule.MORE)
            return
        if not isinstance(data, dict):
            message = "must be a mapping with a list under `keys:`"
            self._problem(message, document.position(), rule=Rule.WRONG_TYPE)
            return
        words = ("keys", "defaults") if document.has_whole_floats else ()  # 5.0 and 5e0 there become 5
        parts = [(word, data[word]) for word in words if isinstance(data.get(word), dict | list)]
        respelled = [path for word, part in parts for path in replace_whole(part, (word,))]
        name = data.get("kind", DEFAULT_KIND)
        kind = named_kind(self._kinds, name) if isinstance(name, str) else None
        if kind is not None and name not in self._kinds:
            data["kind"] = kind.name
        assumed = kind or self._kinds[DEFAULT_KIND]
        violations = self._checker(assumed).violations(data)
        if kind is None:  # its fields and scope are those of an unknown kind
            usable = {"enum": [one.name for one in self._kinds.values() if not one.api_fault]}
            of_kind = [
                replace(one, schema={**one.schema, **usable}) for one in violations if one.path == ("kind",)
            ]
            self._problems.extend(problems_of(assumed, document, None, of_kind))
            return
        if kind.api_fault:
            self._problem(kind.api_fault, document.position(("kind",)), rule=Rule.WRONG_VALUE)
        scope = self._scope(kind, document, violations)
        self._problems.extend(problems_of(kind, document, scope, violations))
        self._warnings.extend(spellings(kind, document, scope, respelled))
        # The keys of a document with violations may still be declared twice.
        broken = {violation.path[:2] for violation in violations}
        are_known = not any(violation.keyword == MORE for violation in violations)
        if scope is not None and are_known and broken.isdisjoint({(), ("keys",)}):
            self._declare(kind, scope, document, broken)

    def part(self, source: str, problems: Iterable[Problem]) -> Part:
        """Return the declarations of the file; ``problems`` were found in it before."""
        scopes = tuple(
            scope_part(scope, keys, self._exclusive.get(scope)) for scope, keys in self._scopes.items()
        )
        found = (*problems, *self._problems)
        return Part(source, scopes, found, tuple(self._warnings), tuple(self._names.values()))

    def _problem(self, message: str, position: Position, address: str = "", rule: Rule = Rule.SCOPE) -> None:
        self._problems.append(Problem(message, position, address, rule=rule))

    def _scope(self, kind: Kind, document: Document, violations: Iterable[Violation]) -> Scope | None:
        """Return the scope of a document, or None after reporting its missing members."""
        broken = {violation.path[0] for violation in violations if violation.path}
        values: dict[str, int | str | None] = {}
        for name in kind.scope:
            alias = ALIASES.get(name)
            if alias is not None and alias in document.data:
                values[alias] = None if alias in broken else self._named(kind, name, alias, document)
            else:
                values[name] = None if name in broken else self._parameter(kind, name, document)
        found = [value for value in values.values() if value is not None]
        return kind.scope_of(found, list(values)) if len(found) == len(values) else None

    def _named(self, kind: Kind, parameter: str, alias: str, document: Document) -> str | None:
        """Return the name that a document has in place of an id, and record that it must be looked up."""
        fault = f"both {alias} and {parameter} are set; keep one" if parameter in document.data else ""
        if kind.shown_api not in {"", BUILT_IN_API}:
            why = (
                f"{alias} is available only with the API {BUILT_IN_API}, but {kind.name} is a kind of"
                f" {kind.api}"
            )
            fault = f"{why}; set {parameter} instead"
        if fault:
            self._problem(fault, document.key_position((alias,)))
            return None
        name: str = document.data[alias]
        if (parameter, name) not in self._names:
            self._names[parameter, name] = NamedParameter(parameter, name, document.position((alias,)))
        return name

    def _parameter(self, kind: Kind, name: str, document: Document) -> int | str | None:
        value: int | str | float | None = document.data.get(name)
        if isinstance(value, float):  # JSON Schema counts 1e2 among the integers, people do not
            message = f"{name} must be a whole number in digits; write {value:.0f}"
            self._problem(message, document.position((name,)))
            return None
        if isinstance(value, str) and not is_segment(value):
            self._problem(NOT_A_SEGMENT, document.position((name,)))
            return None
        if name in document.data:
            return value
        default = self._rules.defaults.of(name)
        if default is None:
            advice = f" or set GCORE_CLOUD_{name.upper()}" if name in SCOPE_NAMES else ""
            example = "N" if kind.scope[name]["type"] == "integer" else "TEXT"
            message = f"no {name}; write `{name}: {example}` at the top of the document{advice}"
            self._problem(message, document.position())
        return default

    def _declare(self, kind: Kind, scope: Scope, document: Document, broken: set[Path]) -> None:
        add = self._scopes.setdefault(scope, []).append
        if document.data.get("exclusive"):
            self._exclusive.setdefault(scope, document.position(("exclusive",)))
        expiries = [field.name for field in kind.fields.values() if field.effect is EffectRule.EXPIRY]
        source, identity, surely_far = document.source, kind.identity, self._surely_far
        written = str if str in kind.fields[identity].types else int
        is_usable, complaint = (is_name, _NO_NAME) if kind.has_ids else (is_segment, NOT_A_SEGMENT)
        are_valid = not any(path[0] == "defaults" for path in broken)
        defaults = document.data.get("defaults") if are_valid else None
        offsets = document.default_offsets() if defaults else {}
        keys = zip(document.data["keys"], document.item_offsets("keys"), strict=True)
        for index, (own, offset) in enumerate(keys):
            if broken and ("keys", index) in broken:
                name = written_name(own, identity, written)
                # Nothing is made of a file with violations, but its names may be repeated.
                if is_usable(name):
                    add(DesiredKey(name, {}, source, offset))
                continue
            name = str(own[identity])
            if not is_usable(name):
                position = document.position(("keys", index, identity))
                self._problem(complaint, position, scope.address(name), Rule.WRONG_VALUE)
                continue
            fields = {**defaults, **own} if defaults else own
            key = DesiredKey(name, fields, source, offset)
            if defaults:
                key = key._replace(own=tuple(own), defaults=offsets)
            if not RESERVED.isdisjoint(fields):
                key = self._with_rules(kind, document, index, key)
            add(key)
            for field in expiries:
                value = fields.get(field)
                if value is not None and value < surely_far and not key.is_absent:
                    path = ("keys", index, field) if field in own else ("defaults", field)
                    self._warn_if_near(document, path, value, scope.address(name))

    def _with_rules(self, kind: Kind, document: Document, index: int, key: DesiredKey) -> DesiredKey:
        """Return a key with the values of its reserved members, which are not fields."""
        rules = key.fields.get("lifecycle", {})
        ignored = rules.get("ignore_changes", [])
        known = [name for name in kind.fields if name != kind.identity]
        for number, field in enumerate(ignored):
            if field not in known:
                message = f"{field} is not a field that can be ignored; choose from {', '.join(known)}"
                position = document.position(("keys", index, "lifecycle", "ignore_changes", number))
                self._problem(message, position, key.name, Rule.WRONG_VALUE)
        return key._replace(
            fields={name: value for name, value in key.fields.items() if name not in RESERVED},
            is_absent=key.fields.get("state") == "absent",
            lifecycle=Lifecycle(**{**rules, "ignore_changes": frozenset(ignored)}),
        )

    def _warn_if_near(self, document: Document, path: Path, value: str, address: str) -> None:
        instant = parse_instant(value)
        left = None if instant is None else instant - self._rules.now
        if left is None or left > max(self._rules.expiry_warning, dt.timedelta()):
            return
        message = f"{path[-1]} {value} is in the past: the key has expired"
        if left > dt.timedelta():
            message = f"{path[-1]} {value} is near: the key expires in {rough_duration(left)}"
        self._warnings.append(Problem(message, document.position(path), address, rule=Rule.EXPIRY))
