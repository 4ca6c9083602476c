"""The five operations for every kind of key; what is specific to one kind is in tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gcore_emulator.kinds import BOX, CAAS, FAAS, INFERENCE, KINDS, SOON, Kind
from tests.gcore_emulator.shapes import assert_error, assert_invalid

if TYPE_CHECKING:
    from tests.gcore_emulator.conftest import Launcher

every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
CREATED_AT = "2026-06-01T12:00:00Z"


@every_kind
def test_create_returns_200_with_the_key_its_defaults_and_its_secret(start: Launcher, kind: Kind) -> None:
    response = start(kind=kind).create("web-key")
    document = response.json()
    assert response.status_code == 200
    assert document.pop("secret")
    assert document == {"name": "web-key", "created_at": CREATED_AT, **kind.defaults}


@every_kind
def test_create_stores_every_member_of_its_schema(start: Launcher, kind: Kind) -> None:
    api = start(kind=kind)
    created = api.create("web-key", **kind.created).json()
    assert created == api.read("web-key").json() | {"secret": created["secret"]}
    assert {name: created[name] for name in kind.created} == kind.created


@every_kind
def test_patch_changes_every_member_of_its_schema_and_no_other(start: Launcher, kind: Kind) -> None:
    api = start(kind=kind)
    before = api.create("web-key").json()
    del before["secret"]
    response = api.patch("web-key", **kind.patched)
    assert (response.status_code, response.json()) == (200, before | dict(kind.patched))
    assert api.read("web-key").json() == api.page().json()["results"][0] == response.json()


@every_kind
def test_the_secret_is_in_the_create_response_only(start: Launcher, kind: Kind) -> None:
    api = start(kind=kind)
    secret = api.create("web-key").json()["secret"]
    later = [api.read("web-key"), api.page(), api.patch("web-key", **kind.patched), api.delete("web-key")]
    assert all(secret not in response.text for response in later)


@every_kind
def test_a_duplicate_name_is_a_conflict(start: Launcher, kind: Kind) -> None:
    api = start(kind=kind)
    api.create("web-key")
    assert_error(api.create("web-key"), 409, "ConflictError")
    assert len(api.live()) == 1


@every_kind
def test_delete_returns_204_once_and_then_404(start: Launcher, kind: Kind) -> None:
    api = start(kind=kind)
    api.create("web-key")
    response = api.delete("web-key")
    assert (response.status_code, response.content) == (204, b"")
    assert_error(api.delete("web-key"), 404, "NotFoundError")


@every_kind
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_missing_key_is_not_found(start: Launcher, kind: Kind, method: str) -> None:
    api = start(kind=kind)
    response = api.client.request(method, api.path("missing"), json=dict(kind.patched))
    assert_error(response, 404, "NotFoundError")


@every_kind
def test_kinds_have_separate_keys(start: Launcher, kind: Kind) -> None:
    api = start(kind=kind)
    api.create("web-key")
    for other in (other for other in KINDS if other != kind):
        assert api.client.get(other.collection).json() == {"count": 0, "results": []}
        assert api.emulator.keys(*other.scope, family=other.name) == {}


@every_kind
def test_a_list_is_newest_first_with_the_page_size_of_its_schema(start: Launcher, kind: Kind) -> None:
    entries = [{"name": f"key-{number:04}", **kind.minimal} for number in range(kind.page + 1)]
    api = start(kind=kind, seed={kind.name: {kind.label: entries}})
    names = [entry["name"] for entry in reversed(entries)]
    assert api.page().json()["count"] == kind.page + 1
    assert api.names() == names[: kind.page]
    assert api.names(limit=2, offset=kind.page - 1) == names[-2:]


@every_kind
@pytest.mark.parametrize("limit", [0, 1001])
def test_a_page_size_out_of_range_is_refused(start: Launcher, kind: Kind, limit: int) -> None:
    assert_invalid(start(kind=kind).page(limit=limit), "limit")


@every_kind
def test_the_path_needs_numbers(start: Launcher, kind: Kind) -> None:
    path = kind.collection.replace("/1", "/one", 1)
    assert_invalid(start(kind=kind).client.get(path), "project_id")


@every_kind
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_invalid_name_in_a_path_is_refused(start: Launcher, kind: Kind, method: str) -> None:
    api = start(kind=kind)
    for name in ("a", "ab-", "a_b", "abc%0A"):
        assert_invalid(api.client.request(method, api.path(name), json={}), kind.parameter)


NAMES: list[tuple[Kind, list[str], list[str]]] = [
    (CAAS, ["ab", "a-b", "a" * 64], ["a", "Ab", "1ab", "ab-", "a.b", "a" * 65, "ab\n"]),
    (FAAS, ["ab", "a-b", "a" * 26], ["a", "Ab", "1ab", "ab-", "a.b", "a" * 27, "ab\n"]),
    (
        INFERENCE,
        ["abcd", "1234", "a--b", "a.bc", "a" * 63, "1.2.3.4"],
        ["abc", "Abcd", "abc-", "-abc", "a..b", ".abc", "abc.", "a_bc", "a" * 64, "abcd\n"],
    ),
]


@pytest.mark.parametrize(("kind", "good", "bad"), NAMES, ids=["caas", "faas", "inference"])
def test_create_accepts_only_names_that_match_its_schema(
    start: Launcher, kind: Kind, good: list[str], bad: list[str]
) -> None:
    api = start(kind=kind)
    assert [api.create(name).status_code for name in good] == [200] * len(good)
    for name in bad:
        assert_invalid(api.create(name), "name")


BAD: list[tuple[Kind, str, list[Any]]] = [
    (FAAS, "description", [5, ["x"]]),
    (FAAS, "expire", ["soon", "2027-01-31", "2027-01-31T00:00:00", 5, ""]),
    (FAAS, "functions", [None, {}, "web", ["web"], [{"name": "web"}]]),
    (FAAS, "functions", [[BOX | {"name": name}] for name in ("W", "a" * 27)]),
    (FAAS, "functions", [[BOX | {"namespace": space}] for space in ("", "S", "a" * 27)]),
    (FAAS, "functions", [[{"name": None, "namespace": "space"}], [{"name": "web", "namespace": 5}]]),
    (INFERENCE, "description", [5, None, "x" * 301]),
    (INFERENCE, "expires_at", [None, 5, "", "soon", "2027-01-31", "2027-02-30T00:00:00Z"]),
]
BAD_VALUES = [(kind, field, value) for kind, field, values in BAD for value in values]


@pytest.mark.parametrize(("kind", "field", "value"), BAD_VALUES)
def test_create_refuses_a_value_outside_its_schema(
    start: Launcher, kind: Kind, field: str, value: object
) -> None:
    api = start(kind=kind)
    assert_invalid(api.create("web-key", **{field: value}), field)
    assert api.live() == {}


BAD_PATCHES = [case for case in BAD_VALUES if case[1] != "expires_at" and case[2] is not None]


@pytest.mark.parametrize(("kind", "field", "value"), BAD_PATCHES)
def test_patch_refuses_a_value_outside_its_schema(
    start: Launcher, kind: Kind, field: str, value: object
) -> None:
    api = start(kind=kind)
    api.create("web-key")
    before = api.live()
    assert_invalid(api.patch("web-key", **{**kind.minimal, field: value}), field)
    assert api.live() == before


def test_a_faas_create_accepts_null_for_description_and_expire(start: Launcher) -> None:
    created = start(kind=FAAS).create("web-key", description=None, expire=None).json()
    assert (created["description"], created["expire"]) == (None, None)


def test_a_faas_patch_refuses_null_functions_whatever_the_switches(start: Launcher) -> None:
    for other in ("ignored", "400"):
        api = start(kind=FAAS, null_other=other, omitted_functions="accepted")
        api.create("web-key", functions=[BOX])
        assert_invalid(api.patch("web-key", functions=None), "functions")


def test_a_description_of_an_inference_key_has_up_to_300_characters_and_null_clears_it(
    start: Launcher,
) -> None:
    api = start(kind=INFERENCE)
    assert api.create("web-key", description="ż" * 300).status_code == 200
    assert api.patch("web-key", description=None).json()["description"] is None


def test_the_expiry_of_an_inference_key_is_immutable(start: Launcher) -> None:
    api = start(kind=INFERENCE)
    api.create("web-key", expires_at=SOON)
    response = api.patch("web-key", expires_at="2030-01-01T00:00:00Z", description="new")
    assert (response.json()["expires_at"], response.json()["description"]) == (SOON, "new")


@pytest.mark.parametrize(
    "written",
    [
        SOON,
        "2027-01-31T00:00:00",
        "2027-01-31T02:00:00+02:00",
        "2027-01-31T02:00:00+0200",
        "2027-01-31T00:00:00.9Z",
    ],
)
def test_an_inference_expiry_is_iso_8601_and_utc_without_a_zone(start: Launcher, written: str) -> None:
    assert start(kind=INFERENCE).create("web-key", expires_at=written).json()["expires_at"] == SOON


def test_an_inference_key_has_no_status_when_it_has_expired(start: Launcher) -> None:
    created = start(kind=INFERENCE).create("web-key", expires_at="2020-01-01T00:00:00Z")
    assert "status" not in created.json()


@pytest.mark.parametrize("kind", [CAAS, FAAS], ids=str)
def test_a_key_expires_at_its_expiry_time(start: Launcher, kind: Kind) -> None:
    api = start(kind=kind)
    api.create("web-key", expire="2026-06-01T12:00:01.25Z")
    statuses = []
    for _ in range(2):
        statuses.append((api.read("web-key").json()["status"], api.live()["web-key"]["status"]))
        api.clock.advance(seconds=1)
    assert statuses == [("Active", "Active"), ("Expired", "Expired")]


@pytest.mark.parametrize("delete_bound", ["204", "409"])
def test_an_attached_inference_key_is_never_deleted(start: Launcher, delete_bound: str) -> None:
    api = start(kind=INFERENCE, delete_bound=delete_bound)
    api.put("web-key", deployment_names=["llama", "chat"])
    assert api.read("web-key").json()["deployment_names"] == ["llama", "chat"]
    assert_error(api.delete("web-key"), 409, "ConflictError")
    api.put("web-key", deployment_names=[])
    assert api.delete("web-key").status_code == 204


@pytest.mark.parametrize(("kind", "member"), [(CAAS, "source"), (INFERENCE, "deployment_names")], ids=str)
def test_a_client_cannot_set_what_the_server_sets(start: Launcher, kind: Kind, member: str) -> None:
    api = start(kind=kind)
    foreign: dict[str, Any] = {member: {"source": "iate", "deployment_names": ["llama"]}[member]}
    assert api.create("web-key", **foreign).json()[member] == kind.defaults[member]
    assert api.patch("web-key", **foreign).json()[member] == kind.defaults[member]


READ_ONLY: list[tuple[Kind, dict[str, Any], dict[str, Any]]] = [
    (FAAS, {"is_disabled": True, "source": "cloud", "status": "x"}, {"name": "x", "containers": []}),
    (INFERENCE, {"expire": SOON, "deployment_names": [], "status": "x"}, {"name": "x", "expires_at": SOON}),
]


@pytest.mark.parametrize(("kind", "created", "patched"), READ_ONLY, ids=["faas", "inference"])
def test_members_of_no_schema_are_ignored_or_refused_by_name(
    start: Launcher, kind: Kind, created: dict[str, Any], patched: dict[str, Any]
) -> None:
    lenient, strict = start(kind=kind), start(kind=kind, unknown_members="400")
    assert lenient.create("web-key", **created).status_code == 200
    assert lenient.patch("web-key", **{**kind.minimal, **patched}).status_code == 200
    assert_invalid(strict.create("web-key", **created), *created)
    strict.create("web-key")
    assert_invalid(strict.patch("web-key", **{**kind.minimal, **patched}), *patched)


@every_kind
def test_every_request_requires_the_token(start: Launcher, kind: Kind) -> None:
    api = start(kind=kind)
    api.create("web-key")
    before = api.live()
    del api.client.headers["authorization"]
    for response in (
        api.page(),
        api.create("new-key"),
        api.read("web-key"),
        api.patch("web-key"),
        api.delete("web-key"),
    ):
        assert_error(response, 401, "not_authenticated")
    assert api.live() == before
