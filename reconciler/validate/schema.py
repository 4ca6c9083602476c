"""Check documents against their schemas.

The fast check accepts valid values; all others go to the judge, which determines what is wrong. Both use the
same checks of ``date-time`` and patterns, so that they agree, as a property test shows.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.kind import RESERVED, Kind
from reconciler.kinds.patterns import Patterns
from reconciler.model.scope import ALIASES, SCOPE_NAMES
from reconciler.validate.fast import fast_check, not_accepted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.validate.messages import Path, Violation

    Schema = Mapping[str, Any]
    Check = Callable[[Any], tuple[Violation, ...]]

_NO_DEFAULT: Final[Schema] = {
    "not": {},
    "errorMessage": "identifies the key and has no default; write it in each key",
}


class SchemaChecker:
    """Checks complete documents of one kind: the header by the document schema, each key by its kind's."""

    def __init__(self, document_schema: Schema, kind: Kind) -> None:
        """Build the combined schema, and its fast check."""
        self._schema = _combined(document_schema, kind, kind.schema)
        self._patterns = Patterns()
        self._accepts = fast_check(self._schema, self._patterns)
        self._accepts_keys = fast_check(self._schema["properties"]["keys"]["items"], self._patterns)

    @functools.cached_property
    def _judge(self) -> Check:
        return _judge_of(self._schema, self._patterns)

    def violations(self, data: Any) -> tuple[Violation, ...]:
        """Return the violations in ``data``, empty if the document is valid."""
        if self._accepts([data]):
            return ()
        keys = data.get("keys") if isinstance(data, dict) else None
        if not isinstance(keys, list):
            return self._judge(data)
        # Judging a key takes ten times as long as accepting it: only those that are wrong are judged.
        wrong = not_accepted(self._accepts_keys, keys)
        part = {**data, "keys": [keys[index] for index in wrong]}
        return tuple(
            replace(found, path=("keys", wrong[int(found.path[1])], *found.path[2:]))
            if found.path[:1] == ("keys",) and len(found.path) > 1
            else found
            for found in self._judge(part)
        )


def with_kinds(document_schema: Schema, kinds: Iterable[str]) -> Schema:
    """Return the schema of a document of any of these kinds."""
    properties = document_schema["properties"]
    names = list(dict.fromkeys([*properties["kind"]["enum"], *kinds]))
    return {**document_schema, "properties": properties | {"kind": properties["kind"] | {"enum": names}}}


def described_at(schema: Schema, path: Path) -> Schema:
    """Return the schema of the value at ``path`` in a value of ``schema``; empty where there is none."""
    for step in path:
        schema = (
            schema.get("items", {}) if isinstance(step, int) else schema.get("properties", {}).get(step, {})
        )
    return schema


def is_valid(value: Any, schema: Schema) -> bool:
    """Return whether a value, such as a document of this program that is read back, is valid."""
    return not check_of(schema)(value)


def check_of(schema: Schema) -> Check:
    """Return a function that returns every violation of ``schema`` in a value, by path."""
    patterns = Patterns()
    accepts = fast_check(schema, patterns)

    def check(value: Any) -> tuple[Violation, ...]:
        found = () if accepts([value]) else _judge_of(schema, patterns)(value)
        return tuple(sorted(found, key=lambda violation: str(violation.path)))

    return check


def _judge_of(schema: Schema, patterns: Patterns) -> Check:
    from reconciler.validate.judge import judge  # noqa: PLC0415 - jsonschema takes 80 ms, for bad input only

    return judge(schema, patterns)


def _combined(document_schema: Schema, kind: Kind, key_schema: Schema) -> Schema:
    """Return the schema of a document whose keys are all of one kind, with ``key_schema`` for each."""
    fields = {
        name: _without_read_only(keywords)
        for name, keywords in key_schema["properties"].items()
        if name not in RESERVED
    }
    members = fields | {name: document_schema["definitions"][name] for name in sorted(RESERVED, reverse=True)}
    # With its own $schema a part would be judged by a plain validator, without our keywords.
    nested = {name: value for name, value in key_schema.items() if name != "$schema"}
    properties = {**document_schema["properties"], **_parameters(document_schema["properties"], kind)}
    properties["keys"] = {**properties["keys"], "items": {**nested, "properties": members}}
    properties["defaults"] = {
        **properties["defaults"],
        "additionalProperties": False,
        "properties": fields | {kind.identity: _NO_DEFAULT},
    }
    header = {name: value for name, value in document_schema.items() if name != "allOf"}
    return {**header, "properties": properties}


def _without_read_only(keywords: Schema) -> Schema:
    """Return the schema of a field without read-only members, at any depth."""
    found = {**keywords, "not": {}} if keywords.get("readOnly") else dict(keywords)
    if "items" in found:
        found["items"] = _without_read_only(found["items"])
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = _without_read_only(found["additionalProperties"])
    if "properties" in found:
        members = found["properties"].items()
        found["properties"] = {name: _without_read_only(inner) for name, inner in members}
    return found


def _parameters(known: Schema, kind: Kind) -> Schema:
    """Return the schemas of the path parameters in the header: exactly those of the kind."""
    own = {name: known.get(name, schema) for name, schema in kind.scope.items()}
    parts = " and ".join(own) or "nothing else"
    refused = {
        "not": {},
        "errorMessage": f"is not a part of the scope of {kind.name} keys ({parts}); remove it",
    }
    aliases = {ALIASES[name]: known[ALIASES[name]] for name in own if name in ALIASES}
    return dict.fromkeys((*SCOPE_NAMES, *ALIASES.values()), refused) | aliases | own
