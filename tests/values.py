"""Made-up keys, and the shortest ways to a plan of them."""

from __future__ import annotations

import datetime as dt
import functools
import io
import json
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from jsonschema import Draft7Validator, FormatChecker

from reconciler.kinds.kind import Kind, kind_from_schema
from reconciler.kinds.packaged import document_schema, load_kinds, schema_texts
from reconciler.load.files import Loaded, inputs, parse_content
from reconciler.model.cycle import FieldOutcome
from reconciler.model.desired import DesiredKey, DesiredScope
from reconciler.model.live import LiveScope
from reconciler.model.members import Edit, MemberChange
from reconciler.model.plan import Effect
from reconciler.model.provenance import Provenance
from reconciler.model.scope import Scope, ScopeDefaults
from reconciler.model.source import COLUMN_BITS
from reconciler.model.status import Episode
from reconciler.plan.origins import state_as_base, with_origins
from reconciler.plan.planning import assemble, everything, plan_scope
from reconciler.plan.saved import render_saved
from reconciler.validate.parts import merged
from reconciler.validate.validator import Rules, Validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.load.documents import Document
    from reconciler.model.desired import DesiredState
    from reconciler.model.plan import Change, Plan
    from reconciler.model.source import Problem
    from reconciler.plan.planning import Selection

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
CAAS = load_kinds()["caas"]
SCOPE = Scope("caas", 1, 76)
BASE_URL = "https://api.example.com"
LATER = "2027-01-01T00:00:00Z"
WEB = {"name": "web", "namespace": "shop"}
API = {"name": "api", "namespace": "shop"}


def live(name: str = "web-key", /, **fields: Any) -> dict[str, Any]:
    """Write a key the way the API shows one."""
    return {
        "name": name,
        "description": "",
        "expire": None,
        "is_disabled": False,
        "containers": [],
        "created_at": "2026-01-01T00:00:00Z",
        "status": "Active",
        "source": "cloud",
        **fields,
    }


def declared(name: str = "web-key", /, line: int = 1, **fields: Any) -> DesiredKey:
    """Declare a key on a line of ``keys.yaml``."""
    return DesiredKey(name, {"name": name, **fields}, "keys.yaml", (line - 1) << COLUMN_BITS)


def loaded(paths: Sequence[str], standard_input: bytes = b"") -> Loaded:
    """Return all documents of paths, and all problems of their inputs."""
    problems: list[Problem] = []
    files = [parse_content(file) for file in inputs(paths, io.BytesIO(standard_input), problems)]
    found = (problem for file in files for problem in file.problems)
    return Loaded(tuple(document for file in files for document in file.documents), (*problems, *found))


def rules(
    kinds: Mapping[str, Kind] | None = None,
    defaults: ScopeDefaults = ScopeDefaults(),  # noqa: B008 - it is frozen
    now: dt.datetime = NOW,
) -> Rules:
    """Return what documents are checked by: of keys alone, unless there are other ``kinds``."""
    known = {"caas": CAAS} if kinds is None else kinds
    return Rules(document_schema=document_schema(), kinds=known, defaults=defaults, now=now)


def state_of(*documents: Document, by: Rules | None = None) -> DesiredState:
    """Return what documents declare; neighbours of one source are those of one file. Raises InputError."""
    by = by or rules()
    validator = Validator(by)
    files = groupby(documents, lambda document: document.source)
    return merged((validator.check_documents(found, source) for source, found in files), by.kinds)


def plan_json(plan: Plan) -> str:
    """Return a plan as ``--format json`` prints it."""
    made_from = Provenance(NOW, BASE_URL, f"sha256:{'0' * 64}")
    return render_saved(replace(plan, provenance=made_from))


def make_plan(
    desired: Iterable[DesiredKey],
    observed: Iterable[Mapping[str, Any]],
    *,
    kind: Kind = CAAS,
    scope: Scope = SCOPE,
    selected: Selection = everything,
) -> Plan:
    """Plan one scope."""
    live_keys = LiveScope(scope, {key["name"]: key for key in observed})
    part = plan_scope(kind, DesiredScope(scope, tuple(desired)), live_keys, NOW, selected)
    return assemble([part], base_url=BASE_URL)


def with_origins_of(kinds: Mapping[str, Kind], plan: Plan, base: DesiredState) -> Plan:
    """Return a plan with origins, by the files at a base commit."""
    return with_origins(kinds, plan, state_as_base(kinds, plan, base))


def only_change(want: Mapping[str, Any], have: Mapping[str, Any], kind: Kind = CAAS) -> Change:
    """Plan one key with the fields ``want`` where the API shows the fields ``have``."""
    (change,) = make_plan([declared(**want)], [live(**have)], kind=kind).changes
    return change


def episode(**facts: Any) -> Episode:
    """Make drift of one field that began an hour ago and continues, unless specified otherwise."""
    values: dict[str, Any] = {
        "address": "caas/1/76/partner-acme",
        "field": "is_disabled",
        "effect": Effect.GRANTS,
        "reason": "enables the key",
        "desired": True,
        "live": False,
        "first_seen": NOW - dt.timedelta(hours=1),
        "last_seen": NOW,
        "cycles": 5,
        "outcome": FieldOutcome.LEFT,
    }
    return Episode(**values | facts)


def items(added: Iterable[Any], removed: Iterable[Any]) -> tuple[MemberChange, ...]:
    """Return the changes of the items that a set gains and loses."""
    gained = (MemberChange((), Edit.ADDED, after=item) for item in added)
    return (*gained, *(MemberChange((), Edit.REMOVED, before=item) for item in removed))


@functools.cache
def _validator(name: str) -> Draft7Validator:
    schema = json.loads(schema_texts()[name])
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema, format_checker=FormatChecker())


def check_document(name: str, document: Any) -> None:
    """Check a document against the schema of this name, which is itself checked once."""
    _validator(name).validate(document)


def kind_with(properties: Mapping[str, Any], **extension: Any) -> Kind:
    """Make a kind of its own from the schemas of its fields."""
    defaults: dict[str, Any] = {
        "collection": "/things/{project_id}",
        "identity": "name",
        "page_limit": 10,
        "always_sent": [],
        "foreign": {},
        "effects": {},
    }
    schema = {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {"name": {"type": "string"}, **properties},
        "x-reconciler": defaults | extension,
    }
    return kind_from_schema("thing", schema)
