"""Checking documents against their schemas; the one home of jsonschema and fastjsonschema.

fastjsonschema may only accept: it compiles a schema to Python and takes a tenth of the time. Whatever
it does not accept goes to jsonschema, which alone decides what is wrong. Both use the same check for
``date-time``, so they agree (a property test holds them to it).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.kind import RESERVED, Form
from reconciler.kinds.patterns import PatternLimitError, Patterns
from reconciler.model.canonical import is_date_time, json_text
from reconciler.model.scope import ALIASES, SCOPE_NAMES
from reconciler.validate.fast_form import NotPlainError, fast_form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jsonschema import Draft7Validator
    from jsonschema.exceptions import ValidationError

    from reconciler.kinds.kind import Kind

Path = tuple[str | int, ...]

_NO_DEFAULT: Final[Mapping[str, Any]] = {
    "not": {},
    "errorMessage": "says which key is meant and has no default; write it in each key",
}


PATTERN_LIMIT: Final = "patternLimit"
"""What a text breaks, in place of a keyword, if checking it against its pattern takes too much work."""


MORE: Final = "more"
"""What stands in place of a keyword where a value has more violations than are looked for."""
MOST_VIOLATIONS: Final = 1000
"""Violations of one document, or other value, that are looked for."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: the path of the value, the keyword that it breaks, and the schema there.

    ``written`` is how a file writes a number, if that is known.
    """

    path: Path
    keyword: str
    value: Any
    schema: Mapping[str, Any]
    written: str = ""


class SchemaChecker:
    """Checks whole documents of one kind: the header by the document schema, each key by its kind's."""

    def __init__(self, document_schema: Mapping[str, Any], kind: Kind) -> None:
        """Build the combined schema and compile the part that accepts valid documents fast."""
        self._schema = _combined(document_schema, kind, kind.schema)
        self._patterns = Patterns()
        # Comparing the items of every list costs fastjsonschema as much as all the rest, so it is not
        # asked to: most lists hold one item, and the others are looked at here.
        self._sets = [name for name, field in kind.fields.items() if field.form is Form.SET]
        fields = {
            name: {word: value for word, value in keywords.items() if word != "uniqueItems"}
            for name, keywords in kind.schema["properties"].items()
        }
        loose = _combined(document_schema, kind, {**kind.schema, "properties": fields})
        self._defaults = loose["properties"]["defaults"]
        whole = {**loose, "properties": {**loose["properties"], "defaults": {}}}
        self._accepts = _compile(whole, self._patterns)
        self._accepts_defaults: Callable[[Any], bool] | None = None  # few documents have any
        self._loose_key = loose["properties"]["keys"]["items"]
        self._accepts_key: Callable[[Any], bool] | None = None  # most documents are valid
        self._judge: Draft7Validator | None = None

    def violations(self, data: Any) -> tuple[Violation, ...]:
        """Return the violations in ``data``, of which there is none if the document is valid.

        Of more than ``MOST_VIOLATIONS`` the rest is one of the keyword ``MORE``.
        """
        if self._accepts(data) and ("defaults" not in data or self._takes_defaults(data["defaults"])):
            keys = [*data["keys"], data["defaults"]] if "defaults" in data else data["keys"]
            if not self._may_repeat(keys):
                return ()
        if self._judge is None:
            self._judge = _judge(self._schema, self._patterns)
        keys = data.get("keys") if isinstance(data, dict) else None
        if not isinstance(keys, list):
            return _bounded(_violations(self._judge.iter_errors(data)))
        # Judging a key takes ten times as long as accepting it: only those that are wrong are judged.
        wrong = [index for index, key in enumerate(keys) if not self._takes_key(key)]
        part = {**data, "keys": [keys[index] for index in wrong]}
        return tuple(
            replace(found, path=("keys", wrong[int(found.path[1])], *found.path[2:]))
            if found.path[:1] == ("keys",) and len(found.path) > 1
            else found
            for found in _bounded(_violations(self._judge.iter_errors(part)))
        )

    def _takes_key(self, key: Any) -> bool:
        if self._accepts_key is None:
            self._accepts_key = _compile(self._loose_key, self._patterns)
        return self._accepts_key(key) and not self._may_repeat([key])

    def _takes_defaults(self, defaults: Any) -> bool:
        if self._accepts_defaults is None:
            self._accepts_defaults = _compile(self._defaults, self._patterns)
        return self._accepts_defaults(defaults)

    def _may_repeat(self, keys: list[Any]) -> bool:
        """Return whether some set might list an item twice; a false alarm only costs time."""
        lists = (key[name] for name in self._sets for key in keys if name in key)
        return any(items and len(items) > 1 and _repeats(items) for items in lists)


def with_kinds(document_schema: Mapping[str, Any], kinds: Iterable[str]) -> Mapping[str, Any]:
    """Return the schema of a document that may be of any of these kinds."""
    properties = document_schema["properties"]
    names = list(dict.fromkeys([*properties["kind"]["enum"], *kinds]))
    return {**document_schema, "properties": properties | {"kind": properties["kind"] | {"enum": names}}}


def described_at(schema: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """Return the schema of the value at ``path`` in a value of ``schema``; empty where none is given."""
    for step in path:
        members = {} if isinstance(step, int) else schema.get("properties", {})
        schema = schema.get("items", {}) if isinstance(step, int) else members.get(step, {})
    return schema


def is_valid(value: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether a value, such as a document of ours that is read back, follows its schema."""
    return bool(_judge(schema, Patterns()).is_valid(value))


def check_of(schema: Mapping[str, Any]) -> Callable[[Any], tuple[Violation, ...]]:
    """Return what gives every violation of ``schema`` in a value, by place; none if it is valid."""
    patterns = Patterns()
    accepts = _compile(schema, patterns)

    def check(value: Any) -> tuple[Violation, ...]:
        if accepts(value):
            return ()
        errors = _judge(schema, patterns).iter_errors(value)
        return tuple(sorted(_bounded(_violations(errors)), key=lambda found: str(found.path)))

    return check


def _bounded(violations: Iterator[Violation]) -> tuple[Violation, ...]:
    found = list(islice(violations, MOST_VIOLATIONS + 1))
    if len(found) > MOST_VIOLATIONS:
        found[MOST_VIOLATIONS] = Violation(found[MOST_VIOLATIONS].path, MORE, None, {})
    return tuple(found)


def _combined(
    document_schema: Mapping[str, Any], kind: Kind, key_schema: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the schema of a whole document whose keys are all of one kind, each following ``key_schema``."""
    # readOnly alone is a remark in JSON Schema; here it means that nobody declares the field.
    fields = {
        name: _without_read_only(keywords)
        for name, keywords in key_schema["properties"].items()
        if name not in RESERVED
    }
    members = fields | {name: document_schema["definitions"][name] for name in sorted(RESERVED, reverse=True)}
    # With its own $schema a part would be judged by a plain validator, without our keywords.
    nested = {name: value for name, value in key_schema.items() if name != "$schema"}
    properties = {**document_schema["properties"], **_scope_parts(document_schema, kind)}
    properties["keys"] = {**properties["keys"], "items": {**nested, "properties": members}}
    properties["defaults"] = {
        **properties["defaults"],
        "additionalProperties": False,
        "properties": fields | {kind.identity: _NO_DEFAULT},
    }
    header = {name: value for name, value in document_schema.items() if name not in {"allOf", "definitions"}}
    return {**header, "properties": properties}


def _without_read_only(keywords: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a field in which what is read-only, at any depth, is refused."""
    found = {**keywords, "not": {}} if keywords.get("readOnly") else dict(keywords)
    if "items" in found:
        found["items"] = _without_read_only(found["items"])
    if "properties" in found:
        members = found["properties"].items()
        found["properties"] = {name: _without_read_only(inner) for name, inner in members}
    return found


def _scope_parts(document_schema: Mapping[str, Any], kind: Kind) -> Mapping[str, Any]:
    """Return the schemas of what the header says of its scope: exactly the parts that the kind has."""
    known = document_schema["properties"]
    own = {name: known.get(name, schema) for name, schema in kind.scope.items()}
    parts = " and ".join(own) or "nothing else"
    refused = {
        "not": {},
        "errorMessage": f"is not part of what {kind.name} keys belong to ({parts}); remove it",
    }
    names = {ALIASES[name]: known[ALIASES[name]] for name in own if name in ALIASES}
    return dict.fromkeys((*SCOPE_NAMES, *ALIASES.values()), refused) | names | own


def _repeats(items: list[Any]) -> bool:
    if len(items) == 2:  # noqa: PLR2004 - the most frequent length, without any JSON
        return bool(items[0] == items[1])
    return len(set(map(json_text, items))) < len(items)


def _compile(schema: Mapping[str, Any], patterns: Patterns) -> Callable[[Any], bool]:
    import fastjsonschema  # noqa: PLC0415 - only commands that read files pay for it

    formats: dict[str, Callable[[str], bool]] = {"date-time": is_date_time}
    try:
        form = fast_form(schema, patterns.check, formats)
        check = fastjsonschema.compile(form, formats=formats, use_default=False, detailed_exceptions=False)
    except (
        *(NotPlainError, fastjsonschema.JsonSchemaDefinitionException, SyntaxError, LookupError),
        *(ValueError, RecursionError, MemoryError, PatternLimitError),
    ):
        return lambda _data: False  # it stumbles over some schemas; jsonschema alone decides then

    def accepts(data: Any) -> bool:
        try:
            check(data)
        except (fastjsonschema.JsonSchemaException, PatternLimitError):
            return False
        return True

    return accepts


def _judge(schema: Mapping[str, Any], patterns: Patterns) -> Draft7Validator:
    from jsonschema import Draft7Validator, FormatChecker, validators  # noqa: PLC0415 - 80 ms, for bad input only

    judge: type[Draft7Validator] = validators.extend(  # type: ignore[no-untyped-call]  # jsonschema says nothing of it
        Draft7Validator, {"uniqueItems": _unique_items, "pattern": functools.partial(_pattern, patterns)}
    )
    formats = FormatChecker(formats=())
    formats.checks("date-time")(_is_date_time_or_no_text)
    return judge(schema, format_checker=formats)


def _pattern(
    patterns: Patterns, _judge: Any, source: str, text: Any, _schema: Any
) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415 - see _judge

    if not isinstance(text, str):
        return
    try:
        if not patterns.matches(source, text):
            yield ValidationError("the text does not match its pattern")
    except PatternLimitError:
        yield ValidationError("matching takes too much work", validator=PATTERN_LIMIT)


def _unique_items(_judge: Any, wanted: Any, items: Any, _schema: Any) -> Iterator[ValidationError]:
    """Judge as jsonschema does, which compares each item with each: seconds for a thousand of them."""
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415 - see _judge

    if wanted and isinstance(items, list) and len(set(map(json_text, items))) < len(items):
        yield ValidationError("an item stands in the list twice")


def _is_date_time_or_no_text(value: object) -> bool:
    """Check a value of any type: jsonschema asks about all of them, fastjsonschema about texts only."""
    return not isinstance(value, str) or is_date_time(value)


def _violations(errors: Iterator[ValidationError]) -> Iterator[Violation]:
    for error in errors:
        schema: Mapping[str, Any] = error.schema if isinstance(error.schema, dict) else {}
        path = tuple(error.absolute_path)
        instance: Any = error.instance
        match error.validator:
            case "additionalProperties":
                for name in instance:
                    if name not in schema.get("properties", {}):
                        yield Violation((*path, name), error.validator, instance[name], schema)
            case "required":
                for name in schema["required"]:
                    if name not in instance:
                        yield Violation((*path, name), error.validator, None, schema)
            case keyword:
                yield Violation(path, str(keyword), instance, schema)
