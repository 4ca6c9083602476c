"""The settings, and the choice of a fault for each request; nothing here opens a socket."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, zip_longest
from typing import Any

import pytest

from gcore_emulator import Faults
from gcore_emulator.fault_responses import FAULT_RESPONSES
from gcore_emulator.faults import NO_FAULTS, fault_specs, read_faults
from gcore_emulator.injector import FAULT_NAMES, Injector

RESPONSE_RATES = [spec.name for spec in fault_specs() if spec.spoils_response]
PATHS = [f"/key-{number}" for number in range(20)]

BAD_SETTINGS: list[tuple[object, str]] = [
    ([], "the faults must be an object"),
    (None, "the faults must be an object"),
    ({"status_418": 1}, "unknown: 'status_418'; known are accepted_after, "),
    ({"status_500": 1.01}, "status_500: must be a number from 0 to 1$"),
    ({"status_500": -0.1}, "status_500: must be a number from 0 to 1$"),
    ({"status_500": float("nan")}, "status_500: must be a number from 0 to 1$"),
    ({"status_500": True}, "status_500: must be a number from 0 to 1$"),
    ({"status_500": "0.5"}, "status_500: must be a number from 0 to 1$"),
    ({"status_500": None}, "status_500: must be a number from 0 to 1$"),
    ({"page_change": 2}, "page_change: must be a number from 0 to 1$"),
    ({"slow_seconds": -1}, "slow_seconds: must be a number from 0 to 1000000000$"),
    ({"slow_seconds": float("inf")}, "slow_seconds: must be a number from 0 to 1000000000$"),
    ({"retry_after": 0.5}, "retry_after: must be a whole number from 0 to 1000000000$"),
    ({"seed": True}, "seed: must be a whole number from 0 to 1000000000$"),
    ({"max_in_a_row": None}, "max_in_a_row: must be a whole number from 0 to 1000000000$"),
    ({"unauthorized_from": 0}, "unauthorized_from: must be a whole number from 1 to 1000000000$"),
    ({"methods": ["GRAB"]}, "methods: must be a list of words from GET, POST, PATCH, DELETE$"),
    ({"methods": "GET"}, "methods: must be a list of words from GET, POST, PATCH, DELETE$"),
    ({"unstored": [["expire"]]}, "unstored: must be a list of words from description, expire, "),
    ({"status_500": 2, "seed": -1}, "^status_500: must .*; seed: must "),
    ({"status_500": 0.6, "half_body": 0.5}, "the rates of status_500, half_body add up to more than 1$"),
]


@pytest.mark.parametrize(("document", "complaint"), BAD_SETTINGS)
def test_bad_settings_are_refused_with_name_and_reason(document: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_faults(document)


def test_misspelt_settings_are_refused_in_python() -> None:
    with pytest.raises(ValueError, match="unstored: must be a list of words from description"):
        Faults(unstored=("expiry",))


def test_omitted_settings_have_their_defaults() -> None:
    assert read_faults({}) == Faults() == NO_FAULTS
    assert read_faults({"status_500": 1, "unauthorized_from": None}) == Faults(status_500=1)


def test_a_settings_document_survives_a_round_trip() -> None:
    faults = Faults(reset_after=0.25, unstored=("expire",), methods=("PATCH",), unauthorized_from=7, seed=9)
    assert read_faults(faults.document()) == faults


def test_ten_rates_of_one_tenth_are_accepted() -> None:
    assert len(read_faults(dict.fromkeys(RESPONSE_RATES[:10], 0.1)).response_rates()) == 10


def test_every_response_fault_has_its_behaviour() -> None:
    assert set(FAULT_RESPONSES) == {*RESPONSE_RATES, "unauthorized_from"}
    assert set(FAULT_NAMES) == {*FAULT_RESPONSES, "page_change", "concurrent_write", "unstored"}


def drawn(faults: Faults, paths: list[str], method: str = "PATCH") -> list[str | None]:
    injector = Injector(faults)
    return [injector.response_fault(method, path) for path in paths]


def test_the_rates_are_met_over_two_thousand_requests() -> None:
    rates = {name: 0.02 + 0.004 * place for place, name in enumerate(RESPONSE_RATES)}
    assert len(rates) == 17
    met = drawn(read_faults(rates | {"max_in_a_row": 0}), PATHS * 100)
    assert len(met) == 2000
    for name, rate in rates.items():
        assert abs(met.count(name) / 2000 - rate) < 0.02, name
    assert abs(met.count(None) / 2000 - (1 - sum(rates.values()))) < 0.02


@pytest.mark.parametrize("name", RESPONSE_RATES)
def test_a_rate_of_one_affects_every_request(name: str) -> None:
    settings: dict[str, Any] = {name: 1.0}
    assert set(drawn(Faults(**settings, max_in_a_row=0), PATHS * 10)) == {name}


MIXED = Faults(status_429=0.2, reset_before=0.2, reset_after=0.2, max_in_a_row=0, seed=5)


def test_the_same_seed_produces_the_same_sequence() -> None:
    assert drawn(MIXED, PATHS * 10) == drawn(MIXED, PATHS * 10)


def test_another_seed_produces_another_sequence() -> None:
    other = Faults(status_429=0.2, reset_before=0.2, reset_after=0.2, max_in_a_row=0, seed=6)
    assert drawn(MIXED, PATHS * 10) != drawn(other, PATHS * 10)


def test_the_sequence_depends_on_the_method() -> None:
    assert drawn(MIXED, PATHS * 10, "PATCH") != drawn(MIXED, PATHS * 10, "GET")


def test_the_sequence_of_a_path_does_not_depend_on_other_paths() -> None:
    together = drawn(MIXED, PATHS * 10)
    for place, path in enumerate(PATHS):
        assert together[place :: len(PATHS)] == drawn(MIXED, [path] * 10)


def test_the_sequence_is_the_same_under_any_hash_seed() -> None:
    script = (
        "from gcore_emulator import Faults; from gcore_emulator.injector import Injector;"
        "injector = Injector(Faults(status_429=0.5));"
        "print([injector.response_fault('GET', '/') for _ in range(50)])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {f"{drawn(Faults(status_429=0.5), ['/'] * 50, 'GET')}\n".encode()}


@pytest.mark.parametrize("most", [1, 2, 5])
def test_consecutive_failures_of_a_path_are_limited(most: int) -> None:
    met = drawn(Faults(status_500=0.5, reset_before=0.5, max_in_a_row=most), ["/"] * 60)
    rows = [len(list(row)) for failed, row in groupby(met, key=bool) if failed]
    assert set(rows) == {most}
    assert met.count(None) == 60 // (most + 1)


def test_consecutive_failures_are_counted_per_path() -> None:
    met = drawn(Faults(status_500=1, max_in_a_row=1), ["/a", "/b", "/a", "/b"])
    assert met == ["status_500", "status_500", None, None]


def test_only_the_named_methods_are_affected() -> None:
    faults = Faults(status_500=1, methods=("PATCH", "DELETE"))
    assert drawn(faults, ["/"], "GET") == drawn(faults, ["/"], "POST") == [None]
    assert drawn(faults, ["/"], "PATCH") == drawn(faults, ["/"], "DELETE") == ["status_500"]


@pytest.mark.parametrize("name", ["half_body", "wrong_content_type"])
def test_responses_without_a_body_are_not_truncated_or_mislabelled(name: str) -> None:
    settings: dict[str, Any] = {name: 1.0}
    assert drawn(Faults(**settings), PATHS, "DELETE") == [None] * len(PATHS)


def test_the_token_is_refused_permanently_from_the_nth_request() -> None:
    injector = Injector(Faults(unauthorized_from=3, methods=("PATCH",), max_in_a_row=1))
    met = [injector.response_fault(method, "/") for method in ("GET", "PATCH", "GET", "DELETE", "GET", "GET")]
    assert met == [None, None] + ["unauthorized_from"] * 4


def test_setting_faults_again_restarts_their_sequence() -> None:
    injector = Injector(MIXED)
    first = [injector.response_fault("GET", "/") for _ in range(20)]
    injector.use(MIXED)
    assert [injector.response_fault("GET", "/") for _ in range(20)] == first


def test_faults_can_be_changed_from_another_thread() -> None:
    injector = Injector(NO_FAULTS)
    always = Faults(status_500=1, max_in_a_row=0)

    def change() -> None:
        for faults in [always, NO_FAULTS] * 500 + [always]:
            injector.use(faults)

    with ThreadPoolExecutor(1) as pool:
        changes = pool.submit(change)
        while not changes.done():
            assert injector.response_fault("GET", "/") in {None, "status_500"}
        changes.result()
    assert injector.response_fault("GET", "/") == "status_500"


def listings(injector: Injector, times: int, pages: int = 3) -> list[bool]:
    """Read complete listings, and return for each whether it changed between its pages."""
    return [
        sum(injector.page_change("caas/1/76", 10 * page) for page in range(pages)) > 0 for _ in range(times)
    ]


def test_a_listing_of_one_page_is_never_disturbed() -> None:
    assert listings(Injector(Faults(page_change=1)), 5, pages=1) == [False] * 5


def test_listings_are_disturbed_at_the_rate_of_their_later_pages() -> None:
    disturbed = listings(Injector(Faults(page_change=0.3, max_in_a_row=0)), 2000, pages=2)
    assert abs(sum(disturbed) / 2000 - 0.3) < 0.03
    assert disturbed == listings(Injector(Faults(page_change=0.3, max_in_a_row=0)), 2000, pages=2)


def test_consecutive_disturbed_listings_are_limited() -> None:
    disturbed = listings(Injector(Faults(page_change=1, max_in_a_row=2)), 9)
    assert disturbed == [True, True, False] * 3


def test_a_repeated_first_page_does_not_reset_the_count() -> None:
    injector = Injector(Faults(page_change=1, max_in_a_row=1))
    offsets = [0, 10, 0, 0, 10, 20]
    changes = [injector.page_change("caas/1/76", offset) for offset in offsets]
    assert changes == [False, True, False, False, False, False]


def patches(faults: Faults, times: int) -> list[int]:
    injector = Injector(faults)
    return [number for _ in range(times) if (number := injector.concurrent_write())]


def test_the_concurrent_writer_acts_after_every_nth_patch() -> None:
    assert patches(Faults(concurrent_write_every=3), 10) == [3, 6, 9]


def test_the_concurrent_writer_acts_at_a_rate() -> None:
    numbers = patches(Faults(concurrent_write=0.1), 2000)
    assert abs(len(numbers) / 2000 - 0.1) < 0.02
    assert numbers == patches(Faults(concurrent_write=0.1), 2000)


def test_there_is_no_concurrent_writer_by_default() -> None:
    assert patches(NO_FAULTS, 100) == []


def test_counts_start_at_zero_and_survive_a_change_of_faults() -> None:
    injector = Injector(Faults(status_500=1))
    assert injector.injected() == dict.fromkeys(FAULT_NAMES, 0)
    injector.count("status_500")
    injector.use(NO_FAULTS)
    assert injector.injected()["status_500"] == 1


def test_every_setting_has_its_help_and_its_bounds() -> None:
    for spec, name in zip_longest(fault_specs(), NO_FAULTS.document()):
        assert spec.name == name
        assert spec.help.endswith(".")
        assert (spec.kind == "names") == bool(spec.choices)
