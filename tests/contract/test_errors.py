"""Errors: one tree, each with its exit code, each on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler import errors
from reconciler.errors import ApiError, ExitCode, Failure, InputError, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Iterator


def below(kind: type[ReconcilerError]) -> Iterator[type[ReconcilerError]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


def test_every_error_has_a_docstring() -> None:
    assert [kind.__name__ for kind in below(ReconcilerError) if not kind.__doc__] == []


def test_the_exit_codes_are_part_of_the_interface() -> None:
    codes = {"DONE": 0, "ERROR": 1, "CHANGES": 2, "REFUSED": 3, "PARTIAL": 4, "USAGE": 64, "INTERRUPTED": 130}
    assert {code.name: code.value for code in ExitCode} == codes


@pytest.mark.parametrize(
    ("kind", "code"),
    [(InputError, 1), (ApiError, 1), (errors.RefusedError, 3), (errors.StoppedError, 130)],
)
def test_an_error_knows_its_exit_code(kind: type[ReconcilerError], code: int) -> None:
    assert kind.exit_code == code


def test_only_failures_that_may_pass_are_tried_again() -> None:
    kinds = [kind for kind in below(ApiError) if issubclass(kind, ApiError)]
    assert {kind.__name__ for kind in kinds if kind.retryable} == {
        "UnreachableError",
        "TimedOutError",
        "RateLimitedError",
        "ServerFaultError",
        "StandbyError",
    }


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (Failure("GET /x", "broken"), "GET /x: broken"),
        (Failure("GET /x", "broken", status=500), "GET /x: HTTP 500: broken"),
        (Failure("GET /x", "no", 404, exception_class="NotFound"), "GET /x: HTTP 404: no (NotFound)"),
        (
            Failure("GET /x", "no", 409, exception_class="Busy", request_id="r1", attempts=3),
            "GET /x: HTTP 409: no (Busy, request_id r1, tried 3 times)",
        ),
        (Failure("GET /x", "no", 401, hint="set GCORE_API_KEY"), "GET /x: HTTP 401: no; set GCORE_API_KEY"),
    ],
)
def test_a_failure_tells_all_that_is_known_on_one_line(failure: Failure, text: str) -> None:
    assert str(ApiError(failure)) == text


def test_an_error_that_was_retried_keeps_its_class() -> None:
    error = errors.RateLimitedError(Failure("GET /x", "slow down", status=429)).after(4, in_doubt=True)
    assert isinstance(error, errors.RateLimitedError)
    assert str(error) == "GET /x: HTTP 429: slow down (tried 4 times)"
