"""How much is printed, where to, and whether in colour."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support import COLLECTION, COMMAND, CommandLine, declare, fill, pipe

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator

COLOURS = ("\x1b[3", "\x1b[1m", "\x1b[9")


@pytest.fixture
def drifted(emulator: Emulator, tmp_path: Path) -> str:
    """A file that differs in one key and warns of a key that expired by itself."""
    fill(emulator, "web", "unmanaged")
    fill(emulator, "old", expire="2020-01-01T00:00:00Z")
    old = {"name": "old", "expire": "2020-01-01T00:00:00Z"}
    return declare(tmp_path / "keys.yaml", {"name": "web", "description": "café"}, old)


def test_the_result_is_on_stdout_and_the_rest_on_stderr(cli: CommandLine, drifted: str) -> None:
    done = cli("plan", drifted)
    assert done.err.startswith("Warning: ")
    assert "Warning" not in done.out


def test_verbose_shows_each_request_with_its_status_and_no_header(cli: CommandLine, drifted: str) -> None:
    done = cli("apply", drifted, "--auto-approve", "-v")
    requests = [line for line in done.err.splitlines() if not line.startswith("Warning")]
    assert requests == [
        f"GET {COLLECTION}?limit=1000&offset=0 -> 200 (0 ms)",
        f"PATCH {COLLECTION}/web -> 200 (0 ms)",
    ]


def test_verbose_shows_a_request_without_a_response(cli: CommandLine, tmp_path: Path) -> None:
    path = declare(tmp_path / "keys.yaml", {"name": "web"})
    assert "-> no response (" in cli("plan", path, "-v", "--retries", "0").err


def test_verbose_lists_unmanaged_keys(cli: CommandLine, drifted: str) -> None:
    assert "caas/1/76/unmanaged" not in cli("plan", drifted).out
    assert "caas/1/76/unmanaged" in cli("plan", drifted, "-v").out


def test_quiet_prints_only_the_result(cli: CommandLine, drifted: str) -> None:
    done = cli("plan", drifted, "-q")
    assert (done.out, done.err) == (cli("plan", drifted).out, "")


def test_quiet_does_not_hide_errors(cli: CommandLine, emulator: Emulator, drifted: str) -> None:
    emulator.remove_key(1, 76, "web")
    assert cli("plan", drifted, "-q").err.startswith("Error: ")


@pytest.mark.parametrize("command", [["plan"], ["apply", "--auto-approve"], ["validate"]])
def test_without_a_terminal_there_is_no_colour_and_no_progress(
    cli: CommandLine, drifted: str, command: list[str]
) -> None:
    assert "\x1b" not in cli(*command, drifted).everything


def test_on_a_terminal_there_are_colours_and_progress(cli: CommandLine, drifted: str) -> None:
    screen = cli.alone_on_terminal("plan", drifted).out
    assert "\x1b[33m~\x1b[0m" in screen
    assert "Reading scopes" in screen


def test_on_a_terminal_an_apply_shows_its_progress(cli: CommandLine, drifted: str) -> None:
    assert "Applying" in cli.alone_on_terminal("apply", "--auto-approve", drifted).out


def test_quiet_shows_no_progress(cli: CommandLine, drifted: str) -> None:
    assert "Reading scopes" not in cli.on_terminal("plan", drifted, "-q").out


@pytest.mark.parametrize("option", ["--no-color", "NO_COLOR", "RECONCILER_PLAN_NO_COLOR"])
@pytest.mark.parametrize("exists", [True, False])
def test_colour_can_be_switched_off_for_results_and_errors(
    cli: CommandLine, drifted: str, option: str, *, exists: bool
) -> None:
    options = [option] if option.startswith("--") else []
    cli.environment.setenv(option, "1")
    screen = cli.on_terminal("plan", drifted if exists else f"{drifted}.missing", *options).out
    assert not any(colour in screen for colour in COLOURS)
    assert ("Plan: 0 to add" if exists else "Error: ") in screen


def test_an_empty_no_color_changes_nothing(cli: CommandLine, drifted: str) -> None:
    cli.environment.setenv("NO_COLOR", "")
    assert "\x1b[33m~\x1b[0m" in cli.on_terminal("plan", drifted).out


def test_errors_are_coloured_on_a_terminal(cli: CommandLine) -> None:
    assert "\x1b[31m\x1b[1mError\x1b[0m: " in cli.on_terminal("plan", "missing.yaml").out


@pytest.mark.parametrize("command", [["plan", "--format", "json"], ["completion", "bash"]])
def test_a_closed_pipe_is_not_an_error(cli: CommandLine, drifted: str, command: list[str]) -> None:
    arguments = [*command, drifted] if command[0] == "plan" else command
    with cli.start(*arguments) as process:
        pipe(process.stdout).close()
        _, err = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in err, "Broken" in err) == (0, False, False)


def test_an_apply_continues_when_both_pipes_are_closed(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    with cli.start("apply", "--auto-approve", "-v", drifted) as process:
        pipe(process.stdout).close()
        pipe(process.stderr).close()
        assert process.wait(timeout=60) == 0
    assert emulator.keys(1, 76)["web"]["description"] == "café"


@pytest.mark.parametrize(
    "command", [["plan"], ["apply", "--auto-approve"], ["schema"], ["completion", "zsh"]]
)
def test_a_full_disk_is_an_error_before_any_write(
    cli: CommandLine, emulator: Emulator, drifted: str, command: list[str]
) -> None:
    arguments = [*command, drifted] if command[0] in {"plan", "apply"} else command
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a handle for the process
        done = cli.alone(*arguments, stdout=full)
    assert done.code == 1
    assert done.err.endswith("Error: the result cannot be written: No space left on device\n")
    assert emulator.keys(1, 76)["web"]["description"] == ""


def redirected(redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with some streams closed, as some daemons start their children."""
    script = ["/bin/sh", "-c", f'exec "$0" "$@" {redirection}', *COMMAND, *arguments]
    return subprocess.run(script, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("command", "redirection"),
    [
        ("validate", "<&-"),
        ("validate", ">&-"),
        ("validate", "<&- >&- 2>&-"),
        ("plan", "2>&-"),  # it writes a warning there
        ("plan", "<&- >&- 2>&-"),
    ],
)
def test_a_process_may_be_started_without_its_streams(drifted: str, command: str, redirection: str) -> None:
    done = redirected(redirection, command, drifted)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


def test_a_process_without_a_standard_input_is_not_asked(drifted: str) -> None:
    done = redirected("<&-", "apply", drifted)
    assert (done.returncode, "--auto-approve" in done.stderr) == (1, True)


@pytest.mark.parametrize("command", ["plan", "validate"])
def test_no_encoding_of_the_terminal_breaks_a_command(cli: CommandLine, drifted: str, command: str) -> None:
    cli.begin_from_nothing()
    cli.environment.setenv("PYTHONIOENCODING", "ascii")
    done = cli.alone(command, drifted)
    assert (done.code, "Traceback" in done.err) == (0, False)


def test_characters_outside_the_encoding_are_escaped(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web")
    cli.begin_from_nothing()
    cli.environment.setenv("PYTHONIOENCODING", "latin-1")
    done = cli.alone("plan", declare(tmp_path / "keys.yaml", {"name": "web", "description": "\N{SNOWMAN}"}))
    assert '-> "\\u2603"' in done.out


def test_progress_is_shown_on_a_terminal_that_knows_only_ascii(cli: CommandLine, drifted: str) -> None:
    cli.begin_from_nothing()
    cli.environment.setenv("PYTHONIOENCODING", "ascii")
    done = cli.alone_on_terminal("apply", drifted, "--auto-approve")
    assert (done.code, "Traceback" in done.out) == (0, False)
