"""``fmt``: files in one layout, checked or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import CommandLine

WRONG = "project_id:  1\nregion_id: 76\nkeys:\n- name: web  # ours\n"
ODD = "a:\n        b: {c: 1,\n  d: 2}\n    # x\n"
RIGHT = "project_id: 1\nregion_id: 76\nkeys:\n  - name: web  # ours\n"


@pytest.fixture
def here(cli: CommandLine, tmp_path: Path) -> Path:
    """A folder with one file in each layout."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "reconciler.yaml").write_text("paths: [keys/]\n")
    (tmp_path / "keys/right.yaml").write_text(RIGHT)
    (tmp_path / "keys/wrong.yaml").write_text(WRONG)
    cli.environment.chdir(tmp_path)
    return tmp_path


def test_files_of_the_configuration_are_written(cli: CommandLine, here: Path) -> None:
    done = cli("fmt")
    assert (done.code, done.out, done.err) == (0, "keys/wrong.yaml\n", "")
    assert (here / "keys/wrong.yaml").read_text() == RIGHT
    assert cli("fmt").out == ""


def test_a_check_writes_nothing(cli: CommandLine, here: Path) -> None:
    done = cli("fmt", "keys", "--check", "--diff")
    assert (done.code, (here / "keys/wrong.yaml").read_text()) == (2, WRONG)
    assert "keys/wrong.yaml\n--- keys/wrong.yaml\n+++ keys/wrong.yaml\n" in done.out
    assert "\n-project_id:  1\n+project_id: 1\n region_id: 76\n" in done.out
    assert cli("fmt", "keys/right.yaml", "--check").code == 0


def test_what_is_wrong_does_not_stop_the_others(cli: CommandLine, here: Path) -> None:
    (here / "keys/bad.yaml").write_text("keys: [\n")
    (here / "keys/odd.yaml").write_text(ODD)
    done = cli("fmt", "keys", "nowhere")
    assert (done.code, done.out) == (1, "keys/wrong.yaml\n")
    for text in ("keys/bad.yaml:1:8: not valid YAML", "keys/odd.yaml", "is not changed", "nowhere"):
        assert text in done.err
    assert "    1 | keys: [\n      |        ^\n" in done.err
    assert (here / "keys/odd.yaml").read_text() == ODD


def test_standard_input_is_printed(cli: CommandLine, here: Path) -> None:
    with (here / "keys/wrong.yaml").open() as stdin:
        assert cli.alone("fmt", "-", stdin=stdin).out == RIGHT
    assert (here / "keys/wrong.yaml").read_text() == WRONG
