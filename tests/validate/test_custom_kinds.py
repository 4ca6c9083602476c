"""Loading custom kinds: every fault with its place, and never a traceback."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import InputError
from reconciler.kinds.ids import named_kind
from reconciler.kinds.packaged import load_kinds
from reconciler.load.sources import folders_beside, kind_files
from reconciler.validate.custom_kinds import custom_kinds
from tests.kinds.test_rules import PLAIN, changed
from tests.values import loaded as documents_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from reconciler.kinds.kind import Kind
    from reconciler.model.source import Problem
    from reconciler.validate.custom_kinds import Listener

BUILT_IN = load_kinds()


def write(folder: Path, name: str, schema: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(schema if isinstance(schema, str) else json.dumps(schema, indent=1), encoding="utf-8")
    return file


def loaded(given: Sequence[str], found: Sequence[str], on_file: Listener | None = None) -> Mapping[str, Kind]:
    problems: list[Problem] = []
    return custom_kinds(kind_files(given, found, problems), problems, BUILT_IN, on_file)


def complaints(*given: Path, found: tuple[Path, ...] = ()) -> list[str]:
    with pytest.raises(InputError) as caught:
        loaded([*map(str, given)], [*map(str, found)])
    return [text.replace(f"{given[0].parent if given else ''}/", "") for text in caught.value.texts]


def test_a_kind_has_the_name_of_its_file(tmp_path: Path) -> None:
    write(tmp_path, "git-label.schema.json", PLAIN)
    write(tmp_path, "README.md", "Kinds.")
    write(tmp_path, ".hidden.schema.json", "{")
    reports: list[tuple[bytes, str]] = []
    kinds = loaded([str(tmp_path)], [], lambda *reported: reports.append(reported))
    assert [(name, kind.name) for name, kind in kinds.items()] == [("git-label", "git-label")]
    assert [label for _, label in reports] == [f"{tmp_path}/git-label.schema.json"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "1:1: not JSON: a value is expected here"),
        ('{"type":\n "object",}', "2:"),
        ('{"type": "object", "type": "object"}', "duplicate member in an object"),
        ("NaN", "NaN is not JSON"),
        ("[" * 100_000, ": nested too deeply for a kind"),
        ("{}", "type is missing"),
        (json.dumps(changed("properties.text", {"type": "x"}), indent=1), '13:12: properties.text.type "x"'),
        (json.dumps(changed("x-reconciler.identity", "nam"), indent=1), "identity: nam is not a property"),
        (json.dumps(changed("x-reconciler.identity", "nam"), indent="\t"), "x-reconciler.identity: nam"),
    ],
)  # fmt: skip
def test_each_problem_has_file_position_and_advice(tmp_path: Path, text: str, complaint: str) -> None:
    write(tmp_path / "kinds", "thing.schema.json", text)
    found = complaints(tmp_path / "kinds")
    assert all(line.startswith("kinds/thing.schema.json:") for line in found)
    assert any(complaint in line for line in found), found


@pytest.mark.parametrize("text", ["{}", '{"title": "x"}', '{"$ref": "x"}', '{"x-reconciler": {}}'])
def test_nothing_is_reported_twice(tmp_path: Path, text: str) -> None:
    write(tmp_path / "kinds", "thing.schema.json", text)
    found = complaints(tmp_path / "kinds")
    assert len(found) == len(set(found)) > 1


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("caas", "caas is a built-in kind; give the file another name"),
        ("Label", '"Label" is not a name of a kind; use lower-case letters'),
        ("1st", '"1st" is not a name of a kind'),
        ("", '"" is not a name of a kind'),
        ("a_b", '"a_b" is not a name of a kind'),
    ],
)
def test_a_name_must_be_a_new_simple_word(tmp_path: Path, name: str, complaint: str) -> None:
    write(tmp_path / "kinds", f"{name or '-'}.schema.json".replace("-.", "."), PLAIN)
    if name:
        assert complaint in complaints(tmp_path / "kinds")[0]


def test_all_problems_of_all_files_are_reported_together(tmp_path: Path) -> None:
    write(tmp_path / "kinds", "a.schema.json", "{}")
    write(tmp_path / "kinds", "b.schema.json", "")
    found = complaints(tmp_path / "kinds")
    assert {line.partition(":")[0] for line in found} == {"kinds/a.schema.json", "kinds/b.schema.json"}


def test_one_kind_in_two_folders_is_an_error_that_names_both(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write(tmp_path / folder, "thing.schema.json", PLAIN)
    (found,) = complaints(tmp_path / "a", tmp_path / "b")
    assert found == "b/thing.schema.json: the kind thing is in a/thing.schema.json too; keep one of the two"


def test_a_folder_may_be_named_twice(tmp_path: Path) -> None:
    write(tmp_path, "thing.schema.json", PLAIN)
    assert list(loaded([str(tmp_path), f"{tmp_path}/."], [str(tmp_path)])) == ["thing"]


def test_a_named_folder_must_exist_and_contain_a_kind(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert complaints(tmp_path / "none", tmp_path / "empty") == [
        "empty: this folder holds no file NAME.schema.json",
        "none: this folder of kinds cannot be read: No such file or directory",
    ]
    assert loaded([], [str(tmp_path / "empty")]) == {}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (os.mkdir, "cannot be read: Is a directory"),
        (os.mkfifo, "is a pipe, which is not read; use a file"),
        (
            lambda place: place.symlink_to("/etc/passwd"),
            (
                "is a link that leads out of the folder kinds, to /etc/passwd; "
                "pass its target as a path of its own, or copy it into the tree"
            ),
        ),
    ],
    ids=["a folder", "a pipe", "a link"],
)
def test_a_path_that_is_not_a_file_is_not_read(tmp_path: Path, make: Any, reason: str) -> None:
    folder = tmp_path / "kinds"
    folder.mkdir()
    make(folder / "thing.schema.json")
    assert complaints(folder) == [f"kinds/thing.schema.json: {reason}"]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    write(tmp_path / "kinds", "thing.schema.json", " " * (2**20 + 1))
    assert "larger than 1 MiB" in complaints(tmp_path / "kinds")[0]


def test_kinds_beyond_the_total_size_limit_are_not_read(tmp_path: Path) -> None:
    text = json.dumps(PLAIN)
    for number in range(5):
        write(tmp_path / "kinds", f"t{number}.schema.json", text + " " * (2**20 - len(text)))
    assert complaints(tmp_path / "kinds") == [
        "kinds/t4.schema.json: with this file, the kinds exceed 4 MiB; use fewer or smaller files"
    ]


def test_kinds_share_one_budget_for_pattern_checks(tmp_path: Path) -> None:
    """Otherwise each of many files could cost seconds."""
    kind = changed("title", "Heavy")
    for field in range(100):
        kind["properties"][f"f{field}"] = {"type": "string", "pattern": "^[ab]{4900}$"}
    for number in range(6):
        write(tmp_path / "kinds", f"t{number}.schema.json", kind)
    found = complaints(tmp_path / "kinds")
    assert found[0].startswith("kinds/t4.schema.json:")
    assert all(
        "is too large, together with the patterns before it; simplify it" in reported for reported in found
    )


def test_the_folder_kinds_is_searched_in_a_directory_and_beside_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "keys", "a.yaml", "keys: []")
    (tmp_path / "keys/kinds").mkdir()
    (tmp_path / "keys/deep").mkdir()
    (tmp_path / "kinds").mkdir()
    assert folders_beside(["keys"]) == ["keys/kinds"]
    assert folders_beside(["keys/a.yaml", "keys/b.yaml"]) == ["keys/kinds"]
    assert folders_beside(["keys/deep"]) == []
    assert folders_beside(["x.yaml", "."]) == ["kinds", "./kinds"]
    assert folders_beside(["-"]) == []


def test_the_folder_kinds_is_not_desired_state(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "keys: []")
    write(tmp_path / "kinds", "b.yaml", "nonsense")
    write(tmp_path / "team/kinds", "c.yaml", "keys: []")
    found = documents_of([str(tmp_path)])
    sources = [document.source.removeprefix(f"{tmp_path}/") for document in found.documents]
    assert (sources, found.problems) == (["a.yaml", "team/kinds/c.yaml"], ())


HOOK = {**PLAIN, "x-reconciler": {**PLAIN["x-reconciler"], "collection": "/hooks", "scope": {}}}


def several(tmp_path: Path, *places: tuple[str, str]) -> Mapping[str, Kind]:
    """Load the kinds of folders, each with the name of its API and of its one file."""
    for api, name in places:
        write(tmp_path / api, f"{name}.schema.json", HOOK)
    folders = [str(tmp_path / api) for api, _ in places]
    problems: list[Problem] = []
    apis = {str(tmp_path / api): api for api, _ in places}
    return custom_kinds(kind_files(folders, [], problems), problems, BUILT_IN, None, apis)


@pytest.mark.parametrize(
    ("places", "names"),
    [
        ([("github", "hook"), ("gitea", "label")], ["hook", "label"]),
        ([("github", "hook"), ("gitea", "hook")], ["gitea.hook", "github.hook"]),
        ([("github", "caas")], ["github.caas"]),
    ],
)
def test_a_name_that_kinds_of_several_apis_have_is_preceded_by_the_api(
    tmp_path: Path, places: list[tuple[str, str]], names: list[str]
) -> None:
    kinds = several(tmp_path, *places)
    assert sorted(kinds) == names
    assert {kind.api for kind in kinds.values()} == {api for api, _ in places}
    assert {name: kind.name for name, kind in kinds.items()} == {name: name for name in names}


def test_the_api_may_always_be_written_before_a_kind(tmp_path: Path) -> None:
    kinds = {**BUILT_IN, **several(tmp_path, ("github", "hook"), ("gitea", "label"))}
    found = {name: named_kind(kinds, name) for name in ("github.hook", "hook", "gcore.caas")}
    assert {name: kind and kind.name for name, kind in found.items()} == {
        "github.hook": "hook",
        "hook": "hook",
        "gcore.caas": "caas",
    }
    unknown = ("gitea.hook", "hooks", "x.github.hook", ".hook")
    assert [named_kind(kinds, name) for name in unknown] == [None] * len(unknown)


def test_two_files_of_one_name_in_one_api_are_refused(tmp_path: Path) -> None:
    folders = [str(write(tmp_path / name, "hook.schema.json", HOOK).parent) for name in "ab"]
    problems: list[Problem] = []
    with pytest.raises(InputError, match=r"the kind hook is in .*a/hook\.schema\.json too"):
        custom_kinds(
            kind_files(folders, [], problems), problems, BUILT_IN, None, dict.fromkeys(folders, "github")
        )
