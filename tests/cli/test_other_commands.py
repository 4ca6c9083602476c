"""``schema``, ``completion``, help and version."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest

import reconciler.cli.main
from reconciler.cli.commands import COMMANDS, GROUPS
from reconciler.cli.main import cli as root
from reconciler.cli.sections import GLOBAL
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


def test_the_list_of_commands_is_in_groups_of_whole_lines(cli: CommandLine) -> None:
    cli.environment.setenv("COLUMNS", "80")
    out = cli("--help").out
    assert all(f"\n{title}:\n" in out for title in GROUPS)
    lines = out.splitlines()
    assert all(
        next(line for line in lines if line.split()[:1] == [name]).endswith(text)
        for name, text in COMMANDS.items()
    )
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("command", ["kind", "history"])
def test_commands_below_a_command_are_listed_in_whole_lines(cli: CommandLine, command: str) -> None:
    cli.environment.setenv("COLUMNS", "80")
    listed = cli(command, "-h").out.partition("\nCommands:\n")[2].partition("\n\n")[0]
    assert listed.strip()
    assert "..." not in listed


@pytest.mark.parametrize("command", ["plan", "history", ""])
def test_help_fits_a_narrow_screen_but_for_what_is_one_word_or_an_example(
    cli: CommandLine, command: str
) -> None:
    cli.environment.setenv("COLUMNS", "40")
    shown = cli(*command.split(), "--help").out.partition("Example")[0].splitlines()
    assert [line for line in shown if len(line) > 40 and not line.startswith("  --")] == []


def test_choices_stand_on_the_line_of_the_error(cli: CommandLine) -> None:
    assert cli("completion").err.endswith("Choose from: bash, zsh, fish\n")


@pytest.mark.parametrize("width", ["40", "60", "80"])
def test_help_breaks_no_name_but_at_a_joint(cli: CommandLine, width: str) -> None:
    def words(columns: str) -> set[str]:
        cli.environment.setenv("COLUMNS", columns)
        shown = cli("notify-test", "--help").out.partition("Example")[0]
        return set(re.sub(r"(?<=[_-])\n +", "", shown).split())

    assert words(width) <= words("200")


@pytest.mark.parametrize("command", ["plan", "apply", "drift", "explain"])
def test_options_of_the_command_come_first_and_global_ones_last(cli: CommandLine, command: str) -> None:
    titles = re.findall(r"^(\S.*):$", cli(command, "-h").out, re.MULTILINE)
    assert (titles[0], titles[-1]) == ("Options", "Global options")
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (["help"], ["--help"]),
        (["help", "apply"], ["apply", "--help"]),
        (["help", "kind", "init"], ["kind", "init", "-h"]),
        (["version"], ["--version"]),
        (["-V"], ["--version"]),
    ],
    ids=" ".join,
)
def test_what_other_tools_call_help_and_version_is_known(
    cli: CommandLine, words: list[str], same: list[str]
) -> None:
    done, expected = cli(*words), cli(*same)
    assert (done.code, done.out, done.err) == (0, expected.out, "")


@pytest.mark.parametrize("words", [["help", "aply"], ["aply"]], ids=" ".join)
def test_an_unknown_command_is_told_with_the_one_that_was_meant(cli: CommandLine, words: list[str]) -> None:
    done = cli(*words)
    assert (done.code, done.out) == (64, "")
    assert "Did you mean 'apply'?" in done.err


def test_the_help_of_what_is_below_no_group_is_refused(cli: CommandLine) -> None:
    done = cli("help", "plan", "init")
    assert (done.code, "reconciler plan has no commands" in done.err) == (64, True)


def test_a_global_option_before_the_command_is_read_as_if_behind_it(cli: CommandLine, tmp_path: Path) -> None:
    config, keys = tmp_path / "c.yaml", tmp_path / "keys.yaml"
    config.write_text("environments: {a: {}}\n")
    keys.write_text("project_id: 1\nregion_id: 76\nkeys: [{name: web}]\n")
    words = [
        ("--config", str(config)),
        ("--env", "a"),
        ("-v",),
        ("--verbose",),
        ("-q",),
        ("--no-color",),
        ("-vv",),
    ]
    for option in words:
        before, behind = cli(*option, "validate", str(keys)), cli("validate", str(keys), *option)
        assert (before.code, before.out, before.err) == (behind.code, behind.out, behind.err)
        assert before.code == (1 if option[0] == "--env" else 0)


def test_every_global_option_stands_before_every_command_that_has_it() -> None:
    before = {flag for parameter in root.params for flag in parameter.opts}
    shared = {
        flag
        for command in root.commands.values()
        for parameter in command.params
        if getattr(parameter, "section", "") == GLOBAL
        for flag in parameter.opts
    }
    assert shared <= before


def test_a_global_option_that_a_command_has_not_is_refused(cli: CommandLine) -> None:
    done = cli("--verbose", "version")
    assert (done.code, "No such option '--verbose'" in done.err) == (64, True)


def test_every_module_of_a_command_is_in_the_list() -> None:
    folder = Path(reconciler.cli.main.__file__).parent
    made = re.compile(r"^@(click\.)?(command|group)\(", re.MULTILINE)
    written = {file.stem for file in folder.glob("*.py") if made.search(file.read_text(encoding="utf-8"))}
    assert written <= {*(name.replace("-", "_") for name in COMMANDS), "main", "about", "adoption"}


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


@pytest.mark.parametrize("words", [("--no-color",), ("--color", "always")])
def test_colour_may_be_chosen_before_a_command_of_plain_text(
    cli: CommandLine, words: tuple[str, ...]
) -> None:
    assert cli(*words, "schema", "caas").out == cli("schema", "caas").out


def test_the_module_can_be_run_as_the_command(cli: CommandLine) -> None:
    cli.begin_from_nothing()
    done = cli.alone("--version")
    assert (done.code, done.out) == (0, cli("--version").out)
    assert COMMAND[1:] == ("-m", "reconciler")
