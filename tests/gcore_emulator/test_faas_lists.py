"""The parameters that only the list of function keys takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gcore_emulator.kinds import CAAS, FAAS, INFERENCE, Kind
from tests.gcore_emulator.shapes import assert_invalid

if TYPE_CHECKING:
    from tests.gcore_emulator.conftest import Api, Launcher

KEYS: list[dict[str, Any]] = [
    {"name": "old-shop", "created_at": "2020-01-01T00:00:00Z", "expire": "2026-06-01T12:00:00Z"},
    {"name": "day-shop", "created_at": "2021-01-01T00:00:00Z", "expire": "2026-06-02T12:00:00Z"},
    {"name": "bot", "created_at": "2022-01-01T00:00:00Z", "expire": None},
    {"name": "week", "created_at": "2023-01-01T00:00:00Z", "expire": "2026-06-08T12:00:00Z"},
]
SEED = {"faas": {"1/76": [key | {"functions": []} for key in KEYS]}}

FOUND: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["week", "bot", "day-shop", "old-shop"]),
    ({"order_by": "created_at.desc"}, ["week", "bot", "day-shop", "old-shop"]),
    ({"order_by": "created_at.asc"}, ["old-shop", "day-shop", "bot", "week"]),
    ({"order_by": "name.asc"}, ["bot", "day-shop", "old-shop", "week"]),
    ({"order_by": "name.desc"}, ["week", "old-shop", "day-shop", "bot"]),
    ({"order_by": "expire.asc"}, ["old-shop", "day-shop", "week", "bot"]),
    ({"order_by": "expire.desc"}, ["bot", "week", "day-shop", "old-shop"]),
    ({"search": "shop"}, ["day-shop", "old-shop"]),
    ({"search": "-"}, ["day-shop", "old-shop"]),
    ({"search": "none"}, []),
    ({"expire_in": 1}, ["day-shop"]),
    ({"expire_in": 7}, ["week", "day-shop"]),
    ({"expire_in": 10**17}, ["week", "day-shop"]),
    ({"expire_in": 7, "search": "shop"}, ["day-shop"]),
    ({"search": "shop", "order_by": "name.desc", "limit": 1}, ["old-shop"]),
    ({"search": "shop", "order_by": "name.desc", "limit": 1, "offset": 1}, ["day-shop"]),
]


@pytest.fixture
def api(start: Launcher) -> Api:
    """An emulator with keys of every age; it is one day before the second of them expires."""
    return start(kind=FAAS, seed=SEED)


@pytest.mark.parametrize(("query", "names"), FOUND)
def test_a_list_is_filtered_by_its_parameters(api: Api, query: dict[str, Any], names: list[str]) -> None:
    assert api.names(**query) == names


def test_the_count_covers_all_pages_of_the_filtered_list(api: Api) -> None:
    assert api.page(search="shop", limit=1).json()["count"] == 2
    assert api.page(limit=1).json()["count"] == 4


REFUSED = [
    {"expire_in": 0},
    {"expire_in": "soon"},
    {"search": ""},
    {"search": "Shop"},
    {"search": "a" * 27},
    {"order_by": "name"},
    {"order_by": "status.asc"},
    {"order_by": "name.asc,expire.asc"},
]


@pytest.mark.parametrize("query", REFUSED)
def test_a_parameter_outside_its_schema_is_refused_by_name(api: Api, query: dict[str, Any]) -> None:
    assert_invalid(api.page(**query), *query)


def test_every_invalid_parameter_is_reported(api: Api) -> None:
    query = {"limit": 0, "offset": -1, "expire_in": 0, "search": "", "order_by": "x"}
    assert_invalid(api.page(**query), *query)


@pytest.mark.parametrize("kind", [CAAS, INFERENCE], ids=str)
def test_other_kinds_have_no_such_parameters_and_ignore_them(start: Launcher, kind: Kind) -> None:
    api = start(kind=kind)
    api.create("web-key")
    assert api.names(expire_in=0, search="", order_by="x") == ["web-key"]


def test_the_order_parameter_takes_precedence_over_the_random_order(start: Launcher) -> None:
    api = start(kind=FAAS, seed=SEED, order="random")
    assert {tuple(api.names()) for _ in range(20)} == {("week", "bot", "day-shop", "old-shop")}
