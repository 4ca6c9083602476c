"""pre-commit installs the hook from a clone, and runs it as the example configures it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from counterparts import ROOT, find
from tests.integration.published import commit, publish
from tests.support import declare

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.counterpart("pre-commit")
def test_the_hook_passes_valid_files_and_names_what_is_wrong(tmp_path: Path) -> None:
    source, workspace = tmp_path / "source", tmp_path / "workspace"
    workspace.mkdir()
    text = (ROOT / "examples/gitops-repo/.pre-commit-config.yaml").read_text(encoding="utf-8")
    text = text.replace("YOUR-COMMIT", publish(source))
    text = text.replace("https://github.com/YOUR-ORG/reconciler", str(source))
    (workspace / ".pre-commit-config.yaml").write_text(text, encoding="utf-8")
    (workspace / "environments").mkdir()
    file = workspace / "environments/keys.yaml"
    declare(file, {"name": "web"})
    commit(workspace)

    def run() -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PRE_COMMIT_HOME": str(tmp_path / "home")}  # noqa: TID251 - pip's settings
        words = [str(find("pre-commit")), "run", "--all-files"]
        return subprocess.run(
            words, cwd=workspace, env=environment, capture_output=True, text=True, check=False
        )

    done = run()
    assert (done.returncode, "Passed" in done.stdout) == (0, True), done.stdout + done.stderr
    declare(file, {"name": "web", "expires": None})
    done = run()
    assert done.returncode == 1
    assert "environments/keys.yaml:1:" in done.stdout
    assert "expires" in done.stdout
