"""``drift --processes``: a service starts its processes once, and they end with it, however it ends."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.scopes import REGIONS, Api, Run, held, running, write_files
from tests.support import lines_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def drift(tmp_path: Path, scopes: Api) -> Iterator[Callable[..., Run]]:
    """Return what begins a service whose rounds are as far apart as can be; its token is in a file."""
    write_files(tmp_path)
    set_token(tmp_path, "first-t0ken")
    words = (
        "drift",
        ".",
        "--every",
        "1d",
        "--base-url",
        scopes.url,
        "--token-file",
        "token",
        "--retries",
        "0",
    )
    with running(tmp_path, {}) as begin:
        yield partial(begin, *words)


def set_token(folder: Path, text: str) -> None:
    (folder / "token").write_text(text, encoding="utf-8")
    (folder / "token").chmod(0o600)


def ended(run: Run) -> tuple[int, bool]:
    """Return the exit code of a service, and whether one of its processes is left."""
    run.finished()
    return run.process.returncode, run.is_left()


def test_a_service_keeps_its_processes_and_replaces_one_that_ends(
    drift: Callable[..., Run], scopes: Api, tmp_path: Path
) -> None:
    run = drift("--processes", "2", "-v")

    def round_until(word: str) -> list[int]:
        scopes.tokens.clear()
        run.process.send_signal(signal.SIGHUP)
        lines_until(run.process.stderr, word)
        lines_until(run.process.stderr, "Next round")
        return run.workers()

    lines_until(run.process.stderr, "Next round")
    workers = run.workers()
    assert (len(workers), scopes.requests) == (2, len(REGIONS))
    set_token(tmp_path, "second-t0ken")
    assert round_until("No change") == workers
    assert set(scopes.tokens) == {"apikey second-t0ken"}
    scopes.status = 500
    assert round_until("1 in a row") == workers
    (tmp_path / "token").unlink()
    assert round_until("2 in a row") == workers
    assert scopes.tokens == []
    set_token(tmp_path, "third-t0ken")
    scopes.status = 200
    assert round_until("Rounds succeed again") == workers
    os.kill(workers[0], signal.SIGKILL)
    others = round_until("No change")
    assert (len(others), set(others) & set(workers)) == (2, set())
    assert scopes.tokens == ["apikey third-t0ken"] * len(REGIONS)
    run.process.send_signal(signal.SIGTERM)
    assert ended(run) == (0, False)


def test_processes_end_with_a_service_that_is_killed_between_rounds(drift: Callable[..., Run]) -> None:
    run = drift("--processes", "2", "-v")
    lines_until(run.process.stderr, "Next round")
    assert len(run.workers()) == 2
    run.process.kill()
    assert ended(run) == (-signal.SIGKILL, False)


@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_a_service_that_is_stopped_in_a_round_ends_with_its_processes(
    drift: Callable[..., Run], scopes: Api, send: Callable[[int, int], None]
) -> None:
    with held(scopes) as reached:
        run = drift("--processes", "2")
        assert reached.wait(30)
        send(run.process.pid, signal.SIGTERM)
        assert ended(run) == (0, False)


def test_a_service_of_small_files_starts_no_process(drift: Callable[..., Run]) -> None:
    run = drift("-v")
    lines_until(run.process.stderr, "Next round")
    assert run.children() == []
    run.process.send_signal(signal.SIGTERM)
    assert ended(run) == (0, False)
