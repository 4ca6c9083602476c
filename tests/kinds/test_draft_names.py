"""Which member of rows a draft takes for the name: their own, one inside an object, or a chosen one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import DescriptionError
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.draft import Draft, draft
from reconciler.validate.custom_kinds import complaints
from tests.kinds.descriptions import PETS, TEXT, an_object, in_path, pets, query

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBER = {"type": "integer"}
BARE = {"id": TEXT, "size": NUMBER}
SIZE = {"size": NUMBER}
SPEC = an_object({"name": TEXT, "depth": NUMBER}, "name")


def drafted(description: Any, collection: str = PETS, chosen: str | None = None) -> Draft:
    made = draft(description, collection, identity=chosen)
    assert complaints("pet", made.schema) == []
    return made


def named(made: Draft) -> tuple[str, str | None]:
    extension = made.schema[EXTENSION]
    return extension["identity"], extension.get("read_from", {}).get(extension["identity"])


def places(collection: str) -> dict[str, Any]:
    return {"collection": collection, "item": f"{collection}/{{id}}"}


@pytest.mark.parametrize(
    ("member", "inner", "changes", "name"),
    [
        ("spec", {"name": TEXT}, {"body": {**SIZE, "spec": SPEC}}, ("name", "spec.name")),
        ("spec", {"name": TEXT}, {"create": an_object({"spec": SPEC})}, ("name", "spec.name")),
        ("user", {"email": TEXT}, {"create": an_object({"email": TEXT})}, ("email", "user.email")),
        ("spec", {"id": TEXT, "name": TEXT}, {}, ("id", None)),
        ("user", {"email": TEXT}, places("/shops/{shop}/members"), ("email", "user.email")),
        ("user", {"comment": TEXT}, places("/shops/{shop}/members"), ("id", None)),
        ("creator", {"email": TEXT}, places("/shops/{shop}/members"), ("id", None)),
        ("approved_by", {"email": TEXT}, places("/shops/{shop}/members"), ("id", None)),
        ("shop", {"name": TEXT}, places("/shops/{shop}/members"), ("id", None)),
        ("_links", {"name": TEXT}, places("/shops/{shop}/members"), ("id", None)),
        ("spec", {"name": NUMBER}, {"body": {**SIZE, "spec": SPEC}}, ("id", None)),
    ],
)
def test_a_name_inside_an_object_is_found_where_it_is_of_the_item(
    member: str, inner: Mapping[str, Any], changes: Any, name: tuple[str, str | None]
) -> None:
    description = pets(row=BARE | {member: an_object(dict(inner))}, **({"body": SIZE} | changes))
    made = drafted(description, changes.get("collection", PETS))
    assert named(made) == name
    asks = any(
        text.startswith(f"identity: the listing returns {name[0]} as {name[1]}") for text in made.decisions
    )
    assert asks is (name[1] is not None)


def test_an_own_name_is_likelier_than_one_inside() -> None:
    row = BARE | {"title": TEXT, "spec": SPEC}
    assert named(drafted(pets(row=row, body={**SIZE, "spec": SPEC}))) == ("title", None)


@pytest.mark.parametrize(
    ("rows", "set_by", "created", "name"),
    [
        (["name", "description"], ["description"], False, "name"),
        (["name", "description"], ["description"], True, "description"),
        (["url", "description"], ["description"], False, "description"),
        (["policy_name", "description"], ["policy_name", "description"], True, "policy_name"),
        (["policy_name", "title"], ["policy_name", "title"], True, "title"),
        (["type_name", "description"], ["type_name", "description"], True, "description"),
        (["policy_name", "description"], ["description"], True, "description"),
    ],
)
def test_a_text_such_as_a_description_is_a_name_where_nothing_else_is(
    rows: list[str], set_by: list[str], *, created: bool, name: str
) -> None:
    body = SIZE | dict.fromkeys(set_by, TEXT)
    create = an_object(dict(body)) if created else None
    made = drafted(pets(row=BARE | dict.fromkeys(rows, TEXT), body=body, create=create))
    assert named(made) == (name, None)


@pytest.mark.parametrize(
    ("name", "schema", "is_name"),
    [
        ("serial_number", TEXT, True),
        ("port", NUMBER, True),
        ("port", {"type": ["string", "integer"]}, False),
        ("serial_number", NUMBER, False),
    ],
)
def test_where_nothing_else_is_a_name_a_number_of_people_is(name: str, schema: Any, is_name: bool) -> None:  # noqa: FBT001 - a case
    made = drafted(pets(row=BARE | {name: schema}, body={**SIZE, name: schema}))
    assert named(made)[0] == (name if is_name else "id")


def test_a_name_inside_is_declared_once_and_sent_with_its_object() -> None:
    body = {**SIZE, "spec": an_object({"name": TEXT, "depth": NUMBER}, "name", "depth")}
    create = an_object({"spec": SPEC}, "spec")
    made = drafted(pets(row=BARE | {"spec": SPEC}, body=body, create=create)).schema
    properties = made["properties"]
    assert properties["name"] == TEXT
    assert properties["spec"]["properties"]["name"]["readOnly"] is True
    assert properties["spec"]["required"] == ["depth"]
    assert made["required"] == ["name"]
    assert made[EXTENSION]["create"] == {"requires": [], "later": ["size"]}


def test_an_object_that_only_holds_the_name_is_no_field_to_ask_about() -> None:
    spec = an_object({"name": TEXT}, "name")
    made = drafted(pets(row=BARE | {"spec": spec}, body={**SIZE, "spec": spec}))
    assert "required" not in made.schema["properties"]["spec"]
    assert not any("spec" in text for text in made.decisions if text.startswith(("effects:", "optional:")))


def test_what_a_creation_requires_beside_a_name_inside_is_declared() -> None:
    inner = an_object({"name": TEXT, "depth": NUMBER}, "name", "depth")
    made = drafted(
        pets(
            row=BARE | {"spec": inner},
            body={**SIZE, "spec": inner},
            create=an_object({"spec": inner, "size": NUMBER}, "spec"),
        )
    )
    assert made.schema[EXTENSION]["create"] == {"requires": ["spec"]}


def test_an_object_that_an_update_takes_without_the_name_that_it_shows_is_not_sent() -> None:
    spec = an_object({"depth": NUMBER})
    create = an_object({"name": TEXT})
    made = drafted(pets(row=BARE | {"spec": SPEC}, body={**SIZE, "spec": spec}, create=create))
    assert named(made) == ("name", "spec.name")
    assert "spec" not in made.schema["properties"]
    assert "left out: PATCH accepts spec without the name that responses have there" in made.decisions
    assert made.schema[EXTENSION]["create"] == {"requires": [], "later": ["size"]}


def test_a_name_inside_that_is_another_property_too_is_called_by_both_words() -> None:
    row = BARE | {"name": {"type": "string", "enum": ["a"]}, "spec": SPEC}
    assert named(drafted(pets(row=row, body={**SIZE, "spec": SPEC}))) == ("spec_name", "spec.name")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("name", ("name", None)),
        ("code", ("code", None)),
        ("rank", ("rank", None)),
        ("id", ("id", None)),
        ("spec.name", ("spec_name", "spec.name")),
        ("spec.place", ("place", "spec.place")),
    ],
)
def test_a_person_may_choose_the_name(chosen: str, expected: tuple[str, str | None]) -> None:
    row = BARE | {"name": TEXT, "code": TEXT, "rank": NUMBER}
    row["spec"] = an_object({"name": TEXT, "place": TEXT})
    made = drafted(pets(row=row, body={**SIZE, "name": TEXT}), chosen=chosen)
    assert named(made) == expected
    assert made.schema[EXTENSION].get("path") == (None if chosen == "id" else "id")


@pytest.mark.parametrize("chosen", ["colour", "spec", "spec.colour", "spec.name.first", "tags", "weight", ""])
def test_a_chosen_name_that_no_row_has_is_refused_with_those_that_they_have(chosen: str) -> None:
    row = BARE | {"spec": SPEC, "tags": {"type": "array", "items": TEXT}, "weight": {"type": "number"}}
    with pytest.raises(DescriptionError) as caught:
        draft(pets(row=row, body=SIZE), PETS, identity=chosen)
    message = (
        f"the listed objects have no string or integer {chosen} that can be a name; choose one of id, size,"
        " spec.name"
    )
    assert str(caught.value) == message


@pytest.mark.parametrize("values", [TEXT, True, {}, None])
def test_a_chosen_name_may_be_kept_in_a_map(values: Any) -> None:
    labels = {"type": "object"} | ({} if values is None else {"additionalProperties": values})
    create = an_object({"size": NUMBER, "labels": labels}, "labels")
    row = BARE | {"labels": labels}
    made = drafted(pets(row=row, body=SIZE, create=create), chosen="labels.name")
    assert named(made) == ("name", "labels.name")
    assert made.schema["properties"]["name"]["type"] == "string"
    without = drafted(
        pets(row=BARE | {"labels": labels}, create=an_object({"size": NUMBER})), chosen="labels.name"
    )
    assert "create" not in without.schema[EXTENSION]


@pytest.mark.parametrize("values", [NUMBER | {"type": "number"}, False])
def test_a_map_that_holds_no_texts_has_no_name(values: Any) -> None:
    labels = {"type": "object", "additionalProperties": values}
    with pytest.raises(DescriptionError, match=r"the listed objects have no string or integer labels\.name"):
        draft(pets(row=BARE | {"labels": labels}, body=SIZE), PETS, identity="labels.name")


def test_a_chosen_name_stays_where_nothing_can_be_set_beside_it() -> None:
    description = pets(row={"id": TEXT, "name": TEXT}, body={"name": TEXT})
    assert named(drafted(description)) == ("id", None)
    with pytest.raises(DescriptionError, match="no field can be set"):
        draft(description, PETS, identity="name")


def test_the_id_of_another_object_that_a_creation_requires_is_written_by_people() -> None:
    create = an_object({"petId": TEXT, "size": NUMBER}, "petId")
    made = drafted(pets(row=BARE, body=SIZE, create=create))
    assert (named(made), made.schema[EXTENSION].get("path")) == (("petId", "id"), None)
    assert made.schema[EXTENSION]["create"] == {"requires": []}
    assert "identity: a creation sends petId, and the listing returns id; are they equal?" in made.decisions
    optional = pets(row=BARE, body=SIZE, create=an_object({"petId": TEXT, "size": NUMBER}))
    assert named(drafted(optional)) == ("id", None)


def test_the_last_row_is_named_to_the_next_page_by_what_rows_show() -> None:
    create = an_object({"petId": TEXT, "size": NUMBER}, "petId")
    listed = an_object(
        {"has_more": {"type": "boolean"}, "items": {"type": "array", "items": an_object(BARE)}}
    )
    asked = [query("starting_after", type="string"), query("limit", maximum=9)]
    made = drafted(pets(body=SIZE, row=BARE, create=create, listed=listed, parameters=asked))
    assert made.schema[EXTENSION]["list"]["last"] == "id"


@pytest.mark.parametrize(
    ("last", "member", "inner", "name"),
    [
        ("org", "organization", {"login": TEXT, "id": TEXT}, ("login", "organization.login")),
        ("org", "organization", {"slug": TEXT, "name": TEXT}, ("slug", "organization.slug")),
        ("owner", "owner", {"username": TEXT}, ("username", "owner.username")),
        ("org", "organization", {"id": TEXT}, None),
        ("org", "company", {"login": TEXT}, None),
        ("org", "organization", {"login": NUMBER}, None),
    ],
)
def test_a_path_may_take_the_name_of_an_object_in_a_row(
    last: str, member: str, inner: Any, name: tuple[str, str] | None
) -> None:
    description = pets(row={"size": NUMBER, member: an_object(inner)}, body=SIZE, item=f"{PETS}/{{{last}}}")
    if name is None:
        with pytest.raises(DescriptionError, match="has no property for the path parameter"):
            draft(description, PETS)
        return
    made = drafted(description)
    assert (named(made), made.schema[EXTENSION].get("path")) == (name, None)


@pytest.mark.parametrize("text", ["One of `red` and `blue`.", "The options are:\n- `red`\n- `blue`"])
def test_an_id_whose_values_a_parameter_lists_is_written_by_people(text: str) -> None:
    made = drafted(pets(row=BARE, body=SIZE, last=in_path("petId", text)))
    assert named(made) == ("id", None)
    assert "identity: files identify a key by id, one of the values allowed for {petId}" in made.decisions
