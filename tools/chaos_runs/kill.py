"""Runs that are killed at any instant: the journal knows what is in doubt, and a second run repairs it."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from chaos_runs.data import make_keys, seed_of, stored, truthful, write_files
from chaos_runs.journal import entries, resolutions
from chaos_runs.processes import APPLY, PLAN, a_place, complaint
from chaos_runs.promises import Findings
from gcore_emulator import Emulator, Faults

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence
    from random import Random

    from chaos_runs.data import Key
    from chaos_runs.journal import Entries
    from chaos_runs.processes import Place
    from chaos_runs.scale import Scale
    from gcore_emulator import RequestRecord

_KEYS: Final = 40
_LATENCY: Final = 0.005
# What was in flight when the process died takes effect within the latency.
_SETTLING: Final = 10 * _LATENCY
_LONGEST_WAIT: Final = 1.2
_PARALLELISM: Final = (1, 3, 10)
_TORN: Final = b'{"at": "2026-06-01T12:00:00Z", "run": "torn", "event": "outc'
_FAULTS: Final = Faults(
    reset_before=0.05, reset_after=0.1, status_503=0.05, half_body=0.05, methods=("PATCH",)
)


@dataclass(slots=True)
class _Killer:
    """Looks at every request the instant it has taken effect, and kills after some PATCH.

    ``writes_left`` is the number of PATCHes up to the fatal one, whose response is never sent; None
    leaves the killing to the clock. ``unannounced`` are those that the journal did not name in time.
    """

    place: Place
    writes_left: int | None
    process: subprocess.Popen[str] | None = None
    patched: set[str] = field(default_factory=set)
    unannounced: list[str] = field(default_factory=list)
    fired: threading.Event = field(default_factory=threading.Event)

    def listen(self, record: RequestRecord) -> None:
        """Record a request; called in the server's thread, before the response is sent."""
        if record.method != "PATCH":
            return
        address = record.path.removeprefix("/cloud/v1/").replace("/keys/", "/")
        self.patched.add(address)
        doubt = entries(self.place.journal).doubts.get(address)
        if doubt is None or doubt["patch"] != record.body or doubt["path"] != record.path:
            self.unannounced.append(f"{record.line()}; the journal says {doubt}")
        if self.writes_left is not None and not self.fired.is_set():
            self.writes_left -= 1
            if self.writes_left == 0:
                self.kill()

    def kill(self) -> None:
        """End the process the hard way."""
        if self.process is not None:
            self.process.kill()
        self.fired.set()


def kill_and_repair(scale: Scale) -> Findings:
    """Kill many runs, each at another time, and run again after each."""
    findings = Findings("kill: SIGKILL at a random instant, then run again")
    for number in range(scale.kills):
        draw = random.Random(f"{scale.seed}/{number}")  # noqa: S311 - has to be repeatable
        by_count = number % 4 != 3  # noqa: PLR2004 - three of four
        one_run(draw, findings, draw.randint(1, _KEYS) if by_count else None)
    return findings


def one_run(draw: Random, findings: Findings, writes: int | None) -> None:
    """Kill one run after ``writes`` writes, or after some time, check it, and complete it."""
    keys = make_keys((_KEYS * 3 // 4, _KEYS - _KEYS * 3 // 4), draw)
    faults = (
        Faults(**_FAULTS.document() | {"seed": draw.getrandbits(16)}) if draw.random() < 1 / 2 else Faults()
    )
    with a_place() as place:
        write_files(keys, place.files)
        killer = _Killer(place, writes)
        with Emulator(
            seed=seed_of(keys), token=place.token, delay=_LATENCY, faults=faults, listen=killer.listen
        ) as emulator:
            _apply_and_kill(killer, emulator, draw, findings)
            emulator.faults = Faults()
            found = entries(place.journal)
            _judge(keys, killer, found, emulator, findings)
            _judge_command(place, found, keys, emulator, findings)
            if draw.random() < 1 / 4:
                findings.add("journals torn in addition")
                with place.journal.open("ab") as file:
                    file.write(_TORN)
                found = entries(place.journal)
            _repair(place, found, keys, emulator, findings)


def _apply_and_kill(killer: _Killer, emulator: Emulator, draw: Random, findings: Findings) -> None:
    place, parallelism = killer.place, draw.choice(_PARALLELISM)
    options = ("--journal", str(place.journal), "--parallelism", str(parallelism))
    wait = None if killer.writes_left is not None else draw.uniform(0, _LONGEST_WAIT)
    with place.started(emulator.url, *APPLY, *options, str(place.files)) as process:
        killer.process = process
        timer = None if wait is None else threading.Timer(wait, killer.kill)
        try:
            if timer is not None:
                timer.start()
            process.communicate()
        finally:
            if timer is not None:
                timer.cancel()
                timer.join()
    killer.fired.set()
    time.sleep(_SETTLING)
    doubts = len(entries(place.journal).doubts)
    findings.promise(
        "no more keys are in doubt than requests were in flight",
        [] if doubts <= parallelism else [f"{doubts} in doubt, {parallelism} at a time"],
    )


def _judge(
    keys: Sequence[Key], killer: _Killer, found: Entries, emulator: Emulator, findings: Findings
) -> None:
    """Compare the journal of a killed run with what the emulator received and stores."""
    held = stored(emulator, keys)
    doubts, reported = found.doubts, found.outcomes
    process = killer.process
    findings.add("runs")
    findings.add("killed before the first write", not killer.patched)
    findings.add("killed with keys in doubt", bool(doubts))
    findings.add("ended before they could be killed", process is not None and process.returncode == 0)
    findings.add("keys in doubt", len(doubts))
    findings.promise("the journal names every write before it is sent", killer.unannounced)
    findings.promise("the journal is whole, but for a torn last line", _breaks(found))
    # A write may be announced and not yet sent, never the other way round.
    findings.promise(
        "the journal names every key whose outcome is unknown",
        (f"{address}: not in doubt" for address in killer.patched - reported.keys() - doubts.keys()),
    )
    by_address = {key.address: key for key in keys}
    findings.promise(
        "an outcome in the journal is true",
        (
            f"{address}: {result}, but holds {held[address]}"
            for address, result in reported.items()
            if address not in doubts and held[address] not in truthful(by_address[address], result)
        ),
    )
    findings.promise(
        "a key holds its old or its new values, never a mixture",
        (
            f"{key.address}: {held[key.address]}"
            for key in keys
            if held[key.address] not in (key.old, key.new)
        ),
    )
    findings.promise(
        "the journal's patch and values before are the true ones", _wrong_facts(found, by_address)
    )


def _breaks(found: Entries) -> Iterator[str]:
    yield from (f"line {number} of {found.lines}" for number in found.broken if number != found.lines)


def _wrong_facts(found: Entries, keys: dict[str, Key]) -> Iterator[str]:
    for entry in found.whole:
        if entry["event"] != "write":
            continue
        key = keys[entry["address"]]
        before = {name: key.old[name] for name in key.patch}
        if entry["patch"] != key.patch or entry["before"] != before or entry["path"] != key.path:
            yield f"{entry}"


def _judge_command(
    place: Place, found: Entries, keys: Sequence[Key], emulator: Emulator, findings: Findings
) -> None:
    """Compare what ``reconciler journal`` says with the file and with what the emulator stores."""
    if not place.journal.exists():
        findings.add("journals that were never begun")
        return
    ended = place.run(emulator.url, "journal", str(place.journal))
    reported, held = resolutions(ended.out), stored(emulator, keys)
    findings.promise("reconciler journal clears up every doubt", complaint(ended))
    findings.promise(
        "reconciler journal names exactly the keys in doubt",
        sorted(f"{address}: named by one only" for address in reported.keys() ^ found.doubts.keys()),
    )
    by_address = {key.address: key for key in keys}
    for address, resolution in reported.items():
        findings.add(f"    {resolution}")
        key = by_address[address]
        expected = "took effect" if held[address] == key.new else "did not take effect"
        findings.promise(
            "reconciler journal matches the server",
            [] if resolution == expected else [f"{address}: {resolution}, but holds {held[address]}"],
        )


def _repair(
    place: Place, before: Entries, keys: Sequence[Key], emulator: Emulator, findings: Findings
) -> None:
    """Run again with the same journal, and plan: everything is as declared."""
    left = {key.address for key in keys if stored(emulator, [key])[key.address] != key.new}
    emulator.clear_requests()
    again = place.run(emulator.url, *APPLY, "--journal", str(place.journal), str(place.files))
    findings.promise("a second run repairs it", complaint(again))
    written = Counter(record.path for record in emulator.requests if record.effective)
    expected = Counter(key.path for key in keys if key.address in left)
    findings.promise(
        "the second run writes only what is left, once",
        (f"{path}: {number} writes too many or too few" for path, number in _surplus(written, expected)),
    )
    plan = place.run(emulator.url, *PLAN, str(place.files))
    findings.promise("the plan after it is empty", complaint(plan))
    found = entries(place.journal)
    added = len(found.whole) - len(before.whole)
    findings.promise(
        "half a line in the journal spoils no other line",
        [f"{added} whole lines for {len(left)} writes"] if added != 2 * len(left) else [],
    )
    results = {address: found.outcomes.get(address) for address in left}
    findings.promise(
        "the journal tells of everything that the second run applied",
        (f"{address}: {result}" for address, result in results.items() if result != "applied"),
    )


def _surplus(written: Counter[str], expected: Counter[str]) -> Iterator[tuple[str, int]]:
    for path in written.keys() | expected.keys():
        if written[path] != expected[path]:
            yield path, written[path] - expected[path]
