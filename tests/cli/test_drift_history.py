"""``drift --history``: findings of rounds are stored, flapping is detected, and both can be queried."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from gcore_emulator import Faults
from tests.support import CommandLine, FakeClock, declare, fill, live, patches

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator


@pytest.fixture
def drifted(emulator: Emulator, tmp_path: Path) -> str:
    fill(emulator, "web", description="theirs")
    return declare(tmp_path / "keys.yaml", {"name": "web", "description": "ours"})


@pytest.fixture
def two_fields(emulator: Emulator, tmp_path: Path) -> str:
    """A file that declares two fields of a key, one of which differs."""
    fill(emulator, "web", description="theirs")
    return declare(tmp_path / "keys.yaml", {"name": "web", "description": "ours", "is_disabled": False})


@pytest.fixture
def history(tmp_path: Path) -> str:
    return str(tmp_path / "drift.db")


def kept(cli: CommandLine, history: str, *options: str, clock: FakeClock | None = None) -> dict[str, Any]:
    done = cli("history", "--history", history, "--format", "json", *options, clock=clock)
    assert (done.code, done.err) == (0, "")
    facts: dict[str, Any] = json.loads(done.out)
    return facts


def revert_repeatedly(
    cli: CommandLine, emulator: Emulator, drifted: str, history: str, *options: str
) -> list[int]:
    """Change the same field in the portal before each of four rounds; return the exit codes."""
    codes = []
    for number in range(4):
        fill(emulator, "web", description=f"theirs {number}")
        codes.append(cli("drift", drifted, "--history", history, "--correct", "all", *options).code)
    return codes


def test_a_round_stores_its_findings_and_their_outcome(cli: CommandLine, drifted: str, history: str) -> None:
    clock = FakeClock()
    assert cli("drift", drifted, "--history", history, clock=clock).code == 2
    clock.elapsed = 900
    assert cli("drift", drifted, "--history", history, "--correct", "all", clock=clock).code == 0
    facts = kept(cli, history, clock=clock)
    (field,) = facts["drift"]
    run = field.pop("run")
    assert field == {
        "address": "caas/1/76/web",
        "field": "description",
        "declared": "ours",
        "live": "theirs",
        "effect": "neutral",
        "reason": "access unchanged",
        "first_seen": "2026-06-01T12:00:00Z",
        "last_seen": "2026-06-01T12:15:00Z",
        "rounds": 2,
        "action": "update",
        "origin": "unknown",
        "outcome": "corrected",
        "detail": "",
        "ended": "2026-06-01T12:15:00Z",
        "corrected": "2026-06-01T12:15:00Z",
    }
    assert facts["rounds"] == {"corrected": 1, "drifted": 1}
    assert (facts["last_round"]["run"], facts["last_round"]["result"]) == (run, "corrected")
    assert [(scope["scope"], scope["standing"]) for scope in facts["scopes"]] == [("caas/1/76", "in sync")]


def test_a_repeatedly_reverted_field_is_reported_instead_of_corrected(
    cli: CommandLine, emulator: Emulator, drifted: str, history: str
) -> None:
    assert revert_repeatedly(cli, emulator, drifted, history) == [0, 0, 0, 2]
    assert len(patches(emulator)) == 3
    done = cli("drift", drifted, "--history", history, "--correct", "all")
    assert done.code == 2
    command = f"reconciler history clear caas/1/76/web description --history {history}"
    assert (
        "caas/1/76/web: description is contested: corrected 3 times and changed back, it is not corrected "
        f"until the file changes, or until {command}\n"
    ) in done.err
    (contest,) = kept(cli, history)["contested"]
    assert (contest["address"], contest["field"], contest["corrections"]) == (
        "caas/1/76/web",
        "description",
        3,
    )


def test_a_contested_field_does_not_block_correction_of_other_fields(
    cli: CommandLine, emulator: Emulator, two_fields: str, history: str
) -> None:
    revert_repeatedly(cli, emulator, two_fields, history)
    fill(emulator, "web", description="theirs", is_disabled=True)
    assert cli("drift", two_fields, "--history", history, "--correct", "all").code == 2
    assert patches(emulator)[-1] == {"is_disabled": False}


def test_a_person_ends_flapping(cli: CommandLine, emulator: Emulator, drifted: str, history: str) -> None:
    revert_repeatedly(cli, emulator, drifted, history)
    done = cli("history", "clear", "caas/1/76/web", "description", "--history", history)
    assert (done.code, done.out) == (0, "caas/1/76/web: description is no longer contested.\n")
    assert cli("drift", drifted, "--history", history, "--correct", "all").code == 0
    assert emulator.keys(1, 76)["web"]["description"] == "ours"


def test_a_round_with_targets_does_not_change_other_contested_fields_and_scopes(
    cli: CommandLine, emulator: Emulator, drifted: str, history: str, tmp_path: Path
) -> None:
    revert_repeatedly(cli, emulator, drifted, history)
    fill(emulator, "api")
    emulator.put_key(1, 77, live("far"))
    declare(tmp_path / "keys.yaml", {"name": "web", "description": "ours"}, {"name": "api"})
    declare(tmp_path / "far.yaml", {"name": "far"}, region_id=77)
    words = ("drift", str(tmp_path), "--history", history, "--correct", "all")
    assert cli(*words, "--target", "*/far").code == 0
    assert cli(*words, "--target", "*/api").code == 0
    facts = kept(cli, history)
    assert [contest["address"] for contest in facts["contested"]] == ["caas/1/76/web"]
    assert [scope["scope"] for scope in facts["scopes"]] == ["caas/1/76", "caas/1/77"]


def test_a_refused_round_preserves_contested_fields(
    cli: CommandLine, emulator: Emulator, two_fields: str, history: str
) -> None:
    revert_repeatedly(cli, emulator, two_fields, history)
    fill(emulator, "web", description="theirs 3", is_disabled=True)
    assert cli("drift", two_fields, "--history", history, "--correct", "all", "--max-changes", "0").code == 3
    outcomes = {
        field["field"]: field["outcome"] for field in kept(cli, history)["drift"] if not field["ended"]
    }
    assert outcomes == {"description": "contested", "is_disabled": "refused"}


def test_another_value_in_git_ends_flapping(
    cli: CommandLine, emulator: Emulator, drifted: str, history: str, tmp_path: Path
) -> None:
    revert_repeatedly(cli, emulator, drifted, history)
    declare(tmp_path / "keys.yaml", {"name": "web", "description": "a compromise"})
    assert cli("drift", drifted, "--history", history, "--correct", "all").code == 0
    assert emulator.keys(1, 76)["web"]["description"] == "a compromise"
    assert kept(cli, history)["contested"] == []


def test_another_value_in_git_ends_flapping_without_drift_or_correction(
    cli: CommandLine, emulator: Emulator, drifted: str, history: str, tmp_path: Path
) -> None:
    revert_repeatedly(cli, emulator, drifted, history)
    fill(emulator, "web", description="ours")
    declare(tmp_path / "keys.yaml", {"name": "web"})
    assert cli("drift", drifted, "--history", history).code == 0
    assert kept(cli, history)["contested"] == []


def test_drift_of_undeclared_fields_is_not_reported_as_ended(
    cli: CommandLine, drifted: str, history: str, tmp_path: Path
) -> None:
    cli("drift", drifted, "--history", history)
    declare(tmp_path / "keys.yaml", {"name": "web"})
    assert cli("drift", drifted, "--history", history).code == 0
    (field,) = kept(cli, history)["drift"]
    assert field["outcome"] == "no longer declared"


def test_adopting_the_live_value_in_git_ends_flapping(
    cli: CommandLine, emulator: Emulator, drifted: str, history: str, tmp_path: Path
) -> None:
    revert_repeatedly(cli, emulator, drifted, history)
    declare(tmp_path / "keys.yaml", {"name": "web", "description": "theirs 3"})
    assert cli("drift", drifted, "--history", history, "--correct", "all").code == 0
    assert kept(cli, history)["contested"] == []


def test_corrections_count_within_a_window(
    cli: CommandLine, emulator: Emulator, drifted: str, history: str
) -> None:
    clock = FakeClock()
    for number in range(5):
        fill(emulator, "web", description=f"theirs {number}")
        clock.elapsed += 3600
        words = ("--correct", "all", "--contested-window", "2h")
        assert cli("drift", drifted, "--history", history, *words, clock=clock).code == 0


def test_the_number_of_corrections_is_an_option(
    cli: CommandLine, emulator: Emulator, drifted: str, history: str
) -> None:
    assert revert_repeatedly(cli, emulator, drifted, history, "--contested-after", "1") == [0, 2, 2, 2]


def test_a_field_that_is_not_contested_cannot_be_cleared(
    cli: CommandLine, drifted: str, history: str
) -> None:
    cli("drift", drifted, "--history", history)
    done = cli("history", "--history", history, "clear", "caas/1/76/web", "description")
    assert (done.code, done.err) == (
        1,
        "Error: description of caas/1/76/web is not contested; reconciler history lists contested fields\n",
    )


def test_a_history_must_be_named_and_exist(cli: CommandLine, history: str) -> None:
    assert cli("history").code == 64
    done = cli("history", "--history", history)
    assert (done.code, f"the history {history} does not exist" in done.err) == (1, True)


def test_the_environment_sets_the_history_for_every_command(
    cli: CommandLine, drifted: str, history: str
) -> None:
    cli.environment.setenv("RECONCILER_HISTORY", history)
    assert cli("drift", drifted).code == 2
    done = cli("history")
    assert done.code == 0
    assert "caas/1/76/web\n  ~ description = " in done.out


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (["--address", "caas/1/76/w*"], 1),
        (["--address", "*/other"], 0),
        (["--since", "1h"], 0),
        (["--since", "999999d"], 1),
    ],
)
def test_a_history_is_filtered_by_time_and_address(
    cli: CommandLine, drifted: str, history: str, options: list[str], shown: int
) -> None:
    cli("drift", drifted, "--history", history)
    clock = FakeClock()
    clock.elapsed = 7200
    assert len(kept(cli, history, *options, clock=clock)["drift"]) == shown


def test_a_history_reports_the_omitted_amount(
    cli: CommandLine, emulator: Emulator, history: str, tmp_path: Path
) -> None:
    fill(emulator, "web", "api", description="theirs")
    keys = [{"name": name, "description": "ours"} for name in ("web", "api")]
    cli("drift", declare(tmp_path / "keys.yaml", *keys), "--history", history)
    done = cli("history", "--history", history, "--limit", "1")
    assert done.out.endswith("Drift seen: 2 fields.\nThe latest 1 are shown; --limit shows more.\n")


def test_old_ended_drift_is_purged(cli: CommandLine, emulator: Emulator, drifted: str, history: str) -> None:
    clock = FakeClock()
    cli("drift", drifted, "--history", history, "--correct", "all", clock=clock)
    clock.elapsed = 8 * 86_400
    fill(emulator, "web", description="ours")
    assert cli("drift", drifted, "--history", history, "--retention", "7d", clock=clock).code == 0
    facts = kept(cli, history, "--since", "30d", clock=clock)
    assert (facts["drift"], facts["rounds"]) == ([], {"in sync": 1})


@pytest.mark.parametrize(
    ("options", "results"),
    [
        ("--keep 7d", []),
        ("--keep 9d", ["corrected"]),
        ("--keep 7d --retention 9d", ["corrected"]),
    ],
)
def test_the_old_name_of_retention_works_with_a_warning(
    cli: CommandLine, drifted: str, history: str, options: str, results: list[str]
) -> None:
    clock = FakeClock()
    cli("drift", drifted, "--history", history, "--correct", "all", clock=clock)
    clock.elapsed = 8 * 86_400
    done = cli("drift", drifted, "--history", history, *options.split(), clock=clock)
    assert "Warning: --keep is deprecated; use --retention instead\n" in done.err
    facts = kept(cli, history, "--since", "30d", clock=clock)
    assert [episode["outcome"] for episode in facts["drift"]] == results
    assert "--keep" not in cli("drift", "--help").out


def test_a_history_becomes_a_page(cli: CommandLine, drifted: str, history: str) -> None:
    cli("drift", drifted, "--history", history)
    done = cli("history", "--history", history, "--format", "html")
    assert done.code == 0
    assert done.out.startswith("<!doctype html>")
    assert "caas/1/76/web" in done.out


def test_a_failed_correction_stays_drift_with_the_reason(
    cli: CommandLine, emulator: Emulator, drifted: str, history: str
) -> None:
    emulator.faults = Faults(unstored=("description",))
    assert cli("drift", drifted, "--history", history, "--correct", "all").code == 4
    facts = kept(cli, history)
    (field,) = facts["drift"]
    assert (field["outcome"], field["ended"]) == ("not verified", None)
    assert "description was accepted as" in field["detail"]
    assert facts["last_round"]["result"] == "correction failed"


def test_a_refused_correction_stays_drift(
    cli: CommandLine, emulator: Emulator, drifted: str, history: str
) -> None:
    done = cli("drift", drifted, "--history", history, "--correct", "all", "--max-changes", "0")
    assert done.code == 3
    (field,) = kept(cli, history)["drift"]
    assert (field["outcome"], field["ended"]) == ("refused", None)
    assert patches(emulator) == []


def test_a_round_that_reads_nothing_is_stored_with_its_reason(
    cli: CommandLine, drifted: str, history: str
) -> None:
    cli("drift", drifted, "--history", history)
    cli.environment.setenv("GCORE_API_KEY", "wrong")
    assert cli("drift", drifted, "--history", history).code == 1
    facts = kept(cli, history)
    assert facts["rounds"] == {"drifted": 1, "failed": 1}
    assert "HTTP 401" in facts["last_round"]["errors"][0]
    assert facts["scopes"][0]["standing"] == "unreachable"
    assert facts["drift"][0]["ended"] is None


def test_an_unreadable_scope_does_not_block_correction_of_others(
    cli: CommandLine, emulator: Emulator, history: str, tmp_path: Path
) -> None:
    fill(emulator, "web", description="theirs")
    declare(tmp_path / "a.yaml", {"name": "web", "description": "ours"})
    declare(tmp_path / "b.yaml", {"name": "web"}, region_id=77)
    # The scopes are read one after the other, so it is the second whose read is refused.
    emulator.faults = Faults(unauthorized_from=len(emulator.requests) + 2)
    done = cli("drift", str(tmp_path), "--history", history, "--parallelism", "1")
    assert (done.code, "Drift: 1 key differs from the files." in done.out) == (1, True)
    assert "caas/1/77: could not be read: " in done.err
    standings = {scope["scope"]: scope["standing"] for scope in kept(cli, history)["scopes"]}
    assert standings == {"caas/1/76": "drifted", "caas/1/77": "unreachable"}


def test_apply_writes_to_the_same_history(cli: CommandLine, drifted: str, history: str) -> None:
    cli("drift", drifted, "--history", history)
    assert cli("apply", drifted, "--auto-approve", "--history", history).code == 0
    (field,) = kept(cli, history)["drift"]
    assert field["outcome"] == "corrected"
    done = cli("journal", history)
    assert (done.code, done.out) == (0, "1 write, 0 in doubt.\n")
    with sqlite3.connect(history) as connection:
        commands = dict(connection.execute("SELECT id, command FROM run").fetchall())
    connection.close()
    assert commands[field["run"]] == "apply"


def test_a_history_of_another_api_is_refused(
    cli: CommandLine, emulator: Emulator, drifted: str, history: str
) -> None:
    cli("drift", drifted, "--history", history)
    done = cli("drift", drifted, "--history", history, "--base-url", "http://127.0.0.1:9")
    assert (done.code, f"is of {emulator.url}, not of http://127.0.0.1:9" in done.err) == (1, True)


def test_two_runs_cannot_write_rounds_to_one_history(cli: CommandLine, drifted: str, history: str) -> None:
    cli.begin_from_nothing()
    with cli.start("drift", drifted, "--history", history, "--every", "1d", "-v") as process:
        assert process.stderr is not None
        while "Next round" not in process.stderr.readline():
            pass
        done = cli("drift", drifted, "--history", history)
        process.terminate()
        process.communicate(timeout=60)
    assert done.code == 1
    assert f"the history {history} is in use by another drift run (process {process.pid})" in done.err


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0 and nothing more"])
def test_a_file_that_is_not_a_history_is_refused(
    cli: CommandLine, drifted: str, history: str, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "drift.db").write_bytes(content)
    done = cli("drift", drifted, "--history", history)
    assert (done.code, done.err.startswith(f"Error: the history {history} cannot be ")) == (1, True)
    assert (tmp_path / "drift.db").read_bytes() == content
