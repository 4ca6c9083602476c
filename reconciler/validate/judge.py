"""Every violation of a schema in a value; the only module that imports jsonschema, which takes 80 ms."""

from __future__ import annotations

import functools
from itertools import islice
from typing import TYPE_CHECKING, Any

from jsonschema import Draft7Validator, FormatChecker, validators
from jsonschema.exceptions import ValidationError

from reconciler.kinds.patterns import PatternLimitError
from reconciler.model.canonical import json_text
from reconciler.model.formats import FORMATS
from reconciler.validate.messages import MORE, MOST_VIOLATIONS, PATTERN_LIMIT, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.kinds.patterns import Patterns


def judge(schema: Mapping[str, Any], patterns: Patterns) -> Callable[[Any], tuple[Violation, ...]]:
    """Return a function that returns the violations in a value; building it takes 30 times as long as a call.

    After ``MOST_VIOLATIONS`` the rest is one violation with the keyword ``MORE``.
    """
    keywords = {
        "pattern": functools.partial(_pattern, patterns),
        "required": _required,
        "uniqueItems": _unique_items,
    }
    validator_of: type[Draft7Validator] = validators.extend(Draft7Validator, keywords)  # type: ignore[no-untyped-call]  # jsonschema leaves it untyped
    formats = FormatChecker(formats=())
    for name, check in FORMATS.items():
        formats.checks(name)(functools.partial(_is_of, check))
    validator = validator_of(schema, format_checker=formats)

    def violations(value: Any) -> tuple[Violation, ...]:
        found = list(islice(_violations(validator.iter_errors(value)), MOST_VIOLATIONS + 1))
        if len(found) > MOST_VIOLATIONS:
            found[MOST_VIOLATIONS] = Violation(found[MOST_VIOLATIONS].path, MORE, None, {})
        return tuple(found)

    return violations


def _is_of(check: Callable[[str], bool], value: Any) -> bool:
    """Check a value by the formats of the fast check, which apply to texts only."""
    return not isinstance(value, str) or check(value)


def _pattern(
    patterns: Patterns, _judge: Any, source: str, text: Any, _schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(text, str):
        return
    try:
        if not patterns.check(source)(text):
            yield ValidationError("the text does not match its pattern")
    except PatternLimitError:
        yield ValidationError("matching takes too much work", validator=PATTERN_LIMIT)


def _required(_judge: Any, names: Any, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """Report all missing members at once, instead of one error for each name."""
    if isinstance(value, dict) and not value.keys() >= set(names):
        yield ValidationError("a member is missing")


def _unique_items(_judge: Any, wanted: Any, items: Any, _schema: Any) -> Iterator[ValidationError]:
    """Check as jsonschema does, without comparing all pairs, which takes seconds for a thousand items."""
    if wanted and isinstance(items, list) and len(set(map(json_text, items))) < len(items):
        yield ValidationError("an item is repeated")


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
