"""``rotate`` at its edges: several keys, short and endless lives, keys that cannot, a leak in an overlap."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.cli.test_rotate import TEXT, Life, life
from tests.support import FakeClock

__all__ = ["life"]  # the fixture


def test_a_due_key_that_cannot_be_rotated_does_not_keep_others_from_it(life: Life) -> None:
    text = f"renew: {{within: 30d, to: 90d, max_total: 100d}}\n{TEXT.replace('2036-01-01', '2026-09-09')}"
    life.file.write_text(f"{text}    lifecycle: {{prevent_revoke: true}}\n")
    life.apply()
    life.clock = FakeClock(dt.datetime(2026, 8, 20, tzinfo=dt.UTC))
    done = life.rotate("--due")
    assert (done.code, done.out.count(" -> ")) == (2, 1)
    assert "caas/1/76/other cannot be rotated: its lifecycle says prevent_revoke" in done.err
    assert "  - name: shop-key-2\n" in life.file.read_text()


def test_names_are_counted_in_each_scope_and_a_key_is_rotated_once(life: Life) -> None:
    life.file.write_text(f"{TEXT}---\n{TEXT.replace('76', '80')}")
    assert life.apply().code == 0
    done = life.rotate("caas/1/76/shop-key", "caas/1/80/shop-key", "caas/1/76/shop-key")
    assert (done.code, done.out.count("shop-key -> shop-key-2")) == (0, 2)
    assert life.file.read_text().count("  - name: shop-key-2\n") == 2


@pytest.mark.parametrize(
    "words", [("--to", "1h"), ("--to", "5d", "--overlap", "30d"), ("--to", "1h", "--now")]
)
def test_a_successor_that_would_not_outlive_the_overlap_is_refused(
    life: Life, words: tuple[str, ...]
) -> None:
    done = life.rotate("shop-key", *words)
    assert (done.code, "its successor would expire" in done.err) == (1, True)
    assert life.file.read_text() == TEXT


def test_a_name_that_is_not_allowed_is_not_said_to_be_too_long(life: Life) -> None:
    life.file.write_text(f"rotate: {{name: '{{alias}}.{{number}}'}}\n{TEXT}")
    done = life.rotate("shop-key")
    assert (done.code, "shop-key.2 cannot be a name; choose another pattern" in done.err) == (1, True)


def test_times_end_with_the_calendar(life: Life) -> None:
    done = life.rotate("shop-key", "--overlap", "3000y", "--to", "9999y")
    assert (done.code, "    expire: 9999-12-31T00:00:00Z\n" in life.file.read_text()) == (0, True)
    life.file.write_text(TEXT)
    assert life.renew("--within", "9000y", "--to", "9999y", "--max-total", "9999y").code == 2


def test_an_expired_key_is_not_made_valid_again(life: Life) -> None:
    life.file.write_text(TEXT.replace("2036-01-01", "2026-06-10"))
    assert life.apply().code == 0
    life.pass_days(20)
    done = life.rotate("shop-key")
    assert (done.code, "it expired at 2026-06-10T00:00:00Z" in done.err) == (1, True)
    assert life.rotate("shop-key", "--now").code == 0


@pytest.mark.parametrize("is_applied", [True, False])
def test_a_leak_of_the_old_key_ends_its_overlap(life: Life, *, is_applied: bool) -> None:
    life.rotate("shop-key")
    if is_applied:
        life.apply()
    assert "--now ends the overlap" in life.rotate("shop-key").err
    done = life.rotate("shop-key", "--now")
    assert (done.code, "caas/1/76/shop-key loses access as soon as shop-key-2 is there" in done.out) == (
        0,
        True,
    )
    assert life.apply().code == 0
    live = life.emulator.keys(1, 76)
    assert [live[name]["is_disabled"] for name in ("shop-key", "shop-key-2")] == [True, False]
    assert life.live() == {"shop-key", "shop-key-2", "other"}
    for _ in range(2):
        assert life.rotate("--finish").code == 2
        assert life.apply().code == 0
    assert life.live() == {"shop-key-2", "other"}
