"""The measure of descriptions: what is counted, and how an identity is judged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from expressible import Group
from measure_collections import judge, main, measured, tables
from tests.kinds.descriptions import PET, PETS, TEXT, an_object, pets
from tests.kinds.test_draft_without_update import alone

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("item", "parameter", "text", "taken", "verdict"),
    [
        ("/pets/{petId}", "petId", "", "id", "right"),
        ("/pets/{pet_id}", "pet_id", "", "uuid", "right"),
        ("/pets/{pet_id}", "pet_id", "", "name", "wrong"),
        ("/pets/{pet-name}", "pet-name", "", "name", "right"),
        ("/pets/{username}", "username", "", "login", "right"),
        ("/pets/{breed_name}", "breed_name", "", "breed", "right"),
        ("/pets/{pet_slug}", "pet_slug", "", "id", "wrong"),
        ("/pets/{pet_id_or_slug}", "pet_id_or_slug", "", "slug", "right"),
        ("/pets/{breed}", "breed", "", "breed", "right"),
        ("/pets/{pet}", "pet", "The name of the pet.", "name", "right"),
        ("/pets/{pet}", "pet", "The name of the pet.", "id", "wrong"),
        ("/pets/{pet}", "pet", "", "id", "conventional"),
        ("/pets/{pet}", "pet", "", "name", "unclear"),
    ],
)
def test_an_identity_is_judged_by_the_meaning_of_the_last_parameter(
    item: str, parameter: str, text: str, taken: str, verdict: str
) -> None:
    assert judge(item, parameter, text, taken) == verdict


def test_what_a_description_holds_is_counted() -> None:
    description = pets(method="put")
    description["paths"] |= {
        "/cats": description["paths"][PETS],
        "/cats/{name}": description["paths"][PET],
        "/dogs": {"get": {"responses": {}}},
        "/dogs/{id}": description["paths"][PET],
        "/flies": pets(row={"id": TEXT, "size": {"type": "integer"}})["paths"][PETS],
        "/flies/{id}": description["paths"][PET],
    }
    found = measured(description)
    assert (found.collections, found.drafted, found.loading, found.right, found.named) == (4, 3, 3, 3, 2)
    assert found.groups == {Group.DRAFTED: 2, Group.NAMELESS: 1, Group.UNDESCRIBED: 1}
    assert list(found.lacking) == ["/dogs", "/flies"]
    assert found.needs["PUT as the update"] == 3
    assert found.needs["an id in the path, which people never write"] == 1
    assert found.refusals == {"the response to an operation is not described as JSON with a list": 1}


def test_the_tables_are_markdown_with_a_sum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop.json").write_text(json.dumps(pets()))
    (tmp_path / "zoo.yaml").write_text(json.dumps(pets(listed=an_object({}))))
    (tmp_path / "broken.yml").write_text("[")
    (tmp_path / "README.md").write_text("no description")
    main(["-v", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("broken.yml: ")
    assert "| shop | 1 | 1 | 1 | 1 | 0 | 0 | 1 |" in lines
    assert "| zoo | 1 | 0 | 0 | 0 | 0 | 0 | 0 |" in lines
    assert "| **all** | 2 | 1 | 1 | 1 | 0 | 0 | 1 |" in lines
    assert "| | 100% | 50% | 50% | 50% | 0% | 0% | 50% |" in lines
    assert "| shop | 1 | 1 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |" in lines
    assert "| | 100.0% | 50.0% | 50.0% | 0.0% | 0.0% | 0.0% | 0.0% | 0.0% | 50.0% |" in lines
    assert "- of all collections (2): 50.0%, 50.0%" in lines
    assert "- of those with described rows and updates (1): 100.0%, 100.0%" in lines
    assert "| the response to an operation is not described as JSON with a list | 1 | 1 |" in lines
    assert f"- zoo {PETS}: the response to an operation is not described as JSON with a list" in lines
    assert "| a listing by whole | 1 | 1 |" in lines
    assert "## zoo" in lines
    assert not any("nothing changes, but POST" in line for line in lines)


def test_collections_that_are_created_and_deleted_alone_have_their_own_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.json").write_text(json.dumps(alone()))
    main([str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert "| shop | 0 | 0 | 0 | 0 | 0 | 0 | 0 |" in lines
    assert "| shop | 1 | 1 | 1 | 1 | 0 | 0 | 1 |" in lines
    assert "expressible with names: 1" in lines


def test_no_descriptions_are_no_shares() -> None:
    assert "| **all** | 0 | 0 | 0 | 0 | 0 | 0 | 0 |" in list(tables({}, {}))
