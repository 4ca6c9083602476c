"""What a terminal shows: as wide as it is, in colour as options and variables say, with advice at the end."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile
from typing import TYPE_CHECKING

import pytest

from gcore_emulator import Faults
from reconciler.render.text_layout import columns
from tests.support import CommandLine, declare, fill

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator

WORDS = "Reads the orders of the shop for the nightly report, owned by the team finance"
COLOURED = "\x1b[33m~\x1b[0m"


@pytest.fixture
def drifted(emulator: Emulator, tmp_path: Path) -> str:
    """A file that differs from the live key in a long field, and in one that revokes access."""
    fill(emulator, "web", description="theirs", is_disabled=True)
    return declare(tmp_path / "keys.yaml", {"name": "web", "description": WORDS, "is_disabled": False})


def widest(text: str) -> int:
    """Return how wide the widest line of a plan is, without its colours and what else is on the screen."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return max(map(columns, plain[plain.index("Resource actions") :].splitlines()))


@pytest.mark.parametrize(
    ("terminal", "variable", "width"),
    [(40, None, 40), (100, None, 100), (0, None, 80), (100, "50", 50), (0, "60", 60), (50, "0", 50)],
)
def test_a_plan_is_as_wide_as_the_terminal(
    cli: CommandLine, drifted: str, terminal: int, variable: str | None, width: int
) -> None:
    if variable is not None:
        cli.environment.setenv("COLUMNS", variable)
    assert width - 12 < widest(cli.on_terminal("plan", drifted, columns=terminal).out) <= width


@pytest.mark.parametrize("variable", ["wide", "-40", "40.0", ""])
def test_a_width_that_is_not_a_number_of_columns_does_not_count(
    cli: CommandLine, drifted: str, variable: str
) -> None:
    cli.environment.setenv("COLUMNS", variable)
    assert 80 - 12 < widest(cli.on_terminal("plan", drifted).out) <= 80


def test_a_pipe_has_whole_lines(cli: CommandLine, drifted: str) -> None:
    cli.environment.setenv("COLUMNS", "40")
    assert (
        f'      ~ description = "theirs" -> "{WORDS}"  # neutral: access unchanged\n'
        in cli("plan", drifted).out
    )


@pytest.mark.parametrize(
    ("options", "variables", "where"),
    [
        ("", {}, "terminal"),
        ("--color auto", {}, "terminal"),
        ("--color always", {}, "terminal, pipe"),
        ("--color never", {}, ""),
        ("--no-color", {}, ""),
        ("--color auto --no-color", {}, ""),
        ("--color never --no-color", {}, ""),
        ("", {"FORCE_COLOR": "1"}, "terminal, pipe"),
        ("", {"CLICOLOR_FORCE": "1"}, "terminal, pipe"),
        ("", {"FORCE_COLOR": "0"}, "terminal"),
        ("", {"FORCE_COLOR": ""}, "terminal"),
        ("", {"NO_COLOR": "1"}, ""),
        ("", {"NO_COLOR": ""}, "terminal"),
        ("", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, ""),
        ("", {"TERM": "dumb"}, ""),
        ("", {"TERM": "dumb", "CLICOLOR_FORCE": "1"}, "terminal, pipe"),
        ("", {"CLICOLOR": "0"}, ""),
        ("", {"CLICOLOR": "1"}, "terminal"),
        ("--color always", {"NO_COLOR": "1", "TERM": "dumb"}, "terminal, pipe"),
        ("--color always", {"RECONCILER_PLAN_NO_COLOR": "1"}, "terminal, pipe"),
        ("--no-color", {"FORCE_COLOR": "1"}, ""),
        ("--no-color", {"RECONCILER_PLAN_COLOR": "always"}, ""),
        ("", {"RECONCILER_PLAN_COLOR": "always"}, "terminal, pipe"),
    ],
)
def test_colour_is_as_the_first_says_that_is_set(
    cli: CommandLine, drifted: str, options: str, variables: dict[str, str], where: str
) -> None:
    for name, value in variables.items():
        cli.environment.setenv(name, value)
    command = ("plan", drifted, *options.split())
    assert (COLOURED in cli.on_terminal(*command).out) == ("terminal" in where)
    assert (COLOURED in cli(*command).out) == ("pipe" in where)


def test_errors_have_the_colour_of_the_results(cli: CommandLine) -> None:
    assert "\x1b" not in cli("plan", "missing.yaml").err
    assert "\x1b[31m\x1b[1mError\x1b[0m: " in cli("plan", "missing.yaml", "--color", "always").err


@pytest.mark.parametrize(
    "command",
    ["validate unknown.yaml", "plan unknown.yaml --timeout soon", "validate alike.yaml"],
    ids=["error", "usage", "warning"],
)
def test_errors_and_warnings_break_between_words(cli: CommandLine, tmp_path: Path, command: str) -> None:
    declare(tmp_path / "unknown.yaml", {"name": "web", "descriptoin": WORDS})
    declare(tmp_path / "alike.yaml", {"name": "web-1"}, {"name": "web-l"})
    cli.environment.chdir(tmp_path)
    whole = cli(*command.split()).err.splitlines()
    broken = re.sub(r"\x1b\[[\d;]*m", "", cli.on_terminal(*command.split(), columns=40).out).splitlines()
    (message,) = (line for line in whole if line.startswith(("Error: ", "Warning: ")))
    start, end = whole.index(message), len(broken) - len(whole[whole.index(message) + 1 :])
    lines = list(takewhile(lambda line: not line.startswith("Success!"), broken[start:end]))
    assert len(lines) > 1
    assert max(map(columns, lines)) <= 40
    assert " ".join(map(str.strip, lines)).replace("/ ", "/") == message
    assert broken[:start] + broken[end:] == whole[:start] + whole[start + 1 :]


def test_results_notes_and_questions_break_between_words(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web")
    cli.environment.chdir(tmp_path)
    begin = ("init", "--api", "gcore", "--project-id", "1", "--region-id", "76")
    first = cli.on_terminal(*begin, columns=40, answer=iter([b"web\n", b"none\n"])).out
    again = cli.on_terminal(*begin, columns=40, answer=iter([b"web\n", b"none\n"])).out
    rest = "".join(cli.on_terminal(*words, columns=40).out for words in (["validate"], ["kinds"]))
    assert "\nWhich of them should the file declare?\n  all (the default), none, or names with\n" in first
    assert (
        "\n  reconciler apply keys/caas-1-76.yaml\n    # plans, asks, and sends the fields\n    # that"
        in again
    )
    copied = "To add keys that it lacks: reconciler export "
    lines = [line for line in (first + again + rest).splitlines() if not line.startswith(copied)]
    assert [line for line in lines if columns(line) > 40] == []


def test_a_note_to_copy_and_a_source_line_are_as_long_as_they_are(
    cli: CommandLine, drifted: str, tmp_path: Path
) -> None:
    saved = str(tmp_path / f"{'a-long-name-' * 5}.json")
    lines = cli.on_terminal("plan", drifted, "--out", saved, columns=40).out.splitlines()
    assert any(line.startswith(f"Apply it with: reconciler apply --plan {saved} --expect ") for line in lines)
    wrong = declare(tmp_path / "wrong.yaml", {"name": "web", "descriptoin": WORDS})
    source = [line for line in cli("validate", wrong).err.splitlines() if re.match(" +[0-9]* [|] ", line)]
    assert len(source) == 2
    assert cli.on_terminal("validate", wrong, columns=40).out.splitlines()[-2:] == source


@pytest.mark.parametrize("command", ["plan", "show", "history", "drift", "apply", "validate"])
def test_colour_is_not_both_asked_for_and_refused(cli: CommandLine, command: str) -> None:
    files = {"show": ["plan.json"], "history": []}.get(command, ["keys.yaml"])
    done = cli(command, *files, "--color", "always", "--no-color")
    assert (done.code, done.out) == (64, "")
    assert "--color always and --no-color contradict each other; give one of them." in done.err


def test_a_summary_has_a_line_for_each_key(cli: CommandLine, drifted: str) -> None:
    done = cli("plan", drifted, "--summary")
    assert done.out.startswith(
        "  ~ caas/1/76/web  grants: description, is_disabled\n\nPlan: 0 to add, 1 to change,"
    )


@pytest.mark.parametrize("shown", ["json", "markdown", "html", "diff", "github", "gitlab"])
def test_a_summary_of_another_format_is_refused(
    cli: CommandLine, emulator: Emulator, drifted: str, tmp_path: Path, shown: str
) -> None:
    saved = str(tmp_path / "plan.json")
    cli("plan", drifted, "--out", saved)
    emulator.clear_requests()
    for command in (("plan", drifted), ("show", saved)):
        done = cli(*command, "--summary", "--format", shown)
        assert (done.code, done.out) == (64, "")
        assert "--summary has no effect without --format text." in done.err
    assert emulator.requests == ()


def test_the_printed_command_applies_the_saved_plan(
    cli: CommandLine, emulator: Emulator, drifted: str, tmp_path: Path
) -> None:
    done = cli("plan", drifted, "--out", str(tmp_path / "the plan.json"))
    command = next(line for line in done.err.splitlines() if line.startswith("Apply it with: "))
    program, *words = shlex.split(command.removeprefix("Apply it with: "))
    assert program == "reconciler"
    assert cli(*words, "--auto-approve").code == 0
    assert emulator.keys(1, 76)["web"]["description"] == WORDS


def test_where_the_plan_is_saved_is_said_below_it(cli: CommandLine, drifted: str, tmp_path: Path) -> None:
    shown = cli.alone_on_terminal("plan", drifted, "--out", str(tmp_path / "plan.json")).out
    lines = [line.rpartition("\x1b[2K")[2] for line in shown.splitlines()]  # without erased progress
    assert [line.split(":")[0] for line in lines[-3:]] == [
        "Access",
        f"Saved to {tmp_path}/plan.json",
        "Apply it with",
    ]


def test_no_command_is_printed_for_a_plan_without_changes(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web")
    path = declare(tmp_path / "keys.yaml", {"name": "web"})
    assert "Apply it" not in cli("plan", path, "--out", str(tmp_path / "plan.json")).err


def test_drift_ends_with_what_undoes_it_and_what_keeps_it(
    cli: CommandLine, drifted: str, tmp_path: Path
) -> None:
    undo, keep = cli("drift", drifted).out.splitlines()[-2:]
    assert undo == "Undo: run this command again with --correct all"
    program, *words = shlex.split(keep.removeprefix("Keep: "))
    assert (program, cli(*words).code) == ("reconciler", 0)
    assert cli("drift", drifted).code == 0
    declare(tmp_path / "keys.yaml", {"name": "web", "description": WORDS})
    assert "Undo: " not in cli("drift", drifted, "--correct", "all").out


def test_drift_ends_with_what_keeps_a_key_that_came_or_went(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "by-hand")
    file, path = tmp_path / "keys.yaml", str(tmp_path / "keys.yaml")
    scope = "project_id: 1\nregion_id: 76\nexclusive: true\n"
    file.write_text(f"{scope}keys:\n  - name: gone\n    containers: []\n", encoding="utf-8")
    keeps = re.findall("^Keep: (.*)", cli("drift", path).out, re.MULTILINE)
    (removed,) = (keep for keep in keeps if not keep.startswith("reconciler "))
    assert removed == "remove caas/1/76/gone from its file, or declare it with state: absent"
    (imported,) = (keep for keep in keeps if keep.startswith("reconciler "))
    assert cli(*shlex.split(imported)[1:]).code == 0
    assert "by-hand" not in cli("drift", path).out


def test_a_history_is_in_colour_on_a_terminal(cli: CommandLine, drifted: str, tmp_path: Path) -> None:
    history = str(tmp_path / "drift.db")
    cli("drift", drifted, "--history", history)
    screen = cli.on_terminal("history", "--history", history, columns=60).out
    assert "\x1b[1mcaas/1/76/web\x1b[0m" in screen
    assert "\x1b[31m# revokes: disables the key\x1b[0m" in screen
    assert "\x1b[32m" not in screen
    assert "\x1b" not in cli("history", "--history", history).out


def test_an_explanation_is_as_wide_as_the_terminal(cli: CommandLine, drifted: str) -> None:
    screen = cli.on_terminal("explain", "caas/1/76/web", "--file", drifted, columns=50).out
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)
    assert max(columns(line) for line in plain.splitlines() if not line.startswith("PATCH ")) <= 50
    assert "            | " in plain


@pytest.mark.parametrize("width", [30, 40, 60, 80])
def test_a_progress_bar_has_room_in_its_line(cli: CommandLine, drifted: str, width: int) -> None:
    shown = re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", cli.on_terminal("plan", drifted, columns=width).out)
    bars = [line for line in re.split(r"[\r\n]", shown) if "%" in line]
    assert bars[-1].endswith("100%")
    assert max(map(columns, bars)) < width


def test_a_wait_is_told_in_its_own_line_beside_the_progress_bar(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    busy = Faults(status_429_seconds=1.0, max_in_a_row=1, retry_after=3)
    emulator.faults = busy
    screen = cli.on_terminal("plan", drifted, columns=80).out
    told = [line for line in screen.splitlines() if "429" in line]
    assert [line.rpartition("\x1b[2K")[2] for line in told] == ["429: waiting 3 s, attempt 2 of 5"]
    emulator.faults = busy
    assert cli("plan", drifted).err == "429: waiting 3 s, attempt 2 of 5\n"
    emulator.faults = busy
    assert cli("plan", drifted, "--quiet").err == ""


@pytest.mark.parametrize("command", ["plan", "apply --auto-approve", "drift"])
def test_a_terminal_that_cannot_redraw_is_sent_no_sequences(
    cli: CommandLine, drifted: str, command: str
) -> None:
    assert "\x1b" in cli.on_terminal(*command.split(), drifted, columns=80).out
    cli.environment.setenv("TERM", "dumb")
    assert "\x1b" not in cli.on_terminal(*command.split(), drifted, columns=80).out
