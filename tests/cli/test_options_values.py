"""Options on the command line and in the environment; a wrong one never reads as "changes present"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from click.core import ParameterSource

from reconciler.cli.values import command, option
from tests.support import CommandLine, declare, fill, http_bytes, listings, live, raw_server

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from gcore_emulator import Emulator

USAGE_ERRORS = {
    "an unknown command": ["plna"],
    "an unknown option": ["plan", "--frobnicate", "x.yaml"],
    "an unknown global option": ["--frobnicate"],
    "no command": [],
    "no path": ["plan"],
    "no path to validate": ["validate"],
    "no path to apply": ["apply", "--auto-approve"],
    "a token as an option": ["plan", "--token", "x", "x.yaml"],
    "an unknown format": ["plan", "--format", "xml", "x.yaml"],
    "no parallelism": ["plan", "--parallelism", "0", "x.yaml"],
    "too much parallelism": ["plan", "--parallelism", "101", "x.yaml"],
    "a parallelism that is no number": ["plan", "--parallelism", "many", "x.yaml"],
    "negative retries": ["plan", "--retries", "-1", "x.yaml"],
    "too many retries": ["plan", "--retries", "21", "x.yaml"],
    "no time": ["plan", "--read-timeout", "0", "x.yaml"],
    "negative time": ["plan", "--connect-timeout", "-1", "x.yaml"],
    "a time that is no number": ["plan", "--read-timeout", "nan", "x.yaml"],
    "endless time": ["plan", "--read-timeout", "inf", "x.yaml"],
    "project zero": ["plan", "--project-id", "0", "x.yaml"],
    "an option without its value": ["plan", "x.yaml", "--target"],
    "an unknown schema": ["schema", "nothing"],
    "an unknown shell": ["completion", "tcsh"],
    "no shell": ["completion"],
}


@pytest.fixture
def path(emulator: Emulator, tmp_path: Path) -> str:
    fill(emulator, "web")
    return declare(tmp_path / "keys.yaml", live("web"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("plan x.yaml --retries x", "'--retries': 'x' is not a valid integer."),
        ("plan x.yaml --read-timeout x", "'--read-timeout': 'x' is not a valid number."),
        ("plan x.yaml", "'--project-id' from GCORE_CLOUD_PROJECT_ID: 'no' is not a valid integer."),
        ("emulator --port x", "'--port': 'x' is not a valid integer."),
        ("emulator --delay x", "'--delay': 'x' is not a valid number."),
        ("history", "'--limit' from RECONCILER_HISTORY_LIMIT: 'no' is not a valid integer."),
    ],
)
def test_a_value_that_is_no_number_is_named_with_where_it_comes_from(
    cli: CommandLine, words: str, said: str
) -> None:
    if "from" in said:
        cli.environment.setenv(said.split()[2].removesuffix(":"), "no")
    assert cli(*words.split()).err.endswith(f"\nError: Invalid value for {said}\n")


@pytest.mark.parametrize("arguments", USAGE_ERRORS.values(), ids=USAGE_ERRORS)
def test_a_usage_error_has_its_own_exit_code(cli: CommandLine, arguments: list[str]) -> None:
    done = cli(*arguments)
    assert (done.code, done.out) == (64, "")
    assert done.err.startswith(("Usage: reconciler", "Error: "))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECONCILER_PLAN_PARALLELISM", "many"),
        ("RECONCILER_PLAN_FORMAT", "xml"),
        ("RECONCILER_PLAN_READ_TIMEOUT", "nan"),
        ("GCORE_CLOUD_PROJECT_ID", "mine"),
    ],
)
def test_a_wrong_value_in_the_environment_is_a_usage_error(
    cli: CommandLine, path: str, name: str, value: str
) -> None:
    cli.environment.setenv(name, value)
    done = cli("plan", path)
    assert (done.code, value in done.err) == (64, True)


def test_every_option_can_be_set_in_the_environment(cli: CommandLine, emulator: Emulator, path: str) -> None:
    for name, value in {"FORMAT": "json", "TARGET": "*/web caas/*", "QUIET": "1", "RETRIES": "0"}.items():
        cli.environment.setenv(f"RECONCILER_PLAN_{name}", value)
    assert cli("plan", path).out.startswith("{")
    assert listings(emulator) == 1


def test_an_option_takes_precedence_over_the_environment(cli: CommandLine, path: str) -> None:
    cli.environment.setenv("RECONCILER_PLAN_FORMAT", "json")
    assert cli("plan", path, "--format", "text").out.startswith("No changes.")


def test_options_belong_to_their_command(cli: CommandLine, path: str) -> None:
    cli.environment.setenv("RECONCILER_APPLY_PARALLELISM", "many")
    assert cli("plan", path).code == 0
    assert cli("apply", path).code == 64


def test_approval_can_be_set_in_the_environment(cli: CommandLine, emulator: Emulator, path: str) -> None:
    fill(emulator, "web", description="drift")
    cli.environment.setenv("RECONCILER_APPLY_AUTO_APPROVE", "1")
    assert cli("apply", path).code == 0
    assert emulator.keys(1, 76)["web"]["description"] == ""


@pytest.mark.parametrize("how", ["options", "environment"])
def test_a_file_may_omit_project_and_region(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, how: str
) -> None:
    fill(emulator, "web")
    path = tmp_path / "keys.yaml"
    path.write_text("keys: [{name: web}]")
    options = ["--project-id", "1", "--region-id", "76"] if how == "options" else []
    if not options:
        cli.environment.setenv("GCORE_CLOUD_PROJECT_ID", "1")
        cli.environment.setenv("GCORE_CLOUD_REGION_ID", "76")
    assert cli("plan", str(path), *options).code == 0


def test_a_file_takes_precedence_over_the_environment(
    cli: CommandLine, emulator: Emulator, path: str
) -> None:
    cli.environment.setenv("GCORE_CLOUD_PROJECT_ID", "99")
    cli("plan", path)
    assert emulator.requests[0].path.startswith("/cloud/v1/caas/keys/1/76")


@pytest.mark.parametrize("retries", [0, 2])
def test_retries_do_not_include_the_first_attempt(cli: CommandLine, path: str, retries: int) -> None:
    with raw_server(http_bytes(b"", "503 Service Unavailable")) as server:
        done = cli("plan", path, "--base-url", server.url, "--retries", str(retries))
    assert (done.code, len(server.heads)) == (1, retries + 1)
    assert ("(tried 3 times)" in done.err) == (retries == 2)


@dataclass(frozen=True, slots=True)
class Counting:
    count: int = option("How many.", envvar="COUNT", default=1)
    names: tuple[str, ...] = option("Which.")
    is_on: bool = option("Whether.")


@pytest.mark.parametrize(
    ("arguments", "variables", "defaults", "found", "source"),
    [
        ((), {}, {}, Counting(1, (), is_on=False), ParameterSource.DEFAULT),
        (
            (),
            {},
            {"count": 2, "names": ["a", "b"], "is_on": True},
            Counting(2, ("a", "b"), is_on=True),
            ParameterSource.DEFAULT_MAP,
        ),
        ((), {"X_COUNT": "3"}, {"count": 2}, Counting(3, (), is_on=False), ParameterSource.ENVIRONMENT),
        ((), {"COUNT": "4", "X_COUNT": "3"}, {}, Counting(4, (), is_on=False), ParameterSource.ENVIRONMENT),
        (
            ("--count", "5", "--names", "c", "--is-on"),
            {"COUNT": "4"},
            {"count": 2, "names": ["a"]},
            Counting(5, ("c",), is_on=True),
            ParameterSource.COMMANDLINE,
        ),
    ],
    ids=["default", "defaults of the caller", "variable", "named variable", "command line"],
)
def test_the_value_of_an_option_comes_from_the_first_source_that_has_one(  # noqa: PLR0913, PLR0917 - a case
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    variables: dict[str, str],
    defaults: dict[str, object],
    found: Counting,
    source: ParameterSource,
) -> None:
    @command(Counting)
    def count(context: click.Context, options: Counting) -> object:
        return options, context.get_parameter_source("count")

    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = count.main(arguments, standalone_mode=False, default_map=defaults, auto_envvar_prefix="X")
    assert result == (found, source)
