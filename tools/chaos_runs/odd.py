"""Odd objects beside good ones: whatever the service shows of one, the others are planned and corrected."""

from __future__ import annotations

import http.client
import json
import random
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from chaos_runs.data import PROJECT, make_keys, other_value, seed_of, stored, write_files
from chaos_runs.processes import APPLY, a_place, outcomes
from chaos_runs.promises import Findings
from gcore_emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from chaos_runs.data import Key
    from chaos_runs.processes import Ended, Place
    from chaos_runs.scale import Scale

_SIZES: Final = (12, 5)
_ODD: Final[Mapping[str, Sequence[Any]]] = {
    "description": (None, 5, True, [], {"a": 1}),
    "expire": (5, True, "never", "10000-01-01T00:00:00Z", "2027-13-45T99:99:99Z", "", [], {}),
    "is_disabled": (None, "no", 0, 1, 1.5, []),
    "containers": (
        None,
        "web",
        {},
        [None],
        ["web"],
        [{"name": "web"}],
        [{"name": 1, "namespace": "shop"}],
        [[]],
    ),
}
_GOOD: Final[Mapping[str, Any]] = {
    "description": "by hand",
    "created_at": "2026-01-01T00:00:00Z",
    "status": "Active",
    "source": "cloud",
    "expire": None,
    "is_disabled": False,
    "containers": [],
}
_STRANGE_ROWS: Final[Sequence[Any]] = (
    None,
    7,
    "row",
    [],
    {},
    _GOOD,
    {**_GOOD, "name": None},
    {**_GOOD, "name": 5},
    {**_GOOD, "name": ""},
    {**_GOOD, "name": "."},
    {**_GOOD, "name": ".."},
    {**_GOOD, "name": "half \ud800"},
    {"name": "bare"},
    {**_GOOD, "name": "a/b", "description": None},
    {**_GOOD, "name": "%2e%2e", "expire": "10000-01-01T00:00:00Z"},
    {**_GOOD, "name": "line\nbreak", "containers": [{"name": "web"}]},
    {**_GOOD, "name": "source", "source": {"a": []}},
)


@dataclass(slots=True)
class _Portal:
    """What a user of the portal made: odd fields of declared keys, by address, and strange rows."""

    odd: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: dict[int, list[Any]] = field(default_factory=dict)

    def shown(self, path: str, document: Any) -> Any:
        """Return what the service shows at ``path``, where it would have shown ``document``."""
        if not isinstance(document, dict):
            return document
        region, _, name = urlsplit(path).path.removeprefix(f"/cloud/v1/caas/keys/{PROJECT}/").partition("/")
        if name:
            return document | self.odd.get(f"caas/{PROJECT}/{region}/{name}", {})
        rows = [
            row | self.odd.get(f"caas/{PROJECT}/{region}/{row['name']}", {})
            for row in document.get("results", ())
        ]
        rows += self.rows.get(int(region), [])
        return {"count": len(rows), "results": rows}


@contextmanager
def _front(emulator: Emulator, portal: _Portal) -> Iterator[str]:
    """Run a server before the emulator that shows what the portal made; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits 40 ms for the acknowledgement of its headers

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            behind = http.client.HTTPConnection(urlsplit(emulator.url).netloc, timeout=30)
            headers = {
                name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers
            }
            behind.request(self.command, self.path, body, headers)
            found = behind.getresponse()
            content = found.read()
            behind.close()
            if found.status == http.client.OK:
                content = json.dumps(portal.shown(self.path, json.loads(content))).encode()
            self.send_response(found.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PATCH = do_POST = do_DELETE = _pass  # noqa: N815 - as the class wants them

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def odd_beside_good(scale: Scale) -> Findings:
    """Make some runs, each with other oddities."""
    findings = Findings(f"odd: {scale.odd} runs beside objects that are not as documented")
    for number in range(scale.odd):
        one_run(random.Random(f"odd {scale.seed} {number}"), findings, scale.command)  # noqa: S311 - has to be repeatable
    return findings


def one_run(draw: Random, findings: Findings, command: Sequence[str]) -> None:
    """Apply, change every key by hand, and correct, all beside odd objects."""
    keys = make_keys(_SIZES, draw)
    portal = _Portal()
    for key in draw.sample(keys, draw.randint(0, 5)):
        name = draw.choice(tuple(_ODD))
        portal.odd[key.address] = {name: draw.choice(_ODD[name])}
    for region in {key.region for key in keys}:
        portal.rows[region] = draw.sample(_STRANGE_ROWS, draw.randint(0, 6))
    findings.add("odd fields of declared keys", len(portal.odd))
    findings.add("strange rows", sum(map(len, portal.rows.values())))
    with a_place(command) as place, Emulator(seed=seed_of(keys), token=place.token) as emulator:
        write_files(keys, place.files)
        with _front(emulator, portal) as url:
            ended = place.run(url, *APPLY, str(place.files))
            _judge_apply(ended, keys, portal, emulator, findings)
            for key in keys:
                _edit(emulator, key, draw)
            ended = _drift(place, url)
            _judge_drift(ended, keys, portal, emulator, findings)
        paths = {key.path for key in keys}
        findings.promise(
            "nothing but declared keys is written to",
            (
                f"{record.method} {record.path}"
                for record in emulator.requests
                if record.method != "GET" and record.path not in paths
            ),
        )


def _wanted(key: Key, portal: _Portal) -> dict[str, Any]:
    """Return what the service is to hold of a key: its odd field cannot be compared, and stays."""
    odd = portal.odd.get(key.address, {})
    return {name: key.old[name] if name in odd else value for name, value in key.new.items()}


def _judge_apply(
    ended: Ended, keys: Sequence[Key], portal: _Portal, emulator: Emulator, findings: Findings
) -> None:
    reported, held = outcomes(ended.out), stored(emulator, keys)
    good = [key for key in keys if key.address not in portal.odd]
    findings.promise(
        "every key beside an odd one is applied",
        (
            f"{key.address}: {reported.get(key.address)}; {ended.reported}"
            for key in good
            if reported.get(key.address, ("",))[0] != "applied"
        ),
    )
    findings.promise(
        "of an odd key the fields that can be compared are applied, and the odd one is left alone",
        (f"{key.address}: {held[key.address]}" for key in keys if held[key.address] != _wanted(key, portal)),
    )
    _judge_words(ended, keys, portal, findings)
    declared_odd = any(set(portal.odd.get(key.address, ())) & set(key.declared) for key in keys)
    findings.promise(
        "the exit code of apply says whether a declared field could not be compared",
        [] if ended.code == (4 if declared_odd else 0) else [f"{ended.reported}; {portal.odd}"],
    )


def _judge_words(ended: Ended, keys: Sequence[Key], portal: _Portal, findings: Findings) -> None:
    printed = ended.out + ended.err
    findings.promise("no traceback", ["Traceback"] if "Traceback" in printed else [])
    findings.promise(
        "every declared field that cannot be compared is named",
        (
            f"{key.address}: {portal.odd[key.address]}"
            for key in keys
            if set(portal.odd.get(key.address, ())) & set(key.declared) and key.address not in printed
        ),
    )


def _edit(emulator: Emulator, key: Key, draw: Random) -> None:
    live = emulator.keys(PROJECT, key.region)[key.name]
    name = draw.choice(sorted(key.declared))
    emulator.put_key(PROJECT, key.region, {**live, name: other_value(name, live[name], draw, "theirs")})


def _drift(place: Place, url: str) -> Ended:
    return place.run(url, "drift", "--correct", "all", "--max-revoked", "100%", str(place.files))


def _judge_drift(
    ended: Ended, keys: Sequence[Key], portal: _Portal, emulator: Emulator, findings: Findings
) -> None:
    held = stored(emulator, keys)
    findings.promise(
        "every drifted key beside an odd one is corrected",
        (
            f"{key.address}: {held[key.address]}; {ended.reported}"
            for key in keys
            if key.address not in portal.odd and held[key.address] != key.new
        ),
    )
    _judge_words(ended, keys, portal, findings)
    declared_odd = any(set(portal.odd.get(key.address, ())) & set(key.declared) for key in keys)
    findings.promise(
        "drift is never called absent or corrected where a declared field could not be compared",
        [f"{ended.reported}; {portal.odd}"] if declared_odd and ended.code == 0 else [],
    )
