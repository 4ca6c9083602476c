"""Drafts of kinds whose keys are created and deleted, because no update sets anything that rows show."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import DescriptionError
from reconciler.kinds.kind import EXTENSION, kind_from_schema
from reconciler.kinds.openapi.addresses import changed_paths, collections_of
from reconciler.kinds.openapi.draft import draft
from reconciler.validate.custom_kinds import complaints
from tests.kinds.descriptions import PET, PETS, ROW, TEXT, an_object, content, pets, query
from tests.kinds.test_drafts import drafted, noted

CREATE = an_object({"name": TEXT, "size": {"type": "integer"}}, "name")
MADE: dict[str, Any] = {"responses": {"204": {}}}
ALONE = "update: no update is described, so a changed key is replaced"


def alone(create: Any = CREATE, **changes: Any) -> dict[str, Any]:
    """Describe pets that are created and deleted, and that nothing changes."""
    description = deletable(create=create, **changes)
    del description["paths"][PET]["patch"]
    return description


def deletable(**changes: Any) -> dict[str, Any]:
    description = pets(**changes)
    description["paths"][PET]["delete"] = MADE
    return description


def test_what_creations_take_and_rows_show_can_be_set() -> None:
    made = drafted(alone(row={**ROW, "made_by": TEXT}))
    extension, properties = made.schema[EXTENSION], made.schema["properties"]
    assert (extension["update"], extension["create"]) == (None, {"requires": []})
    assert not {"immutable", "always_sent"} & extension.keys()
    assert {name for name in properties if not properties[name].get("readOnly")} == {"name", "size"}
    assert kind_from_schema("pet", made.schema).immutable == {"size"}
    assert noted(made, ALONE)


def test_a_creation_as_a_form_is_drafted_with_its_encoding() -> None:
    description = alone()
    form = content(CREATE, "application/x-www-form-urlencoded")
    description["paths"][PETS]["post"]["requestBody"] = form
    assert drafted(description).schema[EXTENSION]["create"]["encoding"] == "form"
    described_both = deletable(create=CREATE)
    described_both["paths"][PETS]["post"]["requestBody"] = form
    made = drafted(described_both).schema[EXTENSION]
    assert (made["create"]["encoding"], "update" in made) == ("form", False)


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (
            {"name": TEXT},
            f"update: PATCH {PET} sets no field that the listing returns; the draft has no update:",
        ),
        (
            {"colour": TEXT},
            f"update: PATCH {PET} sets no field that the listing returns; the draft has no update",
        ),
        ({"type": "object"}, f"update: the body of PATCH {PET} is not an object with properties; the"),
    ],
)
def test_an_update_that_sets_nothing_is_left_out_with_the_reason(body: Any, note: str) -> None:
    row = {name: ROW[name] for name in ("id", "name")}
    made = drafted(deletable(body=body, row=row, create=an_object({"name": TEXT}, "name")))
    assert made.schema[EXTENSION]["update"] is None
    assert noted(made, note)
    assert noted(made, ALONE)


def test_an_update_that_sets_a_field_is_drafted_whatever_creations_set() -> None:
    made = drafted(deletable(create=CREATE)).schema[EXTENSION]
    assert ("update" in made, made["create"]) == (False, {"requires": []})


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        (
            alone(an_object({"name": TEXT, "pin": TEXT}, "pin")),
            (
                f"create: POST {PETS} requires pin, which the listing does not return; the draft does not"
                " create keys"
            ),
        ),
        (
            alone(an_object({"size": TEXT})),
            f"create: POST {PETS} does not accept name; the draft does not create keys",
        ),
        (
            alone(parameters=[query("limit")]),
            "list: the parameter limit suggests pages, but how to request the next page is not described;",
        ),
        (alone({"type": "object"}), f"the body of POST {PETS} is not an object with properties"),
    ],
)
def test_keys_that_cannot_be_created_are_refused_with_the_reason(description: Any, reason: str) -> None:
    with pytest.raises(DescriptionError) as raised:
        draft(description, PETS)
    assert str(raised.value).removeprefix("no field can be set: no update is described; ").startswith(reason)


def test_what_a_creation_takes_and_nothing_shows_is_lost_in_a_replacement() -> None:
    made = drafted(alone(an_object({"name": TEXT, "pin": TEXT}, "name")))
    note = (
        "left out: fields of POST that no response returns, and that would be lost when a key is replaced:"
        " pin"
    )
    assert noted(made, note)


def test_a_deletion_that_is_accepted_first_is_waited_for() -> None:
    description = alone()
    description["paths"][PET]["delete"] = {"responses": {"202": {}}}
    made = drafted(description)
    assert made.schema[EXTENSION]["wait"] == 60
    assert noted(made, f"wait: DELETE {PET} may respond before the operation has finished")


def test_a_creation_whose_body_is_not_described_takes_what_rows_show() -> None:
    row = {**ROW, "made_at": {"type": "string", "readOnly": True}}
    description = alone(row=row)
    description["paths"][PETS]["post"]["requestBody"] = {"content": {"application/json": {}}}
    made = drafted(description)
    properties = made.schema["properties"]
    assert {name for name in properties if not properties[name].get("readOnly")} == {"name", "size"}
    assert noted(made, f"create: the body of POST {PETS} is not described; the draft assumes the fields that")


@pytest.mark.parametrize("missing", [(PETS, "post"), (PET, "delete"), (PETS, "post", "requestBody")])
def test_a_collection_needs_an_update_or_both_creation_and_deletion(missing: tuple[str, ...]) -> None:
    description = alone()
    place = description["paths"]
    for step in missing[:-1]:
        place = place[step]
    del place[missing[-1]]
    assert list(collections_of(description)) == []
    with pytest.raises(
        DescriptionError, match=r"no PATCH, PUT or POST with a body, and the collection has no"
    ):
        draft(description, PETS)


def test_collections_without_an_update_are_told_from_others() -> None:
    description = alone()
    assert list(collections_of(description)) == [(PETS, PET)]
    assert changed_paths(description["paths"], PETS) == []
    assert changed_paths(pets()["paths"], PETS) == [PET]


def test_a_name_inside_an_object_of_alternatives_is_in_none_of_them() -> None:
    kinds = [
        an_object(
            {"kind": {"type": "string", "enum": ["mail"]}, "address": TEXT, "form": TEXT}, "kind", "address"
        ),
        an_object({"kind": {"type": "string", "enum": ["phone"]}, "number": TEXT}, "kind", "number"),
    ]
    target = {"oneOf": kinds}
    made = draft(alone(an_object({"target": target}), row={"id": TEXT, "target": target}), PETS)
    assert complaints("pet", made.schema) == []
    assert made.schema[EXTENSION]["read_from"] == {"address": "target.address"}
    required = [one["required"] for one in made.schema["properties"]["target"]["oneOf"]]
    assert required == [["kind"], ["kind", "number"]]
