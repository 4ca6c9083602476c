"""Several receivers: one that fails keeps no other from being notified, and gets later what it missed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ConfigurationError
from reconciler.model.notification import Line, Notification, Part, Style
from reconciler.model.system import SystemRandomness
from reconciler.service.history.database import Database
from reconciler.service.history.undelivered import Undelivered, Waiting
from reconciler.service.outbox import Outbox, Receiver
from tests.support import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Team:
    """Receivers, of which those in ``down`` fail."""

    def __init__(self, *names: str, database: Database) -> None:
        self.down: set[str] = set()
        self.tried: list[str] = []
        self.received: list[tuple[str, str]] = []
        self.identifiers: list[str] = []
        self.errors: list[str] = []
        self.results: list[str] = []
        found = [Receiver(name, f"https://{name}/…", self.sender(name), self.errors.clear) for name in names]
        undelivered = Undelivered(database)
        self.outbox = Outbox(found, undelivered, self.errors.append, self.results.append, SystemRandomness())

    def sender(self, name: str) -> Any:
        def send(notification: Notification, identifier: str) -> str:
            self.tried.append(name)
            self.identifiers.append(identifier)
            if name in self.down:
                raise ConfigurationError("no response")
            self.received.append((name, notification.head[0].text))
            return "HTTP 200"

        return send


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(None) as made:
        yield made


def say(text: str, at: dt.datetime = NOON) -> Notification:
    return Notification("drift", at, "", (Part(text),), (), 0, {})


def test_one_that_fails_keeps_no_other_from_being_notified_and_gets_it_later(database: Database) -> None:
    team = Team("a", "b", database=database)
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
    assert all(identifier.startswith("msg_") for identifier in team.identifiers)
    team.outbox.begin(NOON)
    assert len(team.received) == 4


def test_what_nobody_received_is_left_to_the_history(database: Database) -> None:
    team = Team("a", "b", database=database)
    team.down = {"a", "b"}
    assert [team.outbox.send(say("one")), team.outbox.send(say("two"))] == [False, False]
    assert team.tried == ["a", "b"]
    team.down = set()
    team.outbox.begin(NOON)
    assert team.received == []


def test_what_waits_is_sent_in_order_and_only_once_for_each_failure(database: Database) -> None:
    team = Team("a", "b", database=database)
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


def test_what_waited_for_a_day_and_the_oldest_of_very_many_are_dropped(database: Database) -> None:
    team = Team("a", "b", database=database)
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


def test_the_next_run_sends_what_one_receiver_lacks_and_no_other_gets_it_twice(tmp_path: Path) -> None:
    file = str(tmp_path / "drift.db")
    with Database(file) as database:
        team = Team("a", "b", "b", database=database)
        team.down = {"a"}
        assert team.outbox.send(say("one"))
    with Database(file) as database:
        again = Team("a", "b", "b", database=database)
        again.outbox.begin(NOON)
        assert (again.received, again.identifiers) == ([("a", "one")], team.identifiers[:1])
    with Database(file) as database:
        third = Team("a", "b", "b", database=database)
        third.outbox.begin(NOON)
        assert third.received == []


def test_receivers_at_one_place_are_kept_apart() -> None:
    with Database(None) as database:
        answers = iter([True, False, False])

        def send(_notification: Notification, _identifier: str) -> str:
            if next(answers):
                raise ConfigurationError("no response")
            return "HTTP 200"

        two = [Receiver("Slack", "https://hooks.example/…", send, list) for _ in range(2)]
        Outbox(two, Undelivered(database), list, list, SystemRandomness()).send(say("one"))
        assert {name: len(left) for name, left in Undelivered(database).read().items()} == {
            "Slack https://hooks.example/… 1": 1,
            "Slack https://hooks.example/… 2": 0,
        }


PARTS = st.lists(st.builds(Part, st.text(), st.sampled_from(Style)), max_size=3).map(tuple)
VALUES = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text(), max_size=3)


@given(PARTS, st.lists(PARTS, max_size=3).map(tuple), VALUES, PARTS, st.text())
def test_a_message_is_read_as_it_was_stored(
    head: Line, items: tuple[Line, ...], data: dict[str, Any], advice: Line, place: str
) -> None:
    message = Waiting(Notification("drift", NOON, place, head, items, 7, data, advice), "msg_1")
    with Database(None) as database:
        stored = Undelivered(database)
        stored.store({place: [message]})
        assert stored.read() == {place: (message,)}
        stored.store({place: []})
        assert stored.read() == {}


def test_what_another_version_left_in_a_form_that_is_not_known_is_left_out() -> None:
    with Database(None) as database:
        for text in ("{", "[]", '{"a": [{}]}', '{"a": 1}', '{"a": [{"at": "soon"}]}'):
            with database.transaction() as connection:
                connection.execute("INSERT OR REPLACE INTO setting VALUES ('undelivered', ?)", (text,))
            assert Undelivered(database).read() == {}
