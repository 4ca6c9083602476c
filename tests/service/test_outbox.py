"""Several receivers: one that fails keeps no other from being notified, and gets later what it missed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from reconciler.errors import ConfigurationError
from reconciler.model.notification import Notification, Part
from reconciler.service.outbox import Outbox, Receiver
from tests.support import NOON


class Team:
    """Receivers, of which those in ``down`` fail."""

    def __init__(self, *names: str) -> None:
        self.down: set[str] = set()
        self.tried: list[str] = []
        self.received: list[tuple[str, str]] = []
        self.identifiers: list[str] = []
        self.errors: list[str] = []
        self.results: list[str] = []
        found = [Receiver(name, f"https://{name}/…", self.sender(name), self.errors.clear) for name in names]
        self.outbox = Outbox(found, self.errors.append, self.results.append)

    def sender(self, name: str) -> Any:
        def send(notification: Notification, identifier: str) -> str:
            self.tried.append(name)
            self.identifiers.append(identifier)
            if name in self.down:
                raise ConfigurationError("no response")
            self.received.append((name, notification.head[0].text))
            return "HTTP 200"

        return send


def say(text: str, at: dt.datetime = NOON) -> Notification:
    return Notification("drift", at, "", (Part(text),), (), 0, {})


def test_one_that_fails_keeps_no_other_from_being_notified_and_gets_it_later() -> None:
    team = Team("a", "b")
    team.down = {"a"}
    assert [team.outbox.send(say("one")), team.outbox.send(say("two"))] == [True, True]
    assert team.received == [("b", "one"), ("b", "two")]
    assert team.errors == ["a delivery failed: no response"]
    assert team.results == ["failed", "sent", "sent"]
    assert team.tried == ["a", "b", "b"]
    team.down = set()
    team.outbox.begin(NOON)
    assert team.received[2:] == [("a", "one"), ("a", "two")]
    assert team.identifiers[0] == team.identifiers[1] == team.identifiers[3] != team.identifiers[2]
    team.outbox.begin(NOON)
    assert len(team.received) == 4


def test_what_nobody_received_is_left_to_the_history() -> None:
    team = Team("a", "b")
    team.down = {"a", "b"}
    assert [team.outbox.send(say("one")), team.outbox.send(say("two"))] == [False, False]
    assert team.tried == ["a", "b"]
    team.down = set()
    team.outbox.begin(NOON)
    assert team.received == []


def test_what_waits_is_sent_in_order_and_only_once_for_each_failure() -> None:
    team = Team("a", "b")
    team.down = {"a"}
    for text in ("one", "two"):
        team.outbox.send(say(text))
    team.tried.clear()
    team.outbox.begin(NOON)
    assert team.tried == ["a"]
    assert team.outbox.send(say("three"))
    assert team.tried == ["a", "b"]
    team.down = set()
    team.outbox.begin(NOON)
    assert [text for name, text in team.received if name == "a"] == ["one", "two", "three"]


def test_what_waited_for_a_day_and_the_oldest_of_very_many_are_dropped() -> None:
    team = Team("a", "b")
    team.down = {"a"}
    for text, age in (("old", dt.timedelta(days=1, seconds=1)), ("a day old", dt.timedelta(days=1))):
        team.outbox.send(say(text, NOON - age))
    team.down = set()
    team.outbox.begin(NOON)
    assert [text for name, text in team.received if name == "a"] == ["a day old"]
    team.down = {"a"}
    for number in range(101):
        team.outbox.send(say(str(number)))
    team.down = set()
    team.received.clear()
    team.outbox.begin(NOON)
    assert [text for _, text in team.received] == [str(number) for number in range(1, 101)]
