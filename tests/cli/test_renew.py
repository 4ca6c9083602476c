"""``renew``: later expiries, written where they are declared."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests.support import CommandLine, FakeClock, Finished, fill, patches

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator

TEXT = """\
project_id: 1
region_id: 76
defaults: {expire: 2026-06-20T00:00:00Z}  # the team's
keys:
  - name: web
  - name: api
    lifecycle: {renew: false}
  - name: own-key
    expire: '2026-06-10T00:00:00Z'  # audit
  - name: far
    expire: 2036-01-01T00:00:00Z
"""
HALF_A_YEAR = "2026-11-28T00:00:00Z"
POLICY = ("--within", "30d", "--to", "180d")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.yaml"
    path.write_text(TEXT)
    return path


def renew(cli: CommandLine, file: Path, *words: str) -> Finished:
    return cli("renew", "--file", str(file), *words)


def test_keys_that_expire_soon_are_renewed_in_place(cli: CommandLine, file: Path) -> None:
    done = renew(cli, file, *POLICY)
    assert done.code == 2
    assert file.read_text() == TEXT.replace(
        "  - name: web\n", f"  - name: web\n    expire: {HALF_A_YEAR}\n"
    ).replace("'2026-06-10T00:00:00Z'", f"'{HALF_A_YEAR}'")
    assert [line for line in done.out.splitlines() if line.startswith("caas")] == [
        f"caas/1/76/web: expire 2026-06-20T00:00:00Z, in 18 days -> {HALF_A_YEAR}",
        f"caas/1/76/own-key: expire 2026-06-10T00:00:00Z, in 8 days -> {HALF_A_YEAR}",
    ]
    assert "2 keys renewed in the files; apply sends it." in done.err
    assert (renew(cli, file, *POLICY).code, renew(cli, file, *POLICY).err) == (0, "Nothing to renew.\n")


def test_a_default_is_changed_if_it_is_meant_for_all_its_keys(cli: CommandLine, file: Path) -> None:
    text = TEXT.replace("    lifecycle: {renew: false}\n", "")
    file.write_text(text)
    assert renew(cli, file, *POLICY).code == 2
    assert f'defaults: {{expire: "{HALF_A_YEAR}"}}  # the team\'s' in file.read_text()
    assert file.read_text().count("expire") == text.count("expire")


def test_a_check_writes_nothing(cli: CommandLine, file: Path) -> None:
    done = renew(cli, file, *POLICY, "--check")
    assert (done.code, file.read_text(), "2 keys would be renewed." in done.err) == (2, TEXT, True)


@pytest.mark.parametrize(
    ("target", "count"), [("web", 1), ("caas/1/76/own-key", 1), ("caas/1/76/*", 2), ("far", 0), ("api", 0)]
)
def test_targets_narrow_it(cli: CommandLine, file: Path, target: str, count: int) -> None:
    done = renew(cli, file, *POLICY, target)
    assert done.out.count(" -> ") == count
    assert done.code == (2 if count else 0)


def test_a_target_that_is_passed_over_is_said_to_be(cli: CommandLine, file: Path) -> None:
    file.write_text(
        f"{TEXT}  - {{name: own-key-2, lifecycle: {{rotates: own-key}}}}\n"
        "  - {name: fixed, lifecycle: {ignore_changes: [expire]}}\n"
    )
    done = renew(cli, file, *POLICY, "api", "own-key", "fixed")
    assert (done.code, done.out) == (0, "")
    assert "Skipped caas/1/76/api: its lifecycle has renew: false.\n" in done.err
    assert (
        "Skipped caas/1/76/fixed: its lifecycle ignores changes of its expiry (ignore_changes).\n" in done.err
    )
    assert "Skipped caas/1/76/own-key: another key replaces it.\n" in done.err
    assert "Skipped" not in renew(cli, file, *POLICY).err


def test_an_unknown_target_is_an_error(cli: CommandLine, file: Path) -> None:
    done = renew(cli, file, *POLICY, "wep")
    assert (done.code, "matches no declared key: wep; did you mean" in done.err) == (1, True)


def test_a_missing_policy_is_an_error(cli: CommandLine, file: Path) -> None:
    done = renew(cli, file)
    assert (done.code, "no policy defines which keys are renewed" in done.err) == (1, True)


def test_without_keys_there_is_nothing_to_renew(cli: CommandLine, file: Path) -> None:
    file.write_text("renew: {within: 30d, to: 180d}\nproject_id: 1\nregion_id: 76\nkeys: []\n")
    done = renew(cli, file)
    assert (done.code, done.err) == (0, "Nothing to renew.\n")


@pytest.mark.parametrize("command", [("renew",), ("rotate", "--due")])
@pytest.mark.parametrize(
    ("policy", "fault"), [("to: 30d, max_total: 60d", "to"), ("to: 60d, max_total: 30d", "max_total")]
)
def test_a_policy_that_never_comes_to_rest_is_an_error(
    cli: CommandLine, file: Path, command: tuple[str, ...], policy: str, fault: str
) -> None:
    file.write_text(f"renew: {{within: 30d, {policy}}}\n{TEXT}")
    done = cli(*command, "--file", str(file))
    message = (
        "the policy of caas/1/76/web would make a renewed key due again at once: set within lower than"
        f" {fault}"
    )
    assert (done.code, message in done.err) == (1, True)


def test_the_document_goes_before_the_configuration(
    cli: CommandLine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file.parent / "reconciler.yaml").write_text(
        "paths: [keys.yaml]\nrenew: {within: 30d, to: 10y}\nenvironments: {few: {renew: {within: 10d}}}\n"
    )
    file.write_text(f"renew: {{to: 180d}}\n{TEXT}")
    monkeypatch.chdir(file.parent)
    done = cli("renew", "--check")
    assert (done.code, done.out.count(f" -> {HALF_A_YEAR}")) == (2, 2)
    assert cli("renew", "--check", "--env", "few").out.count(" -> ") == 1


def test_a_key_past_its_longest_life_is_named_for_rotation(
    cli: CommandLine, emulator: Emulator, file: Path
) -> None:
    fill(emulator, "web", created_at="2024-06-01T00:00:00Z")
    fill(emulator, "own-key", created_at="2026-01-01T00:00:00Z")
    done = renew(cli, file, *POLICY, "--max-total", "2y")
    assert done.code == 2
    assert (
        "caas/1/76/web: expire 2026-06-20T00:00:00Z, in 18 days: has reached its maximum lifetime" in done.out
    )
    assert "rotate it: reconciler rotate caas/1/76/web" in done.out
    assert f"own-key: expire 2026-06-10T00:00:00Z, in 8 days -> {HALF_A_YEAR}" in done.out
    assert "1 key to be rotated: run" in done.err
    assert patches(emulator) == []


def test_the_end_of_the_longest_life_is_said_to_be_one(
    cli: CommandLine, emulator: Emulator, file: Path
) -> None:
    fill(emulator, "own-key", created_at="2024-07-20T00:00:00Z")
    done = renew(cli, file, *POLICY, "--max-total", "2y", "own-key")
    assert "in 8 days -> 2026-07-20T00:00:00Z, the end of its maximum lifetime (max_total)\n" in done.out


def test_a_key_that_never_expires_is_named_for_rotation_too(
    cli: CommandLine, emulator: Emulator, file: Path
) -> None:
    file.write_text(
        "project_id: 1\nregion_id: 76\nkeys: [{name: web}, {name: far, expire: 2036-01-01T00:00:00Z}]\n"
    )
    for name in ("web", "far"):
        fill(emulator, name, created_at="2024-06-01T00:00:00Z")
    done = renew(cli, file, *POLICY, "--max-total", "2y")
    assert (done.code, "2 keys to be rotated: run" in done.err) == (2, True)
    assert "caas/1/76/web: no expiry: has reached its maximum lifetime (max_total); rotate it" in done.out


def test_an_expired_key_is_named_alone(cli: CommandLine, file: Path) -> None:
    clock = FakeClock(dt.datetime(2026, 6, 15, tzinfo=dt.UTC))
    done = cli("renew", "--file", str(file), *POLICY, "own-key", clock=clock)
    assert (done.code, "5 days ago: has expired" in done.out) == (0, True)
    assert file.read_text() == TEXT


def test_standard_input_cannot_be_renewed(cli: CommandLine) -> None:
    assert cli("renew", "--file", "-", *POLICY).code == 64
