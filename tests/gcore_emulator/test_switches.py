"""Each open question of the API, in every setting; the first setting named is the default."""

from __future__ import annotations

import itertools
import random
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gcore_emulator import Switches
from tests.gcore_emulator.conftest import KEYS
from tests.gcore_emulator.kinds import BOX, CAAS, FAAS, INFERENCE, KINDS, Kind
from tests.gcore_emulator.shapes import assert_error, assert_invalid

if TYPE_CHECKING:
    from tests.gcore_emulator.conftest import Api, Launcher

BOXES = [{"name": f"box-{number}", "namespace": "space"} for number in range(20)]
KNOWN = {"containers": {"1/76": [BOX]}}


def test_the_defaults_are_the_more_likely_interpretations() -> None:
    assert Switches() == Switches(
        null_expire="clears",
        null_other="ignored",
        omitted_functions="400",
        short_names="400",
        order="created_at-desc",
        container_order="as-sent",
        limit_range="400",
        delete_bound="204",
        delete_missing="404",
        disabled_status="unchanged",
        past_expire="accepted",
        unknown_members="ignored",
        missing_container="accepted",
        absent_nulls="shown",
        project_names="exact",
        timestamps="z",
        unauthorized_body="documented",
        description_limit=None,
        random_seed=0,
    )


@pytest.mark.parametrize(("null_expire", "after"), [("clears", None), ("ignored", "2027-01-31T00:00:00Z")])
def test_null_expire(start: Launcher, null_expire: str, after: str | None) -> None:
    api = start(null_expire=null_expire)
    api.create("web-key", expire="2027-01-31T00:00:00Z")
    response = api.patch("web-key", expire=None)
    assert (response.status_code, response.json()["expire"]) == (200, after)


@pytest.mark.parametrize("field", ["expire", "description"])
@pytest.mark.parametrize("null_expire", ["clears", "ignored"])
def test_null_expire_applies_to_both_nullable_fields_of_a_faas_key(
    start: Launcher, null_expire: str, field: str
) -> None:
    api = start(kind=FAAS, null_expire=null_expire, null_other="400")
    before = api.create("web-key", **FAAS.created).json()[field]
    response = api.patch("web-key", functions=[], **{field: None}).json()
    assert response[field] == (None if null_expire == "clears" else before)


@pytest.mark.parametrize("omitted_functions", ["400", "accepted"])
def test_omitted_functions(start: Launcher, omitted_functions: str) -> None:
    api = start(kind=FAAS, omitted_functions=omitted_functions)
    api.create("web-key", functions=[BOX])
    response = api.patch("web-key", description="new")
    if omitted_functions == "400":
        complaints = assert_invalid(response, "functions")["invalid_fields"]
        assert complaints == {"functions": ["Field required"]}
    else:
        assert (response.json()["description"], response.json()["functions"]) == ("new", [BOX])


@pytest.mark.parametrize("field", ["description", "is_disabled", "containers"])
def test_null_other_ignored(start: Launcher, field: str) -> None:
    api = start(null_other="ignored")
    api.create("web-key", description="x", is_disabled=True, containers=[BOX])
    assert api.patch("web-key", **{field: None}).json() == api.read("web-key").json()
    assert api.read("web-key").json()[field]


@pytest.mark.parametrize("field", ["description", "is_disabled", "containers"])
def test_null_other_400(start: Launcher, field: str) -> None:
    api = start(null_other="400")
    api.create("web-key")
    assert_invalid(api.patch("web-key", **{field: None}), field)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize(("short_names", "served"), [("400", False), ("served", True)])
def test_short_names(start: Launcher, short_names: str, served: bool, method: str) -> None:  # noqa: FBT001 - a column of the table above
    api = start(short_names=short_names)
    api.create("ab")
    response = api.client.request(method, f"{KEYS}/ab", json={})
    assert response.is_success if served else assert_invalid(response, "key_name")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("short_names", ["400", "served"])
def test_short_names_applies_to_dotted_names_of_inference_keys(
    start: Launcher, short_names: str, method: str
) -> None:
    api = start(kind=INFERENCE, short_names=short_names)
    api.create("web.key")
    response = api.client.request(method, api.path("web.key"), json={})
    assert response.is_success if short_names == "served" else assert_invalid(response, "api_key_name")


def _filled(api: Api) -> list[str]:
    names = [f"key-{number:02}" for number in range(30)]
    for name in names:
        api.create(name)
        api.clock.advance(seconds=1)
    return names


def test_order_created_at_desc(start: Launcher) -> None:
    api = start(order="created_at-desc")
    names = _filled(api)
    assert api.names() == api.names() == names[::-1]


def test_order_random_is_a_new_order_for_each_listing(start: Launcher) -> None:
    api = start(order="random")
    names = _filled(api)
    first, second = api.names(), api.names()
    assert first != second
    assert sorted(first) == sorted(second) == names


def test_order_random_is_stable_over_the_pages_of_one_listing(start: Launcher) -> None:
    api = start(order="random")
    names = _filled(api)
    pages = [api.names(limit=10, offset=offset) for offset in (0, 10, 20)]
    assert sorted(itertools.chain(*pages)) == names


def test_order_random_is_deterministic_for_a_seed(start: Launcher) -> None:
    same, again, other = (start(order="random", random_seed=seed) for seed in (1, 1, 2))
    for api in (same, again, other):
        _filled(api)
    first = same.names()
    assert first == again.names()
    assert first != other.names()


def test_container_order_as_sent(start: Launcher) -> None:
    api = start(container_order="as-sent")
    mixed = random.Random(5).sample(BOXES, len(BOXES))  # noqa: S311 - an order for a test
    assert api.create("web-key", containers=mixed).json()["containers"] == mixed
    assert api.read("web-key").json()["containers"] == mixed


def test_container_order_shuffled_is_a_new_order_in_each_response(start: Launcher) -> None:
    api = start(container_order="shuffled")
    responses = [api.create("web-key", containers=BOXES), api.read("web-key"), api.patch("web-key")]
    orders = [[box["name"] for box in response.json()["containers"]] for response in responses]
    orders.append([box["name"] for box in api.page().json()["results"][0]["containers"]])
    assert len({tuple(order) for order in orders}) == 4
    assert all(sorted(order) == sorted(box["name"] for box in BOXES) for order in orders)


def test_container_order_shuffled_applies_to_functions(start: Launcher) -> None:
    api = start(kind=FAAS, container_order="shuffled")
    api.create("web-key", functions=BOXES)
    orders = {tuple(box["name"] for box in api.read("web-key").json()["functions"]) for _ in range(4)}
    assert len(orders) == 4


def test_order_random_applies_to_inference(start: Launcher) -> None:
    api = start(kind=INFERENCE, order="random")
    names = _filled(api)
    assert api.names() != api.names()
    assert sorted(api.names()) == names


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_limit_range_400(start: Launcher, limit: int) -> None:
    assert_invalid(start(limit_range="400").page(limit=limit), "limit")


@pytest.mark.parametrize(("limit", "size"), [(0, 1), (-1, 1), (1001, 3)])
def test_limit_range_clamp(start: Launcher, limit: int, size: int) -> None:
    api = start(limit_range="clamp")
    for name in ("one", "two", "three"):
        api.create(name)
    assert len(api.names(limit=limit)) == size


@pytest.mark.parametrize("delete_bound", ["204", "409"])
def test_delete_bound(start: Launcher, delete_bound: str) -> None:
    api = start(delete_bound=delete_bound)
    api.create("web-key", containers=[BOX])
    assert api.delete("web-key").status_code == int(delete_bound)
    assert api.page().json()["count"] == (delete_bound == "409")


def test_delete_bound_409_is_a_conflict_until_the_containers_are_removed(start: Launcher) -> None:
    api = start(delete_bound="409")
    api.create("web-key", containers=[BOX])
    assert_error(api.delete("web-key"), 409, "ConflictError")
    api.patch("web-key", containers=[])
    assert api.delete("web-key").status_code == 204


@pytest.mark.parametrize("delete_bound", ["204", "409"])
def test_delete_bound_applies_to_functions(start: Launcher, delete_bound: str) -> None:
    api = start(kind=FAAS, delete_bound=delete_bound)
    api.create("web-key", functions=[BOX])
    assert api.delete("web-key").status_code == int(delete_bound)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("delete_missing", ["404", "204"])
def test_delete_missing(start: Launcher, delete_missing: str, kind: Kind) -> None:
    api = start(kind=kind, delete_missing=delete_missing)
    api.create("web-key")
    assert [api.delete("web-key").status_code for _ in range(2)] == [204, int(delete_missing)]


@pytest.mark.parametrize(("disabled_status", "status"), [("unchanged", "Active"), ("disabled", "Disabled")])
def test_disabled_status(start: Launcher, disabled_status: str, status: str) -> None:
    api = start(disabled_status=disabled_status)
    assert api.create("web-key", is_disabled=True).json()["status"] == status
    assert api.page().json()["results"][0]["status"] == status
    assert api.patch("web-key", is_disabled=False).json()["status"] == "Active"


@pytest.mark.parametrize("expire", ["2020-01-01T00:00:00Z", "2026-06-01T12:00:00.25Z"])
def test_past_expire(start: Launcher, expire: str) -> None:
    assert start(past_expire="accepted").create("web-key", expire=expire).json()["status"] == "Expired"
    assert_invalid(start(past_expire="400").create("web-key", expire=expire), "expire")


@pytest.mark.parametrize(("kind", "field"), [(FAAS, "expire"), (INFERENCE, "expires_at")], ids=str)
def test_past_expire_applies_to_every_kind(start: Launcher, kind: Kind, field: str) -> None:
    past = {field: "2020-01-01T00:00:00Z"}
    assert start(kind=kind, past_expire="accepted").create("web-key", **past).status_code == 200
    assert_invalid(start(kind=kind, past_expire="400").create("web-key", **past), field)


def test_past_expire_400_lets_patch_set_a_past_one(start: Launcher) -> None:
    api = start(past_expire="400")
    api.create("web-key", expire="2027-01-31T00:00:00Z")
    assert api.patch("web-key", expire="2020-01-01T00:00:00Z").json()["status"] == "Expired"


UNKNOWN: dict[str, Any] = {
    "secret": "mine",
    "status": "Expired",
    "created_at": "x",
    "source": 5,
    "made_up": {},
}


def test_unknown_members_ignored(start: Launcher) -> None:
    api = start(unknown_members="ignored")
    created = api.create("web-key", **UNKNOWN).json()
    assert created["secret"] != "mine"
    assert (created["status"], created["source"]) == ("Active", "cloud")
    patched = api.patch("web-key", name="other", **UNKNOWN)
    assert (patched.status_code, patched.json()["name"]) == (200, "web-key")


def test_unknown_members_400(start: Launcher) -> None:
    api = start(unknown_members="400")
    assert_invalid(api.create("web-key", **UNKNOWN), *UNKNOWN)
    api.create("web-key")
    assert_invalid(api.patch("web-key", name="web-key", **UNKNOWN), "name", *UNKNOWN)
    assert api.patch("web-key", description="x").status_code == 200


def test_unknown_members_400_applies_to_list_items(start: Launcher) -> None:
    api = start(unknown_members="400")
    api.create("web-key")
    odd = [BOX, BOX | {"port": 80}, "box", {"name": "web", "image": ""}]
    for response in (api.create("new-key", containers=odd), api.patch("web-key", containers=odd)):
        assert assert_invalid(response, "containers")["invalid_fields"]["containers"] == [
            "[2] must be an object",
            "[3] namespace: Field required",
            "[1] port: unknown member",
            "[3] image: unknown member",
        ]
    assert_invalid(api.patch("web-key", containers=[BOX | {"port": 80}]), "containers")
    assert api.patch("web-key", containers=[BOX]).status_code == 200


def test_unknown_members_ignored_applies_to_list_items(start: Launcher) -> None:
    api = start(unknown_members="ignored")
    assert api.create("web-key", containers=[BOX | {"port": 80}]).json()["containers"] == [BOX]


def test_missing_container_accepted(start: Launcher) -> None:
    api = start(missing_container="accepted", seed=KNOWN)
    assert api.create("web-key", containers=BOXES).status_code == 200


@pytest.mark.parametrize("missing_container", ["400", "404"])
def test_missing_container_refused(start: Launcher, missing_container: str) -> None:
    api = start(missing_container=missing_container, seed=KNOWN)
    assert api.create("web-key", containers=[BOX]).status_code == 200
    for response in (
        api.create("new-key", containers=[BOX, BOXES[0]]),
        api.patch("web-key", containers=[BOXES[0]]),
        api.patch("web-key", containers=[BOX | {"namespace": "other"}]),
    ):
        if missing_container == "400":
            assert_invalid(response, "containers")
        else:
            assert_error(response, 404, "NotFoundError")
    assert list(api.emulator.keys(1, 76)) == ["web-key"]
    assert api.patch("web-key", description="x").status_code == 200


@pytest.mark.parametrize("missing_container", ["accepted", "400", "404"])
def test_missing_container_applies_to_functions(start: Launcher, missing_container: str) -> None:
    known = {"functions": {"1/76": [BOX]}, "containers": {"1/76": BOXES}}
    api = start(kind=FAAS, missing_container=missing_container, seed=known)
    assert api.create("web-key", functions=[BOX]).status_code == 200
    response = api.patch("web-key", functions=[BOXES[0]])
    if missing_container == "400":
        complaints = assert_invalid(response, "functions")["invalid_fields"]
        assert complaints == {"functions": ["no function space/box-0"]}
    elif missing_container == "404":
        message = assert_error(response, 404, "NotFoundError")["message"]
        assert message == "Function space/box-0 could not be found"
    else:
        assert response.status_code == 200


@pytest.mark.parametrize("absent_nulls", ["shown", "left-out"])
def test_absent_nulls(start: Launcher, absent_nulls: str) -> None:
    api = start(kind=FAAS, absent_nulls=absent_nulls)
    responses = [
        api.create("web-key").json(),
        api.read("web-key").json(),
        api.page().json()["results"][0],
        api.patch("web-key", functions=[], description="x").json(),
    ]
    shown = [("description" in response, "expire" in response) for response in responses]
    nulls = absent_nulls == "shown"
    assert shown == [(nulls, nulls)] * 3 + [(True, nulls)]


@pytest.mark.parametrize("absent_nulls", ["shown", "left-out"])
@pytest.mark.parametrize("kind", [CAAS, INFERENCE], ids=str)
def test_absent_nulls_does_not_apply_to_other_kinds(start: Launcher, kind: Kind, absent_nulls: str) -> None:
    created = start(kind=kind, absent_nulls=absent_nulls).create("web-key").json()
    assert created.keys() == {"name", "created_at", "secret", *kind.defaults}


@pytest.mark.parametrize(
    ("timestamps", "created_at", "expire"),
    [
        ("z", "2026-06-01T12:00:00Z", "2027-01-31T00:00:00Z"),
        ("naive", "2026-06-01T12:00:00", "2027-01-31T00:00:00"),
        ("offset", "2026-06-01T12:00:00+00:00", "2027-01-31T00:00:00+00:00"),
        ("compact", "2026-06-01T12:00:00+0000", "2027-01-31T00:00:00+0000"),
        ("fraction", "2026-06-01T12:00:00.250000Z", "2027-01-31T00:00:00.500000Z"),
    ],
)
def test_timestamps(start: Launcher, timestamps: str, created_at: str, expire: str) -> None:
    api = start(timestamps=timestamps)
    api.create("web-key", expire="2027-01-31T00:00:00.5Z")
    for key in (api.read("web-key").json(), api.page().json()["results"][0]):
        assert (key["created_at"], key["expire"]) == (created_at, expire)


def test_timestamps_apply_to_every_kind(start: Launcher) -> None:
    for kind, expiry in ((FAAS, "expire"), (INFERENCE, "expires_at")):
        api = start(kind=kind, timestamps="compact")
        api.create("web-key", **kind.created)
        key = api.read("web-key").json()
        assert (key["created_at"], key[expiry]) == ("2026-06-01T12:00:00+0000", "2027-01-31T00:00:00+0000")


@pytest.mark.parametrize("kind", [FAAS, INFERENCE], ids=str)
def test_description_limit_applies_to_every_kind(start: Launcher, kind: Kind) -> None:
    api = start(kind=kind, description_limit=3)
    assert_invalid(api.create("web-key", description="four"), "description")
    assert api.create("web-key", description=None if kind is FAAS else "abc").status_code == 200


def test_description_limit(start: Launcher) -> None:
    api = start(description_limit=3)
    assert api.create("web-key", description="żół").status_code == 200
    assert_invalid(api.patch("web-key", description="four"), "description")
    assert_invalid(api.create("new-key", description="four"), "description")
    assert start(description_limit=None).create("web-key", description="x" * 5000).status_code == 200


def test_unauthorized_body_documented(start: Launcher) -> None:
    response = httpx.get(start(unauthorized_body="documented").emulator.url + KEYS)
    assert_error(response, 401, "not_authenticated")


def test_unauthorized_body_detail(start: Launcher) -> None:
    response = httpx.get(start(unauthorized_body="detail").emulator.url + KEYS)
    assert response.status_code == 401
    assert response.json() == {
        "detail": "Authentication credentials were not provided.",
        "code": "not_authenticated",
    }


@pytest.mark.parametrize("seed", [0, 7])
def test_random_seed_decides_the_request_ids(start: Launcher, seed: int) -> None:
    first, again = (start(random_seed=seed).read("missing").json()["request_id"] for _ in range(2))
    assert first == again != start(random_seed=seed + 1).read("missing").json()["request_id"]
    assert re.fullmatch("[0-9a-f]{32}", first)
