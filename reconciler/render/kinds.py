"""The known kinds: what each can set, create and delete, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.kinds.rest import BodyRule
from reconciler.kinds.rotation import ends_of, renewal_fault, rotation_fault
from reconciler.model.escape import escape_control, neutralize_log_commands
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.kinds.kind import Kind


def render_kinds(kinds: Mapping[str, Kind], files: Mapping[str, str]) -> str:
    """Return the kinds as text; ``files`` has the file of each that is not packaged."""
    lines = [line for name in sorted(kinds) for line in ("", *_lines(kinds[name], files))]
    return "".join(f"{escape_control(line)}\n" for line in lines[1:])


def render_kinds_json(kinds: Mapping[str, Kind], files: Mapping[str, str]) -> str:
    """Return the kinds as JSON, in the order of their names."""
    every = [_described(kinds[name], files.get(name)) for name in sorted(kinds)]
    return neutralize_log_commands(json.dumps({"kinds": every}, indent=2)) + "\n"


def _described(kind: Kind, file: str | None) -> Mapping[str, Any]:
    create = kind.create_requires
    return {
        "name": kind.name,
        "api": kind.api,
        "unusable": kind.api_fault or None,
        "source": "packaged" if file is None else "file",
        "file": file,
        "collection": kind.collection,
        "item": kind.item.replace("{}", f"{{{kind.path_field}}}"),
        "identity": kind.identity,
        "set": _settable(kind),
        "set_by_creation": sorted(kind.immutable),
        "update": None
        if kind.update.method is None
        else {"method": kind.update.method, "body": str(kind.update.body)},
        "create": None if create is None else {"requires": list(create), "later": sorted(kind.create_later)},
        "delete": True,
        "renew": not renewal_fault(kind),
        "rotate": not rotation_fault(kind),
        "secret": kind.secret,
    }


def _settable(kind: Kind) -> list[str]:
    """Return the fields that an update sets."""
    return [name for name in kind.settable if name != kind.identity and name not in kind.immutable]


def _rotated(kind: Kind) -> str:
    """Return whether keys can be rotated and renewed, or why not."""
    if fault := rotation_fault(kind):
        return f"no: {fault}"
    ends = ends_of(kind)
    by = listed(filter(None, (ends.expiry, ends.switch)))
    return f"yes, by {by}" + (
        "" if ends.can_change or ends.expiry is None else "; the expiry does not change"
    )


def _lines(kind: Kind, files: Mapping[str, str]) -> Iterator[str]:
    update, create = kind.update, kind.create_requires
    whole = ", the whole key" if update.body is BodyRule.WHOLE else ""
    needs = f", with {listed(create)}" if create else ""
    by_update = f"{listed(_settable(kind)) or 'nothing'} ({update.method}{whole})"
    facts = {
        **({"api": kind.shown_api} if kind.shown_api else {}),
        **({"unusable": kind.api_fault} if kind.api_fault else {}),
        "from": files.get(kind.name, "packaged"),
        "path": kind.item.replace("{}", f"{{{kind.path_field}}}"),
        "named by": kind.identity,
        "set": "by creations only" if update.method is None else by_update,
        "created": "no" if create is None else f"yes{needs}",
        "deleted": "with state: absent",
        "rotated": _rotated(kind),
    }
    if kind.create_later:
        facts["created"] += f"; only later {listed(sorted(kind.create_later))}"
    if kind.immutable:
        facts["created"] += f"; only then {listed(sorted(kind.immutable))}"
    yield kind.name
    yield from (f"  {name:<9} {fact}" for name, fact in facts.items())
