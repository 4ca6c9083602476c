"""A release is made of one commit, by its tag: what is tested is what is signed and published."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

import release
from tests.contract.runner import ROOT
from tests.support import from_yaml

WORKFLOWS = ROOT / ".github/workflows"
CHANGELOG = """\
# Changelog

## [Unreleased]

## [0.2.0] - 2026-01-31

### Added

- A.

## [0.1.0] - 2025-01-01

- B.
"""


def workflow(name: str) -> Any:
    return from_yaml((WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8"))


def test_the_sections_of_a_changelog_are_read_with_their_dates() -> None:
    assert [(one.version, one.date, one.text) for one in release.sections(CHANGELOG)] == [
        ("Unreleased", "", ""),
        ("0.2.0", "2026-01-31", "### Added\n\n- A."),
        ("0.1.0", "2025-01-01", "- B."),
    ]
    assert [*release.problems(CHANGELOG, "0.2.0", "v0.2.0")] == []


@pytest.mark.parametrize(
    ("changelog", "version", "tag", "problem"),
    [
        (CHANGELOG, "0.2", "v0.2", "is not a version"),
        (CHANGELOG, "0.2.0", "v0.2.1", "the tag is v0.2.1, and the version is 0.2.0"),
        (CHANGELOG, "0.3.0", "v0.3.0", "0 sections are of 0.3.0"),
        (CHANGELOG.replace(" - 2026-01-31", ""), "0.2.0", "v0.2.0", "has no date"),
        (CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- C.\n"), "0.2.0", "v0.2.0", "is not empty"),
        (CHANGELOG.replace("### Added\n\n- A.\n", ""), "0.2.0", "v0.2.0", "the section of 0.2.0 is empty"),
        ("# Changelog\n", "0.2.0", "v0.2.0", "the first section is not [Unreleased]"),
    ],
)
def test_a_version_that_is_not_ready_is_not_released(
    changelog: str, version: str, tag: str, problem: str
) -> None:
    assert problem in "\n".join(release.problems(changelog, version, tag))


def test_the_gate_needs_every_other_job() -> None:
    jobs = workflow("ci")["jobs"]
    assert jobs["gate"]["needs"] == [name for name in jobs if name != "gate"]
    assert jobs["gate"]["if"] == "always()"


def test_the_tests_run_on_every_version_that_is_promised() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    words = [word.rpartition(" :: ")[2] for word in project["classifiers"]]
    promised = [word for word in words if word.startswith("3.")]
    tested = workflow("ci")["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested == [*promised, "3.14t"]
    assert project["requires-python"] == f">={promised[0]}"


@pytest.mark.parametrize("name", ["ci", "release"])
def test_a_job_has_only_the_rights_that_it_needs(name: str) -> None:
    found = workflow(name)
    assert found["permissions"] == {}
    writing = {
        job: {right for right, value in about["permissions"].items() if value == "write"}
        for job, about in found["jobs"].items()
    }
    wanted: dict[str, set[str]] = {
        "publish": {"id-token"},
        "image": {"id-token", "packages", "attestations"},
        "announce": {"id-token", "contents", "attestations"},
    }
    assert {job: rights for job, rights in writing.items() if rights} == (wanted if name == "release" else {})


def test_what_runs_code_of_the_project_has_no_rights_to_publish() -> None:
    for name, job in workflow("release")["jobs"].items():
        runs = [step["run"] for step in job["steps"] if "run" in step]
        if any(word in text for text in runs for word in ("python", ".ci/", "make ")):
            assert job["permissions"] == {"contents": "read"}, name
            assert "secrets." not in str(job), name


def test_the_page_of_releases_names_every_job_and_setting() -> None:
    page = (ROOT / "docs/releasing.md").read_text(encoding="utf-8")
    text = (WORKFLOWS / "release.yml").read_text(encoding="utf-8")
    settings = {
        word.strip(" }|&")
        for word in text.replace("(", " ").split()
        if word.startswith(("vars.", "secrets."))
    }
    assert len(settings) >= 3
    assert [name for name in settings if f"`{name.partition('.')[2]}`" not in page] == []
    assert [name for name in workflow("release")["jobs"] if f"| `{name}` |" not in page] == []
