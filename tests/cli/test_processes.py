"""``--processes``: the same plan by several processes, also if one is killed; nothing is left of them."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.scopes import LONG_PAUSE, PAUSE, REGIONS, Api, Run, api, content, planning, running, write_files
from tests.support import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support import CommandLine


@pytest.fixture
def server() -> Iterator[Api]:
    with api() as found:
        yield found


@pytest.fixture
def plan(tmp_path: Path, server: Api) -> Iterator[Callable[..., Run]]:
    write_files(tmp_path)
    with planning(tmp_path, server, {"GCORE_API_KEY": TOKEN}) as begin:
        yield begin


@pytest.fixture
def expected(
    cli: CommandLine, plan: Callable[..., Run], server: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> object:
    """Return the plan of this process."""
    assert callable(plan)  # it has written the files
    monkeypatch.chdir(tmp_path)
    done = cli("plan", ".", "--base-url", server.url, "--format", "json", "--processes", "1")
    assert (done.code, server.requests) == (0, len(REGIONS))
    server.most = 0
    return content(done.out)


def test_processes_make_the_same_plan_within_the_same_limit_and_end(
    plan: Callable[..., Run], server: Api, expected: object
) -> None:
    run = plan("--processes", "3", "--parallelism", "2")
    code, out, err = run.finished()
    assert (code, err) == (0, "")
    assert content(out) == expected
    assert (server.requests, server.most) == (2 * len(REGIONS), 2)
    assert not run.is_left()


@pytest.mark.parametrize("number", [1, 7, 20])
def test_what_a_killed_process_did_is_done_again(
    plan: Callable[..., Run], server: Api, expected: object, number: int
) -> None:
    reached = threading.Event()
    server.on_request = lambda count: reached.set() if count == len(REGIONS) + number else None
    run = plan("--processes", "2", "--parallelism", "1")
    assert reached.wait(30)
    os.kill(run.workers()[0], signal.SIGKILL)
    code, out, err = run.finished()
    assert (code, err) == (0, "")
    assert content(out) == expected
    assert not run.is_left()


def test_the_pause_that_an_api_asked_for_outlives_a_killed_process(
    plan: Callable[..., Run], server: Api
) -> None:
    reached = threading.Event()
    server.busy_at = 3
    server.on_request = lambda count: reached.set() if count == server.busy_at else None
    run = plan("--processes", "2", "--parallelism", "1")
    assert reached.wait(30)
    PAUSE.wait(0.5)  # until it is known to the processes
    os.kill(run.workers()[0], signal.SIGKILL)
    assert run.finished()[0] == 0
    assert server.times[3] - server.times[2] >= LONG_PAUSE


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_processes_too(
    plan: Callable[..., Run], server: Api, sent: signal.Signals
) -> None:
    reached, over = threading.Event(), threading.Event()

    def wait(_count: int) -> None:
        reached.set()
        over.wait(30)

    server.on_request = wait
    run = plan("--processes", "2")
    assert reached.wait(30)
    os.killpg(run.process.pid, sent)
    code, out, err = run.finished()
    over.set()
    assert (code, out) == (130, "")
    assert err == "\nInterrupted.\n"
    assert not run.is_left()


def test_processes_end_with_a_run_that_is_killed(plan: Callable[..., Run], server: Api) -> None:
    reached, over = threading.Event(), threading.Event()

    def wait(_count: int) -> None:
        reached.set()
        over.wait(30)

    server.on_request = wait
    run = plan("--processes", "2")
    assert reached.wait(30)
    run.process.kill()
    run.process.wait()
    assert not run.is_left()
    over.set()


@pytest.mark.parametrize(
    ("options", "code", "err"),
    [
        ((), 0, ""),
        (("--processes", "1"), 0, ""),
        (
            ("--processes", "2"),
            1,
            "Error: 2 processes cannot read the token from token; use a file, or --processes 1\n",
        ),
    ],
)
def test_a_token_that_only_one_process_can_read_is_read_by_one(
    plan: Callable[..., Run], tmp_path: Path, options: tuple[str, ...], code: int, err: str
) -> None:
    large = f"{{project_id: 1, region_id: 1, keys: []}} # {5_000_000 * 'x'}"
    (tmp_path / "large.yaml").write_text(large)
    os.mkfifo(tmp_path / "token", 0o600)
    run = plan("--token-file", "token", *options)
    (tmp_path / "token").write_text(TOKEN)
    assert run.finished()[::2] == (code, err)


@pytest.mark.parametrize("words", [("validate", "."), ("drift", ".", "--format", "json")], ids=" ".join)
def test_other_commands_find_the_same_by_processes(
    cli: CommandLine, server: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    write_files(tmp_path)
    if words[0] == "validate":
        (tmp_path / "03.yaml").write_text("project_id: 1\nregion_id: 4\nkeys: [{name: web}, {name: X}]\n")
    monkeypatch.chdir(tmp_path)
    cli.environment.setenv("GCORE_BASE_URL", server.url)
    own = cli(*words, "--processes", "1")
    environment = {"GCORE_API_KEY": TOKEN, "GCORE_BASE_URL": server.url, "RECONCILER_PROCESSES": "2"}
    with running(tmp_path, environment) as begin:
        run = begin(*words)
        code, out, err = run.finished()
    assert (code, err, "web" in out + err) == (own.code, own.err, True)
    assert code == {"validate": 1, "drift": 2}[words[0]]
    if words[0] == "drift":
        assert content(out) == content(own.out)
    assert not run.is_left()
