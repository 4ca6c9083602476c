"""What is notified and how: text written by others cannot add markup or links to it."""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.cycle import FieldOutcome
from reconciler.model.plan import Action, DriftOrigin, Effect
from reconciler.model.status import ConditionState, Episode, NewKey, PendingNotification, ServiceCondition
from reconciler.render import notification as notifications
from reconciler.render.messages import webhook_body
from reconciler.render.notification import Delivery, delivery_of
from tests.values import check_document
from tests.values import episode as an_episode

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
MORNING = NOON - dt.timedelta(hours=3)
episode = functools.partial(an_episode, first_seen=MORNING, cycles=13)
BASE_URL = "https://api.example.com"
ACME = "caas/1/76/partner-acme"
HOSTILE = [
    "<!channel> come quick",
    "<!here|x>",
    "<@U123>",
    "<http://evil.example|your bank>",
    "<https://evil.example>",
    "&lt;!channel&gt;",
    "`rm -rf /`",
    "```\ncode\n```",
    "*bold* and _italic_",
    "line\nbreak\r\nand\ttab",
    "\x1b[31mred\x1b[0m",
    "\u202egnp.exe",
    "zero\u200bwidth\ufeff",
    "\ud800",
    "##[error]failed",
    "x" * 10_240,
    "&" * 10_240,
    "\x00" * 10_240,
]
DRIFT = {
    "type": "drift",
    "timestamp": "2026-06-01T12:00:00Z",
    "text": (
        "*reconciler*: 2 fields differ from the files\n"
        "• `caas/1/76/partner-acme` is_disabled: true -&gt; false (grants: enables the key), "
        "since 2026-06-01T09:00:00Z: *corrected*\n"
        '• `caas/1/76/partner-acme` containers: [- {name: "web", namespace: "shop"}] '
        "(revokes: unbinds 1), since 2026-06-01T09:00:00Z: *correction failed*: HTTP 500"
    ),
    "data": {
        "base_url": "https://api.example.com",
        "run": "0123456789ab",
        "fields": [
            {
                "address": "caas/1/76/partner-acme",
                "field": "is_disabled",
                "declared": True,
                "live": False,
                "effect": "grants",
                "reason": "enables the key",
                "first_seen": "2026-06-01T09:00:00Z",
                "last_seen": "2026-06-01T12:00:00Z",
                "rounds": 13,
                "action": "update",
                "origin": "unknown",
                "outcome": "corrected",
                "detail": "",
                "ended": "2026-06-01T12:00:00Z",
                "corrected": "2026-06-01T12:00:00Z",
                "run": "0123456789ab",
            },
            {
                "address": "caas/1/76/partner-acme",
                "field": "containers",
                "declared": [{"name": "web", "namespace": "shop"}],
                "live": [],
                "effect": "revokes",
                "reason": "unbinds 1",
                "first_seen": "2026-06-01T09:00:00Z",
                "last_seen": "2026-06-01T12:00:00Z",
                "rounds": 13,
                "action": "update",
                "origin": "unknown",
                "outcome": "correction failed",
                "detail": "HTTP 500",
                "ended": None,
                "corrected": None,
                "run": None,
            },
        ],
        "grants": 0,
        "omitted": 0,
    },
}


def drift_message(*facts: Any) -> dict[str, Any]:
    return webhook_body(notifications.drift_message(*facts))


def new_keys_message(*facts: Any) -> dict[str, Any]:
    return webhook_body(notifications.new_keys_message(*facts))


def condition_message(*facts: Any) -> dict[str, Any]:
    return webhook_body(notifications.condition_message(*facts))


def text_of(*episodes: Episode) -> str:
    text = drift_message(episodes, NOON, BASE_URL, "run")["text"]
    assert isinstance(text, str)
    return text


OPEN, OVER = None, NOON
LEFT, CORRECTED, CONTESTED = FieldOutcome.LEFT, FieldOutcome.CORRECTED, FieldOutcome.CONTESTED
FAILED, NOT_VERIFIED, REFUSED = FieldOutcome.FAILED, FieldOutcome.NOT_VERIFIED, FieldOutcome.REFUSED
NOT_ATTEMPTED, ENDED, CHANGED = FieldOutcome.NOT_ATTEMPTED, FieldOutcome.ENDED, FieldOutcome.CHANGED


@pytest.mark.parametrize(
    ("outcome", "reported", "ended", "rounds", "decision"),
    [
        (LEFT, "", OPEN, 1, "later"),
        (LEFT, "", OPEN, 2, "later"),
        (LEFT, "", OPEN, 3, "now"),
        (LEFT, "", OPEN, 4, "now"),
        (LEFT, "refused", OPEN, 3, "now"),
        (LEFT, "", OVER, 3, "never"),
        (NOT_ATTEMPTED, "", OPEN, 2, "later"),
        (NOT_ATTEMPTED, "", OPEN, 3, "now"),
        (NOT_ATTEMPTED, "left to a person", OPEN, 4, "now"),
        (CORRECTED, "", OVER, 1, "now"),
        (CORRECTED, "left to a person", OVER, 9, "now"),
        (CONTESTED, "", OPEN, 1, "now"),
        (FAILED, "", OPEN, 1, "now"),
        (FAILED, "contested", OPEN, 9, "now"),
        (NOT_VERIFIED, "", OPEN, 1, "now"),
        (REFUSED, "", OPEN, 1, "now"),
        (ENDED, "left to a person", OVER, 3, "now"),
        (ENDED, "contested", OVER, 1, "now"),
        (ENDED, "", OVER, 2, "never"),
        (ENDED, "", OVER, 9, "never"),
        (CHANGED, "", OVER, 9, "never"),
        (CHANGED, "left to a person", OVER, 9, "never"),
    ],
)
def test_when_an_outcome_is_notified(
    outcome: FieldOutcome, reported: str, ended: dt.datetime | None, rounds: int, decision: str
) -> None:
    found = delivery_of(
        PendingNotification(1, reported, episode(outcome=outcome, ended=ended, cycles=rounds)), 3
    )
    assert found is Delivery(decision)


def test_a_drift_message_has_field_address_time_and_outcome() -> None:
    corrected = episode(outcome=CORRECTED, corrected=NOON, ended=NOON, run="0123456789ab")
    failed = episode(
        field="containers",
        desired=[{"name": "web", "namespace": "shop"}],
        live=[],
        effect=Effect.REVOKES,
        reason="unbinds 1",
        outcome=FAILED,
        detail="HTTP 500",
    )
    assert drift_message([corrected, failed], NOON, BASE_URL, "0123456789ab") == DRIFT


def test_a_single_field_is_counted_in_the_singular() -> None:
    assert text_of(episode()).startswith("*reconciler*: 1 field differs from the files, *access granted")


@pytest.mark.parametrize(
    ("episodes", "head"),
    [
        ([{"origin": DriftOrigin.DRIFT}], "1 field changed outside Git, *access granted on 1 key*"),
        ([{"origin": DriftOrigin.CONFLICT, "effect": Effect.REVOKES}], "1 field changed outside Git"),
        ([{"origin": DriftOrigin.DRIFT, "ended": NOON}], "1 field changed outside Git"),
        (
            [
                {"field": "", "action": Action.CREATE, "origin": DriftOrigin.DRIFT},
                {"field": "", "action": Action.DELETE, "effect": Effect.REVOKES, "address": "caas/1/76/gone"},
                {"effect": Effect.NEUTRAL},
            ],
            "1 field, 1 created key, 1 deleted key differ from the files, *access granted on 1 key*",
        ),
        (
            [{"field": "", "action": Action.CREATE, "origin": DriftOrigin.CONFLICT}],
            "1 unwanted key changed outside Git, *access granted on 1 key*",
        ),
    ],
)
def test_a_message_has_outcome_and_origin_of_keys_only_if_known(
    episodes: list[dict[str, Any]], head: str
) -> None:
    message = drift_message([episode(**facts) for facts in episodes], NOON, BASE_URL, "run")
    assert message["text"].splitlines()[0] == f"*reconciler*: {head}"


def test_a_key_that_was_created_or_deleted_is_notified_without_its_values() -> None:
    created = episode(field="", action=Action.CREATE, origin=DriftOrigin.DRIFT, desired=None, live={"a": 1})
    assert f"• `{ACME}` key created ([drift] grants: enables the key), since" in text_of(created)
    assert f"• `{ACME}` key deleted (grants" in text_of(episode(field="", action=Action.DELETE))
    unwanted = episode(field="", action=Action.CREATE, origin=DriftOrigin.CONFLICT)
    assert f"• `{ACME}` key changed, and no longer desired ([conflict] grants" in text_of(unwanted)


@pytest.mark.parametrize(("count", "shown", "omitted"), [(1, 1, 0), (52, 50, 2)])
def test_new_undeclared_keys_are_notified_with_since_when(count: int, shown: int, omitted: int) -> None:
    keys = [NewKey(f"{ACME}-{n}", NOON) for n in range(count)]
    message = new_keys_message(keys, NOON, BASE_URL, "run")
    check_document("notification", message)
    head, first, *rest = message["text"].splitlines()
    assert head == f"*reconciler*: {count} new key{'s' if count > 1 else ''} not declared"
    assert first == f"• `{ACME}-0`, first seen 2026-06-01T12:00:00Z"
    assert rest[shown - 1 :] == ([f"and {omitted} more"] if omitted else [])
    assert (len(message["data"]["keys"]), message["data"]["omitted"]) == (shown, omitted)


@pytest.mark.parametrize(("count", "shown", "omitted"), [(50, 50, 0), (51, 50, 1), (60, 50, 10)])
def test_the_first_fifty_fields_are_shown_and_the_others_counted(
    count: int, shown: int, omitted: int
) -> None:
    message = drift_message([episode(address=f"{ACME}-{n}") for n in range(count)], NOON, BASE_URL, "run")
    head, *lines = message["text"].splitlines()
    assert head == f"*reconciler*: {count} fields differ from the files, *access granted on {count} keys*"
    assert lines[shown:] == ([f"and {omitted} more: see `reconciler history`"] if omitted else [])
    addresses = [field["address"] for field in message["data"]["fields"]]
    assert addresses == [f"{ACME}-{n}" for n in range(shown)]
    assert message["data"]["omitted"] == omitted


ERRORS = ("keys.yaml:3:1: not <valid>", "`one` *more*")
SINCE = "2026-06-01T09:00:00Z"


@pytest.mark.parametrize(
    ("condition", "over", "kind", "text"),
    [
        (ServiceCondition.ROUNDS, False, "rounds.failing", f"rounds have failed, since {SINCE}"),
        (
            ServiceCondition.ROUNDS,
            True,
            "rounds.recovered",
            f"rounds succeed again; the problem began {SINCE}",
        ),
        (
            ServiceCondition.FILES,
            False,
            "files.invalid",
            f"the files are invalid; the last valid version is still in use, since {SINCE}",
        ),
        (
            ServiceCondition.FILES,
            True,
            "files.valid",
            f"the files are valid again; the problem began {SINCE}",
        ),
        (
            ServiceCondition.CHECKOUT,
            False,
            "checkout.stale",
            f"the checkout cannot be updated; the present files are used, since {SINCE}",
        ),
        (
            ServiceCondition.CHECKOUT,
            True,
            "checkout.current",
            f"the checkout is updated again; the problem began {SINCE}",
        ),
    ],
)
def test_a_condition_message_has_its_start_and_reason(
    condition: ServiceCondition, kind: str, text: str, *, over: bool
) -> None:
    message = condition_message(ConditionState(condition, MORNING, 4, over), NOON, BASE_URL, "run", ERRORS)
    lines = [] if over else ["• keys.yaml:3:1: not &lt;valid&gt;", "• 'one' \u2217more\u2217"]
    assert message == {
        "type": kind,
        "timestamp": "2026-06-01T12:00:00Z",
        "text": "\n".join([f"*reconciler*: {text}", *lines]),
        "data": {
            "base_url": BASE_URL,
            "run": "run",
            "since": SINCE,
            "rounds": 4,
            "errors": [] if over else list(ERRORS),
        },
    }


def test_the_first_ten_errors_are_notified_and_the_others_counted() -> None:
    errors = [f"error {number}" for number in range(12)]
    message = condition_message(
        ConditionState(ServiceCondition.ROUNDS, NOON, 1), NOON, BASE_URL, "run", errors
    )
    assert message["text"].splitlines()[1:] == [
        *[f"• error {number}" for number in range(10)],
        "and 2 more",
    ]
    assert message["data"]["errors"] == errors[:10]


FRAME = re.compile(r"\*reconciler\*: .*|• `[^`]*` .*: \*[a-z ]+\*(: .*)?|• .*")


def assert_inert(text: str, lines: int) -> None:
    """Assert that nothing in a text but our own frame has a meaning for Slack."""
    shown = text.split("\n")
    assert len(shown) == lines
    assert all(line.isprintable() for line in shown)
    assert not set("<>") & set(text)
    assert re.findall(r"&(?!amp;|lt;|gt;)", text) == []
    for line in shown[1:]:
        assert FRAME.fullmatch(line)
        body = line.removeprefix("• `")
        assert body.count("`") <= 1
        assert line.count("*") <= 2
        assert len(line) < 20_000


def hostile_episodes(text: str) -> list[Episode]:
    return [
        episode(desired=text, live=f"{text}!"),
        episode(desired=None, live=text),
        episode(desired=[text], live=[{"name": text}, f"{text} more"]),
        episode(desired=[], live=[f"{text} {number}" for number in range(500)]),
        episode(field=text),
        episode(address=f"caas/1/76/{text}"),
        episode(reason=text),
        episode(outcome=FAILED, detail=text),
    ]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_inert_and_short(text: str) -> None:
    for found in hostile_episodes(text):
        assert_inert(text_of(found), 2)
    condition = ConditionState(ServiceCondition.ROUNDS, NOON, 1)
    assert_inert(condition_message(condition, NOON, BASE_URL, "run", [text])["text"], 2)


@given(st.text(alphabet=st.characters() | st.sampled_from("<>&`*|!@#\n\u202e\ud800")))
def test_any_text_is_inert(text: str) -> None:
    assert_inert(text_of(*hostile_episodes(text)), 9)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters() | st.just("\ud800")),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_every_body_is_json_with_unchanged_values(value: Any) -> None:
    message = drift_message([episode(live=value)], NOON, BASE_URL, "run")
    sent = json.loads(json.dumps(message).encode("ascii"))
    assert sent == message
    assert sent["data"]["fields"][0]["live"] == value


def test_times_are_in_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    message = drift_message([episode(first_seen=MORNING.astimezone(zone))], NOON.astimezone(zone), "", "")
    assert message["timestamp"] == "2026-06-01T12:00:00Z"
    assert "since 2026-06-01T09:00:00Z" in message["text"]


def test_a_long_text_is_truncated_with_a_mark() -> None:
    line = text_of(episode(outcome=FAILED, detail="x" * 501)).splitlines()[1]
    assert line.endswith(f": {'x' * 500}…")
    line = text_of(episode(outcome=FAILED, detail="x" * 500)).splitlines()[1]
    assert line.endswith(f": {'x' * 500}")
