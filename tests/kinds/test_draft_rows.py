"""Lists whose items are not described, while something else describes one."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import DescriptionError
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.draft import draft
from tests.kinds.descriptions import PET, PETS, ROW, TEXT, an_object, content, pets
from tests.kinds.test_drafts import drafted, noted

BARE: dict[str, Any] = {"type": "object"}
LISTED = an_object({"result": {"type": "array", "items": BARE}, "success": {"type": "boolean"}})
ONE = an_object({"result": BARE, "success": {"type": "boolean"}})
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
    assert noted(made, f"rows: no response describes a key, so that the body of PUT {PET} is taken")


@pytest.mark.parametrize(
    "description",
    [
        bare(),
        bare(create=an_object({"name": TEXT}), created=an_object({"result": an_object({"token": TEXT})})),
    ],
)
def test_what_is_no_whole_item_describes_no_rows(description: Any) -> None:
    with pytest.raises(DescriptionError, match="are not described, and neither is one of them"):
        draft(description, PETS)
