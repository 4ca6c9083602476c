"""Lists whose items are not described, while something else describes one."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import DescriptionError
from reconciler.kinds.kind import EXTENSION, kind_from_schema
from reconciler.kinds.openapi.addresses import collections_of, item_paths
from reconciler.kinds.openapi.draft import draft
from reconciler.kinds.openapi.every import every_draft
from tests.kinds.descriptions import PET, PETS, ROW, TEXT, an_object, content, pets
from tests.kinds.test_draft_without_update import CREATE, alone, deletable
from tests.kinds.test_drafts import drafted, noted

BARE: dict[str, Any] = {"type": "object"}
LISTED = an_object({"result": {"type": "array", "items": BARE}, "success": {"type": "boolean"}})
ONE = an_object({"result": BARE, "success": {"type": "boolean"}})
MANY = an_object({name: {"type": "array", "items": TEXT} for name in ("ids", "names")})
MANY_ROWS = {"type": "array", "items": an_object(ROW)}
SHORT = {"type": "array", "items": an_object({"id": ROW["id"], "name": TEXT}, "id", "name")}
READ = "list: the listing does not return the fields that can be set, so each declared key is also read"
ITEM = an_object({"result": an_object(ROW), "success": {"type": "boolean"}})
WHOLE = {**ROW, "id": {"type": "string", "readOnly": True}}


def bare(**changes: Any) -> dict[str, Any]:
    return pets(listed=LISTED, one=ONE, **changes)


@pytest.mark.parametrize("written", ["update", "creation"])
def test_the_response_to_a_write_describes_rows(written: str) -> None:
    description = bare(create=an_object({"name": TEXT}, "name"), created=ONE)
    operations = {
        "update": description["paths"][PET]["patch"],
        "creation": description["paths"][PETS]["post"],
    }
    operations[written]["responses"] = {"200": content(ITEM)}
    made = drafted(description).schema
    assert {*made["properties"]} == {*ROW}
    extension = made[EXTENSION]
    assert (extension["identity"], extension["envelope"]) == ("name", {"item": "result"})
    assert (extension["list"]["results"], "create" in extension) == ("result", True)


def test_the_body_of_a_whole_item_describes_rows_and_the_draft_says_so() -> None:
    made = drafted(bare(body=WHOLE, method="put"))
    assert {*made.schema["properties"]} == {*ROW}
    assert made.schema[EXTENSION]["path"] == "id"
    assert made.schema[EXTENSION]["envelope"] == {"item": "result"}
    assert noted(
        made,
        "rows: no response describes a key; the draft assumes that responses have the fields of the body",
    )


@pytest.mark.parametrize(
    "description",
    [
        bare(),
        bare(create=an_object({"name": TEXT}), created=an_object({"result": an_object({"token": TEXT})})),
    ],
)
def test_what_is_no_whole_item_describes_no_rows(description: Any) -> None:
    with pytest.raises(DescriptionError, match="are not described, and no operation describes a single item"):
        draft(description, PETS)


def test_keys_are_read_one_by_one_where_rows_show_nothing_that_is_set() -> None:
    made = drafted(pets(listed=SHORT))
    extension, properties = made.schema[EXTENSION], made.schema["properties"]
    assert (extension["list"]["partial"], extension["identity"], extension["path"]) == (True, "name", "id")
    assert {name for name in properties if not properties[name].get("readOnly")} == {"name", "size"}
    assert kind_from_schema("pet", made.schema).listing.is_partial
    assert noted(made, READ)


def test_keys_are_not_read_one_by_one_where_rows_show_something_that_is_set() -> None:
    colour = {"colour": TEXT}
    one = an_object({**ROW, **colour})
    made = drafted(pets(one=one, body={"name": TEXT, "size": {"type": "integer"}, **colour}))
    assert "partial" not in made.schema[EXTENSION]["list"]
    assert noted(made, "left out: fields of PATCH that only GET of one key returns")


def test_an_update_of_what_one_key_shows_comes_before_a_kind_without_an_update() -> None:
    made = drafted(deletable(listed=SHORT, create=CREATE)).schema[EXTENSION]
    assert ("update" in made, made["list"]["partial"], made["create"]) == (False, True, {"requires": []})
    made = drafted(alone(listed=SHORT)).schema[EXTENSION]
    assert (made["update"], made["list"]["partial"]) == (None, True)


def test_a_name_is_one_that_rows_show() -> None:
    rows = {"type": "array", "items": an_object({"id": ROW["id"]})}
    made = drafted(pets(listed=rows)).schema[EXTENSION]
    assert (made["identity"], made["list"]["partial"]) == ("id", True)


def test_rows_that_are_ids_are_read_one_by_one() -> None:
    ids = {"type": "array", "items": TEXT}
    made = drafted(pets(listed=an_object({"result": ids, "errors": ids})))
    extension = made.schema[EXTENSION]
    assert (extension["list"]["ids"], extension["list"]["results"]) == (True, "result")
    assert (extension["identity"], extension["path"]) == ("name", "id")
    assert noted(made, "list: the listing has only ids, so each key is read at its own path")


@pytest.mark.parametrize("listed", [an_object({"colours": {"type": "array", "items": TEXT}}), MANY])
def test_other_lists_of_texts_are_no_rows(listed: Any) -> None:
    with pytest.raises(DescriptionError, match="but not of objects"):
        draft(pets(listed=listed), PETS)


@pytest.mark.parametrize(
    ("create", "fields", "what"),
    [
        (None, {"name", "size", "made_at"}, "the listing returns and the service does not set"),
        (an_object({"name": TEXT, "size": {"type": "integer"}}), {"name", "size"}, "a creation accepts"),
    ],
)
def test_a_body_that_is_not_described_takes_what_is_known_elsewhere(
    create: Any, fields: set[str], what: str
) -> None:
    description = pets(create=create)
    description["paths"][PET]["patch"]["requestBody"] = {"content": {"application/json": {}}}
    made = drafted(description)
    properties = made.schema["properties"]
    assert {name for name in properties if not properties[name].get("readOnly")} == fields
    assert noted(
        made, f"update: the body of PATCH {PET} is not described; the draft assumes the fields that {what}"
    )


@pytest.mark.parametrize("kind", ["application/octet-stream", "multipart/form-data"])
def test_a_body_that_is_no_json_is_not_guessed(kind: str) -> None:
    description = pets()
    description["paths"][PET]["patch"]["requestBody"] = {"content": {kind: {}}}
    with pytest.raises(DescriptionError, match="is not an object"):
        draft(description, PETS)


def test_the_fields_of_a_body_are_inside_what_is_called_like_the_list() -> None:
    note = {"type": "string", "readOnly": True}
    body = {"notes": note, "pets": {"type": "array", "items": an_object(ROW)}}
    made = drafted(pets(row={**ROW, "notes": note}, body=body))
    assert made.schema[EXTENSION]["envelope"]["body"] == "pets[]"


def test_the_root_may_be_a_collection() -> None:
    made = drafted(pets(collection="/", item="/{petName}"), "/").schema[EXTENSION]
    assert (made["collection"], made["item"], made["identity"]) == ("/", "/{petName}", "name")


@pytest.mark.parametrize("end", ["", "/", ".json"])
def test_the_item_of_another_list_has_a_parameter_of_its_own(end: str) -> None:
    collection = f"{PETS}{end}"
    for name, is_own in (("shop", False), ("petId", True)):
        item = f"/pets/{{{name}}}{end}"
        assert item_paths(pets(collection=collection, item=item)["paths"], collection) == [item] * is_own


def test_paths_may_end_in_a_format() -> None:
    collection, item = "/shops/{shop}/pets.json", "/shops/{shop}/pets/{petId}.json"
    description = pets(
        collection=collection, item=item, listed=an_object({"pets": MANY_ROWS, "more": MANY_ROWS})
    )
    assert list(collections_of(description)) == [(collection, item)]
    made = drafted(description, collection)
    extension = made.schema[EXTENSION]
    assert (extension["collection"], extension["item"]) == (collection, item)
    assert (extension["identity"], extension["path"], made.schema["title"]) == ("name", "id", "Pets")
    assert every_draft(description, ())[0].name == "pet"
