"""Drafts of kinds, one case for each thing that APIs do otherwise than a plain list with PATCH."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import DescriptionError
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.draft import Draft, draft
from reconciler.validate.custom_kinds import complaints
from tests.kinds.descriptions import (
    BODY,
    PET,
    PETS,
    ROW,
    TEXT,
    an_object,
    content,
    in_path,
    pets,
    query,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def drafted(description: Any, collection: str = PETS) -> Draft:
    made = draft(description, collection)
    assert complaints("pet", made.schema) == []
    return made


def noted(made: Draft, beginning: str) -> bool:
    return any(text.startswith(beginning) for text in made.decisions)


def extension(description: Any, collection: str = PETS) -> Any:
    return drafted(description, collection).schema[EXTENSION]


NUMBER = {"type": "integer"}


def row(**properties: Any) -> dict[str, Any]:
    return {**ROW, **properties}


def without(name: str) -> dict[str, Any]:
    return {other: schema for other, schema in ROW.items() if other != name}


def a_list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def identity(description: Any) -> tuple[str, str | None]:
    found = extension(description)
    return found["identity"], found.get("path")


@pytest.mark.parametrize(
    ("last", "properties", "expected"),
    [
        ("petId", ROW, ("name", "id")),
        ("pet_uuid", ROW, ("name", "id")),
        ("pet-identifier", ROW, ("name", "id")),
        ("id", row(name={"type": "integer"}, title=TEXT), ("title", "id")),
        ("pet_id", row(pet_id=TEXT), ("name", "pet_id")),
        ("name", ROW, ("name", None)),
        ("pet_name", ROW, ("name", None)),
        ("petName", row(petName=TEXT), ("petName", None)),
        ("pet_slug", row(slug=TEXT), ("name", "slug")),
        ("pet_key", row(key=TEXT), ("name", "key")),
        ("pet_number", row(number={"type": "integer"}), ("name", "number")),
        ("username", {"login": TEXT, "size": {"type": "integer"}}, ("login", None)),
        ("pet_id_or_slug", row(slug=TEXT), ("name", "slug")),
        ("pet", ROW, ("name", "id")),
        ("petId", row(id={"type": ["string", "null"]}), ("name", "id")),
        ("petId", row(id={"type": "number"}), ("name", "id")),
        ("pet_id", without("id") | {"best_pet_uuid": TEXT}, ("name", "best_pet_uuid")),
        ("breed_name", {"breed": TEXT, "size": NUMBER}, ("breed", None)),
        ("breed_type", {"breed": TEXT, "title": TEXT, "size": NUMBER}, ("title", "breed")),
    ],
)
def test_the_last_path_parameter_decides_what_the_path_takes(
    last: str, properties: Any, expected: tuple[str, str | None]
) -> None:
    assert identity(pets(row=properties, item=f"{PETS}/{{{last}}}")) == expected


@pytest.mark.parametrize(
    ("name", "is_name"),
    [
        ("title", True),
        ("display_name", True),
        ("hostname", True),
        ("email", True),
        ("url", True),
        ("mac_address", True),
        ("colour", False),
    ],
)
def test_people_write_what_is_most_like_a_name(name: str, is_name: bool) -> None:  # noqa: FBT001 - a case
    properties = {"id": TEXT, "size": NUMBER, name: TEXT}
    assert identity(pets(row=properties)) == ((name, "id") if is_name else ("id", None))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The name of the pet.", ("name", None)),
        ("The identifier of the pet.", ("name", "id")),
        ("The slug of the pet's name.", ("name", "slug")),
    ],
)
def test_the_description_says_what_a_parameter_means_that_repeats_what_is_listed(
    text: str, expected: tuple[str, str | None]
) -> None:
    last = in_path("pet", text)
    assert identity(pets(row=row(slug=TEXT), item=f"{PETS}/{{pet}}", last=last)) == expected


def test_an_id_that_a_creation_requires_is_written_in_files() -> None:
    create = an_object({"id": TEXT, "size": {"type": "integer"}}, "id")
    found = extension(pets(create=create))
    creation = {"requires": [], "later": ["name"]}
    assert (found["identity"], found.get("path"), found["create"]) == ("id", None, creation)


def test_an_id_that_a_creation_requires_beside_a_name_is_made_by_the_service() -> None:
    assert identity(pets(create=an_object(ROW, *ROW))) == ("name", "id")


def test_an_id_that_a_creation_may_take_is_made_by_the_service() -> None:
    assert identity(pets(create=an_object(ROW))) == ("name", "id")


def test_a_key_that_a_creation_takes_is_written_by_people() -> None:
    create = an_object({"key": TEXT, "name": TEXT}, "key")
    description = pets(row=row(key=TEXT), item=f"{PETS}/{{pet_key}}", create=create)
    assert identity(description) == ("key", None)


def test_where_nothing_is_a_name_people_write_the_id_and_are_asked() -> None:
    made = drafted(pets(row={"id": TEXT, "size": {"type": "integer"}}))
    assert made.schema[EXTENSION]["identity"] == "id"
    assert made.decisions[0].startswith(
        "identity: the listed objects have no name, only id, which the service generates"
    )


def test_a_nullable_identity_loses_its_null() -> None:
    made = drafted(pets(row=row(name={"type": ["string", "null"]}), item=f"{PETS}/{{name}}"))
    assert made.schema["properties"]["name"]["type"] == "string"


@pytest.mark.parametrize(
    ("pattern", "narrowed"),
    [
        (None, r"^(?!\.{1,2}$).+$"),
        ("^[a-z]+$", "^[a-z]+$"),
        ("^[a-z.]+$", r"^(?!\.{1,2}$)(?=[^/])(?!.*/)[a-z.]+$"),
        ("a|.*", r"^(?!\.{1,2}$).+$"),
    ],
)
def test_a_name_in_a_path_is_never_empty_or_dots(pattern: str | None, narrowed: str) -> None:
    name = TEXT if pattern is None else {"type": "string", "pattern": pattern}
    made = drafted(pets(row=row(name=name), item=f"{PETS}/{{name}}"))
    assert made.schema["properties"]["name"]["pattern"] == narrowed


OFFSET = {"style": "offset", "offset": "offset", "limit": "limit", "count": None, "results": None}
FROM_1 = {"offset": "startIndex", "first": 1}
DATE = {"type": "string", "format": "date-time"}
PAGE = {"style": "page", "page": "page", "limit": "size"}
BRACKETS = {"style": "page", "page": "page[number]", "limit": "page[size]"}
SIZE = query("size", maximum=9)


@pytest.mark.parametrize(
    ("parameters", "expected", "page_limit"),
    [
        ([], {"style": "whole"}, None),
        ([query("limit", maximum=50), query("offset")], OFFSET, 50),
        ([query("max", default=20), query("first")], OFFSET | {"offset": "first", "limit": "max"}, 20),
        ([query("page"), SIZE], PAGE, 9),
        ([query("limit", maximum=9), query("startIndex", minimum=1)], OFFSET | FROM_1, 9),
        ([query("limit", maximum=9), query("startIndex", default=1)], OFFSET | FROM_1, 9),
        ([query("limit", maximum=9), query("startIndex", minimum=0, default=1)], OFFSET | FROM_1, 9),
        ([query("limit", maximum=9), query("start", **DATE), query("page")], PAGE | {"limit": "limit"}, 9),
        ([query("limit"), query("start", **DATE)], {"style": "whole"}, None),
        ([query("page", default=0), SIZE], PAGE | {"first": 0}, 9),
        ([query("page", minimum=0), SIZE], PAGE | {"first": 0}, 9),
        ([query("page", minimum=0, default=1), SIZE], PAGE, 9),
        ([query("page", description="Begins at 0."), SIZE], PAGE | {"first": 0}, 9),
        ([query("page[number]", default=0), query("page[size]", maximum=9)], BRACKETS | {"first": 0}, 9),
        ([query("page")], PAGE | {"limit": None}, None),
        ([query("page"), query("size", description="At most, max 70.")], PAGE, 70),
        ([query("page"), query("size", description="A number between 5 and 60.")], PAGE, 60),
        ([query("page"), query("size", default=25)], PAGE, 25),
        ([query("page"), query("size")], PAGE, 100),
    ],
)
def test_a_bare_list_is_paged_as_its_parameters_say(
    parameters: Any, expected: Any, page_limit: int | None
) -> None:
    found = extension(pets(parameters=parameters))
    assert (found["list"], found.get("page_limit")) == (expected, page_limit)


def listing(beside: Any, results: str = "items") -> dict[str, Any]:
    return an_object({results: {"type": "array", "items": an_object(ROW, *ROW)}, **beside})


@pytest.mark.parametrize("parameters", [[], [query("limit"), query("offset")]])
def test_of_a_plain_list_and_pages_of_it_the_first_is_listed(parameters: Any) -> None:
    plain = {"type": "array", "items": an_object(ROW, *ROW)}
    listed = {"oneOf": [plain, {"allOf": [an_object({"count": NUMBER}), listing({})]}]}
    found = extension(pets(listed=listed, parameters=parameters, create=CREATE))
    assert (found["list"], "create" in found) == ({"style": "whole"}, True)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (listing({"total": NUMBER}), {"results": "items", "count": "total"}),
        (
            listing({"meta": an_object({"count": NUMBER, "total_count": NUMBER})}),
            {"results": "items", "count": "meta.total_count"},
        ),
        (listing({"meta": an_object({"count": NUMBER})}), {"results": "items"}),
        (an_object({"data": listing({})}), {"results": "data.items"}),
        (
            listing({"errors": {"type": "array", "items": an_object({"code": TEXT, "name": TEXT})}}),
            {"results": "items"},
        ),
        (listing({"results": NUMBER}, "data"), {"results": "data", "count": "results"}),
    ],
)
def test_a_list_in_an_object_is_found_with_its_count(listed: Any, expected: Any) -> None:
    found = extension(pets(listed=listed, parameters=[query("page"), query("limit", maximum=9)]))["list"]
    assert {name: member for name, member in found.items() if name in {"results", "count"}} == expected


@pytest.mark.parametrize(("path", "is_drafted"), [("/shops/{shop}/Messages", True), (PETS, False)])
def test_a_list_of_remarks_is_what_is_listed_if_the_path_says_so(path: str, *, is_drafted: bool) -> None:
    description = pets(listed=listing({}, "messages"), collection=path, item=f"{path}/{{id}}")
    if is_drafted:
        assert extension(description, path)["list"]["results"] == "messages"
    else:
        with pytest.raises(DescriptionError, match="none of them is a list"):
            draft(description, path)


@pytest.mark.parametrize(
    ("beside", "parameter", "expected"),
    [
        ({"next_page_token": TEXT}, "page_token", {"cursor": "page_token", "next": "next_page_token"}),
        (
            {"meta": an_object({"next_cursor": TEXT})},
            "cursor",
            {"cursor": "cursor", "next": "meta.next_cursor"},
        ),
        (
            {"has_more": {"type": "boolean"}},
            "starting_after",
            {"cursor": "starting_after", "last": "id", "more": "has_more"},
        ),
        (
            {"links": an_object({"next": TEXT})},
            "page[cursor]",
            {"cursor": "page[cursor]", "next": "links.next"},
        ),
    ],
)
def test_a_cursor_is_found_where_the_response_has_it(beside: Any, parameter: str, expected: Any) -> None:
    asked = [query(parameter, type="string"), query("limit", maximum=9)]
    found = extension(pets(listed=listing(beside), parameters=asked))
    assert found["list"] == {"style": "cursor", "results": "items", "limit": "limit", **expected}


def test_a_documented_header_link_holds_the_cursor() -> None:
    description = pets(parameters=[query("cursor", type="string")])
    description["paths"][PETS]["get"]["responses"]["200"]["headers"] = {"Link": {"schema": TEXT}}
    assert extension(description)["list"] == {"style": "cursor", "cursor": "cursor", "link": True}


CREATE = an_object({"name": TEXT, "size": NUMBER}, "name")


@pytest.mark.parametrize(
    ("beside", "parameters", "reason"),
    [
        ({}, [query("limit", maximum=9)], "list: the parameter limit suggests pages, but how to"),
        ({}, [query("cursor", type="string")], "list: the parameter cursor suggests pages, but how to"),
        ({"has_more": {"type": "boolean"}}, [], "list: the member has_more of the response suggests"),
    ],
)
def test_where_pages_are_not_known_nothing_is_created(beside: Any, parameters: Any, reason: str) -> None:
    made = drafted(pets(listed=listing(beside), parameters=parameters, create=CREATE))
    assert (made.schema[EXTENSION]["list"]["style"], "create" in made.schema[EXTENSION]) == ("whole", False)
    assert noted(made, reason)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"method": "put"}, {"method": "PUT", "body": "whole"}),
        ({"method": "put", "body": {**BODY, "password": TEXT}}, {"method": "PUT", "body": "changed"}),
        ({"method": "post"}, {"method": "POST"}),
        (
            {"method": "post", "kind": "application/x-www-form-urlencoded"},
            {"method": "POST", "encoding": "form"},
        ),
        ({"kind": "application/merge-patch+json"}, {"method": "PATCH", "encoding": "merge-patch"}),
        (
            {"kind": "application/merge-patch+json; charset=utf-8"},
            {"method": "PATCH", "encoding": "merge-patch"},
        ),
        (
            {"kind": "application/json-patch+json", "body": {"type": "array"}, "create": CREATE},
            {"method": "PATCH", "encoding": "json-patch"},
        ),
    ],
)
def test_an_update_is_sent_as_it_is_described(changes: Any, expected: Any) -> None:
    made = drafted(pets(**changes))
    assert made.schema[EXTENSION].get("update") == expected
    assert "readOnly" not in made.schema["properties"]["size"]


@pytest.mark.parametrize("method", ["patch", "put"])
def test_a_body_carries_the_id_where_it_has_to(method: str) -> None:
    body = an_object({**BODY, "id": TEXT}, "id", "name")
    made = drafted(pets(method=method, body=body))
    assert made.schema[EXTENSION]["update"]["id"] is True
    assert not noted(made, "update: ")
    optional = drafted(pets(method=method, body={**BODY, "id": TEXT}))
    assert "id" not in optional.schema[EXTENSION].get("update", {})


def test_a_whole_item_is_not_sent_where_it_would_wipe_what_nothing_shows() -> None:
    made = drafted(pets(method="put", body={**BODY, "password": TEXT}))
    assert noted(made, "update: PUT accepts password, which this draft does not describe")
    assert made.schema[EXTENSION]["always_sent"] == ["name", "size"]


@pytest.mark.parametrize(("method", "is_described"), [("put", True), ("patch", False)])
def test_what_only_one_item_shows_is_described_where_an_update_is_laid_over_it(
    method: str,
    is_described: bool,  # noqa: FBT001 - a case
) -> None:
    made = drafted(pets(method=method, one=an_object({**ROW, "stars": NUMBER}, *ROW)))
    assert (made.schema["properties"].get("stars", {}).get("readOnly") is True) == is_described


def test_a_put_that_does_not_take_the_identity_always_carries_its_fields() -> None:
    found = extension(pets(method="put", row=row(age=NUMBER), body={"size": NUMBER, "age": NUMBER}))
    assert (found["update"]["body"], found["always_sent"]) == ("changed", ["size", "age"])


def test_a_whole_item_is_not_sent_where_no_get_shows_what_it_is_laid_over() -> None:
    description = pets(method="put")
    del description["paths"][PET]["get"]
    made = drafted(description)
    assert made.schema[EXTENSION]["update"]["body"] == "changed"


def test_an_update_that_requires_what_it_cannot_carry_is_noted() -> None:
    made = drafted(pets(body=an_object({**ROW, "pin": TEXT}, "id", "pin", "size")))
    assert noted(made, f"update: PATCH {PET} requires pin, which the updates of this draft do not send")


def test_a_put_carries_no_identity_that_its_body_describes_as_read_only() -> None:
    body = {"id": {**NUMBER, "readOnly": True}, "size": NUMBER}
    found = extension(pets(method="put", row={"id": NUMBER, "size": NUMBER}, body=body))
    assert found["identity"] == "id"
    assert (found["update"]["body"], found["always_sent"]) == ("changed", ["size"])


def test_a_put_that_does_not_take_what_a_creation_requires_carries_what_it_takes() -> None:
    create = an_object({"name": TEXT, "breed": TEXT}, "name", "breed")
    found = extension(pets(method="put", row=row(breed=TEXT), create=create))
    assert (found["immutable"], found["update"]["body"]) == (["breed"], "changed")


@pytest.mark.parametrize("inside", [lambda item: item, a_list])
def test_members_that_are_only_shown_are_read_only_inside_a_field(inside: Callable[[Any], Any]) -> None:
    taken, shown = (
        an_object({"url": TEXT}, "url"),
        an_object({"url": TEXT, "made_at": TEXT}, "url", "made_at"),
    )
    field = drafted(pets(row=row(hook=inside(shown)), body={**BODY, "hook": inside(taken)})).schema[
        "properties"
    ]["hook"]
    drafted_object = field.get("items", field)
    assert drafted_object["properties"] == {
        "url": TEXT,
        "made_at": {"type": "string", "readOnly": True, "not": {}, "doNotSuggest": True},
    }
    assert drafted_object["required"] == ["url"]


@pytest.mark.parametrize("inside", [lambda item: item, a_list])
def test_members_that_nothing_shows_are_left_out_inside_a_field(inside: Callable[[Any], Any]) -> None:
    taken = an_object({"url": TEXT, "password": TEXT}, "url")
    row_of = inside(an_object({"url": TEXT}))
    made = drafted(pets(row=row(hook=row_of), body={**BODY, "hook": inside(taken)}))
    field = made.schema["properties"]["hook"]
    assert list(field.get("items", field)["properties"]) == ["url"]
    assert noted(made, "left out: members of fields that no response returns")


def test_a_field_that_requires_what_nothing_shows_is_left_out() -> None:
    taken = an_object({"url": TEXT, "password": TEXT}, "password")
    made = drafted(pets(row=row(hook=an_object({"url": TEXT})), body={**BODY, "hook": taken}))
    assert "hook" not in made.schema["properties"]
    assert noted(made, "left out: fields of PATCH that have another type in responses: hook")


def test_a_patch_is_preferred_to_a_put_and_what_is_not_deprecated_to_what_is() -> None:
    description = pets(method="put")
    operations = description["paths"][PET]
    operations["patch"] = operations["put"]
    assert "update" not in extension(description)
    operations["patch"] = {**operations["put"], "deprecated": True}
    assert extension(description)["update"]["method"] == "PUT"


def test_where_the_first_update_sets_nothing_that_is_shown_the_next_one_is_used() -> None:
    description = pets(method="put")
    operations = description["paths"][PET]
    operations["patch"] = {**operations["put"], "requestBody": content(an_object({"secret": TEXT}))}
    made = drafted(description)
    assert made.schema[EXTENSION]["update"]["method"] == "PUT"
    note = f"update: PATCH {PET} sets no field that the listing returns; the draft sends updates by PUT"
    assert made.decisions[-1] == note
    operations["put"]["deprecated"] = True
    with pytest.raises(DescriptionError, match=r"no field can be set: PATCH"):
        draft(description, PETS)


@pytest.mark.parametrize(
    ("default", "expected"),
    [(7, 7), (True, None), ("the usual size", None), (8, None), (None, None)],
)
def test_a_default_is_one_of_the_values(default: Any, expected: int | None) -> None:
    size = {"type": "integer", "enum": [0, 1, 7]} | ({} if default is None else {"default": default})
    description = pets(
        row=an_object(row(size=size))["properties"],
        body={**BODY, "size": size},
        listed=a_list(an_object(row(size=size))),
    )
    made = drafted(description).schema
    assert (made["properties"]["size"].get("default"), made[EXTENSION].get("optional", {}).get("size")) == (
        expected,
        expected,
    )


def test_what_an_update_requires_is_always_sent_but_not_in_a_whole_item() -> None:
    body = an_object(BODY, "name", "size")
    assert extension(pets(body=body))["always_sent"] == ["name", "size"]
    assert extension(pets(body=body, method="put"))["always_sent"] == []


@pytest.mark.parametrize(
    ("one", "body", "expected"),
    [
        (an_object({"pet": an_object(ROW)}), None, {"item": "pet"}),
        (None, an_object({"pet": an_object(BODY)}), {"body": "pet"}),
        (
            an_object({"data": an_object({"pet": an_object(ROW)})}),
            an_object({"pet": an_object(BODY)}),
            {"item": "data.pet", "body": "pet"},
        ),
        (None, an_object({"pet": an_object(BODY), "why": TEXT}, "pet"), {"body": "pet"}),
        (an_object({"pets": a_list(an_object(ROW)), "count": NUMBER}), None, {"item": "pets[]"}),
        (a_list(an_object(ROW)), None, {"item": "[]"}),
        (an_object({"pet": an_object(ROW), "alike": a_list(an_object(ROW))}), None, {"item": "pet"}),
        (None, an_object({"pets": a_list(an_object(BODY))}), {"body": "pets[]"}),
        (None, an_object({"Pets": a_list(an_object(BODY)), "page": NUMBER}), {"body": "Pets[]"}),
        (None, a_list(an_object(BODY)), {"body": "[]"}),
        (None, None, None),
    ],
)
def test_envelopes_are_found(one: Any, body: Any, expected: Any) -> None:
    made = drafted(pets(one=one, body=body))
    assert made.schema[EXTENSION].get("envelope") == expected
    assert made.schema["properties"]["size"] == {"type": "integer"}


def test_a_list_that_is_not_called_like_what_is_listed_is_no_envelope() -> None:
    with pytest.raises(DescriptionError, match=r"no field can be set: PATCH .* takes append"):
        draft(pets(body=an_object({"append": a_list(an_object(BODY))})), PETS)


@pytest.mark.parametrize(
    ("body", "create", "envelope"),
    [
        (
            None,
            an_object({"pet": an_object(BODY)}),
            "create: POST {} expects the fields inside pet, but an",
        ),
        (
            an_object({"pet": an_object(BODY)}),
            None,
            "create: POST {} expects the fields at the top level, but an",
        ),
        (an_object({"pet": an_object(BODY)}), an_object({"pet": an_object(BODY)}), None),
    ],
)
def test_nothing_is_created_in_another_envelope_than_updates_have(
    body: Any, create: Any, envelope: str | None
) -> None:
    made = drafted(pets(body=body, create=create or CREATE))
    assert ("create" in made.schema[EXTENSION]) is (envelope is None)
    assert noted(made, "create: ") is (envelope is not None)
    assert envelope is None or noted(made, envelope.format(PETS))


def resource(attributes: Any) -> dict[str, Any]:
    members = {"id": TEXT, "type": {"type": "string", "enum": ["pets"]}, "attributes": an_object(attributes)}
    return an_object(members, "id")


@pytest.mark.parametrize("sends_id", [True, False])
def test_json_api_is_a_style(sends_id: bool) -> None:  # noqa: FBT001 - a case
    attributes = {name: schema for name, schema in ROW.items() if name != "id"}
    body = resource(BODY)
    if not sends_id:
        del body["properties"]["id"]
    made = drafted(
        pets(
            listed=an_object({"data": {"type": "array", "items": resource(attributes)}}),
            one=an_object({"data": resource(attributes)}),
            body=an_object({"data": body}),
            parameters=[query("page[number]", default=0), query("page[size]", maximum=9)],
        )
    )
    found = made.schema[EXTENSION]
    assert (found["style"], found["type"], found["identity"], found["path"]) == (
        "json-api",
        "pets",
        "name",
        "id",
    )
    assert found["list"] == {"style": "page", "page": "page[number]", "first": 0, "limit": "page[size]"}
    assert made.schema["properties"].keys() == {"id", "name", "size", "made_at"}
    assert found.get("update") == (None if sends_id else {"method": "PATCH", "id": False})


@pytest.mark.parametrize("end", ["", "/", ".json"])
def test_a_type_that_is_not_described_is_the_last_word_of_the_path(end: str) -> None:
    row = resource({name: schema for name, schema in ROW.items() if name != "id"})
    row["properties"]["type"] = TEXT
    description = pets(
        listed=an_object({"data": a_list(row)}),
        one=an_object({"data": row}),
        body=an_object({"data": row}),
        collection=f"{PETS}{end}",
        item=f"{PET}{end}",
    )
    made = drafted(description, f"{PETS}{end}")
    assert made.schema[EXTENSION]["type"] == "pets"
    assert noted(made, "type: ")


@pytest.mark.parametrize("is_all", [True, False])
def test_relationships_are_drafted_where_an_update_takes_nothing_else(is_all: bool) -> None:  # noqa: FBT001 - a case
    linked = an_object({"id": TEXT, "type": TEXT}, "id", "type")
    row = resource({"name": TEXT, "size": NUMBER})
    row["properties"]["relationships"] = an_object(
        {
            "owner": an_object({"data": linked, "links": an_object({})}),
            "toys": an_object({"data": a_list(linked)}),
            "vets": an_object({"data": linked}),
            "size": an_object({"data": linked}),
            "more": an_object({"links": an_object({})}),
        }
    )
    body = an_object({name: row["properties"][name] for name in ("id", "type")})
    body["properties"]["relationships"] = an_object(
        {name: row["properties"]["relationships"]["properties"][name] for name in ("owner", "toys", "more")}
    )
    if not is_all:
        body["properties"]["attributes"] = row["properties"]["attributes"]
    description = pets(
        listed=an_object({"data": a_list(row)}),
        one=an_object({"data": row}),
        body=an_object({"data": body}),
    )
    made = drafted(description)
    if not is_all:
        assert "relationships" not in made.schema[EXTENSION]
        return
    with pytest.raises(DescriptionError, match=r"the listed objects have no string or integer owner\.id"):
        draft(description, PETS, identity="owner.id")
    assert made.schema[EXTENSION]["relationships"] == ["owner", "toys"]
    fields = made.schema["properties"]
    assert [name for name in fields if not fields[name].get("readOnly")] == ["name", "owner", "toys"]
    assert fields["toys"]["items"]["properties"].keys() == {"id", "type"}


@pytest.mark.parametrize(("last", "is_drafted"), [("pet_id", True), ("shop_pet_id", True), ("size", False)])
def test_in_json_api_the_path_takes_the_id(last: str, is_drafted: bool) -> None:  # noqa: FBT001 - a case
    attributes = {"name": TEXT, "size": NUMBER, "pet_id": TEXT}
    description = pets(
        listed=an_object({"data": a_list(resource(attributes))}),
        one=an_object({"data": resource(attributes)}),
        body=an_object({"data": resource(BODY)}),
        item=f"{PETS}/{{{last}}}",
    )
    if is_drafted:
        assert identity(description) == ("name", "id")
    else:
        with pytest.raises(DescriptionError, match="in JSON:API it must contain the id"):
            draft(description, PETS)


def test_in_json_api_the_path_may_take_what_people_choose() -> None:
    attributes = {"pet_name": TEXT, "size": NUMBER}
    body = resource({"size": NUMBER})
    del body["properties"]["id"]
    description = pets(
        listed=an_object({"data": a_list(resource(attributes))}),
        one=an_object({"data": resource(attributes)}),
        body=an_object({"data": body}),
        item=f"{PETS}/{{pet_name}}",
    )
    found = extension(description)
    assert (found["identity"], "path" in found, found["update"]["id"]) == ("pet_name", False, False)


def test_the_id_of_what_the_collection_is_in_is_not_that_of_an_item() -> None:
    ids = {"shop_id": NUMBER, "pet_id": NUMBER}
    description = pets(
        collection="/shops/{shop_id}/animals",
        item="/shops/{shop_id}/animals/{one_id}",
        row={**ids, "name": TEXT, "size": NUMBER},
    )
    found = extension(description, "/shops/{shop_id}/animals")
    assert (found["identity"], found["path"]) == ("name", "pet_id")


def test_attributes_alone_are_not_json_api() -> None:
    properties = row(attributes=an_object({"colour": TEXT}), type=TEXT)
    assert "style" not in extension(pets(row=properties))


SEGMENT = {"type": "string", "pattern": r"^(?!\.{1,2}$)[^/]+$"}


@pytest.mark.parametrize(
    ("written", "schema", "name", "described"),
    [
        ("shop", TEXT, "shop", SEGMENT),
        ("shop", {"type": "string", "enum": ["a", "b"]}, "shop", {"type": "string", "enum": ["a", "b"]}),
        (
            "shop",
            {"type": "string", "pattern": "^[a-z]+$"},
            "shop",
            {"type": "string", "pattern": "^[a-z]+$"},
        ),
        ("shop", NUMBER, "shop", {"type": "integer", "minimum": 1}),
        ("shop", {"type": "integer", "minimum": -5}, "shop", {"type": "integer", "minimum": 0}),
        ("shop-id", TEXT, "shop_id", SEGMENT),
        ("2nd", TEXT, "_2nd", SEGMENT),
        ("project", TEXT, "project_name", SEGMENT),
        ("project_id", TEXT, "project_ref", SEGMENT),
        ("project_id", NUMBER, "project_id", None),
    ],
)
def test_the_parameters_of_the_collection_are_the_scope(
    written: str, schema: Any, name: str, described: Any
) -> None:
    collection = f"/shops/{{{written}}}/pets"
    description = pets(collection=collection, item=f"{collection}/{{petId}}")
    description["paths"][collection]["parameters"] = [in_path(written) | {"schema": schema}]
    made = drafted(description, collection)
    found = made.schema[EXTENSION]
    assert found["collection"] == f"/shops/{{{name}}}/pets"
    assert found.get("scope") == (None if described is None else {name: described})
    assert noted(made, "scope: some path parameters have another name in the kind") == (name != written)


@pytest.mark.parametrize(
    ("collection", "reason"),
    [
        ("/shops/{a}{b}/pets", "has two placeholders in the segment"),
        ("/shops/{a}/rooms/{a}/pets", r"has \{a\} twice"),
    ],
)
def test_a_path_that_no_kind_can_have_is_refused(collection: str, reason: str) -> None:
    with pytest.raises(DescriptionError, match=reason):
        draft(pets(collection=collection, item=f"{collection}/{{petId}}"), collection)


def test_a_slash_at_the_end_is_kept() -> None:
    found = extension(pets(collection=f"{PETS}/", item=f"{PET}/"))
    assert (found["collection"], "item" in found) == (f"{PETS}/", False)


def test_an_item_that_is_not_below_its_list_has_a_path_of_its_own() -> None:
    assert extension(pets(item="/pets/{petId}"))["item"] == "/pets/{petId}"
    assert "item" not in extension(pets())


@pytest.mark.parametrize(
    "changes",
    [
        {"row": {"id": TEXT, "size": NUMBER}},
        {"row": {"name": TEXT, "size": NUMBER}, "item": "/pets/{name}"},
    ],
)
def test_a_name_is_not_the_path_of_an_item_that_lacks_the_scope(changes: Any) -> None:
    message = (
        r"the path of one item does not contain \{shop\}, so the same (id|name) would be a key in several"
    )
    with pytest.raises(DescriptionError, match=message):
        draft(pets(**({"item": "/pets/{id}"} | changes)), PETS)
    assert identity(pets(item="/pets/{id}")) == ("name", "id")


def test_where_only_a_name_can_be_set_it_stays_one_if_an_item_lacks_the_scope() -> None:
    create = an_object({"name": TEXT})
    found = pets(item="/pets/{id}", row={"id": TEXT, "name": TEXT}, body={"name": TEXT}, create=create)
    assert identity(found) == ("name", "id")


def test_an_item_of_another_list_is_not_taken_for_one() -> None:
    with pytest.raises(DescriptionError, match="its items have no address"):
        draft(pets(item="/farms/pets/{petId}"), PETS)


def test_two_possible_item_paths_require_a_choice() -> None:
    description = pets(item="/pets/{petId}")
    description["paths"]["/shops/pets/{petId}"] = description["paths"]["/pets/{petId}"]
    with pytest.raises(DescriptionError, match="--item"):
        draft(description, PETS)
    assert draft(description, PETS, item="/pets/{petId}").schema[EXTENSION]["item"] == "/pets/{petId}"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "enum": ["v1"]}, "v1"),
        ({"type": "string", "default": "v2", "enum": ["v1", "v2"]}, "v2"),
        ({"type": "boolean", "default": True}, "true"),
        ({"type": "string"}, None),
    ],
)
@pytest.mark.parametrize(("place", "member"), [("query", "query"), ("header", "headers")])
def test_a_required_parameter_is_a_constant_to_look_at(
    place: str, member: str, schema: Any, value: Any
) -> None:
    parameter = {"name": "X-Version", "in": place, "required": True, "schema": schema}
    made = drafted(pets(parameters=[parameter]))
    assert made.schema[EXTENSION].get("send") == (None if value is None else {member: {"X-Version": value}})
    assert noted(made, f"send: GET {PETS} requires")


@pytest.mark.parametrize("name", ["Authorization", "Accept", "Content-Type", "X-Api-Key", "If-Match"])
def test_headers_that_say_who_asks_are_no_constants(name: str) -> None:
    parameter = {"name": name, "in": "header", "required": True, "schema": {"enum": ["a"]}}
    made = drafted(pets(parameters=[parameter]))
    assert "send" not in made.schema[EXTENSION]
    assert not noted(made, "send")


@pytest.mark.parametrize(("name", "own"), [("state", "status"), ("lifecycle", "life_cycle"), ("a.b", "a_b_")])
def test_a_settable_property_that_files_cannot_call_so_has_another_name(name: str, own: str) -> None:
    made = drafted(pets(row=row(**{name: TEXT}), body={**BODY, name: TEXT}))
    assert made.schema[EXTENSION]["as"] == {own: name}
    assert (own in made.schema["properties"], name in made.schema["properties"]) == (True, False)


def test_what_a_creation_does_not_take_is_called_as_in_files() -> None:
    found = extension(pets(row=row(state=TEXT), body={"state": TEXT}, create=an_object(BODY, "name")))
    assert (found["as"], found["create"]["later"]) == ({"status": "state"}, ["status"])


def test_a_state_that_only_responses_have_stays() -> None:
    made = drafted(pets(row=row(state=TEXT)))
    assert made.schema["properties"]["state"]["readOnly"]
    assert "as" not in made.schema[EXTENSION]


MAP = {"type": "object", "additionalProperties": TEXT}


@pytest.mark.parametrize(
    ("taken", "shown", "expected"),
    [
        (MAP, {"type": "array", "items": an_object({"key": TEXT, "value": TEXT})}, {"tag": "pairs"}),
        (
            MAP,
            {
                "type": "array",
                "items": an_object(
                    {"key": TEXT, "value": TEXT, "at": {**TEXT, "readOnly": True}, "by": TEXT}
                ),
            },
            {"tag": {"shape": "pairs", "read_only": ["at"]}},
        ),
        (TEXT, an_object({"id": TEXT, "name": TEXT}), {"tag": "id"}),
        (TEXT, an_object({"value": TEXT}), {"tag": "value"}),
        (
            {"type": "array", "items": TEXT},
            {"type": "array", "items": an_object({"id": TEXT})},
            {"tag": "id"},
        ),
        (TEXT, TEXT, None),
        ({"type": "integer"}, {"type": "number"}, None),
    ],
)
def test_a_value_that_is_shown_in_another_shape_is_compared_in_that(
    taken: Any, shown: Any, expected: Any
) -> None:
    made = drafted(pets(row=row(tag=shown), body={**BODY, "tag": taken}))
    assert made.schema[EXTENSION].get("shown") == expected
    assert "tag" in made.schema["properties"]


@pytest.mark.parametrize(
    ("taken", "shown"),
    [(TEXT, {"type": "array"}), (MAP, {"type": "array", "items": TEXT}), (TEXT, an_object({}))],
)
def test_a_value_in_an_unknown_shape_is_left_out(taken: Any, shown: Any) -> None:
    made = drafted(pets(row=row(tag=shown), body={**BODY, "tag": taken}))
    assert "tag" not in made.schema[EXTENSION].get("shown", {})
    assert "left out: fields of PATCH that have another type in responses: tag" in made.decisions


PAIRS = {"type": "array", "items": an_object({"key": TEXT, "value": TEXT, "read_only": {"type": "boolean"}})}


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({"tags_v2": PAIRS}, ({"tags": "tags_v2"}, {"tags": {"shape": "pairs", "unless": "read_only"}})),
        ({"petTags": MAP}, ({"tags": "petTags"}, None)),
        ({"TAGS": MAP}, ({"tags": "TAGS"}, None)),
        ({"tags": MAP, "tags_v2": PAIRS}, (None, None)),
        ({"tags_v2": TEXT}, (None, None)),
        ({"tags_v2": PAIRS, "tags_v3": PAIRS}, (None, None)),
        ({"old_tags": MAP}, (None, None)),
        ({"tagsd": MAP}, ({"tags": "tagsd"}, None)),
        ({"tagged": MAP}, (None, None)),
    ],
)
def test_what_is_set_may_be_shown_under_a_name_like_it(shown: Any, expected: Any) -> None:
    made = drafted(pets(row=row(**shown), body={**BODY, "tags": MAP}))
    assert (made.schema[EXTENSION].get("read_from"), made.schema[EXTENSION].get("shown")) == expected
    assert noted(made, "read_from: responses return tags as ") == bool(expected[0])


@pytest.mark.parametrize(
    ("name", "shown", "place"),
    [
        ("advertise", {"advertised": TEXT}, "advertised"),
        ("walk", {"walked": TEXT}, "walked"),
        ("is_open", {"open": TEXT}, "open"),
        ("permission", {"permissions": TEXT}, "permissions"),
        ("role_slug", {"role": an_object({"slug": TEXT})}, "role.slug"),
        ("roleSlug", {"role": an_object({"slug": TEXT, "id": TEXT})}, "role.slug"),
        ("role_slug", {"role": an_object({"name": TEXT})}, None),
        ("role_slug", {"role": an_object({"slug": NUMBER})}, None),
        ("walk", {"walked": TEXT, "walks": TEXT}, None),
    ],
)
def test_what_is_set_may_be_shown_in_another_form_or_inside(name: str, shown: Any, place: str | None) -> None:
    made = drafted(pets(row=row(**shown), body={**BODY, name: TEXT}))
    assert made.schema[EXTENSION].get("read_from", {}).get(name) == place
    assert (name in made.schema["properties"]) is (place is not None)


def a_body(*shapes: Any) -> dict[str, Any]:
    return {"type": "object", "anyOf": list(shapes)}


GO, STOP = {"const": "go"}, {"enum": ["stop", "wait"]}


@pytest.mark.parametrize(
    ("body", "expected", "note"),
    [
        (
            a_body(an_object({"to": TEXT, "how": GO}, "to", "how"), an_object({"how": STOP}, "how")),
            {"always_sent": ["how"], "sent_with": {"to": {"how": ["go"]}}},
            "",
        ),
        (
            a_body(an_object({"to": TEXT, "how": GO}, "to", "how"), an_object({"how": STOP})),
            {"sent_with": {"to": {"how": ["go"]}}},
            "",
        ),
        (
            a_body(an_object({"to": TEXT, "how": GO}, "to"), an_object({"how": STOP})),
            {"sent_with": {"to": {"how": ["go"]}}},
            "",
        ),
        (
            a_body(
                an_object({"to": TEXT, "how": GO}, "to"), an_object({"how": STOP, "size": NUMBER}, "size")
            ),
            {"always_sent": ["how"], "sent_with": {"to": {"how": ["go"]}, "size": {"how": ["stop", "wait"]}}},
            "",
        ),
        (
            a_body(an_object({"how": GO, "key": TEXT}, "key"), an_object({"how": STOP})),
            {},
            "update: the updates of this draft do not send fields that the service requires: key with how",
        ),
        (
            {**an_object({"how": TEXT, "to": TEXT}), "anyOf": [{"required": ["how"]}, {"required": ["to"]}]},
            {"sent_one_of": [["how", "to"]]},
            "",
        ),
        (
            {
                **an_object({"how": TEXT, "to": TEXT}),
                "anyOf": [{"required": ["how", "to"]}, {"required": ["to"]}],
            },
            {},
            (
                "update: the service may require how and to, to, and when is not described; set always_sent,"
                " sent_with or sent_one_of"
            ),
        ),
        (
            a_body(an_object({"how": GO}, "how"), an_object({"how": STOP, "size": NUMBER}, "how")),
            {"always_sent": ["how"]},
            "",
        ),
    ],
)
def test_a_body_of_several_shapes_says_what_updates_carry(body: Any, expected: Any, note: str) -> None:
    made = drafted(pets(row=row(how=TEXT, to=TEXT), body=body))
    found = made.schema[EXTENSION]
    carried = {name: found.get(name) for name in ("always_sent", "sent_with", "sent_one_of")}
    assert {name: value for name, value in carried.items() if value} == expected
    assert any(text == note for text in made.decisions) == bool(note)
    assert any(text.startswith("update: the") for text in made.decisions) == bool(note)


@pytest.mark.parametrize(
    ("taken", "shown", "expected"),
    [
        (["string", "number"], "string", "string"),
        (["string", "integer"], "number", "integer"),
        (["string", "number"], ["string", "number"], ["string", "number"]),
        (["string", "array"], "array", "array"),
    ],
)
def test_of_several_types_those_are_declared_that_responses_show(
    taken: Any, shown: Any, expected: Any
) -> None:
    inside = [an_object({"kept": TEXT, "mixed": {"type": one}}) for one in (taken, shown)]
    made = drafted(
        pets(
            row=row(mixed={"type": shown}, deep=inside[1]),
            body={**BODY, "mixed": {"type": taken}, "deep": inside[0]},
        )
    )
    properties = made.schema["properties"]
    assert properties["mixed"]["type"] == expected
    assert properties["deep"]["properties"]["mixed"]["type"] == expected


def test_members_that_are_shown_in_another_shape_are_left_out_inside_a_field() -> None:
    taken = an_object({"data": TEXT, "disks": {"type": "array", "items": an_object({"new": TEXT}, "new")}})
    shown = an_object({"data": TEXT, "disks": {"type": "array", "items": an_object({"id": TEXT})}})
    made = drafted(pets(row=row(server=shown), body={**BODY, "server": taken}))
    assert list(made.schema["properties"]["server"]["properties"]) == ["data"]
    assert noted(
        made, "left out: members of fields that have another type in responses than in requests: server.disks"
    )
    required = drafted(pets(row=row(server=shown), body={**BODY, "server": {**taken, "required": ["disks"]}}))
    assert noted(required, "left out: fields of PATCH that have another type in responses: server")


@pytest.mark.parametrize(
    ("members", "is_asked"),
    [
        ({"allow": {"type": "object"}, "block": an_object({"status": NUMBER})}, True),
        ({"allow": {"type": ["object", "null"], "properties": {}}, "block": {"type": "object"}}, True),
        ({"tls": an_object({"check": NUMBER}), "http": an_object({"port": NUMBER})}, False),
        ({"allow": {"type": "object"}, "note": TEXT}, False),
        ({"allow": {"type": "object"}}, False),
    ],
)
def test_whether_an_object_has_one_of_its_members_is_asked(members: Any, *, is_asked: bool) -> None:
    action = {"action": an_object(members)}
    made = drafted(pets(row=row(**action), body={**BODY, **action}))
    assert noted(made, "oneOf: does action have only one of its members at a time?") is is_asked


def test_whether_a_map_is_merged_is_asked_and_not_decided() -> None:
    changes: Any = {"row": row(tags=MAP), "body": {**BODY, "tags": MAP}}
    made = drafted(pets(**changes))
    assert "merge" not in made.schema[EXTENSION]
    assert noted(made, "merge: does PATCH keep the members of tags")
    values = {"type": ["string", "null"]}
    said = {"additionalProperties": values, "description": "Tags, by JSON Merge Patch (RFC 7396)."}
    described = drafted(pets(row=row(tags=MAP), body={**BODY, "tags": said}))
    assert described.schema[EXTENSION]["merge"] == ["tags"]
    assert noted(described, "merge: tags is described as a JSON Merge Patch (RFC 7396)")
    assert described.schema["properties"]["tags"]["additionalProperties"] == TEXT
    merged = drafted(pets(kind="application/merge-patch+json", **changes))
    assert not noted(merged, "merge")


@pytest.mark.parametrize(
    "responses",
    [
        {"202": content(an_object(ROW))},
        {"200": content(an_object({"tasks": {"type": "array", "items": TEXT}}))},
        {"200": content(an_object({"task_id": TEXT}))},
        {"200": content(an_object({"assignment": NUMBER}))},
    ],
)
def test_an_update_that_is_accepted_before_it_is_done_is_waited_for(responses: Any) -> None:
    made = drafted(pets(responses=responses))
    assert made.schema[EXTENSION]["wait"] == 60
    assert noted(made, f"wait: PATCH {PET} may respond before the operation has finished")


@pytest.mark.parametrize(
    ("create", "expected", "reason"),
    [
        (CREATE, {"requires": []}, None),
        (an_object({"size": NUMBER}), None, "create: POST /shops/{shop}/pets does not accept name"),
        (an_object({"name": TEXT, "pin": TEXT}, "pin"), None, "create: POST /shops/{shop}/pets requires pin"),
    ],
)
def test_keys_are_created_only_where_a_post_takes_their_identity(
    create: Any, expected: Any, reason: Any
) -> None:
    made = drafted(pets(create=create))
    assert made.schema[EXTENSION].get("create") == expected
    assert reason is None or noted(made, reason)


def test_what_a_creation_requires_and_no_update_takes_is_immutable() -> None:
    create = an_object({"name": TEXT, "breed": TEXT, "size": NUMBER}, "name", "breed")
    made = drafted(pets(row=row(breed=TEXT), create=create))
    assert made.schema[EXTENSION]["create"] == {"requires": ["breed"]}
    assert made.schema[EXTENSION]["immutable"] == ["breed"]
    assert made.schema["properties"]["breed"] == TEXT


def test_what_is_only_created_and_deleted_is_drafted() -> None:
    made = drafted(pets(row=without("size"), body={"name": TEXT}, create=an_object({"name": TEXT}, "name")))
    assert any(text.endswith("keys are only created and deleted") for text in made.decisions)


def test_where_only_a_name_can_be_set_people_write_the_id() -> None:
    made = drafted(pets(body={"name": TEXT}))
    assert (made.schema[EXTENSION]["identity"], "path" in made.schema[EXTENSION]) == ("id", False)
    assert made.decisions[0].startswith(f"identity: PATCH {PET} sets no field except name")


@pytest.mark.parametrize(
    ("name", "schema", "is_secret"),
    [
        ("secret", TEXT, True),
        ("api_key", TEXT, True),
        ("accessToken", TEXT, True),
        ("password", TEXT, True),
        ("tasks", {"type": "array", "items": TEXT}, False),
        ("note", TEXT, False),
        ("key", {"type": "object"}, False),
    ],
)
def test_only_a_text_that_is_called_so_is_a_secret(name: str, schema: Any, is_secret: bool) -> None:  # noqa: FBT001 - a case
    made = drafted(pets(create=CREATE, created=an_object({**ROW, name: schema})))
    assert made.schema[EXTENSION].get("secret") == (name if is_secret else None)


def test_the_token_of_a_task_is_not_the_secret_of_a_key() -> None:
    made = drafted(pets(create=CREATE, created=an_object({"token": TEXT})))
    assert "secret" not in made.schema[EXTENSION]


def test_a_key_that_the_list_shows_is_not_a_secret() -> None:
    made = drafted(pets(row=row(key=TEXT), create=CREATE, created=an_object(row(key=TEXT))))
    assert "secret" not in made.schema[EXTENSION]


def test_rows_decide_what_can_be_compared_and_one_item_says_more_of_it() -> None:
    size = {"type": "integer", "description": "In centimetres."}
    one = an_object(row(size=size, colour=TEXT))
    made = drafted(pets(one=one, body={**BODY, "colour": TEXT}))
    assert "colour" not in made.schema["properties"]
    assert any("fields of PATCH that only GET of one key returns" in text for text in made.decisions)


def test_a_value_that_is_write_only_is_in_no_response() -> None:
    hidden = {"type": "string", "writeOnly": True}
    made = drafted(pets(row=row(pin=hidden), body={**BODY, "pin": hidden}))
    assert "pin" not in made.schema["properties"]


def test_read_only_members_of_a_body_cannot_be_set() -> None:
    made = drafted(pets(row=row(age=NUMBER), body={**BODY, "age": {**NUMBER, "readOnly": True}}))
    assert made.schema["properties"]["age"]["readOnly"]


def test_a_deprecated_update_is_noted_with_its_successor() -> None:
    description = pets(deprecated=True, item="/v1/pets/{petId}", collection="/v1/pets")
    update = description["paths"]["/v1/pets/{petId}"]["patch"]
    alone = drafted(description, "/v1/pets")
    assert (
        "deprecated: PATCH /v1/pets/{petId} is deprecated, and no successor is described" in alone.decisions
    )
    description["paths"]["/v2/pets/{pet}"] = {"put": {**update, "deprecated": False}}
    made = drafted(description, "/v1/pets")
    assert made.schema[EXTENSION]["update"] == {"method": "PUT", "path": "/v2/pets/{pet}", "body": "whole"}
    assert noted(
        made,
        "deprecated: PATCH /v1/pets/{petId} is deprecated; the draft sends updates by its successor, PUT",
    )


def test_a_successor_may_be_named_by_the_end_of_its_path() -> None:
    text = "Use `PATCH /v2/animals/<animal_id>` instead."
    description = pets(
        deprecated=True, item="/api/v1/pets/{petId}", collection="/api/v1/pets", description=text
    )
    update = description["paths"]["/api/v1/pets/{petId}"]["patch"]
    description["paths"]["/api/v2/animals/{animal_id}"] = {"patch": {**update, "deprecated": False}}
    found = extension(description, "/api/v1/pets")
    assert found["update"] == {"method": "PATCH", "path": "/api/v2/animals/{animal_id}"}


def test_of_each_sort_there_is_one_note_and_none_of_read_only_fields() -> None:
    odd = {"type": "string", "format": "odd"}
    changes: Any = {"row": row(a=odd, b=odd, c=odd), "body": {**BODY, "a": odd, "b": odd}}
    formats = [text for text in drafted(pets(**changes)).decisions if "format" in text]
    assert formats == [
        (
            "not validated: formats that are not supported: a (odd), b (odd); add a pattern where the format"
            " matters"
        )
    ]


UNDESCRIBED = an_object({"result": {"type": "array"}, "ok": TEXT})
UNDESCRIBED_ITEM = an_object({"result": {"type": "object"}, "ok": TEXT})
NAMED = {"name": TEXT, "size": NUMBER}


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        (
            pets(row=NAMED, body={"pin": TEXT}, item=f"{PETS}/{{name}}"),
            "no field can be set",
        ),
        (pets(listed=an_object({"ok": TEXT})), "has ok, but none of them is a list"),
        (
            pets(listed={"type": "object", "additionalProperties": an_object(ROW)}),
            "is a map; a kind needs a list of objects",
        ),
        (pets(listed={}), "is not described as JSON with a list"),
        (
            pets(listed=an_object({"tags": {"type": "array", "items": TEXT}})),
            "has a list of tags, but not of objects",
        ),
        (pets(listed=UNDESCRIBED, one=UNDESCRIBED_ITEM), "the items in result of GET"),
        (
            pets(row=without("id")),
            "has no property for the path parameter {petId}; its items have name, size, made_at",
        ),
        (pets(body={"type": "string"}), "is not an object"),
        (
            pets(
                listed=an_object({"data": {"type": "array", "items": resource(BODY)}}),
                one=an_object({"data": resource(BODY)}),
            ),
            "responses follow JSON:API",
        ),
        ({"swagger": "2.0", "paths": {}}, "convert it from Swagger 2.0 to OpenAPI 3"),
    ],
)
def test_every_refusal_names_its_cause(description: Any, reason: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        draft(description, PETS)
    assert reason in str(caught.value)
