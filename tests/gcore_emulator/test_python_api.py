from __future__ import annotations

import ast
import contextlib
import itertools
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest

import gcore_emulator
from gcore_emulator import Emulator, EmulatorError, RequestRecord, SeedError
from gcore_emulator.requestlog import RequestLog, Result
from tests.gcore_emulator.conftest import KEYS, TOKEN
from tests.gcore_emulator.kinds import BOX, KINDS, Kind
from tests.gcore_emulator.shapes import assert_key, assert_page

if TYPE_CHECKING:
    from tests.gcore_emulator.conftest import Api, Launcher

STORED = {"name": "web-key", "containers": [BOX], "description": "by hand", "source": "iate"}


def test_nothing_of_the_engine_is_imported() -> None:
    for source in Path(gcore_emulator.__file__).parent.glob("*.py"):
        own = "pytest" if source.name == "pytest_plugin.py" else "uvicorn"
        allowed = {*sys.stdlib_module_names, "click", "starlette", own}
        for node in ast.walk(ast.parse(source.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.startswith("gcore_emulator") or name.split(".")[0] in allowed, (source, name)


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Simulator'"):
        _ = gcore_emulator.Simulator  # the mistake to be found


def test_the_emulator_serves_requests_exactly_during_its_with_block() -> None:
    with Emulator() as emulator:
        assert httpx.get(emulator.url).status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(emulator.url)
    assert "emulator" not in {thread.name for thread in threading.enumerate()}


def test_emulators_can_run_side_by_side(start: Launcher) -> None:
    first, second = start(), start()
    first.create("web-key")
    assert (first.page().json()["count"], second.page().json()["count"]) == (1, 0)


def test_open_connections_and_waiting_requests_do_not_delay_the_stop() -> None:
    with Emulator(delay=60) as emulator:
        port = httpx.URL(emulator.url).port or 0
        idle = socket.create_connection(("127.0.0.1", port))
        waiting = socket.create_connection(("127.0.0.1", port))
        waiting.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        httpx.get(emulator.url + "/_emulator/requests")  # served after the other one was read
    for connection in (idle, waiting):
        with connection, contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""


def test_a_port_in_use_is_an_error_with_its_number(api: Api) -> None:
    port = httpx.URL(api.emulator.url).port or 0
    with pytest.raises(EmulatorError, match=rf"port {port} on 127\.0\.0\.1 cannot be used: Address already"):
        Emulator(port=port).__enter__()


def test_keys_returns_what_the_api_shows_by_default(start: Launcher) -> None:
    api = start(timestamps="naive", disabled_status="disabled", container_order="shuffled")
    api.create("web-key", expire="2027-01-31T00:00:00Z", is_disabled=True)
    key = api.emulator.keys(1, 76)["web-key"]
    assert_key(key)
    assert (key["expire"], key["status"]) == ("2027-01-31T00:00:00Z", "Active")


def test_put_key_creates_a_key_that_the_api_shows(api: Api) -> None:
    api.emulator.put_key(1, 76, STORED)
    assert STORED.items() <= api.read("web-key").json().items()


def test_put_key_replaces_a_key_in_its_place(api: Api) -> None:
    api.create("web-key")
    created_at = api.read("web-key").json()["created_at"]
    api.clock.advance(hours=1)
    api.create("younger")
    api.emulator.put_key(1, 76, api.emulator.keys(1, 76)["web-key"] | {"description": "by hand"})
    assert api.names() == ["younger", "web-key"]
    assert api.read("web-key").json() | {"created_at": created_at} == api.read("web-key").json()
    assert api.read("web-key").json()["description"] == "by hand"


def test_put_key_refuses_an_invalid_key(api: Api) -> None:
    with pytest.raises(SeedError, match=r"key\.containers: Field required"):
        api.emulator.put_key(1, 76, {"name": "web-key"})


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_keys_of_every_kind_can_be_put_looked_at_and_removed(start: Launcher, kind: Kind) -> None:
    api = start(kind=kind)
    api.put("web-key", **kind.created)
    live = api.live()["web-key"]
    assert live == api.read("web-key").json() == {**live, **kind.created}
    api.emulator.put_key(*kind.scope, live | {"description": "by hand"}, family=kind.name)
    assert api.read("web-key").json()["description"] == "by hand"
    api.emulator.remove_key(*kind.scope, "web-key", family=kind.name)
    assert api.live() == {}
    with pytest.raises(KeyError, match="web-key"):
        api.emulator.remove_key(*kind.scope, "web-key", family=kind.name)


@pytest.mark.parametrize(
    ("family", "region_id", "complaint"),
    [
        ("caas", None, "a key of caas has project_id and region_id"),
        ("faas", None, "a key of faas has project_id and region_id"),
        ("inference", 76, "a key of inference has project_id$"),
        ("daas", 76, "'daas' is not one of caas, faas, inference"),
    ],
)
def test_a_scope_that_a_family_does_not_have_is_refused(
    api: Api, family: str, region_id: int | None, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        api.emulator.keys(1, region_id, family=family)


def test_remove_key_deletes_a_key(api: Api) -> None:
    api.create("web-key")
    api.emulator.remove_key(1, 76, "web-key")
    assert api.page().json()["count"] == 0
    with pytest.raises(KeyError, match="web-key"):
        api.emulator.remove_key(1, 76, "web-key")


def test_requests_are_recorded_in_order_without_headers(api: Api) -> None:
    api.create("web-key", description="x")
    api.page(limit=5)
    api.read("missing")
    assert api.emulator.requests == (
        RequestRecord(
            1, "POST", KEYS, 200, {"name": "web-key", "containers": [], "description": "x"}, effective=True
        ),
        RequestRecord(2, "GET", f"{KEYS}?limit=5", 200),
        RequestRecord(3, "GET", f"{KEYS}/missing", 404),
    )


def test_refused_requests_are_recorded(api: Api) -> None:
    httpx.get(api.emulator.url + KEYS)
    api.client.get("/a%20b?c=%0A")
    api.client.post(KEYS, content=b"{")
    assert [(record.path, record.status, record.body) for record in api.emulator.requests] == [
        (KEYS, 401, None),
        ("/a%20b?c=%0A", 404, None),
        (KEYS, 400, None),
    ]


def test_a_record_cannot_be_changed(api: Api) -> None:
    api.page()
    with pytest.raises(FrozenInstanceError):
        api.emulator.requests[0].status = 500  # type: ignore[misc] # the mistake to be refused


def test_the_log_can_be_read_and_cleared_over_http_without_a_token(api: Api) -> None:
    log = api.emulator.url + "/_emulator/requests"
    api.create("web-key")
    assert httpx.get(log).json() == {
        "requests": [
            {
                "sequence": 1,
                "method": "POST",
                "path": KEYS,
                "status": 200,
                "body": {"name": "web-key", "containers": []},
                "fault": None,
                "effective": True,
            }
        ]
    }
    assert httpx.delete(log).status_code == 204
    assert httpx.get(log).json() == {"requests": []}
    assert httpx.put(log).status_code == 405


def test_the_log_never_shows_the_token_or_a_secret(api: Api) -> None:
    created = api.create("web-key").json()
    secret = created["secret"]
    api.patch("web-key", description=f"the token {TOKEN}", extra=[{"deep": secret}], secret="of mine")
    api.patch("web-key", **created)
    api.client.get(f"{KEYS}/{TOKEN}")
    api.client.get(KEYS, params={"apikey": TOKEN, "secret": secret})
    api.client.get(f"{KEYS}/%6dade-up$token")
    shown = httpx.get(api.emulator.url + "/_emulator/requests").text
    lines = [record.line() for record in api.emulator.requests]
    for text in (shown, *lines, repr(api.emulator.requests)):
        assert not any(hidden in text for hidden in (TOKEN, secret, "of mine", quote(TOKEN), "dade-up$token"))
    assert api.emulator.requests[1].body == {
        "description": "the token [hidden]",
        "extra": [{"deep": "[hidden]"}],
        "secret": "[hidden]",
    }
    assert [record.path for record in api.emulator.requests[3:]] == [
        f"{KEYS}/[hidden]",
        f"{KEYS}?apikey=[hidden]&secret=[hidden]",
        "[hidden]",
    ]


def test_a_log_listener_receives_no_token() -> None:
    reported: list[RequestRecord] = []
    with Emulator(token=TOKEN, listen=reported.append) as emulator:
        httpx.post(emulator.url + KEYS, json={"token": TOKEN}, headers={"Authorization": TOKEN})
    assert reported[0].body == {"token": "[hidden]"}


def test_a_body_nested_beyond_the_recursion_limit_is_logged(api: Api) -> None:
    for depth in (500, 900, 990):
        body = b'{"expire":%s}' % (b"[" * depth + b"]" * depth)
        assert api.client.patch(f"{KEYS}/web-key", content=body).status_code == 400
    assert len(api.emulator.requests) == 3


def test_a_body_too_deep_to_search_for_secrets_is_redacted_completely() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    log = RequestLog()
    log.add("PATCH", KEYS, deep, Result(400))
    assert log.records()[0].body == "[hidden]"


def test_a_log_without_a_token_redacts_secrets() -> None:
    log = RequestLog()
    log.add("PATCH", KEYS, {"secret": "x", "description": "y"}, Result(200))
    assert log.records()[0].body == {"secret": "[hidden]", "description": "y"}


def test_request_numbers_continue_after_the_log_is_cleared(api: Api) -> None:
    api.page()
    api.emulator.clear_requests()
    assert not api.emulator.requests
    api.page()
    assert [record.sequence for record in api.emulator.requests] == [2]


def test_a_record_on_one_line_has_no_control_characters() -> None:
    record = RequestRecord(7, "PATCH", "/a\x1b[31m\n\x9b", 200, {"description": "\x1b\n\x7f" + "x" * 1000})
    line = record.line()
    assert line.startswith(r"#7 PATCH /a\x1b[31m\n\x9b 200 ")
    assert line.isprintable()
    assert line.isascii()
    assert len(line) < 600


def test_one_of_concurrent_creates_of_one_name_succeeds(api: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: api.create("web-key").status_code, range(40)))
    assert sorted(statuses) == [200] + [409] * 39


def test_concurrent_writes_are_all_stored(api: Api) -> None:
    names = [f"key-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(api.create, names))
        list(pool.map(lambda name: api.patch(name, description=name), names))
        list(pool.map(lambda name: api.patch(name, is_disabled=True), names))
    keys = api.emulator.keys(1, 76)
    assert {name: (key["description"], key["is_disabled"]) for name, key in keys.items()} == {
        name: (name, True) for name in names
    }
    numbers = [record.sequence for record in api.emulator.requests]
    assert numbers == list(range(1, 121))


def test_lists_are_consistent_during_creations_and_deletions(api: Api) -> None:
    for number in range(50):
        api.create(f"fixed-{number}")

    def create_and_delete() -> None:
        for number in range(50):
            api.emulator.put_key(1, 76, {"name": f"passing-{number}", "containers": []})
            api.emulator.remove_key(1, 76, f"passing-{number}")

    with ThreadPoolExecutor(2) as pool:
        changes = pool.submit(create_and_delete)
        for _ in itertools.takewhile(lambda _: not changes.done(), itertools.count()):
            page = api.page().json()
            assert_page(page)
            assert page["count"] == len(page["results"]) in {50, 51}
        changes.result()
