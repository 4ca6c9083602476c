"""Short versions of `make chaos`: the same runs, small, and the checks checked."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat
from random import Random
from threading import Event
from typing import TYPE_CHECKING

import pytest

from chaos_runs import faults, kill, lives, odd, workers, writer
from chaos_runs.data import make_keys, other_value, shown, truthful
from chaos_runs.history import Who, Write, stories_of
from chaos_runs.journal import entries, resolutions
from chaos_runs.listing import Api
from chaos_runs.processes import outcomes
from chaos_runs.promises import Findings
from chaos_runs.scale import Scale

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SMALL = Scale(sizes=(30, 10), kills=1, writers=1, odd=1, lives=1, workers=1, cluster=1, seed=2)
EARLY = replace(SMALL, seed=137)
"""A worker is killed at the second of twenty requests, one at a time."""
WRITE = {
    "event": "write",
    "at": "2026-06-01T12:00:00Z",
    "run": "1",
    "address": "caas/1/70/key-1",
    "path": "/cloud/v1/caas/keys/1/70/key-1",
    "patch": {"description": "new"},
    "before": {"description": "old"},
    "fingerprint": "sha256:0",
    "who": "somebody",
    "git_commit": None,
}
OUTCOME = {"event": "outcome", "at": "2026-06-01T12:00:01Z", "run": "1", "address": "caas/1/70/key-1"}


@pytest.fixture
def small(program: Sequence[str]) -> Scale:
    """The smallest runs, of a command that is loaded once."""
    return replace(SMALL, command=program)


def report(findings: Findings) -> str:
    return "\n".join(findings.lines())


def check(findings: Findings, *met: str) -> None:
    """Check that all promises are kept although each of these was met at least once."""
    assert findings.fulfilled, report(findings)
    assert [figure for figure in met if not findings.figures[figure]] == []


def test_an_apply_converges_although_one_request_in_five_fails(small: Scale) -> None:
    check(findings := faults.converge(small))
    assert findings.figures["requests that met a fault"] > 10


def test_an_apply_that_gives_up_reports_the_true_outcome_of_every_key(small: Scale) -> None:
    check(faults.give_up(small), "reported as failed")


def test_misleading_responses_never_falsify_an_outcome(small: Scale) -> None:
    check(faults.mislead(small), "reported as not verified")


def test_reported_creations_and_deletions_match_the_server(small: Scale) -> None:
    check(lives.live_and_die(small), "creations reported as applied", "deletions reported as applied")


@pytest.mark.parametrize("writes", [1, 17])
def test_a_killed_run_is_completed_by_the_next_run(writes: int) -> None:
    findings = Findings("kill")
    kill.one_run(Random(f"kill {writes}"), findings, writes)  # noqa: S311 - has to be repeatable
    check(findings, "keys in doubt")


def test_a_concurrent_change_seen_in_time_is_not_overwritten(small: Scale) -> None:
    findings = Findings("writer")
    for number in range(3):
        writer.one_run(Random(f"writer {number}"), findings, small.command)  # noqa: S311 - has to be repeatable
    check(findings, "keys reported as stale")


def test_an_odd_object_does_not_block_planning_and_correction_of_other_keys(small: Scale) -> None:
    findings = Findings("odd")
    for number in range(2):
        odd.one_run(Random(f"odd {number}"), findings, small.command)  # noqa: S311 - has to be repeatable
    check(findings, "odd fields of declared keys", "strange rows")


@pytest.fixture
def setting() -> Iterator[workers.Setting]:
    with workers.a_setting(EARLY) as found:
        yield found


def test_a_plan_is_the_same_although_one_of_its_workers_is_killed(setting: workers.Setting) -> None:
    check(workers.kill_in(setting, EARLY), "plans", "workers killed", "requests sent again")


def test_a_request_is_in_flight_until_its_response_or_the_end_of_who_sent_it() -> None:
    rows = {70: [{"name": "key-1"}]}
    api, reached = Api(rows, repeat(0.0)), [Event(), Event()]
    over = Event()

    def wait(number: int) -> None:
        reached[number - 1].set()
        over.wait()

    ours, theirs = zip(*[socket.socketpair() for _ in range(3)], strict=True)
    api.on_request = lambda number: wait(number) if number < 3 else None
    with ThreadPoolExecutor() as pool:
        begun = [pool.submit(api.respond, "/1/70", connection) for connection in theirs[:2]]
        assert all(event.wait(30) for event in reached)
        assert api.most == 2
        ours[0].close()
        api.respond("/1/70", theirs[2])
        assert api.most == 2, "one of three has left"
        over.set()
        body = json.dumps({"count": 1, "results": rows[70]}).encode()
        assert [each.result() for each in begun] == [(200, body)] * 2
    api.respond("/1/70", theirs[2])
    assert (api.most, api.requests) == (2, 4)
    for connection in (*ours, *theirs):
        connection.close()


def test_a_broken_promise_stays_broken_and_is_shown() -> None:
    findings = Findings("title")
    findings.promise("it holds", (f"example {number}" for number in range(7)))
    findings.promise("it holds")
    assert not findings.fulfilled
    assert "BROKEN  it holds" in report(findings)
    assert "and 2 more" in report(findings)


def test_every_generated_key_has_a_change() -> None:
    keys = make_keys((50,), Random(1))  # noqa: S311 - has to be repeatable
    assert keys == make_keys((50,), Random(1))  # noqa: S311 - the same
    for key in keys:
        assert key.patch
        assert shown(key.new) == key.new != key.old
        assert truthful(key, "applied") != truthful(key, "failed")


def test_overwriting_a_value_of_another_writer_is_detected() -> None:
    draw = Random(2)  # noqa: S311 - has to be repeatable
    key = make_keys((1,), draw)[0]
    field = next(iter(key.patch))
    theirs = {field: other_value(field, key.new[field], draw, "theirs")}
    ours = Write(5, key.address, Who.ENGINE, key.patch)
    before = Write(4, key.address, Who.BEFORE_CHECK, theirs)
    after = Write(5, key.address, Who.DURING_APPLY, theirs)
    assert stories_of([key], [ours, before])[key.address].overwritten == ((field, Who.BEFORE_CHECK),)
    late = stories_of([key], [ours, after])[key.address]
    assert late.overwritten == ()
    assert late.values == {**key.new, **theirs}


def test_a_key_is_in_doubt_until_its_outcome_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    assert entries(file).doubts == {}
    file.write_text(json.dumps(WRITE) + "\n")
    assert set(entries(file).doubts) == {WRITE["address"]}
    reported = json.dumps({**OUTCOME, "outcome": "applied"}) + "\n"
    with file.open("a") as journal:
        journal.write(reported + reported[:20])
    found = entries(file)
    assert (found.doubts, found.broken, found.lines) == ({}, (3,), 3)
    assert found.outcomes == {WRITE["address"]: "applied"}


def test_the_output_of_the_command_is_parsed() -> None:
    assert outcomes(
        "caas/1/70/key-1: applied\ncaas/1/70/key-2: failed: HTTP 500: no\n\nApply incomplete: 1"
    ) == {
        "caas/1/70/key-1": ("applied", ""),
        "caas/1/70/key-2": ("failed", "HTTP 500: no"),
    }
    assert resolutions(
        "caas/1/70/key-1: took effect\ncaas/1/70/key-2: holds something else (expire)\nRun"
    ) == {
        "caas/1/70/key-1": "took effect",
        "caas/1/70/key-2": "holds something else",
    }
