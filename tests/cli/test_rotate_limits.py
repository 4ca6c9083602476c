"""``rotate`` at its edges: several keys, short and endless lives, keys that cannot, a leak in an overlap."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from tests.cli.test_rotate import TEXT, Life, life
from tests.machine import full_disk
from tests.support import FakeClock, fill

__all__ = ["life"]  # the fixture


def test_a_due_key_that_cannot_be_rotated_does_not_keep_others_from_it(life: Life) -> None:
    text = f"renew: {{within: 30d, to: 90d, max_total: 100d}}\n{TEXT.replace('2036-01-01', '2026-09-09')}"
    life.file.write_text(f"{text}    lifecycle: {{prevent_revoke: true}}\n")
    life.apply()
    life.clock = FakeClock(dt.datetime(2026, 8, 20, tzinfo=dt.UTC))
    done = life.rotate("--due")
    assert (done.code, done.out.count(" -> ")) == (2, 1)
    assert "caas/1/76/other cannot be rotated: its lifecycle has prevent_revoke" in done.err
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
    assert "--now to end the overlap" in life.rotate("shop-key").err
    done = life.rotate("shop-key", "--now")
    assert (
        done.code,
        "caas/1/76/shop-key loses access as soon as shop-key-2 has been created" in done.out,
    ) == (
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


DUE = "renew: {within: 30d, to: 90d, max_total: 100d}\nproject_id: 1\nregion_id: 76\nkeys:\n"
MERGED = """\
  - &a {name: key-12, expire: 2026-06-12T00:00:00Z, containers: [{name: web, namespace: shop}]}
  - {<<: *a, name: key-13, lifecycle: {renew: false}}
"""


def many(*days: int) -> str:
    """Write keys that expire at days of June."""
    return "".join(
        f"  - {{name: key-{day}, expire: 2026-06-{day}T00:00:00Z, containers: []}}\n" for day in days
    )


def declare_old(life: Life, text: str) -> None:
    """Declare keys that are as old as their policy allows, and have no others live."""
    for name in life.live():
        life.emulator.remove_key(1, 76, name)
    life.file.write_text(DUE + text)
    for name, day in re.findall(r"name: (key-(\d+))", text):
        fill(life.emulator, name, expire=f"2026-06-{day}T00:00:00Z", created_at="2026-03-01T00:00:00Z")


def rotated(life: Life) -> set[str]:
    return set(re.findall(r"rotates: key-(\d+)", life.file.read_text()))


def test_keys_of_one_age_are_rotated_in_portions_that_one_apply_may_end(life: Life) -> None:
    declare_old(life, many(*range(29, 17, -1)))
    done = life.rotate("--due")
    assert (done.code, rotated(life)) == (2, {"18", "19", "20"})
    assert "Left 9 keys for the next run, because one apply may take access from 30% of a scope" in done.err
    waiting = life.rotate("--due")  # what the file says already counts
    assert (waiting.code, waiting.out, "Left 9 keys" in waiting.err) == (0, "", True)
    assert life.apply().code == 0
    life.rotate("--due")
    assert rotated(life) == {"18", "19", "20", "21", "22", "23", "24"}  # 30 % of 15 are 4
    assert life.apply().code == 0

    life.pass_days(8)
    done = life.rotate("--finish")  # 30 % of 19 are 5
    assert (done.code, life.file.read_text().count("state: absent")) == (2, 5)
    assert "the overlap has ended: key-24 is left for the next run" in done.err
    assert "Left 2 keys for the next run" in done.err
    assert life.apply().code == 0
    assert len(life.live()) == 14


def test_the_rotations_of_a_chain_are_finished_one_after_another(life: Life) -> None:
    chain = "".join(
        f"  - {{name: key-14-{number + 1}, lifecycle: {{rotates: {old}}}}}\n"
        for number, old in enumerate(("key-14", "key-14-2"), 1)
    )
    declare_old(life, many(14) + chain)
    life.emulator.remove_key(1, 76, "key-14")
    fill(life.emulator, "key-14-3")
    for gone in ("key-14", "key-14-2"):
        done = life.rotate("--finish")
        words = f": {gone} was deleted: its entry is removed"
        assert (done.code, words in done.out, "Warning" in done.err) == (2, True, False)
    assert life.file.read_text().endswith("keys:\n  - {name: key-14-3}\n")


def test_the_rotation_whose_overlap_ended_first_is_finished_first(life: Life) -> None:
    later = "  - {name: a-key, expire: 2026-06-15T00:00:00Z, containers: []}\n"
    names = ("a-key", "key-14")
    successors = [f"  - {{name: {name}-2, lifecycle: {{rotates: {name}}}}}\n" for name in names]
    declare_old(life, later + many(14) + "".join(successors))
    fill(life.emulator, "a-key", expire="2026-06-15T00:00:00Z")
    fill(life.emulator, "a-key-2", "key-14-2")
    life.pass_days(20)
    done = life.rotate("--finish", "--max-revoked", "1")
    assert (done.code, "a-key is left for the next run, because of the limits" in done.err) == (2, True)
    assert "key-14 is declared absent now" in done.out


@pytest.mark.parametrize(("limit", "count"), [("5", 5), ("50%", 6), ("100%", 12), ("0", 1), ("0%", 1)])
def test_a_portion_is_what_the_limit_says_and_never_less_than_one(life: Life, limit: str, count: int) -> None:
    declare_old(life, many(*range(18, 30)))
    assert life.rotate("--due", "--max-revoked", limit).code == 2
    assert len(rotated(life)) == count


def test_a_key_that_is_named_is_not_kept_waiting(life: Life) -> None:
    declare_old(life, many(*range(18, 30)))
    names = [f"key-{day}" for day in range(18, 24)]
    assert (life.rotate(*names).code, len(rotated(life))) == (0, 6)


@pytest.mark.parametrize(("limit", "count"), [("5", 2), ("25%", 1), ("50%", 3), ("0", 1), ("100%", 3)])
def test_a_portion_is_what_one_apply_may_change_too(life: Life, limit: str, count: int) -> None:
    declare_old(life, many(*range(18, 30)))
    done = life.rotate("--due", "--max-changes", limit)
    assert (done.code, len(rotated(life))) == (2, count)  # each is two changes
    assert f"Left {12 - count} keys for the next run, because one apply may" in done.err
    if limit != "0":
        assert life.plan("--max-changes", limit).code == 0
    assert life.apply().code == 0
    life.pass_days(8)
    assert life.rotate("--finish", "--max-changes", "1").code == 2
    assert life.file.read_text().count("state: absent") == 1


def test_renewals_wait_where_one_apply_may_not_change_so_many(life: Life) -> None:
    declare_old(life, many(*range(29, 18, -1)))
    fill(life.emulator, "in-no-file")
    policy = ("--within", "30d", "--to", "60d", "--max-total", "9y")
    done = life.renew(*policy, "--max-changes", "25%")
    assert (done.code, re.findall(r"key-(\d+): expire .* -> ", done.out)) == (2, ["21", "20", "19"])
    assert (
        "Left 8 keys for the next run, because one apply may change 25% of a scope (--max-changes)"
        in done.err
    )
    assert life.plan("--max-changes", "25%").code == 0
    waiting = life.renew(*policy, "--max-changes", "25%")  # what the file says already counts
    assert (waiting.code, waiting.out, "Left 8 keys" in waiting.err) == (0, "", True)
    named = life.renew(*policy, "--max-changes", "25%", "caas/1/76/key-2*")
    assert (named.code, named.out.count(" -> ")) == (2, 8)


@pytest.mark.parametrize(
    "words", [("rotate", "--due"), ("renew", "--within", "30d", "--to", "60d", "--max-total", "9y")]
)
def test_changes_of_other_scopes_count_where_a_limit_counts_keys(life: Life, words: tuple[str, ...]) -> None:
    other = "---\nproject_id: 1\nregion_id: 80\nkeys:\n  - {name: far, state: absent}\n"
    declare_old(life, many(14) + other)
    life.emulator.put_key(1, 80, {"name": "far", "containers": []})
    done = life.cli(*words, "--file", str(life.file), "--max-changes", "1", clock=life.clock)
    assert (done.code, done.out, "Left 1 key for the next run" in done.err) == (0, "", True)


def test_a_file_that_cannot_be_edited_does_not_keep_others_from_it(life: Life) -> None:
    declare_old(life, many(*range(20, 30)) + MERGED)
    life.file.write_text(DUE + many(*range(20, 30)))
    merged = life.file.with_name("merged.yaml")
    merged.write_text(DUE + MERGED)
    both = ("--file", str(merged))
    done = life.rotate("--due", *both)
    assert (done.code, rotated(life)) == (2, {"20", "21"})  # of 3: the file shortens key-13
    assert (
        f"Warning: {merged}:5:5: caas/1/76/key-12: cannot be edited automatically: other values" in done.err
    )
    assert "key-12" not in done.out

    longer = ("--within", "30d", "--to", "60d", "--max-total", "9y")
    done = life.renew(*both, *longer)
    assert (done.code, done.out.count(" -> "), "key-12" in done.out) == (2, 8, False)
    assert "Warning" in done.err
    for refused in (life.rotate("key-12", *both), life.renew("key-12", *both, *longer)):
        assert (refused.code, "Error" in refused.err) == (1, True)
    assert merged.read_text() == DUE + MERGED


@pytest.mark.parametrize(
    "words", [("rotate", "--due"), ("renew", "--within", "30d", "--to", "60d", "--max-total", "9y")]
)
def test_a_key_that_cannot_be_edited_is_said_also_where_no_file_can_be_written(
    life: Life, words: tuple[str, ...]
) -> None:
    declare_old(life, many(*range(20, 30)) + MERGED + f"# {'long ' * 1000}\n")
    with full_disk(2000):
        done = life.cli(*words, "--file", str(life.file), clock=life.clock)
    assert (done.code, done.out, done.err.count("key-12: cannot be edited")) == (1, "", 1)
    assert done.err.index("Warning") < done.err.index("Error: ")


def test_a_key_that_cannot_be_edited_does_not_keep_others_of_its_file_from_it(life: Life) -> None:
    declare_old(life, many(*range(20, 30)) + MERGED + many(15, 16, 17))
    longer = ("--within", "30d", "--to", "60d", "--max-total", "9y")
    done = life.renew(*longer)
    assert (done.code, done.out.count(" -> "), "key-12" in done.out) == (2, 13, False)
    assert done.err.count("Warning") == 1
    assert "caas/1/76/key-12: cannot be edited automatically: other values would change too" in done.err
    assert MERGED in life.file.read_text()
    assert life.renew(*longer).out == ""

    declare_old(life, many(*range(20, 30)) + MERGED + many(15, 16, 17))
    done = life.rotate("--due", "--max-revoked", "5")
    assert (done.code, rotated(life)) == (2, {"15", "16", "17", "20"})  # of 5
    assert done.err.count("Warning") == 1


def test_a_file_that_cannot_be_edited_does_not_keep_others_from_their_end(life: Life) -> None:
    successors = [f"  - {{name: key-{day}-2, lifecycle: {{rotates: key-{day}}}}}\n" for day in (12, 14)]
    declare_old(life, many(14) + MERGED)
    fill(life.emulator, "key-12-2", "key-14-2")
    life.file.write_text(DUE + many(14) + successors[1])
    merged = life.file.with_name("merged.yaml")
    merged.write_text(DUE + MERGED + successors[0])
    life.pass_days(20)
    done = life.rotate("--finish", "--file", str(merged))
    assert (done.code, "Warning" in done.err, life.file.read_text().count("state: absent")) == (2, True, 1)
    assert "key-12" not in done.out
    assert merged.read_text() == DUE + MERGED + successors[0]
    assert life.rotate("--finish", "key-12", "--file", str(merged)).code == 1


def test_a_key_that_cannot_be_edited_does_not_keep_others_of_its_file_from_their_end(life: Life) -> None:
    """The successors, which no edit changes, are needed to find which of the old keys cannot be edited."""
    successors = [f"  - {{name: key-{day}-2, lifecycle: {{rotates: key-{day}}}}}\n" for day in (12, 14, 15)]
    declare_old(life, many(14) + MERGED + many(15) + "".join(successors))
    fill(life.emulator, "key-12-2", "key-14-2", "key-15-2")
    life.pass_days(20)
    done = life.rotate("--finish", "--max-revoked", "100%")
    assert (done.code, done.err.count("Warning"), "key-12" in done.out) == (2, 1, False)
    assert life.file.read_text().count("state: absent") == 2


def test_a_key_that_never_expires_and_is_too_old_has_an_overlap(life: Life) -> None:
    declare_old(life, "")
    life.file.write_text(f"{DUE}  - {{name: old-key, containers: []}}\n")
    fill(life.emulator, "old-key", created_at="2024-03-01T00:00:00Z")
    done = life.rotate("--due")
    assert (done.code, "old-key-2: both work until 2026-06-09T00:00:00Z" in done.out) == (2, True)
    life.pass_days(9)  # a review that took long
    done = life.rotate("--finish")
    assert (done.code, "old-key-2 is not live yet, so the end of the overlap is postponed" in done.out) == (
        2,
        True,
    )
    assert 'old-key, expire: "2026-06-18T00:00:00Z"' in life.file.read_text()
    assert life.apply().code == 0
    assert life.live() == {"old-key", "old-key-2"}


def test_an_overlap_ends_later_only_while_its_key_lives_anyway(life: Life) -> None:
    declare_old(life, many(12))
    life.rotate("--due")
    assert 'expire: "2026-06-09T00:00:00Z"' in life.file.read_text()
    life.pass_days(8)
    assert life.rotate("--finish").code == 2
    assert 'expire: "2026-06-12T00:00:00Z"' in life.file.read_text()


def test_a_key_that_is_gone_is_not_declared_again_by_the_next_rotation(life: Life) -> None:
    life.rotate("shop-key")
    life.apply()
    life.pass_days(8)
    life.rotate("--finish")
    life.apply()
    assert life.live() == {"shop-key-2", "other"}
    assert life.rotate("shop-key-2").code == 0
    assert life.apply().code == 0
    assert life.live() == {"shop-key-2", "shop-key-3", "other"}


def test_an_overlap_that_begins_again_does_not_end_earlier(life: Life) -> None:
    life.rotate("shop-key", "--overlap", "30d")
    life.apply()
    end = "  - name: shop-key\n    expire: 2026-07-02T00:00:00Z\n"
    assert end in life.file.read_text()
    assert life.rotate("shop-key-2", "--now").code == 0  # whose overlap would be of 7 days
    assert end in life.file.read_text()


def test_an_overlap_that_begins_again_ends_with_the_longest_life_too(life: Life) -> None:
    declare_old(life, many(12))
    life.rotate("--due")
    assert life.apply().code == 0
    life.pass_days(7)
    assert life.rotate("key-12-2").code == 0
    assert 'name: key-12, expire: "2026-06-09T00:00:00Z"' in life.file.read_text()


def test_an_overlap_that_begins_again_ends_where_its_end_is_declared(life: Life) -> None:
    life.rotate("shop-key")
    text = life.file.read_text()
    life.file.write_text(
        text.replace("rotates: shop-key,", "rotates: shop-key, until: 2026-06-05T00:00:00Z,")
    )
    life.apply()
    life.pass_days(2)
    assert life.rotate("shop-key-2").code == 0
    text = life.file.read_text()
    assert '{rotates: shop-key, until: "2026-06-11T00:00:00Z", alias: shop-key}' in text
    assert "  - name: shop-key\n    expire: 2026-06-11T00:00:00Z\n" in text
