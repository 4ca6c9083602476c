"""What others do to the keys: between two pages, after a PATCH, and instead of storing a field."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from gcore_emulator import Disturbance, Faults
from gcore_emulator.concurrent_writers import _other, _set_expiry
from gcore_emulator.faults import NO_FAULTS
from gcore_emulator.rules import Reference
from tests.gcore_emulator.conftest import KEYS, Api
from tests.gcore_emulator.kinds import BOX, FAAS, INFERENCE, KINDS, Kind
from tests.gcore_emulator.shapes import assert_invalid, assert_key

if TYPE_CHECKING:
    from gcore_emulator.rules import Value
    from tests.gcore_emulator.conftest import Launcher

NAMES = [f"key-{number}" for number in range(6)]
SEED = {"caas": {"1/76": [{"name": name, "containers": []} for name in NAMES]}}


def listed(api: Api, limit: int = 2) -> tuple[list[int], list[str]]:
    """List to the end, and return the counts that the pages reported and all the names."""
    counts: list[int] = []
    names: list[str] = []
    offset = 0
    while not counts or offset < counts[-1]:
        page = api.page(limit=limit, offset=offset).json()
        counts.append(page["count"])
        names += [key["name"] for key in page["results"]]
        offset += limit
    return counts, names


def test_a_key_is_added_between_two_pages_and_shifts_the_rest(start: Launcher) -> None:
    api = start(seed=SEED, faults=Faults(page_change=1))
    pages = [api.page(limit=3, offset=offset).json() for offset in (0, 3)]
    assert [page["count"] for page in pages] == [6, 7]
    first, second = ([key["name"] for key in page["results"]] for page in pages)
    assert first[-1] == second[0]
    assert [record.fault for record in api.emulator.requests] == [None, "page_change"]
    assert api.emulator.disturbances == (
        Disturbance(after=1, action="added", family="caas", scope="1/76", name="passing-7"),
    )
    assert_key(api.read("passing-7").json())


def test_an_added_key_is_removed_between_the_next_two_pages_so_that_one_is_missed(start: Launcher) -> None:
    api = start(seed=SEED, faults=Faults(page_change=1, max_in_a_row=0))
    pages = [api.page(limit=4, offset=offset).json() for offset in (0, 4, 0, 4)][2:]
    names = [key["name"] for page in pages for key in page["results"]]
    assert len(set(NAMES) - set(names)) == 1
    assert [entry.action for entry in api.emulator.disturbances] == ["added", "removed"]


def test_existing_keys_are_preserved_and_used_names_avoided(start: Launcher) -> None:
    seed = {"caas": {"1/76": [*SEED["caas"]["1/76"], {"name": "passing-8", "containers": []}]}}
    api = start(seed=seed, faults=Faults(page_change=1, max_in_a_row=0))
    for _ in range(5):
        listed(api)
    assert {*NAMES, "passing-8"} <= api.emulator.keys(1, 76).keys()
    assert api.emulator.disturbances[0].name == "passing-9"


def test_an_added_key_may_be_deleted_before_its_removal(start: Launcher) -> None:
    api = start(seed=SEED, faults=Faults(page_change=1))
    api.page(limit=3, offset=3)
    api.delete("passing-7")
    api.page(limit=3, offset=3)
    assert [entry.action for entry in api.emulator.disturbances] == ["added", "added"]


def test_a_repeated_listing_is_complete(start: Launcher) -> None:
    api = start(seed=SEED, faults=Faults(page_change=1, max_in_a_row=2))
    steady = [len(set(listed(api)[0])) == 1 for _ in range(6)]
    assert steady == [False, False, True] * 2
    assert api.emulator.injected["page_change"] == len(api.emulator.disturbances)


def test_a_refused_page_is_not_disturbed(start: Launcher) -> None:
    api = start(seed=SEED, faults=Faults(page_change=1))
    assert_invalid(api.page(limit=0, offset=3), "limit")
    assert not api.emulator.disturbances


def test_another_writer_changes_a_field_after_every_second_patch(start: Launcher) -> None:
    api = start(seed=SEED, faults=Faults(concurrent_write_every=2, seed=1))
    for name in NAMES:
        before = api.emulator.keys(1, 76)
        response = api.patch(name, description=name).json()
        assert response["description"] == name
        before[name] = response
        check_difference(before, api.emulator.keys(1, 76), api)
    assert [entry.after for entry in api.emulator.disturbances] == [2, 4, 6]
    assert api.emulator.injected["concurrent_write"] == 3
    assert {record.fault for record in api.emulator.requests} == {None}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_concurrent_writer_leaves_valid_keys_of_every_kind(start: Launcher, kind: Kind) -> None:
    seed = {kind.name: {kind.label: [{"name": name, **kind.minimal} for name in NAMES]}}
    api = start(kind=kind, seed=seed)
    for number in range(12):
        api.emulator.faults = Faults(concurrent_write_every=1, seed=number)
        for name in NAMES:
            api.patch(name, **kind.patched)
        api.emulator.faults = NO_FAULTS
        assert {key["name"]: key for key in api.page().json()["results"]} == api.live()
    changed = {entry.field for entry in api.emulator.disturbances}
    assert changed == kind.patched.keys()
    assert {entry.family for entry in api.emulator.disturbances} == {kind.name}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_keys_of_every_kind_are_added_and_removed_between_pages(start: Launcher, kind: Kind) -> None:
    seed = {kind.name: {kind.label: [{"name": name, **kind.minimal} for name in NAMES]}}
    api = start(kind=kind, seed=seed, faults=Faults(page_change=1, max_in_a_row=0))
    assert [listed(api)[0] for _ in range(2)] == [[6, 7, 6], [6, 7, 6]]
    assert [entry.action for entry in api.emulator.disturbances] == ["added", "removed"] * 2


@pytest.mark.parametrize(("kind", "field"), [(FAAS, "functions"), (INFERENCE, "description")], ids=str)
def test_a_field_of_any_kind_can_be_not_stored(start: Launcher, kind: Kind, field: str) -> None:
    api = start(kind=kind, faults=Faults(unstored=(field,)))
    before = api.create("web-key").json()[field]
    response = api.patch("web-key", **kind.patched)
    assert (response.status_code, response.json()[field]) == (200, before)
    assert api.emulator.injected["unstored"] == 1


def check_difference(before: dict[str, Any], after: dict[str, Any], api: Api) -> None:
    """Compare the live keys with what the latest PATCH and the writer's own record say."""
    latest = len(api.emulator.requests)
    for entry in api.emulator.disturbances:
        if entry.after == latest:
            assert entry.action == "changed"
            assert before[entry.name][entry.field] == entry.old != entry.new
            before[entry.name] = before[entry.name] | {entry.field: entry.new}
    assert after == before


def test_the_concurrent_writer_is_deterministic_for_a_seed(start: Launcher) -> None:
    runs = []
    for seed in (1, 1, 2):
        api = start(seed=SEED, faults=Faults(concurrent_write=0.5, seed=seed))
        for name in NAMES * 4:
            api.patch(name, is_disabled=True)
        runs.append(api.emulator.disturbances)
        assert 4 < len(runs[-1]) < 20
    assert runs[0] == runs[1] != runs[2]
    assert {entry.field for entry in runs[0]} <= {"description", "expire", "is_disabled", "containers"}


def test_the_concurrent_writer_needs_a_key(start: Launcher) -> None:
    api = start(faults=Faults(concurrent_write=1))
    api.patch("missing", description="new")
    assert not api.emulator.disturbances
    assert api.emulator.injected["concurrent_write"] == 0


def test_the_concurrent_writer_acts_after_a_failed_patch(start: Launcher) -> None:
    api = start(seed=SEED, faults=Faults(concurrent_write_every=1, status_500=1))
    api.page()
    api.patch("key-1", description="new")
    assert [entry.after for entry in api.emulator.disturbances] == [2]


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        "",
        "changed by another writer (3)",
        None,
        dt.datetime(2027, 1, 1, tzinfo=dt.UTC),
        (),
        (Reference("web", "space"),),
    ],
)
def test_the_concurrent_writer_always_changes_something(value: Value) -> None:
    changed = _other(value, 3)
    assert changed != value
    assert _other(changed, 3) != changed


def test_the_concurrent_writer_can_set_a_missing_expiry() -> None:
    now = dt.datetime(2026, 6, 1, 12, 0, 0, 250_000, tzinfo=dt.UTC)
    assert _set_expiry(now) == dt.datetime(2027, 6, 1, 12, tzinfo=dt.UTC)


OLD = {
    "description": "old",
    "expire": "2027-01-31T00:00:00Z",
    "is_disabled": True,
    "containers": [BOX],
}


@pytest.mark.parametrize(
    ("field", "new"),
    [("description", "new"), ("expire", None), ("is_disabled", False), ("containers", [])],
)
def test_a_field_not_stored_has_its_old_value_in_the_response(
    start: Launcher, field: str, new: object
) -> None:
    api = start(faults=Faults(unstored=(field,)))
    created = api.create("web-key", **OLD).json()
    assert {name: created[name] for name in OLD} == OLD
    response = api.patch("web-key", **{field: new})
    assert response.status_code == 200
    assert response.json()[field] == OLD[field] == api.read("web-key").json()[field]
    record = api.emulator.requests[1]
    assert (record.fault, record.effective, record.status) == ("unstored", True, 200)
    assert api.emulator.injected["unstored"] == 1


def test_other_fields_of_the_same_patch_are_stored(start: Launcher) -> None:
    api = start(faults=Faults(unstored=("expire",)))
    api.create("web-key", **OLD)
    response = api.patch("web-key", expire=None, description="new").json()
    assert (response["expire"], response["description"]) == (OLD["expire"], "new")
    api.patch("web-key", description="newer")
    assert [record.fault for record in api.emulator.requests] == [None, "unstored", None]


def test_a_field_not_stored_is_validated(start: Launcher) -> None:
    api = start(faults=Faults(unstored=("expire",)))
    api.create("web-key", **OLD)
    assert_invalid(api.patch("web-key", expire="soon"), "expire")
    assert api.client.patch(f"{KEYS}/web-key", content=b"[]").status_code == 400
    assert api.emulator.requests[-1].fault is None
    assert api.emulator.injected["unstored"] == 0


def test_a_replaced_response_hides_the_field_not_stored_in_the_log_only(start: Launcher) -> None:
    faults = Faults(unstored=("description",), wrong_content_type=1, methods=("PATCH",))
    api = start(seed=SEED, faults=faults)
    assert api.patch("key-1", description="new").json()["description"] == ""
    assert api.emulator.requests[-1].fault == "wrong_content_type"
    assert {name: count for name, count in api.emulator.injected.items() if count} == {
        "unstored": 1,
        "wrong_content_type": 1,
    }
