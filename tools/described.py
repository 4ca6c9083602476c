"""What an OpenAPI description says, read without the engine: schemas, operations, parameters.

It is written apart from the code that drafts kinds, and from all of the engine, so that a misreading there
is not repeated here. References are followed where a schema is looked at: schemas may contain themselves.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from described_words import BASE, CHOICES, both, contradict, current

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from jsonschema.protocols import Validator

    Schema = Mapping[str, Any]

T = TypeVar("T")
METHODS: Final = ("patch", "put", "post")
"""Methods that may change an item, the most exact one first."""
_DEEPEST: Final = 40
FORMATS: Final = FormatChecker(("ipv4", "ipv6", "uuid", "date", "email"))


@FORMATS.checks("date-time")
def _is_instant(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        dt.datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


class Described:
    """A description, with the checks that its schemas ask for."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        """Store the description in the words of JSON Schema 2020-12."""
        self.content = current(content)
        self.paths: Mapping[str, Any] = self.content["paths"]
        resource = DRAFT202012.create_resource(self.content)
        self._registry = Registry().with_resource(BASE, resource)
        self._checks: dict[tuple[int, str], tuple[Any, Validator]] = {}
        self._known: dict[tuple[str, int], tuple[Any, Any]] = {}

    def target(self, value: Any) -> dict[str, Any]:
        """Return what is behind the reference of a parameter, a body or a response."""
        for _ in range(_DEEPEST):
            if not (isinstance(value, dict) and isinstance(value.get("$ref"), str)):
                break
            value = self._at(value["$ref"])
        return value if isinstance(value, dict) else {}

    def _at(self, reference: str) -> Any:
        found: Any = self.content
        for step in reference.partition("#")[2].split("/")[1:]:
            plain = unquote(step).replace("~1", "/").replace("~0", "~")
            found = found[int(plain)] if isinstance(found, list) else found.get(plain, {})
        return found

    def _once(self, what: str, schema: Any, found: Callable[[], T]) -> T:
        """Return what is found of a schema, which is looked at again and again; it is never changed."""
        known = self._known.get((what, id(schema)))
        if known is None:
            known = self._known[what, id(schema)] = schema, found()  # the schema keeps its identity
        result: T = known[1]
        return result

    def flat(self, schema: Any, depth: int = 0) -> dict[str, Any]:
        """Return a schema with its reference followed and ``allOf`` joined; alternatives stay as they are."""
        return self._once("flat", schema, lambda: self._flat(schema, depth))

    def _flat(self, schema: Any, depth: int) -> dict[str, Any]:
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return {}
        parts = (
            [self.flat(self._at(schema["$ref"]), depth + 1)] if isinstance(schema.get("$ref"), str) else []
        )
        parts += [self.flat(part, depth + 1) for part in schema.get("allOf") or ()]
        own = {word: part for word, part in schema.items() if word not in {"$ref", "allOf"}}
        joined: dict[str, Any] = {}
        for part in (*parts, own):
            joined = both(joined, part)
        return joined

    def choices(self, schema: Any, depth: int = 0) -> list[dict[str, Any]]:
        """Return what a schema allows, one flat schema for each alternative; null is left to the types."""
        return self._once("choices", schema, lambda: self._choices(schema, depth))

    def _choices(self, schema: Any, depth: int) -> list[dict[str, Any]]:
        found = self.flat(schema)
        word = next((word for word in CHOICES if found.get(word)), None)
        if word is None or depth > _DEEPEST:
            return [found]
        rest = {name: part for name, part in found.items() if name != word}
        joined = [both(rest, one) for one in map(self.flat, found[word]) if not contradict(rest, one)]
        every = [choice for one in joined for choice in self.choices(one, depth + 1)]
        real = [choice for choice in every if choice.get("type") not in ("null", ["null"])]
        return real or every

    def members(self, schema: Any) -> dict[str, Any]:
        """Return the members of an object that any alternative describes."""
        return self._once("members", schema, lambda: self._members(schema))

    def _members(self, schema: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for choice in self.choices(schema):
            for name, part in (choice.get("properties") or {}).items():
                found[name] = part if found.get(name, part) == part else {"anyOf": [found[name], part]}
        return found

    def required(self, schema: Any) -> set[str]:
        """Return the members that every alternative requires."""
        return set.intersection(*(set(choice.get("required") or ()) for choice in self.choices(schema)))

    def rows(self, schema: Any, like: Collection[str] = ()) -> tuple[tuple[str, ...], Any] | None:
        """Return where the rows of a listing are, and the schema of one.

        They are the list of objects with the most names that ``like`` has too, the shallowest of several.
        """
        level: list[tuple[tuple[str, ...], Any]] = [((), schema)]
        lists: list[tuple[tuple[str, ...], Any]] = []
        for _ in range(3):
            lists += [(place, items) for place, one in level if self.members(items := self.items(one))]
            level = [
                ((*place, name), part) for place, one in level for name, part in self.members(one).items()
            ]
        return max(lists, key=lambda one: len(self.names(one[1]) & set(like)), default=None)

    def names(self, schema: Any, depth: int = 2) -> set[str]:
        """Return the names of the members of an object, and of those inside them."""
        members = self.members(schema)
        inner = [self.names(part, depth - 1) for part in members.values()] if depth else []
        return set(members).union(*inner)

    def items(self, schema: Any) -> Any:
        """Return the schema of the items of a list, an empty one where nothing is said of them."""
        return next((one["items"] for one in self.choices(schema) if one.get("items")), {})

    def faults(self, schema: Any, value: Any, without: str = "") -> list[str]:
        """Return what a schema says against a value.

        Members that are ``without``, such as read-only ones in requests, are required in the others alone.
        """
        if not isinstance(schema, dict):
            return []
        known = self._checks.get((id(schema), without))
        if known is None:
            rule = {"required": self._required_but(without)}
            checks: Any = extend(Draft202012Validator, rule)  # type: ignore[no-untyped-call]
            check = checks(schema, registry=self._registry, format_checker=FORMATS)
            known = self._checks[id(schema), without] = schema, check  # the schema keeps its identity
        return [f"{error.json_path} {error.message}"[:200] for error in known[1].iter_errors(value)]

    def _required_but(self, without: str) -> Callable[[Validator, Any, Any, Any], Iterator[ValidationError]]:
        def check(_: Validator, required: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            missing = (
                [name for name in required if name not in instance] if isinstance(instance, dict) else []
            )
            members = self.members(schema) if missing else {}
            for name in missing:
                if not self.flat(members.get(name)).get(without):
                    yield ValidationError(f"{name!r} is a required property")

        return check

    def is_valid(self, schema: Any, value: Any, without: str = "") -> bool:
        """Return whether a schema allows a value."""
        return not self.faults(schema, value, without)

    def strangers(self, schema: Any, value: Any, place: str = "") -> Iterator[str]:
        """Yield what a request must not carry: members that are not described, or read-only."""
        if isinstance(value, list):
            items = self.items(schema)
            for item in value:
                yield from self.strangers(items, item, f"{place}[]")
        if not isinstance(value, dict):
            return
        known = self.members(schema)
        is_open = not known or any(
            one.get("additionalProperties") not in (None, False) for one in self.choices(schema)
        )
        for name, part in value.items():
            if name in known:
                if self.flat(known[name]).get("readOnly"):
                    yield f"{place}.{name} is read-only"
                yield from self.strangers(known[name], part, f"{place}.{name}")
            elif not is_open:
                yield f"{place}.{name} is not described"

    def operation(self, path: str, method: str) -> dict[str, Any] | None:
        """Return an operation with the parameters of its path; None where there is none."""
        return self._once(method, self.paths.get(path), lambda: self._operation(path, method))

    def _operation(self, path: str, method: str) -> dict[str, Any] | None:
        shared = self.target(self.paths.get(path))
        if method not in shared:
            return None
        found = dict(self.target(shared[method]))
        known = [self.target(one) for one in (*shared.get("parameters", ()), *found.get("parameters", ()))]
        by_name = {(one.get("name"), one.get("in")): one for one in known}
        return {**found, "parameters": list(by_name.values())}

    def body(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        """Return the schemas of the body of an operation, by content type."""
        content = self.target(operation.get("requestBody")).get("content") or {}
        return {kind.partition(";")[0].lower(): one.get("schema", {}) for kind, one in content.items()}

    def response(self, operation: Mapping[str, Any]) -> tuple[int, Any, set[str]]:
        """Return the status of success, the schema of its body (None for none), and its headers."""
        responses = {str(status): one for status, one in (operation.get("responses") or {}).items()}
        status = next((one for one in sorted(responses) if re.fullmatch("2(..)", one)), "200")
        found = self.target(responses.get(status))
        content = found.get("content") or {}
        kind = next((kind for kind in content if "json" in kind or kind == "*/*"), None)
        schema = None if kind is None else content[kind].get("schema")
        headers = {name.lower() for name in found.get("headers") or ()}
        return int(status) if status.isdigit() else 200, schema, headers
