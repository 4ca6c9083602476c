"""The command line, and an emulated API that it talks to."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.gcore_emulator.description import request_complaints
from tests.support import CommandLine, emulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gcore_emulator import Emulator


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[CommandLine]:
    """The command line with a token and an address where no server listens."""
    before = signal.getsignal(signal.SIGTERM)
    yield CommandLine(monkeypatch, capsys)
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(params=[{}], ids=[""])
def emulator(cli: CommandLine, request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """An empty emulated API, which the command line is set to; a test can give it switches.

    No test may leave a request that the description of the API does not have.
    """
    with emulate(**request.param) as running:
        cli.use(running)
        yield running
        undescribed = {
            complaint
            for record in running.requests
            for complaint in request_complaints(record.method, record.path, record.body)
        }
        assert undescribed == set()
