from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gcore_emulator.conftest import KEYS
from tests.gcore_emulator.kinds import BOX
from tests.gcore_emulator.shapes import assert_created, assert_error, assert_invalid, assert_key, assert_page

if TYPE_CHECKING:
    from tests.gcore_emulator.conftest import Api, Launcher

EVERYTHING = {
    "description": "for the shop",
    "expire": "2027-01-31T00:00:00Z",
    "is_disabled": True,
    "containers": [BOX],
}


def test_create_returns_200_with_the_key_and_its_secret(api: Api) -> None:
    response = api.create("web-key", **EVERYTHING)
    assert response.status_code == 200
    assert_created(response.json())
    assert EVERYTHING.items() <= response.json().items()


def test_create_sets_defaults(api: Api) -> None:
    created = api.create("web-key").json()
    assert (created["description"], created["expire"], created["is_disabled"]) == ("", None, False)
    assert (created["source"], created["status"]) == ("cloud", "Active")
    assert created["created_at"] == "2026-06-01T12:00:00Z"


def test_the_secret_is_only_in_the_create_response(api: Api) -> None:
    secret = api.create("web-key").json()["secret"]
    later = [api.read("web-key"), api.page(), api.patch("web-key", description="x")]
    assert all(secret not in response.text for response in later)


def test_every_creation_returns_a_new_secret(api: Api) -> None:
    first = api.create("web-key").json()["secret"]
    api.delete("web-key")
    assert api.create("web-key").json()["secret"] != first


def test_a_repeated_run_returns_the_same_secrets(start: Launcher) -> None:
    assert start().create("web-key").json() == start().create("web-key").json()


def test_a_duplicate_name_is_a_conflict_and_changes_nothing(api: Api) -> None:
    api.create("web-key", description="first")
    assert_error(api.create("web-key", description="second"), 409, "ConflictError")
    assert api.read("web-key").json()["description"] == "first"


def test_the_same_name_is_free_in_another_region(api: Api) -> None:
    api.create("web-key")
    response = api.client.post("/cloud/v1/caas/keys/1/77", json={"name": "web-key", "containers": []})
    assert response.status_code == 200
    assert api.page().json()["count"] == 1


def test_read_returns_the_key_without_its_secret(api: Api) -> None:
    api.create("web-key", **EVERYTHING)
    response = api.read("web-key")
    assert response.status_code == 200
    assert_key(response.json())
    assert EVERYTHING.items() <= response.json().items()


def test_a_list_is_a_page_with_the_count_of_all(api: Api) -> None:
    for name in ("one", "two", "three"):
        api.create(name)
    page = api.page(limit=2).json()
    assert_page(page)
    assert (page["count"], len(page["results"])) == (3, 2)


def test_an_unused_scope_is_an_empty_list(api: Api) -> None:
    assert api.client.get("/cloud/v1/caas/keys/5/6").json() == {"count": 0, "results": []}


@pytest.mark.parametrize("field", sorted(EVERYTHING))
def test_patch_changes_only_the_given_fields(api: Api, field: str) -> None:
    before = api.create("web-key").json()
    del before["secret"]
    response = api.patch("web-key", **{field: EVERYTHING[field]})
    assert response.status_code == 200
    assert_key(response.json())
    assert response.json() == before | {field: EVERYTHING[field]} == api.read("web-key").json()


def test_an_empty_patch_changes_nothing(api: Api) -> None:
    api.create("web-key", **EVERYTHING)
    assert api.patch("web-key").json() == api.read("web-key").json()


def test_a_patched_list_replaces_the_entire_list(api: Api) -> None:
    api.create("web-key", containers=[BOX, {"name": "shop", "namespace": "space"}])
    assert api.patch("web-key", containers=[]).json()["containers"] == []


def test_an_instant_is_shown_in_utc_with_whole_seconds(api: Api) -> None:
    created = api.create("web-key", expire="2027-01-31t02:00:00.999+02:00").json()
    assert created["expire"] == "2027-01-31T00:00:00Z"


def test_a_key_expires_at_its_expiry_time(api: Api) -> None:
    api.create("web-key", expire="2026-06-01T12:00:01.25Z")
    statuses = []
    for _ in range(3):
        statuses.append((api.read("web-key").json()["status"], api.page().json()["results"][0]["status"]))
        api.clock.advance(seconds=0.5)
    assert statuses == [("Active", "Active"), ("Active", "Active"), ("Expired", "Expired")]


def test_a_later_expiry_makes_an_expired_key_active_again(api: Api) -> None:
    assert api.create("web-key", expire="2020-01-01T00:00:00Z").json()["status"] == "Expired"
    assert api.patch("web-key", expire="2030-01-01T00:00:00Z").json()["status"] == "Active"


def test_delete_returns_204_without_a_body(api: Api) -> None:
    api.create("web-key")
    response = api.delete("web-key")
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    assert api.page().json()["count"] == 0


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_missing_key_is_not_found(api: Api, method: str) -> None:
    response = api.client.request(method, f"{KEYS}/missing", json={})
    assert_error(response, 404, "NotFoundError")


@pytest.mark.parametrize(
    "text", ["", "a\x00b", "\ud800", 'quote " slash \\ line\nend', "żółw 🐢", "x" * 70_000]
)
def test_every_string_is_preserved_as_a_description(api: Api, text: str) -> None:
    body = '{"name": "web-key", "containers": [], "description": ' + json_text(text) + "}"
    api.client.post(KEYS, content=body)
    assert api.read("web-key").json()["description"] == text


def json_text(text: str) -> str:
    return '"' + "".join(f"\\u{unit:04x}" for unit in utf16_units(text)) + '"'


def utf16_units(text: str) -> list[int]:
    raw = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[index : index + 2]) for index in range(0, len(raw), 2)]


PAGES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["key-4", "key-3", "key-2", "key-1", "key-0"]),
    ({"limit": 2}, ["key-4", "key-3"]),
    ({"limit": 2, "offset": 2}, ["key-2", "key-1"]),
    ({"limit": 2, "offset": 4}, ["key-0"]),
    ({"offset": 5}, []),
    ({"limit": 1000, "offset": 10**17}, []),
    ({"unknown": "x"}, ["key-4", "key-3", "key-2", "key-1", "key-0"]),
]


@pytest.mark.parametrize(("query", "names"), PAGES)
def test_pages_divide_the_list_newest_first(api: Api, query: dict[str, Any], names: list[str]) -> None:
    for number in range(5):
        api.create(f"key-{number}")
    assert api.names(**query) == names
    assert api.page(**query).json()["count"] == 5


def test_a_page_has_1000_keys_by_default(start: Launcher) -> None:
    api = start(seed={"caas": {"1/76": [{"name": f"key-{n}", "containers": []} for n in range(1001)]}})
    assert (len(api.names()), len(api.names(offset=1000))) == (1000, 1)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"limit": "ten"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"limit": "9" * 19}, "limit"),
        ({"offset": "ten"}, "offset"),
        ({"offset": -1}, "offset"),
    ],
)
def test_an_invalid_page_parameter_is_named(api: Api, query: dict[str, Any], parameter: str) -> None:
    assert_invalid(api.page(**query), parameter)
