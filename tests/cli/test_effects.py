"""Options that would have no effect are refused before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.cli.main import cli as root
from reconciler.cli.sections import Option

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import click

    from tests.support import CommandLine

_ROUNDS = "--every or --cron"
_PEOPLE = "--slack or --teams or --mail-to"
_RECORDED = f"--history or {_ROUNDS}"
_CONNECTION = {
    "--base-url": "https://x.example",
    "--token-file": "x",
    "--auth-scheme": "Basic",
    "--parallelism": "2",
    "--connect-timeout": "1",
    "--read-timeout": "1",
    "--retries": "1",
    "--kinds": "kinds",
    "--trust": "base",
}
_ELSEWHERE = {"--kind": "x", "--project-id": "1", "--region-id": "1", "--key": "x", "--workflow": "github"}
_OF_FILES = {
    "--project-id": "1",
    "--region-id": "1",
    "--expiry-warning": "3",
    "--processes": "2",
    "--dask": "tcp://h:1",
}
REFUSED = {
    "drift . --keep 7d": f"--keep has no effect without {_RECORDED}.",
    "drift . --max-revoked 3": "--max-revoked has no effect without --correct.",
    "drift . --max-changes 3": "--max-changes has no effect without --correct.",
    "history --since 7d clear x": "--since has no effect with clear.",
    "schema caas --config x": "--config has no effect without NAME keys.",
    **{
        f"{command} . --processes 2 --dask tcp://h:1": "--processes has no effect with --dask."
        for command in ("validate", "plan", "drift", "status")
    },
    "rotate --finish --to 30d": "--to has no effect with --finish.",
    "rotate x --abort --overlap 1d": "--overlap has no effect with --abort.",
    "rotate x --base HEAD": "--base has no effect without --trust base.",
    "renew --base HEAD": "--base has no effect without --trust base.",
    "status . --base HEAD": "--base has no effect without --trust base.",
    **{
        f"journal x --offline {flag} {value}": f"{flag} has no effect with --offline."
        for flag, value in _CONNECTION.items()
    },
    **{
        f"init --api https://x.example {flag} {value}": f"{flag} has no effect without --api gcore."
        for flag, value in (_CONNECTION | _ELSEWHERE).items()
    },
    "apply --plan x --base HEAD": "--base has no effect with --plan and without --trust base.",
    **{
        f"apply --plan x {flag} {value}": f"{flag} has no effect with --plan."
        for flag, value in _OF_FILES.items()
    },
    "drift . --jitter 5s": f"--jitter has no effect without {_ROUNDS}.",
    "drift . --log-format json": f"--log-format has no effect without {_ROUNDS}.",
    "drift . --retention 7d": f"--retention has no effect without {_RECORDED}.",
    "drift . --contested-after 2": f"--contested-after has no effect without {_RECORDED}.",
    "drift . --contested-window 2h": f"--contested-window has no effect without {_RECORDED}.",
    "drift . --notify-after 2": f"--notify-after has no effect without {_RECORDED}.",
    "drift . --secret-sink file:x": "--secret-sink has no effect without --correct.",
    "drift . --allow-destroy": "--allow-destroy has no effect without --correct.",
    "drift . --webhook-secret-file x": "--webhook-secret-file has no effect without --webhook.",
    **{
        f"{words} --status-page https://x": f"--status-page has no effect without {_PEOPLE}."
        for words in ("drift .", "notify-test")
    },
    "notify-test --webhook-secret-file x": "--webhook-secret-file has no effect without --webhook.",
    **{
        f"{words} {option} x": f"{option} has no effect without {needed}."
        for words in ("drift .", "notify-test")
        for option, needed in (
            ("--mail-to", "--smtp"),
            ("--mail-from", "--smtp"),
            ("--smtp", "--mail-to"),
            ("--smtp-user", "--smtp"),
            ("--smtp-password-file", "--smtp-user"),
        )
    },
    "drift . --metrics-host x": "--metrics-host has no effect without --metrics-port.",
    "drift . --metrics-address ::1": "--metrics-address has no effect without --metrics-port.",
    "drift . --pass-env X": "--pass-env has no effect without --secret-sink or --git-pull.",
    "apply . --pass-env X": "--pass-env has no effect without --secret-sink.",
    "plan . --name x": "--name has no effect without --format markdown.",
    "plan . --summary --format html": "--summary has no effect without --format text.",
    "show x --name x": "--name has no effect without --format markdown.",
    "show x --summary --format html": "--summary has no effect without --format text.",
    "schema caas --kinds kinds": "--kinds has no effect without NAME keys.",
    "export --base HEAD": "--base has no effect without --trust base.",
    **{
        f"{command} --base HEAD": "--base has no effect without --trust base."
        for command in (
            "show x",
            "journal x",
            "validate .",
            "explain x",
            "accept x",
            "import x",
            "kinds",
            "export",
            "init",
        )
    },
}


@pytest.mark.parametrize("line", REFUSED)
def test_an_option_without_an_effect_is_refused(cli: CommandLine, line: str) -> None:
    done = cli(*line.split())
    assert (done.code, done.out) == (64, "")
    assert REFUSED[line] in done.err


def test_a_saved_plan_is_known_by_its_content_here_too(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(
        '{"format_version": "1", "reconciler_version": "1"}', encoding="utf-8"
    )
    done = cli("apply", str(tmp_path / "plan.json"), "--project-id", "1")
    assert (done.code, "--project-id has no effect with --plan." in done.err) == (64, True)


def test_a_variable_that_other_commands_read_too_is_not_refused(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").touch()
    for name in ("GCORE_BASE_URL", "GCORE_API_KEY_FILE"):
        cli.environment.setenv(name, "https://x.example")
    assert cli("journal", str(tmp_path / "journal.jsonl"), "--offline").code != 64


def test_the_variable_of_such_an_option_is_refused_too(cli: CommandLine) -> None:
    cli.environment.setenv("RECONCILER_DRIFT_JITTER", "5s")
    assert REFUSED["drift . --jitter 5s"] in cli("drift", ".").err


def test_a_default_that_is_written_out_is_not_refused(cli: CommandLine) -> None:
    done = cli("drift", "nowhere", "--jitter", "0s", "--retention", "90d")
    assert (done.code, "no such file" in done.err) == (1, True)


def test_nought_is_a_value(cli: CommandLine) -> None:
    """Port 0 is any port."""
    done = cli("drift", ".", "--metrics-port", "0", "--metrics-host", "x")
    assert "--metrics-port is for a service" in done.err


def _declared() -> Iterator[tuple[str, click.Command, Option]]:
    for name, command in root.commands.items():
        for parameter in command.params:
            if isinstance(parameter, Option):
                yield name, command, parameter


def _names(option: Option) -> set[str]:
    """Return the parameters that an option needs, of whichever command."""
    return {one.removeprefix("!").partition("=")[0] for need in option.needs for one in need.split("|")}


def _needed(command: click.Command, option: Option) -> set[str]:
    """Return the parameters of a command that an option of it needs."""
    return _names(option) & {parameter.name for parameter in command.params if parameter.name}


def test_what_an_option_needs_is_a_parameter_of_some_command_that_has_it() -> None:
    for _, _, option in _declared():
        found = {
            name
            for _, command, other in _declared()
            if other.name == option.name
            for name in _needed(command, other)
        }
        assert _names(option) <= found, option.name


def test_each_option_that_needs_another_has_a_case() -> None:
    cased = {(line.split()[0], word) for line in REFUSED for word in line.split() if word.startswith("--")}
    needing = {
        (name, max(option.opts, key=len)) for name, command, option in _declared() if _needed(command, option)
    }
    assert needing <= cased
