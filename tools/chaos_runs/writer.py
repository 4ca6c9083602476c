"""Applies while another writer writes the same keys: what is seen in time is never written over."""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

from chaos_runs.data import PROJECT, make_keys, other_value, seed_of, stored, write_files
from chaos_runs.history import Who, Write, described, stories_of
from chaos_runs.processes import ChaosError, a_place, outcomes
from chaos_runs.promises import Findings
from gcore_emulator import Emulator, Faults
from gcore_emulator.timestamps import system_clock

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from random import Random

    from chaos_runs.data import Key
    from chaos_runs.history import Story
    from chaos_runs.processes import Ended
    from chaos_runs.scale import Scale
    from gcore_emulator import RequestRecord

_SIZES: Final = (12, 8)
_SHARE_DURING_APPLY: Final = 0.4
_STALE_OR_PARTLY: Final = frozenset({0, 3, 4})


class _Intruder:
    """Writes keys behind the run's back, at instants that are known exactly.

    ``instant`` stands in for the emulator's clock, which is asked the time of every request before
    anything is done for it: so the first request after approval, which belongs to the check, finds
    what was written just before. ``listen`` is reported of every request once it took effect, before its
    response is sent: so what it writes after the check's listing of a scope cannot be in that listing.
    """

    def __init__(self, keys: Sequence[Key], draw: Random) -> None:
        """Store the keys to disturb; ``emulator`` must be set before the first request."""
        self.writes: list[Write] = []
        self.emulator: Emulator
        self._keys = keys
        self._draw = draw
        self._approved = threading.Event()
        self._due = threading.Event()
        self._checked: set[int] = set()

    def asked(self) -> None:
        """Write while the question is open, and get ready for the approval."""
        self._disturb(self._keys, Who.WHILE_ASKING)
        self._due.set()
        self._approved.set()

    def instant(self) -> dt.datetime:
        """Return the time, and write if this is the first request after approval."""
        if self._due.is_set():
            self._due.clear()  # first: what is written below asks the time too
            self._disturb(self._keys, Who.BEFORE_CHECK)
        return system_clock()

    def listen(self, record: RequestRecord) -> None:
        """Note what the run writes; write after the check of each scope."""
        if record.method == "PATCH" and record.effective:
            address = record.path.removeprefix("/cloud/v1/").replace("/keys/", "/")
            self.writes.append(Write(record.sequence, address, Who.ENGINE, record.body))
        elif record.method == "GET" and self._approved.is_set():
            region = int(record.path.partition("?")[0].rpartition("/")[2])
            if region not in self._checked:
                self._checked.add(region)
                self._disturb([key for key in self._keys if key.region == region], Who.AFTER_CHECK)

    def _disturb(self, keys: Sequence[Key], who: Who) -> None:
        requests = self.emulator.requests
        latest = requests[-1].sequence if requests else 0
        for key in self._draw.sample(keys, self._draw.randint(0, max(1, len(keys) // 5))):
            live = self.emulator.keys(PROJECT, key.region)[key.name]
            field = self._draw.choice(sorted(key.old))
            fields = {field: other_value(field, live[field], self._draw, "another writer")}
            self.emulator.put_key(PROJECT, key.region, {**live, **fields})
            self.writes.append(Write(latest, key.address, who, fields))


def write_along(scale: Scale) -> Findings:
    """Apply many times, each with a writer of its own."""
    findings = Findings("writer: another writer writes random fields of random keys")
    for number in range(scale.writers):
        one_run(random.Random(f"{scale.seed}/{number}"), findings, scale.command)  # noqa: S311 - has to be repeatable
    return findings


def one_run(draw: Random, findings: Findings, command: Sequence[str]) -> None:
    """Apply once on a terminal, with a writer at work before, at and after the approval."""
    keys = make_keys(_SIZES, draw)
    intruder = _Intruder(keys, draw)
    faults = Faults(concurrent_write=_SHARE_DURING_APPLY, seed=draw.getrandbits(16))
    with a_place(command) as place:
        write_files(keys, place.files)
        intruder.emulator = emulator = Emulator(
            seed=seed_of(keys),
            token=place.token,
            clock=intruder.instant,
            listen=intruder.listen,
            faults=faults,
        )
        with emulator:
            options = ("apply", "--max-revoked", "100%", "--parallelism", str(draw.choice((1, 10))))
            ended = place.on_terminal(emulator.url, *options, str(place.files), asked=intruder.asked)
            if ended.code not in _STALE_OR_PARTLY:
                raise ChaosError(ended.reported)
            during = [
                Write(
                    change.after,
                    f"caas/{change.scope}/{change.name}",
                    Who.DURING_APPLY,
                    {change.field: change.new},
                )
                for change in emulator.disturbances
                if change.field is not None
            ]
            held = stored(emulator, keys)
    _judge(keys, [*intruder.writes, *during], held, ended, findings)


def _judge(
    keys: Sequence[Key], writes: Sequence[Write], held: Mapping[str, object], ended: Ended, findings: Findings
) -> None:
    reported, stories = outcomes(ended.out), stories_of(keys, writes)
    findings.add("runs")
    findings.add("keys to change", len(keys))
    for who, number in Counter(write.who for write in writes if write.who is not Who.ENGINE).items():
        findings.add(f"fields changed by another writer {who}", number)
    for result, number in sorted(Counter(result for result, _ in reported.values()).items()):
        findings.add(f"keys reported as {result}", number)
    findings.promise(
        "every key has an outcome",
        [] if reported.keys() == stories.keys() else [f"{len(reported)}; {ended.reported}"],
    )
    findings.promise(
        "the emulator holds what was written to it, and nothing else",
        (
            f"{address}: {held[address]}, not {described(story.values)}"
            for address, story in stories.items()
            if held[address] != story.values
        ),
    )
    for key in keys:
        _judge_key(key, stories[key.address], reported.get(key.address, ("nothing", "")), writes, findings)


def _judge_key(
    key: Key, story: Story, reported: tuple[str, str], writes: Sequence[Write], findings: Findings
) -> None:
    result, detail = reported
    own = [write for write in writes if write.address == key.address]
    sent = [write for write in own if write.who is Who.ENGINE]
    at_check = {name: value for write in own if write.who.in_time for name, value in write.fields.items()}
    moved = {name for name, value in at_check.items() if name in key.patch and value != key.old[name]}
    # Another writer may have done all that was planned: then nothing is sent, and nothing is stale.
    is_done = bool(moved) and all(
        at_check.get(name, key.old[name]) == value for name, value in key.patch.items()
    )
    lost = [(name, who) for name, who in story.overwritten if who.in_time and name in moved]
    findings.promise(
        "what another writer changed before the check is never written over",
        (f"{key.address}: {name}, changed {who}; reported as {result}" for name, who in lost),
    )
    findings.promise(
        "it is reported as stale, by its name",
        [f"{key.address}: {sorted(moved)} moved, {result}: {detail}"]
        if moved and not is_done and (result != "stale" or not all(name in detail for name in moved))
        else [],
    )
    findings.promise(
        "nothing else is reported as stale",
        [f"{key.address}: {detail}"] if result == "stale" and (is_done or not moved) else [],
    )
    findings.promise(
        "a key that holds all that was planned at the check is reported as already as planned, and no other",
        [f"{key.address}: {sorted(moved)} moved, {result}: {detail}"]
        if is_done is not (result == "already as planned")
        else [],
    )
    findings.promise(
        "only the fields of the plan are sent",
        (f"{key.address}: {described(write.fields)}" for write in sent if write.fields != key.patch),
    )
    findings.promise(
        "a field that is not in the patch is never written over",
        (f"{key.address}: {name}" for name, _ in story.overwritten if name not in key.patch),
    )
    findings.promise(
        "what is reported as applied was sent, and nothing else was",
        [f"{key.address}: {result}, sent {len(sent)} times"] if len(sent) != (result == "applied") else [],
    )
    for _, who in story.overwritten:
        if not who.in_time:
            findings.add(f"fields written over, changed {who}")
    kept = sum(1 for name, who in story.authors.items() if name in key.patch and who is Who.DURING_APPLY)
    findings.add("fields of a patch that another writer changed after they were sent", kept if sent else 0)
