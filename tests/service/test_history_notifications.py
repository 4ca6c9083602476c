"""What a team is told and when: everything once, what did not arrive later, nothing that is old."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.outcome import Result
from reconciler.render.notification import ConditionState, Delivery, ServiceCondition, delivery_of
from reconciler.service.history.database import Database
from reconciler.service.history.flapping import clear_flapping
from reconciler.service.history.notifications import Notifications
from tests.history import DAYS, HOURS, MINUTES, WEB, Book, at, drifted

if TYPE_CHECKING:
    from collections.abc import Iterator

QUARTER = 15 * MINUTES
FILES, ROUNDS, CHECKOUT = ServiceCondition.FILES, ServiceCondition.ROUNDS, ServiceCondition.CHECKOUT


class Team:
    """Hears after each round what is news, as long as the way to it is open."""

    def __init__(self, database: Database, after_cycles: int = 1) -> None:
        self.book = Book(database)
        self.notifications = Notifications(database)
        self.after_cycles = after_cycles
        self.is_open = True

    def hear(self) -> list[str]:
        """Return what the team is told after a round, in the words of the history."""
        told = []
        for one in self.notifications.pending(self.book.clock.now()):
            match delivery_of(one, self.after_cycles):
                case Delivery.NOW if self.is_open:
                    told.append(one)
                case Delivery.NEVER:
                    self.notifications.mark_notified([one])
        self.notifications.mark_notified(told)
        return [f"{one.episode.live}: {one.episode.outcome.value}" for one in told]

    def hear_of(self, *troubles: ServiceCondition) -> list[tuple[str, float, int, bool]]:
        """Return which conditions the team is told of after a round with these troubles."""
        now = self.book.clock.now()
        told = self.notifications.update(troubles, self.after_cycles, now) if self.is_open else ()
        if not self.is_open:
            self.notifications.update(troubles, self.after_cycles, now)
        for condition in told:
            self.notifications.mark_condition_notified(condition)
        self.book.clock.elapsed += QUARTER
        return [
            (one.condition.value, (one.since - at(0)).total_seconds() / QUARTER, one.cycles, one.is_over)
            for one in told
        ]


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(None) as database:
        yield database


@pytest.fixture
def team(database: Database) -> Team:
    return Team(database)


def test_drift_is_told_once(team: Team) -> None:
    team.book.cycle(drifted())
    assert team.hear() == ["theirs: left to a person"]
    for _ in range(3):
        team.book.cycle(drifted())
        assert team.hear() == []


def test_its_end_is_told_to_those_who_were_told_of_it(team: Team) -> None:
    team.book.cycle(drifted())
    team.hear()
    team.book.cycle()
    assert team.hear() == ["theirs: no longer drifted"]
    team.book.cycle()
    assert team.hear() == []


def test_drift_that_ended_before_it_was_told_is_never_told(database: Database) -> None:
    team = Team(database, after_cycles=2)
    team.book.cycle(drifted())
    assert team.hear() == []
    team.book.cycle()
    assert team.hear() == []
    assert team.notifications.pending(team.book.clock.now()) == ()


@pytest.mark.parametrize("rounds", [1, 2, 3, 10])
def test_drift_is_told_after_so_many_rounds_in_a_row(database: Database, rounds: int) -> None:
    team = Team(database, after_cycles=rounds)
    heard = []
    for _ in range(rounds + 2):
        team.book.cycle(drifted())
        heard.append(team.hear())
    assert heard == [[]] * (rounds - 1) + [["theirs: left to a person"]] + [[]] * 2


def test_another_value_begins_to_count_anew(database: Database) -> None:
    team = Team(database, after_cycles=2)
    team.book.cycle(drifted("one"))
    assert team.hear() == []
    team.book.cycle(drifted("two"))
    assert team.hear() == []
    team.book.cycle(drifted("two"))
    assert team.hear() == ["two: left to a person"]


def test_a_correction_is_told_at_once_and_once(database: Database) -> None:
    team = Team(database, after_cycles=9)
    team.book.cycle(drifted(), correct=Result.APPLIED)
    assert team.hear() == ["theirs: corrected"]
    team.book.cycle()
    assert team.hear() == []


def test_a_failure_is_told_once_and_then_what_came_of_it(team: Team) -> None:
    heard = []
    for result in (Result.FAILED, Result.FAILED, Result.NOT_VERIFIED, Result.NOT_VERIFIED, Result.APPLIED):
        team.book.cycle(drifted(), correct=result)
        heard += [team.hear()]
    assert heard == [
        ["theirs: correction failed"],
        [],
        ["theirs: not verified"],
        [],
        ["theirs: corrected"],
    ]


def test_a_correction_that_is_never_attempted_is_told_after_so_many_rounds_like_drift(
    database: Database,
) -> None:
    team = Team(database, after_cycles=2)
    heard = []
    for _ in range(3):
        team.book.cycle(drifted(), correct=Result.NOT_ATTEMPTED, detail="the journal cannot be written")
        heard += [team.hear()]
    assert heard == [[], ["theirs: not attempted"], []]


def test_a_contest_is_told_once_and_then_its_end(database: Database, team: Team) -> None:
    for _ in range(3):
        team.book.cycle(drifted(), correct=Result.APPLIED)
        assert team.hear() == ["theirs: corrected"]
    heard = []
    for _ in range(3):
        team.book.cycle(drifted(), correct=Result.APPLIED)
        heard += team.hear()
    assert heard == ["theirs: contested"]
    clear_flapping(database, WEB, "description")
    team.book.cycle(drifted(), correct=Result.APPLIED)
    assert team.hear() == ["theirs: corrected"]


def test_what_did_not_arrive_is_told_later_as_it_stands_then(team: Team) -> None:
    team.is_open = False
    team.book.cycle(drifted("one"), drifted("two", name="api"), correct=Result.FAILED)
    assert team.hear() == []
    team.book.cycle(drifted("one"), drifted("two", name="api"), correct=Result.APPLIED)
    assert team.hear() == []
    team.is_open = True
    team.book.cycle()
    assert team.hear() == ["one: corrected", "two: corrected"]
    assert team.hear() == []


@pytest.mark.parametrize(
    ("hours", "heard"), [(23, ["theirs: corrected"]), (24, ["theirs: corrected"]), (25, [])]
)
def test_what_is_over_for_a_day_is_old_news(team: Team, hours: float, heard: list[str]) -> None:
    team.book.cycle(drifted(), correct=Result.APPLIED)
    team.book.clock.elapsed = hours * HOURS
    assert team.hear() == heard


def test_drift_that_goes_on_is_news_however_old(team: Team) -> None:
    team.book.cycle(drifted())
    team.book.clock.elapsed = 30 * DAYS
    assert team.hear() == ["theirs: left to a person"]


def test_news_come_oldest_first(team: Team) -> None:
    team.book.cycle(drifted("one", name="zzz"))
    team.book.cycle(drifted("one", name="zzz"), drifted("two", name="aaa"))
    assert team.hear() == ["one: left to a person", "two: left to a person"]


def test_news_of_several_sorts_come_oldest_first_too(team: Team) -> None:
    team.book.cycle(drifted("one", name="zzz"))
    assert team.hear() == ["one: left to a person"]
    team.book.cycle(drifted("one", name="zzz"), drifted("two", name="aaa"), correct=Result.FAILED)
    team.book.cycle(
        drifted("one", name="zzz"),
        drifted("two", name="aaa"),
        drifted("three", name="mmm"),
        correct=Result.APPLIED,
    )
    assert team.hear() == ["one: corrected", "two: corrected", "three: corrected"]


def test_of_much_drift_what_was_seen_in_the_most_rounds_is_told_first(database: Database) -> None:
    team = Team(database, after_cycles=3)
    many = [drifted(name=f"key-{number}") for number in range(1000)]
    team.book.cycle(*many, drifted("due", name="last"))
    for _ in range(2):
        team.book.cycle(drifted("due", name="last"), compared=lambda _address: False)
    assert team.hear() == ["due: left to a person"]


@pytest.mark.parametrize(
    ("result", "heard"), [(Result.APPLIED, "due: corrected"), (Result.FAILED, "due: correction failed")]
)
def test_a_thousand_fields_that_are_not_due_do_not_keep_one_that_is_from_being_told(
    database: Database, result: Result, heard: str
) -> None:
    team = Team(database, after_cycles=99)
    team.book.cycle(*[drifted(name=f"key-{number}") for number in range(1000)])
    assert team.hear() == []
    team.book.cycle(drifted("due", name="last"), correct=result, compared=lambda _address: False)
    assert team.hear() == [heard]


def test_all_news_is_told_at_once(team: Team) -> None:
    many = [drifted(f"{number}", name=f"key-{number}") for number in range(1500)]
    team.book.cycle(*many)
    heard = [team.hear(), team.hear(), team.hear()]
    assert [len(part) for part in heard] == [1500, 0, 0]
    assert len({line for part in heard for line in part}) == 1500


def test_failing_rounds_are_told_once_after_so_many_and_then_their_end(database: Database) -> None:
    team = Team(database, after_cycles=3)
    assert [team.hear_of(ROUNDS) for _ in range(5)] == [[], [], [("rounds", 0.0, 3, False)], [], []]
    assert team.hear_of() == [("rounds", 0.0, 5, True)]
    assert team.hear_of() == []


def test_failing_rounds_that_nobody_was_told_of_end_in_silence_and_count_anew(database: Database) -> None:
    team = Team(database, after_cycles=2)
    heard = [team.hear_of(ROUNDS), team.hear_of(), team.hear_of(ROUNDS), team.hear_of(ROUNDS)]
    assert heard == [[], [], [], [("rounds", 2.0, 2, False)]]


def test_invalid_files_are_told_at_once(database: Database) -> None:
    team = Team(database, after_cycles=9)
    heard = [team.hear_of(FILES), team.hear_of(FILES), team.hear_of(), team.hear_of()]
    assert heard == [[("files", 0.0, 1, False)], [], [("files", 0.0, 2, True)], []]


def test_troubles_are_told_each_for_itself(database: Database) -> None:
    team = Team(database, after_cycles=2)
    assert team.hear_of(ROUNDS, CHECKOUT, FILES, FILES) == [("files", 0.0, 1, False)]
    assert team.hear_of(CHECKOUT) == [("checkout", 0.0, 2, False), ("files", 0.0, 1, True)]


def test_a_trouble_that_could_not_be_told_is_told_later(team: Team) -> None:
    team.is_open = False
    assert team.hear_of(ROUNDS) == []
    team.is_open = True
    assert team.hear_of(ROUNDS) == [("rounds", 0.0, 2, False)]
    team.is_open = False
    assert team.hear_of() == []
    team.is_open = True
    assert team.hear_of() == [("rounds", 0.0, 2, True)]
    assert team.hear_of() == []


def test_a_trouble_that_comes_back_before_its_end_was_told_is_the_same_trouble(team: Team) -> None:
    team.hear_of(ROUNDS)
    team.is_open = False
    team.hear_of()
    team.is_open = True
    assert team.hear_of(ROUNDS) == []
    assert team.hear_of() == [("rounds", 0.0, 2, True)]


def test_a_condition_goes_on_unless_it_is_said_to_be_over() -> None:
    assert not ConditionState(ROUNDS, at(0), 1).is_over
