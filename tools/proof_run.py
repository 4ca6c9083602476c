"""One kind in a proof: its objects are exported, and its fields changed one by one."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import reconciler
from made_values import REQUEST, Maker
from proof_requests import check_minimal
from proof_verdicts import FaultError, declarable
from reconciler.adopt.export import Live, export_document
from reconciler.errors import InputError
from reconciler.kinds.packaged import document_schema
from reconciler.kinds.wire import object_of
from reconciler.load.builder import parse
from reconciler.model.scope import ScopeDefaults
from reconciler.observe.listing import observe
from reconciler.validate.validator import Rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from described_server import Fake
    from reconciler.kinds.kind import Kind
    from reconciler.model.scope import Scope

_TRIES: Final = 6
_REFUSED: Final = 400
_LIMITS: Final = reconciler.Limits(max_revoked="100%", max_changes="100%")


@dataclass(slots=True)
class Run:
    """One kind against one server; ``document`` is what is declared."""

    kind: Kind
    scope: Scope
    fake: Fake
    client: reconciler.Client
    folder: Path
    maker: Maker
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Return the kind by its name."""
        return {self.kind.name: self.kind}

    def plan(self) -> reconciler.Plan:
        """Load the document, and plan it."""
        file = self.folder / "keys.json"
        file.write_text(json.dumps(self.document))
        now = self.client.clock.now()
        state = reconciler.load(file, kinds=self.kinds, now=now)
        found = reconciler.plan(state, self.client, kinds=self.kinds, limits=_LIMITS)
        for problem in found.problems:
            raise FaultError(f"plan: {problem.message}")
        return found

    def export(self) -> None:
        """Declare all objects. Raises FaultError where one is left out, or the plan is not empty."""
        observed = observe(self.client.reader, self.kind, self.scope)
        now = self.client.clock.now()
        rules = Rules(
            document_schema=document_schema(), kinds=self.kinds, defaults=ScopeDefaults(1, 1), now=now
        )
        exported = export_document(Live(self.kind, observed, now, rules), "keys.schema.json")
        self.document = parse(exported.text, "export")[0].data
        there = len(self.fake.things.every)
        if exported.warnings or len(self.document["keys"]) != there:
            first = next((problem.message for problem in exported.warnings), "")
            raise FaultError(f"export: {len(self.document['keys'])} of {there} objects: {first}")
        changes = self.plan().changes
        if changes:
            raise FaultError(f"a plan of the export changes {changes[0].fields[0].field}")

    def prove(self, name: str) -> None:
        """Change one field of the first object. Raises FaultError; LookupError where it has one value."""
        key = self.document["keys"][0]
        there = self.kind.renamed.get(name, name)
        old, had = key.get(name), name in key
        if self.kind.update.method is None:
            key["lifecycle"] = {"replace": True}
        reason = "no other value is valid for both the draft and the description"
        for _ in range(_TRIES):
            value = self._other(there, name, old)
            key[name] = value
            try:
                plan = self.plan()
            except InputError as error:
                reason = f"a value is refused: {error.texts[0]}"
                continue
            changed = [(change.name, one.field) for change in plan.changes for one in change.fields]
            if not changed:
                reason = f"the plan does not show that {old!r} becomes {value!r}"
                continue
            if changed != [(str(key[self.kind.identity]), name)]:
                raise FaultError(f"the plan shows {changed}")
            self._apply(plan, there)
            return
        if had:
            key[name] = old
        else:
            del key[name]
        raise FaultError(reason[:300])

    def _other(self, there: str, name: str, old: Any) -> Any:
        described, schema = self.fake.described, self.fake.of.taken.get(there)
        if self.kind.update.method is None:
            schema = self.fake.of.created.get(there, schema)
        if schema is None:
            raise FaultError("the description's update does not take it")
        own = self.kind.schema["properties"][name]

        def is_other(value: Any) -> bool:
            kept = declarable(value, own)
            is_allowed = described.is_valid(own, kept) and described.is_valid(schema, kept, REQUEST)
            return kept != old and is_allowed and self.fake.things.can_show(there, kept)

        of = self.fake.of
        row = described.members(of.shown_in(of.row)).get(of.shown_as(there, of.row) or there, schema)
        for source in (schema, row):  # rows may allow less than the update takes
            with suppress(LookupError):
                return declarable(self.maker.valid(source, REQUEST, is_other), own)
        if self._has_one_value(schema):
            raise LookupError(f"{name} has one value")
        raise FaultError("no other value is valid for the draft, the update and the response")

    def _has_one_value(self, schema: Any) -> bool:
        made = [self.maker.valid(schema, REQUEST) for _ in range(_TRIES)]
        return all(value == made[0] for value in made)

    def _apply(self, plan: reconciler.Plan, there: str) -> None:
        thing = self.fake.things.every[self._id()]
        before, sent = dict(thing.settings), len(self.fake.requests)
        outcomes = reconciler.apply(
            plan, self.client, kinds=self.kinds, freshness=reconciler.Freshness.JUST_MADE
        )
        writes = [one for one in self.fake.requests[sent:] if one.method != "GET"]
        for one in writes:
            if one.status >= _REFUSED:
                raise FaultError(f"refused: {'; '.join(one.faults)} ({json.dumps(one.body)[:150]})")
        methods = [one.method for one in writes]
        is_replaced = self.kind.update.method is None
        if methods != ["DELETE", "POST"] if is_replaced else len(methods) != 1:
            details = "; ".join(f"{one.result}: {one.detail}" for one in outcomes)
            raise FaultError(f"{methods} were sent: {details}")
        if is_replaced:
            thing = self.fake.things.every[self._id()]
        else:
            check_minimal(self.fake, writes[0], there)
        for outcome in outcomes:
            if outcome.result is not reconciler.Result.APPLIED:
                raise FaultError(f"{outcome.result}: {outcome.detail}")
        known = {self.kind.renamed.get(one, one) for one in self.kind.settable}
        for other in thing.settings.keys() & known if is_replaced else thing.settings:
            if other != there and thing.settings[other] != before.get(other):
                raise FaultError(
                    f"{other} changed too: {before.get(other)!r} became {thing.settings[other]!r}"
                )
        if left := self.plan().changes:
            raise FaultError(f"afterwards the plan still changes {[one.field for one in left[0].fields]}")

    def _id(self) -> str:
        """Return the id of the first declared object, as the server has it."""
        name = str(self.document["keys"][0][self.kind.identity])
        for identity, thing in self.fake.things.every.items():
            if self.kind.name_of(object_of(self.kind, self.fake.things.row(thing))) == name:
                return identity
        raise FaultError(f"the server has no {name}")


def parameters_of(kind: Kind, fake: Fake, maker: Maker) -> list[Any]:
    """Return values of what is in the path of a collection, which the kind and the description allow."""
    said = {
        one["name"]: one.get("schema", {}) for one in fake.of.listing["parameters"] if one["in"] == "path"
    }
    schemas = [said.get(name, {}) for name in re.findall(r"\{([^{}]+)\}", fake.of.path)]
    both = zip(kind.scope.values(), schemas, strict=True)
    return [maker.valid({"allOf": [dict(words), schema]}, REQUEST) for words, schema in both]
