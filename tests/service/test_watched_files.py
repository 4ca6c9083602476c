"""Files that are read again and again: only what changed is checked, and problems are reported each time."""

from __future__ import annotations

import datetime as dt
import functools
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import InputError
from reconciler.service.watched_files import WatchedFiles
from reconciler.validate.state import desired_state
from reconciler.validate.validator import Validator
from tests.pipeline.test_execution import Elsewhere, distributed
from tests.values import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.load.files import Input
    from reconciler.model.desired import DesiredState
    from reconciler.validate.parts import Part
    from reconciler.validate.validator import Rules

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
WEB = "project_id: 1\nregion_id: 76\nkeys: [{name: web-key, description: ours}]\n"
API = "project_id: 1\nregion_id: 76\nkeys: [{name: api-key, expire: 2026-06-20T00:00:00Z}]\n"
BROKEN = "keys: [\n"
INVALID = "project_id: 1\nregion_id: 76\nkeys: [{name: X}]\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write in, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, content: str = WEB) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content, encoding="utf-8")


def rules_at(now: dt.datetime) -> Rules:
    return rules(now=now)


@functools.cache
def validator_at(now: dt.datetime) -> Validator:
    """Return a validator for many reads: to compile its schemas takes most of the time otherwise."""
    return Validator(rules_at(now))


def check(by: Rules, files: Iterable[Input]) -> Iterator[Part]:
    return map(validator_at(by.now).check, files)


class Watching:
    """Watched files; ``checked`` names those that the last read checked."""

    def __init__(self, *paths: str) -> None:
        self.files = WatchedFiles(paths, rules_at, self._check)
        self.checked: list[str] = []

    def read(self, now: dt.datetime = NOON) -> DesiredState:
        self.checked = []
        return self.files.read(now)

    def error(self, now: dt.datetime = NOON) -> str:
        with pytest.raises(InputError) as caught:
            self.read(now)
        return str(caught.value)

    def _check(self, by: Rules, files: Iterable[Input]) -> Iterator[Part]:
        def noted() -> Iterator[Input]:
            for file in files:
                self.checked.append(file.label)
                yield file

        return check(by, noted())


def places(state: DesiredState) -> list[str]:
    return [f"{key.name} {key.position}" for scope in state.scopes for key in scope.keys]


def description(state: DesiredState) -> str:
    (text,) = (key.fields["description"] for scope in state.scopes for key in scope.keys)
    assert isinstance(text, str)
    return text


def test_unchanged_files_are_not_checked_again() -> None:
    write("a.yaml")
    write("b.yaml", API)
    watching = Watching("a.yaml", "b.yaml")
    first = watching.read()
    assert watching.checked == ["a.yaml", "b.yaml"]
    write("b.yaml", API)  # a newer file with what it held
    assert watching.read(NOON + MINUTE) is first
    assert watching.checked == []
    write("a.yaml", WEB.replace("ours", "new"))
    second = watching.read(NOON + MINUTE)
    assert watching.checked == ["a.yaml"]
    assert [key.fields.get("description") for key in second.scopes[0].keys] == ["new", None]
    assert [key.fields.get("description") for key in first.scopes[0].keys] == ["ours", None]


def test_unchanged_files_are_checked_by_no_other_process_either() -> None:
    write("a.yaml")
    write("b.yaml", API)
    pool = Elsewhere()
    files = WatchedFiles(["a.yaml", "b.yaml"], rules_at, distributed(pool).check)
    calls = []
    for text in ("ours", "ours", "new"):
        write("a.yaml", WEB.replace("ours", text))
        files.read(NOON)
        calls.append(pool.calls)
    assert calls == [1, 1, 2]


def test_a_change_with_equal_size_and_time_is_detected() -> None:
    write("a.yaml")
    watching = Watching("a.yaml")
    before = Path("a.yaml").stat()
    watching.read()
    write("a.yaml", WEB.replace("ours", "mine"))
    os.utime("a.yaml", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert description(watching.read()) == "mine"


def test_a_renamed_file_is_another_file() -> None:
    write("a.yaml")
    watching = Watching(".")
    assert places(watching.read()) == ["web-key ./a.yaml:3:8"]
    Path("a.yaml").rename("b.yaml")
    assert places(watching.read()) == ["web-key ./b.yaml:3:8"]
    assert watching.checked == ["./b.yaml"]


def test_files_with_the_same_content_are_distinguished() -> None:
    write("a.yaml")
    write("b.yaml")
    reported = "./b.yaml:3:8: caas/1/76/web-key: declared twice, first at ./a.yaml:3:8; keep one of the two"
    watching = Watching(".")
    assert watching.error() == reported
    assert watching.checked == ["./a.yaml", "./b.yaml"]


def test_a_removed_file_is_forgotten() -> None:
    write("keys/a.yaml")
    write("keys/b.yaml", API)
    watching = Watching("keys")
    watching.read()
    Path("keys/b.yaml").unlink()
    assert places(watching.read()) == ["web-key keys/a.yaml:3:8"]
    assert watching.checked == []
    write("keys/b.yaml", API)
    assert places(watching.read()) == ["web-key keys/a.yaml:3:8", "api-key keys/b.yaml:3:8"]
    assert watching.checked == ["keys/b.yaml"]


def test_a_new_file_is_read() -> None:
    write("keys/b.yaml")
    watching = Watching("keys")
    watching.read()
    write("keys/a.yaml", API)
    assert places(watching.read()) == ["api-key keys/a.yaml:3:8", "web-key keys/b.yaml:3:8"]
    assert watching.checked == ["keys/a.yaml"]


@pytest.mark.parametrize("content", [BROKEN, "", "\x00", "a: &x [*x]\n", INVALID])
def test_problems_of_a_file_are_reported_each_time(content: str) -> None:
    write("a.yaml", content)
    write("b.yaml")
    watching = Watching("a.yaml", "b.yaml", "missing.yaml")
    first = watching.error()
    assert [line.split(":")[0] for line in first.splitlines()] == ["a.yaml", "missing.yaml"]
    assert watching.error(NOON + MINUTE) == first
    write("a.yaml", API)
    assert watching.error() == "missing.yaml: no such file or directory"
    write("missing.yaml", WEB.replace("web", "job"))
    assert watching.read().key_count == 3


@pytest.mark.parametrize("content", [BROKEN, INVALID])
@pytest.mark.parametrize("was_valid", [False, True])
def test_while_a_file_is_invalid_the_others_are_not_checked_again(content: str, *, was_valid: bool) -> None:
    write("a.yaml", API)
    write("b.yaml", WEB)
    watching = Watching("a.yaml", "b.yaml")
    if was_valid:
        watching.read(NOON - DAY)
    write("b.yaml", content)
    first = watching.error()
    assert watching.error(NOON + MINUTE) == first
    assert watching.checked == []
    write("b.yaml", WEB)
    assert watching.read(NOON + 2 * MINUTE).key_count == 2
    assert watching.checked == ["b.yaml"]


STEPS = st.tuples(
    st.dictionaries(
        st.sampled_from(["a.yaml", "b.yaml", "c.yaml"]), st.sampled_from([WEB, API, BROKEN, INVALID])
    ),
    st.integers(0, 10),
)


def result(read: Callable[[], DesiredState]) -> DesiredState | tuple[str, ...]:
    try:
        return read()
    except InputError as error:
        return error.texts


@given(st.lists(STEPS, max_size=6))
def test_what_is_read_is_the_same_as_in_a_fresh_read(steps: list[tuple[dict[str, str], int]]) -> None:
    Path("keys").mkdir(exist_ok=True)
    paths, now = ("keys", "keys/c.yaml"), NOON
    watching = Watching(*paths)
    for files, days in steps:
        now += days * DAY
        for file in Path("keys").iterdir():
            file.unlink()
        for name, content in files.items():
            write(f"keys/{name}", content)
        fresh = result(lambda: desired_state(paths, io.BytesIO(), rules_at(now), check=check))  # noqa: B023 - at once
        assert result(lambda: watching.read(now)) == fresh  # noqa: B023 - at once


def test_a_state_is_checked_again_on_the_next_day_for_near_expiries() -> None:
    write("a.yaml", API)
    watching = Watching("a.yaml")
    assert watching.read(NOON).warnings == ()
    midnight = NOON.replace(hour=0) + DAY
    assert watching.read(midnight - MINUTE).warnings == ()
    assert watching.checked == []
    later = midnight + 9 * DAY
    (warning,) = watching.read(later).warnings
    assert "expire" in str(warning)
    assert watching.checked == ["a.yaml"]
    assert watching.read(later + MINUTE).warnings == (warning,)
    assert watching.checked == []


def test_a_file_that_is_no_path_is_not_watched() -> None:
    write("a.yaml")
    watching = Watching("a.yaml")
    first = watching.read()
    write("b.yaml", API)
    assert watching.read(NOON + MINUTE) is first


@pytest.mark.parametrize("content", [BROKEN, INVALID, ""])
def test_invalid_files_are_reported_each_time_and_do_not_replace_the_state(content: str) -> None:
    write("a.yaml")
    watching = Watching("a.yaml")
    first = watching.read(NOON)
    write("a.yaml", content)
    reported = {watching.error(NOON + number * MINUTE) for number in range(1, 4)}
    assert len(reported) == 1
    assert reported.pop().startswith("a.yaml:")
    write("a.yaml")
    again = watching.read(NOON + 5 * MINUTE)
    assert again == first


def test_an_unreadable_file_is_reported_even_if_no_other_changed() -> None:
    write("keys/a.yaml")
    watching = Watching("keys", "b.yaml")
    assert watching.error(NOON) == "b.yaml: no such file or directory"
    write("b.yaml", API)
    state = watching.read(NOON)
    assert state.key_count == 2
    Path("b.yaml").unlink()
    assert watching.error(NOON) == "b.yaml: no such file or directory"
    write("b.yaml", API)
    assert watching.read(NOON) == state


def test_initially_invalid_files_are_reported() -> None:
    write("a.yaml", INVALID)
    watching = Watching("a.yaml")
    assert watching.error(NOON) == watching.error(NOON)
    write("a.yaml", WEB)
    assert watching.read(NOON).key_count == 1
