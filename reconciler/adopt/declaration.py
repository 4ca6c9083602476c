"""From live keys to declarations, and their text. Pure."""

from __future__ import annotations

import json
import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from reconciler.adopt.edit.spelling import block_text, field_lines
from reconciler.diff.compare import readable
from reconciler.errors import InputError
from reconciler.kinds.paths import is_segment
from reconciler.load.builder import parse
from reconciler.model.canonical import is_deeper, json_text
from reconciler.model.escape import escape_control
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted, shortened
from reconciler.plan.changes import created_at
from reconciler.plan.full_object import is_masked, without_masked
from reconciler.validate.messages import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.kinds.shape import Shape
    from reconciler.model.scope import Scope
    from reconciler.validate.schema import SchemaChecker

_LONGEST: Final = 120
_DEEPEST: Final = 100
_PRIVATE: Final = expression("secret|token|passw|passphrase|credential|private|api_?key|dsn", re.IGNORECASE)
"""What services that show secrets in their listings call them."""
_FIELD_DEPTH: Final = 3
"""Length of the path of a key's field: ``keys``, the index, the name."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """The declaration of one live key: fields in the order of the schema, and why others are left out.

    ``fact`` is a short text about the fields that only the service sets.
    """

    name: str
    fields: Mapping[str, Any]
    left_out: Mapping[str, str]
    fact: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """The declarations of a scope's live keys, by name.

    ``managed_elsewhere`` has the names of keys that other systems manage, by their mark; ``unusable`` has the
    reason for each other key that is left out; ``unnamed`` describes the live objects without a usable name.
    """

    keys: tuple[Declaration, ...]
    managed_elsewhere: Mapping[str, tuple[str, ...]]
    unusable: Mapping[str, str]
    unnamed: tuple[str, ...] = ()


def adopt(kind: Kind, keys: Iterable[Mapping[str, Any]], checker: SchemaChecker) -> Adoption:
    """Return the declarations of live keys. A plan finds every value equal to the live one."""
    usable: list[Declaration] = []
    elsewhere: dict[str, tuple[str, ...]] = {}
    unusable: dict[str, str] = {}
    for name, live in sorted(((str(key[kind.identity]), key) for key in keys), key=itemgetter(0)):
        owner = kind.owner(live)
        if owner is not None:
            elsewhere[owner] = (*elsewhere.get(owner, ()), name)
            continue
        key = declaration(kind, live, checker)
        if reason := _unusable(kind, key):
            unusable[name] = reason
        else:
            usable.append(key)
    return Adoption(tuple(usable), dict(sorted(elsewhere.items())), unusable)


def declaration(kind: Kind, live: Mapping[str, Any], checker: SchemaChecker) -> Declaration:
    """Return the declaration of one live key."""
    fields: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for name in kind.settable:
        if name not in live:
            left_out[name] = "the service does not show it"
            continue
        forms, reasons = readable(kind, [name], live)
        left_out |= reasons
        if reasons:
            continue
        value = without_masked(_ordered(kind.fields[name].shape, forms[name]))
        if is_masked(value):
            left_out[name] = "the service masks its value in responses"
        elif _reads_back(name, value):
            fields[name] = value
        else:
            left_out[name] = f"{name} holds what strict YAML cannot write"
    for violation in checker.violations({"keys": [fields]}):
        path = violation.path
        field = str(path[2]) if len(path) >= _FIELD_DEPTH else kind.identity
        left_out.setdefault(field, describe(violation))
        fields.pop(field, None)
    return Declaration(str(live[kind.identity]), fields, left_out, _fact(kind, live))


def _unusable(kind: Kind, key: Declaration) -> str | None:
    """Return why a key cannot be declared at all, None if it can."""
    if not kind.has_ids and not is_segment(key.name):
        return f"{kind.identity} cannot be one segment of a request path"
    required = [kind.identity, *kind.schema.get("required", ())]
    return next((key.left_out[name] for name in required if name in key.left_out), None)


def _ordered(shape: Shape | None, value: Any) -> Any:
    """Return a value with the members of its objects in the order of the schema."""
    if shape is not None and isinstance(value, list):
        return [_ordered(shape.items, item) for item in value]
    if shape is None or not isinstance(value, dict):
        return value
    known = {name: _ordered(inner, value[name]) for name, inner in shape.members.items() if name in value}
    return known | {name: inner for name, inner in value.items() if name not in known}


def _reads_back(name: str, value: Any) -> bool:
    """Return whether the text of a value is parsed as the same value."""
    if value is None or isinstance(value, bool) or (isinstance(value, str) and block_text(value) == value):
        return True
    text = "\n".join([*field_lines(name, value, 0), ""])
    try:
        json_text(value).encode()  # half a character can be an escape, which not every parser reads
        (document,) = parse(text, name)
    except (InputError, UnicodeEncodeError):
        return False
    return json_text(document.data) == json_text({name: value})


def _fact(kind: Kind, live: Mapping[str, Any]) -> str:
    """Return the facts that the service set: ``created 2026-01-01T00:00:00Z, status Active``."""
    facts = {
        name: live[name]
        for name, field in kind.fields.items()
        if field.read_only
        and name not in {kind.secret, kind.path_field}
        and live.get(name) not in (None, "")
        and not _is_private(name, live[name])
    }
    if kind.created in facts:
        facts[kind.created] = created_at(kind, live) or facts[kind.created]
    words = {kind.created: "created"}
    return ", ".join(f"{words.get(name, name)} {_short(value)}" for name, value in facts.items())


def _is_private(name: str, value: Any) -> bool:
    """Return whether a read-only value may be, or hold, a secret, by its name."""
    if _PRIVATE.search(name) or is_deeper(value, _DEEPEST):
        return True
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return any(_is_private(str(inner), item) for inner, item in inside)


def _short(value: Any) -> str:
    try:
        text = escape_control(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    except RecursionError:
        text = "what is nested too deeply to be shown"
    return shortened(text, _LONGEST)


def key_lines(key: Declaration, column: int = 2, offset: int = 2) -> list[str]:
    """Return a key as an item of a list with dashes at ``column`` and fields ``offset`` further."""
    pad = " " * column
    first, *rest = [
        line for name, value in key.fields.items() for line in field_lines(name, value, column + offset)
    ]
    lines = [f"{pad}-{' ' * (offset - 1)}{first.lstrip(' ')}", *rest]
    inner = " " * (column + offset)
    lines += [f"{inner}# {name} left out: {_short(reason)}" for name, reason in key.left_out.items()]
    return [f"{pad}# {key.fact}", *lines] if key.fact else lines


def document_lines(kind: Kind, scope: Scope, adoption: Adoption) -> list[str]:
    """Return a document of one scope, with comments about the keys that are left out."""
    lines = [f"{name}: {block_text(value)}" for name, value in (("kind", kind.name), *scope.parameters)]
    for owner, names in adoption.managed_elsewhere.items():
        count = counted(len(names), "key")
        lines.append(f"# left out: {count} managed elsewhere ({_short(owner)}), which are never changed:")
        lines += [f"#   {_short(name)}" for name in names]
    lines += [f"# left out: {_short(name)}: {_short(reason)}" for name, reason in adoption.unusable.items()]
    lines += [f"# left out: {_short(text)}" for text in adoption.unnamed]
    if not adoption.keys:
        return [*lines, "keys: []"]
    return [*lines, "keys:", *(line for key in adoption.keys for line in key_lines(key))]
