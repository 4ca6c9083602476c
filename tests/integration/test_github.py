"""A GitHub runner runs the action and every workflow that is ready to copy."""

from __future__ import annotations

import re
import shutil
import venv
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from counterparts import ROOT
from gcore_emulator import Emulator
from tests.contract import comments, forge
from tests.contract.runner import CLOUD_TOKEN
from tests.contract.test_proposals import BRANCH, ProposingGithub, days
from tests.hostile_git import git
from tests.integration.act import Act
from tests.integration.published import publish
from tests.support import declare, fill, live, patches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.counterpart("act")
EXAMPLE = ROOT / "examples/gitops-repo"
WORKFLOWS = EXAMPLE / ".github/workflows"
REPOSITORY = {"full_name": "web/keys"}
PULL_REQUEST = {
    "number": 7,
    "head": {"sha": "c0ffee", "ref": "topic", "repo": REPOSITORY},
    "base": {"ref": "main", "repo": REPOSITORY},
    "labels": [],
}
PUSH: Mapping[str, Any] = {"ref": "refs/heads/main"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("source")
    publish(place)
    return place


@pytest.fixture
def act(tmp_path: Path, source: Path) -> Act:
    return Act(tmp_path, source)


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    with Emulator(token=CLOUD_TOKEN) as running:
        yield running


def example(act: Act, cloud: Emulator, workflow: str) -> None:
    """Copy the example repository; the first live key of each environment has another description."""
    shutil.copytree(EXAMPLE, act.workspace, dirs_exist_ok=True)
    for file in sorted(EXAMPLE.glob("environments/*/keys.yaml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        for number, key in enumerate(document["keys"]):
            shown = key | {"expire": key["expire"].strftime("%Y-%m-%dT%H:%M:%SZ")}
            theirs = {} if number else {"description": "theirs"}
            cloud.put_key(document["project_id"], document["region_id"], live(**shown | theirs))
    act.program("docker", "exit 0")  # conftest comes in an image, which cannot be had
    act.use(WORKFLOWS / workflow)


def descriptions(cloud: Emulator, project: int) -> list[str]:
    return [key["description"] for key in cloud.keys(project, 76).values()]


def test_a_pull_request_is_checked_planned_and_commented(act: Act, cloud: Emulator) -> None:
    example(act, cloud, "plan.yml")
    with comments.reachable() as github:
        passed, log = act.run(
            "pull_request",
            {"action": "opened", "number": 7, "pull_request": PULL_REQUEST},
            "--matrix=environment:staging",
            GCORE_BASE_URL=cloud.url,
            GITHUB_API_URL=github.url,
        )
        (body,) = github.bodies()
    assert passed, log
    assert "Success! The configuration is valid: 5 keys in 2 scopes." in log
    assert "### Plan for `staging`: 1 key to change" in body
    assert "drift on 1 key" in body
    assert patches(cloud) == []


@pytest.mark.parametrize(
    ("workflow", "event", "jobs"),
    [
        ("examples/gitops-repo/.github/workflows/plan.yml", "pull_request", {"validate", "plan"}),
        ("examples/gitops-repo/.github/workflows/plan.yml", "fork", {"validate"}),
        ("examples/gitops-repo/.github/workflows/drift.yml", "workflow_dispatch", {"drift"}),
        ("deploy/github/keys.yml", "pull_request", {"plan"}),
        ("deploy/github/keys.yml", "push", {"apply"}),
    ],
)
def test_an_event_starts_the_jobs_that_it_may(act: Act, workflow: str, event: str, jobs: set[str]) -> None:
    act.replace("echo would run")
    act.use(ROOT / workflow)
    theirs = {"sha": "c0ffee", "ref": "topic", "repo": {"full_name": "mallory/keys"}}
    pull = PULL_REQUEST | ({"head": theirs} if event == "fork" else {})
    about = PUSH if event == "push" else {"action": "opened", "number": 7, "pull_request": pull}
    passed, log = act.run("pull_request" if event == "fork" else event, about)
    assert passed, log
    assert {found.split("-")[0] for found in re.findall(r"\[\w+/(\S+) *\] +\| would run", log)} == jobs, log


def test_what_was_merged_is_applied_in_staging_then_in_production(act: Act, cloud: Emulator) -> None:
    example(act, cloud, "apply.yml")
    passed, log = act.run("push", PUSH, GCORE_BASE_URL=cloud.url)
    assert passed, log
    assert len(patches(cloud)) == 2
    assert "theirs" not in descriptions(cloud, 1001) + descriptions(cloud, 1002)


def test_a_schedule_fails_on_drift(act: Act, cloud: Emulator) -> None:
    example(act, cloud, "drift.yml")
    passed, log = act.run("schedule", {}, "--matrix=environment:production", GCORE_BASE_URL=cloud.url)
    assert not passed
    assert "Failure - Main Fail on drift" in log
    assert "::error::Drift: 1 key" in log
    assert patches(cloud) == []


def test_schedules_open_an_issue_about_drift_and_a_pull_request_that_renews(
    act: Act, cloud: Emulator, tmp_path: Path
) -> None:
    (act.workspace / "keys").mkdir()
    soon = days(10)
    declare(act.workspace / "keys/keys.yaml", {"name": "web", "description": "ours", "expire": soon})
    (act.workspace / "reconciler.yaml").write_text(
        "renew: {within: 30d, to: 180d, max_total: 300d}\n", "utf-8"
    )
    fill(cloud, "web", description="theirs", expire=soon, created_at=days(-20))
    act.use(ROOT / "deploy/github/drift.yml", ROOT / "deploy/github/rotation.yml")
    venv.create(tmp_path / "python", with_pip=True)  # these jobs install into the Python of their machine
    act.python = f"{tmp_path}/python/bin"
    act.token = forge.FORGE_TOKEN
    origin = tmp_path / "origin.git"
    git(tmp_path, "init", "--quiet", "--bare", str(origin))
    instead = f'[url "{origin}"]\n\tinsteadOf = https://github.com/web/keys.git\n'
    (tmp_path / ".gitconfig").write_text(instead, encoding="utf-8")

    drift, rotation = (tmp_path / name for name in ("drift", "rotation"))
    for place, kind in ((drift, forge.Github), (rotation, ProposingGithub)):
        place.mkdir()
        github = kind(place)
        copied = f"cp report.md body.md {place} 2> /dev/null"
        act.program("gh", f'{copied}\nexec {place}/tools/gh "$@"')
        with forge.reachable(github):
            words = ("--workflows", f".github/workflows/{place.name}.yml")
            passed, log = act.run("schedule", {}, *words, GCORE_BASE_URL=cloud.url)
        assert passed, log
        (found,) = github.issues
        expected = "    Drift: 1 key differs from the files." if place == drift else "+   expire = "
        assert expected in found.body
    assert git(origin, "log", "--max-count=1", "--format=%s", BRANCH) == "keys: renew what expires soon"
    assert patches(cloud) == []
