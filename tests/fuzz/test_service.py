from __future__ import annotations

import httpx
import pytest

from fuzz.remote import raw_side
from fuzz.responses import Response, says_none, strict
from fuzz.service import Judge

SEED = 7
EMPTY = b'{"count":0,"results":[]}'


def kinds_of_failure(judge: Judge) -> list[str]:
    return [f"{broken.promise}, {broken.case}: {broken.detail}" for broken in judge.broken]


def judged(status: int, body: bytes, **headers: str) -> list[str]:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    judge = Judge(SEED)
    judge.ask("by hand", [Response(status, named, body)])
    return kinds_of_failure(judge)


def test_no_response_crashes_the_engine_or_is_mistaken_for_an_empty_list() -> None:
    judge = Judge(SEED)
    for number in range(150):
        judge.case(number)
    assert kinds_of_failure(judge) == []


def test_no_raw_bytes_crash_the_engine() -> None:
    judge = Judge(SEED)
    with raw_side() as raw:
        for number in range(80):
            judge.case(number, raw)
    assert kinds_of_failure(judge) == []


def test_a_valid_empty_list_means_no_keys() -> None:
    assert judged(200, EMPTY) == []


@pytest.mark.parametrize("location", ["https:abc", "mailto:a@b", "data:,x", "file:a"])
def test_a_redirect_to_an_invalid_address_is_refused(location: str) -> None:
    assert judged(302, b"", Location=location) == []


@pytest.mark.parametrize(
    "instant",
    ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00 +99999999999999999999"],
)
def test_an_impossible_date_is_not_a_retry_after(instant: str) -> None:
    assert judged(429, b"{}", Retry_After=instant) == []


@pytest.mark.parametrize(
    "body",
    [b'{"count":2,"count":0,"results":[]}', b'{"count":0,"results":[{"name":"a"}],"results":[]}'],
)
def test_a_contradictory_list_is_never_read_as_no_keys(body: bytes) -> None:
    assert judged(200, body) == []


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (EMPTY, True),
        (b'{"count":0,"results":[],"more":1}', True),
        (b'{"count":0.0,"results":[]}', True),
        (b'{"count":false,"results":[]}', False),
        (b'{"count":1,"results":[]}', False),
        (b'{"count":2,"count":0,"results":[]}', False),
        (b"[]", False),
        (b"", False),
    ],
)
def test_the_check_recognizes_an_empty_list(body: bytes, wanted: bool) -> None:  # noqa: FBT001 - a case
    assert says_none(strict(body)) is wanted


def test_the_check_considers_only_successful_responses() -> None:
    assert Response(500, [], EMPTY).document() is None
    assert Response(200, [(b"Content-Encoding", b"gzip")], EMPTY).document() is None
    assert isinstance(Response(200, [], EMPTY).response(), httpx.Response)
