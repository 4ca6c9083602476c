"""What is notified and when: everything once, what did not arrive later, nothing that is old."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.outcome import Result
from reconciler.model.status import ConditionState, ServiceCondition
from reconciler.render.notification import Delivery, delivery_of
from reconciler.service.history.cycles import clear_flapping
from reconciler.service.history.database import Database
from reconciler.service.history.notifications import Notifications
from tests.service.history import DAYS, HOURS, MINUTES, WEB, Book, at, drifted

if TYPE_CHECKING:
    from collections.abc import Iterator

QUARTER = 15 * MINUTES
FILES, ROUNDS, CHECKOUT = ServiceCondition.FILES, ServiceCondition.ROUNDS, ServiceCondition.CHECKOUT


class Team:
    """Is notified after each cycle, as long as the webhook is open."""

    def __init__(self, database: Database, after_cycles: int = 1) -> None:
        self.book = Book(database)
        self.notifications = Notifications(database)
        self.after_cycles = after_cycles
        self.is_open = True

    def notified_of(self) -> list[str]:
        """Return what is notified after a cycle, in the words of the history."""
        sent = []
        for one in self.notifications.pending(self.book.clock.now()):
            match delivery_of(one, self.after_cycles):
                case Delivery.NOW if self.is_open:
                    sent.append(one)
                case Delivery.NEVER:
                    self.notifications.mark_notified([one])
        self.notifications.mark_notified(sent)
        return [f"{one.episode.live}: {one.episode.outcome.value}" for one in sent]

    def conditions_notified(self, *present: ServiceCondition) -> list[tuple[str, float, int, bool]]:
        """Return which conditions are notified after a cycle with those ``present``."""
        now = self.book.clock.now()
        sent = self.notifications.update(present, self.after_cycles, now) if self.is_open else ()
        if not self.is_open:
            self.notifications.update(present, self.after_cycles, now)
        for condition in sent:
            self.notifications.mark_condition_notified(condition)
        self.book.clock.elapsed += QUARTER
        return [
            (one.condition.value, (one.since - at(0)).total_seconds() / QUARTER, one.cycles, one.is_over)
            for one in sent
        ]


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(None) as database:
        yield database


@pytest.fixture
def team(database: Database) -> Team:
    return Team(database)


def test_drift_is_notified_once(team: Team) -> None:
    team.book.cycle(drifted())
    assert team.notified_of() == ["theirs: left to a person"]
    for _ in range(3):
        team.book.cycle(drifted())
        assert team.notified_of() == []


def test_the_end_of_drift_is_notified_if_its_start_was(team: Team) -> None:
    team.book.cycle(drifted())
    team.notified_of()
    team.book.cycle()
    assert team.notified_of() == ["theirs: no longer drifted"]
    team.book.cycle()
    assert team.notified_of() == []


def test_drift_that_ended_before_it_was_notified_is_never_notified(database: Database) -> None:
    team = Team(database, after_cycles=2)
    team.book.cycle(drifted())
    assert team.notified_of() == []
    team.book.cycle()
    assert team.notified_of() == []
    assert team.notifications.pending(team.book.clock.now()) == ()


@pytest.mark.parametrize("rounds", [1, 2, 3, 10])
def test_drift_is_notified_after_the_configured_number_of_rounds(database: Database, rounds: int) -> None:
    team = Team(database, after_cycles=rounds)
    notified = []
    for _ in range(rounds + 2):
        team.book.cycle(drifted())
        notified.append(team.notified_of())
    assert notified == [[]] * (rounds - 1) + [["theirs: left to a person"]] + [[]] * 2


def test_another_value_restarts_the_round_count(database: Database) -> None:
    team = Team(database, after_cycles=2)
    team.book.cycle(drifted("one"))
    assert team.notified_of() == []
    team.book.cycle(drifted("two"))
    assert team.notified_of() == []
    team.book.cycle(drifted("two"))
    assert team.notified_of() == ["two: left to a person"]


def test_a_correction_is_notified_at_once_and_once(database: Database) -> None:
    team = Team(database, after_cycles=9)
    team.book.cycle(drifted(), correct=Result.APPLIED)
    assert team.notified_of() == ["theirs: corrected"]
    team.book.cycle()
    assert team.notified_of() == []


def test_a_failure_is_notified_once_and_then_its_outcome(team: Team) -> None:
    notified = []
    for result in (Result.FAILED, Result.FAILED, Result.NOT_VERIFIED, Result.NOT_VERIFIED, Result.APPLIED):
        team.book.cycle(drifted(), correct=result)
        notified += [team.notified_of()]
    assert notified == [
        ["theirs: correction failed"],
        [],
        ["theirs: not verified"],
        [],
        ["theirs: corrected"],
    ]


def test_an_unattempted_correction_is_notified_like_drift(
    database: Database,
) -> None:
    team = Team(database, after_cycles=2)
    notified = []
    for _ in range(3):
        team.book.cycle(drifted(), correct=Result.NOT_ATTEMPTED, detail="the journal cannot be written")
        notified += [team.notified_of()]
    assert notified == [[], ["theirs: not attempted"], []]


def test_a_contested_field_is_notified_once_and_then_its_end(database: Database, team: Team) -> None:
    for _ in range(3):
        team.book.cycle(drifted(), correct=Result.APPLIED)
        assert team.notified_of() == ["theirs: corrected"]
    notified = []
    for _ in range(3):
        team.book.cycle(drifted(), correct=Result.APPLIED)
        notified += team.notified_of()
    assert notified == ["theirs: contested"]
    clear_flapping(database, WEB, "description")
    team.book.cycle(drifted(), correct=Result.APPLIED)
    assert team.notified_of() == ["theirs: corrected"]


def test_an_undelivered_notification_is_sent_later_with_the_current_state(team: Team) -> None:
    team.is_open = False
    team.book.cycle(drifted("one"), drifted("two", name="api"), correct=Result.FAILED)
    assert team.notified_of() == []
    team.book.cycle(drifted("one"), drifted("two", name="api"), correct=Result.APPLIED)
    assert team.notified_of() == []
    team.is_open = True
    team.book.cycle()
    assert team.notified_of() == ["one: corrected", "two: corrected"]
    assert team.notified_of() == []


@pytest.mark.parametrize(
    ("hours", "notified"), [(23, ["theirs: corrected"]), (24, ["theirs: corrected"]), (25, [])]
)
def test_drift_that_ended_a_day_ago_is_not_notified(team: Team, hours: float, notified: list[str]) -> None:
    team.book.cycle(drifted(), correct=Result.APPLIED)
    team.book.clock.elapsed = hours * HOURS
    assert team.notified_of() == notified


def test_ongoing_drift_is_notified_however_old(team: Team) -> None:
    team.book.cycle(drifted())
    team.book.clock.elapsed = 30 * DAYS
    assert team.notified_of() == ["theirs: left to a person"]


def test_notifications_are_sent_oldest_first(team: Team) -> None:
    team.book.cycle(drifted("one", name="zzz"))
    team.book.cycle(drifted("one", name="zzz"), drifted("two", name="aaa"))
    assert team.notified_of() == ["one: left to a person", "two: left to a person"]


def test_notifications_of_several_types_are_sent_oldest_first(team: Team) -> None:
    team.book.cycle(drifted("one", name="zzz"))
    assert team.notified_of() == ["one: left to a person"]
    team.book.cycle(drifted("one", name="zzz"), drifted("two", name="aaa"), correct=Result.FAILED)
    team.book.cycle(
        drifted("one", name="zzz"),
        drifted("two", name="aaa"),
        drifted("three", name="mmm"),
        correct=Result.APPLIED,
    )
    assert team.notified_of() == ["one: corrected", "two: corrected", "three: corrected"]


def test_drift_seen_in_the_most_rounds_is_notified_first(database: Database) -> None:
    team = Team(database, after_cycles=3)
    many = [drifted(name=f"key-{number}") for number in range(1000)]
    team.book.cycle(*many, drifted("due", name="last"))
    for _ in range(2):
        team.book.cycle(drifted("due", name="last"), compared=lambda _address: False)
    assert team.notified_of() == ["due: left to a person"]


@pytest.mark.parametrize(
    ("result", "notified"), [(Result.APPLIED, "due: corrected"), (Result.FAILED, "due: correction failed")]
)
def test_many_fields_that_are_not_due_do_not_block_a_due_notification(
    database: Database, result: Result, notified: str
) -> None:
    team = Team(database, after_cycles=99)
    team.book.cycle(*[drifted(name=f"key-{number}") for number in range(1000)])
    assert team.notified_of() == []
    team.book.cycle(drifted("due", name="last"), correct=result, compared=lambda _address: False)
    assert team.notified_of() == [notified]


def test_all_pending_notifications_are_sent_at_once(team: Team) -> None:
    many = [drifted(f"{number}", name=f"key-{number}") for number in range(1500)]
    team.book.cycle(*many)
    notified = [team.notified_of(), team.notified_of(), team.notified_of()]
    assert [len(part) for part in notified] == [1500, 0, 0]
    assert len({line for part in notified for line in part}) == 1500


def test_failing_rounds_are_notified_once_and_then_their_end(database: Database) -> None:
    team = Team(database, after_cycles=3)
    assert [team.conditions_notified(ROUNDS) for _ in range(5)] == [
        [],
        [],
        [("rounds", 0.0, 3, False)],
        [],
        [],
    ]
    assert team.conditions_notified() == [("rounds", 0.0, 5, True)]
    assert team.conditions_notified() == []


def test_failing_rounds_without_a_notification_end_silently_and_reset_the_count(database: Database) -> None:
    team = Team(database, after_cycles=2)
    notified = [
        team.conditions_notified(ROUNDS),
        team.conditions_notified(),
        team.conditions_notified(ROUNDS),
        team.conditions_notified(ROUNDS),
    ]
    assert notified == [[], [], [], [("rounds", 2.0, 2, False)]]


def test_invalid_files_are_notified_at_once(database: Database) -> None:
    team = Team(database, after_cycles=9)
    notified = [
        team.conditions_notified(FILES),
        team.conditions_notified(FILES),
        team.conditions_notified(),
        team.conditions_notified(),
    ]
    assert notified == [[("files", 0.0, 1, False)], [], [("files", 0.0, 2, True)], []]


def test_conditions_are_notified_independently(database: Database) -> None:
    team = Team(database, after_cycles=2)
    assert team.conditions_notified(ROUNDS, CHECKOUT, FILES, FILES) == [("files", 0.0, 1, False)]
    assert team.conditions_notified(CHECKOUT) == [("checkout", 0.0, 2, False), ("files", 0.0, 1, True)]


def test_a_condition_that_could_not_be_notified_is_notified_later(team: Team) -> None:
    team.is_open = False
    assert team.conditions_notified(ROUNDS) == []
    team.is_open = True
    assert team.conditions_notified(ROUNDS) == [("rounds", 0.0, 2, False)]
    team.is_open = False
    assert team.conditions_notified() == []
    team.is_open = True
    assert team.conditions_notified() == [("rounds", 0.0, 2, True)]
    assert team.conditions_notified() == []


def test_a_condition_that_recurs_before_its_end_was_notified_continues(team: Team) -> None:
    team.conditions_notified(ROUNDS)
    team.is_open = False
    team.conditions_notified()
    team.is_open = True
    assert team.conditions_notified(ROUNDS) == []
    assert team.conditions_notified() == [("rounds", 0.0, 2, True)]


def test_a_condition_continues_until_it_is_ended() -> None:
    assert not ConditionState(ROUNDS, at(0), 1).is_over
