"""Paths of options are held to the same rules as PATH: no links out of the tree, no special files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support import declare, fill

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator
    from tests.support import CommandLine


@pytest.mark.parametrize("command", [("show",), ("apply", "--plan")])
def test_a_saved_plan_cannot_be_a_pipe(cli: CommandLine, tmp_path: Path, command: tuple[str, ...]) -> None:
    os.mkfifo(tmp_path / "plan.json")
    done = cli(*command, str(tmp_path / "plan.json"))
    assert (done.code, "plan.json is a pipe, which is not read; use a file" in done.err) == (1, True)


def test_keys_are_not_added_through_a_link_out_of_the_tree(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/a.yaml").symlink_to("../other.yaml")
    done = cli("export", "--project-id", "1", "--region-id", "76", "--into", str(tmp_path / "keys/a.yaml"))
    assert (done.code, "is a link that leads out of the folder" in done.err) == (1, True)


def test_a_folder_of_kinds_cannot_be_a_link_out_of_the_tree(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/kinds").symlink_to("/etc")
    (tmp_path / "keys/a.yaml").write_text("keys: []\n", encoding="utf-8")
    kinds = ("--project-id", "1", "--region-id", "76", "--kinds", str(tmp_path / "keys/kinds"))
    for words in (("validate", str(tmp_path / "keys")), ("export", *kinds)):
        done = cli(*words)
        assert (done.code, "kinds: is a link that leads out of the folder" in done.err) == (1, True)


def test_keys_of_a_linked_folder_are_not_destroyed_in_an_exclusive_scope(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", "api")
    (tmp_path / "keys" / "real").mkdir(parents=True)
    (tmp_path / "team").mkdir()
    declare(tmp_path / "team" / "api.yaml", {"name": "api"})
    text = "{exclusive: true, project_id: 1, region_id: 76, keys: [{name: web}]}"
    (tmp_path / "keys" / "web.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "keys" / "linked").symlink_to("../team")
    done = cli("plan", str(tmp_path / "keys"))
    assert (done.code, "keys/linked: is a link that leads out of the folder" in done.err) == (1, True)
    (tmp_path / "team").rename(tmp_path / "keys" / ".team")
    (tmp_path / "keys" / "linked").unlink()
    (tmp_path / "keys" / "linked").symlink_to(".team")
    done = cli("plan", str(tmp_path / "keys"))
    assert (done.code, "No changes." in done.out, done.err) == (0, True, "")
