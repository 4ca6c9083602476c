"""Prove drafted kinds end to end, on a server made from the same description: ``make proof OPENAPI=DIR``.

For each collection the draft is loaded as it is, the objects of the server are exported, and a plan of the
export is empty. Then each field that can be set gets another value: the plan shows that field alone, one
request is sent, which the server accepts and which holds nothing that could be left out, nothing else is
changed, and the plan is empty again. Of a kind without an update the key is deleted and created again, with
all else that it had. A listing longer than a page is read whole. What the server knows, it has from the
description alone: see described_server.py. The exit code is 1 if a collection does not pass.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import reconciler
from described import Described
from described_server import Fake
from described_serving import Served
from made_values import Maker
from proof_gaps import gaps
from proof_run import Run, parameters_of
from proof_verdicts import DRAFT, FaultError, StoppedClock, Verdict, tables
from reconciler.errors import DescriptionError, ReconcilerError
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.addresses import changed_paths, collections_of, paths_of
from reconciler.kinds.openapi.draft import draft
from reconciler.load.files import read_description
from reconciler.observe.listing import observe

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


_TOKEN: Final = "of-the-proof-alone"  # noqa: S105 - no response holds it
_NAME: Final = "proven"


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
    verdict.taken = len({*fake.of.taken, *(name for name in seen if name in fake.of.created)})
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
    scope = kind.scope_of(parameters_of(kind, fake, maker))
    with (
        Served(fake) as served,
        reconciler.Client(_TOKEN, base_url=served.url, clock=StoppedClock()) as client,
    ):
        run = Run(kind, scope, fake, client, folder, maker)
        run.export()
        fixed = kind.immutable if kind.update.method is not None else frozenset()
        names = [name for name in kind.settable if name != kind.identity and name not in fixed]
        for name in names:
            try:
                run.prove(name)
                verdict.fields[name] = ""
            except LookupError:
                verdict.single.append(name)
            except (ReconcilerError, FaultError) as error:
                verdict.fields[name] = f"{error}"[:400] or type(error).__name__
                fake.settle()
                run.export()
        if names and not verdict.fields:
            raise FaultError("no field has another value")
        _check_pages(run, schema[EXTENSION])
    if fake.self_faults:
        raise FaultError(f"the server's own response is not as described: {fake.self_faults[0]}")


def _check_pages(run: Run, extension: Mapping[str, Any]) -> None:
    """Raise FaultError where a listing longer than a page is not read whole."""
    fake, limit = run.fake, extension.get("page_limit", 1)
    if not fake.has_pages or not fake.things.every:  # all are gone where replacements failed, which is said
        return
    fake.fill(limit + 1)
    observed = observe(run.client.reader, run.kind, run.scope)
    there, found = len(fake.things.every), len(observed.keys) + sum(map(len, observed.unclear.values()))
    if found != there:
        raise FaultError(f"{found} of {there} objects were listed")


def main(words: Sequence[str]) -> None:
    """Print the tables for the arguments ``words``."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument(
        "files", type=Path, nargs="+", help="descriptions, in JSON or YAML, or folders of them"
    )
    parser.add_argument("--collection", help="prove this collection alone")
    parser.add_argument("--alone", action="store_true", help="prove those whose items nothing changes")
    parser.add_argument("--seed", type=int, default=0, help="other objects and values")
    options = parser.parse_args(words)
    files = [
        inner for file in options.files for inner in (sorted(file.iterdir()) if file.is_dir() else [file])
    ]
    found: dict[str, list[Verdict]] = {}
    for file in files:
        if file.suffix not in {".json", ".yaml", ".yml"}:
            continue
        content = read_description(str(file))
        described = Described(content)
        paths = paths_of(content)
        every = [
            one for one in collections_of(content) if options.alone is not bool(changed_paths(paths, one[0]))
        ]
        pairs = [one for one in every if options.collection in (None, one[0])]
        found[file.stem] = [proven(content, described, *pair, options.seed) for pair in pairs]
    for line in tables(found):
        print(line)
    sys.exit(not all(one.passes for every in found.values() for one in every))


if __name__ == "__main__":
    main(sys.argv[1:])
