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
from reconciler.load.parser import default_parser, pure_parser
assert (default_parser() is pure_parser) is {without}
from reconciler.cli.main import run
code = run(["validate", "keys.yaml"])
assert ("yaml.cyaml" in sys.modules) is not {without}
sys.exit(code)
"""
UNKNOWN_ALIAS = "the alias *nothing has no anchor &nothing before it in this document"


NOT_A_BOOLEAN = 'is_disabled must be true or false, not the text "no"; write false'
TOO_SHORT = 'name "ab" has 2 characters; it needs at least 3 and at most 64'


@pytest.mark.parametrize("without", [False, True], ids=["libyaml", "pure"])
@pytest.mark.parametrize(
    ("keys", "code", "out", "problems"),
    [
        (" [{name: abc}]\n", 0, "Success! The configuration is valid: 1 key in 1 scope.\n", []),
        (
            "\n  - {name: abc, is_disabled: no}\n  - name: ab\n",
            1,
            "",
            [f"4:30: caas/1/76/abc: {NOT_A_BOOLEAN}", f"5:11: caas/1/76/ab: {TOO_SHORT}"],
        ),
        (" [*nothing]\n", 1, "", [f"3:8: {UNKNOWN_ALIAS}"]),
    ],
    ids=["valid", "invalid", "broken"],
)
def test_reports_are_identical_without_libyaml(  # noqa: PLR0913 - a case, and which parser reads it
    tmp_path: Path, keys: str, code: int, out: str, problems: list[str], *, without: bool
) -> None:
    (tmp_path / "keys.yaml").write_text(f"project_id: 1\nregion_id: 76\nkeys:{keys}")
    command = [sys.executable, "-c", PROGRAM.format(without=without)]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    found = [line.partition("keys.yaml:")[2] for line in done.stderr.splitlines() if "keys.yaml:" in line]
    assert (done.returncode, done.stdout, found) == (code, out, problems)
    assert "Traceback" not in done.stderr
