"""The vendor's SDK works against the emulator: what it sends is served, what it reads is understood."""

from __future__ import annotations

import datetime as dt
import ssl
from typing import TYPE_CHECKING, Any

import gcore
import pytest

from gcore_emulator import Faults
from tests.support import TOKEN, FakeClock, emulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gcore_emulator import Emulator

# Loading the certificate authorities would be most of the time of a test.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
SOON = "2027-01-31T00:00:00Z"


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    with emulate(FakeClock()) as running:
        yield running


@pytest.fixture
def sdk(cloud: Emulator) -> Iterator[gcore.Gcore]:
    with connected(cloud) as client:
        yield client


def connected(cloud: Emulator, token: str = TOKEN, max_retries: int = 0) -> gcore.Gcore:
    """Return a strict client: a response outside its models is an error."""
    return gcore.Gcore(
        base_url=cloud.url,
        api_key=token,
        cloud_project_id=1,
        cloud_region_id=76,
        max_retries=max_retries,
        http_client=gcore.DefaultHttpxClient(verify=NO_TLS),
        _strict_response_validation=True,
    )


def test_a_created_key_has_its_secret_and_the_sent_values(sdk: gcore.Gcore, cloud: Emulator) -> None:
    created = sdk.cloud.inference.api_keys.create(name="chat-key", description="for chat", expires_at=SOON)
    assert (created.name, created.description, created.expires_at) == ("chat-key", "for chat", SOON)
    assert created.secret
    assert created.deployment_names == []
    reported = {name: value for name, value in created.to_dict().items() if name != "secret"}
    assert cloud.keys(1, family="inference") == {"chat-key": reported}


def test_a_key_is_read_without_its_secret(sdk: gcore.Gcore) -> None:
    secret = sdk.cloud.inference.api_keys.create(name="chat-key").secret
    read = sdk.cloud.inference.api_keys.get("chat-key")
    assert (read.name, read.description, read.expires_at) == ("chat-key", None, None)
    assert secret not in read.to_json()


def test_an_update_changes_the_description_and_nothing_else(sdk: gcore.Gcore, cloud: Emulator) -> None:
    sdk.cloud.inference.api_keys.create(name="chat-key", description="old", expires_at=SOON)
    updated = sdk.cloud.inference.api_keys.update("chat-key", description="new")
    assert (updated.description, updated.expires_at) == ("new", SOON)
    assert cloud.requests[-1].body == {"description": "new"}


def test_an_update_with_none_clears_and_an_empty_update_changes_nothing(
    sdk: gcore.Gcore, cloud: Emulator
) -> None:
    sdk.cloud.inference.api_keys.create(name="chat-key", description="old")
    assert sdk.cloud.inference.api_keys.update("chat-key").description == "old"
    assert sdk.cloud.inference.api_keys.update("chat-key", description=None).description is None
    assert [record.body for record in cloud.requests[1:]] == [{}, {"description": None}]


def test_a_list_follows_all_pages(sdk: gcore.Gcore, cloud: Emulator) -> None:
    names = [f"key-{number}" for number in range(5)]
    for name in names:
        cloud.put_key(1, None, {"name": name, "deployment_names": ["llama"]}, family="inference")
    listed = list(sdk.cloud.inference.api_keys.list(limit=2))
    assert [key.name for key in listed] == names[::-1]
    assert {tuple(key.deployment_names) for key in listed} == {("llama",)}
    assert [record.path.partition("?")[2] for record in cloud.requests] == [
        "limit=2",
        "limit=2&offset=2",
        "limit=2&offset=4",
    ]


def test_a_deleted_key_is_not_found(sdk: gcore.Gcore, cloud: Emulator) -> None:
    sdk.cloud.inference.api_keys.create(name="chat-key")
    sdk.cloud.inference.api_keys.delete("chat-key")
    assert cloud.keys(1, family="inference") == {}


def test_projects_are_found_by_name_and_their_timestamps_are_parsed(
    sdk: gcore.Gcore, cloud: Emulator
) -> None:
    cloud.put_project({"id": 1, "name": "Default", "is_default": True, "created_at": "2019-12-31T23:59:59"})
    cloud.put_project({"id": 2, "name": "shop"})
    cloud.put_project({"id": 3, "name": "gone", "deleted_at": "2026-01-01T00:00:00"})
    (found,) = sdk.cloud.projects.list(name="Default")
    assert (found.id, found.is_default) == (1, True)
    assert found.created_at == dt.datetime(2019, 12, 31, 23, 59, 59)  # noqa: DTZ001 - the API names no zone
    assert [project.name for project in sdk.cloud.projects.list(order_by="name.asc", limit=1)] == [
        "Default",
        "shop",
    ]
    assert {project.id for project in sdk.cloud.projects.list(include_deleted=True)} == {1, 2, 3}


def test_regions_are_found_by_display_name_and_product(sdk: gcore.Gcore, cloud: Emulator) -> None:
    coordinates = {"latitude": "49.6", "longitude": "6.1"}
    cloud.put_region({"id": 76, "display_name": "Luxembourg-2", "coordinates": coordinates})
    cloud.put_region({"id": 6, "display_name": "Manassas", "products": ["containers"]})
    (found,) = sdk.cloud.regions.list(display_name="luxembourg-2")
    assert (found.id, found.slug, found.state) == (76, "luxembourg-2", "ACTIVE")
    assert [region.id for region in sdk.cloud.regions.list(product="inference")] == [76]
    reported = sdk.cloud.regions.list(show_volume_types=True, order_by="display_name.asc")
    assert all(region.available_volume_types for region in reported)


OTHERS: list[tuple[str, str, dict[str, Any]]] = [
    ("caas", "containers", {"is_disabled": True}),
    ("faas", "functions", {"functions": [{"name": "fn", "namespace": "ns"}]}),
]


@pytest.mark.parametrize(("family", "references", "change"), OTHERS, ids=["caas", "faas"])
def test_keys_without_sdk_methods_are_available_through_its_transport(
    sdk: gcore.Gcore, cloud: Emulator, family: str, references: str, change: dict[str, Any]
) -> None:
    path = f"/cloud/v1/{family}/keys/1/76"
    body = {"name": "web-key", references: []}
    created: dict[str, Any] = sdk.post(path, body=body, cast_to=dict[str, Any])
    assert created.pop("secret")
    assert sdk.get(f"{path}/web-key", cast_to=dict[str, Any]) == created
    assert sdk.patch(f"{path}/web-key", body=change, cast_to=dict[str, Any]) == created | change
    listed = sdk.get(path, options={"params": {"limit": 1}}, cast_to=dict[str, Any])
    assert listed == {"count": 1, "results": [created | change]}
    sdk.delete(f"{path}/web-key", cast_to=type(None))
    assert cloud.keys(1, 76, family=family) == {}


def create_twice(sdk: gcore.Gcore) -> object:
    sdk.cloud.inference.api_keys.create(name="chat-key")
    return sdk.cloud.inference.api_keys.create(name="chat-key")


REFUSALS: list[tuple[Callable[[gcore.Gcore], object], type[gcore.APIStatusError], str]] = [
    (lambda sdk: sdk.cloud.inference.api_keys.create(name="x"), gcore.BadRequestError, "ValidationError"),
    (lambda sdk: sdk.cloud.inference.api_keys.list(limit=1001), gcore.BadRequestError, "ValidationError"),
    (lambda sdk: sdk.cloud.inference.api_keys.get("missing"), gcore.NotFoundError, "NotFoundError"),
    (lambda sdk: sdk.cloud.inference.api_keys.delete("missing"), gcore.NotFoundError, "NotFoundError"),
    (create_twice, gcore.ConflictError, "ConflictError"),
    (lambda sdk: sdk.cloud.inference.api_keys.delete("attached"), gcore.ConflictError, "ConflictError"),
]


@pytest.mark.parametrize(("act", "error", "exception_class"), REFUSALS)
def test_a_refusal_is_the_sdks_own_error_for_it(
    sdk: gcore.Gcore,
    cloud: Emulator,
    act: Callable[[gcore.Gcore], object],
    error: type[gcore.APIStatusError],
    exception_class: str,
) -> None:
    cloud.put_key(1, None, {"name": "attached", "deployment_names": ["llama"]}, family="inference")
    with pytest.raises(error) as caught:
        act(sdk)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["exception_class"] == exception_class


def test_a_wrong_token_is_the_sdks_authentication_error(cloud: Emulator) -> None:
    with connected(cloud, token="1234$wrong") as sdk, pytest.raises(gcore.AuthenticationError) as caught:
        sdk.cloud.projects.list()
    assert "1234$wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("status_429_seconds", gcore.RateLimitError),
        ("status_500", gcore.InternalServerError),
        ("status_503", gcore.InternalServerError),
        ("reset_before", gcore.APIConnectionError),
        ("html_page", gcore.APIResponseValidationError),
    ],
)
def test_a_failure_is_the_sdks_own_error_for_it(
    sdk: gcore.Gcore, cloud: Emulator, fault: str, error: type[gcore.APIError]
) -> None:
    cloud.put_key(1, None, {"name": "chat-key"}, family="inference")
    rates: dict[str, Any] = {fault: 1.0}
    cloud.faults = Faults(**rates)
    with pytest.raises(error):
        sdk.cloud.inference.api_keys.get("chat-key")


def test_a_create_repeated_by_the_sdk_after_a_lost_response_loses_the_secret(cloud: Emulator) -> None:
    cloud.faults = Faults(reset_after=1, methods=("POST",), max_in_a_row=1)
    with connected(cloud, max_retries=1) as sdk, pytest.raises(gcore.ConflictError):
        sdk.cloud.inference.api_keys.create(name="chat-key")
    assert list(cloud.keys(1, family="inference")) == ["chat-key"]
    assert [record.status for record in cloud.requests] == [None, 409]


def test_a_request_repeated_by_the_sdk_after_429_succeeds(cloud: Emulator) -> None:
    cloud.faults = Faults(status_429_seconds=1, retry_after=0, max_in_a_row=1)
    with connected(cloud, max_retries=1) as sdk:
        assert list(sdk.cloud.projects.list()) == []
