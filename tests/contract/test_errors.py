"""Errors: one tree, each with its exit code, each on one line."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import reconciler
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


def drawn() -> dict[str, str]:
    """Return each error of the picture in errors.py with the one above it."""
    above: dict[int, str] = {}
    found = {}
    for row in str(errors.__doc__).splitlines():
        match = re.match(r"(?P<lead>    (?:[|` ]   |[|`]-- )*)(?P<name>\w+Error) ", row)
        if match:
            depth = len(match["lead"])
            found[match["name"]] = above.get(depth - 4, "Exception")
            above[depth] = match["name"]
    return found


def test_the_picture_shows_every_error_below_its_own_root() -> None:
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if module.name != "reconciler.__main__":
            importlib.import_module(module.name)
    kinds: list[type[Exception]] = [ReconcilerError, *below(ReconcilerError)]
    ours = [kind for kind in kinds if kind.__module__.startswith("reconciler.")]
    assert drawn() == {kind.__name__: kind.__bases__[0].__name__ for kind in ours}


def test_the_causes_left_out_are_those_that_could_show_a_secret() -> None:
    package = Path(reconciler.__file__).parent
    text = str(errors.__doc__).partition("``from None``")[2]
    unchained = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if path.name != "errors.py" and " from None" in path.read_text(encoding="utf-8")
    }
    assert set(re.findall(r"[\w/]+\.py", text)) == unchained


def test_the_exit_codes_are_part_of_the_interface() -> None:
    codes = {"DONE": 0, "ERROR": 1, "CHANGES": 2, "REFUSED": 3, "PARTIAL": 4, "USAGE": 64, "INTERRUPTED": 130}
    assert {code.name: code.value for code in ExitCode} == codes


@pytest.mark.parametrize(
    ("kind", "code"),
    [(InputError, 1), (ApiError, 1), (errors.RefusedError, 3), (errors.StoppedError, 130)],
)
def test_an_error_knows_its_exit_code(kind: type[ReconcilerError], code: int) -> None:
    assert kind.exit_code == code


def test_only_transient_failures_are_retried() -> None:
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
def test_a_failure_shows_all_details_on_one_line(failure: Failure, text: str) -> None:
    assert str(ApiError(failure)) == text


def test_an_error_that_was_retried_keeps_its_class() -> None:
    before = errors.UnreachableError(Failure("GET /x", "no response", in_doubt=True))
    error = errors.RateLimitedError(Failure("GET /x", "slow down", status=429)).after(4, before)
    assert isinstance(error, errors.RateLimitedError)
    assert str(error) == "GET /x: HTTP 429: slow down (tried 4 times)"
