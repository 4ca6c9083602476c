"""Plans that go too far are refused before the first write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import declare, fill, patches

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator
    from tests.support import CommandLine

NAMES = [f"key-{number:02}" for number in range(10)]


@pytest.fixture
def revoking(emulator: Emulator, tmp_path: Path) -> str:
    """Ten live keys, of which a file disables four."""
    fill(emulator, *NAMES)
    return declare(tmp_path / "keys.yaml", *({"name": name, "is_disabled": True} for name in NAMES[:4]))


@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve"), ("apply", "--dry-run")])
def test_a_plan_that_revokes_too_much_is_shown_and_refused(
    cli: CommandLine, emulator: Emulator, revoking: str, command: tuple[str, ...]
) -> None:
    done = cli(*command, revoking)
    assert (done.code, patches(emulator)) == (3, [])
    assert "Plan: 0 to add, 4 to change, 0 to destroy." in done.out
    assert "Error: refused: it would revoke access of 4 of the 10 keys in caas/1/76" in done.err
    assert "caas/1/76/key-03" in done.err


@pytest.mark.parametrize("limit", ["4", "40%"])
def test_a_limit_allows_it(cli: CommandLine, emulator: Emulator, revoking: str, limit: str) -> None:
    done = cli("apply", revoking, "--auto-approve", "--max-revoked", limit)
    assert (done.code, len(patches(emulator))) == (0, 4)


def test_all_changes_can_be_limited(cli: CommandLine, emulator: Emulator, revoking: str) -> None:
    done = cli("apply", revoking, "--auto-approve", "--max-revoked", "100%", "--max-changes", "3")
    assert (done.code, patches(emulator)) == (3, [])
    assert "Error: refused: it would change 4 keys, more than --max-changes 3" in done.err


def test_a_limit_can_be_set_in_the_environment(cli: CommandLine, revoking: str) -> None:
    cli.environment.setenv("RECONCILER_PLAN_MAX_REVOKED", "4")
    assert cli("plan", revoking).code == 0


def test_an_invalid_limit_is_a_usage_error(cli: CommandLine, revoking: str) -> None:
    done = cli("plan", revoking, "--max-revoked", "lots")
    assert done.code == 64
    assert "'lots' is neither a number of keys nor a percentage such as 30%." in done.err


@pytest.mark.parametrize(("days", "warned"), [("14", True), ("30", True), ("3", False)])
def test_keys_that_expire_soon_are_warned_about(
    cli: CommandLine, tmp_path: Path, days: str, *, warned: bool
) -> None:
    file = declare(tmp_path / "keys.yaml", {"name": "web", "expire": "2026-06-09T12:00:00Z"})
    done = cli("validate", file, "--expiry-warning", days)
    assert done.code == 0
    assert ("is near: the key expires in 8 days" in done.err) is warned


def test_an_expiry_in_the_past_prevents_the_whole_apply(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "one", "two")
    past, other = {"name": "one", "expire": "2020-01-01T00:00:00Z"}, {"name": "two", "description": "new"}
    done = cli("apply", declare(tmp_path / "keys.yaml", past, other), "--auto-approve")
    assert (done.code, patches(emulator)) == (1, [])
    assert "expire 2020-01-01T00:00:00Z is in the past" in done.err
