"""A kind whose paths take ids that the service makes works in every command; people write names alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.idserver import STYLES, Fault, IdServer, id_server, write_kind, write_notes
from tests.values import check_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.support import CommandLine, Finished


@dataclass(slots=True)
class Notes:
    """The command line, a server of notes, and a folder with the kind and the files."""

    cli: CommandLine
    server: IdServer
    folder: Path

    def declare(self, *keys: Mapping[str, Any], **header: Any) -> str:
        return write_notes(self.folder / "notes.yaml", *keys, **header)

    def __call__(self, command: str, *arguments: str) -> Finished:
        return self.cli(command, *arguments, "--kinds", str(self.folder / "kinds"))

    def file(self, name: str) -> str:
        return str(self.folder / name)

    def plan(self, file: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self("plan", file, "--format", "json").out)
        check_document("plan", document)
        return document

    def is_settled(self, file: str) -> bool:
        return self("plan", file, "--detailed-exitcode").code == 0


ONE = pytest.mark.parametrize("notes", ["number ids in an envelope"], indirect=True)
"""Where one way of an API shows as much as all."""


@pytest.fixture(params=[name for name, style in STYLES.items() if style.identity == "name"])
def notes(cli: CommandLine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Notes]:
    style = STYLES[request.param]
    write_kind(tmp_path / "kinds", style.schema)
    with id_server(style) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        yield Notes(cli, server, tmp_path)


def test_a_life_of_a_key_addresses_its_id_and_never_sends_its_name_again(notes: Notes) -> None:
    server = notes.server
    server.add("other")
    file = notes.declare({"name": "a/b", "text": "one"})
    assert notes("apply", file, "--auto-approve").code == 0
    number = server.rows[-1]["id"]
    assert notes.is_settled(file)
    file = notes.declare({"name": "a/b", "text": "two"})
    (change,) = notes.plan(file)["resource_changes"]
    assert (change["name"], change["id"], change["request"]["method"]) == (
        "a/b",
        str(number),
        server.style.method,
    )
    assert notes("apply", file, "--auto-approve").code == 0
    assert notes.is_settled(file)
    file = notes.declare({"name": "a/b", "text": "two", "fixed": "x", "lifecycle": {"replace": True}})
    assert notes("apply", file, "--auto-approve", "--allow-destroy").code == 0
    assert notes.is_settled(file)
    anew = server.rows[-1]["id"]
    assert anew != number
    file = notes.declare({"name": "a/b", "state": "absent"})
    assert notes("apply", file, "--auto-approve", "--allow-destroy").code == 0
    assert (server.shown, notes.is_settled(file)) == ([("other", "")], True)
    sent = [(method, path) for method, path, _ in server.writes]
    collection = server.style.extension["collection"].format(team="red")
    assert sent == [
        ("POST", collection),
        (server.style.method, server.path_of(number)),
        ("DELETE", server.path_of(number)),
        ("POST", collection),
        ("DELETE", server.path_of(anew)),
    ]
    # Who replaces an object repeats its name, which is that of the object read just before.
    assert ("a/b" in json.dumps(server.writes[1][2])) is (server.style.method == "PUT")


def test_two_objects_of_a_declared_name_are_an_error_of_that_name_alone(notes: Notes) -> None:
    first, second = notes.server.add("twin", text="x"), notes.server.add("twin")
    other = notes.server.add("other")
    file = notes.declare({"name": "twin", "text": "new"}, {"name": "other", "text": "new"})
    document = notes.plan(file)
    (problem,) = document["errors"]
    assert (problem["address"], problem["live"]) == ("note/red/twin", True)
    assert (
        f"is the name of 2 live objects, with id {json.dumps(first)} and {json.dumps(second)}"
        in problem["message"]
    )
    assert [change["id"] for change in document["resource_changes"]] == [str(other)]
    done = notes("apply", file, "--auto-approve")
    assert (done.code, "note/red/twin" in done.err) == (4, True)
    assert [path for _, path, _ in notes.server.writes] == [notes.server.path_of(other)]


@ONE
def test_undeclared_twins_are_counted_as_unmanaged_and_an_exclusive_scope_refuses_them(notes: Notes) -> None:
    notes.server.add("twin")
    notes.server.add("twin")
    notes.server.add("web")
    file = notes.declare({"name": "web"})
    document = notes.plan(file)
    assert (document["errors"], document["unmanaged"]) == ([], ["note/red/twin", "note/red/twin"])
    assert document["summary"]["unmanaged"] == 2
    assert document["unmanaged_ids"] == {"note/red/twin": ["1", "2"]}
    lines = ["  note/red/twin, id 1", "  note/red/twin, id 2"]
    assert [line for line in notes("plan", file, "-v").out.splitlines() if "twin" in line] == lines
    place = saved(notes, {"name": "web"})
    assert [line for line in notes("show", place, "-v").out.splitlines() if "twin" in line] == lines
    assert [line for line in notes("drift", file).out.splitlines() if "twin" in line] == lines
    document = notes.plan(notes.declare({"name": "web"}, exclusive=True))
    assert [problem["address"] for problem in document["errors"]] == ["note/red/twin"]
    assert document["resource_changes"] == []


@ONE
@pytest.mark.parametrize("bad", ["", ".", "..", "a\\..\\b", None, 1.5, [], True])
def test_an_object_without_a_usable_id_is_a_problem_of_its_name_and_is_not_created_again(
    notes: Notes, bad: object
) -> None:
    notes.server.add("web")
    notes.server.rows.append({"id": bad, "name": "odd"})
    file = notes.declare({"name": "odd"}, {"name": "web", "text": "new"})
    document = notes.plan(file)
    (problem,) = document["errors"]
    assert (problem["address"], "id" in problem["message"]) == ("note/red/odd", True)
    assert [change["name"] for change in document["resource_changes"]] == ["web"]


@ONE
@pytest.mark.parametrize("name", ["api", "", None])
def test_a_listing_with_an_id_twice_is_not_believed(notes: Notes, name: str | None) -> None:
    number = notes.server.add("web")
    notes.server.rows.append({"id": number, "name": name})
    done = notes("plan", notes.declare({"name": "web"}))
    assert (done.code, "is listed twice; listed 3 times" in done.err) == (1, True)


PUT = pytest.mark.parametrize("notes", ["whole updates"], indirect=True)


@PUT
@pytest.mark.parametrize("fault", [None, Fault.LOST_AFTER, Fault.BARE])
def test_a_whole_update_that_loses_what_no_file_declares_is_not_verified(
    notes: Notes, fault: Fault | None
) -> None:
    notes.server.add("web", text="old", size=3, fixed="x")
    notes.server.altered, notes.server.faults = {"size": ...}, [fault]
    done = notes("apply", notes.declare({"name": "web", "text": "new"}), "--auto-approve", "--retries", "0")
    assert (done.code, notes.server.rows[0]["text"]) == (4, "new")
    assert "the key no longer has size, although it was sent" in done.out


@PUT
@pytest.mark.parametrize(("fault", "options"), [(None, ()), (Fault.BARE, ("--events",))])
def test_a_whole_update_tells_what_the_service_has_changed(
    notes: Notes, fault: Fault | None, options: Sequence[str]
) -> None:
    notes.server.add("web", text="old", size=3, fixed="x")
    notes.server.altered, notes.server.faults = {"size": 4}, [fault]
    done = notes("apply", notes.declare({"name": "web", "text": "new"}), "--auto-approve", *options)
    assert (done.code, "the service has changed size, sent as it was shown" in done.out) == (0, True)


def saved(notes: Notes, *keys: Mapping[str, Any]) -> str:
    """Save a plan for what is declared."""
    place = notes.file("plan.json")
    assert notes("plan", notes.declare(*keys), "--out", place).code == 0
    return place


@ONE
def test_a_saved_replacement_is_applied_once(notes: Notes) -> None:
    notes.server.add("web", text="old")
    place = saved(notes, OTHER)
    assert applied(notes, place).code == 0
    again = applied(notes, place)
    assert (again.code, "already as planned" in again.out, len(notes.server.writes)) == (0, True, 2)


def applied(notes: Notes, place: str) -> Finished:
    return notes("apply", "--plan", place, "--auto-approve", "--allow-destroy")


def test_a_saved_plan_is_shown_and_applied_to_the_id(notes: Notes) -> None:
    number = notes.server.add("web", text="old")
    place = saved(notes, {"name": "web", "text": "new"})
    assert f"notes.yaml:1, id {number})" in notes("show", place).out
    assert applied(notes, place).code == 0
    assert notes.server.row(number)["text"] == "new"


@ONE
@pytest.mark.parametrize("key", [{"name": "web", "text": "new"}, {"name": "web", "state": "absent"}])
def test_a_key_renamed_since_the_plan_is_left_alone_and_its_new_name_is_told(
    notes: Notes, key: Mapping[str, Any]
) -> None:
    number = notes.server.add("web", text="old")
    place = saved(notes, key)
    notes.server.row(number)["name"] = "shop"
    done = applied(notes, place)
    assert (done.code, notes.server.writes) == (3, [])
    assert f'id {number} was planned as "web", and is now named "shop"' in done.everything


@ONE
@pytest.mark.parametrize("key", [{"name": "web", "text": "new"}, {"name": "web", "state": "absent"}])
def test_a_key_made_anew_since_the_plan_is_left_alone_and_both_ids_are_told(
    notes: Notes, key: Mapping[str, Any]
) -> None:
    number = notes.server.add("web", text="old")
    place = saved(notes, key)
    notes.server.remove(number)
    anew = notes.server.add("web", text="old")
    done = applied(notes, place)
    assert (done.code, notes.server.writes) == (3, [])
    assert f'deleted and created again: id was planned from "{number}" and is now "{anew}"' in done.everything


@ONE
def test_a_key_made_anew_as_wanted_is_not_taken_for_the_planned_one(notes: Notes) -> None:
    number = notes.server.add("web", text="old")
    place = saved(notes, {"name": "web", "text": "new"})
    notes.server.remove(number)
    notes.server.add("web", text="new")
    done = applied(notes, place)
    assert (done.code, notes.server.writes) == (3, [])


@ONE
@pytest.mark.parametrize("key", [{"name": "web", "text": "new"}, {"name": "web", "state": "absent"}])
def test_a_name_doubled_since_the_plan_is_left_alone(notes: Notes, key: Mapping[str, Any]) -> None:
    number = notes.server.add("web", text="old")
    place = saved(notes, key)
    twin = notes.server.add("web")
    done = applied(notes, place)
    assert (done.code, notes.server.writes) == (3, [])
    assert f"with id {json.dumps(number)} and {json.dumps(twin)}" in done.everything


@ONE
def test_a_name_taken_since_its_creation_was_planned_is_not_created_again(notes: Notes) -> None:
    place = saved(notes, {"name": "web", "text": "new"})
    notes.server.add("web", text="other")
    assert (applied(notes, place).code, notes.server.writes) == (3, [])
    notes.server.rows[-1]["text"] = "new"
    assert (applied(notes, place).code, notes.server.writes) == (0, [])
    notes.server.add("web")
    assert (applied(notes, place).code, notes.server.writes) == (3, [])


@pytest.mark.parametrize("notes", ["text ids"], indirect=True)
def test_an_object_without_an_id_does_not_hinder_a_creation(notes: Notes) -> None:
    notes.server.rows.append({"id": "", "name": "odd"})
    notes.server.add("web")
    place = saved(notes, {"name": "new"}, {"name": "web", "text": "x"})
    assert applied(notes, place).code == 0
    assert [method for method, _, _ in notes.server.writes].count("POST") == 1


@ONE
def test_a_saved_plan_with_another_id_is_refused(notes: Notes) -> None:
    notes.server.add("web", text="old")
    place = notes.folder / "plan.json"
    saved(notes, {"name": "web", "text": "new"})
    document = json.loads(place.read_text())
    document["resource_changes"][0]["id"] = "99"
    place.write_text(json.dumps(document))
    done = applied(notes, str(place))
    assert (done.code, notes.server.writes) == (3, [])


@pytest.mark.parametrize(
    ("fault", "code", "count"),
    [
        (Fault.LOST_AFTER, 0, 1),
        (Fault.EMPTY, 0, 1),
        (Fault.BARE, 0, 1),
        (Fault.LIMITED, 0, 2),
        (Fault.LIMITED_AFTER, 0, 1),
        (Fault.LOST_BEFORE, 4, 1),
    ],
)
def test_a_creation_is_never_made_twice(notes: Notes, fault: Fault, code: int, count: int) -> None:
    notes.server.faults = [fault]
    file = notes.declare({"name": "web", "text": "new"})
    done = notes("apply", file, "--auto-approve", "--retries", "3")
    assert (done.code, len(notes.server.writes)) == (code, count), done.everything
    assert notes.server.shown == ([("web", "new")] if code == 0 else [])
    assert notes("apply", file, "--auto-approve").code == 0
    assert notes.server.shown == [("web", "new")]


def test_a_secret_under_another_name_is_stored_and_not_shown(notes: Notes) -> None:
    schema = notes.server.style.schema
    schema["properties"]["token"] = {"type": "string", "readOnly": True}
    schema["x-reconciler"] |= {"secret": "token", "as": {"token": "api_token"}}
    write_kind(notes.folder / "kinds", schema)
    notes.server.faults = [Fault.SECRET]
    sink = notes.folder / "secrets"
    done = notes("apply", notes.declare(NEW), "--auto-approve", "--secret-sink", f"file:{sink}")
    assert (done.code, [file.read_text() for file in sink.iterdir()]) == (0, ["s3cret-value"])
    assert "s3cret-value" not in done.everything


def test_a_name_that_the_service_changes_is_reported_before_it_is_created_again(notes: Notes) -> None:
    notes.server.faults = [Fault.RENAMED]
    done = notes("apply", notes.declare(NEW), "--auto-approve")
    number = notes.server.rows[-1]["id"]
    assert (done.code, f'it was created with name "WEB", id {number}; write this name' in done.out) == (
        4,
        True,
    )


@ONE
def test_a_response_with_the_id_of_another_key_is_not_believed(notes: Notes) -> None:
    notes.server.add("other")
    notes.server.faults = [Fault.STRAY]
    assert notes("apply", notes.declare(NEW), "--auto-approve").code == 0
    assert notes.server.shown == [("other", ""), ("web", "new")]


@ONE
def test_a_creation_in_doubt_beside_a_twin_says_so_and_is_not_sent_again(notes: Notes) -> None:
    notes.server.faults = [Fault.LOST_AFTER]
    notes.server.after_write = lambda: notes.server.add("web", text="twin")
    done = notes("apply", notes.declare({"name": "web", "text": "new"}), "--auto-approve", "--retries", "3")
    assert (done.code, len(notes.server.writes)) == (4, 1)
    assert "is the name of 2 live objects, with id" in done.everything


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.LOST_BEFORE])
def test_an_update_without_a_response_is_read_back_by_its_id(notes: Notes, fault: Fault) -> None:
    number = notes.server.add("web", text="old")
    notes.server.faults = [fault]
    notes.server.after_write = lambda: (
        notes.server.add("web", text="twin") if not notes.server.made - 1 else 0
    )
    done = notes("apply", notes.declare({"name": "web", "text": "new"}), "--auto-approve", "--retries", "0")
    assert notes.server.row(number)["text"] == ("new" if fault is Fault.LOST_AFTER else "old")
    assert done.code == (0 if fault is Fault.LOST_AFTER else 1), done.everything


@ONE
def test_a_deletion_without_a_response_is_read_back_by_its_id(notes: Notes) -> None:
    number = notes.server.add("web")
    notes.server.faults = [Fault.LOST_AFTER]
    notes.server.after_write = lambda: notes.server.add("web", text="another")
    file = notes.declare({"name": "web", "state": "absent"})
    done = notes("apply", file, "--auto-approve", "--allow-destroy", "--retries", "1")
    assert (done.code, [row["id"] for row in notes.server.rows] != [number]) == (0, True), done.everything


@ONE
@pytest.mark.parametrize(("twins", "code"), [((), 1), (("new",), 0), (("other",), 1), (("new", "new"), 4)])
def test_a_creation_that_conflicts_is_judged_by_what_has_the_name(
    notes: Notes, twins: tuple[str, ...], code: int
) -> None:
    notes.server.faults = [Fault.CONFLICT]
    notes.server.after_write = lambda: [notes.server.add("web", text=text) for text in twins]
    done = notes("apply", notes.declare({"name": "web", "text": "new"}), "--auto-approve")
    assert (done.code, len(notes.server.shown)) == (code, len(twins)), done.everything


@ONE
@pytest.mark.parametrize("name", [".", "..", "a/../b", "a\\b", "é", "line\nbreak", "?x=1#y", " "])
def test_a_name_need_not_be_a_segment_of_a_path(notes: Notes, name: str) -> None:
    key = {"name": name, "text": "new"}
    assert notes("apply", notes.declare(key), "--auto-approve").code == 0
    place = saved(notes, key | {"text": "newer"})
    assert applied(notes, place).code == 0
    assert notes.server.shown == [(name, "newer")]
    assert "text: newer" in export(notes).out
    assert notes("explain", f"note/red/{name}", "--file", notes.declare(key)).code == 0


@ONE
def test_an_empty_name_is_refused(notes: Notes) -> None:
    done = notes("validate", notes.declare({"name": ""}))
    assert (done.code, "cannot be a name, because it is empty" in done.err) == (1, True)
    notes.server.add("")
    notes.server.add("web")
    document = notes.plan(notes.declare({"name": "web"}))
    assert "object 1 of the listing has an empty name" in document["warnings"][0]["message"]


def in_doubt(notes: Notes, *keys: Mapping[str, Any]) -> str:
    """Apply with a journal, and leave its writes without outcome, as a killed run does."""
    journal = notes.folder / "journal.jsonl"
    done = notes(
        "apply", notes.declare(*keys), "--auto-approve", "--allow-destroy", "--journal", str(journal)
    )
    assert done.code == 0, done.everything
    lines = [line for line in journal.read_text().splitlines() if json.loads(line)["event"] == "write"]
    journal.write_text("\n".join(lines) + "\n")
    return str(journal)


NEW = {"name": "web", "text": "new"}
ABSENT = {"name": "web", "state": "absent"}
OTHER = {"name": "web", "text": "old", "fixed": "x", "lifecycle": {"replace": True}}


@pytest.mark.parametrize(
    ("before", "key"), [((), NEW), (("web",), NEW), (("web",), ABSENT), (("web",), OTHER)]
)
def test_a_write_of_a_killed_run_is_found_to_have_taken_effect(
    notes: Notes, before: tuple[str, ...], key: Mapping[str, Any]
) -> None:
    for name in before:
        notes.server.add(name, text="old")
    done = notes("journal", in_doubt(notes, key))
    assert (done.code, done.out.splitlines()[0]) == (0, "note/red/web: took effect")


@ONE
@pytest.mark.parametrize(("key", "found"), [(NEW, "did not"), (ABSENT, "did not"), (OTHER, "did not")])
def test_a_write_of_a_killed_run_is_found_to_have_had_no_effect(
    notes: Notes, key: Mapping[str, Any], found: str
) -> None:
    row = dict(notes.server.row(notes.server.add("web", text="old")))
    journal = in_doubt(notes, key)
    notes.server.rows = [row]
    assert f"note/red/web: {found} take effect" in notes("journal", journal).out


@ONE
def test_a_creation_of_a_killed_run_that_is_not_there_did_not_take_effect(notes: Notes) -> None:
    journal = in_doubt(notes, NEW)
    notes.server.rows.clear()
    assert "note/red/web: did not take effect" in notes("journal", journal).out


@ONE
def test_the_id_of_a_new_key_is_recorded_and_finds_it_beside_a_twin(notes: Notes) -> None:
    journal = notes.folder / "journal.jsonl"
    notes.server.faults = [Fault.OTHER]
    arguments = ("--auto-approve", "--journal", str(journal))
    assert notes("apply", notes.declare(NEW), *arguments).code == 4
    outcome = json.loads(journal.read_text().splitlines()[-1])
    assert (outcome["event"], outcome["id"]) == ("outcome", str(notes.server.rows[-1]["id"]))
    notes.server.rows[-1]["text"] = "new"
    notes.server.add("web")
    assert "note/red/web: took effect" in notes("journal", str(journal)).out


@ONE
@pytest.mark.parametrize("response", [None, [], {}, {"note": None}, {"id": "other", "name": "web"}])
@pytest.mark.parametrize("key", [NEW, ABSENT, OTHER])
def test_a_response_that_is_not_about_the_key_resolves_no_write(
    notes: Notes, key: Mapping[str, Any], response: Any
) -> None:
    notes.server.add("web", text="old")
    journal = in_doubt(notes, key)
    notes.server.instead = response
    done = notes("journal", journal)
    assert (done.code, "outcome unknown" in done.out) == (4, True), done.out


@ONE
def test_a_replacement_of_a_killed_run_is_found_to_be_halved(notes: Notes) -> None:
    notes.server.add("web", text="old")
    journal = in_doubt(notes, OTHER)
    notes.server.rows.clear()
    assert "note/red/web: the key is gone" in notes("journal", journal).out


@ONE
def test_a_creation_of_a_killed_run_beside_a_twin_stays_in_doubt(notes: Notes) -> None:
    journal = in_doubt(notes, NEW)
    notes.server.add("web")
    done = notes("journal", journal)
    assert (done.code, "outcome unknown (note/red/web is the name of 2 live" in done.out) == (4, True)


@ONE
def test_a_write_of_a_killed_run_follows_the_id_through_a_rename(notes: Notes) -> None:
    number = notes.server.add("web", text="old")
    journal = in_doubt(notes, NEW)
    notes.server.row(number)["name"] = "shop"
    notes.server.add("web", text="old")
    done = notes("journal", journal)
    assert 'note/red/web: took effect (it is named "shop" now)' in done.out


@ONE
def test_an_update_of_a_killed_run_whose_key_was_made_anew_is_gone(notes: Notes) -> None:
    number = notes.server.add("web", text="old")
    journal = in_doubt(notes, NEW)
    notes.server.remove(number)
    notes.server.add("web", text="new")
    assert "note/red/web: the key is gone" in notes("journal", journal).out


@ONE
def test_a_deletion_of_a_killed_run_took_effect_whatever_has_the_name_now(notes: Notes) -> None:
    notes.server.add("web")
    journal = in_doubt(notes, ABSENT)
    notes.server.add("web")
    assert "note/red/web: took effect" in notes("journal", journal).out


def export(notes: Notes, *arguments: str) -> Finished:
    return notes("export", "--kind", "note", "--scope", "team=red", *arguments)


def test_an_export_holds_names_alone_and_leaves_out_twins_with_their_ids(notes: Notes) -> None:
    first, second = notes.server.add("twin"), notes.server.add("twin")
    number = notes.server.add("a/b", text="x")
    done = export(notes)
    assert done.code == 0
    assert f"with id {json.dumps(first)} and {json.dumps(second)}" in done.err
    assert (str(number) not in done.out.partition("keys:")[2], "twin" in done.out) == (True, True)
    (notes.folder / "out.yaml").write_text(done.out)
    assert notes.is_settled(notes.file("out.yaml"))


@ONE
def test_an_export_is_added_to_a_file_by_names(notes: Notes) -> None:
    notes.server.add("web", text="x")
    notes.server.add("api", text="y")
    file = notes.folder / "web.yaml"
    file.write_text("kind: note\nteam: red\nkeys:\n  - name: web\n    text: x\n")
    assert "Added 1 key of note/red" in export(notes, "--into", str(file)).out
    assert ("name: api" in file.read_text(), notes.is_settled(str(file))) == (True, True)


@ONE
def test_accept_takes_the_value_of_the_named_object(notes: Notes) -> None:
    notes.server.add("other", text="z")
    notes.server.add("web", text="live")
    file = notes.declare({"name": "web", "text": "old"})
    assert notes("accept", "note/red/web", "--file", file).code == 0
    assert notes.is_settled(file)


@ONE
@pytest.mark.parametrize("command", ["accept", "explain"])
def test_one_name_of_two_objects_is_refused_with_both_ids(notes: Notes, command: str) -> None:
    first, second = notes.server.add("web", text="x"), notes.server.add("web")
    done = notes(command, "note/red/web", "--file", notes.declare({"name": "web", "text": "old"}))
    assert (done.code, f"with id {json.dumps(first)} and {json.dumps(second)}" in done.err) == (1, True)


def test_explain_shows_the_requests_to_the_id(notes: Notes) -> None:
    number = notes.server.add("web", text="live")
    done = notes("explain", "note/red/web", "--file", notes.declare(NEW))
    assert (done.code, f"{notes.server.style.method} {notes.server.path_of(number)}" in done.out) == (0, True)
    assert "carried, because it differs" in done.out


def test_drift_is_found_and_corrected_by_the_id(notes: Notes) -> None:
    number = notes.server.add("web", text="new")
    notes.server.add("a/twin")
    notes.server.add("a/twin")
    history = notes.file("history.db")
    file = notes.declare(NEW)
    assert notes("drift", file, "--history", history).code == 0
    notes.server.row(number)["text"] = "drifted"
    found = notes("drift", file, "--history", history)
    assert (found.code, "note/red/web" in found.out) == (2, True)
    assert notes("drift", file, "--history", history, "--correct", "all").code == 0
    assert (notes.server.row(number)["text"], len(notes.server.writes)) == ("new", 1)
    assert "note/red/web" in notes.cli("history", "--history", history).out
    notes.server.add("b/new")
    notes.server.add("b/new")
    assert '"address": "note/red/b/new"' in notes("drift", file, "--history", history, "--format", "json").out
    notes.server.add("web")
    doubled = notes("drift", file, "--history", history, "--correct", "all")
    assert ("is the name of 2 live objects" in doubled.everything, len(notes.server.writes)) == (True, 1)


@pytest.fixture
def numbered(cli: CommandLine, tmp_path: Path) -> Iterator[Notes]:
    """Notes that people know by a number, which the path takes, too."""
    style = STYLES["numbers"]
    with id_server(style) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        write_kind(tmp_path / "kinds", style.schema)
        yield Notes(cli, server, tmp_path)


def test_a_whole_number_can_be_the_identity(numbered: Notes) -> None:
    numbered.server.add("a", text="old")
    file = numbered.folder / "notes.yaml"
    file.write_text("kind: note\nteam: red\nkeys:\n  - id: 1\n    text: new\n  - {id: 7, name: b}\n")
    document = numbered.plan(str(file))
    assert [change["address"] for change in document["resource_changes"]] == ["note/red/1", "note/red/7"]
    place = numbered.file("plan.json")
    assert numbered("plan", str(file), "--out", place).code == 0
    assert applied(numbered, place).code == 0
    assert numbered.is_settled(str(file))
    assert sorted(numbered.server.writes, key=str) == [
        ("PATCH", "/teams/red/notes/1", {"text": "new"}),
        ("POST", "/teams/red/notes", {"id": 7, "name": "b"}),
    ]
    numbered.server.row(7)["name"] = "c"
    assert numbered("accept", "note/red/7", "--file", str(file)).code == 0
    assert "name: c" in file.read_text()
    assert numbered("explain", "note/red/7", "--file", str(file)).code == 0
    exported = export(numbered).out
    assert ("    id: 7" in exported, exported.count("note")) == (True, 1)
    file.write_text(exported)
    assert numbered.is_settled(str(file))


@pytest.mark.parametrize("address", ["note/red/x", "note/red/07", "note/red/1.0", "note/red/", "note/red/-0"])
def test_an_address_of_numbers_is_their_digits(numbered: Notes, address: str) -> None:
    file = numbered.declare({"id": 7, "text": "x"})
    done = numbered("explain", address, "--file", file)
    assert (done.code, "is not an address" in done.err) == (1, True)


def test_the_fault_of_a_key_with_a_number_names_it(numbered: Notes) -> None:
    done = numbered("validate", numbered.declare({"id": 7, "text": 1}, {"id": 7.5}, {"id": True}))
    assert "note/red/7: text must be text" in done.err
    assert "note/red/keys[1]: id must be a whole number" in done.err
    assert "note/red/keys[2]: id must be a whole number" in done.err
    twice = numbered("validate", numbered.declare({"id": 7}, {"id": 7}))
    assert "note/red/7: declared twice" in twice.err


def test_a_live_number_that_is_text_is_a_problem_of_its_object(numbered: Notes) -> None:
    numbered.server.add("a")
    numbered.server.rows.append({"id": "2", "name": "b"})
    done = numbered("plan", numbered.declare({"id": 1}))
    assert 'object 2 of the listing has an id that is not a whole number: "2"' in done.err


def test_drift_of_a_key_with_a_number_is_found_and_corrected(numbered: Notes) -> None:
    numbered.server.add("a", text="x")
    file, history = numbered.declare({"id": 1, "text": "x"}), numbered.file("history.db")
    assert numbered("drift", file, "--history", history).code == 0
    numbered.server.row(1)["text"] = "y"
    assert numbered("drift", file, "--history", history).code == 2
    assert numbered("drift", file, "--history", history, "--correct", "all").code == 0
    assert numbered.server.row(1)["text"] == "x"


def episode_of(notes: Notes, history: str) -> dict[str, Any]:
    """Return the only drift that a history knows."""
    (found,) = json.loads(notes.cli("history", "--history", history, "--format", "json").out)["drift"]
    return {name: found[name] for name in ("address", "rounds", "origin", "ended")}


@ONE
def test_the_history_of_a_declared_name_goes_on_once_it_is_that_of_one_object_again(notes: Notes) -> None:
    number, history = notes.server.add("web", text="new"), notes.file("history.db")
    file = notes.declare({"name": "web", "text": "new"})
    assert notes("drift", file, "--history", history).code == 0
    notes.server.row(number)["text"] = "drifted"
    assert notes("drift", file, "--history", history).code == 2
    for _ in range(2):
        twin = notes.server.add("web")
        done = notes("drift", file, "--history", history, "--correct", "all")
        message = f"note/red/web: is the name of 2 live objects, with id {number} and {twin}"
        assert (done.code, message in done.err, notes.server.writes) == (1, True, [])
        notes.server.remove(twin)
    assert notes("drift", file, "--history", history).code == 2
    expected = {"address": "note/red/web", "rounds": 2, "origin": "drift", "ended": None}
    assert episode_of(notes, history) == expected


@ONE
def test_the_history_of_an_undeclared_name_goes_on_once_it_is_that_of_one_object_again(notes: Notes) -> None:
    notes.server.add("old")
    notes.server.add("web")
    history = notes.file("history.db")
    assert notes("drift", notes.declare({"name": "web"}), "--history", history).code == 0
    file = notes.declare({"name": "web"}, exclusive=True)
    assert notes("drift", file, "--history", history).code == 0  # what Git asks for waits for an apply
    twin = notes.server.add("old")
    done = notes("drift", file, "--history", history)
    assert (done.code, "note/red/old: is the name of 2 live objects" in done.err) == (1, True)
    notes.server.remove(twin)
    done = notes("drift", file, "--history", history, "--correct", "all", "--allow-destroy")
    assert (done.code, notes.server.writes) == (0, [])


@dataclass(slots=True)
class Watched:
    """A declared note that a round with a history has seen as desired."""

    notes: Notes
    number: int | str
    file: str
    history: str

    def drift(self, *arguments: str) -> Finished:
        return self.notes("drift", self.file, "--history", self.history, *arguments)

    def told(self) -> dict[str, Any]:
        """Return the only drift that there is, for machines."""
        document = json.loads(self.drift("--format", "json").out)
        check_document("plan", document)
        (found,) = document["resource_drift"]
        return {"address": found["address"], **found["identity"]}

    def episodes(self) -> list[tuple[Any, ...]]:
        """Return the drift that the history knows, oldest first."""
        shown = self.notes.cli("history", "--history", self.history, "--format", "json").out
        names = ("address", "field", "declared", "live", "reason", "outcome")
        return [tuple(one[name] for name in names) for one in reversed(json.loads(shown)["drift"])]


def watched(notes: Notes, *others: Mapping[str, Any], **header: Any) -> Watched:
    number = notes.server.add("web", text="new")
    watched = Watched(notes, number, notes.declare(NEW, *others, **header), notes.file("history.db"))
    assert watched.drift().code in {0, 2}
    return watched


ALL = ("--correct", "all", "--allow-destroy")


@ONE
@pytest.mark.parametrize("is_exclusive", [False, True])
def test_an_object_renamed_outside_git_is_told_and_neither_created_again_nor_deleted(
    notes: Notes,
    is_exclusive: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    web = watched(notes, exclusive=is_exclusive)
    notes.server.row(web.number)["name"] = "shop"
    done = web.drift()
    assert (done.code, 'note/red/web has been renamed to "shop"' in done.out) == (2, True)
    assert f"renamed outside Git, id {web.number}" in done.out
    assert "Undo" not in done.out
    told = {"became": "renamed", "id": str(web.number), "new_name": "shop", "other_id": None}
    assert web.told() == {"address": "note/red/web", **told}
    for _ in range(2):
        done = web.drift(*ALL)
        left = f'renamed outside Git from "web" to "shop" (id {web.number}): rename it in the file, or'
        assert (done.code, left in done.everything, notes.server.writes) == (2, True, [])
    ((*facts, outcome),) = web.episodes()
    assert facts == ["note/red/web", "name", "web", "shop", f"renamed outside Git, id {web.number}"]
    assert outcome == "left to a person"
    web.file = notes.declare({"name": "shop", "text": "new"}, exclusive=is_exclusive)
    assert (web.drift(*ALL).code, notes.server.writes) == (0, [])
    assert [one[-1] for one in web.episodes()] == ["no longer declared"]


@ONE
def test_an_object_renamed_back_at_the_service_is_no_drift_any_more(notes: Notes) -> None:
    web = watched(notes)
    notes.server.row(web.number)["name"] = "shop"
    assert web.drift(*ALL).code == 2
    notes.server.row(web.number)["name"] = "web"
    assert (web.drift(*ALL).code, notes.server.writes) == (0, [])
    assert [one[-1] for one in web.episodes()] == ["no longer drifted"]


@ONE
def test_a_recreated_object_is_reported_once_and_its_fields_are_corrected(notes: Notes) -> None:
    web = watched(notes)
    notes.server.remove(web.number)
    anew = notes.server.add("web", text="theirs")
    done = web.drift(*ALL)
    assert (done.code, "note/red/web has been deleted and created again" in done.out) == (2, True)
    assert "deleted and created again outside Git: the new object is used" in done.everything
    assert [path for _, path, _ in notes.server.writes] == [notes.server.path_of(anew)]
    assert notes.server.shown == [("web", "new")]
    assert web.drift(*ALL).code == 0
    found = {one[1]: one for one in web.episodes()}
    id_facts = (
        "id",
        str(web.number),
        str(anew),
        "deleted and created again outside Git",
        "no longer drifted",
    )
    assert found["id"][1:] == id_facts
    assert (len(found), found["text"][-1]) == (2, "corrected")


@ONE
def test_an_object_made_anew_as_desired_is_told_once_and_known_by_its_new_id(notes: Notes) -> None:
    web = watched(notes)
    notes.server.remove(web.number)
    anew = notes.server.add("web", text="new")
    assert web.told() == {
        "address": "note/red/web",
        "became": "recreated",
        "id": str(web.number),
        "new_name": None,
        "other_id": str(anew),
    }
    assert web.drift().code == 0
    notes.server.row(anew)["name"] = "shop"
    assert (web.told()["id"], web.told()["new_name"]) == (str(anew), "shop")


@ONE
def test_swapped_names_are_both_told_and_nothing_is_sent_to_the_wrong_object(notes: Notes) -> None:
    other = notes.server.add("shop", text="other")
    web = watched(notes, {"name": "shop", "text": "other"})
    notes.server.row(web.number)["name"], notes.server.row(other)["name"] = "shop", "web"
    for _ in range(2):
        done = web.drift(*ALL)
        assert (done.code, notes.server.writes) == (2, [])
        for name, now in (("web", "shop"), ("shop", "web")):
            assert f'note/red/{name} has been renamed to "{now}", and another object has its' in done.out
    assert {one[-1] for one in web.episodes()} == {"left to a person"}


@ONE
def test_what_apply_has_made_is_known_by_its_id(notes: Notes) -> None:
    file, history = notes.declare(NEW), notes.file("history.db")
    assert notes("apply", file, "--auto-approve", "--history", history).code == 0
    web = Watched(notes, notes.server.rows[0]["id"], file, history)
    notes.server.rows[0]["name"] = "shop"
    assert web.told()["new_name"] == "shop"
    assert (web.drift(*ALL).code, len(notes.server.writes)) == (2, 1)


@ONE
def test_an_object_deleted_outside_git_is_created_again_and_known_by_its_new_id(notes: Notes) -> None:
    web = watched(notes)
    notes.server.remove(web.number)
    assert (web.drift(*ALL).code, notes.server.shown) == (0, [("web", "new")])
    notes.server.rows[0]["name"] = "shop"
    assert web.told()["id"] == str(notes.server.rows[0]["id"])


@ONE
def test_a_name_that_is_no_longer_declared_is_forgotten(notes: Notes) -> None:
    web = watched(notes)
    notes.server.add("api")
    notes.declare({"name": "api"})
    assert web.drift().code == 0
    notes.server.remove(web.number)
    notes.server.add("web", text="new")
    notes.declare(NEW)
    assert web.drift().code == 0


@ONE
def test_a_new_object_is_told_in_as_many_rounds_as_a_notification_waits_for(notes: Notes) -> None:
    web = watched(notes)
    notes.server.remove(web.number)
    notes.server.add("web", text="theirs")
    three = (*ALL, "--webhook", notes.server.url, "--notify-after", "3")
    assert [web.drift(*three).code for _ in range(4)] == [2, 2, 2, 0]
    assert len(notes.server.shown) == 1


@ONE
def test_a_name_given_to_the_object_of_another_one_is_left_to_a_person(notes: Notes) -> None:
    other = notes.server.add("shop", text="other")
    web = watched(notes, {"name": "shop", "text": "other"})
    notes.server.remove(other)
    notes.server.row(web.number)["name"] = "shop"
    for _ in range(2):
        done = web.drift(*ALL)
        assert (done.code, notes.server.writes) == (2, [])
        assert 'note/red/web has been renamed to "shop" (' in done.out
        assert "note/red/shop has been deleted and replaced by a renamed object" in done.out


@ONE
def test_an_object_renamed_to_a_name_that_is_new_in_the_files_is_not_changed(notes: Notes) -> None:
    web = watched(notes)
    notes.declare(NEW, {"name": "shop", "text": "other"})
    assert web.drift().code == 0
    notes.server.row(web.number)["name"] = "shop"
    assert (web.drift(*ALL).code, notes.server.writes, notes.server.shown) == (2, [], [("shop", "new")])


def planned(web: Watched, *options: str) -> dict[str, Any]:
    document = json.loads(
        web.notes("plan", web.file, "--history", web.history, "--format", "json", *options).out
    )
    check_document("plan", document)
    return {name: document.get(name, {}) for name in ("resource_changes", "errors", "warnings", "identities")}


FORMATS = ("text", "json", "markdown", "html", "github", "gitlab", "diff")


@ONE
@pytest.mark.parametrize("is_exclusive", [False, True])
def test_a_plan_with_a_history_creates_no_second_object_of_one_that_was_renamed(
    notes: Notes,
    is_exclusive: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    web = watched(notes, {"name": "api", "text": "x"}, exclusive=is_exclusive)
    number = web.number
    notes.server.row(number)["name"] = "shop"
    found = planned(web)
    (problem,) = found["errors"]
    told = f'renamed outside Git from "web" to "shop" (id {number}): rename it in the file, or back at the'
    assert (problem["address"], problem["message"], problem["live"]) == (
        "note/red/web",
        f"{told} service",
        True,
    )
    assert [change["name"] for change in found["resource_changes"]] == ["api"]
    identity = {"became": "renamed", "id": str(number), "new_name": "shop", "other_id": None}
    assert found["identities"] == {"note/red/web": identity}
    options = ("--auto-approve", "--allow-destroy", "--history", web.history)
    done = notes("apply", web.file, *options)
    assert (done.code, told in done.err, notes.server.shown) == (4, True, [("api", "x"), ("shop", "new")])
    assert (notes("apply", web.file, *options).code, len(notes.server.writes)) == (1, 1)
    notes.declare({"name": "shop", "text": "new"}, {"name": "api", "text": "x"}, exclusive=is_exclusive)
    found = planned(web)
    assert (found["errors"], found["warnings"], found["resource_changes"]) == ([], [], [])


@ONE
@pytest.mark.parametrize("form", FORMATS)
def test_a_rename_is_told_in_every_format_and_in_a_saved_plan(notes: Notes, form: str) -> None:
    web, place = watched(notes), notes.file("plan.json")
    notes.server.row(web.number)["name"] = "shop"
    words = ("plan", web.file, "--history", web.history, "--format", form, "--out", place)
    done = notes(*words)
    assert (done.code, "renamed outside Git from" in done.everything) == (1, True)
    shown = notes("show", place, "--format", form)
    assert "renamed outside Git from" in shown.everything
    if form == "json":
        assert json.loads(shown.out)["identities"] == json.loads(done.out)["identities"]


@ONE
def test_a_creation_that_was_planned_without_the_history_is_not_sent_with_it(notes: Notes) -> None:
    web = watched(notes)
    notes.server.row(web.number)["name"] = "shop"
    notes.declare(NEW, exclusive=True)
    place = notes.file("plan.json")
    assert (
        len(json.loads(notes("plan", web.file, "--out", place, "--format", "json").out)["resource_changes"])
        == 2
    )
    done = notes("apply", "--plan", place, "--auto-approve", "--allow-destroy", "--history", web.history)
    assert (done.code, notes.server.writes) == (3, [])
    assert done.everything.count('renamed outside Git from "web" to "shop"') == 2


@ONE
def test_what_is_forgotten_may_be_created_again(notes: Notes) -> None:
    web = watched(notes)
    notes.server.row(web.number)["name"] = "shop"
    forget = ("history", "forget", "note/red/web", "--history", web.history)
    done = notes.cli(*forget)
    assert (done.code, done.out) == (0, "note/red/web: the record of its object is deleted.\n")
    assert "the history has no record of note/red/web" in notes.cli(*forget).err
    assert notes("apply", web.file, "--auto-approve", "--history", web.history).code == 0
    assert notes.server.shown == [("shop", "new"), ("web", "new")]
    assert planned(web)["errors"] == []


@ONE
def test_swapped_names_are_errors_of_a_plan_where_that_makes_a_difference(notes: Notes) -> None:
    other = notes.server.add("shop", text="other")
    web = watched(notes, {"name": "shop", "text": "other"})
    notes.server.row(web.number)["name"], notes.server.row(other)["name"] = "shop", "web"
    found = planned(web)
    assert ([one["address"] for one in found["errors"]], found["resource_changes"]) == (
        ["note/red/web", "note/red/shop"],
        [],
    )
    notes.server.row(web.number)["text"], notes.server.row(other)["text"] = "other", "new"
    found = planned(web)
    assert (found["errors"], len(found["warnings"]), len(found["identities"])) == ([], 2, 2)


@ONE
def test_a_plan_reports_a_recreated_object_and_changes_its_fields(notes: Notes) -> None:
    web = watched(notes)
    notes.server.remove(web.number)
    anew = notes.server.add("web", text="theirs")
    found = planned(web)
    assert [change["id"] for change in found["resource_changes"]] == [str(anew)]
    (warning,) = found["warnings"]
    assert "deleted and created again outside Git: the new object is used as" in warning["message"]
    assert (found["errors"], found["identities"]["note/red/web"]["became"]) == ([], "recreated")


@ONE
@pytest.mark.parametrize("more", [{}, {"state": "absent"}])
def test_what_a_renamed_object_is_called_now_is_neither_changed_nor_deleted(
    notes: Notes, more: Mapping[str, Any]
) -> None:
    web = watched(notes)
    notes.server.row(web.number)["name"] = "shop"
    notes.declare(NEW, {"name": "shop", **(more or {"text": "other"})})
    found = planned(web)
    assert (found["resource_changes"], [one["address"] for one in found["errors"]]) == (
        [],
        ["note/red/web", "note/red/shop"],
    )
    assert planned(web, "--target", "note/red/shop")["resource_changes"] == []
    document = json.loads(web.drift("--format", "json").out)
    assert (document["resource_changes"], len(document["resource_drift"])) == ([], 1)
    assert document["resource_pending"] == []
    done = web.drift(*ALL)
    assert (done.code, notes.server.writes, notes.server.shown) == (2, [], [("shop", "new")])


@ONE
def test_a_name_changed_in_the_file_is_told_where_it_must_be_the_same_object(notes: Notes) -> None:
    web = watched(notes)
    notes.declare({"name": "shop", "text": "new"})
    found = planned(web)
    assert [change["change"]["actions"] for change in found["resource_changes"]] == [["create"]]
    (warning,) = found["warnings"]
    was = f'will be another object: the files declared "web" (id {web.number}) until now; if this is its new'
    assert (warning["address"], warning["message"].startswith(was)) == ("note/red/shop", True)
    notes.declare({"name": "shop", "text": "new"}, {"name": "mall"})
    for target in ((), ("--target", "note/red/shop")):
        assert planned(web, *target)["warnings"] == []
    notes.declare({"name": "shop", "text": "new"}, NEW)
    assert planned(web)["warnings"] == []
    number = notes.server.add("api")
    notes.declare(NEW, {"name": "api"})
    assert web.drift().code == 0
    notes.server.remove(number)
    notes.declare({"name": "api"})  # it was deleted at the service, and is not new
    assert planned(web)["warnings"] == []


@ONE
def test_an_object_that_was_to_be_absent_is_told_where_it_lives_on_under_another_name(notes: Notes) -> None:
    web = watched(notes)
    notes.declare({"name": "web", "state": "absent"})
    assert web.drift().code == 0
    notes.server.row(web.number)["name"] = "shop"
    for _ in range(2):
        done = web.drift(*ALL)
        assert (done.code, 'has been renamed to "shop", and is declared absent' in done.out) == (2, True)
        assert "declare its new name absent, or delete it at the service" in done.everything
    assert "\nRenamed: it is declared absent, so declare its new name absent, or" in web.drift().out
    (problem,) = planned(web)["errors"]
    assert problem["address"] == "note/red/web"
    notes.declare({"name": "web", "state": "absent"}, {"name": "shop", "state": "absent"})
    assert (planned(web)["errors"], notes.server.writes) == ([], [])
    options = ("--auto-approve", "--allow-destroy", "--history", web.history)
    assert (notes("apply", web.file, *options).code, notes.server.shown) == (0, [])
    assert web.drift().code == 0
    notes.server.add("mall")
    assert web.drift().code == 0


@ONE
def test_what_a_name_stood_for_is_known_from_an_apply_that_changes_nothing(notes: Notes) -> None:
    number, history = notes.server.add("web", text="new"), notes.file("history.db")
    file = notes.declare(NEW)
    assert notes("apply", file, "--auto-approve", "--history", history).code == 0
    notes.server.row(number)["name"] = "shop"
    assert planned(Watched(notes, number, file, history))["identities"]["note/red/web"]["id"] == str(number)


@ONE
def test_a_renamed_object_is_not_a_new_one_that_no_file_declares(notes: Notes) -> None:
    web = watched(notes)
    notes.server.row(web.number)["name"] = "shop"
    document = json.loads(web.drift("--format", "json").out)
    assert (document["unmanaged"], document["new_unmanaged"]) == (["note/red/shop"], [])
    assert (document["resource_changes"], document["summary"]["create"]) == ([], 0)
    notes.declare()
    assert json.loads(web.drift("--format", "json").out)["new_unmanaged"] == []


@ONE
def test_explain_and_accept_tell_what_became_of_an_object(notes: Notes) -> None:
    web = watched(notes)
    words = ("note/red/web", "--file", web.file, "--history", web.history)
    notes.server.row(web.number)["name"] = "shop"
    told = f'renamed outside Git from "web" to "shop" (id {web.number}): rename it in the file'
    explained = notes("explain", *words)
    assert (explained.code, f"No request would be sent: {told}" in explained.out) == (0, True)
    accepted = notes("accept", *words)
    assert (accepted.code, told in accepted.err) == (1, True)
    notes.server.remove(web.number)
    anew = notes.server.add("web", text="theirs")
    explained = notes("explain", *words)
    assert ("deleted and created again" in explained.err, notes.server.path_of(anew) in explained.out) == (
        True,
        True,
    )
    accepted = notes("accept", *words)
    assert (accepted.code, "deleted and created again" in accepted.err) == (0, True)
    assert "theirs" in (notes.folder / "notes.yaml").read_text()


@ONE
def test_a_history_that_is_not_there_yet_is_told_and_one_of_another_api_refused(notes: Notes) -> None:
    web = watched(notes)
    done = notes("plan", web.file, "--history", notes.file("none.db"))
    assert (done.code, "none.db does not exist yet" in done.err) == (0, True)
    assert not (notes.folder / "none.db").exists()
    before = (notes.folder / "history.db").read_bytes()
    with id_server(notes.server.style) as other:
        notes.cli.environment.setenv("GCORE_BASE_URL", other.url)
        done = notes("plan", web.file, "--history", web.history)
    assert (done.code, "history.db is of http://127.0.0.1" in done.err) == (1, True)
    assert (notes.folder / "history.db").read_bytes() == before


@ONE
def test_explain_says_why_a_renamed_object_that_no_file_declares_is_not_deleted(notes: Notes) -> None:
    web = watched(notes, exclusive=True)
    notes.server.row(web.number)["name"] = "shop"
    explained = notes("explain", "note/red/shop", "--file", web.file, "--history", web.history)
    assert 'No request would be sent: renamed outside Git from "web" to "shop"' in explained.out


@ONE
def test_an_apply_takes_a_new_object_for_the_declared_one_where_no_round_would_tell(notes: Notes) -> None:
    number, history = notes.server.add("web", text="new"), notes.file("history.db")
    web = Watched(notes, number, notes.declare(NEW), history)
    apply = ("apply", web.file, "--auto-approve", "--history", history)
    assert notes(*apply).code == 0
    notes.server.remove(number)
    anew = notes.server.add("web", text="new")
    assert ("deleted and created again" in notes(*apply).err, "created again" in notes(*apply).err) == (
        True,
        False,
    )
    assert web.drift().code == 0
    notes.server.remove(anew)
    notes.server.add("web", text="new")
    for _ in range(2):
        assert "deleted and created again" in notes(*apply).err
    assert web.told()["became"] == "recreated"
    notes.declare({"name": "other"})
    assert notes(*apply).code == 0
    notes.declare(NEW, {"name": "other"})
    notes.server.remove(notes.server.rows[0]["id"])
    notes.server.add("web", text="new")
    assert planned(web)["warnings"] == []


@ONE
def test_an_apply_records_nothing_of_a_key_that_could_not_be_compared(notes: Notes) -> None:
    notes.server.add("web", text="old")
    twin, history = notes.server.add("web"), notes.file("history.db")
    file = notes.declare(NEW)
    assert notes("apply", file, "--auto-approve", "--history", history).code == 1
    notes.server.remove(twin)
    (found,) = json.loads(notes("drift", file, "--history", history, "--format", "json").out)[
        "resource_drift"
    ]
    assert found["change"]["origins"] == {"text": "unknown"}


@ONE
def test_of_two_objects_of_a_name_the_known_one_is_told(notes: Notes) -> None:
    web = watched(notes)
    notes.server.add("web")
    told = f'; its last known id is "{web.number}"'
    (problem,) = planned(web)["errors"]
    assert problem["message"].endswith(told)
    assert told in web.drift().err
    for command in ("explain", "accept"):
        assert told in notes(command, "note/red/web", "--file", web.file, "--history", web.history).err
    notes.server.row(web.number)["name"] = "shop"
    notes.server.add("web")
    (problem,) = planned(web)["errors"]
    assert "until now" not in problem["message"]


@ONE
def test_a_renamed_object_is_not_deleted_either_where_two_others_have_its_name(notes: Notes) -> None:
    web = watched(notes, exclusive=True)
    notes.server.row(web.number)["name"] = "shop"
    notes.server.add("web", text="new")
    notes.server.add("web", text="new")
    found = planned(web)
    assert (found["resource_changes"], [one["address"] for one in found["errors"]]) == (
        [],
        ["note/red/shop", "note/red/web"],
    )
    for words in (("apply", web.file, "--auto-approve", "--allow-destroy"), ("drift", web.file, *ALL)):
        done = notes(*words, "--history", web.history)
        told = 'renamed outside Git from "web" to "shop"'
        assert (done.code, told in done.everything, notes.server.writes) == (1, True, [])


@ONE
def test_what_a_plan_without_the_history_changes_may_be_the_object_of_another_name(notes: Notes) -> None:
    other = notes.server.add("shop", text="other")
    web = watched(notes, {"name": "shop", "text": "other"})
    notes.server.row(web.number)["name"] = "shop"
    notes.server.remove(other)
    notes.server.add("web", text="new")
    place = saved(notes, NEW, {"name": "shop", "text": "other"})
    done = notes("apply", "--plan", place, "--auto-approve", "--history", web.history)
    assert (done.code, notes.server.writes) == (3, [])
    assert 'renamed outside Git from "web" to "shop"' in done.everything


@ONE
def test_a_deletion_of_an_object_renamed_since_is_not_answered_with_a_name_for_the_file(notes: Notes) -> None:
    web = watched(notes)
    place = saved(notes, {"name": "web", "state": "absent"})
    notes.server.row(web.number)["name"] = "shop"
    done = notes("apply", "--plan", place, "--auto-approve", "--allow-destroy", "--history", web.history)
    assert (done.code, notes.server.writes) == (3, [])
    assert f'id {web.number} was planned as "web", and is now named "shop"' in done.everything
    assert "rename it in the file" not in done.everything


@ONE
def test_a_plan_with_the_history_applies_what_was_renamed_in_the_file_too(notes: Notes) -> None:
    web = watched(notes)
    notes.server.row(web.number)["name"] = "shop"
    file, place = notes.declare({"name": "shop", "text": "other"}), notes.file("plan.json")
    assert notes("plan", file, "--out", place, "--history", web.history).code == 0
    done = notes("apply", "--plan", place, "--auto-approve", "--history", web.history)
    assert (done.code, notes.server.shown) == (0, [("shop", "other")])
