"""Whether a kind with names can be written for a collection, by what its description says."""

from __future__ import annotations

from typing import Any

import pytest

from expressible import Group, Verdict, verdict_of
from tests.kinds.descriptions import PET, PETS, TEXT, an_object, pets
from tests.kinds.test_draft_without_update import alone

NUMBER = {"type": "integer"}
BARE = {"id": TEXT, "size": NUMBER}
NAMED = {"id": TEXT, "name": TEXT}
SPEC = an_object({"colour": TEXT})
MAP = {"type": "object", "additionalProperties": TEXT}
RED = {"type": "string", "enum": ["red"]}
NAMELESS = "rows show no text that a request takes, beside what else an update sets"
TIME = {"type": "string", "format": "date-time"}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "name"),
        ({"row": BARE | {"colour": TEXT}, "body": {"size": NUMBER, "colour": TEXT}}, "colour"),
        ({"row": BARE | {"colour": TEXT}, "create": an_object({"colour": TEXT})}, "colour"),
        (
            {
                "row": BARE | {"spec": an_object({"colour": TEXT})},
                "create": an_object({"spec": an_object({"colour": TEXT})}),
            },
            "spec.colour",
        ),
        ({"row": BARE | {"priority": NUMBER}, "body": {"size": NUMBER, "priority": NUMBER}}, "priority"),
        ({"row": BARE | {"shop_id": NUMBER}, "create": an_object({"shop_id": NUMBER})}, "shop_id"),
        (
            {"row": NAMED, "body": {"name": TEXT}, "create": an_object({"name": TEXT})},
            None,
        ),
        ({"row": BARE | {"labels": MAP}, "create": an_object({"labels": MAP})}, "labels.name"),
        ({"row": BARE | {"labels": {**MAP, "readOnly": True}}, "create": an_object({"labels": MAP})}, None),
        ({"row": BARE | {"labels": MAP}, "body": {"size": NUMBER, "labels": MAP}}, None),
        ({"row": BARE | {"labels": MAP}, "create": an_object({"labels": an_object({"a": TEXT})})}, None),
        ({"row": BARE}, None),
        ({"row": BARE, "create": an_object({"id": TEXT})}, None),
        ({"row": BARE | {"colour": TEXT}}, None),
        ({"row": BARE | {"colour": TEXT}, "body": {"colour": TEXT}}, None),
        ({"row": NAMED, "body": {"name": TEXT}}, None),
        (
            {
                "row": BARE | {"colour": RED},
                "create": an_object({"colour": TEXT}),
            },
            None,
        ),
        ({"row": BARE | {"at": TIME}, "create": an_object({"at": TIME})}, None),
        ({"row": BARE | {"delay": NUMBER}, "create": an_object({"delay": NUMBER})}, None),
    ],
)
def test_people_write_the_name_that_a_request_takes(changes: Any, name: str | None) -> None:
    assert verdict_of(pets(**changes), PETS, PET).name == name


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"row": BARE}, Verdict(Group.NAMELESS, reason=NAMELESS)),
        (
            {"row": NAMED, "body": {"name": TEXT}, "create": an_object({"name": TEXT})},
            Verdict(Group.LACKING, reason="an update sets the name alone, and no DELETE is described"),
        ),
        (
            {"body": {"colour": TEXT}},
            Verdict(
                Group.LACKING,
                reason="no field can be set: an operation takes …, but the listing returns none of these"
                " except the identity",
            ),
        ),
        (
            {"body": {"type": "string"}},
            Verdict(Group.LACKING, reason="the body of an operation is not an object"),
        ),
        (
            {"body": {"type": "object"}},
            Verdict(Group.UNDESCRIBED, reason="the body of an operation is not an object with properties"),
        ),
        (
            {"listed": an_object({"result": {"type": "array", "items": {}}}), "one": {}},
            Verdict(
                Group.UNDESCRIBED,
                reason="the items of an operation are not described, and no operation describes"
                " a single item",
            ),
        ),
    ],
)
def test_what_is_not_expressible_has_a_reason(changes: Any, verdict: Verdict) -> None:
    assert verdict_of(pets(**changes), PETS, PET) == verdict


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "name"),
        ({"row": BARE | {"colour": TEXT}, "create": an_object({"colour": TEXT})}, "colour"),
        ({"row": BARE, "create": an_object({"size": NUMBER})}, None),
    ],
)
def test_what_is_created_and_deleted_alone_is_expressible(changes: Any, name: str | None) -> None:
    found = verdict_of(alone(**changes), PETS, PET)
    assert (found.name, found.group is Group.FIXED) == (name, name is not None)


def test_a_name_that_people_bring_in_a_map_is_told_from_others() -> None:
    row = BARE | {"labels": MAP}
    create = an_object({"labels": MAP})
    assert verdict_of(pets(row=row, create=create), PETS, PET) == Verdict(Group.MAP, "labels.name")
    named = pets(row=row | {"colour": TEXT}, create=an_object({"labels": MAP, "colour": TEXT}))
    assert verdict_of(named, PETS, PET) == Verdict(Group.OTHER, "colour")
