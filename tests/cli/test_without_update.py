"""A kind without an update: creations set every field, and a difference is a replacement that is allowed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_ids import Notes
from tests.idserver import Fault, Style, id_server, write_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support import CommandLine

EXTENSION: dict[str, Any] = {
    "collection": "/teams/{team}/notes",
    "page_limit": 10,
    "update": None,
    "immutable": [],
}
OLD = {"name": "web", "text": "old"}
NEW: dict[str, Any] = {"name": "web", "text": "new"}
ALLOWED = {**NEW, "lifecycle": {"replace": True}}


@pytest.fixture
def notes(cli: CommandLine, tmp_path: Path) -> Iterator[Notes]:
    style = Style(EXTENSION)
    write_kind(tmp_path / "kinds", style.schema)
    with id_server(style) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        yield Notes(cli, server, tmp_path)


def methods(notes: Notes) -> list[str]:
    return [method for method, _, _ in notes.server.writes]


def test_a_difference_is_refused_until_the_file_allows_a_replacement(notes: Notes) -> None:
    notes.server.add("web", text="old", size=3)
    file = notes.declare(NEW)
    for command in ("plan", "apply"):
        done = notes(command, file)
        assert (done.code, methods(notes)) == (1, [])
        assert (
            'text is "old" and cannot be changed in place to "new": the key would have to be replaced, '
            "which changes its id; write the live value into the file, or allow it with `lifecycle: "
            "{replace: true}`"
        ) in done.err
    done = notes("apply", notes.declare(ALLOWED), "--auto-approve")
    assert (done.code, methods(notes)) == (0, ["DELETE", "POST"])
    assert notes.server.rows == [{"id": "id/2", "name": "web", "text": "new", "size": 3, "fixed": ""}]
    assert notes.is_settled(notes.declare(ALLOWED))


def test_what_a_replacement_loses_is_said_by_the_plan(notes: Notes) -> None:
    notes.server.add("web", text="old", owner="ops", labels={"a": "b"})
    (warning,) = notes.plan(notes.declare(ALLOWED))["warnings"]
    assert warning["message"] == (
        "its replacement would be without labels, owner, which its kind does not describe; "
        "describe it there, as readOnly if the service sets it"
    )


def test_creation_deletion_export_and_accept_need_no_update(notes: Notes) -> None:
    file = notes.declare(OLD, {"name": "gone", "state": "absent"})
    notes.server.add("gone")
    assert notes("apply", file, "--auto-approve").code == 0
    assert (sorted(methods(notes)), notes.is_settled(file)) == (["DELETE", "POST"], True)
    out = notes("export", "--kind", "note", "--scope", "team=red").out
    assert ("name: web" in out, "text: old" in out) == (True, True)
    notes.server.rows[0]["text"] = "live"
    assert notes("accept", "note/red/web", "--file", file).code == 0
    assert (notes.is_settled(file), len(methods(notes))) == (True, 2)


@pytest.mark.parametrize(
    ("key", "options", "code", "sent"),
    [
        (NEW, ["--allow-destroy"], 2, []),
        (ALLOWED, [], 2, []),
        (ALLOWED, ["--allow-destroy"], 0, ["DELETE", "POST"]),
    ],
)
def test_drift_is_undone_by_a_replacement_only_where_files_and_options_allow_it(
    notes: Notes, key: Mapping[str, Any], options: list[str], code: int, sent: list[str]
) -> None:
    history, file = notes.file("history.db"), notes.declare(key)
    notes.server.add("web", text="new")
    assert notes("drift", file, "--history", history).code == 0
    notes.server.rows[0]["text"] = "drifted"
    done = notes("drift", file, "--history", history, "--correct", "all", *options)
    assert (done.code, methods(notes)) == (code, sent), done.everything


@pytest.mark.parametrize(
    ("faults", "sent", "code", "text"),
    [
        ([Fault.CONFLICT], ["DELETE"], 1, "read back: the key is still there"),
        ([None, Fault.CONFLICT], ["DELETE", "POST"], 4, "was deleted, and creating it again failed"),
        ([None, Fault.LOST_AFTER], ["DELETE", "POST"], 0, ""),
    ],
)
def test_a_replacement_that_fails_says_what_is_left(
    notes: Notes, faults: list[Fault | None], sent: list[str], code: int, text: str
) -> None:
    notes.server.add("web", text="old")
    notes.server.faults = faults
    done = notes("apply", notes.declare(ALLOWED), "--auto-approve")
    assert (methods(notes), done.code, text in done.everything) == (sent, code, True)


def test_a_key_that_is_gone_when_it_is_deleted_is_created(notes: Notes) -> None:
    number = notes.server.add("web", text="old")
    notes.server.after_page = lambda: notes.server.remove(number)
    assert notes("apply", notes.declare(ALLOWED), "--auto-approve").code == 0
    assert (methods(notes), notes.server.shown) == (["DELETE", "POST"], [("web", "new")])


def test_a_plan_of_an_update_is_refused_once_its_kind_has_none(notes: Notes) -> None:
    write_kind(notes.folder / "kinds", Style({**EXTENSION, "update": {"method": "PATCH"}}).schema)
    notes.server.add("web", text="old")
    place = notes.file("plan.json")
    assert notes("plan", notes.declare(NEW), "--out", place).code == 0
    write_kind(notes.folder / "kinds", Style(EXTENSION).schema)
    done = notes("apply", "--plan", place, "--auto-approve")
    assert (done.code, methods(notes), "make the plan again" in done.err) == (3, [], True)


def test_the_kind_is_listed_as_set_by_creations_alone(notes: Notes) -> None:
    assert (
        "  set       by creations only\n"
        "  created   yes; only then fixed, size, text\n"
        "  deleted   with state: absent\n"
    ) in notes("kinds").out
    found = json.loads(notes("kinds", "--format", "json").out)["kinds"][-1]
    assert (found["update"], found["set"]) == (None, [])
    assert found["set_by_creation"] == ["fixed", "size", "text"]


def test_the_secret_of_a_replaced_key_goes_to_a_sink_or_nothing_is_deleted(notes: Notes) -> None:
    schema = Style({**EXTENSION, "secret": "api_token"}).schema
    schema["properties"]["api_token"] = {"type": "string", "readOnly": True}
    write_kind(notes.folder / "kinds", schema)
    notes.server.add("web", text="old")
    file = notes.declare(ALLOWED)
    refused = notes("apply", file, "--auto-approve")
    assert (refused.code, methods(notes), "--secret-sink" in refused.err) == (1, [], True)
    notes.server.faults = [None, Fault.SECRET]
    sink = notes.folder / "secrets"
    done = notes("apply", file, "--auto-approve", "--secret-sink", f"file:{sink}")
    assert (done.code, methods(notes)) == (0, ["DELETE", "POST"])
    assert [file.read_text() for file in sink.rglob("*") if file.is_file()] == ["s3cret-value"]
    assert "s3cret-value" not in done.everything


def test_what_the_lifecycle_ignores_replaces_nothing(notes: Notes) -> None:
    notes.server.add("web", text="old")
    file = notes.declare({**NEW, "lifecycle": {"ignore_changes": ["text"]}})
    assert (notes.is_settled(file), notes("apply", file).code, methods(notes)) == (True, 0, [])
