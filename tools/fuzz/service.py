"""The service run: wild responses to list and PATCH requests."""

from __future__ import annotations

import http.client
import io
import json
import threading
import time
import traceback
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, cast

import httpx

from fuzz.reading import NOW
from fuzz.remote import RawSide, Script, connection, raw_side
from fuzz.report import Broken, Report, seeded
from fuzz.responses import Response, random_response, says_none, strict
from reconciler import pipeline
from reconciler.api.client import Session
from reconciler.api.reader import Reader
from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.apply.executor import Executor
from reconciler.errors import ReconcilerError
from reconciler.kinds.packaged import document_schema, load_kinds
from reconciler.model.escape import escape_control
from reconciler.model.outcome import Result
from reconciler.model.plan import Change
from reconciler.model.scope import ScopeDefaults
from reconciler.observe.listing import observe
from reconciler.render.drift import DriftView, render_drift_json
from reconciler.render.text import render_outcomes, render_text
from reconciler.validate.state import desired_state
from reconciler.validate.validator import Rules

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from reconciler.api.reader import Connection
    from reconciler.model.desired import DesiredState
    from reconciler.model.outcome import Outcome

KINDS: Final = load_kinds()
_RAW_SHARE: Final = 10
_BOXES: Final = [{"name": "web", "namespace": "shop"}]
_DECLARED: Final = {
    "project_id": 1,
    "region_id": 76,
    "keys": [
        {"name": "one", "description": "new", "is_disabled": True, "expire": None, "containers": _BOXES},
        {"name": "two", "expire": "2036-01-01T00:00:00Z", "containers": []},
    ],
}


def _state() -> DesiredState:
    rules = Rules(document_schema=document_schema(), kinds=KINDS, defaults=ScopeDefaults(), now=NOW)
    return desired_state(["-"], io.BytesIO(json.dumps(_DECLARED).encode()), rules)


STATE: Final = _state()
SCOPE: Final = STATE.scopes[0].scope
_PATCH: Final[dict[str, Any]] = {"description": "new", "is_disabled": True}


class Judge:
    """Asks the engine, and notes what it does that was not promised."""

    def __init__(self, seed: int) -> None:
        """Start without a broken promise."""
        self.seed = seed
        self.broken: list[Broken] = []
        self.counts: Counter[str] = Counter()

    def case(self, number: int, raw: RawSide | None = None) -> None:
        """Judge one case: the same responses to a listing, a plan and a PATCH."""
        chance = seeded("service", self.seed, number)
        responses = [random_response(chance) for _ in range(chance.choice((1, 1, 2, 3)))]
        if raw is None:
            self.ask(f"case {number}", responses)
        else:
            wires = [_bent(one.raw(), chance) for one in responses]
            shown = b"\n----\n".join(wires)
            self._ask(f"raw case {number}", shown, lambda: _Wired(raw, wires))

    def ask(self, case: str, responses: Sequence[Response]) -> None:
        """Judge what the engine makes of some responses, returned in turn."""
        shown = b"\n----\n".join(one.raw() for one in responses)
        self._ask(case, shown, lambda: _Scripted(responses))

    def _ask(self, case: str, shown: bytes, meet: Callable[[], _Scripted | _Wired]) -> None:
        self.counts["cases"] += 1
        for what, ask in (("list", self._list), ("plan", self._plan), ("patch", self._patch)):
            side = meet()
            try:
                complaint = ask(side)
            except Exception:  # noqa: BLE001 - any exception is what is looked for
                complaint = traceback.format_exc(limit=-3)
            if complaint:
                self.broken.append(Broken(what, case, complaint, shown))

    def _list(self, side: _Scripted | _Wired) -> str:
        try:
            with Reader(side.connection) as reader:
                keys = observe(reader, KINDS["caas"], SCOPE).keys
        except ReconcilerError as error:
            self.counts[f"list: {type(error).__name__}"] += 1
            return _unprintable(str(error))
        self.counts["list: no keys" if not keys else "list: keys"] += 1
        return "" if keys or says_none(side.last_document()) else "read as no keys"

    def _plan(self, side: _Scripted | _Wired) -> str:
        try:
            with Session(side.connection, Workers(1)) as session:
                plan = pipeline.plan(STATE, session, kinds=KINDS, now=NOW)
        except ReconcilerError as error:
            self.counts[f"plan: {type(error).__name__}"] += 1
            return _unprintable(str(error))
        self.counts["plan: made"] += 1
        json.loads(render_drift_json(plan, DriftView(()), NOW))
        return _unprintable(render_text(plan))

    def _patch(self, side: _Scripted | _Wired) -> str:
        with Writer(side.connection) as writer:
            executor = Executor(writer, KINDS, Workers(1), threading.Event())
            outcomes = executor.execute([_change()])
        self.counts[f"patch: {outcomes[0].result}"] += 1
        return _wrong_outcome(outcomes, side) or _unprintable(render_outcomes(outcomes))


def _change() -> Change:
    path = f"{KINDS['caas'].collection_path(SCOPE)}/one"
    before = {"description": "old", "is_disabled": False}
    return Change(SCOPE, "one", path, (), before, _PATCH, _PATCH, STATE.scopes[0].keys[0].position)


def _wrong_outcome(outcomes: Sequence[Outcome], side: _Scripted | _Wired) -> str:
    if len(outcomes) != 1:
        return f"{len(outcomes)} outcomes of one change"
    if outcomes[0].result is not Result.APPLIED:
        return "" if outcomes[0].detail else "no reason given"
    wanted = {"name": "one", **_PATCH}
    held = any(
        isinstance(found, dict) and all(found.get(name) == value for name, value in wanted.items())
        for found in _objects(side.last_document())
    )
    return "" if held else "called applied without a response that says so"


def _objects(document: Any) -> Sequence[Any]:
    """Return what a response shows: a key, or the keys of a listing, by which a write is resolved too."""
    listed = document.get("results") if isinstance(document, dict) else None
    return listed if isinstance(listed, list) else [document]


def _unprintable(text: str) -> str:
    for line in text.split("\n"):
        if not escape_control(line).isprintable():
            return f"not a line to print: {line!r}"
    escape_control(text).encode()
    return ""


class _Scripted:
    """A service that is a function."""

    def __init__(self, responses: Sequence[Response]) -> None:
        self._script = Script(responses)
        self.connection: Connection = connection(httpx.MockTransport(self._script))

    def last_document(self) -> Any:
        """Return what the last response says."""
        return self._script.last.document()


class _Wired:
    """A service at the other end of a socket."""

    def __init__(self, side: RawSide, wires: Sequence[bytes]) -> None:
        self._side = side
        side.begin(wires)
        self.connection: Connection = connection(None, side.url)

    def last_document(self) -> Any:
        """Return what the last response says, by another library's reading of HTTP."""
        response = http.client.HTTPResponse(cast("Any", _Fake(self._side.last)), method="GET")
        try:
            response.begin()
            content = response.read()
        except (http.client.HTTPException, ValueError):
            return None
        if response.status not in range(200, 300):
            return None
        headers = [("Content-Encoding", response.getheader("Content-Encoding") or "identity")]
        try:
            return strict(httpx.Response(200, headers=headers, content=content).content)
        except httpx.HTTPError:
            return None


class _Fake:
    """What HTTPResponse needs of a socket."""

    def __init__(self, wire: bytes) -> None:
        self._wire = wire

    def makefile(self, _mode: str) -> io.BytesIO:
        """Return the bytes as a file."""
        return io.BytesIO(self._wire)


def _bent(wire: bytes, chance: random.Random) -> bytes:
    """Break the framing of a response, now and then."""
    head, _, body = wire.partition(b"\r\n\r\n")
    chunk = b"%x\r\n%b\r\n" % (len(body), body)
    chunked = b"Transfer-Encoding: chunked"
    ways = (
        *[(b"", wire)] * 6,
        (b"", wire[: chance.randint(0, len(wire))]),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" + wire),
        (b"", chance.choice((b"", b"\r\n", b"SSH-2.0-x\r\n", b"HTTP/9.9 200\r\n\r\n", chance.randbytes(99)))),
        (b"Content-Length: %d" % chance.choice((0, 1, 10**9)), body),
        (chance.choice((b"Content-Length: x", b"\xff: \x00", b"X" * 200_000, b"X: y")), body),
        (chunked, body),
        (chunked, chunk + chance.choice((b"0\r\n\r\n", b"0\r\n\r\n", b"", b"0\r\n", b"zz\r\n"))),
    )
    header, rest = chance.choice(ways)
    if not header:
        return rest
    return head.replace(b"Content-Length: %d" % len(body), header) + b"\r\n\r\n" + rest


def run(seed: int, cases: int) -> Report:
    """Judge ``cases`` cases, a tenth of them over a socket."""
    began = time.perf_counter()
    judge = Judge(seed)
    with raw_side() as raw:
        for number in range(cases):
            judge.case(number, raw if number % _RAW_SHARE == 0 else None)
    counts = judge.counts
    groups = {
        group: ", ".join(
            f"{name.partition(': ')[2]} {count:,}"
            for name, count in sorted(counts.items())
            if name.startswith(group + ":")
        )
        for group in ("list", "plan", "patch")
    }
    figures = [
        f"{counts['cases']:,} cases, {-(-cases // _RAW_SHARE):,} of them over a socket",
        *(f"{group}: {text}" for group, text in groups.items()),
        f"{time.perf_counter() - began:.1f} s",
    ]
    return Report("service", seed, figures, judge.broken)
