"""The log of a service of ``drift``: what it says of each round, once, in lines that can be shipped."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest

from gcore_emulator import Faults
from tests.support import TOKEN, CommandLine, declare, fill, lines_until, live, pipe
from tests.values import check_document

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

    from gcore_emulator import Emulator

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (debug|info|warning|error) {0,4} ([a-z.]+) (\S+): (.+)\n")


@pytest.fixture
def drifted(emulator: Emulator, tmp_path: Path) -> str:
    fill(emulator, "web", description="theirs")
    return declare(tmp_path / "keys.yaml", {"name": "web", "description": "ours"})


WEB = "caas/1/76/web"
NEUTRAL = "Access: grants on 0 keys, revokes on 0 keys, neutral on 1 key."


def next_round(process: subprocess.Popen[str]) -> list[tuple[str, str, str, str]]:
    """Return what is logged up to the end of the next round: level, event, address and message."""
    found = [LINE.fullmatch(line) for line in lines_until(process.stderr, " round.next ")]
    assert None not in found
    parts = [(one[1], one[2], one[3], one[4]) for one in found if one is not None]
    return [part for part in parts if part[0] != "debug"]


def events(logged: Sequence[tuple[str, str, str, str]]) -> list[tuple[str, str]]:
    return [(event, address) for _, event, address, _ in logged]


def test_a_log_begins_with_what_is_watched_how_often_what_is_corrected_and_who_is_notified(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    words = ("--every", "15m", "--correct", "grants", "--jitter", "5s", "-v")
    with cli.start("drift", drifted, *words) as process:
        first, *_ = lines_until(process.stderr, "round.next")
        process.terminate()
        _, rest = process.communicate(timeout=60)
    assert first.partition("service.started -: ")[2] == (
        f"watches {drifted} at {emulator.url}; a round every 15m, up to 5 s later; corrects grants;"
        " notifies no receiver; history of one day, in memory\n"
    )
    assert rest.endswith(" info    service.stopped -: The service has ended.\n")


def test_each_finding_is_logged_when_it_comes_and_when_it_goes(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    with cli.start("drift", drifted, "--every", "1d", "-v") as process:
        assert next_round(process)[1:] == [
            (
                "warning",
                "drift.found",
                "caas/1/76/web",
                'description: "ours" -> "theirs" (neutral: access unchanged)',
            ),
            (
                "warning",
                "drift",
                "-",
                f"Drift: 1 key differs from the files. {NEUTRAL}",
            ),
        ]
        fill(emulator, "web", description="theirs", is_disabled=True)
        fill(emulator, "stray")
        process.send_signal(signal.SIGHUP)
        second = next_round(process)
        fill(emulator, "web", description="ours", is_disabled=True)
        process.send_signal(signal.SIGHUP)
        third = next_round(process)
        process.send_signal(signal.SIGHUP)
        fourth = next_round(process)
        process.terminate()
        out, _ = process.communicate(timeout=60)
    assert events(second) == [("keys.unmanaged", "caas/1/76/stray"), ("keys.unmanaged", "-"), ("drift", "-")]
    assert events(third) == [("drift.ended", "caas/1/76/web"), ("drift.none", "-")]
    assert (fourth, out) == ([], "")


def test_drift_that_cannot_be_seen_for_a_round_has_not_ended(
    cli: CommandLine, emulator: Emulator, drifted: str, tmp_path: Path
) -> None:
    emulator.put_key(1, 77, live("api", description="theirs"))
    declare(tmp_path / "other.yaml", {"name": "api", "description": "ours"}, region_id=77)
    words = ("--every", "1d", "-v", "--parallelism", "1", "--retries", "0")
    with cli.start("drift", drifted, str(tmp_path / "other.yaml"), *words) as process:
        found = next_round(process)
        # The scopes are read one after the other, so it is the second whose read is refused.
        emulator.faults = Faults(unauthorized_from=2)
        process.send_signal(signal.SIGHUP)
        unseen = next_round(process)
        process.terminate()
        process.communicate(timeout=60)
    assert ("drift.found", "caas/1/77/api") in events(found)
    assert ("error", "compare.failed") in [(level, event) for level, event, *_ in unseen]
    assert "drift.ended" not in [event for event, _ in events(unseen)]


def test_files_that_break_and_are_mended_are_logged(cli: CommandLine, drifted: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    valid = file.read_text()
    with cli.start("drift", drifted, "--every", "1d", "-v") as process:
        next_round(process)
        file.write_text("keys: [")
        process.send_signal(signal.SIGHUP)
        broken = next_round(process)
        process.send_signal(signal.SIGHUP)
        still = next_round(process)
        file.write_text(valid)
        process.send_signal(signal.SIGHUP)
        mended = next_round(process)
        process.terminate()
        process.communicate(timeout=60)
    assert {(level, event) for level, event, *_ in broken} == {("error", "files.invalid")}
    assert still == []
    assert mended == [("info", "files.valid", "-", "the files are valid again")]


def test_corrections_and_waits_are_logged(cli: CommandLine, emulator: Emulator, drifted: str) -> None:
    emulator.faults = Faults(status_429_seconds=1.0, max_in_a_row=1, methods=("GET",), retry_after=1)
    with cli.start("drift", drifted, "--every", "1d", "-v", "--correct", "all") as process:
        logged = next_round(process)
        process.terminate()
        process.communicate(timeout=60)
    assert ("info", "request.wait", "-", "429: waiting 1 s, attempt 2 of 5") in logged
    assert ("info", "correction", "caas/1/76/web", "applied") in logged
    assert logged[-1] == (
        "info",
        "corrections",
        "-",
        "Apply complete! Resources: 0 added, 1 changed, 0 destroyed.",
    )


def test_what_was_corrected_has_not_ended_and_is_found_again(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    with cli.start("drift", drifted, "--every", "1d", "-v", "--correct", "all") as process:
        first = next_round(process)
        process.send_signal(signal.SIGHUP)
        second = next_round(process)
        fill(emulator, "web", description="theirs")
        process.send_signal(signal.SIGHUP)
        third = next_round(process)
        process.terminate()
        process.communicate(timeout=60)
    found = [("drift.found", WEB), ("drift", "-"), ("correction", WEB), ("corrections", "-")]
    assert (events(first)[1:], events(second), events(third)) == (found, [("drift.none", "-")], found)


def test_a_new_key_is_logged_once(cli: CommandLine, emulator: Emulator, drifted: str) -> None:
    with cli.start("drift", drifted, "--every", "1d", "-v") as process:
        next_round(process)
        logged = []
        for name in ("one", "two"):
            fill(emulator, name)
            process.send_signal(signal.SIGHUP)
            logged.append([part for part in next_round(process) if part[2] != "-"])
        process.terminate()
        process.communicate(timeout=60)
    assert [events(part) for part in logged] == [
        [("keys.unmanaged", f"caas/1/76/{name}")] for name in ("one", "two")
    ]


def shipped(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_machines_read_one_document_and_one_object_in_each_line(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    with cli.start("drift", drifted, "--every", "1d", "-v", "--format", "json") as process:
        err = "".join(lines_until(process.stderr, '"round.next"'))
        emulator.faults = Faults(status_503=1.0)
        first = pipe(process.stdout).readline()
        process.terminate()
        _, rest = process.communicate(timeout=60)
    (document,) = shipped(first)
    check_document("plan", {name: document[name] for name in document if name not in ADDED})
    assert [key["address"] for key in document["resource_drift"]] == ["caas/1/76/web"]
    logged = shipped(err + rest)
    for line in logged:
        check_document("log", line)
    assert [line["event"] for line in logged if line["level"] == "warning"] == ["drift.found", "drift"]
    assert TOKEN not in err + rest


ADDED = ("resource_drift", "resource_pending", "new_unmanaged")


def test_what_ends_a_service_is_a_line_of_its_log_too(cli: CommandLine, drifted: str) -> None:
    cli.environment.setenv("GCORE_API_KEY", "wrong")
    done = cli("drift", drifted, "--every", "1d", "--log-format", "json")
    assert done.code == 1
    logged = shipped(done.err)
    assert [line["event"] for line in logged] == ["service.started", "service.failed", "service.stopped"]
    assert "HTTP 401" in logged[1]["message"] or "403" in logged[1]["message"]


@pytest.mark.parametrize("word", ["service.started", "round.next"])
def test_the_end_of_a_service_is_logged_whenever_it_is_interrupted(
    cli: CommandLine, drifted: str, word: str
) -> None:
    with cli.start("drift", drifted, "--every", "1d", "-v") as process:
        lines_until(process.stderr, word)
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=60)
    lines = rest.splitlines(keepends=True)
    assert [line for line in lines if LINE.fullmatch(line) is None] == []
    assert [" interrupted -: Interrupted" in line for line in lines][-2:] == [True, False]
    assert " service.stopped -: " in lines[-1]


@pytest.mark.usefixtures("emulator")
def test_what_cannot_be_compared_is_logged_with_its_key(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    file.write_text("project_id: 1\nregion_id: 76\nkeys: [{name: web}]\n")
    with cli.start("drift", str(file), "--every", "1d", "-v") as process:
        logged = next_round(process)
        process.terminate()
        process.communicate(timeout=60)
    (obstacle,) = [part for part in logged if part[1] == "compare.obstacle"]
    assert obstacle[2] == "caas/1/76/web"
    assert re.fullmatch(r"\S*keys\.yaml:\d+:\d+: declared, but not on the server, .*", obstacle[3])


def test_quiet_leaves_the_findings(cli: CommandLine, drifted: str) -> None:
    with cli.start("drift", drifted, "--every", "1d", "--quiet") as process:
        assert "drift.found" in pipe(process.stderr).readline()
        process.terminate()
        process.communicate(timeout=60)
