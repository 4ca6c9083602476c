"""Linters accept the action, every workflow, the Dockerfile and what else is ready to copy."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from counterparts import ROOT, find

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def workflows() -> Mapping[str, str]:
    """Return every workflow by its name: this project's, those ready to copy, those of the documentation."""
    patterns = (".github/workflows", "deploy/github", "examples/*/.github/workflows")
    files = [file for pattern in patterns for file in sorted(ROOT.glob(f"{pattern}/*.yml"))]
    found = {"-".join(file.relative_to(ROOT).parts): file.read_text(encoding="utf-8") for file in files}
    for page in sorted(ROOT.glob("docs/**/*.md")):
        snippets = re.findall(r"(?ms)^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"))
        whole = [text for text in snippets if re.search(r"(?m)^jobs:", text)]
        found |= {f"docs-{page.stem}-{number}.yml": text for number, text in enumerate(whole)}
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with all of them, whose placeholders are filled in."""
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    found = workflows()
    assert {name.partition("-")[0] for name in found} == {".github", "deploy", "docs", "examples"}
    for name, text in found.items():
        filled = text.replace("YOUR-COMMIT", COMMIT).replace("YOUR-ORG", "owner")
        (tmp_path / ".github/workflows" / name).write_text(filled, encoding="utf-8")
    shutil.copy(ROOT / "action.yml", tmp_path)
    for file in ROOT.glob(".github/*.yml"):
        shutil.copy(file, tmp_path / ".github")
    return tmp_path


def lint(folder: Path, *words: str) -> None:
    path = f"{Path(str(find('shellcheck'))).parent}:/usr/bin:/bin"  # one of them asks shellcheck
    done = subprocess.run(
        [str(find(words[0])), *words[1:]],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.counterpart("actionlint", "shellcheck")
def test_actionlint_accepts_every_workflow(repository: Path) -> None:
    lint(repository, "actionlint", "-no-color", "-shellcheck", "shellcheck", "-pyflakes=")


@pytest.mark.counterpart("zizmor")
def test_zizmor_finds_nothing_that_an_attacker_could_use(repository: Path) -> None:
    lint(repository, "zizmor", "--offline", "--no-progress", ".")


@pytest.mark.counterpart("zizmor")
def test_zizmor_finds_a_template_injection(repository: Path) -> None:
    file = repository / ".github/workflows/deploy-github-drift.yml"
    text = file.read_text(encoding="utf-8")
    steps = '    steps:\n      - run: echo "${{ github.event.issue.title }}"\n'
    file.write_text(text.replace("    steps:\n", steps, 1), encoding="utf-8")
    with pytest.raises(AssertionError, match="template-injection"):
        lint(repository, "zizmor", "--offline", "--no-progress", ".")


@pytest.mark.counterpart("hadolint")
def test_hadolint_accepts_the_dockerfile() -> None:
    lint(ROOT, "hadolint", "--no-color", "--failure-threshold", "style", "Dockerfile")
