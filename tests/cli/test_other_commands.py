"""``schema``, ``completion``, help and version."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest

import reconciler.cli.main
from reconciler.cli.main import COMMANDS
from reconciler.cli.main import cli as root
from reconciler.kinds.packaged import schema_texts
from reconciler.model.version import __version__
from tests.support import COMMAND, CommandLine


def test_the_version_is_one_line(cli: CommandLine) -> None:
    done = cli("--version")
    assert (done.code, done.out, done.err) == (0, f"reconciler {__version__}\n", "")


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", [None, *root.commands])
def test_every_help_text_ends_with_examples(cli: CommandLine, command: str | None, option: str) -> None:
    done = cli(*([command] if command else []), option)
    assert (done.code, done.err) == (0, "")
    assert "reconciler " in done.out.partition("\n  Example")[2]


def test_the_command_list_shows_the_help_of_each_command_at_any_width() -> None:
    listed = root.commands.data.copy()
    assert {
        name: [listed[name].get_short_help_str(width) for width in range(20, 120)] for name in COMMANDS
    } == {
        name: [command.get_short_help_str(width) for width in range(20, 120)]
        for name, command in root.commands.items()
    }


def test_every_module_of_a_command_is_in_the_list() -> None:
    folder = Path(reconciler.cli.main.__file__).parent
    made = re.compile(r"^@(click\.)?(command|group)\(", re.MULTILINE)
    written = {file.stem for file in folder.glob("*.py") if made.search(file.read_text(encoding="utf-8"))}
    assert written <= {*COMMANDS, "main"}


@pytest.mark.parametrize("name", schema_texts())
def test_each_schema_is_printed_and_needs_no_other_file(cli: CommandLine, name: str) -> None:
    done = cli("schema", name)
    assert (done.code, done.err) == (0, "")
    assert '"$ref": "#/' in done.out or "$ref" not in done.out
    assert json.loads(done.out)["title"] == json.loads(schema_texts()[name])["title"]
    assert json.loads(done.out)["$schema"].endswith("draft-07/schema#")


def test_the_printed_schema_accepts_a_document_and_refuses_a_wrong_one(cli: CommandLine) -> None:
    validator = jsonschema.Draft7Validator(json.loads(cli("schema").out))
    document = {"project_id": 1, "region_id": 76, "keys": [{"name": "web", "is_disabled": True}]}
    assert validator.is_valid(document)
    assert not validator.is_valid(document | {"keys": [{"name": "web", "is_disabled": "no"}]})


def test_the_schema_of_a_document_is_the_default(cli: CommandLine) -> None:
    assert cli("schema").out == cli("schema", "keys").out


def test_an_unknown_schema_is_reported_with_the_known_ones(cli: CommandLine) -> None:
    assert ", ".join(schema_texts()) in cli("schema", "nothing").err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_completion(cli: CommandLine, shell: str) -> None:
    done = cli("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert f"_RECONCILER_COMPLETE={shell}_complete" in done.out


def test_bash_accepts_its_completion(cli: CommandLine) -> None:
    script = cli("completion", "bash").out
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)  # noqa: S607 - the shell of this machine
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [["schema"], ["--version"], ["completion", "bash"], ["-h"]])
def test_commands_without_the_api_need_no_token(cli: CommandLine, arguments: list[str]) -> None:
    cli.environment.delenv("GCORE_API_KEY")
    assert cli(*arguments).code == 0


def test_the_module_can_be_run_as_the_command(cli: CommandLine) -> None:
    done = cli.alone("--version")
    assert (done.code, done.out) == (0, cli("--version").out)
    assert COMMAND[1:] == ("-m", "reconciler")
