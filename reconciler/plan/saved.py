"""A plan in a file: made on a pull request, applied by a pipeline later.

The file is the plan document with its provenance and the members that tools for Terraform require, on one
line as ``terraform show -json`` prints it, with a checksum. It holds no secret: a request body has none.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.compare import desired_form
from reconciler.diff.normalize import normalize
from reconciler.diff.undescribed import shown_members
from reconciler.errors import RefusedError, UnaddressableError
from reconciler.model.canonical import json_text, parse_instant
from reconciler.model.escape import neutralize_log_commands
from reconciler.model.identity import IdentityChange
from reconciler.model.phrases import shortened
from reconciler.model.plan import Action, Change, Origin, Plan
from reconciler.model.provenance import Provenance
from reconciler.model.source import Position, Problem
from reconciler.model.strict_json import json_fault, parse_strictly
from reconciler.model.succession import Purpose, SecretAlias
from reconciler.model.version import __version__
from reconciler.plan.changes import change_of
from reconciler.plan.document import ACTIONS, FORMAT_VERSION, plan_document, request_document
from reconciler.plan.planning import with_fingerprint
from reconciler.plan.terraform import resource_members, terraform_members
from reconciler.validate.schema import is_valid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.scope import Scope

_CHECKSUM: Final = "checksum"
_EDITED: Final = "it was edited since plan --out wrote it; make the plan again"
_MAKE_ONE: Final = "plan --out writes one"


def render_saved(plan: Plan) -> str:
    """Return the text of a plan file: one line. The plan must have a provenance."""
    provenance = plan.provenance
    if provenance is None:
        raise ValueError("the plan has no provenance")
    document = plan_document(plan, provenance.made_at) | terraform_members(plan)
    document |= {
        "base_url": provenance.base_url,
        "inputs_digest": provenance.inputs_digest,
        "git_commit": provenance.git_commit,
        "base_commit": provenance.base_commit,
        "observed": [{"scope": str(scope), "keys": keys} for scope, keys in plan.observed],
    }
    for change, shown in zip(plan.changes, document["resource_changes"], strict=True):
        shown.update(resource_members(change))
        shown["declared_column"] = change.position.column
        if change.parts:
            shown["declared_parts"] = dict(change.parts)
    document[_CHECKSUM] = _checksum(document)
    return neutralize_log_commands(json.dumps(document, separators=(",", ":"))) + "\n"


def read_saved(content: bytes, kinds: Mapping[str, Kind], schema: Mapping[str, Any]) -> Plan:
    """Parse a plan file; ``schema`` is that of plans. Raises RefusedError if it cannot be used.

    Every member of the file must be what a plan of these changes has: a reviewer of one can rely on all.
    """
    document = _document(content)
    if "format_version" not in document:
        raise RefusedError(f"it is not a plan: it has no format_version; {_MAKE_ONE}")
    version = document["format_version"]
    if version != FORMAT_VERSION:
        shown = shortened(json_text(version), 40)
        raise RefusedError(f"it has the format {shown}, and this version reads {FORMAT_VERSION}")
    made_by = document.get("reconciler_version")
    if made_by != __version__:
        shown = shortened(json_text(made_by), 40)
        raise RefusedError(
            f"it was made by reconciler {shown}, and this is {__version__}; make the plan again"
        )
    if _CHECKSUM not in document:
        raise RefusedError("it was not made by plan --out: it has no checksum")
    if document[_CHECKSUM] != _checksum(document) or not is_valid(document, schema):
        raise RefusedError(_EDITED)
    try:
        plan = _plan(document, kinds)
    except (KeyError, StopIteration, TypeError, UnaddressableError, ValueError) as error:
        raise RefusedError(f"it cannot be read by this version: {error}") from error
    _check_requests(plan, document)
    if json.loads(render_saved(plan)) != document:
        raise RefusedError(_EDITED)
    return plan


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = parse_strictly(content)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"it is truncated or not JSON ({_fault(error)}); {_MAKE_ONE}") from error
    if not isinstance(document, dict):
        raise RefusedError("it is not a plan: it is not a JSON object")
    return document


def _fault(error: ValueError | RecursionError) -> str:
    place = f"line {error.lineno}, column {error.colno}: " if isinstance(error, json.JSONDecodeError) else ""
    return f"{place}{json_fault(error)}"


def _checksum(document: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in document.items() if name != _CHECKSUM}
    return f"sha256:{hashlib.sha256(json_text(rest).encode('utf-8', 'surrogatepass')).hexdigest()}"


def _check_requests(plan: Plan, document: Mapping[str, Any]) -> None:
    """Raise RefusedError if the requests in a file have other paths: those of the file are never used."""
    for change, shown in zip(plan.changes, document["resource_changes"], strict=True):
        is_, was = request_document(change), shown["request"]
        if is_ != was:
            now, then = (f"{one['method']} {one['path']}" for one in (is_, was))
            message = f"{change.address} was planned as {then}, and its kind now makes it {now}"
            raise RefusedError(f"{message}; make the plan again")


def _plan(document: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Plan:
    made_at = parse_instant(document["timestamp"])
    if made_at is None:
        raise ValueError("its timestamp is not an instant")
    made_from = (document[name] for name in ("base_url", "inputs_digest", "git_commit", "base_commit"))
    changes = tuple(_change(shown, kinds) for shown in document["resource_changes"])
    problems, warnings, refusals = (
        tuple(map(_problem, document.get(name, ()))) for name in ("errors", "warnings", "refusals")
    )
    observed = []
    for entry in document["observed"]:
        kind = _kind(kinds, entry["scope"].partition("/")[0])
        observed.append((_parsed(kind, f"{entry['scope']}/1")[0], entry["keys"]))
    aliases = tuple(_alias(shown, kinds) for shown in document.get("secret_aliases", ()))
    plan = Plan(
        changes=changes,
        unchanged=document["summary"]["no-op"],
        unmanaged=tuple(document["unmanaged"]),
        unmanaged_ids={name: tuple(ids) for name, ids in document.get("unmanaged_ids", {}).items()},
        problems=problems,
        warnings=warnings,
        fingerprint="",
        observed=tuple(observed),
        refusals=refusals,
        base_url=document["base_url"],
        provenance=Provenance(made_at, *made_from),
        knows_ids="identities" in document,
        identity_changes={
            address: _identity(address, shown, kinds)
            for address, shown in document.get("identities", {}).items()
        },
        aliases=aliases,
    )
    return with_fingerprint(plan)


def _alias(shown: Mapping[str, Any], kinds: Mapping[str, Kind]) -> SecretAlias:
    address = shown["address"]
    return SecretAlias(*_parsed(_kind(kinds, address.partition("/")[0]), address), shown["alias"])


def _kind(kinds: Mapping[str, Kind], name: str) -> Kind:
    if name not in kinds:
        raise RefusedError(f"its kind {name} is not known here; add the folder of its file with --kinds")
    return kinds[name]


def _parsed(kind: Kind, address: str) -> tuple[Scope, str]:
    parsed = kind.parse_address(address)
    if parsed is None:
        raise ValueError(f"{address} is not an address")
    return parsed


def _change(shown: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Change:
    """Return a change. The request follows from its values, never from the patch in the file."""
    kind = _kind(kinds, shown["type"])
    scope, name = _parsed(kind, shown["address"])
    values = shown["change"]
    action = next(action for action, words in ACTIONS.items() if words == values["actions"])
    if action is Action.UPDATE and kind.update.method is None:
        message = f"{shown['address']} was planned as an update, and its kind now has none"
        raise RefusedError(f"{message}; make the plan again")
    before, after = (
        {field: normalize(kind.fields[field], value) for field, value in (values[side] or {}).items()}
        for side in ("before", "after")
    )
    source, _, line = shown["declared_at"].rpartition(":")
    position = Position(source, int(line), shown["declared_column"])
    path_id = None if action is Action.CREATE else shown.get("id", name)
    change = change_of(
        kind,
        scope,
        name,
        action,
        before=before,
        after=after,
        position=position,
        path_id=path_id,
        shown=_shown(kind, before, shown.get("live_members", {})),
    )
    origins = {field: Origin(origin) for field, origin in values.get("origins", {}).items()}
    return replace(
        change,
        fields=tuple(replace(field, origin=origins.get(field.field)) for field in change.fields),
        created=shown["created_at"],
        is_undeclared=shown.get("undeclared", False),
        origin=Origin(values["origin"]) if "origin" in values else None,
        parts=_parts(kind, change, shown.get("declared_parts", {})),
        purpose=Purpose(shown["purpose"]) if "purpose" in shown else None,
        waits_for=_parsed(kind, shown["waits_for"])[1] if "waits_for" in shown else None,
    )


def _identity(address: str, shown: Mapping[str, Any], kinds: Mapping[str, Kind]) -> IdentityChange:
    _, name = _parsed(_kind(kinds, address.partition("/")[0]), address)
    is_taken = shown["became"] == "replaced"
    return IdentityChange(name, shown["id"], shown["new_name"], shown["other_id"], is_taken)


def _parts(kind: Kind, change: Change, shown: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the declared parts of objects, which together with live members are the values of the change."""
    for name, value in shown.items():
        whole = desired_form(kind.fields[name], value, change.before[name])
        if json_text(whole) != json_text(change.after[name]):
            raise ValueError(f"{name} is not declared as {json_text(value)}")
    return shown


def _shown(kind: Kind, before: Mapping[str, Any], shown: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return live values with undescribed members; their other members are in ``before``."""
    for name, value in shown.items():
        if shown_members(kind, [name], shown).get(name) != value:
            raise ValueError(f"{name} has no members that are not described")
        if json_text(normalize(kind.fields[name], value)) != json_text(before[name]):
            raise ValueError(f"{name} is not live as {json_text(value)}")
    return shown


def _problem(shown: Mapping[str, Any]) -> Problem:
    position = None
    if "declared_at" in shown:
        source, line, column = shown["declared_at"].rsplit(":", 2)
        position = Position(source, int(line), int(column))
    return Problem(shown["message"], position, shown["address"], shown.get("live", False))
