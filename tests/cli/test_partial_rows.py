"""A listing whose rows show a part of each key: what is declared is read key by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.cli.test_ids import Notes
from tests.idserver import Fault, Style, id_server, write_kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import CommandLine

PARTIAL: dict[str, Any] = {"collection": "/teams/{team}/notes", "page_limit": 10, "list": {"partial": True}}
WEB: dict[str, Any] = {"name": "web", "text": "one"}


@pytest.fixture(params=["plain", "an envelope"])
def notes(cli: CommandLine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Notes]:
    envelope = None if request.param == "plain" else "note"
    around = {} if envelope is None else {"envelope": {"item": envelope, "body": envelope}}
    style = Style({**PARTIAL, **around}, envelope=envelope, listed=("id", "name"))
    write_kind(tmp_path / "kinds", style.schema)
    with id_server(style) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        yield Notes(cli, server, tmp_path)


PLAIN = pytest.mark.parametrize("notes", ["plain"], indirect=True)
"""Where one way of an API shows as much as both."""


def read(notes: Notes) -> list[str]:
    """Return the paths of keys that were read, by their ids."""
    paths = [urlsplit(path).path for method, path, _ in notes.server.requests if method == "GET"]
    return [path.rpartition("/")[2].replace("%2F", "/") for path in paths if not path.endswith("notes")]


def test_declared_keys_alone_are_read_and_compared(notes: Notes) -> None:
    notes.server.add("other", text="x")
    number = notes.server.add("web", text="one", size=3)
    file = notes.declare(WEB)
    assert (notes.is_settled(file), read(notes)) == (True, [number])
    file = notes.declare({**WEB, "text": "two"})
    assert notes("apply", file, "--auto-approve").code == 0
    assert notes.server.row(number) == {"id": number, "name": "web", "text": "two", "size": 3}
    assert notes.is_settled(file)


def test_a_life_of_a_key_needs_no_more_than_its_own_path(notes: Notes) -> None:
    file = notes.declare(WEB)
    notes.server.faults = [Fault.BARE]
    assert notes("apply", file, "--auto-approve").code == 0
    assert notes.is_settled(file)
    file = notes.declare({**WEB, "fixed": "x", "lifecycle": {"replace": True}})
    assert notes("apply", file, "--auto-approve").code == 0
    assert (notes.is_settled(file), notes.server.shown) == (True, [("web", "one")])
    assert notes("apply", notes.declare({"name": "web", "state": "absent"}), "--auto-approve").code == 0
    assert notes.server.rows == []


@PLAIN
def test_all_keys_are_read_for_an_export_and_an_exclusive_scope(notes: Notes) -> None:
    ids = [notes.server.add(name, text=name) for name in ("api", "web")]
    out = notes("export", "--kind", "note", "--scope", "team=red").out
    assert (read(notes), "text: api" in out, "text: web" in out) == (ids, True, True)
    plan = notes.plan(notes.declare({"name": "web", "text": "web"}, exclusive=True))
    (change,) = plan["resource_changes"]
    assert change["change"]["before"]["text"] == "api"


@PLAIN
def test_drift_explain_and_accept_see_what_rows_do_not_show(notes: Notes) -> None:
    notes.server.add("other")
    number, file = notes.server.add("web", text="one"), notes.declare(WEB)
    notes.server.row(number)["text"] = "drifted"
    assert notes("drift", file).code == 2
    assert '"drifted"' in notes("explain", "note/red/web", "--file", file).out
    assert notes("accept", "note/red/web", "--file", file).code == 0
    assert notes.is_settled(file)
    assert set(read(notes)) == {number}


@PLAIN
def test_a_saved_plan_is_stale_once_the_key_has_changed(notes: Notes) -> None:
    number, place = notes.server.add("web", text="old"), notes.file("plan.json")
    assert notes("plan", notes.declare(WEB), "--out", place).code == 0
    notes.server.row(number)["text"] = "newer"
    assert notes("apply", "--plan", place, "--auto-approve").code == 3
    assert notes.server.writes == []


@PLAIN
@pytest.mark.parametrize(
    ("instead", "reason"),
    [
        ({"id": "id/1", "name": "other"}, "the response is about another key"),
        ({"id": "id/9", "name": "web"}, "the response is about another key"),
        ([], "the response is not an object"),
    ],
)
def test_a_response_about_something_else_is_not_believed(notes: Notes, instead: Any, reason: str) -> None:
    notes.server.add("web", text="one")
    notes.server.instead = instead
    done = notes("plan", notes.declare(WEB))
    assert (done.code, reason in done.err) == (1, True)


@PLAIN
def test_a_listed_key_without_a_path_of_its_own_is_not_created_again(notes: Notes) -> None:
    number = notes.server.add("web", text="one")
    notes.server.after_page = lambda: notes.server.remove(number)
    done = notes("apply", notes.declare(WEB), "--auto-approve")
    assert (done.code, notes.server.writes) == (1, [])
    assert "the listing shows this key: try again, or remove partial from its kind" in done.err


LISTED: dict[str, Any] = {
    "collection": "/teams/{team}/notes",
    "page_limit": 10,
    "list": {"ids": True},
    "envelope": {"item": "note", "body": "note"},
}


@pytest.fixture(params=["name", "id"])
def listed(cli: CommandLine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Notes]:
    """Notes of which the listing shows ids alone; people write names, or the ids."""
    style = Style(LISTED, id_type="integer", identity=request.param, envelope="note", lists_ids=True)
    write_kind(tmp_path / "kinds", style.schema)
    with id_server(style) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        yield Notes(cli, server, tmp_path)


def test_a_listing_may_have_ids_alone(listed: Notes) -> None:
    identity = listed.server.style.identity
    numbers = [listed.server.add(name, text=name) for name in ("api", "web")]
    key = {"name": "web", "text": "web"} if identity == "name" else {"id": numbers[1], "name": "web"}
    file = listed.declare(key)
    assert listed.is_settled(file)
    assert read(listed) == [str(number) for number in (numbers if identity == "name" else numbers[1:])]
    file = listed.declare({**key, "text": "new"})
    assert listed("apply", file, "--auto-approve").code == 0
    assert (listed.is_settled(file), listed.server.row(numbers[1])["text"]) == (True, "new")
    assert "text: api" in listed("export", "--kind", "note", "--scope", "team=red").out


@pytest.mark.parametrize("listed", ["name"], indirect=True)
def test_ids_that_lead_nowhere_stop_the_plan(listed: Notes) -> None:
    listed.server.add("web", text="one")
    listed.server.instead = {"note": {"id": 9, "name": "web"}}
    done = listed("plan", listed.declare(WEB))
    assert (done.code, "the response is about another key" in done.err) == (1, True)
    listed.server.instead = {"note": []}
    done = listed("plan", listed.declare(WEB))
    assert (done.code, "the response is not an object" in done.err) == (1, True)
