"""pre-commit installs the hook from a clone, and runs it as the example configures it."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from counterparts import ROOT, find
from tests.integration.published import commit, publish
from tests.integration.running import machine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.counterpart("pre-commit")
def test_the_hooks_pass_the_example_and_name_what_is_wrong(tmp_path: Path) -> None:
    source, workspace = tmp_path / "source", tmp_path / "workspace"
    shutil.copytree(ROOT / "examples/gitops-repo", workspace)
    text = (ROOT / "examples/gitops-repo/.pre-commit-config.yaml").read_text(encoding="utf-8")
    text = text.replace("YOUR-COMMIT", publish(source))
    text = text.replace("https://github.com/YOUR-ORG/reconciler", str(source))
    (workspace / ".pre-commit-config.yaml").write_text(text, encoding="utf-8")
    commit(workspace)

    def run() -> subprocess.CompletedProcess[str]:
        environment = machine() | {"PRE_COMMIT_HOME": str(tmp_path / "home")}
        words = [str(find("pre-commit")), "run", "--all-files"]
        return subprocess.run(
            words, cwd=workspace, env=environment, capture_output=True, text=True, check=False
        )

    done = run()
    assert (done.returncode, done.stdout.count("Passed")) == (0, 2), done.stdout + done.stderr
    file = workspace / "environments/staging/keys.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("    expire:", "    expires:   ", 1), "utf-8")
    done = run()
    assert done.returncode == 1
    assert re.search(r"environments/staging/keys.yaml:\d+:\d+: .*expires", done.stdout)
