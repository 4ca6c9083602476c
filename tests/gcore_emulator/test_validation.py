from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gcore_emulator.conftest import KEYS
from tests.gcore_emulator.kinds import BOX
from tests.gcore_emulator.shapes import assert_error, assert_invalid

if TYPE_CHECKING:
    from tests.gcore_emulator.conftest import Api

BAD_NAMES = [
    "",
    "a",
    "Ab",
    "1ab",
    "ab-",
    "-ab",
    "a_b",
    "a.b",
    "a" * 65,
    "ab\n",
    "żółw",
    5,
    True,
    None,
    ["ab"],
]
GOOD_NAMES = ["ab", "a1", "a-b", "a--b", "a" * 64]

BAD_VALUES: list[tuple[str, Any]] = [
    ("description", 5),
    ("description", ["x"]),
    ("is_disabled", "true"),
    ("is_disabled", 0),
    ("expire", 1_900_000_000),
    ("expire", ""),
    ("expire", "never"),
    ("expire", "2027-01-31"),
    ("expire", "2027-01-31T00:00:00"),
    ("expire", "2027-01-31 00:00:00Z"),
    ("expire", "2027-02-30T00:00:00Z"),
    ("expire", "2027-01-31T24:00:00Z"),
    ("expire", "2027-01-31T00:00:60Z"),
    ("expire", "2027-01-31T00:00:00+24:00"),
    ("expire", "2027-01-31T00:00:00+0200"),
    ("expire", "0001-01-01T00:00:00+14:00"),
    ("expire", "٢٠٢٧-01-31T00:00:00Z"),
    ("containers", {}),
    ("containers", "web"),
    ("containers", ["web"]),
    ("containers", [None]),
    ("containers", [{"name": "web"}]),
    ("containers", [{"namespace": "space"}]),
    ("containers", [BOX | {"name": "Web"}]),
    ("containers", [BOX | {"name": None}]),
    ("containers", [BOX | {"namespace": 5}]),
]
UNREADABLE = [b"", b"{", b"\xff", b"[" * 100_000, b'{"a": NaN}', b"\x00", b"{} {}"]
NOT_OBJECTS = [b"null", b"[]", b'"text"', b"5", b"true"]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_create_accepts_a_name_of_the_published_pattern(api: Api, name: str) -> None:
    assert api.create(name).status_code == 200


@pytest.mark.parametrize("name", BAD_NAMES)
def test_create_refuses_any_other_name(api: Api, name: object) -> None:
    assert_invalid(api.client.post(KEYS, json={"name": name, "containers": []}), "name")


def test_create_names_every_missing_member_at_once(api: Api) -> None:
    document = assert_invalid(api.client.post(KEYS, json={}), "name", "containers")
    assert document["invalid_fields"] == {"name": ["Field required"], "containers": ["Field required"]}


@pytest.mark.parametrize(("field", "value"), BAD_VALUES)
def test_create_refuses_a_value_of_the_wrong_form(api: Api, field: str, value: object) -> None:
    assert_invalid(api.create("web-key", **{field: value}), field)
    assert api.emulator.keys(1, 76) == {}


@pytest.mark.parametrize(("field", "value"), BAD_VALUES)
def test_patch_refuses_a_value_of_the_wrong_form(api: Api, field: str, value: object) -> None:
    before = api.create("web-key").json()
    assert_invalid(
        api.patch("web-key", description="new", **{field: value})
        if field != "description"
        else api.patch("web-key", is_disabled=True, description=value),
        field,
    )
    assert api.read("web-key").json().items() <= before.items()


@pytest.mark.parametrize("field", ["description", "is_disabled", "containers"])
def test_create_refuses_null_where_the_schema_does(api: Api, field: str) -> None:
    assert_invalid(api.create("web-key", **{field: None}), field)


def test_create_accepts_null_for_a_key_that_never_expires(api: Api) -> None:
    assert api.create("web-key", expire=None).json()["expire"] is None


def test_each_invalid_container_has_its_own_message(api: Api) -> None:
    document = assert_invalid(api.create("web-key", containers=[BOX, {}, 5]), "containers")
    assert document["invalid_fields"]["containers"] == [
        "[1] name: Field required",
        "[1] namespace: Field required",
        "[2] must be an object",
    ]


@pytest.mark.parametrize("body", UNREADABLE + NOT_OBJECTS)
@pytest.mark.parametrize(("method", "path"), [("POST", KEYS), ("PATCH", f"{KEYS}/web-key")])
def test_a_body_that_is_not_an_object_is_refused(api: Api, method: str, path: str, body: bytes) -> None:
    api.create("web-key")
    assert_invalid(api.client.request(method, path, content=body))


@pytest.mark.parametrize("name", ["ab", "a", "-ab", "ab-", "a_b", "a%0A", "abc%0A", "%C5%BC%C3%B3%C5%82w"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_path_name_that_does_not_match_its_pattern_is_refused(api: Api, method: str, name: str) -> None:
    assert_invalid(api.client.request(method, f"{KEYS}/{name}", json={}), "key_name")


@pytest.mark.parametrize("name", ["Abc", "a.b", "1ab", "a" * 200])
def test_a_path_accepts_names_that_create_refuses(api: Api, name: str) -> None:
    assert_error(api.read(name), 404, "NotFoundError")


@pytest.mark.parametrize(
    ("scope", "parameters"),
    [
        ("one/76", ["project_id"]),
        ("1/luxembourg", ["region_id"]),
        ("a/b", ["project_id", "region_id"]),
        ("1.5/76", ["project_id"]),
        ("٣/76", ["project_id"]),
        ("1/" + "9" * 5000, ["region_id"]),
    ],
)
def test_project_and_region_must_be_integers(api: Api, scope: str, parameters: list[str]) -> None:
    assert_invalid(api.client.get(f"/cloud/v1/caas/keys/{scope}"), *parameters)
    assert_invalid(api.client.get(f"/cloud/v1/caas/keys/{scope}/web-key"), *parameters)
