from __future__ import annotations

import datetime as dt
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from gcore_emulator import Emulator, Switches
from tests.gcore_emulator.conftest import KEYS, TOKEN
from tests.gcore_emulator.shapes import assert_error

if TYPE_CHECKING:
    from tests.gcore_emulator.conftest import Api, Launcher

MISSING = ("not_authenticated", "Authentication credentials were not provided.")
WRONG = ("token_not_valid", "Token is invalid or expired")
BEARER = ("token_not_valid", "Given token not valid for any token type")

REFUSED_HEADERS: list[tuple[dict[str, str], tuple[str, str]]] = [
    ({}, MISSING),
    ({"Authorization": ""}, MISSING),
    ({"Authorization": "apikey"}, MISSING),
    ({"Authorization": TOKEN}, MISSING),
    ({"Authorization": f"Basic {TOKEN}"}, MISSING),
    ({"Authorization": f"Bearer {TOKEN}"}, BEARER),
    ({"Authorization": "apikey wrong"}, WRONG),
    ({"Authorization": f"apikey {TOKEN}x"}, WRONG),
    ({"Authorization": f"apikey {TOKEN[:-1]}"}, WRONG),
    ({"Authorization": f"apikey {TOKEN.upper()}"}, WRONG),
]


@pytest.mark.parametrize("scheme", ["apikey", "APIKey", "APIKEY"])
def test_the_authentication_scheme_is_case_insensitive(api: Api, scheme: str) -> None:
    response = httpx.get(api.emulator.url + KEYS, headers={"Authorization": f"{scheme} {TOKEN}"})
    assert response.status_code == 200


@pytest.mark.parametrize(("headers", "refusal"), REFUSED_HEADERS)
def test_other_credentials_are_refused(api: Api, headers: dict[str, str], refusal: tuple[str, str]) -> None:
    response = httpx.get(api.emulator.url + KEYS, headers=headers)
    exception_class, message = refusal
    assert assert_error(response, 401, exception_class)["message"] == message


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_collection_requires_the_token(api: Api, method: str) -> None:
    body = {"name": "web-key", "containers": []}
    assert_error(httpx.request(method, api.emulator.url + KEYS, json=body), 401, "not_authenticated")
    assert api.emulator.keys(1, 76) == {}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_key_requires_the_token(api: Api, method: str) -> None:
    api.create("web-key")
    response = httpx.request(method, f"{api.emulator.url}{KEYS}/web-key", json={"description": "x"})
    assert_error(response, 401, "not_authenticated")
    assert api.emulator.keys(1, 76)["web-key"]["description"] == ""


@pytest.mark.parametrize("header", ["made-up$token", "apikey made-up$tokenish", "Bearer made-up$token"])
@pytest.mark.parametrize("shape", ["documented", "detail"])
def test_the_token_is_never_echoed(start: Launcher, header: str, shape: str) -> None:
    api = start(unauthorized_body=shape)
    response = httpx.get(api.emulator.url + KEYS, headers={"Authorization": header})
    assert response.status_code == 401
    assert TOKEN not in response.text
    assert TOKEN not in httpx.get(api.emulator.url + "/_emulator/requests").text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", KEYS, "GET, POST"),
        ("PATCH", KEYS, "GET, POST"),
        ("DELETE", KEYS, "GET, POST"),
        ("POST", KEYS + "/web-key", "GET, PATCH, DELETE"),
        ("PUT", KEYS + "/web-key", "GET, PATCH, DELETE"),
        ("OPTIONS", KEYS + "/web-key", "GET, PATCH, DELETE"),
    ],
)
def test_an_unsupported_method_is_405(api: Api, method: str, path: str, allowed: str) -> None:
    response = api.client.request(method, path)
    assert assert_error(response, 405, "HTTPError")["message"] == "HTTP 405: Method Not Allowed"
    assert response.headers["allow"] == allowed


def test_head_is_405(api: Api) -> None:
    assert api.client.head(KEYS).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/cloud",
        KEYS + "/",
        KEYS + "/web-key/more",
        KEYS + "/a%2Fb",
        "/cloud/v1/caas/keys/1",
        "/_emulator",
    ],
)
def test_an_unknown_path_is_a_404_in_the_error_format(api: Api, path: str) -> None:
    assert_error(api.client.get(path), 404, "NotFoundError")


def test_request_ids_are_unique(api: Api) -> None:
    assert api.read("missing").json()["request_id"] != api.read("missing").json()["request_id"]


def test_an_internal_error_is_a_500_in_the_error_format(capsys: pytest.CaptureFixture[str]) -> None:
    instants = iter([dt.datetime(2026, 6, 1, tzinfo=dt.UTC)])
    headers = {"Authorization": f"apikey {TOKEN}"}
    with Emulator(token=TOKEN, clock=lambda: next(instants)) as emulator:
        response = httpx.get(emulator.url + KEYS, headers=headers)
    assert_error(response, 500, "InternalServerError")
    assert "StopIteration" in capsys.readouterr().err


def test_a_client_that_disconnects_during_a_request_does_no_harm(api: Api) -> None:
    address = ("127.0.0.1", httpx.URL(api.emulator.url).port or 0)
    with socket.create_connection(address) as leaving:
        leaving.sendall(f"POST {KEYS} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
    assert api.page().status_code == 200
    assert [record.method for record in api.emulator.requests] == ["GET"]


def test_latency_is_added_before_the_response(start: Launcher) -> None:
    assert start(delay=0.05).page().elapsed >= dt.timedelta(seconds=0.05)


def test_a_misspelt_switch_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="null_expire: 'cleared' is not one of clears, ignored"):
        Switches(null_expire="cleared")  # type: ignore[arg-type] # the mistake to be found
