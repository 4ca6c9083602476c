from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import IO, TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner

from gcore_emulator.command import emulator
from gcore_emulator.switches import switch_specs
from tests.gcore_emulator.conftest import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-c", "from gcore_emulator.command import emulator; emulator()"]
HEADERS = {"Authorization": "apikey a$b"}


@contextlib.contextmanager
def _command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command with a free port, and return it with its address."""
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--token", "a$b", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process, _pipe(process.stdout).readline().strip()
        finally:
            process.kill()


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def _failed(*arguments: str) -> str:
    """Run the command to its failure, and return its message."""
    finished = CliRunner().invoke(emulator, arguments)
    assert (finished.exit_code, finished.stdout) == (1, "")
    assert isinstance(finished.exception, SystemExit), "an error is a message, not a traceback"
    return finished.stderr


def test_the_first_line_is_the_address_and_the_next_ones_set_the_environment() -> None:
    with _command() as (process, url):
        assert httpx.get(url + KEYS, headers=HEADERS).json() == {"count": 0, "results": []}
        assert _pipe(process.stdout).readline() == f"export GCORE_BASE_URL={url}\n"
        assert _pipe(process.stdout).readline() == "export GCORE_API_KEY='a$b'\n"


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_it_cleanly(stop: signal.Signals) -> None:
    with _command() as (process, url):
        httpx.get(url)
        process.send_signal(stop)
        assert process.wait(60) == 0
        assert _pipe(process.stderr).read() == ""


def test_options_reach_the_emulator(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    key = {"name": "web-key", "containers": [], "expire": "2027-01-31T00:00:00Z"}
    seed.write_text(json.dumps({"caas": {"1/76": [key]}}))
    options = ("--null-expire", "ignored", "--timestamps", "offset", "--order", "random", "--delay", "0.01")
    with _command("--seed", str(seed), *options) as (_, url):
        body = {"expire": None}
        response = httpx.patch(f"{url}{KEYS}/web-key", headers=HEADERS, json=body).json()
        assert response["expire"] == "2027-01-31T00:00:00+00:00"


def test_a_database_persists_keys_across_runs(tmp_path: Path) -> None:
    database = str(tmp_path / "keys.db")
    with _command("--db", database) as (process, url):
        httpx.post(url + KEYS, headers=HEADERS, json={"name": "web-key", "containers": []})
        process.terminate()
        assert process.wait(60) == 0
    with _command("--db", database) as (_, url):
        assert httpx.get(url + KEYS, headers=HEADERS).json()["count"] == 1


def test_requests_are_printed_to_stderr_on_request_without_the_token() -> None:
    with _command("--log-requests") as (process, url):
        httpx.post(url + KEYS, headers=HEADERS, json={"name": "web-key", "containers": []})
        httpx.get(url + KEYS + "/missing", headers=HEADERS)
        process.terminate()
        assert _pipe(process.stderr).read().splitlines() == [
            f'#1 POST {KEYS} 200 {{"name": "web-key", "containers": []}}',
            f"#2 GET {KEYS}/missing 404",
        ]


def test_an_invalid_seed_file_is_an_error_with_position_and_reason(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text('{"caas": {"1/76": [{"name": "web-key"}]}}')
    message = f"Error: {seed}: caas.1/76[0].containers: Field required\n"
    assert _failed("--seed", str(seed)) == message
    seed.write_text(json.dumps({"caas": {"1/76": [{"name": "web-key"}] * 1000}}))
    *first, last = _failed("--seed", str(seed)).splitlines()
    assert (len(first), last) == (20, "and 980 more")


def test_a_port_in_use_is_an_error() -> None:
    with _command() as (_, url):
        port = str(httpx.URL(url).port)
        assert f"port {port} on 127.0.0.1 cannot be used" in _failed("--port", port)


def test_a_missing_extra_is_an_error_that_names_the_package_to_install() -> None:
    without = "import sys; sys.modules['uvicorn'] = None; " + COMMAND[2]
    finished = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    pinned = "in a checkout of reconciler, run pip install --require-hashes -r requirements/demo.txt"
    assert (
        finished.stderr
        == f"Error: the emulator needs the extra emulator (uvicorn is not installed); {pinned}\n"
    )


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_switch_with_its_default(flag: str) -> None:
    shown = CliRunner().invoke(emulator, [flag], terminal_width=200).output
    for spec in switch_specs():
        assert f"--{spec.name.replace('_', '-')} " in shown
        assert spec.help in shown
    assert "[default: created_at-desc]" in shown


def test_help_needs_no_web_server() -> None:
    asked = "import sys; sys.modules['uvicorn'] = sys.modules['starlette'] = None; " + COMMAND[2]
    finished = subprocess.run(
        [sys.executable, "-c", asked, "-h"], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0


def test_an_unknown_choice_is_a_usage_error() -> None:
    result = CliRunner().invoke(emulator, ["--null-expire", "maybe"])
    assert result.exit_code == 2
    assert "'maybe' is not one of 'clears', 'ignored'" in result.output


def test_a_failing_start_does_not_change_the_signal_mask(tmp_path: Path) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    result = CliRunner().invoke(emulator, ["--seed", os.fspath(tmp_path / "missing.json")])
    assert (result.exit_code, signal.pthread_sigmask(signal.SIG_BLOCK, ())) == (1, before)
