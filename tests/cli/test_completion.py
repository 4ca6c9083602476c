"""Completion as bash, fish and zsh ask for it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support import declare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support import CommandLine

_CALL_ZSH = """
path+=($PWD/.git)
compdef() { : }
compadd() { print -l -- "${(@P)@[-1]}" }
_describe() { print -l -- "${(@P)3}" }
eval "$0"
words=("$@") CURRENT=$#
_reconciler_completion
"""
_CALL = """
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
compopt() { echo "compopt $*"; }
_reconciler_completion "$0"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def folder(tmp_path: Path, cli: CommandLine, program: Sequence[str]) -> Path:
    """A folder with files to read, one of which is broken, with others, and with the command."""
    keys = tmp_path / "keys"
    keys.mkdir()
    declare(keys / "a.yaml", {"name": "storefront"}, {"name": "web"})
    declare(keys / "b.yml", {"name": "web"}, region_id=77)
    (keys / "broken.yaml").write_text("project_id: [")
    (tmp_path / ".git").mkdir()
    script = command_of(tmp_path)
    script.write_text(f'#!/bin/sh\nexec {shlex.join(program)} "$@"\n')
    script.chmod(0o700)
    (tmp_path / "drift.db").touch()
    (tmp_path / "plan.json").touch()
    (tmp_path / "reconciler.yaml").write_text("paths: [keys]\nenvironments: {dev: {}, prod: {}}\n")
    cli.environment.chdir(tmp_path)
    return tmp_path


def command_of(folder: Path) -> Path:
    return folder / ".git" / "reconciler"


def offered_by_bash(cli: CommandLine, folder: Path, line: str) -> list[str]:
    """Return what bash offers for the last word of a line."""
    script = cli("completion", "bash").out.replace("complete -o", ": complete -o")
    done = subprocess.run(
        ["bash", "-c", script + _CALL, str(command_of(folder)), *line.split(" ")],  # noqa: S607 - the shell of this machine
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("reconciler explain caas", ["caas/1/76/storefront", "caas/1/76/web", "caas/1/77/web"]),
        ("reconciler accept -f keys/b.yml caas", ["caas/1/77/web"]),
        ("reconciler explain sto", ["storefront"]),
        ("reconciler explain storefront exp", ["expire"]),
        ("reconciler explain caas/1/76/web is_", ["is_disabled"]),
        ("reconciler plan --target caas/1/77", ["caas/1/77/web"]),
        ("reconciler drift keys/a.yaml --target caas/1/7", ["caas/1/76/storefront", "caas/1/76/web"]),
        ("reconciler export --kind ca", ["caas"]),
        ("reconciler plan --env ", ["dev", "prod"]),
        ("reconciler --env d", ["dev"]),
        ("reconciler plan --format ma", ["markdown"]),
        ("reconciler plan ", ["keys/", "plan.json", "reconciler.yaml"]),
        ("reconciler apply ke", ["keys/", "keys/a.yaml", "keys/b.yml", "keys/broken.yaml"]),
        ("reconciler import -f ke", ["keys/", "keys/a.yaml", "keys/b.yml", "keys/broken.yaml"]),
        ("reconciler -v pla", ["plan"]),
        ("reconciler explain -f nowhere caas", [""]),
    ],
)
def test_bash_offers_what_is_there(cli: CommandLine, folder: Path, line: str, offered: list[str]) -> None:
    assert offered_by_bash(cli, folder, line) == offered


def test_no_more_is_read_than_a_person_waits_for(cli: CommandLine, folder: Path) -> None:
    with (folder / "keys" / "b.yml").open("a") as file:
        file.write("#" * 2**21)
    offered = offered_by_bash(cli, folder, "reconciler explain caas")
    assert offered == ["caas/1/76/storefront", "caas/1/76/web"]


@pytest.mark.parametrize("shell", ["fish", "zsh"])
def test_other_shells_offer_the_same(cli: CommandLine, folder: Path, shell: str) -> None:
    addresses = ["caas/1/76/storefront", "caas/1/76/web", "caas/1/77/web"]
    assert offered_by(shell, cli, folder, "reconciler explain caas") == addresses
    assert offered_by(shell, cli, folder, "reconciler plan --env ") == ["dev", "prod"]
    # A comma in the help ends nothing.
    (option,) = offered_by(shell, cli, folder, "reconciler plan --ta")
    assert re.match(r"--target[:\t]Only the key with this address, or the end of it", option)


def offered_by(shell: str, cli: CommandLine, folder: Path, line: str) -> list[str]:
    """Return what fish or zsh offers for the last word of a line."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"there is no {shell} here")
    script = cli("completion", shell).out
    if shell == "fish":
        (folder / "script.fish").write_text(script)
        words = [
            "-N",
            "-c",
            f"set -p PATH {command_of(folder).parent}; source script.fish; complete -C '{line}'",
        ]
    else:
        words = ["-f", "-c", _CALL_ZSH, script, *line.split(" ")]
    home = {"HOME": str(folder), "PATH": os.defpath, "LANG": "C.UTF-8"}
    done = subprocess.run([found, *words], env=home, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_of_files_too_large_to_wait_for_nothing_is_offered(cli: CommandLine, folder: Path) -> None:
    with (folder / "keys/b.yml").open("a", encoding="utf-8") as file:
        file.write(f"# {'x' * 2**21}\n")
    found = offered_by_bash(cli, folder, "reconciler explain caas")
    assert found == ["caas/1/76/storefront", "caas/1/76/web"]
