"""``rotate``: the life of a rotation by edits, plans and applies, and what is refused."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests.machine import full_disk
from tests.support import CommandLine, FakeClock, Finished, emulate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gcore_emulator import Emulator

DAY = 86400
TEXT = """\
project_id: 1
region_id: 76
defaults: {expire: 2036-01-01T00:00:00Z}
keys:
  # the shop
  - name: shop-key
    description: Shop  # of team web
    containers:
      - {name: web, namespace: shop}
  - name: other
    containers: []
"""
BEGUN = """\
  - name: shop-key
    expire: 2026-06-09T00:00:00Z
    description: Shop  # of team web
    containers:
      - {name: web, namespace: shop}
  - name: shop-key-2
    expire: 2026-11-28T00:00:00Z
    description: Shop
    containers:
      - {name: web, namespace: shop}
    lifecycle: {rotates: shop-key, alias: shop-key}
"""


class Life:
    """A repository of one file, a service, a folder of secrets, and days that pass."""

    def __init__(self, cli: CommandLine, emulator: Emulator, folder: Path, clock: FakeClock) -> None:
        self.cli, self.emulator, self.clock = cli, emulator, clock
        self.file, self.secrets = folder / "keys.yaml", folder / "secrets"
        self.file.write_text(TEXT)

    def rotate(self, *words: str) -> Finished:
        return self.cli("rotate", "--file", str(self.file), *words, clock=self.clock)

    def renew(self, *words: str) -> Finished:
        return self.cli("renew", "--file", str(self.file), *words, clock=self.clock)

    def plan(self, *words: str) -> Finished:
        return self.cli("plan", str(self.file), *words, clock=self.clock)

    def apply(self, *words: str) -> Finished:
        sink = ("--secret-sink", f"file:{self.secrets}")
        return self.cli("apply", str(self.file), "--auto-approve", *sink, *words, clock=self.clock)

    def pass_days(self, days: float) -> None:
        self.clock.elapsed += days * DAY

    def live(self) -> set[str]:
        return set(self.emulator.keys(1, 76))

    def secret(self, name: str) -> str:
        return (self.secrets / f"caas_1_76_{name}").read_text()


@pytest.fixture
def life(cli: CommandLine, tmp_path: Path) -> Iterator[Life]:
    clock = FakeClock()
    with emulate(clock) as running:
        cli.use(running)
        found = Life(cli, running, tmp_path, clock)
        assert found.apply().code == 0
        yield found


def test_a_rotation_goes_from_its_begin_to_its_end(life: Life) -> None:
    first = life.secret("shop-key")
    done = life.rotate("shop-key")
    assert (done.code, done.err) == (0, "Written to the files; plan shows what apply will send.\n")
    assert BEGUN in life.file.read_text()
    assert (
        "shop-key -> shop-key-2: both work until 2026-06-09T00:00:00Z, regardless of when apply runs"
        in done.out
    )
    assert life.apply().code == 0
    second = life.secret("shop-key-2")
    assert life.live() == {"shop-key", "shop-key-2", "other"}
    assert (life.secret("shop-key"), life.secret("shop-key@1")) == (second, first)
    assert life.rotate("--finish").code == 0

    life.pass_days(8)
    checked = life.rotate("--finish", "--check")
    assert (checked.code, checked.err) == (2, "Nothing was written, because of --check.\n")
    assert life.rotate("--finish").code == 2
    assert "    state: absent\n" in life.file.read_text()
    assert life.apply().code == 0
    assert life.live() == {"shop-key-2", "other"}

    assert life.rotate("--finish").code == 2
    wanted = BEGUN[BEGUN.index("  - name: shop-key-2") :].replace("rotates: shop-key, ", "")
    assert (
        life.file.read_text()
        == f"{TEXT[: TEXT.index('  # the shop')]}{wanted}{TEXT[TEXT.index('  - name: other') :]}"
    )
    assert life.apply().out.startswith("No changes.")
    assert life.secret("shop-key") == second


def test_the_next_rotation_counts_on_and_keeps_the_alias(life: Life) -> None:
    for step in (("shop-key",), ("--finish",), ("--finish",)):
        life.rotate(*step)
        assert life.apply().code == 0
        life.pass_days(8)
    assert life.rotate("shop-key-2").code == 0
    assert "  - name: shop-key-3\n" in life.file.read_text()
    assert "{rotates: shop-key-2, alias: shop-key}" in life.file.read_text()
    assert life.apply().code == 0
    assert life.secret("shop-key") == life.secret("shop-key-3")


def test_a_leaked_key_loses_access_in_the_plan_of_its_successor(life: Life) -> None:
    assert life.rotate("shop-key", "--now").code == 0
    plan = life.plan()
    assert "is_disabled = false -> true" in plan.out
    assert life.apply().code == 0
    live = life.emulator.keys(1, 76)
    assert (live["shop-key"]["is_disabled"], live["shop-key-2"]["is_disabled"]) == (True, False)
    writes = [record.method for record in life.emulator.requests if record.method != "GET"]
    assert writes[-2:] == ["POST", "PATCH"]
    assert life.rotate("--finish").code == 2
    assert "state: absent" in life.file.read_text()


@pytest.mark.parametrize("has_history", [False, True])
def test_a_saved_plan_keeps_the_order_and_the_alias(
    life: Life, cli: CommandLine, *, has_history: bool
) -> None:
    first = life.secret("shop-key")
    history = ("--history", str(life.file.parent / "history.db")) if has_history else ()
    life.apply(*history)
    life.rotate("shop-key")
    saved, sink = str(life.file.parent / "plan.json"), ("--secret-sink", f"file:{life.secrets}")
    assert life.plan("--out", saved, *history).code == 0
    done = cli("apply", saved, "--auto-approve", *sink, *history, clock=life.clock)
    assert done.code == 0, done.err
    writes = [record.method for record in life.emulator.requests if record.method != "GET"]
    assert writes[-2:] == ["POST", "PATCH"]
    assert (life.secret("shop-key"), life.secret("shop-key@1")) == (life.secret("shop-key-2"), first)


def test_a_correction_stores_the_alias_before_it_shortens_the_old_key(life: Life, cli: CommandLine) -> None:
    first = life.secret("shop-key")
    life.rotate("shop-key")
    words = ("--correct", "all", "--secret-sink", f"file:{life.secrets}")
    done = cli("drift", str(life.file), *words, clock=life.clock)
    assert "caas/1/76/shop-key-2: its secret is in " in done.err
    assert life.emulator.keys(1, 76)["shop-key"]["expire"] == "2026-06-09T00:00:00Z"
    assert (life.secret("shop-key"), life.secret("shop-key@1")) == (life.secret("shop-key-2"), first)


def test_a_scope_of_names_is_rotated_and_renewed(life: Life) -> None:
    life.emulator.put_project({"id": 1, "name": "shop"})
    life.emulator.put_region({"id": 76, "display_name": "Here"})
    text = TEXT.replace("project_id: 1", "project: shop").replace("region_id: 76", "region: Here")
    life.file.write_text(text.replace("2036-01-01", "2026-06-20"))
    assert life.renew("--within", "30d", "--to", "90d", "caas/1/76/other").code == 2
    assert "    expire: 2026-08-30T00:00:00Z\n" in life.file.read_text()
    assert life.rotate("caas/1/76/shop-key").code == 0
    assert "{rotates: shop-key, alias: shop-key}" in life.file.read_text()


def test_a_rotation_of_which_nothing_was_applied_is_undone(life: Life) -> None:
    for words in (("shop-key",), ("shop-key", "--now")):
        assert life.rotate(*words).code == 0
        assert life.file.read_text() != TEXT
        assert life.rotate("--abort", "shop-key").code == 0
        assert life.file.read_text() == TEXT


def test_a_field_with_a_comment_stays_where_a_rotation_is_undone(life: Life) -> None:
    text = TEXT.replace(
        "shop-key\n", "shop-key\n    expire: 2036-01-01T00:00:00Z  # the default, by contract\n"
    )
    life.file.write_text(text)
    for words in ((), ("--abort",)):
        assert life.rotate("shop-key", *words).code == 0
    assert life.file.read_text() == text


def test_a_rotation_that_was_applied_cannot_be_undone(life: Life) -> None:
    life.rotate("shop-key")
    life.apply()
    done = life.rotate("--abort", "shop-key-2")
    advice = "continue the rotation, or replace the successor with reconciler rotate shop-key-2 --now"
    assert (done.code, f"is live already, so the rotation cannot be undone; {advice}" in done.err) == (
        1,
        True,
    )


def test_an_overlap_that_has_not_begun_ends_later(life: Life) -> None:
    life.rotate("shop-key")
    life.pass_days(6)
    assert life.rotate("--finish").code == 2
    assert "    expire: 2026-06-15T00:00:00Z\n" in life.file.read_text()
    assert life.apply().code == 0


@pytest.mark.parametrize("limit", ["", ", max_total: 100d"])
def test_a_key_that_expired_before_its_rotation_was_applied_stays_so(life: Life, limit: str) -> None:
    """A later end would make it valid again; and with one in the past nothing at all could be applied."""
    policy = f"renew: {{within: 30d, to: 90d{limit}}}\n"
    life.file.write_text(f"{policy}{TEXT.replace('2036-01-01T00:00:00Z', '2026-09-09T00:00:00Z')}")
    assert life.apply().code == 0
    life.pass_days(98)
    assert life.rotate("shop-key").code == 0
    life.pass_days(15)
    assert life.rotate("--finish").code == (
        0 if limit else 2
    )  # max_total ends the overlap at that time anyway
    assert "    expire: 2026-09-09T00:00:00Z\n    description: Shop" in life.file.read_text()
    assert life.apply().code == 0
    assert life.live() == {"shop-key", "shop-key-2", "other"}
    for _ in range(2):
        assert life.rotate("--finish").code == 2
        assert life.apply().code == 0
    assert life.live() == {"shop-key-2", "other"}


def test_a_rotated_key_that_was_deleted_elsewhere_does_not_stop_its_rotation(life: Life) -> None:
    """Its place, which is that of the alias, holds its earlier secret: that may stay."""
    life.rotate("shop-key")
    life.emulator.remove_key(1, 76, "shop-key")
    assert life.apply().code == 0
    assert life.secret("shop-key") == life.secret("shop-key-2")


def test_a_successor_whose_secret_is_lost_is_replaced(life: Life) -> None:
    life.rotate("shop-key")
    life.apply()
    (life.secrets / "caas_1_76_shop-key-2").unlink()
    life.pass_days(8)
    life.rotate("--finish")
    done = life.apply()
    assert (done.code, "reconciler rotate caas/1/76/shop-key-2 --now replaces that key" in done.out) == (
        1,
        True,
    )
    assert "shop-key" in life.live()
    assert life.rotate("shop-key-2", "--now").code == 0
    assert "state: absent" not in life.file.read_text()  # the overlap begins again
    assert life.apply().code == 0
    assert life.secret("shop-key") == life.secret("shop-key-3")
    assert life.live() == {"shop-key", "shop-key-2", "shop-key-3", "other"}
    life.pass_days(8)
    for _ in range(4):
        life.rotate("--finish")
        assert life.apply().code == 0
    assert life.live() == {"shop-key-3", "other"}
    assert "rotates" not in life.file.read_text()


def test_a_lost_secret_is_reported_by_the_next_apply_although_nothing_waits(life: Life) -> None:
    life.rotate("shop-key")
    life.apply()
    (life.secrets / "caas_1_76_shop-key-2").unlink()
    done = life.apply()
    assert (done.code, "reconciler rotate caas/1/76/shop-key-2 --now replaces that key" in done.err) == (
        1,
        True,
    )


@pytest.mark.parametrize("step", ["--finish", "--abort"])
def test_the_two_keys_of_a_rotation_are_edited_together_or_not_at_all(life: Life, step: str) -> None:
    """Without its successor, a key whose expiry was shortened would just end."""
    head, rest = BEGUN.split("  - name: shop-key-2\n")
    top = "project_id: 1\nregion_id: 76\nkeys:\n"
    old, new = life.file.with_name("z.yaml"), life.file.with_name("a.yaml")
    old.write_text(f"{top}{head}  - {{name: other}}\n# {'long ' * 1000}\n")
    new.write_text(f"{top}  - name: shop-key-2\n{rest}  - {{name: another}}\n")
    life.file.unlink()
    if step == "--finish":
        life.emulator.put_key(1, 76, {"name": "shop-key-2", "containers": []})
        life.emulator.remove_key(1, 76, "shop-key")
    words = ("--file", str(old), "--file", str(new), step, *["shop-key"] * (step == "--abort"))
    before = old.read_text(), new.read_text()
    with full_disk(2000):
        done = life.cli("rotate", *words, clock=life.clock)
    assert (done.code, done.out, "z.yaml cannot be written" in done.err) == (1, "", True)
    assert (old.read_text(), new.read_text()) == before
    done = life.cli("rotate", *words, clock=life.clock)
    assert (old.read_text() != before[0], new.read_text() != before[1]) == (True, True), done


REFUSED = {
    "missing": (("nothing",), "nothing is not declared in these files"),
    "lifecycle: {prevent_revoke: true}": (("other",), "its lifecycle has prevent_revoke"),
    "lifecycle: {ignore_changes: [expire]}": (("other",), "ignores changes of its expiry or switch"),
    "is_disabled: true": (("other",), "is_disabled is true"),
    "state: absent": (("other",), "it is declared absent"),
}


@pytest.mark.parametrize("line", REFUSED)
def test_a_key_that_cannot_be_rotated_is_refused_with_the_reason(life: Life, line: str) -> None:
    words, complaint = REFUSED[line]
    life.file.write_text(TEXT if line == "missing" else f"{TEXT}    {line}\n")
    done = life.rotate(*words)
    assert (done.code, complaint in done.err) == (1, True)


def test_a_key_that_is_not_live_or_rotated_already_is_refused(life: Life) -> None:
    life.file.write_text(f"{TEXT}  - name: third\n    containers: []\n")
    assert "is not live, so there is nothing to rotate" in life.rotate("third").err
    life.rotate("shop-key")
    assert "is already being rotated to shop-key-2; use --abort" in life.rotate("shop-key").err
    assert "is not being rotated" in life.rotate("--abort", "other").err


def test_a_name_that_is_taken_is_not_given_again(life: Life) -> None:
    life.emulator.put_key(1, 76, {"name": "shop-key-2", "containers": []})
    life.file.write_text(f"rotate: {{overlap: 14d}}\n{TEXT}")
    done = life.rotate("shop-key")
    assert "  - name: shop-key-3\n" in life.file.read_text()
    assert "until 2026-06-16T00:00:00Z" in done.out


def test_the_alias_of_another_key_is_not_given_as_a_name(life: Life) -> None:
    life.file.write_text(f"{TEXT}    lifecycle: {{alias: shop-key-2}}\n")
    assert life.rotate("shop-key").code == 0
    assert "  - name: shop-key-3\n" in life.file.read_text()


def test_a_name_that_would_be_too_long_is_refused(life: Life) -> None:
    life.file.write_text(f"rotate: {{name: '{{alias}}-{'x' * 60}{{number}}'}}\n{TEXT}")
    done = life.rotate("shop-key")
    assert (done.code, "which has at most 64 characters; choose another pattern" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "expiry"), [((), "null"), (("--to", "30d"), "2026-07-01T00:00:00Z")], ids=["default", "--to"]
)
def test_the_successor_of_a_key_that_never_expires_does_so_only_if_it_is_said(
    life: Life, words: tuple[str, ...], expiry: str
) -> None:
    life.file.write_text(TEXT.replace("2036-01-01T00:00:00Z", "null"))
    life.apply()
    done = life.rotate("shop-key", *words)
    assert done.code == 0
    successor = life.file.read_text().partition("  - name: shop-key-2\n")[2].partition("  - name")[0]
    assert ("    expire: " in successor) is (expiry != "null")
    assert f"    expire: {expiry}\n" in successor or expiry == "null"


@pytest.mark.parametrize(
    "words", [(), ("--now",), ("--now", "--finish"), ("web", "--due"), ("web", "--abort", "--overlap", "1d")]
)
def test_words_that_mean_nothing_are_an_error(cli: CommandLine, words: tuple[str, ...]) -> None:
    assert cli("rotate", *words).code == 64


def test_keys_past_their_longest_life_are_rotated_when_due(life: Life) -> None:
    life.file.write_text(
        f"renew: {{within: 30d, to: 90d, max_total: 100d}}\n{TEXT.replace('2036-01-01', '2026-08-01')}"
    )
    life.apply()
    assert life.rotate("--due").code == 0
    life.clock = FakeClock(dt.datetime(2026, 8, 20, tzinfo=dt.UTC))
    life.file.write_text(life.file.read_text().replace("2026-08-01", "2026-09-09"))
    done = life.rotate("--due", "--overlap", "3d")
    assert (done.code, done.out.count("both work until 2026-08-23T00:00:00Z")) == (2, 2)
