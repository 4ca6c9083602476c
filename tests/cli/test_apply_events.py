"""``apply --events``: JSON lines as things happen, for a program."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_apply_signals import Gate
from tests.support import CommandLine, declare, emulate, fill, lines_until, patches, pipe

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator
    from tests.support import Finished

FOLLOWED = ("--events", "--auto-approve")
HOSTILE = "first\nsecond \x1b[31m \u202e </script> \U0001f600"


@pytest.fixture
def drifted(emulator: Emulator, tmp_path: Path) -> str:
    """Two keys, of which one differs."""
    fill(emulator, "api", description="theirs")
    fill(emulator, "web", description="ours")
    return declare(
        tmp_path / "keys.yaml", *({"name": name, "description": "ours"} for name in ("api", "web"))
    )


def events(done: Finished) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def of_type(done: Finished, wanted: str) -> list[dict[str, Any]]:
    return [event for event in events(done) if event["type"] == wanted]


def test_events_cover_an_apply_from_start_to_end(cli: CommandLine, drifted: str) -> None:
    done = cli("apply", drifted, *FOLLOWED)
    assert (done.code, done.err) == (0, "")
    assert [event["type"] for event in events(done)] == [
        "version",
        "planned_change",
        "change_summary",
        "apply_start",
        "apply_complete",
        "change_summary",
    ]
    assert {key for event in events(done) for key in event if key.startswith("@")} == {
        "@level",
        "@message",
        "@module",
        "@timestamp",
    }
    assert {event["@timestamp"] for event in events(done)} == {"2026-06-01T12:00:00.000000Z"}
    (started,) = of_type(done, "apply_start")
    assert started["hook"]["action"] == "update"
    assert started["hook"]["resource"]["addr"] == "caas/1/76/api"
    assert [event["changes"] for event in of_type(done, "change_summary")] == [
        {"add": 0, "change": 1, "remove": 0, "operation": "plan"},
        {"add": 0, "change": 1, "remove": 0, "operation": "apply"},
    ]
    assert events(done)[-1]["@message"] == "Apply complete! Resources: 0 added, 1 changed, 0 destroyed."


def test_a_write_event_precedes_the_response(cli: CommandLine, tmp_path: Path) -> None:
    gate = Gate()
    with emulate(listen=gate) as emulator:
        cli.use(emulator)
        fill(emulator, "api", description="theirs")
        path = declare(tmp_path / "keys.yaml", {"name": "api", "description": "ours"})
        with cli.start("apply", path, *FOLLOWED) as process:
            assert gate.reached.wait(timeout=60)
            *_, started = lines_until(process.stdout, "apply_start")
            process.send_signal(signal.SIGTERM)
            lines_until(process.stderr, "Interrupted")
            gate.open()
            rest = [json.loads(line) for line in pipe(process.stdout)]
            process.wait(timeout=60)
    assert json.loads(started)["@message"] == 'caas/1/76/api: Modifying... {"description":"ours"}'
    assert [event["type"] for event in rest] == ["apply_complete", "change_summary"]
    assert process.returncode == 130


def test_events_of_a_dry_run_show_the_plan_and_nothing_is_sent(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    done = cli("apply", drifted, "--events", "--dry-run")
    assert [event["type"] for event in events(done)] == ["version", "planned_change", "change_summary"]
    assert patches(emulator) == []


def test_an_empty_apply_has_events(cli: CommandLine, drifted: str) -> None:
    cli("apply", drifted, *FOLLOWED)
    done = cli("apply", drifted, *FOLLOWED)
    assert [event["@message"] for event in events(done)][1:] == [
        "No changes. Your infrastructure matches the configuration."
    ]


def test_a_value_accepted_but_not_stored_is_an_error_event(cli: CommandLine, tmp_path: Path) -> None:
    with emulate(null_expire="ignored") as emulator:
        cli.use(emulator)
        fill(emulator, "api", expire="2027-01-01T00:00:00Z")
        path = declare(tmp_path / "keys.yaml", {"name": "api", "expire": None})
        done = cli("apply", path, *FOLLOWED)
    assert done.code == 4
    (errored,) = of_type(done, "apply_errored")
    assert (errored["@level"], errored["hook"]["result"]) == ("error", "not verified")
    (diagnostic,) = (event["diagnostic"] for event in of_type(done, "diagnostic"))
    assert (diagnostic["severity"], diagnostic["address"]) == ("error", "caas/1/76/api")
    assert "expire was accepted as null but is stored as" in diagnostic["summary"]
    assert diagnostic["range"] == {"filename": path, "start": {"line": 1, "column": 45}}
    assert events(done)[-1]["results"] == {"not verified": 1}


def test_stale_keys_of_a_saved_plan_have_an_event_and_are_not_started(
    cli: CommandLine, emulator: Emulator, drifted: str, tmp_path: Path
) -> None:
    fill(emulator, "web", description="theirs")
    saved = str(tmp_path / "plan.json")
    cli("plan", drifted, "--out", saved)
    fill(emulator, "api", description="somebody's")
    fill(emulator, "web", description="ours")
    done = cli("apply", "--plan", saved, *FOLLOWED)
    assert done.code == 4
    assert of_type(done, "apply_start") == []
    assert [event["@message"] for event in events(done)][-3:] == [
        'Error: caas/1/76/api: stale: description was planned from "theirs" and is now "somebody\'s"',
        "caas/1/76/web: already as planned",
        "Apply incomplete: 1 already as planned, 1 stale. Run plan again to see what is left.",
    ]


@pytest.mark.usefixtures("emulator")
def test_problems_of_the_plan_are_events(cli: CommandLine, tmp_path: Path) -> None:
    path = declare(tmp_path / "keys.yaml", {"name": "nobody", "description": "ours"})
    done = cli("apply", path, *FOLLOWED)
    (diagnostic,) = (event["diagnostic"] for event in of_type(done, "diagnostic"))
    assert (done.code, diagnostic["address"]) == (1, "caas/1/76/nobody")
    assert "caas/1/76/nobody" in done.err


def test_a_refusal_is_an_event(cli: CommandLine, drifted: str) -> None:
    done = cli("apply", drifted, *FOLLOWED, "--max-changes", "0")
    (diagnostic,) = (event["diagnostic"] for event in of_type(done, "diagnostic"))
    assert done.code == 3
    assert diagnostic["summary"] in done.err


def test_an_error_before_the_plan_is_an_event(cli: CommandLine, tmp_path: Path) -> None:
    done = cli("apply", str(tmp_path / "none.yaml"), *FOLLOWED)
    assert done.code == 1
    assert [event["type"] for event in events(done)] == ["version", "diagnostic"]


def test_events_and_an_interactive_question_exclude_each_other(cli: CommandLine, drifted: str) -> None:
    done = cli("apply", drifted, "--events")
    assert (done.code, done.out) == (64, "")
    assert "--events requires --auto-approve or --dry-run," in done.err


def test_failing_event_output_stops_no_write(cli: CommandLine, emulator: Emulator, drifted: str) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = cli.alone("apply", drifted, *FOLLOWED, stdout=full)
    assert done.code == 4
    assert done.err.count("the result cannot be written: No space left on device") == 1
    assert patches(emulator) == [{"description": "ours"}]


def test_every_event_is_one_line_whatever_a_key_contains(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "api", description="theirs")
    path = declare(tmp_path / "keys.yaml", {"name": "api", "description": HOSTILE})
    done = cli("apply", path, *FOLLOWED)
    assert done.out.isascii()
    assert len(events(done)) == 6
