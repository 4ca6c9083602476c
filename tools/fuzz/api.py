"""The API run: requests over a real socket, and the emulator's responses checked against the description."""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from fuzz.description import error_shape
from fuzz.reading import NOW
from fuzz.report import Broken, Report, seeded
from fuzz.requests import TOKEN, Sent, request
from gcore_emulator import Emulator, Switches
from gcore_emulator.switches import switch_specs

if TYPE_CHECKING:
    import random

_EACH: Final = 200
_TIMEOUT: Final = 20.0
_SEED: Final = {
    "caas": {
        "1/76": [
            {"name": "web-one", "containers": [{"name": "web", "namespace": "shop"}]},
            {"name": "web-two", "expire": "2020-01-01T00:00:00Z", "is_disabled": True, "containers": []},
        ]
    },
    "faas": {
        "1/76": [
            {"name": "web-one", "functions": [{"name": "web", "namespace": "shop"}]},
            {"name": "web-two", "expire": "2020-01-01T00:00:00Z", "functions": []},
        ]
    },
    "inference": {"1": [{"name": "web-one", "deployment_names": ["llama"]}, {"name": "web-two"}]},
    "projects": [
        {"id": 1, "name": "Default"},
        {"id": 2, "name": "gone", "deleted_at": "2020-01-01T00:00:00"},
    ],
    "regions": [{"id": 76, "display_name": "Luxembourg-2"}, {"id": 6, "display_name": "Manassas"}],
}


class Examiner:
    """Sends requests, and records the responses that the description does not have."""

    def __init__(self, seed: int) -> None:
        """Start without a broken promise."""
        self.seed = seed
        self.broken: list[Broken] = []
        self.counts: Counter[str] = Counter()

    def examine(self, first: int, count: int) -> None:
        """Send the requests ``first`` and after to one emulator, with switches of its own."""
        switches = _switches(seeded("switches", self.seed, first))
        with Emulator(seed=_SEED, switches=switches, token=TOKEN, clock=lambda: NOW) as emulator:
            for number in range(first, first + count):
                sent = request(seeded("api", self.seed, number))
                self._one(emulator, switches, sent, number)

    def _one(self, emulator: Emulator, switches: Switches, sent: Sent, number: int) -> None:
        try:
            status, kind, content = _send(emulator.url, sent)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._blame("a response", number, sent, switches, repr(error))
            return
        asked = sent.operation
        name = f"{asked.thing.name} {asked.name}" if asked else "no operation"
        self.counts[f"{name}: {status}"] += 1
        complaint = judge(sent, switches, status, kind, content)
        if complaint:
            self._blame("the described response", number, sent, switches, f"{status}: {complaint}")

    def _blame(self, promise: str, number: int, sent: Sent, switches: Switches, detail: str) -> None:
        shown = sent.shown() + f"\n\n{switches}\n".encode()
        self.broken.append(Broken(promise, f"request {number}", detail, shown))


def judge(sent: Sent, switches: Switches, status: int, kind: str, content: bytes) -> str:
    """Return what the description does not have of a response, or an empty text."""
    operation = sent.operation
    allowed = _allowed(sent)
    if status not in allowed:
        return f"not one of {sorted(allowed)}"
    if sent.method == "HEAD":
        return "a body" if content else ""
    if content and kind != "application/json":
        return f"content type {kind!r}"
    try:
        document = json.loads(content, parse_constant=_no_constant) if content else None
    except ValueError as error:
        return f"no JSON: {error}"
    if operation is not None and status == operation.success:
        return operation.shape(document)
    other = status == http.HTTPStatus.UNAUTHORIZED and switches.unauthorized_body == "detail"
    return error_shape(document, other_form=other)


def _allowed(sent: Sent) -> frozenset[int]:
    """Return the statuses that the description has for a request."""
    if sent.operation is None:
        # 400 is the web server's, for what is not HTTP; a path that looks like another is 404.
        return frozenset({400, 404, 405})
    if not sent.authorized:
        return frozenset({401})
    return frozenset({sent.operation.success}) | (sent.operation.refusals - {401})


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _send(url: str, sent: Sent) -> tuple[int, str, bytes]:
    """Send a request as it is: http.client alone changes nothing in a path."""
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT)
    try:
        headers = {name: value.encode("latin-1") for name, value in sent.headers.items()}
        connection.request(sent.method, sent.target, sent.body, headers)
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type", ""), response.read()
    finally:
        connection.close()


def _switches(chance: random.Random) -> Switches:
    """Choose how the emulator behaves; half of the switches stay as they are."""
    chosen: dict[str, Any] = {
        spec.name: chance.choice(spec.choices)
        for spec in switch_specs()
        if spec.choices and chance.random() < 1 / 2
    }
    if chance.random() < 1 / 4:
        chosen["description_limit"] = 6
    return Switches(**chosen)


def run(seed: int, requests: int) -> Report:
    """Send ``requests`` requests, some hundred to each emulator."""
    began = time.perf_counter()
    examiner = Examiner(seed)
    firsts = range(0, requests, _EACH)
    for first in firsts:
        examiner.examine(first, min(_EACH, requests - first))
    counts = examiner.counts
    names = dict.fromkeys(name.partition(":")[0] for name in sorted(counts))
    figures = [
        f"{sum(counts.values()):,} requests to {len(firsts)} emulators with different switches",
        *(f"{name}: {_statuses(counts, name)}" for name in names),
        f"{time.perf_counter() - began:.1f} s",
    ]
    return Report("api", seed, figures, examiner.broken)


def _statuses(counts: Counter[str], name: str) -> str:
    own = sorted(key for key in counts if key.startswith(name + ":"))
    return ", ".join(f"{key.partition(': ')[2]} {counts[key]:,}" for key in own)
