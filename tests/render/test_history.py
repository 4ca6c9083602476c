"""A history as text and as JSON: the same facts, each on a line of its own, whatever others wrote."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import random
import shlex
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.cycle import CycleResult, FieldOutcome, ScopeState
from reconciler.model.plan import Action, DriftOrigin, Effect
from reconciler.model.status import (
    CycleSummary,
    Episode,
    FlappingField,
    KeyHistory,
    NewKey,
    Pending,
    ScopeStatus,
    Status,
)
from reconciler.render.history import FORMAT_VERSION, episode_facts, render_history_json, render_history_text
from reconciler.render.values import change_text, clear_command
from tests.values import episode

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
ACME = "caas/1/76/partner-acme"
SHOP = "caas/1/76/storefront"
WEB = {"name": "web", "namespace": "shop"}
API = {"name": "api", "namespace": "shop"}
HOSTILE = [
    "line\nbreak",
    "carriage\rreturn",
    "\x1b[2Jcleared",
    "\u202ereordered",
    "\u2028separated",
    "zero\u200bwidth",
    "\ud800",
    "##[error]failed",
    "##vso[task.complete]",
    "\x00\x07\x7f\x9b",
]
TEXT = """\
Rounds since 2026-05-02T12:00:00Z: 7 (4 in sync, 1 corrected, 2 failed)
Last round: 2026-06-01T11:59:00Z: failed, run run-2
  caas/1/77 could not be read: HTTP 500
Not compared: caas/1/77: unreachable: HTTP 500
Contested: caas/1/76/partner-acme is_disabled since 2026-06-01T11:00:00Z, corrected 3 times
  true -> false
  end it with: reconciler history clear caas/1/76/partner-acme is_disabled --history /var/lib/drift.db

caas/1/76/partner-acme
  ~ is_disabled = true -> false  # grants: enables the key
    seen 2026-06-01T11:00:00Z to 2026-06-01T12:00:00Z, 5 rounds; contested
  ~ containers = [- {name: "web", namespace: "shop"}, + {name: "api", namespace: "shop"}]  # grants+revokes: binds 1, unbinds 1
    seen 2026-06-01T11:00:00Z to 2026-06-01T12:00:00Z, 1 round; correction failed: PATCH /x: HTTP 500
caas/1/76/storefront
  ~ description = "ours" -> "theirs"  # neutral: access unchanged
    seen 2026-06-01T11:00:00Z to 2026-06-01T12:00:00Z, 2 rounds; corrected 2026-06-01T12:00:00Z by run run-1
  ~ expire = null -> "2027-01-01T00:00:00Z"  # revokes: ends earlier
    seen 2026-06-01T11:00:00Z to 2026-06-01T12:00:00Z, 1 round; no longer drifted 2026-06-01T12:00:00Z

Drift seen: 9 fields.
The latest 4 are shown; --limit shows more.
"""  # noqa: E501 - as it is printed


CONTEST = FlappingField(ACME, "is_disabled", desired=True, live=False, since=NOON - HOUR, corrections=3)
LAST = CycleSummary(
    began=NOON - dt.timedelta(minutes=1),
    ended=NOON,
    result=CycleResult.FAILED,
    run="run-2",
    drifted=2,
    corrected=1,
    contested=1,
    errors=("caas/1/77 could not be read: HTTP 500",),
)
STATUS = Status(
    at=NOON,
    since=NOON - dt.timedelta(days=30),
    scopes=(
        ScopeStatus("caas/1/76", ScopeState.DRIFTED, NOON - HOUR, 120),
        ScopeStatus("caas/1/77", ScopeState.UNREACHABLE, NOON, 0, "HTTP 500"),
    ),
    flapping=(CONTEST,),
    keys=(KeyHistory(ACME, ()),),
    omitted_keys=0,
    cycles=((CycleResult.IN_SYNC, 4), (CycleResult.CORRECTED, 1), (CycleResult.FAILED, 2)),
    last_cycle=LAST,
    last_success=NOON - HOUR,
    file="/var/lib/drift.db",
)
EMPTY = Status(NOON, NOON - HOUR, (), (), (), 0, (), None, None)
EPISODES = (
    episode(outcome=FieldOutcome.CONTESTED),
    episode(
        field="containers",
        effect=Effect.BOTH,
        reason="binds 1, unbinds 1",
        desired=[WEB],
        live=[API],
        cycles=1,
        outcome=FieldOutcome.FAILED,
        detail="PATCH /x: HTTP 500",
    ),
    episode(
        address=SHOP,
        field="description",
        effect=Effect.NEUTRAL,
        reason="access unchanged",
        desired="ours",
        live="theirs",
        cycles=2,
        outcome=FieldOutcome.CORRECTED,
        ended=NOON,
        corrected=NOON,
        run="run-1",
    ),
    episode(
        address=SHOP,
        field="expire",
        effect=Effect.REVOKES,
        reason="ends earlier",
        desired=None,
        live="2027-01-01T00:00:00Z",
        cycles=1,
        outcome=FieldOutcome.ENDED,
        ended=NOON,
    ),
)
FACTS = {
    "address": SHOP,
    "field": "description",
    "declared": "ours",
    "live": "theirs",
    "effect": "neutral",
    "reason": "access unchanged",
    "first_seen": "2026-06-01T11:00:00Z",
    "last_seen": "2026-06-01T12:00:00Z",
    "rounds": 2,
    "action": "update",
    "origin": "unknown",
    "outcome": "corrected",
    "detail": "",
    "ended": "2026-06-01T12:00:00Z",
    "corrected": "2026-06-01T12:00:00Z",
    "run": "run-1",
}


def test_a_history_is_rendered_as_text() -> None:
    assert render_history_text(STATUS, EPISODES, 9) == TEXT


def test_an_empty_history_is_reported_as_empty() -> None:
    text = "Rounds since 2026-06-01T11:00:00Z: 0\n\nNo drift.\n"
    assert render_history_text(EMPTY, (), 0) == text


@pytest.mark.parametrize(
    ("total", "last"), [(1, "Drift seen: 1 field."), (2, "The latest 1 are shown; --limit shows more.")]
)
def test_omitted_entries_are_mentioned(total: int, last: str) -> None:
    assert render_history_text(EMPTY, EPISODES[:1], total).splitlines()[-1] == last


def test_drift_of_one_round_has_one_time() -> None:
    once = episode(first_seen=NOON, last_seen=NOON, cycles=1)
    assert "    seen 2026-06-01T12:00:00Z, 1 round; left to a person\n" in render_history_text(
        EMPTY, (once,), 1
    )


def test_an_interrupted_round_has_no_end() -> None:
    last = dataclasses.replace(LAST, ended=None, result=None, errors=())
    text = render_history_text(dataclasses.replace(STATUS, last_cycle=last), (), 0)
    assert "\nLast round: 2026-06-01T11:59:00Z: not ended, run run-2\n" in text


def test_a_contested_field_of_an_in_memory_history_cannot_be_cleared_by_a_command() -> None:
    text = render_history_text(dataclasses.replace(STATUS, file=None), (), 0)
    assert "Contested: " in text
    assert "history clear" not in text


def test_a_history_is_grouped_by_key_the_latest_first() -> None:
    turns = [episode(address=address) for address in (ACME, SHOP, ACME)]
    lines = render_history_text(EMPTY, turns, 3).splitlines()
    assert [line for line in lines if line.startswith("caas")] == [ACME, SHOP]
    assert [line for line in lines if line.startswith("  ~")] == [
        "  ~ is_disabled = true -> false  # grants: enables the key"
    ] * 3
    assert lines.index(SHOP) == 7


def test_a_history_is_rendered_as_json() -> None:
    document = json.loads(render_history_json(STATUS, EPISODES, 9))
    assert document.pop("drift") == [episode_facts(one) for one in EPISODES]
    assert document == {
        "format_version": FORMAT_VERSION,
        "timestamp": "2026-06-01T12:00:00Z",
        "since": "2026-05-02T12:00:00Z",
        "rounds": {"in sync": 4, "corrected": 1, "failed": 2},
        "last_round": {
            "began": "2026-06-01T11:59:00Z",
            "ended": "2026-06-01T12:00:00Z",
            "result": "failed",
            "run": "run-2",
            "drifted": 2,
            "corrected": 1,
            "contested": 1,
            "pending": 0,
            "errors": ["caas/1/77 could not be read: HTTP 500"],
        },
        "last_success": "2026-06-01T11:00:00Z",
        "scopes": [
            {
                "scope": "caas/1/76",
                "standing": "drifted",
                "since": "2026-06-01T11:00:00Z",
                "keys": 120,
                "detail": "",
            },
            {
                "scope": "caas/1/77",
                "standing": "unreachable",
                "since": "2026-06-01T12:00:00Z",
                "keys": 0,
                "detail": "HTTP 500",
            },
        ],
        "contested": [
            {
                "address": ACME,
                "field": "is_disabled",
                "declared": True,
                "live": False,
                "since": "2026-06-01T11:00:00Z",
                "corrections": 3,
            }
        ],
        "pending": [],
        "new_unmanaged": [],
        "omitted": 5,
    }


def test_an_empty_history_as_json_has_every_member() -> None:
    assert json.loads(render_history_json(EMPTY, (), 0)) == {
        "format_version": "1.0",
        "timestamp": "2026-06-01T12:00:00Z",
        "since": "2026-06-01T11:00:00Z",
        "rounds": {},
        "last_round": None,
        "last_success": None,
        "scopes": [],
        "contested": [],
        "pending": [],
        "new_unmanaged": [],
        "drift": [],
        "omitted": 0,
    }


PENDING = Pending(
    SHOP, "description", Action.UPDATE, Effect.NEUTRAL, "access unchanged", "new", "old", NOON - HOUR
)


def test_pending_and_new_keys_are_reported() -> None:
    absent = dataclasses.replace(PENDING, address=ACME, field="", action=Action.CREATE, desired=None)
    new = NewKey("caas/1/76/stray", NOON)
    status = dataclasses.replace(EMPTY, pending=(absent, PENDING), new_keys=(new,))
    text = render_history_text(status, (), 0)
    assert (
        f"Pending: {ACME} since 2026-06-01T11:00:00Z; Git is ahead, and this has not been applied yet\n"
        "  + key created\n"
        f"Pending: {SHOP} since 2026-06-01T11:00:00Z; Git is ahead, and this has not been applied yet\n"
        '  ~ description = "new" -> "old"\n'
        "New and not declared: caas/1/76/stray, first seen 2026-06-01T12:00:00Z\n"
    ) in text
    document = json.loads(render_history_json(status, (), 0))
    assert document["pending"][1] == {
        "address": SHOP,
        "field": "description",
        "action": "update",
        "declared": "new",
        "live": "old",
        "effect": "neutral",
        "reason": "access unchanged",
        "since": "2026-06-01T11:00:00Z",
    }
    assert document["new_unmanaged"] == [{"address": "caas/1/76/stray", "first_seen": "2026-06-01T12:00:00Z"}]


def test_a_key_is_reported_by_its_outcome_and_a_field_by_its_origin() -> None:
    deleted = episode(field="", desired={"description": "ours"}, live=None, action=Action.DELETE)
    text = render_history_text(STATUS, (deleted, episode(origin=DriftOrigin.CONFLICT)), 2)
    assert "  - key deleted  # grants: enables the key\n" in text
    assert "true -> false  # [conflict] grants: enables the key\n" in text


@pytest.mark.parametrize("state", [ScopeState.INCOMPLETE, ScopeState.UNREACHABLE])
def test_no_drift_is_not_claimed_if_something_could_not_be_compared(state: ScopeState) -> None:
    scopes = (ScopeStatus("caas/1/76", state, NOON, 1, "why"),)
    text = render_history_text(dataclasses.replace(EMPTY, scopes=scopes), (), 0)
    assert f"Not compared: caas/1/76: {state}: why\n" in text
    assert text.endswith("For the keys that could be compared, nothing is recorded.\n")


def test_the_end_of_an_interrupted_round_is_null_in_json() -> None:
    status = dataclasses.replace(STATUS, last_cycle=dataclasses.replace(LAST, ended=None, result=None))
    last = json.loads(render_history_json(status, (), 0))["last_round"]
    assert (last["ended"], last["result"]) == (None, None)


def test_every_property_of_drift_has_a_json_member() -> None:
    assert episode_facts(EPISODES[2]) == FACTS
    members = {field.name for field in dataclasses.fields(Episode)} - {"cycles", "desired"} | {
        "rounds",
        "declared",
    }
    assert {*FACTS} == members


def hostile(text: str) -> tuple[Status, Episode]:
    contest = dataclasses.replace(CONTEST, address=text, field=text, desired=text, live=[text])
    status = dataclasses.replace(
        STATUS, flapping=(contest,), last_cycle=dataclasses.replace(LAST, errors=(text,)), file=text
    )
    return status, episode(address=text, field=text, reason=text, desired=text, live={"x": text}, detail=text)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_texts_cannot_leave_their_lines(text: str) -> None:
    status, found = hostile(text)
    lines = render_history_text(status, [found], 1).split("\n")
    assert len(lines) == 14
    assert all(line.isprintable() for line in lines)
    assert not any("##[" in line or "##vso[" in line for line in lines)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_texts_survive_a_json_round_trip(text: str) -> None:
    status, found = hostile(text)
    written = render_history_json(status, [found], 1)
    assert written.isascii()
    assert all(line.isprintable() for line in written.split("\n"))
    assert "##[" not in written
    (drift,) = json.loads(written)["drift"]
    assert (drift["address"], drift["live"], drift["detail"]) == (text, {"x": text}, text)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (True, False, "true -> false"),
        (None, "", 'null -> ""'),
        ("ours", "theirs", '"ours" -> "theirs"'),
        ([], [WEB], '[+ {name: "web", namespace: "shop"}]'),
        ([WEB], [], '[- {name: "web", namespace: "shop"}]'),
        ([1, 2, 3], [2, 3, 4], "[- 1, + 4]"),
        (None, [1], "null -> [1]"),
        ([1], None, "[1] -> null"),
        ([1], [True], "[- 1, + true]"),
        ([0, False], [False], "[- 0]"),
        ([1, 2], [2, 1], "[1, 2] -> [2, 1]"),
        ([1, 1], [1], "[1, 1] -> [1]"),
        ("x" * 300, "", f'"{"x" * 199}… -> ""'),
        ("x" * 198, "", f'"{"x" * 198}" -> ""'),
        (["x" * 300], [], f'[- "{"x" * 199}…]'),
    ],
)
def test_a_change_is_shortened_and_lists_show_only_differences(before: Any, after: Any, text: str) -> None:
    assert change_text(before, after) == text


WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)


def test_a_plain_command_needs_no_quotes() -> None:
    assert clear_command(ACME, "expire", "drift.db") == (
        f"reconciler history clear {ACME} expire --history drift.db"
    )


@given(WORDS, WORDS, WORDS)
def test_a_command_to_copy_is_one_line_of_visible_characters(address: str, field: str, file: str) -> None:
    command = clear_command(address, field, file)
    assert command.isprintable()
    if (address + field + file).isprintable() and "$'" not in command:
        named = [address, field] if field else [address]
        assert shlex.split(command)[3:] == [*named, "--history", file]


@pytest.mark.skipif(shutil.which("bash") is None, reason="this machine has no bash")
def test_a_command_to_copy_is_parsed_correctly_by_a_shell() -> None:
    rng = random.Random(7)  # noqa: S311 - makes words, hides nothing
    letters = [*map(chr, range(1, 256)), *"'\\$`\"!#[]\u202e\u200b\U0001f511\U000e0001" * 8]
    made = ["".join(rng.choices(letters, k=rng.randrange(9))) for _ in range(500)]
    words = [*made, "", "it's", "a\\nb", "\\", "$(id)", "`id`", "##[x]", "\n'", "-x", "~", "\\'\n"]
    script = "\n".join(
        clear_command(word, "field", word).replace("reconciler history clear", "printf '%s\\0'")
        for word in words
    )
    ended = subprocess.run(
        ["bash", "-c", script],  # noqa: S607 - the bash of this machine
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8"},
    )
    found = ended.stdout.decode().split("\0")[:-1]
    assert found[::4] == words
    assert found[3::4] == words
    assert set(found[1::4]) == {"field"}
