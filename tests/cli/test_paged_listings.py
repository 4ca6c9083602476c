"""An object that falls between two pages, as another is deleted, is neither missing nor made twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.idserver import Fault, IdServer, Style, id_server, write_kind, write_notes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support import CommandLine, Finished

_NAMES = ("a", "b", "c", "d", "e")
_OFFSET = {"style": "offset", "count": None}
_PAGE = {"style": "page", "limit": "per_page", "results": "data"}
_COUNTED = {"style": "page", "limit": "per_page", "results": "data", "count": "total"}
LISTINGS = {"offset": {}, "offset without a count": _OFFSET, "page": _COUNTED, "page without a count": _PAGE}
REQUESTS = {"offset": 3, "offset without a count": 4, "page": 3, "page without a count": 5}
"""For one listing: three pages, and where nothing is counted a look at those around them."""


class Notes:
    """Five notes on pages of two, of which an undeclared one is deleted while a listing is read."""

    def __init__(self, cli: CommandLine, server: IdServer, folder: Path, once: int) -> None:
        self.cli = cli
        self.server = server
        self.folder = folder
        self.once = once
        self.ids = {name: server.add(name, text="old") for name in _NAMES}

    def declare(self, *keys: Mapping[str, Any]) -> str:
        return write_notes(self.folder / "notes.yaml", *keys)

    def __call__(self, command: str, *arguments: str) -> Finished:
        return self.cli(command, *arguments, "--kinds", str(self.folder / "kinds"))

    def plan(self, file: str, *arguments: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self("plan", file, "--format", "json", *arguments).out)
        return document

    def disturb(self) -> None:
        """Move ``c`` between the first two pages of the next listing: the count is unchanged."""

        def fall() -> None:
            self.server.after_page = tuple
            self.server.remove(self.ids["a"])
            self.server.add("z")

        self.server.after_page = fall

    @property
    def pages(self) -> int:
        """Return how many pages were read."""
        return sum(method == "GET" and "?" in target for method, target, _ in self.server.requests)


@pytest.fixture(params=LISTINGS)
def notes(cli: CommandLine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Notes]:
    extension = {"collection": "/teams/{team}/notes", "page_limit": 2, "list": LISTINGS[request.param]}
    style = Style(extension)
    write_kind(tmp_path / "kinds", style.schema)
    with id_server(style) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        yield Notes(cli, server, tmp_path, REQUESTS[request.param])


ONE = pytest.mark.parametrize("notes", ["page without a count"], indirect=True)
"""Where one way of an API shows as much as all."""


def test_what_is_there_is_listed_once(notes: Notes) -> None:
    notes.plan(notes.declare({"name": "a", "text": "old"}, {"name": "e", "text": "new"}))
    assert notes.pages == notes.once


@pytest.mark.parametrize("key", [{"text": "old"}, {"text": "new"}, {"state": "absent"}])
def test_a_declared_key_between_two_pages_is_not_missing(notes: Notes, key: Mapping[str, Any]) -> None:
    notes.disturb()
    document = notes.plan(notes.declare({"name": "c", **key}))
    actions = [change["change"]["actions"] for change in document["resource_changes"]]
    assert actions == [["delete" if "state" in key else "update"]] * (key != {"text": "old"})
    assert (document["errors"], notes.pages) == ([], 2 * notes.once)


def test_the_absence_of_a_key_is_confirmed_by_a_second_listing(notes: Notes) -> None:
    document = notes.plan(notes.declare({"name": "new"}))
    assert [change["change"]["actions"] for change in document["resource_changes"]] == [["create"]]
    assert notes.pages == 2 * notes.once


@ONE
def test_a_key_that_only_the_first_listing_holds_may_be_between_pages_of_the_second(notes: Notes) -> None:
    def first_page() -> None:
        if notes.pages == 1:
            notes.server.remove(notes.ids["a"])
        elif notes.pages == notes.once + 1:  # of the second listing: b and c, d and e are left
            notes.server.remove(notes.ids["b"])

    notes.server.after_page = first_page
    declared = [{"name": name, "text": "old"} for name in ("c", "d")]
    document = notes.plan(notes.declare(*declared))
    assert (document["resource_changes"], document["errors"]) == ([], [])


@ONE
@pytest.mark.parametrize(
    ("key", "shown"),
    [({"text": "new"}, "new"), ({"state": "absent"}, None), ({"text": "x", "fixed": "y"}, "x")],
)
def test_a_plan_that_waited_is_applied_to_a_key_between_two_pages(
    notes: Notes, key: dict[str, Any], shown: str | None
) -> None:
    place = str(notes.folder / "plan.json")
    key = key | ({"lifecycle": {"replace": True}} if "fixed" in key else {})
    assert notes("plan", notes.declare({"name": "c", **key}), "--out", place).code == 0
    notes.disturb()
    done = notes("apply", "--plan", place, "--auto-approve", "--allow-destroy")
    assert (done.code, dict(notes.server.shown).get("c")) == (0, shown), done.everything


@ONE
def test_a_creation_that_waited_is_not_made_beside_a_key_between_two_pages(notes: Notes) -> None:
    notes.server.rows = [row for row in notes.server.rows if row["name"] != "c"]
    place = str(notes.folder / "plan.json")
    assert notes("plan", notes.declare({"name": "c", "text": "new"}), "--out", place).code == 0
    notes.server.add("c")
    notes.server.rows.sort(key=lambda row: row["name"])
    notes.disturb()
    done = notes("apply", "--plan", place, "--auto-approve")
    assert (done.code, notes.server.writes) == (3, []), done.everything


@ONE
@pytest.mark.parametrize("fault", [Fault.LIMITED_AFTER, Fault.LOST_AFTER, Fault.BARE])
def test_a_creation_is_not_sent_again_nor_failed_where_it_is_between_two_pages(
    notes: Notes, fault: Fault
) -> None:
    def after_write() -> None:
        notes.server.rows.sort(key=lambda row: str({"new": "bb"}.get(row["name"], row["name"])))
        notes.disturb()

    notes.server.faults = [fault]
    notes.server.after_write = after_write
    done = notes("apply", notes.declare({"name": "new"}), "--auto-approve", "--retries", "3")
    assert (done.code, len(notes.server.writes)) == (0, 1), done.everything


@ONE
def test_a_key_between_two_pages_is_explained(notes: Notes) -> None:
    notes.disturb()
    assert notes("explain", "note/red/c", "--file", notes.declare({"name": "c", "text": "new"})).code == 0
