"""Rotations of kinds whose keys cannot be shortened, or not be switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.idserver import STYLES, IdServer, id_server, write_kind, write_notes
from tests.support import CommandLine, FakeClock, Finished, emulate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gcore_emulator import Emulator

WORK = "[{name: shop-app, namespace: shop}]"
FILES = {
    "inference": """\
kind: inference
project_id: 1
keys:
  - name: chat-key
    expires_at: 2026-12-01T00:00:00Z
""",
    "faas": f"""\
kind: faas
project_id: 1
region_id: 76
keys:
  - name: chat-key
    expire: 2026-12-01T00:00:00Z
    functions: {WORK}
""",
}


class Life:
    """A file of one kind, a service and days that pass."""

    def __init__(
        self, cli: CommandLine, emulator: Emulator, folder: Path, kind: str, clock: FakeClock
    ) -> None:
        self._cli, self._emulator, self.kind, self.clock = cli, emulator, kind, clock
        self.file, self.secrets = folder / "keys.yaml", folder / "secrets"
        self.file.write_text(FILES[kind])

    def rotate(self, *words: str) -> Finished:
        return self._cli("rotate", "--file", str(self.file), *words, clock=self.clock)

    def apply(self) -> Finished:
        sink = ("--secret-sink", f"file:{self.secrets}")
        return self._cli("apply", str(self.file), "--auto-approve", *sink, clock=self.clock)

    def live(self) -> dict[str, Any]:
        region = None if self.kind == "inference" else 76
        return dict(self._emulator.keys(1, region, family=self.kind))

    def lose_secret(self, name: str) -> None:
        (file,) = [one for one in self.secrets.iterdir() if one.name.endswith(f"_{name}")]
        file.unlink()


@pytest.fixture(params=FILES)
def life(request: pytest.FixtureRequest, cli: CommandLine, tmp_path: Path) -> Iterator[Life]:
    clock = FakeClock()
    with emulate(clock) as running:
        cli.use(running)
        found = Life(cli, running, tmp_path, request.param, clock)
        assert found.apply().code == 0
        yield found


def test_an_overlap_ends_with_a_key_whose_expiry_cannot_change(life: Life) -> None:
    life.clock.elapsed += 180 * 86400  # to the 28th of November
    assert life.rotate("chat-key").code == 0
    if life.kind == "inference":
        assert 'until: "2026-12-01T00:00:00Z"' in life.file.read_text()
    else:
        assert "name: chat-key\n    expire: 2026-12-06T00:00:00Z" in life.file.read_text()


def test_a_key_is_deleted_after_its_overlap(life: Life) -> None:
    assert life.rotate("chat-key").code == 0
    assert ("until" in life.file.read_text()) is (life.kind == "inference")
    assert life.apply().code == 0
    assert set(life.live()) == {"chat-key", "chat-key-2"}
    assert life.rotate("--finish").code == 0
    life.clock.elapsed += 9 * 86400
    for _ in range(2):
        assert life.rotate("--finish").code == 2
        assert life.apply().code == 0
    assert set(life.live()) == {"chat-key-2"}
    assert "rotates" not in life.file.read_text()
    assert "until" not in life.file.read_text()


def test_a_leaked_key_without_a_switch_is_deleted_in_the_plan_of_its_successor(life: Life) -> None:
    assert life.rotate("chat-key", "--now").code == 0
    assert "state: absent" in life.file.read_text()
    assert life.apply().code == 0
    assert set(life.live()) == {"chat-key-2"}
    assert life.rotate("--finish").code == 2
    assert "rotates" not in life.file.read_text()


def test_an_unapplied_leak_is_undone(life: Life) -> None:
    before = life.file.read_text()
    life.rotate("chat-key", "--now")
    assert life.rotate("--abort", "chat-key-2").code == 0
    assert life.file.read_text() == before


def test_an_overlap_that_has_not_begun_ends_later(life: Life) -> None:
    life.rotate("chat-key")
    before = life.file.read_text()
    assert "2026-06-09T00:00:00Z" in before
    life.clock.elapsed += 6 * 86400
    assert life.rotate("--finish").code == 2
    assert life.file.read_text() == before.replace("2026-06-09", "2026-06-15")


def test_an_overlap_that_was_over_before_the_successor_was_there_ends_later(life: Life) -> None:
    life.rotate("chat-key")
    life.clock.elapsed += 9 * 86400
    late = life.apply()
    if life.kind == "faas":
        assert (late.code, "is in the past and would disable the key at once" in late.err) == (1, True)
        return
    assert late.code == 0
    assert "chat-key-2 was created after the overlap, so its end is postponed" in life.rotate("--finish").out
    assert 'until: "2026-06-18T00:00:00Z"' in life.file.read_text()
    assert "state: absent" not in life.file.read_text()
    life.clock.elapsed += 9 * 86400
    assert life.rotate("--finish").code == 2
    assert "state: absent" in life.file.read_text()


def test_the_key_before_a_lost_successor_gets_a_new_overlap(life: Life) -> None:
    life.rotate("chat-key")
    life.apply()
    life.lose_secret("chat-key-2")
    life.clock.elapsed += 9 * 86400
    assert life.rotate("--finish").code == 2
    assert life.apply().code == 1
    assert life.rotate("chat-key-2", "--now").code == 0
    assert life.apply().code == 0
    assert set(life.live()) == {"chat-key", "chat-key-3"}
    assert life.rotate("--finish").code == 2  # the entry of the successor that was replaced goes
    assert "rotates: chat-key," in life.file.read_text()
    assert life.apply().code == 0
    life.clock.elapsed += 9 * 86400
    for _ in range(2):
        assert life.rotate("--finish").code == 2
        assert life.apply().code == 0
    assert set(life.live()) == {"chat-key-3"}
    assert "rotates" not in life.file.read_text()


@pytest.fixture
def notes(cli: CommandLine, tmp_path: Path) -> Iterator[IdServer]:
    """Notes that can be switched off; they expire never, and do not show when they were created."""
    schema = STYLES["text ids"].schema
    schema["properties"]["off"] = {"type": "boolean"}
    schema["x-reconciler"] |= {"effects": {"off": "switch-off"}, "optional": {"off": False}}
    write_kind(tmp_path / "kinds", schema)
    with id_server(STYLES["text ids"]) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        yield server


def test_a_name_with_a_slash_is_said_whole(cli: CommandLine, notes: IdServer, tmp_path: Path) -> None:
    file = write_notes(tmp_path / "notes.yaml", {"name": "shop/web"})
    notes.add("shop/web", off=False)
    done = cli("rotate", "shop/web", "--file", file, "--kinds", str(tmp_path / "kinds"))
    assert (done.code, "note/red/shop/web -> shop/web-2: both work until" in done.out) == (0, True), done


@pytest.mark.parametrize("words", [(), ("--now",)], ids=["overlap", "leak"])
def test_a_successor_that_does_not_show_its_creation_has_an_overlap(
    cli: CommandLine, notes: IdServer, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Merged so late that the overlap has passed, it would look as if it had been there all the time."""
    clock, file = FakeClock(), write_notes(tmp_path / "notes.yaml", {"name": "web"})
    rest = ("--file", file, "--kinds", str(tmp_path / "kinds"))
    apply = ("apply", file, "--kinds", str(tmp_path / "kinds"), "--auto-approve", "--allow-destroy")
    notes.add("web", off=False)
    assert cli("rotate", "web", *words, *rest, clock=clock).code == 0
    clock.elapsed += 9 * 86400
    done = cli(*apply, clock=clock)
    assert done.code == (0 if words else 1)
    if not words:
        assert "web-2: its overlap with web has ended at 2026-06-09T00:00:00Z, before the" in done.err
        assert cli("rotate", "--finish", *rest, clock=clock).code == 2
        assert cli(*apply, clock=clock).code == 0
        assert cli("rotate", "--finish", *rest, clock=clock).code == 0
        clock.elapsed += 9 * 86400
    assert cli("rotate", "--finish", *rest, clock=clock).code == 2
    assert '"state": "absent"' in (tmp_path / "notes.yaml").read_text()
