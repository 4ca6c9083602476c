"""Paths of options are held to the same rules as PATH: no links out of the tree, no special files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import CommandLine


@pytest.mark.parametrize("command", [("show",), ("apply", "--plan")])
def test_a_saved_plan_is_no_pipe(cli: CommandLine, tmp_path: Path, command: tuple[str, ...]) -> None:
    os.mkfifo(tmp_path / "plan.json")
    done = cli(*command, str(tmp_path / "plan.json"))
    assert (done.code, "plan.json is a pipe, which is not read; name a file" in done.err) == (1, True)


def test_keys_are_not_added_through_a_link_out_of_the_tree(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/a.yaml").symlink_to("../other.yaml")
    done = cli("export", "--project-id", "1", "--region-id", "76", "--into", str(tmp_path / "keys/a.yaml"))
    assert (done.code, "is a link that leads out of the folder" in done.err) == (1, True)


def test_a_folder_of_kinds_is_no_link_out_of_the_tree(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/kinds").symlink_to("/etc")
    (tmp_path / "keys/a.yaml").write_text("keys: []\n", encoding="utf-8")
    kinds = ("--project-id", "1", "--region-id", "76", "--kinds", str(tmp_path / "keys/kinds"))
    for words in (("validate", str(tmp_path / "keys")), ("export", *kinds)):
        done = cli(*words)
        assert (done.code, "kinds:1:1: is a link that leads out of the folder" in done.err) == (1, True)
