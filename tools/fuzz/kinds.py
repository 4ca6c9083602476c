"""The kinds run: files of kinds with hostile values at every place, loaded and then used."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

from fuzz.kind_files import content, once_in
from fuzz.report import Broken, Report, seeded
from reconciler.api.reader import Page
from reconciler.cli.console import Console
from reconciler.errors import InputError, ReconcilerError
from reconciler.kinds.bundle import editor_schema
from reconciler.kinds.packaged import document_schema, load_kinds
from reconciler.load.files import Input
from reconciler.model.scope import ScopeDefaults
from reconciler.observe.listing import observe
from reconciler.plan.planning import assemble, plan_scope
from reconciler.render.drift import DriftView, render_drift_json
from reconciler.validate.custom_kinds import custom_kinds
from reconciler.validate.state import validated
from reconciler.validate.validator import Rules

if TYPE_CHECKING:
    import random

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredState

_SECONDS: Final = 5.0
_NOW: Final = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


def complaint_of(data: bytes, chance: random.Random) -> tuple[bool, str]:
    """Load the file of a kind and use it; return whether it was accepted, and what was not as promised."""
    console = Console(0, color=False)
    began = time.perf_counter()
    accepted = False
    try:
        try:
            kind = custom_kinds([("thing.schema.json", data)], [], {})["thing"]
            accepted = True
            _use(kind, chance)
        except InputError as error:
            for text in error.texts:
                console.error(text)
    except Exception:  # noqa: BLE001 - any exception is what is looked for
        return accepted, traceback.format_exc(limit=-6)
    seconds = time.perf_counter() - began
    return accepted, f"took {seconds:.1f} s" if seconds > _SECONDS else ""


class _Source:
    """Returns the same response to every listing."""

    received = 0
    seconds = 0.0

    def __init__(self, response: Any) -> None:
        self._response = response

    def page(self, path: str, parameters: Any, _headers: Any) -> Page:
        """Return the response, and check that the request stays where the kind says."""
        parts = path[1:].removesuffix("/").split("/") if path != "/" else ()
        if any(part in {"", ".", ".."} for part in parts) or "" in parameters:
            raise AssertionError(f"not a path to ask for: {path}")
        return Page(self._response)

    def get(self, path: str, parameters: Any, headers: Any) -> Any:
        """Return the first object of the response, as one key."""
        response = self.page(path, parameters, headers).value
        return response[0] if isinstance(response, list) else next(iter(response.values()))[0]


def _use(kind: Kind, chance: random.Random) -> None:
    """Print, validate and plan with a kind, with values that it allows and others."""
    editor_schema([kind]).encode("utf-8", "surrogatepass")
    live = [_row(kind, chance, name) for name in ("web", "api", "..", "x")]
    response: Any = live if kind.listing.results is None else {kind.listing.results: live}
    if kind.listing.count is not None and isinstance(response, dict):
        response[kind.listing.count] = len(live)
    for _ in range(3):
        state = _state(kind, chance)
        for desired in () if state is None else state.scopes:
            source: Any = _Source(response)
            try:
                observed = observe(source, kind, desired.scope)
                plan = assemble([plan_scope(kind, desired, observed, _NOW)])
            except ReconcilerError as error:
                str(error)
            else:
                render_drift_json(plan, DriftView(()), _NOW)


def _state(kind: Kind, chance: random.Random) -> DesiredState | None:
    header = {"kind": "thing", **{name: chance.choice((1, "acme", "..")) for name in kind.scope}}
    keys = [_row(kind, chance, name) for name in ("web", "new", "x" * 40)]
    text = json.dumps({**header, "keys": keys}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    rules = Rules(
        document_schema=document_schema(),
        kinds={**load_kinds(), "thing": kind},
        defaults=ScopeDefaults(1, 1),
        now=_NOW,
    )
    try:
        return validated([Input(text, "a.yaml")], rules)
    except InputError as error:
        str(error)
        return None


_OF_TYPE: Final[dict[str, tuple[Any, ...]]] = {
    "string": ("", "a", "abc", "2027-01-01T00:00:00Z", "a" * 50),
    "integer": (0, 1, 5.0, 2**63),
    "number": (0, 1.0, 2.5, 1e300),
    "boolean": (True, False),
    "null": (None,),
    "array": ([], [1, 1.0, True], [{"a": "x"}, {"a": "x", "b": 1}], ["a"]),
    "object": ({}, {"a": "x"}, {"a": 1.0}),
}


def _row(kind: Kind, chance: random.Random, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {kind.identity: name}
    for field in kind.fields:
        keywords = kind.schema["properties"][field]
        if field == kind.identity or once_in(3, chance):
            continue
        types = keywords["type"] if isinstance(keywords["type"], list) else [keywords["type"]]
        own = (*keywords.get("enum", ()), *keywords.get("examples", ()))
        row[field] = chance.choice((*own, *_OF_TYPE[chance.choice(types)], None))
    return row


def run(seed: int, inputs: int) -> Report:
    """Load and use ``inputs`` files of kinds."""
    began = time.perf_counter()
    broken: list[Broken] = []
    accepted = 0
    for number in range(inputs):
        data = content(seed, number)
        with contextlib.redirect_stderr(io.StringIO()):
            taken, complaint = complaint_of(data, seeded(seed, "use", number))
        accepted += taken
        if complaint:
            promise = "every file of a kind is loaded and used, or refused with reasons, within seconds"
            broken.append(Broken(promise, f"kind {number}", complaint, data))
    seconds = time.perf_counter() - began
    figures = [f"{inputs:,} files of kinds, {accepted:,} accepted", f"{seconds:.1f} s"]
    return Report("kinds", seed, figures, broken)
