"""``status``: one screen about all keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import CommandLine, declare, fill, patches

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator


def test_status_shows_how_things_stand(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    fill(emulator, "web", "other", expire="2026-06-10T00:00:00Z")
    file = declare(tmp_path / "keys.yaml", {"name": "web", "expire": "2026-06-10T00:00:00Z"}, {"name": "new"})
    done = cli("status", file, "--within", "60d")
    assert done.code == 1  # the new key cannot be created as declared
    assert "Declared   2 keys in 1 scope\nLive       2 keys, 1 of them not declared\n" in done.out
    assert "2026-06-10T00:00:00Z  caas/1/76/web  in 8 days" in done.out
    assert (
        "  plan: read the messages about 1 error\n  renew: set a later expiry for 1 key, or use rotate"
        in done.out
    )
    assert "Expiring   0 keys within 12 hours\n" in cli("status", file, "--within", "12h").out
    assert patches(emulator) == []


def test_a_time_beyond_what_is_listed_is_refused(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web")
    file = declare(tmp_path / "keys.yaml", {"name": "web"})
    assert cli("status", file, "--within", "90d").code == 0
    done = cli("status", file, "--within", "91d")
    assert (done.code, "Error: Invalid value for --within: 91d is longer than 90d." in done.err) == (64, True)


def test_status_knows_what_is_contested_by_a_history(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web")
    file, history = declare(tmp_path / "keys.yaml", {"name": "web"}), str(tmp_path / "drift.db")
    assert "Contested  not known without --history\n" in cli("status", file, "--history", history).out
    cli("drift", file, "--history", history)
    done = cli("status", file, "--history", history)
    assert (done.code, "Contested  none\n" in done.out, "Next\n  nothing to do\n" in done.out) == (
        0,
        True,
        True,
    )
