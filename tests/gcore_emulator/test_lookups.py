"""The lists of projects and of regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gcore_emulator import Emulator, SeedError
from tests.gcore_emulator.shapes import assert_error, assert_invalid

if TYPE_CHECKING:
    from tests.gcore_emulator.conftest import Api, Launcher

PROJECTS, REGIONS = "/cloud/v1/projects", "/cloud/v1/regions"
SEED = {
    "projects": [
        {"id": 1, "name": "Default", "is_default": True, "created_at": "2019-12-31T23:59:59"},
        {"id": 2, "name": "shop", "created_at": "2021-01-01T00:00:00"},
        {"id": 3, "name": "shop-test", "description": "for tests", "created_at": "2020-01-01T00:00:00"},
        {"id": 4, "name": "gone", "created_at": "2018-01-01T00:00:00", "deleted_at": "2019-01-01T00:00:00Z"},
    ],
    "regions": [
        {"id": 76, "display_name": "Luxembourg-2", "created_at": "2019-01-01T00:00:00"},
        {
            "id": 6,
            "display_name": "Manassas",
            "products": ["containers"],
            "created_at": "2020-01-01T00:00:00",
        },
        {
            "id": 10,
            "display_name": "Newport",
            "products": [],
            "available_volume_types": ["cold"],
            "created_at": "2018-01-01T00:00:00",
        },
    ],
}

FOUND: list[tuple[str, dict[str, Any], list[int]]] = [
    (PROJECTS, {}, [2, 3, 1]),
    (PROJECTS, {"include_deleted": "false"}, [2, 3, 1]),
    (PROJECTS, {"include_deleted": "True"}, [2, 3, 1, 4]),
    (PROJECTS, {"name": "shop"}, [2]),
    (PROJECTS, {"name": "gone"}, []),
    (PROJECTS, {"name": "gone", "include_deleted": "true"}, [4]),
    (PROJECTS, {"order_by": "created_at.asc"}, [1, 3, 2]),
    (PROJECTS, {"order_by": "name.asc"}, [1, 2, 3]),
    (PROJECTS, {"order_by": "name.desc", "limit": 1, "offset": 1}, [2]),
    (REGIONS, {}, [6, 76, 10]),
    (REGIONS, {"display_name": "luxembourg-2"}, [76]),
    (REGIONS, {"display_name": "luxembourg"}, []),
    (REGIONS, {"product": "containers"}, [6, 76]),
    (REGIONS, {"product": "inference"}, [76]),
    (REGIONS, {"order_by": "display_name.asc"}, [76, 6, 10]),
    (REGIONS, {"order_by": "created_at.asc", "limit": 2}, [10, 76]),
    (REGIONS, {"unknown": "x"}, [6, 76, 10]),
]


@pytest.fixture
def api(start: Launcher) -> Api:
    """An emulator with four projects, one of them deleted, and three regions."""
    return start(seed=SEED)


@pytest.mark.parametrize(("path", "query", "ids"), FOUND)
def test_a_list_is_filtered_by_its_parameters(
    api: Api, path: str, query: dict[str, Any], ids: list[int]
) -> None:
    page = api.client.get(path, params=query).json()
    assert [item["id"] for item in page["results"]] == ids
    assert page["count"] >= len(ids)


def test_project_names_partial_finds_parts_of_names(start: Launcher) -> None:
    page = start(seed=SEED, project_names="partial").client.get(PROJECTS, params={"name": "shop"}).json()
    assert [project["name"] for project in page["results"]] == ["shop", "shop-test"]


def test_a_page_has_100_items_and_the_count_covers_all_pages(start: Launcher) -> None:
    api = start(seed={"projects": [{"id": number, "name": f"p-{number}"} for number in range(101)]})
    page = api.client.get(PROJECTS).json()
    assert (page["count"], len(page["results"])) == (101, 100)


def test_timestamps_have_no_zone(api: Api) -> None:
    gone = api.client.get(PROJECTS, params={"include_deleted": "true"}).json()["results"][-1]
    assert (gone["created_at"], gone["deleted_at"]) == ("2018-01-01T00:00:00", "2019-01-01T00:00:00")
    region = api.client.get(REGIONS).json()["results"][0]
    assert region["created_at"] == region["created_on"] == "2020-01-01T00:00:00"


def test_null_volume_types_are_replaced_only_on_request(api: Api) -> None:
    reported = [
        {
            item["id"]: item["available_volume_types"]
            for item in api.client.get(REGIONS, params=query).json()["results"]
        }
        for query in ({}, {"show_volume_types": "true"})
    ]
    assert reported[0] == {6: None, 76: None, 10: ["cold"]}
    assert reported[1][10] == ["cold"]
    assert reported[1][6]


def test_region_capabilities_are_not_shown(api: Api) -> None:
    assert "products" not in api.client.get(REGIONS).json()["results"][0]


REFUSED: list[tuple[str, dict[str, Any]]] = [
    *(
        (path, query)
        for path in (PROJECTS, REGIONS)
        for query in ({"limit": 0}, {"limit": 1001}, {"offset": -1})
    ),
    (PROJECTS, {"include_deleted": "maybe"}),
    (PROJECTS, {"order_by": "id.asc"}),
    (REGIONS, {"product": "dns"}),
    (REGIONS, {"show_volume_types": "1.0"}),
    (REGIONS, {"order_by": "name.asc"}),
]


@pytest.mark.parametrize(("path", "query"), REFUSED)
def test_a_parameter_outside_its_schema_is_refused_by_name(
    api: Api, path: str, query: dict[str, Any]
) -> None:
    assert_invalid(api.client.get(path, params=query), *query)


@pytest.mark.parametrize("path", [PROJECTS, REGIONS])
def test_the_lists_require_the_token_and_accept_only_get(api: Api, path: str) -> None:
    assert_error(httpx.get(api.emulator.url + path), 401, "not_authenticated")
    response = api.client.post(path, json={})
    assert_error(response, 405, "HTTPError")
    assert response.headers["allow"] == "GET"


def test_without_a_seed_both_lists_are_empty_and_every_number_has_keys(start: Launcher) -> None:
    api = start()
    assert api.client.get(PROJECTS).json() == api.client.get(REGIONS).json() == {"count": 0, "results": []}
    assert api.create("web-key").status_code == 200


def test_put_creates_and_replaces_entries_without_the_api(start: Launcher) -> None:
    api = start()
    api.emulator.put_project({"id": 7, "name": "shop"})
    api.emulator.put_region({"id": 76, "display_name": "Luxembourg 2", "state": "MAINTENANCE"})
    (project,), (region,) = (api.client.get(path).json()["results"] for path in (PROJECTS, REGIONS))
    assert (project["name"], project["created_at"]) == ("shop", "2026-06-01T12:00:00")
    assert (region["slug"], region["state"]) == ("luxembourg-2", "MAINTENANCE")
    api.emulator.put_project({"id": 7, "name": "renamed"})
    assert [item["name"] for item in api.client.get(PROJECTS).json()["results"]] == ["renamed"]


STATES = "ACTIVE, DELETED, DELETING, DELETION_FAILED, INACTIVE, MAINTENANCE, NEW"
PROBLEMS: list[tuple[dict[str, Any], list[str]]] = [
    ({"projects": {}}, ["projects: must be a list"]),
    ({"projects": [5]}, ["projects[0]: must be an object"]),
    ({"projects": [{}]}, ["projects[0].id: Field required", "projects[0].name: Field required"]),
    ({"projects": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, ["projects[1].id: 1 is there already"]),
    (
        {"projects": [{"id": True, "name": 5}]},
        ["projects[0].id: must be an integer", "projects[0].name: must be a string"],
    ),
    ({"projects": [{"id": 1, "name": "a", "slug": "a"}]}, ["projects[0].slug: unknown member"]),
    (
        {"projects": [{"id": 1, "name": "a", "created_at": "x"}]},
        ["projects[0].created_at: must be an ISO 8601 date and time"],
    ),
    (
        {"regions": [{"id": 1, "display_name": "a", "state": "OLD"}]},
        [f"regions[0].state: must be one of {STATES}"],
    ),
    (
        {"regions": [{"id": 1, "display_name": "a", "products": ["dns"]}]},
        ["regions[0].products: must be one of containers, inference"],
    ),
    (
        {"regions": [{"id": 1, "display_name": "a", "coordinates": {"latitude": 1}}]},
        ["regions[0].coordinates: must be an object with latitude and longitude"],
    ),
    (
        {"regions": [{"id": 1, "display_name": "a", "available_volume_types": [5]}]},
        ["regions[0].available_volume_types: must be a list of strings"],
    ),
]


@pytest.mark.parametrize(("seed", "problems"), PROBLEMS)
def test_an_invalid_seed_entry_is_refused_with_position_and_reason(
    seed: dict[str, Any], problems: list[str]
) -> None:
    with pytest.raises(SeedError) as caught:
        Emulator(seed=seed).__enter__()
    assert list(caught.value.problems) == problems


def test_put_refuses_an_invalid_project(start: Launcher) -> None:
    with pytest.raises(SeedError, match=r"project\.name: Field required"):
        start().emulator.put_project({"id": 1})


def test_a_region_with_every_member_is_shown_as_written(start: Launcher) -> None:
    api = start(seed=SEED)
    shown = api.client.get(REGIONS).json()["results"][0] | {
        "coordinates": {"latitude": 41.4, "longitude": "2.1"}
    }
    other = start(seed={"regions": [shown]})
    assert other.client.get(REGIONS).json()["results"] == [shown]
