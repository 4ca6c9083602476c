"""Proving drafts on a server made from their description; every planted fault is found."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import described
from described import Described
from described_server import Fake
from made_values import REQUEST, Maker
from proof_gaps import ITEM, NAME, OPEN, SHAPE, UNSEEN
from proof_verdicts import Verdict, tables
from prove_collections import prove, proven
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.draft import draft
from tests.kinds.descriptions import PET, PETS, ROW, TEXT, an_object, content, in_path, pets, query
from tests.kinds.test_draft_without_update import alone

if TYPE_CHECKING:
    from described_things import Thing

NUMBER: dict[str, Any] = {"type": "integer"}
MAP: dict[str, Any] = {"type": "object", "additionalProperties": TEXT}
PAIRS: dict[str, Any] = {"type": "array", "items": an_object({"key": TEXT, "value": TEXT}, "key", "value")}
FIXED_PAIRS: dict[str, Any] = {
    "type": "array",
    "items": an_object({"key": TEXT, "value": TEXT, "read_only": {"type": "boolean"}}, "key", "value"),
}
BODY: dict[str, Any] = {"name": TEXT, "size": NUMBER, "note": TEXT}
WITH_NOTE = {**ROW, "note": TEXT}
PAGES: dict[str, Any] = {"parameters": [query("page"), query("per_page", maximum=5)]}
ROWS = {"type": "array", "items": an_object(WITH_NOTE, *WITH_NOTE)}
OFFSET: dict[str, Any] = {
    "listed": an_object({"count": NUMBER, "results": ROWS}, "count", "results"),
    "parameters": [query("limit", maximum=7), query("offset")],
}


def two_fields(**more: Any) -> dict[str, Any]:
    """Describe pets with a size and a note that can be set."""
    return pets(**{"row": WITH_NOTE, "body": BODY, **more})


BODIES: dict[str, Any] = {
    "type": "object",
    "anyOf": [
        an_object({"name": TEXT, "action": {"const": "go"}, "to": TEXT}, "action", "to"),
        an_object({"name": TEXT, "action": {"const": "stop"}}, "action"),
    ],
}


def a_resource(attributes: dict[str, Any], *required: str) -> dict[str, Any]:
    members = {"type": {"const": "pets"}, "id": TEXT, "attributes": an_object(attributes)}
    return an_object({name: part for name, part in members.items() if name in required}, *required)


def json_api(body: Any, **more: Any) -> dict[str, Any]:
    """Describe pets in JSON:API; ``body`` is the resource that an update sends."""
    shown = a_resource(
        {"name": {"type": "string", "minLength": 1}, "size": NUMBER, "note": TEXT}, "type", "id", "attributes"
    )
    beside = {"type": "array", "items": a_resource({"name": TEXT}, "type", "id", "attributes")}
    return pets(
        listed=an_object({"included": beside, "data": {"type": "array", "items": shown}}, "data"),
        one=an_object({"data": shown}, "data"),
        body=an_object({"data": body}, "data"),
        **more,
    )


REMARKS: dict[str, Any] = {"type": "array", "items": an_object({"code": NUMBER, "message": TEXT})}
ANY_RESULT: dict[str, Any] = {
    "result": {"anyOf": [{"type": "object"}, {"type": "array"}, {"type": "string"}]}
}


def beside_remarks(result: Any) -> dict[str, Any]:
    """Describe a response as one of any result with remarks, of which this is the result."""
    lists = {"type": "array", "items": {"type": "object"}}
    any_result = {"anyOf": [{"type": "object"}, lists, {"type": "string"}]}
    common = an_object({"errors": REMARKS, "result": any_result}, "errors", "result")
    return {"allOf": [common, {"properties": {"result": result}}]}


def verdict_of(description: Any) -> Verdict:
    return proven(description, Described(description), PETS, PET, 0)


DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "a bare list": two_fields(),
    "pages by offset": two_fields(**OFFSET),
    "pages by number": two_fields(**PAGES),
    "pages from 0": two_fields(parameters=[query("page", minimum=0), query("per_page", maximum=5)]),
    "cursors": two_fields(
        listed=an_object({"data": ROWS, "next_cursor": {"type": ["string", "null"]}}, "data", "next_cursor"),
        parameters=[query("cursor", type="string"), query("limit", maximum=4)],
    ),
    "a task": two_fields(responses={"202": content(an_object({"task_id": TEXT}, "task_id"))}),
    "a PUT of the whole": two_fields(method="put"),
    "a PUT of what only one item shows besides": two_fields(
        method="put", one=an_object({**WITH_NOTE, "stars": NUMBER}, *WITH_NOTE, "stars")
    ),
    "a body that requires what is read-only": two_fields(
        body=an_object({**BODY, "id": {**TEXT, "readOnly": True}}, "id")
    ),
    "a body that requires the id": two_fields(body=an_object({**BODY, "id": TEXT}, "id")),
    "a PUT that requires the id": two_fields(body=an_object({**BODY, "id": TEXT}, "id"), method="put"),
    "a merge patch": two_fields(kind="application/merge-patch+json"),
    "an envelope": two_fields(
        body=an_object({"pet": an_object(BODY)}, "pet"), one=an_object({"pet": an_object(WITH_NOTE)}, "pet")
    ),
    "tags shown as pairs": pets(row={**ROW, "tags": PAIRS}, body={"name": TEXT, "size": NUMBER, "tags": MAP}),
    "tags of which some are the service's own": pets(
        row={**ROW, "tags_v2": FIXED_PAIRS}, body={"name": TEXT, "size": NUMBER, "tags": MAP}
    ),
    "a member that is shown with the name of what is listed": pets(
        row={**ROW, "pet_rules": {"type": "array", "items": TEXT}},
        body={"name": TEXT, "size": NUMBER, "rules": {"type": "array", "items": TEXT}},
    ),
    "a body that needs one of several": pets(
        row={**ROW, "action": TEXT, "to": TEXT},
        body={
            **an_object({"action": TEXT, "to": TEXT}),
            "anyOf": [{"required": ["action"]}, {"required": ["to"]}],
        },
    ),
    "a body of several shapes": pets(row={**ROW, "action": TEXT, "to": TEXT}, body=BODIES),
    "a member that is always sent": two_fields(body=an_object(BODY, "size")),
    "JSON:API": json_api(a_resource(BODY, "type", "id", "attributes")),
    "JSON:API without the id in updates": json_api(a_resource(BODY, "type", "attributes")),
    "JSON:API without the id in whole updates": json_api(
        a_resource(BODY, "type", "attributes"), method="put"
    ),
    "a list of remarks beside the rows": two_fields(
        listed=beside_remarks({"type": "array", "items": an_object(WITH_NOTE, *WITH_NOTE)}),
        one=beside_remarks(an_object(WITH_NOTE, *WITH_NOTE)),
    ),
    "ids of which only the path says what they are": two_fields(
        row={**WITH_NOTE, "id": TEXT}, last=in_path("petId", format="uuid")
    ),
}


def test_a_kind_without_fields_is_listed_and_exported() -> None:
    found = verdict_of(
        pets(row={"id": TEXT, "name": TEXT}, body={"name": TEXT}, create=an_object({"name": TEXT}))
    )
    assert (found.passes, found.fields, found.gaps) == (True, {}, {"name": NAME})


def test_what_is_not_proved_has_a_reason() -> None:
    row = {**ROW, "note": TEXT, "shape": TEXT}
    body = {"name": TEXT, "size": NUMBER, "hidden": TEXT, "inside": TEXT, "shape": MAP, "note": TEXT}
    found = verdict_of(pets(row=row, one=an_object({**row, "inside": TEXT}, *row), body=body))
    assert found.passes
    assert (found.taken, list(found.fields)) == (6, ["size", "note"])
    assert found.gaps == {"name": NAME, "hidden": UNSEEN, "inside": ITEM, "shape": SHAPE}
    refused = verdict_of(pets(body={"hidden": TEXT}))
    assert (refused.fault[:6], refused.taken, refused.gaps) == ("draft:", 1, {"hidden": UNSEEN})
    left_out = json.loads(json.dumps(draft(two_fields(), PETS).schema))
    del left_out["properties"]["note"]
    less = Verdict(PETS)
    prove(less, Fake(Described(two_fields()), PETS, PET), left_out)
    assert less.gaps == {"name": NAME, "note": OPEN}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_draft_passes_on_a_server_of_its_description(name: str) -> None:
    found = verdict_of(DESCRIPTIONS[name])
    assert (found.fault, found.fields) == ("", dict.fromkeys(found.fields, ""))
    assert len(found.fields) == 2
    assert found.passes


class StoresNothing(Fake):
    def _change(self, _method: str, _operation: Any, thing: Thing, _body: Any) -> Thing:
        return thing


class StoresTooMuch(Fake):
    def _change(self, method: str, operation: Any, thing: Thing, body: Any) -> Thing:
        for name in ("size", "note"):
            if name not in body:
                self.things.set(thing, name, 5 if name == "size" else "other")
        return super()._change(method, operation, thing, body)


class ForgetsAtOnce(Fake):
    """It shows what was set in its response, and has the old value afterwards."""

    def _change(self, method: str, operation: Any, thing: Thing, body: Any) -> Thing:
        before = {name: thing.settings[name] for name in body}

        def forget() -> None:
            for name, value in before.items():
                self.things.set(thing, name, value)

        self._pending.append((1, forget))
        return super()._change(method, operation, thing, body)


class HasSmallerPages(Fake):
    """Its pages are smaller than they are said to be."""

    def fill(self, count: int) -> None:
        super().fill(count)
        self._pages.largest = 3


@pytest.mark.parametrize(
    ("server", "changes", "reason"),
    [
        (StoresNothing, {}, "not verified"),
        (StoresTooMuch, {}, "changed too"),
        (ForgetsAtOnce, {}, "afterwards the plan still changes"),
        (HasSmallerPages, PAGES, "objects were listed"),
    ],
)
def test_a_server_that_does_not_do_as_it_says_is_found(server: type[Fake], changes: Any, reason: str) -> None:
    description = two_fields(**changes)
    found = Verdict(PETS)
    prove(found, server(Described(description), PETS, PET), draft(description, PETS).schema)
    assert not found.passes
    assert reason in f"{found.fault} {found.fields}"


@pytest.mark.parametrize(
    ("planted", "reason"),
    [
        ({"envelope": {"body": "pet"}}, ".pet is not described"),
        ({"update": {"method": "PUT"}}, "is not described"),
        (
            {"update": {"method": "PATCH", "encoding": "form"}},
            "x-www-form-urlencoded is not one of application/json",
        ),
        ({"always_sent": ["size"]}, "carries size too"),
        ({"path": "made_at"}, "there is no"),
        ({"list": {"style": "whole", "results": "pets"}}, "InvalidResponseError"),
        (
            {"list": {"style": "offset", "results": None, "count": None}, "page_limit": 9},
            "limit is not described",
        ),
        ({"send": {"query": {"verbose": "1"}}}, "query verbose is not described"),
    ],
)
def test_a_draft_that_is_wrong_is_found(planted: Any, reason: str) -> None:
    description = two_fields()
    schema = json.loads(json.dumps(draft(description, PETS).schema))
    schema[EXTENSION] |= planted
    found = Verdict(PETS)
    prove(found, Fake(Described(description), PETS, PET), schema)
    assert not found.passes
    assert reason in f"{found.fault} {found.fields}"


def test_a_draft_that_changes_what_is_the_services_own_is_found() -> None:
    description = DESCRIPTIONS["tags of which some are the service's own"]
    schema = json.loads(json.dumps(draft(description, PETS).schema))
    schema[EXTENSION]["shown"] = {"tags": "pairs"}
    found = Verdict(PETS)
    prove(found, Fake(Described(description), PETS, PET), schema)
    assert "tags" in found.fields["tags"]
    assert not found.passes


def test_a_field_that_no_update_takes_is_found() -> None:
    description = two_fields()
    schema = json.loads(json.dumps(draft(description, PETS).schema))
    schema["properties"]["made_at"] = {"type": "string", "format": "date-time"}
    found = Verdict(PETS)
    prove(found, Fake(Described(description), PETS, PET), schema)
    assert found.fields["made_at"] == "the description's update does not take it"


REFUSED = [
    ("PATCH", "{pet}", {"size": "big"}, 400, "is not of type"),
    ("PATCH", "{pet}", {"colour": "red"}, 400, ".colour is not described"),
    ("PATCH", "{pet}", {"made_at": "2030-01-01T00:00:00Z"}, 400, ".made_at is read-only"),
    ("PATCH", "nobody", {"size": 1}, 404, "there is no nobody"),
    ("PUT", "{pet}", {"size": 1}, 405, "is not described"),
    ("PATCH", "{pet}?dry=1", {"size": 1}, 400, "query dry is not described"),
]


@pytest.mark.parametrize(("method", "pet", "body", "status", "reason"), REFUSED)
def test_the_server_refuses_what_is_not_described(
    method: str, pet: str, body: Any, status: int, reason: str
) -> None:
    stamped = {**BODY, "made_at": {"type": "string", "readOnly": True}}
    fake = Fake(Described(two_fields(body=stamped)), PETS, PET)
    target = f"/shops/north/pets/{pet.format(pet=next(iter(fake.things.every)))}"
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    response = fake.respond(method, target, headers, json.dumps(body).encode())
    assert (response.status, reason in str(fake.requests[-1].faults)) == (status, True)


def test_the_server_creates_and_deletes() -> None:
    fake = Fake(Described(two_fields(create=an_object(BODY, "name"))), PETS, PET)
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    made = fake.respond("POST", "/shops/north/pets", headers, b'{"name":"Rex","size":4}')
    assert (made.body["name"], made.body["size"], len(fake.things.every)) == ("Rex", 4, 4)
    refused = fake.respond("POST", "/shops/north/pets", headers, b'{"size":4}')
    assert refused.status == 400


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^[a-z]([-a-z0-9]{0,3}|x+)[0-9]$", "minLength": 3},
        {"type": "string", "maxLength": 3},
        {"type": "integer", "exclusiveMinimum": 5, "maximum": 9},
        {"type": "integer", "multipleOf": 7, "minimum": 1},
        {"type": "number", "minimum": 0.2, "maximum": 0.4},
        {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "uniqueItems": True},
        {"type": "string", "format": "ipv6"},
        {"allOf": [an_object({"a": NUMBER}, "a"), an_object({"b": MAP}, "b")]},
        {"anyOf": [{"type": "null"}, an_object({"kind": {"const": "x"}}, "kind")]},
    ],
)
def test_values_are_made_that_a_schema_allows(schema: Any) -> None:
    described_alone = Described({"paths": {}})
    found = [Maker(described_alone, seed).valid(schema, REQUEST) for seed in range(20)]
    assert all(described_alone.is_valid(schema, value) for value in found)
    assert found == [Maker(described_alone, seed).valid(schema, REQUEST) for seed in range(20)]


def test_the_server_knows_nothing_of_the_engine() -> None:
    folder = Path(described.__file__).parent
    for file in (*folder.glob("described*.py"), folder / "made_values.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.startswith("reconciler") for name in names), file


def test_the_tables_say_what_fails_and_why() -> None:
    one = Verdict("/pets", fields={"size": "", "note": "refused"}, taken=4, is_patched=True)
    one.gaps = {"name": NAME, "key": UNSEEN}
    other = Verdict("/shops", fault="draft: no field can be set")
    lines = list(tables({"zoo": [one, other]}))
    assert "| zoo | 2 | 1 | 0 | 1 | 0 | 4 | 1 | 1 | 2 | 1 | 0 | 50 % |" in lines
    assert f"| {UNSEEN} | 1 | /pets key |" in lines
    assert "- /shops: draft: no field can be set" in lines
    assert "- /pets note: refused" in lines


def test_a_kind_without_an_update_is_replaced() -> None:
    create = an_object({"name": TEXT, "size": {"type": "integer"}}, "name")
    found = verdict_of(alone(create))
    assert (found.passes, found.fields) == (True, {"size": ""})
