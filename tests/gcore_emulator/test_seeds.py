from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gcore_emulator import Emulator, SeedError
from gcore_emulator.seeds import load_seed
from tests.gcore_emulator.kinds import BOX, KINDS, Kind
from tests.gcore_emulator.shapes import assert_key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gcore_emulator.conftest import Launcher

KEY = {"name": "web-key", "containers": []}
KNOWN = "caas, faas, inference, containers, functions, projects, regions"
FUNCTION_NAME = "functions.1/76: [0] name: must match ^[a-z][-a-z0-9]{0,24}[a-z0-9]$"

PROBLEMS: list[tuple[dict[str, Any], list[str]]] = [
    ({"keys": {}}, [f"keys: not one of {KNOWN}"]),
    ({"caas": []}, ["caas: must be an object whose members are scopes such as 1/76"]),
    ({"caas": {"1": []}}, ["caas.1: a scope is written PROJECT_ID/REGION_ID, such as 1/76"]),
    ({"caas": {"1/x": []}}, ["caas.1/x: a scope is written PROJECT_ID/REGION_ID, such as 1/76"]),
    ({"caas": {"1/76": {}}}, ["caas.1/76: must be a list of keys"]),
    ({"caas": {"1/76": ["web"]}}, ["caas.1/76[0]: must be an object"]),
    (
        {"caas": {"1/76": [KEY, {}]}},
        ["caas.1/76[1].containers: Field required", "caas.1/76[1].name: Field required"],
    ),
    ({"caas": {"1/76": [KEY, KEY]}}, ["caas.1/76[1].name: 'web-key' is there already"]),
    (
        {"caas": {"1/76": [KEY | {"expire": "soon"}]}},
        ["caas.1/76[0].expire: must be an RFC 3339 date-time with a zone"],
    ),
    (
        {"caas": {"1/76": [KEY | {"created_at": "soon"}]}},
        ["caas.1/76[0].created_at: must be an RFC 3339 date-time with a zone"],
    ),
    ({"caas": {"1/76": [KEY | {"created_at": None}]}}, ["caas.1/76[0].created_at: must be a string"]),
    ({"caas": {"1/76": [KEY | {"source": "other"}]}}, ["caas.1/76[0].source: must be one of cloud, iate"]),
    ({"caas": {"1/76": [KEY | {"source": []}]}}, ["caas.1/76[0].source: must be one of cloud, iate"]),
    ({"caas": {"1/76": [KEY | {"secret": "x"}]}}, ["caas.1/76[0].secret: unknown member"]),
    ({"caas": {"1/76": [KEY | {"description": None}]}}, ["caas.1/76[0].description: must be a string"]),
    ({"containers": {"1/76": ["web"]}}, ["containers.1/76: [0] must be an object"]),
    ({"containers": {"here": []}}, ["containers.here: must match ^[0-9]{1,18}(/[0-9]{1,18})*$"]),
    ({"inference": {"1/76": []}}, ["inference.1/76: a scope is written PROJECT_ID, such as 1"]),
    (
        {"faas": {"1/76": [KEY]}},
        ["faas.1/76[0].functions: Field required", "faas.1/76[0].containers: unknown member"],
    ),
    (
        {"inference": {"1": [{"name": "web-key", "status": "Active", "deployment_names": "llama"}]}},
        [
            "inference.1[0].deployment_names: must be a list of strings",
            "inference.1[0].status: unknown member",
        ],
    ),
    ({"inference": {"1": [{"name": "abc"}]}}, ["inference.1[0].name: must have at least 4 characters"]),
    ({"functions": {"1/76": [{"name": "Web", "namespace": "ns"}]}}, [FUNCTION_NAME]),
    (
        {"caas": {"1": [], "2": []}, "x": 1},
        [
            "caas.1: a scope is written PROJECT_ID/REGION_ID, such as 1/76",
            "caas.2: a scope is written PROJECT_ID/REGION_ID, such as 1/76",
            f"x: not one of {KNOWN}",
        ],
    ),
]


@pytest.mark.parametrize(("seed", "problems"), PROBLEMS)
def test_an_invalid_seed_is_refused_with_every_position_and_reason(
    seed: dict[str, Any], problems: list[str]
) -> None:
    with pytest.raises(SeedError) as caught:
        Emulator(seed=seed).__enter__()
    assert list(caught.value.problems) == problems
    assert str(caught.value) == "\n".join(problems)


def test_a_seeded_key_is_shown_as_written(start: Launcher) -> None:
    key = {
        "name": "Legacy.Key",
        "description": "made elsewhere",
        "expire": "2020-01-01T00:00:00Z",
        "is_disabled": True,
        "containers": [BOX],
        "created_at": "2019-01-01T00:00:00Z",
        "source": "iate",
    }
    shown = start(seed={"caas": {"1/76": [key]}}).read("Legacy.Key").json()
    assert_key(shown)
    assert shown == key | {"status": "Expired"}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_entries_of_a_list_of_any_kind_can_be_a_seed(start: Launcher, kind: Kind) -> None:
    api = start(kind=kind)
    api.create("web-key", **kind.created)
    api.create("other-key")
    results = api.page().json()["results"]
    again = start(kind=kind, seed={kind.name: {kind.label: results}})
    assert again.page(limit=1000).json()["results"] == results[::-1]


def test_a_seeded_key_has_the_defaults_of_a_created_one(start: Launcher) -> None:
    api = start(seed={"caas": {"1/76": [KEY]}})
    created = api.create("other").json()
    seeded = api.read("web-key").json()
    assert created == seeded | {"name": "other", "secret": created["secret"]}


def test_the_entries_of_a_list_can_be_a_seed(start: Launcher) -> None:
    api = start()
    api.create("web-key", expire="2027-01-31T00:00:00Z", containers=[BOX])
    results = api.page().json()["results"]
    assert start(seed={"caas": {"1/76": results}}).page().json()["results"] == results


def test_keys_are_listed_by_creation_time_whatever_their_source(start: Launcher) -> None:
    seed = {
        "caas": {
            "1/76": [KEY | {"name": "old", "created_at": "2019-01-01T00:00:00Z"}, KEY, KEY | {"name": "next"}]
        }
    }
    api = start(seed=seed)
    api.create("new")
    assert api.names() == ["new", "next", "web-key", "old"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[]", r"must be an object with a member for each family"),
        ("{", r"not JSON: Expecting property name .* line 1 column 2"),
        ('{"caas": {}, "caas": {}}', r"^caas: occurs more than once$"),
        ("[" * 100_000, r"not JSON: "),
    ],
)
def test_a_seed_file_that_is_not_a_json_object_is_refused(
    tmp_path: Path, content: str, complaint: str
) -> None:
    path = tmp_path / "seed.json"
    path.write_text(content)
    with pytest.raises(SeedError, match=complaint):
        load_seed(path)


def test_every_duplicate_member_in_a_seed_file_is_reported_with_its_position(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text(
        """{"caas": {
            "1/76": [{"name": "a", "name": "b", "containers": [{"name": "c", "namespace": "", "name": "d"}]}],
            "1/77": [], "1/77": [], "1/77": []
        }}"""
    )
    with pytest.raises(SeedError) as caught:
        load_seed(path)
    assert caught.value.problems == (
        "caas.1/77: occurs more than once",
        "caas.1/76[0].name: occurs more than once",
        "caas.1/76[0].containers[0].name: occurs more than once",
    )


def test_a_missing_seed_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"cannot be read: No such file or directory"):
        load_seed(tmp_path / "seed.json")
