"""Faults put in force from outside: over HTTP, and by options of the command."""

from __future__ import annotations

import dataclasses
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import httpx
import pytest
from click.testing import CliRunner

from gcore_emulator import Faults
from gcore_emulator.command import emulator
from gcore_emulator.faults import NO_FAULTS, fault_specs
from tests.gcore_emulator.conftest import KEYS
from tests.gcore_emulator.test_command import HEADERS, _command

if TYPE_CHECKING:
    from tests.gcore_emulator.conftest import Api

DOCUMENTATION = Path(__file__).parents[2] / "docs/emulator.md"


def control(api: Api, method: str, /, **request: Any) -> httpx.Response:
    """Ask the control endpoint, without a token."""
    return httpx.request(method, api.emulator.url + "/_emulator/faults", **request)


def test_get_returns_settings_counts_and_disturbances(api: Api) -> None:
    shown = control(api, "GET").json()
    assert shown["faults"] == json.loads(json.dumps(NO_FAULTS.document()))
    assert shown["disturbances"] == []
    assert set(shown["injected"].values()) == {0}
    assert "reset_after" in shown["injected"]


def test_put_replaces_all_settings_at_once(api: Api) -> None:
    response = control(api, "PUT", json={"status_500": 1, "max_in_a_row": 0, "methods": ["GET"]})
    assert response.status_code == 200
    assert response.json() == control(api, "GET").json()
    assert api.emulator.faults == Faults(status_500=1, max_in_a_row=0, methods=("GET",))
    assert api.page().status_code == 500
    control(api, "PUT", json={"status_502": 1})
    assert api.emulator.faults == Faults(status_502=1)
    assert api.page().status_code == 502
    injected = control(api, "GET").json()["injected"]
    assert {name: count for name, count in injected.items() if count} == {"status_500": 1, "status_502": 1}


def test_the_response_of_get_can_be_put(api: Api) -> None:
    api.emulator.faults = Faults(reset_after=0.5, unstored=("expire",), concurrent_write_every=3)
    control(api, "PUT", json=control(api, "GET").json()["faults"])
    assert api.emulator.faults == Faults(reset_after=0.5, unstored=("expire",), concurrent_write_every=3)


def test_disturbances_are_shown_with_old_and_new(api: Api) -> None:
    api.create("web-key")
    api.emulator.faults = Faults(concurrent_write_every=1)
    api.patch("web-key", description="mine")
    (shown,) = control(api, "GET").json()["disturbances"]
    (done,) = api.emulator.disturbances
    assert shown == dataclasses.asdict(done)
    assert (shown["action"], shown["name"], shown["after"]) == ("changed", "web-key", 2)


def test_delete_ends_all_faults(api: Api) -> None:
    control(api, "PUT", json={"status_500": 1, "max_in_a_row": 0})
    assert control(api, "DELETE").status_code == 204
    assert api.emulator.faults == NO_FAULTS
    assert api.page().status_code == 200


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b'{"status_418": 1}', "unknown: 'status_418'; known are "),
        (b'{"status_500": 2, "seed": -1}', "status_500: must be a number from 0 to 1; seed: must be a whole"),
        (b'{"status_500": NaN}', "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"[]", "the faults must be an object"),
        (b"", "the faults must be an object"),
    ],
)
def test_bad_faults_are_refused_and_change_nothing(api: Api, body: bytes, complaint: str) -> None:
    api.emulator.faults = Faults(status_503=1)
    response = control(api, "PUT", content=body)
    assert (response.status_code, response.json()["exception_class"]) == (400, "ValidationError")
    assert complaint in response.json()["message"]
    assert api.emulator.faults == Faults(status_503=1)


def test_other_methods_are_405(api: Api) -> None:
    response = control(api, "POST", json={})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, PUT, DELETE")


def test_the_control_paths_never_fail_and_are_not_counted(api: Api) -> None:
    api.emulator.faults = Faults(reset_before=1, max_in_a_row=0, unauthorized_from=5)
    for _ in range(10):
        assert control(api, "GET").status_code == 200
        assert httpx.get(api.emulator.url + "/_emulator/requests").json() == {"requests": []}
    assert set(api.emulator.injected.values()) == {0}


def test_a_client_that_disconnects_during_put_does_no_harm(api: Api) -> None:
    address = ("127.0.0.1", httpx.URL(api.emulator.url).port or 0)
    with socket.create_connection(address) as leaving:
        leaving.sendall(b"PUT /_emulator/faults HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert control(api, "GET").status_code == 200
    assert api.emulator.faults == NO_FAULTS


OPTIONS = [option for option in emulator.params if (option.name or "").startswith("fault_")]


def test_every_setting_is_an_option_with_the_same_default() -> None:
    defaults = {option.name: option.get_default(click.Context(emulator)) for option in OPTIONS}
    assert defaults == {f"fault_{name}": value for name, value in dataclasses.asdict(NO_FAULTS).items()}


def test_options_set_faults() -> None:
    options = ("--fault-status-429-seconds", "1", "--fault-retry-after", "7", "--fault-max-in-a-row", "1")
    names = ("--fault-methods", "GET", "--fault-methods", "PATCH", "--fault-unauthorized-from", "3")
    with _command(*options, *names, "--log-requests") as (process, url):
        responses = [httpx.get(url + KEYS, headers=HEADERS) for _ in range(3)]
        settings = httpx.get(url + "/_emulator/faults").json()["faults"]
        process.terminate()
        assert process.stderr is not None
        assert process.stderr.read().splitlines() == [
            f"#1 GET {KEYS} 429 [status_429_seconds]",
            f"#2 GET {KEYS} 200",
            f"#3 GET {KEYS} 401 [unauthorized_from]",
        ]
    assert responses[0].headers["retry-after"] == "7"
    assert settings["methods"] == ["GET", "PATCH"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--fault-status-500", "1.5"], "1.5 is not in the range 0<=x<=1"),
        (["--fault-status-500", "nan"], "status_500: must be a number from 0 to 1"),
        (["--fault-status-500", "0.6", "--fault-half-body", "0.6"], "add up to more than 1"),
        (["--fault-unstored", "name"], "'name' is not one of 'description'"),
        (["--fault-unauthorized-from", "0"], "0 is not in the range x>=1"),
        (["--fault-slow-seconds", "-1"], "-1.0 is not in the range x>=0"),
    ],
)
def test_bad_options_are_usage_errors(options: list[str], complaint: str) -> None:
    result = CliRunner().invoke(emulator, options)
    assert (result.exit_code, complaint in result.output) == (2, True), result.output


def test_help_names_every_fault() -> None:
    shown = CliRunner().invoke(emulator, ["-h"], terminal_width=200).output
    for spec in fault_specs():
        assert f"--fault-{spec.name.replace('_', '-')} " in shown
        assert spec.help in shown


def test_the_documentation_names_every_setting_and_no_other() -> None:
    table = DOCUMENTATION.read_text(encoding="utf-8").split("## Faults")[1]
    named = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert named == [spec.name for spec in fault_specs()]
