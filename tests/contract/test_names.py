"""Nothing is installed by this project's name, which anyone can register, or unchecked beside a token."""

from __future__ import annotations

import re
import subprocess
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.load.process import OWN_VARIABLES
from tests.contract.runner import ACTION, ROOT
from tests.support import from_yaml

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME = re.compile(re.escape(PROJECT["name"]).replace(r"\-", "[-_.]"), re.IGNORECASE)
OWN_WORDS = ('USER_AGENT: Final = f"gcore-reconciler/{__version__}"',)
"""The name of the program in requests is not a name to install."""
_INSTALLERS = r"\b(?:pip3?|pipx|uv|uvx|poetry|pdm|easy_install)"
COMMAND = re.compile(rf"{_INSTALLERS}(?: -\S+)* +(?:pip +)?(?:install|wheel|download|run|add|tool) +[^`\s].*")
INSTALLS_WHAT_IS_HERE = re.compile(
    r"--no-deps --no-build-isolation|--no-deps --no-index|--no-index --no-deps"
)
HARMLESS = ("cosmic-ray==8.7.0", "pip install --quiet --disable-pip-version-check")
"""A tool of those who develop this, and the beginning of a command in the Makefile: there is no token."""
OTHER = re.compile(
    r"\b(?:(?:npm|pnpm|yarn|bun|cargo|gem|go|brew)\s+(?:install|i|add|exec|get)|npx|bunx|pnpx)\s+([^`|#]*)"
)
"""Installers without a file of hashes: each package has a version."""
NO_TEXT = {".png"}
LISTED = {"pyproject.toml", *(file.name for file in ROOT.glob("requirements/*.txt"))}
"""What pip and builders read: they say whose dependency a package is."""


def texts() -> list[Path]:
    """Return every text that a reader could copy a command from, and nothing that Git ignores."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    files = [ROOT / name for name in sorted(filter(None, names)) if name.partition("/")[0] != "tests"]
    return [
        file for file in files if file.is_file() and file.name not in LISTED and file.suffix not in NO_TEXT
    ]


def lines(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ")
    return [line.strip() for line in text.splitlines()]


def test_no_text_names_the_distribution_as_something_to_install() -> None:
    found = [line for file in texts() for line in lines(file) if NAME.search(line)]
    assert [line for line in found if line not in OWN_WORDS] == []
    assert not any(NAME.search(str(value)) for value in PROJECT["optional-dependencies"].values())


def test_every_install_command_requires_hashes_or_installs_local_files() -> None:
    commands = [
        (str(file.relative_to(ROOT)), match[0])
        for file in texts()
        for line in lines(file)
        if (match := COMMAND.search(line))
    ]
    assert len(commands) >= 20
    unchecked = [
        (place, command)
        for place, command in commands
        if "--require-hashes" not in command
        and not INSTALLS_WHAT_IS_HERE.search(command)
        and not any(word in command for word in HARMLESS)
    ]
    assert unchecked == []


def unpinned(line: str) -> list[str]:
    """Return the packages without a version that a command of another language's installer installs."""
    words = [word for match in OTHER.finditer(line) for word in match[1].split()]
    packages = [word for word in words if not word.startswith(("-", "."))]
    return [word for word in packages if not re.search(r"@v?\d+\.\d+\.\d+$", word)]


def test_every_package_of_another_language_has_a_version() -> None:
    found = [(str(file.relative_to(ROOT)), word) for file in texts() for word in map(unpinned, lines(file))]
    assert [(place, words) for place, words in found if words] == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("npm install --prefix . tool@1.2.3", []),
        ("`npm install --global tool` works", ["tool"]),
        ("run: npx --yes tool@latest .", ["tool@latest"]),
        ("go install example.invalid/tool@v1.2.3", []),
    ],
)
def test_a_package_without_a_version_is_found(line: str, words: list[str]) -> None:
    assert unpinned(line) == words


def test_references_to_this_project_are_pinned_by_commit() -> None:
    named = [
        (str(file.relative_to(ROOT)), match[1])
        for file in texts()
        for line in lines(file)
        if (
            match := re.search(
                r"(?:/reconciler@|^rev: |RECONCILER_COMMIT: |reconciler, ref: )([^\s,}]+)", line
            )
        )
    ]
    assert len(named) >= 15
    assert {reference for _, reference in named} == {"YOUR-COMMIT"}


def steps() -> dict[str, Any]:
    """Return every step or job of a pipeline that installs."""
    found = {f"action {step['name']}": step for step in from_yaml(ACTION.read_text("utf-8"))["runs"]["steps"]}
    for file in [*ROOT.glob("deploy/github/*.yml"), *ROOT.glob("examples/**/.github/workflows/*.yml")]:
        for name, job in from_yaml(file.read_text("utf-8"))["jobs"].items():
            assert "env" not in job
            found |= {f"{file.name} {name} {number}": step for number, step in enumerate(job["steps"])}
    for file in ROOT.glob("deploy/gitlab/*.yml"):
        found |= from_yaml(file.read_text("utf-8")).items()
    return {name: step for name, step in found.items() if is_installing(step)}


def is_installing(step: Any) -> bool:
    text = yaml.safe_dump(step)
    return any(word in text for word in ("install.sh", "prepare.sh", "actions/cache@")) or (
        bool(re.search(r"pip (install|wheel)", text)) and "--no-index" not in text
    )


@pytest.mark.parametrize("name", steps())
def test_installation_steps_have_no_token(name: str) -> None:
    step = steps()[name]
    text = yaml.safe_dump(step)
    if name.startswith("action"):
        assert {word for word in OWN_VARIABLES if step["env"].get(word) == ""} == set(OWN_VARIABLES)
        return
    assert not any(
        word in text for word in (*OWN_VARIABLES, "RECONCILER_GITLAB_TOKEN", "secrets.", "GH_TOKEN")
    )
    assert "environment" not in step


def test_a_gitlab_job_with_a_token_installs_artifacts_by_checksum() -> None:
    for file in ROOT.glob("deploy/gitlab/*.yml"):
        jobs = from_yaml(file.read_text("utf-8"))
        (installing,) = [name for name in jobs if name.endswith("-install")]
        assert jobs[installing]["artifacts"]["paths"] == ["reconciler.txt", "wheels/"]
        for name, job in jobs.items():
            if name != installing and not name.startswith("."):
                assert installing in job["needs"]
                before = (jobs[".reconciler"] | job if "extends" in job else job)["before_script"]
                assert before == [
                    "pip install --quiet --no-index --no-deps --require-hashes -r reconciler.txt"
                ]


def test_images_in_manifests_have_a_reserved_host_name() -> None:
    images = {
        match[1]
        for file in ROOT.glob("deploy/kubernetes*/*.yaml")
        for line in lines(file)
        if (match := re.match(r"image: (\S+)", line))
    }
    assert images == {"reconciler.invalid/reconciler"}
