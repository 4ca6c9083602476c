"""Prove drafted kinds end to end, on a server made from the same description: ``make proof OPENAPI=DIR``.

For each collection the draft is loaded as it is, the objects of the server are exported, and a plan of the
export is empty. Then each field that can be set gets another value: the plan shows that field alone, one
request is sent, which the server accepts and which holds nothing that could be left out, nothing else is
changed, and the plan is empty again. A listing longer than a page is read whole. What the server knows, it
has from the description alone: see described_server.py. The exit code is 1 if a collection does not pass.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import reconciler
from described import Described
from described_server import Fake
from described_serving import Served
from made_values import REQUEST, Maker
from proof_gaps import gaps
from proof_requests import check_minimal
from proof_verdicts import DRAFT, FaultError, StoppedClock, Verdict, declarable, tables
from reconciler.adopt.export import Live, export_document
from reconciler.errors import DescriptionError, InputError, ReconcilerError
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.addresses import collections_of
from reconciler.kinds.openapi.draft import draft
from reconciler.kinds.packaged import document_schema
from reconciler.load.builder import parse
from reconciler.load.files import read_description
from reconciler.model.scope import ScopeDefaults
from reconciler.observe.listing import observe
from reconciler.validate.validator import Validator

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.scope import Scope

_TOKEN: Final = "of-the-proof-alone"  # noqa: S105 - no response holds it
_NAME: Final = "proven"
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
        validator = lambda: Validator(document_schema(), self.kinds, ScopeDefaults(1, 1), now)  # noqa: E731
        exported = export_document(Live(self.kind, observed, now, validator), "keys.schema.json")
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
        if schema is None:
            raise FaultError("the description's update does not take it")
        own = self.kind.schema["properties"][name]

        def is_other(value: Any) -> bool:
            kept = declarable(value, own)
            is_allowed = described.is_valid(own, kept) and described.is_valid(schema, kept)
            return kept != old and is_allowed and self.fake.things.can_show(there, kept)

        of = self.fake.of
        row = described.members(of.row).get(of.shown_as(there, of.row) or there, schema)
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
        if len(writes) != 1:
            raise FaultError(f"{len(writes)} requests were sent")
        check_minimal(self.fake, writes[0], there)
        for outcome in outcomes:
            if outcome.result is not reconciler.Result.APPLIED:
                raise FaultError(f"{outcome.result}: {outcome.detail}")
        for other in thing.settings:
            if other != there and thing.settings[other] != before.get(other):
                raise FaultError(
                    f"{other} changed too: {before.get(other)!r} became {thing.settings[other]!r}"
                )
        if left := self.plan().changes:
            raise FaultError(f"afterwards the plan still changes {[one.field for one in left[0].fields]}")

    def _id(self) -> str:
        """Return the id of the first declared object, as the server has it."""
        name = self.document["keys"][0][self.kind.identity]
        there = self.kind.renamed.get(self.kind.identity, self.kind.identity)
        for identity, thing in self.fake.things.every.items():
            row = self.fake.things.row(thing)
            if row.get(there, row.get("attributes", {}).get(there)) == name:
                return identity
        raise FaultError(f"the server has no {name}")


def proven(content: Any, described: Described, collection: str, item: str, seed: int) -> Verdict:
    """Return what becomes of one collection."""
    verdict = Verdict(collection, is_patched="patch" in described.paths[item])
    try:
        fake = Fake(described, collection, item, seed=seed)
    except LookupError as error:
        fake, verdict.fault = None, f"server: {error}"
    try:
        schema = draft(content, collection, item=item).schema
    except DescriptionError as error:
        verdict.fault = f"{DRAFT}{error}"
        if fake is not None:
            _count(verdict, fake, "", ())
        return verdict
    if fake is not None:
        prove(verdict, fake, schema)
    return verdict


def _count(verdict: Verdict, fake: Fake, identity: str, seen: Collection[str]) -> None:
    """Store how much the update takes, and why nothing is proved of what was not seen."""
    verdict.taken = len(fake.of.taken)
    verdict.gaps = dict(gaps(fake, identity, seen))


def prove(verdict: Verdict, fake: Fake, schema: Mapping[str, Any]) -> None:
    """Check the schema of a kind against a server, and store the result in the verdict."""
    try:
        with tempfile.TemporaryDirectory() as name:
            _prove_all(verdict, fake, schema, Path(name))
    except (ReconcilerError, FaultError, LookupError) as error:
        verdict.fault = f"{type(error).__name__}: {error}"[:400]
    extension = schema[EXTENSION]
    there = {name: extension.get("as", {}).get(name, name) for name in schema["properties"]}
    proved = {there[name] for name in (*verdict.fields, *verdict.single)}
    _count(verdict, fake, there[extension["identity"]], proved)


def _prove_all(verdict: Verdict, fake: Fake, schema: Mapping[str, Any], folder: Path) -> None:
    kinds = folder / "kinds"
    kinds.mkdir()
    (kinds / f"{_NAME}.schema.json").write_text(json.dumps(schema))
    kind = reconciler.load_kinds(str(kinds))[_NAME]
    maker = Maker(fake.described, 7)
    scope = kind.scope_of([maker.valid(dict(words), REQUEST) for words in kind.scope.values()])
    with (
        Served(fake) as served,
        reconciler.Client(_TOKEN, base_url=served.url, clock=StoppedClock()) as client,
    ):
        run = Run(kind, scope, fake, client, folder, maker)
        run.export()
        for name in kind.settable:
            if name == kind.identity or name in kind.immutable:
                continue
            try:
                run.prove(name)
                verdict.fields[name] = ""
            except LookupError:
                verdict.single.append(name)
            except (ReconcilerError, FaultError) as error:
                verdict.fields[name] = f"{error}"[:400] or type(error).__name__
                fake.settle()
                run.export()
        if not verdict.fields:
            raise FaultError("no field has another value")
        _check_pages(run, schema[EXTENSION])
    if fake.self_faults:
        raise FaultError(f"the server's own response is not as described: {fake.self_faults[0]}")


def _check_pages(run: Run, extension: Mapping[str, Any]) -> None:
    """Raise FaultError where a listing longer than a page is not read whole."""
    fake, limit = run.fake, extension.get("page_limit", 1)
    if not fake.has_pages:
        return
    fake.fill(limit + 1)
    observed = observe(run.client.reader, run.kind, run.scope)
    there, found = len(fake.things.every), len(observed.keys) + sum(map(len, observed.unclear.values()))
    if found != there:
        raise FaultError(f"{found} of {there} objects were listed")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument(
        "files", type=Path, nargs="+", help="descriptions, in JSON or YAML, or folders of them"
    )
    parser.add_argument("--collection", help="prove this collection alone")
    parser.add_argument("--seed", type=int, default=0, help="other objects and values")
    options = parser.parse_args()
    files = [
        inner for file in options.files for inner in (sorted(file.iterdir()) if file.is_dir() else [file])
    ]
    found: dict[str, list[Verdict]] = {}
    for file in files:
        if file.suffix not in {".json", ".yaml", ".yml"}:
            continue
        content = read_description(str(file))
        described = Described(content)
        pairs = [one for one in collections_of(content) if options.collection in (None, one[0])]
        found[file.stem] = [proven(content, described, *pair, options.seed) for pair in pairs]
    for line in tables(found):
        print(line)
    sys.exit(not all(one.passes for every in found.values() for one in every))


if __name__ == "__main__":
    main()
