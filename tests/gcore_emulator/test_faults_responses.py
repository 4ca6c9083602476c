"""Each fault of a response, as a client sees it over a real socket."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import socket
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gcore_emulator import Emulator, Faults
from tests.gcore_emulator.conftest import KEYS, NO_TLS, TOKEN, Api
from tests.gcore_emulator.kinds import KINDS, Kind
from tests.gcore_emulator.shapes import assert_error, assert_key

if TYPE_CHECKING:
    from tests.gcore_emulator.conftest import Launcher

PATH = f"{KEYS}/web-key"
SEED = {"caas": {"1/76": [{"name": "web-key", "containers": [], "description": "old"}]}}
NOT_EXECUTED = ["status_429", "status_500", "status_502", "status_503", "reset_before", "html_page"]
EXECUTED = [
    "reset_after",
    "half_body",
    "wrong_content_type",
    "slow_answer",
    "redirect_after",
    "accepted_after",
    "refused_after",
    "empty_after",
]
MISLEADING = {"redirect_after": 302, "accepted_after": 202, "refused_after": 400, "empty_after": 204}


@pytest.fixture
def api(start: Launcher) -> Api:
    """An emulator with one key; a test puts its faults in force."""
    return start(seed=SEED)


def always(**settings: Any) -> Faults:
    return Faults(**settings, max_in_a_row=0)


def description(api: Api) -> object:
    return api.emulator.keys(1, 76)["web-key"]["description"]


def last(api: Api) -> tuple[str, int | None, str | None, bool]:
    record = api.emulator.requests[-1]
    return record.method, record.status, record.fault, record.effective


def test_429_without_retry_after(api: Api) -> None:
    api.emulator.faults = always(status_429=1)
    response = api.patch("web-key", description="new")
    assert_error(response, 429, "RateLimitError")
    assert "retry-after" not in response.headers
    assert last(api) == ("PATCH", 429, "status_429", False)


def test_429_with_retry_after_in_seconds(api: Api) -> None:
    api.emulator.faults = always(status_429_seconds=1, retry_after=7)
    response = api.patch("web-key", description="new")
    assert_error(response, 429, "RateLimitError")
    assert response.headers["retry-after"] == "7"


def test_429_with_retry_after_as_a_date_is_never_too_early(api: Api) -> None:
    api.emulator.faults = always(status_429_date=1, retry_after=7)
    response = api.patch("web-key", description="new")
    assert_error(response, 429, "RateLimitError")
    assert response.headers["retry-after"] == "Mon, 01 Jun 2026 12:00:08 GMT"
    instant = parsedate_to_datetime(response.headers["retry-after"])
    assert dt.timedelta(seconds=7) <= instant - api.clock() < dt.timedelta(seconds=8)


def test_a_500_has_the_error_format_of_the_api(api: Api) -> None:
    api.emulator.faults = always(status_500=1)
    assert_error(api.patch("web-key", description="new"), 500, "InternalServerError")


@pytest.mark.parametrize("status", [502, 503])
def test_a_gateway_error_is_an_html_page(api: Api, status: int) -> None:
    settings: dict[str, Any] = {f"status_{status}": 1.0}
    api.emulator.faults = always(**settings)
    response = api.page()
    assert (response.status_code, response.headers["content-type"]) == (status, "text/html")
    assert response.text.startswith("<!DOCTYPE html>")
    assert str(status) in response.text


def test_html_is_sent_with_status_200(api: Api) -> None:
    api.emulator.faults = always(html_page=1)
    response = api.page()
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html")
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert last(api) == ("GET", 200, "html_page", False)


def test_a_wrong_content_type_is_sent_with_the_correct_body(api: Api) -> None:
    api.emulator.faults = always(wrong_content_type=1)
    response = api.read("web-key")
    assert response.headers.get_list("content-type") == ["text/plain"]
    assert_key(response.json())


def test_a_truncated_body_is_shorter_than_its_content_length(api: Api) -> None:
    whole = api.read("web-key").content
    api.emulator.faults = always(half_body=1)
    with connection(api) as raw:
        raw.sendall(request("GET"))
        head, _, body = received(raw).partition(b"\r\n\r\n")
    assert f"content-length: {len(whole)}\r\n".encode() in head + b"\r\n"
    assert body == whole[: len(whole) // 2]
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        api.read("web-key")
    assert last(api) == ("GET", 200, "half_body", False)


@pytest.mark.parametrize("name", ["reset_before", "reset_after"])
def test_a_reset_is_a_tcp_reset(api: Api, name: str) -> None:
    settings: dict[str, Any] = {name: 1.0}
    api.emulator.faults = always(**settings)
    with connection(api) as raw:
        raw.sendall(request("GET"))
        with pytest.raises(ConnectionResetError):
            raw.recv(1)
    with pytest.raises(httpx.ReadError):
        api.page()
    assert last(api) == ("GET", None, name, False)


def test_a_reset_before_execution_does_not_change_the_key(api: Api) -> None:
    api.emulator.faults = always(reset_before=1)
    with pytest.raises(httpx.ReadError):
        api.patch("web-key", description="new")
    assert description(api) == "old"
    assert last(api) == ("PATCH", None, "reset_before", False)


def test_a_reset_after_execution_loses_only_the_response(api: Api) -> None:
    api.emulator.faults = always(reset_after=1)
    with pytest.raises(httpx.ReadError):
        api.patch("web-key", description="new")
    assert description(api) == "new"
    assert last(api) == ("PATCH", None, "reset_after", True)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_create_repeated_after_a_lost_response_conflicts_with_its_own_key(
    start: Launcher, kind: Kind
) -> None:
    api = start(kind=kind, faults=Faults(reset_after=1, methods=("POST",), max_in_a_row=1))
    with pytest.raises(httpx.ReadError):
        api.create("new-key")
    assert list(api.live()) == ["new-key"]
    assert_error(api.create("new-key"), 409, "ConflictError")
    assert [(record.status, record.effective) for record in api.emulator.requests] == [
        (None, True),
        (409, False),
    ]


def test_a_slow_response_outlasts_the_client_and_the_write_is_executed_at_once(api: Api) -> None:
    api.emulator.faults = always(slow_answer=1, slow_seconds=60)
    with pytest.raises(httpx.ReadTimeout):
        api.client.patch(PATH, json={"description": "new"}, timeout=0.02)
    assert description(api) == "new"
    assert last(api) == ("PATCH", 200, "slow_answer", True)


def test_a_slow_response_is_complete_for_a_patient_client(api: Api) -> None:
    api.emulator.faults = always(slow_answer=1, slow_seconds=0.02)
    response = api.read("web-key")
    assert response.elapsed >= dt.timedelta(seconds=0.02)
    assert_key(response.json())


def test_slow_responses_do_not_delay_the_stop() -> None:
    faults = always(slow_answer=1, slow_seconds=60)
    with Emulator(faults=faults) as emulator, pytest.raises(httpx.ReadTimeout):
        httpx.get(emulator.url, timeout=0.02, verify=NO_TLS)


@pytest.mark.parametrize("shape", ["documented", "detail"])
def test_the_token_becomes_invalid(start: Launcher, shape: str) -> None:
    api = start(seed=SEED, unauthorized_body=shape, faults=always(unauthorized_from=2))
    assert api.page().status_code == 200
    for _ in range(2):
        response = api.patch("web-key", description="new")
        assert response.status_code == 401
        assert TOKEN not in response.text
        assert response.json().get("exception_class", response.json().get("code")) == "token_not_valid"
    assert (description(api), last(api)) == ("old", ("PATCH", 401, "unauthorized_from", False))


@pytest.mark.parametrize(("name", "status"), MISLEADING.items())
def test_an_executed_write_can_return_the_response_of_a_failed_one(api: Api, name: str, status: int) -> None:
    api.emulator.faults = always(**{name: 1.0})
    response = api.patch("web-key", description="new")
    assert (response.status_code, description(api), last(api)) == (
        status,
        "new",
        ("PATCH", status, name, True),
    )
    assert ("location" in response.headers) is (name == "redirect_after")
    created = api.create("other-key", containers=[])
    assert (created.status_code, "other-key" in api.emulator.keys(1, 76)) == (status, True)
    assert api.delete("other-key").status_code == status
    assert "other-key" not in api.emulator.keys(1, 76)
    assert api.read("web-key").status_code == 200
    assert api.patch("missing", description="new").status_code == 404


def test_an_accepted_write_is_executed_before_the_second_following_request(api: Api) -> None:
    api.emulator.faults = always(accepted_later=1.0)
    response = api.patch("web-key", description="new")
    assert (response.status_code, response.json()) == (202, {"status": "accepted"})
    assert last(api) == ("PATCH", 202, "accepted_later", True)
    assert [api.read("web-key").json()["description"] for _ in range(3)] == ["old", "new", "new"]
    assert api.delete("web-key").status_code == 202
    assert [api.read("web-key").status_code for _ in range(2)] == [200, 404]


@pytest.mark.parametrize("name", NOT_EXECUTED)
def test_a_request_that_is_not_executed_is_not_effective(api: Api, name: str) -> None:
    met = patched_under(api, name)
    assert (description(api), met) == ("old", (name, False))


@pytest.mark.parametrize("name", EXECUTED)
def test_an_executed_request_is_effective_whatever_the_client_receives(api: Api, name: str) -> None:
    met = patched_under(api, name)
    assert (description(api), met) == ("new", (name, True))


def patched_under(api: Api, name: str) -> tuple[str | None, bool]:
    settings: dict[str, Any] = {name: 1.0}
    api.emulator.faults = always(**settings, slow_seconds=0.001)
    with contextlib.suppress(httpx.TransportError):
        api.patch("web-key", description="new")
    record = api.emulator.requests[-1]
    assert record.status is None or type(record.status) is int
    return record.fault, record.effective


def test_a_patch_with_equal_values_is_effective_and_a_refused_one_is_not(api: Api) -> None:
    api.patch("web-key", description="old")
    api.patch("web-key", description=5)
    api.patch("missing", description="new")
    api.read("web-key")
    api.delete("web-key")
    assert [record.effective for record in api.emulator.requests] == [True, False, False, False, True]
    assert {record.fault for record in api.emulator.requests} == {None}


def test_a_fault_of_a_refused_request_is_logged_with_it(api: Api) -> None:
    api.emulator.faults = always(reset_after=1)
    with pytest.raises(httpx.ReadError):
        api.patch("missing", description="new")
    assert last(api) == ("PATCH", None, "reset_after", False)


def connection(api: Api) -> socket.socket:
    return socket.create_connection(("127.0.0.1", httpx.URL(api.emulator.url).port or 0))


def request(method: str) -> bytes:
    return f"{method} {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: apikey {TOKEN}\r\n\r\n".encode()


def received(raw: socket.socket) -> bytes:
    parts = []
    while part := raw.recv(65536):
        parts.append(part)
    return b"".join(parts)
