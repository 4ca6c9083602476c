"""Complete runs under faults: deterministic, converging, logged, and without effect on other clients."""

from __future__ import annotations

import contextlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import httpx
import pytest

from gcore_emulator import Faults
from gcore_emulator.faults import NO_FAULTS
from tests.gcore_emulator.conftest import TOKEN, Api
from tests.gcore_emulator.test_faults_responses import PATH, SEED, always, last

if TYPE_CHECKING:
    from tests.gcore_emulator.conftest import Launcher


@pytest.fixture
def api(start: Launcher) -> Api:
    """An emulator with one key; a test puts its faults in force."""
    return start(seed=SEED)


def test_effective_writes_and_lost_responses_can_be_counted(api: Api) -> None:
    api.emulator.faults = Faults(reset_before=0.3, reset_after=0.3, status_503=0.2, seed=3)
    tries = [delivered(api, "web-key", text) for text in map(str, range(30))]
    records = api.emulator.requests
    assert sum(tries) == len(records)
    lost = [record for record in records if record.effective and record.status is None]
    assert sum(record.effective for record in records) == 30 + len(lost)
    counts = Counter(record.fault for record in records if record.fault)
    assert counts["reset_after"] == len(lost) > 0
    assert {name: count for name, count in api.emulator.injected.items() if count} == counts


def delivered(api: Api, name: str, text: str) -> int:
    """Send one PATCH until it succeeds, and count the tries."""
    for attempt in range(1, 5):
        with contextlib.suppress(httpx.TransportError):
            if api.patch(name, description=text).is_success:
                return attempt
    raise AssertionError(f"more than three faults in a row for {name}")


def test_a_run_is_deterministic_for_a_seed(start: Launcher) -> None:
    runs = []
    for _ in range(2):
        api = start(seed=SEED, faults=Faults(reset_before=0.2, status_429=0.2, half_body=0.2, seed=11))
        for text in map(str, range(20)):
            delivered(api, "web-key", text)
        runs.append(api.emulator.requests)
    assert runs[0] == runs[1]
    assert len({record.fault for record in runs[0]}) == 4


def test_parallel_clients_are_deterministic_per_path_and_converge(start: Launcher) -> None:
    names = [f"key-{number}" for number in range(12)]
    seed = {"caas": {"1/76": [{"name": name, "containers": []} for name in names]}}
    runs = []
    for _ in range(2):
        api = start(seed=seed, faults=Faults(reset_before=0.3, reset_after=0.3, seed=4))
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda name, api=api: delivered(api, name, name), names))
        keys = api.emulator.keys(1, 76)
        assert {name: keys[name]["description"] for name in names} == {name: name for name in names}
        runs.append(sorted((record.path, record.sequence, record.fault) for record in api.emulator.requests))
    first, second = ([(path, fault) for path, _, fault in run] for run in runs)
    assert first == second
    assert len(first) > len(names)


def test_a_cut_connection_disturbs_no_other(api: Api) -> None:
    api.emulator.faults = always(reset_before=1, methods=("PATCH",))
    with contextlib.closing(HTTPConnection(httpx.URL(api.emulator.url).netloc.decode())) as other:
        other.connect()
        opened = other.sock
        for _ in range(5):
            with pytest.raises(httpx.ReadError):
                api.patch("web-key", description="new")
            other.request("GET", PATH, headers={"Authorization": f"apikey {TOKEN}"})
            response = other.getresponse()
            assert (response.status, len(response.read())) == (200, int(response.headers["content-length"]))
        assert other.sock is opened


def test_a_reset_of_one_waiting_client_does_not_affect_others(api: Api) -> None:
    api.emulator.faults = always(slow_answer=1, slow_seconds=0.05, methods=("GET",))
    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(api.page) for _ in range(4)]
        while len(api.emulator.requests) < len(waiting):
            pass
        api.emulator.faults = always(reset_after=1, methods=("PATCH",))
        with pytest.raises(httpx.ReadError):
            api.patch("web-key", description="new")
        assert {response.result().status_code for response in waiting} == {200}


def test_without_faults_the_log_mentions_none(api: Api) -> None:
    api.emulator.faults = always(status_500=1)
    assert api.page().status_code == 500
    api.emulator.faults = NO_FAULTS
    assert api.page().status_code == 200
    assert last(api) == ("GET", 200, None, False)
    assert api.emulator.injected["status_500"] == 1


def test_a_log_line_names_the_fault(api: Api) -> None:
    api.emulator.faults = Faults(reset_after=1, max_in_a_row=1)
    with pytest.raises(httpx.ReadError):
        api.patch("web-key", description="new")
    api.patch("web-key", description="new")
    assert [record.line() for record in api.emulator.requests] == [
        f'#1 PATCH {PATH} reset [reset_after] {{"description": "new"}}',
        f'#2 PATCH {PATH} 200 {{"description": "new"}}',
    ]
