"""The command line, and an emulated API that it talks to."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.gcore_emulator.description import request_complaints
from tests.scopes import REGIONS, content, planning, write_files
from tests.support import TOKEN, CommandLine, emulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gcore_emulator import Emulator
    from tests.scopes import Api, Run


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], program: Sequence[str]
) -> Iterator[CommandLine]:
    """The command line with a token and an address where no server listens."""
    before = signal.getsignal(signal.SIGTERM)
    yield CommandLine(monkeypatch, capsys, program)
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


@pytest.fixture
def plan(tmp_path: Path, scopes: Api) -> Iterator[Callable[..., Run]]:
    """Return what begins a plan of many scopes in a process of its own."""
    write_files(tmp_path)
    with planning(tmp_path, scopes, {"GCORE_API_KEY": TOKEN, "HOME": str(tmp_path)}) as begin:
        yield begin


@pytest.fixture
def expected(
    cli: CommandLine, plan: Callable[..., Run], scopes: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> object:
    """Return the plan of many scopes by this process; its requests are not counted."""
    assert callable(plan)  # it has written the files
    monkeypatch.chdir(tmp_path)
    done = cli("plan", ".", "--base-url", scopes.url, "--format", "json", "--processes", "1")
    assert (done.code, scopes.requests) == (0, len(REGIONS))
    scopes.most = scopes.requests = 0
    return content(done.out)
