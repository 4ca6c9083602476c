"""A server that never ends its response delays no command, and a signal ends one that waits."""

from __future__ import annotations

import itertools
import json
import re
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support import CommandLine, declare, dripping, http_bytes, live

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOUNDS = ("--connect-timeout", "0.6", "--read-timeout", "0.6", "--retries", "0")


class Endless:
    """A response whose headers never end; ``asked`` is set with the first request."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def __call__(self) -> Iterator[bytes]:
        self.asked.set()
        yield b"HTTP/1.1 200 OK\r\n"
        yield from itertools.repeat(b"X-More: 1\r\n")


class Listing(Endless):
    """A listing first, and then, to the first write and what reads it back, the same."""

    def __init__(self, *first: bytes) -> None:
        super().__init__()
        self._first = iter(first)

    def __call__(self) -> Iterator[bytes]:
        response = next(self._first, None)
        return super().__call__() if response is None else iter([response])


@pytest.fixture
def path(tmp_path: Path) -> str:
    return declare(tmp_path / "keys.yaml", {"name": "web", "is_disabled": True})


def listing() -> bytes:
    return http_bytes(json.dumps({"count": 1, "results": [live("web")]}).encode())


@pytest.mark.parametrize("command", ["plan", "apply", "drift"])
def test_endless_headers_are_an_error(cli: CommandLine, path: str, command: str) -> None:
    options = ["--auto-approve"] if command == "apply" else []
    with dripping(Endless()) as url:
        done = cli.alone(command, path, "--base-url", url, *BOUNDS, *options)
    assert done.code == 1
    assert "timed out: the head of the response does not end" in done.err


@pytest.mark.parametrize(
    ("command", "name"), [("plan", "SIGINT"), ("plan", "SIGTERM"), ("apply", "SIGTERM"), ("drift", "SIGINT")]
)
def test_a_signal_ends_a_command_waiting_for_a_read(
    cli: CommandLine, path: str, command: str, name: str
) -> None:
    response = Endless()
    options = ["--auto-approve"] if command == "apply" else []
    with dripping(response) as url, cli.start(command, path, "--base-url", url, *options) as process:
        assert response.asked.wait(60)
        process.send_signal(signal.Signals[name])
        process.communicate(timeout=60)
    assert process.returncode == 130


def test_a_signal_ends_a_service_waiting_for_a_read(cli: CommandLine, path: str) -> None:
    response = Endless()
    with (
        dripping(response) as url,
        cli.start("drift", path, "--every", "1d", "--base-url", url) as process,
    ):
        assert response.asked.wait(60)
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_write_in_flight_ends_within_its_timeout_after_a_signal(cli: CommandLine, path: str) -> None:
    response = Listing(listing())
    with (
        dripping(response) as url,
        cli.start("apply", path, "--auto-approve", "--base-url", url, *BOUNDS) as process,
    ):
        assert response.asked.wait(60)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert re.search("not verified|not known", out)
    assert process.returncode == 130


def test_an_endless_webhook_response_delays_no_round(cli: CommandLine, path: str) -> None:
    hook, api = Endless(), Listing(listing())
    with dripping(hook) as webhook, dripping(api) as url:
        cli.environment.setenv("RECONCILER_DRIFT_WEBHOOK", webhook)
        with cli.start("drift", path, "--every", "1d", "--base-url", url) as process:
            assert hook.asked.wait(60)
            process.terminate()
            _, err = process.communicate(timeout=60)
    assert "interrupted while waiting for the response" in err
