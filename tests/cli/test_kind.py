"""``kind init``: the draft on standard output, what is to decide on standard error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.kinds.packaged import load_kinds
from tests.kinds.descriptions import PET, PETS, pets
from tests.kinds.test_openapi import LABELS, described

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support import CommandLine, Finished

OPENAPI = str(Path(__file__).parents[1] / "gcore_emulator/openapi.yaml")


@pytest.mark.parametrize("name", load_kinds())
def test_a_draft_of_a_built_in_kind_is_a_valid_kind(cli: CommandLine, tmp_path: Path, name: str) -> None:
    collection = load_kinds()[name].collection
    done = cli("kind", "init", "--openapi", OPENAPI, "--collection", collection, "--name", "my-key")
    assert (done.code, json.loads(done.out)["title"]) == (0, "My key")
    assert done.err.startswith("To decide, then save as kinds/my-key.schema.json:\n- ")
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds/my-key.schema.json").write_text(done.out)
    (tmp_path / "a.yaml").write_text("{kind: my-key, keys: []}")
    assert cli("validate", str(tmp_path), "--project-id", "1", "--region-id", "1").code == 0


@pytest.mark.parametrize("indent", [None, 2], ids=["one line", "many lines"])
def test_a_description_may_be_json(cli: CommandLine, tmp_path: Path, indent: int | None) -> None:
    file = tmp_path / "api.json"
    file.write_text(json.dumps(described(), indent=indent))
    done = cli("kind", "init", "--openapi", str(file), "--collection", LABELS)
    assert (done.code, json.loads(done.out)["x-reconciler"]["identity"]) == (0, "name")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"openapi: 3.1.0\n", f"the description has no path {LABELS}"),
        (b"[1]\n", "the file is not an OpenAPI 3.0 or 3.1 description"),
        (b"a: [\n", "api.yaml:1:"),
        (b'{"a": 1, "a": 2}', 'duplicate key "a"'),
        (b"a: 1\n---\nb: 2\n", "holds several documents; a description is one"),
        (b"", "declares nothing"),
        (b"\xff", "not UTF-8"),
        (b"[" * 5000, "nested deeper"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_an_unusable_description_is_an_error(
    cli: CommandLine, tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    file = tmp_path / "api.yaml"
    if content is not None:
        file.write_bytes(content)
    done = cli("kind", "init", "--openapi", str(file), "--collection", LABELS)
    assert (done.code, done.out, complaint in done.err) == (1, "", True), done.err
    assert str(file) in done.err


def test_an_invalid_kind_name_is_a_usage_error(cli: CommandLine) -> None:
    done = cli("kind", "init", "--openapi", OPENAPI, "--collection", LABELS, "--name", "My Key")
    assert (done.code, "use lower-case letters" in done.err) == (64, True)


SHOP = pets()
SHOP["paths"] |= {
    "/cats": SHOP["paths"][PETS],
    "/cats/{id}": SHOP["paths"][PET],
    "/dogs": {"get": {"responses": {}}},
    "/dogs/{id}": SHOP["paths"][PET],
    "/farms/{farm}/cats": SHOP["paths"][PETS],
    "/farms/{farm}/cats/{id}": SHOP["paths"][PET],
    "/hours": SHOP["paths"][PETS],
}


@pytest.fixture
def drafts(cli: CommandLine, tmp_path: Path) -> Callable[..., Finished]:
    """Draft every collection of a description into the folder ``drafts``."""
    file = tmp_path / "shop.json"

    def run(description: object) -> Finished:
        file.write_text(json.dumps(description))
        return cli("kind", "init", "--openapi", str(file), "--all", "--output", str(tmp_path / "drafts"))

    return run


def test_all_collections_are_drafted_into_a_folder_that_loads(
    cli: CommandLine, drafts: Callable[..., Finished], tmp_path: Path
) -> None:
    done = drafts(SHOP)
    folder = tmp_path / "drafts"
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Drafted 3 of 4 collections into {folder}; {folder}/index.md lists")
    names = {file.name for file in folder.iterdir()}
    assert names == {f"{name}.schema.json" for name in ("pet", "cat", "farms-cat")} | {"index.md"}
    assert cli("kinds", "--kinds", str(folder)).code == 0


def test_the_index_says_what_is_drafted_what_is_to_decide_and_what_is_refused(
    drafts: Callable[..., Finished], tmp_path: Path
) -> None:
    drafts(SHOP)
    index = (tmp_path / "drafts/index.md").read_text()
    row = f"| [pet](pet.schema.json) | `{PETS}` | `name`, its path by `id` | size | no | "
    assert row in index
    assert "- for every kind: foreign: are some keys managed by another system?" in index
    assert "### pet\n\n- identity: files identify a key by name, and request paths" in index
    assert "| `/dogs` | the response to GET /dogs is not described as JSON with a list |" in index


def test_an_index_has_no_section_of_a_kind_that_leaves_nothing_open(
    drafts: Callable[..., Finished], tmp_path: Path
) -> None:
    paths = {path: operations for path, operations in SHOP["paths"].items() if path.startswith(PETS)}
    assert drafts({**SHOP, "paths": paths}).code == 0
    lines = (tmp_path / "drafts/index.md").read_text().splitlines()
    headings = [index for index, line in enumerate(lines) if line.startswith("#")]
    assert "## Refused" not in lines
    assert [line for line in lines if line.startswith("### ")] == []
    assert all(lines[index + 2 : index + 3] not in ([], [""]) for index in headings)


def test_a_description_of_which_nothing_can_be_drafted_is_an_error_with_the_reasons(
    drafts: Callable[..., Finished], tmp_path: Path
) -> None:
    paths = {path: operations for path, operations in SHOP["paths"].items() if path.startswith("/dogs")}
    done = drafts({**SHOP, "paths": paths})
    assert (done.code, done.out, (tmp_path / "drafts").exists()) == (1, "", False)
    assert "none of its 1 collection can be drafted: /dogs: the response to GET /dogs is not" in done.err


def test_nothing_is_overwritten(drafts: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "drafts").mkdir()
    (tmp_path / "drafts/cat.schema.json").write_text("mine")
    done = drafts(SHOP)
    assert (done.code, done.out) == (1, "")
    assert f"{tmp_path}/drafts/cat.schema.json exists, and nothing is overwritten" in done.err
    assert [file.name for file in (tmp_path / "drafts").iterdir()] == ["cat.schema.json"]


def test_a_folder_that_cannot_be_written_is_an_error(drafts: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "drafts").symlink_to("/proc/nothing")
    done = drafts(SHOP)
    assert (done.code, "the drafts cannot be written to" in done.err) == (1, True)


def test_a_description_without_collections_is_an_error(drafts: Callable[..., Finished]) -> None:
    done = drafts({"openapi": "3.0.0", "paths": {}})
    assert (done.code, "the description has no collection with GET" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ((), "Missing option '--collection' or '--all'"),
        (("--all",), "--all needs --output DIR"),
        (("--output", "x", "--collection", LABELS), "--output is for --all"),
        (("--all", "--output", "x", "--collection", LABELS), "--collection is for a single draft"),
        (("--all", "--output", "x", "--item", LABELS), "--item is for a single draft"),
        (("--all", "--output", "x", "--identity", "name"), "--identity is for a single draft"),
        (("--all", "--output", "x", "--name", "a"), "--name is for a single draft"),
    ],
)
def test_options_that_do_not_go_together_are_a_usage_error(
    cli: CommandLine, options: tuple[str, ...], complaint: str
) -> None:
    done = cli("kind", "init", "--openapi", OPENAPI, *options)
    assert (done.code, complaint in done.err) == (64, True), done.err


def test_the_path_of_an_item_may_be_named(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "api.json"
    file.write_text(json.dumps(pets(item="/animals/{petId}")))
    given = ("kind", "init", "--openapi", str(file), "--collection", PETS)
    assert cli(*given).code == 1
    done = cli(*given, "--item", "/animals/{petId}")
    assert json.loads(done.out)["x-reconciler"]["item"] == "/animals/{petId}"


def test_the_name_that_people_write_may_be_chosen(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "api.json"
    file.write_text(json.dumps(pets()))
    given = ("kind", "init", "--openapi", str(file), "--collection", PETS)
    done = cli(*given, "--identity", "size")
    assert (done.code, json.loads(done.out)["x-reconciler"]["identity"]) == (0, "size")
    done = cli(*given, "--identity", "colour")
    assert (done.code, "the listed objects have no string or integer colour" in done.err) == (1, True)
