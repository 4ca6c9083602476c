"""Where PyYAML was built without libyaml, everything works the same, only slower."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import sys
if {without}:
    sys.modules["yaml._yaml"] = None
import yaml
assert yaml.__with_libyaml__ is not {without}
from reconciler.cli.main import run
sys.exit(run(["validate", "keys.yaml"]))
"""
HEADER = "project_id: 1\nregion_id: 76\n"


def validate(folder: Path, *, without: bool) -> tuple[int, bytes, bytes]:
    command = [sys.executable, "-c", PROGRAM.format(without=without)]
    found = subprocess.run(command, cwd=folder, check=False, capture_output=True)
    return found.returncode, found.stdout, found.stderr


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"{HEADER}keys: [{{name: abc, expire: 2030-01-01T00:00:00Z}}]\n", 0),
        (f"{HEADER}keys:\n  - {{name: abc, is_disabled: no}}\n  - name: ab\n", 1),
        (f"{HEADER}keys: [*nothing]\n", 1),
    ],
)
def test_the_report_is_the_same(tmp_path: Path, text: str, code: int) -> None:
    (tmp_path / "keys.yaml").write_text(text)
    with_it, without_it = (validate(tmp_path, without=without) for without in (False, True))
    assert with_it == without_it
    assert with_it[0] == code
