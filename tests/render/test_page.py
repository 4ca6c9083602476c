"""The status page as a document: what it says, what it allows, and how little it takes."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import html
import itertools
import re
import shutil
import subprocess
import urllib.parse
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.cycle import CycleResult, FieldOutcome, ScopeState
from reconciler.model.plan import Action, DriftOrigin, Effect
from reconciler.model.status import (
    CycleSummary,
    EarlierEpisode,
    Episode,
    FlappingField,
    KeyHistory,
    NewKey,
    Pending,
    ScopeStatus,
    ServiceStatus,
    Status,
)
from reconciler.model.succession import KeyExpiry, KeyRotation, Stage
from reconciler.render.page import Medium, content_security_policy, render_page
from reconciler.render.timeline import HEIGHT, SLOTS, Bar, Mark, Window, lanes, ticks
from tests.values import episode as an_episode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[2]
NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
WINDOW = Window(NOON - 30 * DAY, NOON)
ACME = "caas/1/76/partner-acme"
WEB = {"name": "web", "namespace": "shop"}
API = {"name": "api", "namespace": "shop"}
VOID = {"meta", "br", "input"}
INLINE = {"b", "code", "del", "ins", "mark", "path", "span", "strong", "svg", "time", "use"}
HOSTILE = [
    "<script>document.title='owned'</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</style><style>*{display:none}</style>",
    "</title></h1></code><h1>All scopes in sync</h1>",
    "javascript:alert(1)",
    "<!--",
    "&lt;b&gt; &amp; &#60;i&#62;",
    "{{ 7 * 7 }}{% raw %}",
    "]]><iframe src=//evil.example></iframe>",
]


def episode(field: str = "is_disabled", /, ago: dt.timedelta = HOUR, **settings: Any) -> Episode:
    """Make an episode that started ``ago`` and continues, unless specified otherwise."""
    return an_episode(**{"field": field, "first_seen": NOON - ago} | settings)


def over(
    field: str = "is_disabled", /, ago: dt.timedelta = HOUR, lasted: dt.timedelta = MINUTE, **settings: Any
) -> Episode:
    """Make an episode that was corrected, unless specified otherwise."""
    end = NOON - ago + lasted
    values: dict[str, Any] = {
        "outcome": FieldOutcome.CORRECTED,
        "corrected": end,
        "run": "run-7",
        "last_seen": end,
        "ended": end,
    }
    return episode(field, ago, **values | settings)


CLOSED = episode(effect=Effect.REVOKES, reason="disables the key", desired=False, live=True)
CREATED = episode("", desired=None, live={"description": "theirs"}, action=Action.CREATE)
DELETED = episode("", desired={"description": "ours"}, live=None, action=Action.DELETE)
WAITING = Pending(
    ACME, "description", Action.UPDATE, Effect.NEUTRAL, "access unchanged", "new", "old", NOON - HOUR
)


def key(*episodes: Episode, address: str = ACME, omitted: int = 0) -> KeyHistory:
    """Make a key whose first twenty episodes are shown in full."""
    earlier = (
        EarlierEpisode(one.field, one.effect, one.first_seen, one.outcome, one.ended) for one in episodes[20:]
    )
    return KeyHistory(address, episodes[:20], tuple(earlier), omitted)


def contest(**settings: Any) -> FlappingField:
    values: dict[str, Any] = {"address": ACME, "field": "is_disabled", "desired": True, "live": False}
    return FlappingField(**values | {"since": NOON - 2 * DAY, "corrections": 4} | settings)


def scope(name: str = "caas/1/76", state: ScopeState = ScopeState.IN_SYNC, detail: str = "") -> ScopeStatus:
    return ScopeStatus(name, state, NOON - DAY, 7, detail)


def summary(result: CycleResult | None = CycleResult.IN_SYNC, **settings: Any) -> CycleSummary:
    ended = None if result is None else NOON - 4 * MINUTE
    values: dict[str, Any] = {"run": "run-9", "drifted": 0, "corrected": 0, "contested": 0}
    return CycleSummary(NOON - 5 * MINUTE, ended, result, **values | settings)


def service(**settings: Any) -> ServiceStatus:
    values: dict[str, Any] = {"failing_since": None, "failures": 0, "files_invalid_since": None}
    return ServiceStatus(NOON - DAY, **{"next_cycle": NOON + 10 * MINUTE} | values | settings)


def status(**settings: Any) -> Status:
    """Make the status of one scope in sync, unless specified otherwise."""
    values: dict[str, Any] = {
        "at": NOON,
        "since": NOON - 30 * DAY,
        "scopes": (scope(),),
        "flapping": (),
        "keys": (),
        "omitted_keys": 0,
        "cycles": ((CycleResult.IN_SYNC, 12),),
        "last_cycle": summary(),
        "last_success": NOON - 4 * MINUTE,
        "file": "drift.db",
    }
    return Status(**values | settings)


def troubled(text: str = "something") -> Status:
    """Make a status with every text that others can write: all of it is ``text``."""
    failed = episode(text, desired=text, live=[text], reason=text, detail=text, outcome=FieldOutcome.FAILED)
    lists = over(text, desired=[{text: text}], live=[WEB], run=text, detail=text)
    return status(
        scopes=(scope(text, ScopeState.UNREACHABLE, text), scope(text, ScopeState.DRIFTED)),
        flapping=(contest(address=text, field=text, desired=text, live=text),),
        keys=(key(failed, lists, address=text), key(episode(text, outcome=FieldOutcome.CONTESTED))),
        pending=(dataclasses.replace(WAITING, address=text, field=text, desired=text, live=text),),
        new_keys=(NewKey(text, NOON),),
        expiries=(KeyExpiry(text, text, NOON + DAY), KeyExpiry(text, text, NOON + 40 * DAY, is_rotated=True)),
        rotations=(KeyRotation(text, text, Stage.OVERLAP, NOON + DAY, text),),
        last_cycle=summary(CycleResult.INCOMPLETE, run=text, errors=(text, f"{text}\n{text}")),
        service=service(failing_since=NOON - HOUR, failures=3, files_invalid_since=NOON - DAY),
    )


def page_of_everything() -> str:
    """Render a page with an example of everything, for a test that does so under several hash seeds."""
    return render_page(troubled(), refresh_seconds=60)


@dataclass(frozen=True, slots=True)
class Element:
    """A start tag."""

    tag: str
    attributes: dict[str, str]


class Document(HTMLParser):
    """What a parser sees: the elements, and the text outside of ``style`` and ``script``."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.style = self.script = ""
        self._texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._texts.append("" if tag in INLINE else " ")
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self._texts.append("" if tag in INLINE else " ")

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["style"]:
            self.style += data
        elif self._open[-1:] == ["script"]:
            self.script += data
        else:
            self._texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self._texts).split())

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]

    def values(self, name: str) -> list[str]:
        return [element.attributes[name] for element in self.elements if name in element.attributes]


def read(shown: Status, **settings: Any) -> Document:
    return Document(render_page(shown, **settings))


def title(shown: Status) -> str:
    found = re.search("<title>(.*)</title>", render_page(shown))
    assert found is not None
    return found[1].removesuffix(" | reconciler")


def skeleton(page: str) -> list[Any]:
    """Return the elements and the names of their attributes: what other people's text must not change."""
    return [(element.tag, sorted(element.attributes)) for element in Document(page).elements]


# What it says


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (status(), "1 scope in sync"),
        (status(scopes=(scope(), scope("caas/1/9"))), "All 2 scopes in sync"),
        (status(scopes=(), last_cycle=None), "No round yet"),
        (status(scopes=()), "No scope has been read yet"),
        (status(keys=(key(episode()),)), "Access granted on 1 key, 1 key drifted"),
        (status(keys=(key(CLOSED),)), "1 key drifted"),
        (status(keys=(key(over()),)), "1 scope in sync"),
        (status(keys=(key(CLOSED), key(over())), omitted_keys=2), "1 key drifted"),
        (status(keys=(key(CLOSED),), omitted_keys=2), "At least 1 key drifted"),
        (status(scopes=(scope(state=ScopeState.DRIFTED),)), "1 scope drifted"),
        (status(scopes=(scope(), scope(state=ScopeState.UNREACHABLE))), "1 of 2 scopes unreachable"),
        (
            status(scopes=(scope(), scope(state=ScopeState.INCOMPLETE))),
            "1 of 2 scopes not compared in full",
        ),
        (status(scopes=(scope(state=ScopeState.PENDING),)), "1 scope pending"),
        (status(scopes=(scope(state=ScopeState.PENDING),), pending=(WAITING,)), "1 key pending"),
        (status(flapping=(contest(),), keys=(key(CLOSED),)), "1 field contested, 1 key drifted"),
        (status(last_cycle=summary(CycleResult.FAILED)), "Last round failed"),
        (status(last_cycle=summary(CycleResult.REFUSED)), "Correction refused in the last round"),
        (status(last_cycle=summary(CycleResult.INCOMPLETE)), "Correction failed in the last round"),
        (status(last_cycle=summary(CycleResult.INTERRUPTED)), "Last round interrupted"),
        (
            status(
                service=service(failing_since=NOON - HOUR, failures=2), last_cycle=summary(CycleResult.FAILED)
            ),
            "Rounds failing since 2026-06-01 11:00 UTC",
        ),
        (
            status(service=service(files_invalid_since=NOON - DAY), flapping=(contest(),)),
            "Files invalid since 2026-05-31 12:00 UTC, 1 field contested",
        ),
    ],
)
def test_the_title_starts_with_the_most_severe_state(shown: Status, words: str) -> None:
    assert title(shown) == words


@pytest.mark.parametrize(
    ("shown", "tone"),
    [
        (status(), "good"),
        (status(scopes=()), "waiting"),
        (status(keys=(key(CLOSED),)), "warning"),
        (status(keys=(key(episode()),)), "bad"),
        (status(scopes=(scope(state=ScopeState.PENDING),)), "waiting"),
        (status(scopes=(scope(state=ScopeState.INCOMPLETE),)), "bad"),
        (status(flapping=(contest(),), keys=(key(episode()),)), "bad"),
        (status(scopes=(scope(state=ScopeState.DRIFTED), scope(state=ScopeState.UNREACHABLE))), "bad"),
    ],
)
def test_the_banner_has_the_highest_severity(shown: Status, tone: str) -> None:
    assert f"banner {tone}" in read(shown).values("class")


LIVES = ("rotations", "expiries")


def test_expiries_are_a_calendar_and_rotations_have_their_next_step() -> None:
    page = render_page(troubled("some-text"))
    assert "<td>overlap ends " in page
    assert "<td>some-text</td>" in page
    assert 'move until <span class="date">noon</span></td>' in render_page(troubled("move until noon"))
    assert page.index("2026-06 ") < page.index("2026-07 ")
    assert "in 24 hours" in page
    assert "rotated</span>" in page


def test_contested_fields_are_listed_before_scopes_drift_and_rounds() -> None:
    regions = [element.attributes["aria-labelledby"] for element in read(troubled()).all("section")]
    assert regions == ["trouble", "contested", "scopes", "pending", "unmanaged", *LIVES, "drift", "rounds"]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (CREATED, 'key created: {description: "theirs"}'),
        (DELETED, 'key deleted, declared as {description: "ours"}'),
        (
            dataclasses.replace(CREATED, origin=DriftOrigin.CONFLICT),
            'key changed, and no longer desired: {description: "theirs"}',
        ),
        (episode(origin=DriftOrigin.CONFLICT), "[conflict] grants: enables the key"),
    ],
)
def test_a_key_that_was_created_or_deleted_is_reported_as_such(found: Episode, words: str) -> None:
    assert words in read(status(keys=(key(found),))).text


def test_pending_changes_have_their_own_section() -> None:
    shown = read(status(pending=(WAITING, dataclasses.replace(WAITING, field="", action=Action.DELETE)) * 51))
    assert "Git is ahead of the live keys, and this has not been applied yet" in shown.text
    assert f"{ACME} description" in shown.text
    assert "2 more fields left out." in shown.text


def test_new_keys_that_no_file_declares_are_named_with_since_when() -> None:
    shown = read(status(new_keys=(NewKey("caas/1/76/stray", NOON - HOUR),) * 101))
    assert "caas/1/76/stray, first seen 2026-06-01 11:00 UTC" in shown.text
    assert "1 more key left out." in shown.text


@pytest.mark.parametrize("state", [ScopeState.INCOMPLETE, ScopeState.UNREACHABLE])
def test_no_drift_is_not_claimed_if_something_could_not_be_compared(state: ScopeState) -> None:
    for keys in ((), (key(over(ago=40 * DAY)),)):
        text = read(status(scopes=(scope(state=state),), keys=keys)).text
        assert "No drift" not in text
        assert "Nothing is recorded for the last 30 days, in which not everything could be compared." in text


def test_a_page_without_contested_fields_and_conditions_has_neither_section() -> None:
    regions = [element.attributes["aria-labelledby"] for element in read(status()).all("section")]
    assert regions == ["scopes", "drift", "rounds"]


def test_a_contested_field_shows_its_values_since_when_and_how_often_it_was_corrected() -> None:
    text = read(status(flapping=(contest(),))).text
    assert "Declared → live true → false" in text
    assert "Since 2026-05-30 12:00 UTC, 2 days ago" in text
    assert "Corrected 4 times before" in text


@pytest.mark.parametrize(
    ("address", "command"),
    [
        (ACME, f"reconciler history clear {ACME} is_disabled --history drift.db"),
        (
            "caas/1/76/a b'c",
            """reconciler history clear 'caas/1/76/a b'"'"'c' is_disabled --history drift.db""",
        ),
        (
            "caas/1/76/$(reboot)",
            "reconciler history clear 'caas/1/76/$(reboot)' is_disabled --history drift.db",
        ),
        (
            "caas/1/76/a\u202eb\\'",
            r"reconciler history clear $'caas/1/76/a\u202eb\\\'' is_disabled --history drift.db",
        ),
    ],
)
def test_a_contested_field_names_the_command_that_clears_it_ready_for_a_shell(
    address: str, command: str
) -> None:
    assert command in read(status(flapping=(contest(address=address),))).text


def test_a_contested_field_of_a_history_in_memory_ends_with_the_service() -> None:
    text = read(status(flapping=(contest(),), file=None)).text
    assert "To have it corrected again start the service anew" in text
    assert "history clear" not in text


@pytest.mark.skipif(shutil.which("bash") is None, reason="the form that shows invisible characters is bash's")
@pytest.mark.parametrize(
    "name", ["a b'c", "$(exit 1)", "\u202e\u200b", "\\'\x07\n", "##[error]\u2028", "-", '"`!*']
)
def test_a_shell_parses_the_exact_address_from_the_command(name: str) -> None:
    page = render_page(status(flapping=(contest(address=f"caas/1/76/{name}"),)))
    (command,) = re.findall('<code class="command">(.*)</code>', page)
    command = re.sub("<[^>]*>", "", command)
    script = html.unescape(command).replace("reconciler history clear", "printf '%s|%s%.0s%.0s'")
    ended = subprocess.run(["bash", "-c", script], env={"LC_ALL": "C.UTF-8"}, capture_output=True, check=True)  # noqa: S607 - whichever bash there is
    assert ended.stdout.decode() == f"caas/1/76/{name}|is_disabled"


def test_an_unreadable_scope_shows_the_reason() -> None:
    text = read(status(scopes=(scope(state=ScopeState.UNREACHABLE, detail="503 after 4 attempts"),))).text
    assert "caas/1/76 unreachable 2026-05-31 12:00 7 503 after 4 attempts" in text


def test_failing_rounds_are_explained_with_their_errors_and_the_files_in_force() -> None:
    failing = service(failing_since=NOON - HOUR, failures=3, files_invalid_since=NOON - DAY)
    text = read(status(service=failing, last_cycle=summary(CycleResult.FAILED, errors=("no response",)))).text
    assert "Rounds failing since 2026-06-01 11:00 UTC 3 rounds in a row failed." in text
    assert text.count("no response") == 1
    assert "Files invalid since 2026-05-31 12:00 UTC The last valid files stay in force" in text


def test_errors_of_a_round_are_reported_while_the_service_continues() -> None:
    text = read(status(last_cycle=summary(CycleResult.INCOMPLETE, errors=("answered 403",)))).text
    assert "Trouble Errors of the last round, 2026-06-01 11:55 UTC answered 403" in text


def test_line_breaks_of_an_error_are_preserved() -> None:
    assert "<li>first<br>second</li>" in render_page(status(last_cycle=summary(errors=("first\nsecond",))))


def test_many_errors_are_counted_instead_of_shown() -> None:
    text = read(status(last_cycle=summary(errors=tuple(f"error-{number}." for number in range(25))))).text
    assert "error-19. and 5 errors more" in text


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (service(), "Next round 2026-06-01 12:10 UTC, in 10 minutes"),
        (service(next_cycle=NOON - MINUTE), "Next round due since 2026-06-01 11:59 UTC"),
        (service(next_cycle=None), "Next round under way now"),
        (None, "Next round known to a running service only"),
    ],
)
def test_the_page_shows_the_time_of_the_next_round(known: ServiceStatus | None, words: str) -> None:
    assert words in read(status(service=known)).text


def test_an_unfinished_round_is_marked() -> None:
    assert "Last round has not ended, or was cut off" in read(status(last_cycle=summary(None))).text


def test_an_empty_status_is_stated_in_words() -> None:
    empty = status(scopes=(), cycles=(), last_cycle=None, last_success=None, service=service())
    text = read(empty).text
    assert "No scopes read yet." in text
    assert "No drift is known: no round yet." in text
    assert "Next round 2026-06-01 12:10 UTC, in 10 minutes" in text
    assert "Last complete round none yet" in text


def test_the_absence_of_drift_is_stated_in_words() -> None:
    assert "No drift in the last 30 days." in read(status()).text


def test_a_key_that_drifted_only_before_the_window_is_marked() -> None:
    text = read(status(keys=(key(over(ago=40 * DAY)),))).text
    assert f"{ACME} No drift in the last 30 days." in text


def test_omitted_entries_are_counted() -> None:
    episodes = [over(ago=hours * HOUR) for hours in range(1, 26)]
    text = read(status(keys=(key(*episodes, omitted=3),), omitted_keys=2)).text
    assert "not drifted now 28 earlier episodes" in text
    assert "The latest 20; 8 before left out" in text
    assert "2 more keys are left out." in text


def test_keys_without_listed_episodes_are_counted() -> None:
    assert "3 keys left out." in read(status(omitted_keys=3)).text
    assert "2 earlier episodes left out." in read(status(keys=(key(omitted=2),))).text


def test_an_episode_shows_its_change_effect_time_outcome_and_run() -> None:
    text = read(status(keys=(key(over(lasted=15 * MINUTE, detail="after 2 attempts")),))).text
    assert "is_disabled true → falsegrants: enables the key" in text
    assert "2026-06-01 11:00 to 11:15, 5 rounds" in text
    assert "corrected 2026-06-01 11:15: after 2 attempts, run run-7" in text


def test_what_is_drifted_now_is_shown_without_a_fold_and_what_ended_in_one() -> None:
    page = render_page(
        status(keys=(key(episode(), over("description", ago=DAY, desired="a", live="b", reason="other")),))
    )
    before, fold = page.split("<details>")
    assert "enables the key" in before
    assert "<summary>1 earlier episode</summary>" in fold
    assert "enables the key" not in fold
    assert page.count("&#34;b&#34;") == fold.count("&#34;b&#34;") == 1
    assert "<details" not in render_page(status(keys=(key(episode()),)))


def test_access_that_was_granted_outside_git_is_alarming_while_it_lasts() -> None:
    alarm = '<span class="bad">grants: enables the key</span>'
    page = render_page(status(keys=(key(episode()),)))
    assert alarm in page
    assert "access granted, drifted for 60 minutes" in Document(page).text
    for calm in (over(), CLOSED):
        assert alarm not in render_page(status(keys=(key(calm),)))
        assert "access granted, drifted" not in read(status(keys=(key(calm),))).text


def test_times_have_seconds_where_rounds_are_short() -> None:
    for period, words in (
        (5 * dt.timedelta(seconds=1), "11:00:00 to 12:00:00,"),
        (HOUR, "11:00 to 12:00,"),
        (None, "11:00 to 12:00,"),
    ):
        assert f"2026-06-01 {words}" in read(status(period=period, keys=(key(episode()),))).text
    soon = service(next_cycle=summary().began + 5 * dt.timedelta(seconds=1))
    first = status(period=None, service=soon, keys=(key(episode()),))
    assert "2026-06-01 11:00:00 to 12:00:00," in read(first).text


def test_invalid_files_are_explained_at_the_top_by_what_is_wrong_with_them() -> None:
    shown = status(
        service=service(files_invalid_since=NOON - DAY), last_cycle=summary(errors=("keys.yaml:3: wrong",))
    )
    text = read(shown).text
    assert text.count("keys.yaml:3: wrong") == 1
    assert "not what the files say since then. keys.yaml:3: wrong Scopes" in text


def test_an_episode_of_one_round_has_one_time() -> None:
    assert "2026-06-01 11:00, 1 round" in read(status(keys=(key(over(cycles=1, lasted=0 * HOUR)),))).text
    assert "2026-06-01 11:00, 2 rounds" in read(status(keys=(key(over(cycles=2, lasted=0 * HOUR)),))).text
    text = read(status(keys=(key(over(ago=DAY, lasted=23 * HOUR)),))).text
    assert "2026-05-31 12:00 to 2026-06-01 11:00, 5 rounds" in text


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (FieldOutcome.LEFT, "access granted, drifted for 60 minutes Drifted now"),
        (FieldOutcome.CONTESTED, "contested, drifted for 60 minutes Drifted now"),
        (FieldOutcome.REFUSED, "refused, drifted for 60 minutes Drifted now"),
        (FieldOutcome.NOT_VERIFIED, "not verified, drifted for 60 minutes Drifted now"),
    ],
)
def test_a_drifted_key_shows_its_outcome_and_duration(outcome: FieldOutcome, words: str) -> None:
    text = read(status(keys=(key(episode(outcome=outcome)),))).text
    assert words in text
    assert f"goes on: {outcome}" in text


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (dt.timedelta(seconds=1), "1 second"),
        (119 * dt.timedelta(seconds=1), "119 seconds"),
        (119 * MINUTE, "119 minutes"),
        (47 * HOUR, "47 hours"),
        (48 * HOUR, "2 days"),
        (-MINUTE, "less than a second"),
    ],
)
def test_a_duration_is_shown_in_one_unit(ago: dt.timedelta, words: str) -> None:
    assert f"drifted for {words} Drifted now" in read(status(keys=(key(episode(ago=ago)),))).text


def test_only_the_difference_of_two_lists_is_shown() -> None:
    drift = episode("containers", desired=[WEB, {"name": "db"}], live=[API, WEB])
    text = read(status(keys=(key(drift),))).text
    assert 'only declared {name: "db"}only live {name: "api", namespace: "shop"}1 element alike' in text
    assert '"web"' not in text


def test_a_long_list_is_truncated_with_the_number_of_omitted_items() -> None:
    drift = episode("ids", desired=[], live=[f"id-{number}" for number in range(9)])
    assert '"id-4" … and 4 more' in read(status(keys=(key(drift),))).text


def test_lists_that_differ_only_in_order_are_shown_completely() -> None:
    drift = episode("ids", desired=["a", "b"], live=["b", "a"])
    assert '["a", "b"] → ["b", "a"]' in read(status(keys=(key(drift),))).text


def test_the_differing_part_of_two_long_texts_is_shown() -> None:
    drift = episode("description", desired="x" * 400 + "old", live="x" * 400 + "new" + "y" * 500)
    text = read(status(keys=(key(drift),))).text
    assert f'…(361 characters alike)…{"x" * 40}old" → …(361 characters alike)…{"x" * 40}new' in text
    assert "yyy…(344 more characters left out)" in text
    assert "y" * 200 not in text


def test_times_are_shown_in_utc_whatever_their_time_zone() -> None:
    east = dt.timezone(2 * HOUR)
    page = render_page(status(at=NOON.astimezone(east), keys=(key(episode()),)))
    assert '<time datetime="2026-06-01T12:00:00Z">2026-06-01 12:00</time> UTC' in page
    assert "All times are in UTC." in page


def test_a_page_reloads_only_on_request() -> None:
    assert "refresh" not in read(status()).values("http-equiv")
    page = read(status(), refresh_seconds=60)
    assert Element("meta", {"http-equiv": "refresh", "content": "60"}) in page.elements
    assert "The page loads again every 60 seconds." in page.text


@pytest.mark.parametrize("address", [ACME, "caas/1/76/a b&c=d", "caas/1/76/[x]*?", "caas/1/76/\ud800"])
def test_a_served_page_leads_to_the_page_of_each_key_it_names(address: str) -> None:
    shown = status(
        keys=(key(episode(), address=address),),
        flapping=(contest(address=address),),
        pending=(dataclasses.replace(WAITING, address=address),),
        new_keys=(NewKey(address, NOON),),
    )
    links = {link.attributes["href"] for link in read(shown, medium=Medium.SERVED).all("a")}
    assert [urllib.parse.parse_qs(link[1:], errors="surrogatepass") for link in links] == [
        {"object": [address]}
    ]
    assert len(read(shown, medium=Medium.SERVED).all("a")) == 4
    assert read(shown).all("a", "form") == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"flapping": (contest(),)}, "It is contested."),
        ({"keys": (key(episode()),)}, "It is drifted now."),
        ({"pending": (WAITING,)}, "It is pending."),
        ({"new_keys": (NewKey(ACME, NOON),)}, "No file declares it."),
        ({"keys": (key(over()),)}, "It is not drifted now."),
        ({}, "Nothing is recorded of it."),
        ({"scopes": (scope(state=ScopeState.UNREACHABLE),)}, "Not everything could be compared."),
        ({"last_cycle": None}, "Not everything could be compared."),
    ],
)
def test_the_page_of_one_key_states_how_it_is(settings: dict[str, Any], words: str) -> None:
    found = read(status(address=ACME, **settings), medium=Medium.SERVED)
    assert f"Of one key: {ACME}. {words} All keys" in found.text
    assert [link.attributes["href"] for link in found.all("a")] == ["./"]


def test_the_page_of_one_key_shows_earlier_episodes_unfolded() -> None:
    assert "<details open>" in render_page(status(address=ACME, keys=(key(over()),)))


@pytest.mark.parametrize(
    ("glob", "words"),
    [
        ("*acme*", "Of keys whose address matches *acme*."),
        ("caas/1/76/[[]x[]]", "Of keys whose address matches caas/1/76/[[]x[]]."),
        ("caas/1/76/[[]x]", "Of one key: caas/1/76/[x]."),
    ],
)
def test_a_page_of_some_keys_says_which(glob: str, words: str) -> None:
    assert words in read(status(address=glob)).text
    assert title(status(address=glob)).startswith(words.rpartition(": ")[2].rpartition(" ")[2].rstrip("."))


# What it allows


def test_the_policy_allows_the_one_style_element_by_its_hash_and_nothing_else() -> None:
    page = read(troubled())
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert Element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}) in page.elements
    served = policy.replace("form-action 'none'", "form-action 'self'")
    assert content_security_policy() == f"{served}; frame-ancestors 'none'"
    assert served in read(troubled(), medium=Medium.SERVED).values("content")
    assert len(page.all("style")) == 1


def test_the_policy_precedes_the_style_and_no_referrer_is_sent() -> None:
    head = read(status()).elements
    assert head.index(Element("meta", {"name": "referrer", "content": "no-referrer"})) < head.index(
        Element("style", {})
    )
    assert [element.attributes.get("http-equiv") for element in head[3:4]] == ["Content-Security-Policy"]


def test_the_page_has_no_script_no_handler_no_style_attribute_and_loads_nothing() -> None:
    page = read(troubled(), refresh_seconds=60)
    assert page.all("script", "img", "iframe", "link", "object", "embed", "form", "base", "a") == []
    names = {name for element in page.elements for name in element.attributes}
    assert not {name for name in names if name.startswith("on")} | names & {
        "style",
        "src",
        "action",
        "srcset",
    }
    assert {value[0] for value in page.values("href")} == {"#"}
    assert "@import" not in page.style
    assert set(re.findall(r"url\((.)", page.style)) == {"#"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(text: str) -> None:
    page = render_page(troubled(text))
    assert skeleton(page) == skeleton(render_page(troubled()))
    assert text in Document(page).text


@given(st.text())
def test_no_text_changes_the_structure_of_the_page(text: str) -> None:
    usual = skeleton(render_page(troubled()))
    assert skeleton(render_page(troubled(text.replace("\n", "") or "x"))) == usual


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x1b", "\ufe0f", "\x00", "\ud800", "\xad"])
def test_invisible_characters_are_shown_everywhere(hidden: str) -> None:
    page = render_page(troubled(f"a{hidden}b"))
    assert hidden not in page
    assert f"a\\u{ord(hidden):04x}b" in page
    assert page.encode()


# How it can be read


def test_every_table_has_a_caption_and_headers_with_a_scope() -> None:
    page = read(troubled())
    assert len(page.all("table")) == len(page.all("caption")) == 8
    assert {element.attributes["scope"] for element in page.all("th")} == {"row", "col", "colgroup"}


def test_every_picture_is_described_or_hidden() -> None:
    for element in read(troubled()).all("svg"):
        described = element.attributes.get("role") == "img" and element.attributes["aria-label"]
        assert described or element.attributes["aria-hidden"] == "true"


def test_names_are_unique_and_every_reference_has_its_target() -> None:
    page = read(status(keys=tuple(key(episode(), address=f"caas/1/76/{number}") for number in range(3))))
    names = page.values("id")
    assert len(names) == len(set(names))
    used = {*page.values("aria-labelledby"), *(value[1:] for value in page.values("href"))}
    used |= set(re.findall(r"url\(#(.*?)\)", page.style))
    assert used <= set(names)


def test_headings_skip_no_level_and_the_first_is_the_state() -> None:
    page = read(troubled())
    levels = [int(element.tag[1]) for element in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.all("html")[0].attributes["lang"] == "en"
    assert [element.tag for element in page.all("header", "main", "footer")] == ["header", "main", "footer"]


def palettes() -> list[dict[str, str]]:
    """Return the colours of the light and of the dark scheme by name."""
    found = re.findall(r":root\{(.*?)\}", read(status()).style)
    assert len(found) == 2
    return [dict(re.findall(r"--(\w+):(#\w{6})", block)) for block in found]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_texts_and_bars_have_the_contrast_that_wcag_asks_for(scheme: int) -> None:
    palette = palettes()[scheme]
    for ground in ("page", "panel", "code"):
        for text in ("ink", "quiet", "good", "warning", "bad", "failed"):
            assert contrast(palette[text], palette[ground]) >= 4.5, (text, ground)
    for bar in ("open", "done", "failed", "bad", "quiet"):
        assert contrast(palette[bar], palette["panel"]) >= 3, bar


# The timelines


def bars(*episodes: Episode) -> Sequence[Bar]:
    (lane,) = lanes(episodes, WINDOW)
    return lane.bars


def test_an_ongoing_episode_extends_to_the_end() -> None:
    assert bars(episode(ago=15 * DAY)) == (Bar(Mark.GRANTED, SLOTS // 2, SLOTS),)


def test_an_episode_from_before_the_window_starts_at_its_edge() -> None:
    assert bars(episode(ago=99 * DAY, effect=Effect.REVOKES)) == (Bar(Mark.OPEN, 0, SLOTS),)


@pytest.mark.parametrize("ago", [30 * DAY, 15 * DAY, MINUTE])
def test_a_momentary_episode_is_visible(ago: dt.timedelta) -> None:
    (bar,) = bars(over(ago=ago, lasted=0 * MINUTE))
    assert bar.end - bar.start == 4
    assert 0 <= bar.start < bar.end <= SLOTS


def test_an_episode_before_the_window_is_not_drawn() -> None:
    assert lanes([over(ago=31 * DAY)], WINDOW) == ()


@pytest.mark.parametrize(
    ("outcome", "going_on", "ended"),
    [
        (FieldOutcome.LEFT, Mark.OPEN, Mark.ENDED),
        (FieldOutcome.CORRECTED, Mark.OPEN, Mark.CORRECTED),
        (FieldOutcome.CONTESTED, Mark.CONTESTED, Mark.CONTESTED),
        (FieldOutcome.FAILED, Mark.FAILED, Mark.FAILED),
        (FieldOutcome.NOT_VERIFIED, Mark.FAILED, Mark.FAILED),
        (FieldOutcome.NOT_ATTEMPTED, Mark.FAILED, Mark.FAILED),
        (FieldOutcome.REFUSED, Mark.FAILED, Mark.FAILED),
        (FieldOutcome.ENDED, Mark.OPEN, Mark.ENDED),
        (FieldOutcome.CHANGED, Mark.OPEN, Mark.ENDED),
    ],
)
def test_the_mark_shows_the_outcome_of_the_drift(outcome: FieldOutcome, going_on: Mark, ended: Mark) -> None:
    assert Mark.of(episode(outcome=outcome, effect=Effect.NEUTRAL)) is going_on
    granted = Mark.GRANTED if going_on is Mark.OPEN else going_on
    assert Mark.of(episode(outcome=outcome)) is granted
    assert Mark.of(episode(outcome=outcome, effect=Effect.BOTH)) is granted
    assert Mark.of(over(outcome=outcome)) is ended


def test_the_most_severe_of_concurrent_outcomes_is_drawn() -> None:
    both = [
        over(ago=10 * DAY, lasted=5 * DAY),
        over(ago=8 * DAY, lasted=2 * DAY, outcome=FieldOutcome.FAILED),
    ]
    assert [bar.mark for bar in bars(*both)] == [Mark.CORRECTED, Mark.FAILED, Mark.CORRECTED]
    assert bars(*both) == bars(*reversed(both))


def test_each_field_has_a_lane_sorted_by_name() -> None:
    found = lanes([episode("b"), over("a"), over("b", ago=DAY)], WINDOW)
    assert [lane.field for lane in found] == ["a", "b"]


def test_bars_of_finished_episodes_are_lower_than_those_that_need_action() -> None:
    assert Bar(Mark.OPEN, 1, 3).path == f"M1 3h2v{HEIGHT - 6}h-2z"
    assert Bar(Mark.CORRECTED, 1, 3).path == f"M1 6h2v{HEIGHT - 12}h-2z"


def test_a_lane_has_a_text_alternative() -> None:
    (lane,) = lanes([episode(ago=3 * DAY), over(ago=9 * DAY), over(ago=8 * DAY)], WINDOW)
    assert (
        lane.words
        == "is_disabled: 3 episodes since 2 May: 1 access granted now, 2 corrected; goes on since 29 May"
    )


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (HOUR, ["11:07", "11:30", "11:45", "12:07"]),
        (6 * HOUR, ["06:07", "09:00", "12:07"]),
        (DAY, ["12:07", "18:00", "1 Jun", "06:00", "12:07"]),
        (49 * HOUR, ["11:07", "31 May", "12:00", "1 Jun", "12:07"]),
        (60 * HOUR, ["30 May", "31 May", "1 Jun"]),
        (5 * DAY, ["27 May", "29 May", "30 May", "31 May", "1 Jun"]),
        (7 * DAY, ["25 May", "28 May", "30 May", "1 Jun"]),
    ],
)
def test_the_axis_of_a_short_window_names_times(length: dt.timedelta, labels: list[str]) -> None:
    at = NOON + 7 * MINUTE
    assert [tick.label for tick in ticks(Window(at - length, at))] == labels


def test_the_axis_names_the_first_day_one_in_each_week_and_the_last() -> None:
    assert [tick.label for tick in ticks(WINDOW)] == ["2 May", "11 May", "18 May", "25 May", "1 Jun"]
    assert [tick.anchor for tick in ticks(WINDOW)] == ["start", "middle", "middle", "middle", "end"]
    assert [tick.x for tick in ticks(WINDOW)] == ["0%", "28.25%", "51.75%", "75%", "100%"]


@pytest.mark.parametrize("days", [0, 1, 2, 7, 14, 90, 365])
def test_the_axis_of_every_window_has_few_days_in_order(days: int) -> None:
    slots = [tick.slot for tick in ticks(Window(NOON - days * DAY, NOON))]
    assert slots == sorted(set(slots))
    assert 2 <= len(slots) <= 6


@given(
    st.lists(
        st.tuples(st.integers(-10, 800), st.integers(-5, 800), st.sampled_from(FieldOutcome)), min_size=1
    )
)
def test_bars_are_in_order_inside_the_lane_and_neighbours_differ(
    drift: list[tuple[int, int, FieldOutcome]],
) -> None:
    episodes = [over(ago=ago * HOUR, lasted=lasted * HOUR, outcome=outcome) for ago, lasted, outcome in drift]
    for lane in lanes(episodes, WINDOW):
        edges = [edge for bar in lane.bars for edge in (bar.start, bar.end)]
        assert edges == sorted(edges)
        assert 0 <= edges[0] <= edges[-1] <= SLOTS
        for left, right in itertools.pairwise(lane.bars):
            assert left.end < right.start or left.mark is not right.mark


# How little it takes


def busy(keys: int, episodes: int) -> Iterable[KeyHistory]:
    """Make keys whose episodes change their outcome and their field all the time."""
    outcomes = list(FieldOutcome)
    for number in range(keys):
        yield key(
            *(
                over(
                    f"field-{index % 4}",
                    ago=index * 30 * DAY / episodes,
                    desired=[WEB],
                    live=[API],
                    outcome=outcomes[index % len(outcomes)],
                )
                for index in range(episodes)
            ),
            address=f"caas/1/76/key-{number}",
        )


def test_a_key_with_500_episodes_takes_less_than_40_kilobytes() -> None:
    assert len(render_page(status(keys=tuple(busy(1, 500)))).encode()) < 40_000


def test_twenty_keys_with_200_episodes_each_take_less_than_400_kilobytes() -> None:
    assert len(render_page(status(keys=tuple(busy(20, 200)))).encode()) < 400_000
