"""``--processes``: the same plan by several processes, also if one is killed; nothing is left of them."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.scopes import LONG_PAUSE, PAUSE, REGIONS, Api, Run, content, held, running, write_files
from tests.support import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import CommandLine


def test_processes_make_the_same_plan_within_the_same_limit_and_end(
    plan: Callable[..., Run], scopes: Api, expected: object
) -> None:
    run = plan("--processes", "3", "--parallelism", "2")
    code, out, err = run.finished()
    assert (code, err) == (0, "")
    assert content(out) == expected
    assert (scopes.requests, scopes.most) == (len(REGIONS), 2)
    assert not run.is_left()


@pytest.mark.parametrize("number", [1, 7, 20])
def test_what_a_killed_process_did_is_done_again(
    plan: Callable[..., Run], scopes: Api, expected: object, number: int
) -> None:
    reached = threading.Event()
    scopes.on_request = lambda count: reached.set() if count == number else None
    run = plan("--processes", "2", "--parallelism", "1")
    assert reached.wait(30)
    os.kill(run.workers()[0], signal.SIGKILL)
    code, out, err = run.finished()
    assert (code, err) == (0, "")
    assert content(out) == expected
    assert not run.is_left()


def test_the_pause_that_an_api_asked_for_outlives_a_killed_process(
    plan: Callable[..., Run], scopes: Api
) -> None:
    reached = threading.Event()
    scopes.busy_at = 3
    scopes.on_request = lambda count: reached.set() if count == scopes.busy_at else None
    run = plan("--processes", "2", "--parallelism", "1")
    assert reached.wait(30)
    PAUSE.wait(0.5)  # until it is known to the processes
    os.kill(run.workers()[0], signal.SIGKILL)
    assert run.finished()[0] == 0
    assert scopes.times[3] - scopes.times[2] >= LONG_PAUSE


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_processes_too(
    plan: Callable[..., Run], scopes: Api, sent: signal.Signals
) -> None:
    with held(scopes) as reached:
        run = plan("--processes", "2")
        assert reached.wait(30)
        os.killpg(run.process.pid, sent)
        code, out, err = run.finished()
    assert (code, out) == (130, "")
    assert err == "\nInterrupted.\n"
    assert not run.is_left()


def test_processes_end_with_a_run_that_is_killed(plan: Callable[..., Run], scopes: Api) -> None:
    with held(scopes) as reached:
        run = plan("--processes", "2")
        assert reached.wait(30)
        run.process.kill()
        run.process.wait()
        assert not run.is_left()


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
    cli: CommandLine, scopes: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    write_files(tmp_path)
    if words[0] == "validate":
        (tmp_path / "03.yaml").write_text("project_id: 1\nregion_id: 4\nkeys: [{name: web}, {name: X}]\n")
    monkeypatch.chdir(tmp_path)
    cli.environment.setenv("GCORE_BASE_URL", scopes.url)
    own = cli(*words, "--processes", "1")
    environment = {"GCORE_API_KEY": TOKEN, "GCORE_BASE_URL": scopes.url, "RECONCILER_PROCESSES": "2"}
    with running(tmp_path, environment) as begin:
        run = begin(*words)
        code, out, err = run.finished()
    assert (code, err, "web" in out + err) == (own.code, own.err, True)
    assert code == {"validate": 1, "drift": 2}[words[0]]
    if words[0] == "drift":
        assert content(out) == content(own.out)
    assert not run.is_left()
