"""Variables of the environment that nothing reads are named, and values of lists may have blanks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.main import cli as root
from reconciler.cli.values import ListType, PathListType
from reconciler.cli.variables import known_variables, misspelt
from tests.support import CommandLine, declare, fill, live

if TYPE_CHECKING:
    from gcore_emulator import Emulator

REPOSITORY = Path(__file__).parent.parent.parent
TEXTS = ("*.md", "*.yml", "*.yaml", "*.service", "*.sh", "Dockerfile", "Makefile")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("RECONCILER_PLAN_MAX_REVOKE", "RECONCILER_PLAN_MAX_REVOKED"),
        ("RECONCILER_PLAN_MAXREVOKED", "RECONCILER_PLAN_MAX_REVOKED"),
        ("reconciler_plan_max_revoked", "RECONCILER_PLAN_MAX_REVOKED"),
        ("RECONCILER_APPLY_PLAN", "RECONCILER_APPLY_PLAN_FILE"),
        ("RECONCILER_EXPORT_SCOPE", "RECONCILER_EXPORT_PARTS"),
        ("RECONCILER_KIND_INIT_OPENAP", "RECONCILER_KIND_INIT_OPENAPI"),
        ("RECONCILER_STRICTENV", "RECONCILER_STRICT_ENV"),
        ("RECONCILER_WEBHOOK_SECRT", "RECONCILER_DRIFT_WEBHOOK_SECRET"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_intended_one(name: str, meant: str) -> None:
    (text,) = misspelt(root, {name: "tell-nobody"})
    assert text == f"the variable {name} is not known, and is ignored; did you mean {meant}?"


def test_unrelated_variables_are_ignored() -> None:
    theirs = {"PATH": "", "RECONCILERS": "", "GCORE_API_KEYS": "", "_RECONCILER_COMPLETE": ""}
    service = {
        "RECONCILER_WATCH_SERVICE_HOST": "10.0.0.1",
        "RECONCILER_WATCH_SERVICE_PORT_METRICS": "9464",
        "RECONCILER_WATCH_PORT": "tcp://10.0.0.1:9464",
        "RECONCILER_WATCH_PORT_9464_TCP_ADDR": "10.0.0.1",
    }
    assert misspelt(root, theirs | service) == ()
    assert len(misspelt(root, {"RECONCILER_WATCH_PORT": "9464"})) == 1


def test_a_name_cannot_forge_a_line() -> None:
    (text,) = misspelt(root, {"RECONCILER_X\n\x1b[2Jy": ""})
    assert text == "the variable RECONCILER_X\\u000a\\u001b[2Jy is not known, and is ignored"


def test_every_variable_in_documentation_and_templates_is_known() -> None:
    known = known_variables(root)
    folders = (REPOSITORY / name for name in ("docs", "deploy", "examples", "action"))
    files = [file for folder in folders for text in TEXTS for file in folder.rglob(text)]
    files += [REPOSITORY / name for name in ("README.md", "SECURITY.md", "action.yml", "Dockerfile")]
    found = {
        name
        for file in files
        for name in re.findall(r"\bRECONCILER_[A-Z0-9_]*[A-Z0-9]\b", file.read_text(encoding="utf-8"))
    }
    assert len(found) > 100
    assert {name for name in found if known.get(name) != name} <= {"RECONCILER_APPLY", "RECONCILER_PLAN"}


@pytest.mark.parametrize("words", [("validate",), ("plan",), ("validate", "-q")], ids=" ".join)
def test_every_command_warns(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, words: tuple[str, ...]
) -> None:
    fill(emulator, "web")
    cli.environment.setenv("RECONCILER_PLAN_MAX_REVOKE", "tell-nobody")
    done = cli(*words, declare(tmp_path / "k.yaml", live("web")))
    assert done.code == 0
    assert done.err.count("Warning: the variable RECONCILER_PLAN_MAX_REVOKE is not known") == 1
    assert "tell-nobody" not in done.everything


@pytest.mark.parametrize(
    "words",
    [
        ("--strict-env", "plan", "FILE"),
        ("plan", "FILE", "--strict-env"),
        ("apply", "FILE", "--strict-env", "--auto-approve"),
        ("history", "--strict-env", "clear", "a", "b"),
        ("schema", "--strict-env"),
        ("plan", "FILE"),
    ],
    ids=" ".join,
)
def test_a_strict_environment_fails_before_anything_else(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, words: tuple[str, ...]
) -> None:
    cli.environment.setenv("RECONCILER_PLAN_MAX_REVOKE", "1")
    if "--strict-env" not in words:
        cli.environment.setenv("RECONCILER_STRICT_ENV", "1")
    done = cli(*(str(tmp_path / "none.yaml") if word == "FILE" else word for word in words))
    assert (done.code, done.out, len(emulator.requests)) == (64, "", 0)
    assert "Error: the variable RECONCILER_PLAN_MAX_REVOKE is not known" in done.err


def test_a_strict_environment_without_problems_is_accepted(cli: CommandLine, tmp_path: Path) -> None:
    cli.environment.setenv("RECONCILER_STRICT_ENV", "1")
    cli.environment.setenv("RECONCILER_VALIDATE_EXPIRY_WARNING", "7")
    done = cli("validate", declare(tmp_path / "k.yaml", live("web")))
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("thing/good first issue", ["thing/good first issue"]),
        ("caas/1/76/web", ["caas/1/76/web"]),
        ("caas/1/76/web */api", ["caas/1/76/web", "*/api"]),
        ("thing/a b\nthing/c d", ["thing/a b", "thing/c d"]),
        ("thing/a thing/b\n", ["thing/a thing/b"]),
        ("\r\nthing/a b\r\n\r\n", ["thing/a b"]),
        ("", []),
    ],
)
def test_a_variable_of_targets_has_one_per_line(text: str, values: list[str]) -> None:
    assert list(ListType(lambda word: "/" in word or word.startswith("*")).split_envvar_value(text)) == values


@pytest.mark.parametrize(
    ("text", "values"), [("a b:c", ["a b", "c"]), ("a:b\nc d\n", ["a:b", "c d"]), ("a b\n", ["a b"])]
)
def test_a_variable_of_paths_is_separated_by_colons_or_lines(text: str, values: list[str]) -> None:
    assert list(PathListType().split_envvar_value(text)) == values


def test_a_target_with_a_space_can_be_set_in_the_environment(cli: CommandLine, tmp_path: Path) -> None:
    cli.environment.setenv("RECONCILER_PLAN_TARGET", "caas/1/76/no such key")
    done = cli("plan", declare(tmp_path / "k.yaml", live("web")))
    assert "--target matches no declared key: caas/1/76/no such key;" in done.err
