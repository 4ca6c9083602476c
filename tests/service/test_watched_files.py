"""Files that are read again and again: only what changed is parsed, and problems are reported each time."""

from __future__ import annotations

import datetime as dt
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import InputError
from reconciler.kinds.packaged import document_schema, load_kinds
from reconciler.load.files import DocumentCache, load
from reconciler.model.scope import ScopeDefaults
from reconciler.service.cycle import WatchedFiles
from reconciler.validate.validator import Validator

if TYPE_CHECKING:
    from reconciler.load.documents import Document
    from reconciler.model.desired import DesiredState

KINDS = load_kinds()
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


def documents(cache: DocumentCache, *paths: str) -> dict[str, Document]:
    loaded, _ = cache.load(paths)
    return {document.source: document for document in loaded.documents}


def problems(cache: DocumentCache, *paths: str) -> list[str]:
    loaded, _ = cache.load(paths)
    return [str(problem) for problem in loaded.problems]


def test_unchanged_files_are_not_parsed_again() -> None:
    write("a.yaml")
    write("b.yaml", API)
    cache = DocumentCache()
    first = documents(cache, "a.yaml", "b.yaml")
    write("a.yaml", WEB.replace("ours", "new"))
    write("b.yaml", API)  # a newer file with what it held
    second = documents(cache, "a.yaml", "b.yaml")
    assert second["b.yaml"] is first["b.yaml"]
    assert second["a.yaml"] is not first["a.yaml"]
    assert second["a.yaml"].data["keys"][0]["description"] == "new"


def test_a_change_with_equal_size_and_time_is_detected() -> None:
    write("a.yaml")
    cache = DocumentCache()
    before = Path("a.yaml").stat()
    documents(cache, "a.yaml")
    write("a.yaml", WEB.replace("ours", "mine"))
    os.utime("a.yaml", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert documents(cache, "a.yaml")["a.yaml"].data["keys"][0]["description"] == "mine"


def test_a_renamed_file_is_another_file() -> None:
    write("a.yaml")
    cache = DocumentCache()
    first = documents(cache, ".")
    Path("a.yaml").rename("b.yaml")
    second = documents(cache, ".")
    assert [*first, *second] == ["./a.yaml", "./b.yaml"]
    assert second["./b.yaml"].position().source == "./b.yaml"


def test_files_with_the_same_content_are_distinguished() -> None:
    write("a.yaml")
    write("b.yaml")
    assert sorted(documents(DocumentCache(), ".")) == ["./a.yaml", "./b.yaml"]


def test_a_removed_file_is_dropped_from_the_cache() -> None:
    write("keys/a.yaml")
    write("keys/b.yaml")
    cache = DocumentCache()
    first = documents(cache, "keys")
    Path("keys/b.yaml").unlink()
    assert sorted(documents(cache, "keys")) == ["keys/a.yaml"]
    write("keys/b.yaml")
    again = documents(cache, "keys")
    assert again["keys/a.yaml"] is first["keys/a.yaml"]
    assert again["keys/b.yaml"] is not first["keys/b.yaml"]


def test_a_new_file_is_read() -> None:
    write("keys/a.yaml")
    cache = DocumentCache()
    documents(cache, "keys")
    write("keys/b.yaml", API)
    assert sorted(documents(cache, "keys")) == ["keys/a.yaml", "keys/b.yaml"]


@pytest.mark.parametrize("content", [BROKEN, "", "\x00", "a: &x [*x]\n"])
def test_problems_of_a_file_are_reported_each_time(content: str) -> None:
    write("a.yaml", content)
    write("b.yaml")
    cache = DocumentCache()
    first = problems(cache, "a.yaml", "b.yaml", "missing.yaml")
    assert problems(cache, "a.yaml", "b.yaml", "missing.yaml") == first
    assert len(first) == 2
    write("a.yaml", API)
    assert problems(cache, "a.yaml", "b.yaml") == []


def test_digests_name_each_file_with_its_content() -> None:
    write("a.yaml")
    write("b.yaml", API)
    cache = DocumentCache()
    _, before = cache.load(["a.yaml", "b.yaml"])
    assert [name for name, _ in before] == ["a.yaml", "b.yaml"]
    assert cache.load(["a.yaml", "b.yaml"])[1] == before
    assert cache.load(["b.yaml", "a.yaml"])[1] != before
    write("b.yaml", API + "\n")
    assert cache.load(["a.yaml", "b.yaml"])[1] != before


CONTENTS = st.dictionaries(
    st.sampled_from(["a.yaml", "b.yaml"]), st.sampled_from([WEB, API, BROKEN, INVALID])
)


@given(st.lists(CONTENTS, max_size=6))
def test_a_cache_returns_the_same_as_a_fresh_read(steps: list[dict[str, str]]) -> None:
    cache = DocumentCache()
    for step in steps:
        for name in ("a.yaml", "b.yaml"):
            Path(name).unlink(missing_ok=True)
        for name, content in step.items():
            write(name, content)
        paths = ["a.yaml", "b.yaml"]
        cached, fresh = cache.load(paths)[0], load(paths, io.BytesIO())
        assert [(one.source, one.data) for one in cached.documents] == [
            (one.source, one.data) for one in fresh.documents
        ]
        assert cached.problems == fresh.problems


class Watching:
    """Watched files, and the times for which a validator was created."""

    def __init__(self, *paths: str) -> None:
        self.times: list[dt.datetime] = []
        self.files = WatchedFiles(paths, self._validator_at)

    def read(self, now: dt.datetime) -> DesiredState:
        return self.files.read(now)

    def error(self, now: dt.datetime) -> str:
        with pytest.raises(InputError) as caught:
            self.files.read(now)
        return str(caught.value)

    def _validator_at(self, now: dt.datetime) -> Validator:
        self.times.append(now)
        return Validator(document_schema(), KINDS, ScopeDefaults(), now)


def test_an_unchanged_state_is_not_validated_again_on_the_same_day() -> None:
    write("a.yaml")
    watching = Watching("a.yaml")
    first = watching.read(NOON)
    assert watching.read(NOON + MINUTE) is first
    assert watching.times == [NOON]


def test_a_state_is_validated_again_on_the_next_day_for_near_expiries() -> None:
    write("a.yaml", API)
    watching = Watching("a.yaml")
    assert watching.read(NOON).warnings == ()
    midnight = NOON.replace(hour=0) + DAY
    assert watching.read(midnight - MINUTE).warnings == ()
    later = midnight + 9 * DAY
    (warning,) = watching.read(later).warnings
    assert "expire" in str(warning)
    assert watching.read(later + MINUTE).warnings == (warning,)
    assert watching.times == [NOON, later]


def test_a_state_is_validated_again_after_any_change() -> None:
    write("a.yaml")
    watching = Watching("a.yaml")
    first = watching.read(NOON)
    write("a.yaml", WEB.replace("ours", "new"))
    second = watching.read(NOON + MINUTE)
    assert (first.scopes[0].keys[0].fields["description"], watching.times[1:]) == ("ours", [NOON + MINUTE])
    assert second.scopes[0].keys[0].fields["description"] == "new"
    write("b.yaml", API)
    assert watching.read(NOON + 2 * MINUTE) is second  # b.yaml is none of the paths


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
    assert watching.error(NOON) == "b.yaml:1:1: no such file or directory"
    write("b.yaml", API)
    state = watching.read(NOON)
    assert state.key_count == 2
    Path("b.yaml").unlink()
    assert watching.error(NOON) == "b.yaml:1:1: no such file or directory"
    write("b.yaml", API)
    assert watching.read(NOON) == state


def test_initially_invalid_files_are_reported() -> None:
    write("a.yaml", INVALID)
    watching = Watching("a.yaml")
    assert watching.error(NOON) == watching.error(NOON)
    write("a.yaml", WEB)
    assert watching.read(NOON).key_count == 1
