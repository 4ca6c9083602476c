"""The repository in examples/gitops-repo, followed from a branch to production by its own workflows.

A branch changes two keys. Meanwhile a person moved the expiry of one of them by hand, and disabled a third.
Between the plan that is approved and its application, a person edits once more.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.comments import Github, reachable
from tests.contract.runner import ROOT, Finished, Runner
from tests.support import GIT_SETTINGS, TOKEN, emulate, from_yaml, live

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gcore_emulator import Emulator

EXAMPLE = ROOT / "examples/gitops-repo"
PROJECTS = {"staging": 1001, "production": 1002}
PLAN, APPLY, DRIFT = (EXAMPLE / f".github/workflows/{name}.yml" for name in ("plan", "apply", "drift"))


@dataclass(slots=True)
class Flow:
    """What each job of the story left, by name, and what stood on the pull request and in the cloud then."""

    jobs: dict[str, Finished]
    github: Github
    comments: list[str]
    docker: str
    keys: dict[str, Any]


class Story:
    """The pieces of the story."""

    def __init__(self, place: Path, command: str, cloud: Emulator, github: Github) -> None:
        self.place = place
        self.cloud = cloud
        self.runner = Runner(place, command, github.url)
        self.runner.environment |= {"GCORE_BASE_URL": cloud.url}
        self.runner.install(
            "docker", f'echo "$@" >> {place}/docker; cat "$RUNNER_TEMP/labels.json" >> {place}/docker'
        )
        self.file = self.runner.workspace / "environments/production/keys.yaml"

    def git(self, *words: str) -> None:
        """Run Git in the checkout."""
        command = ["/usr/bin/git", "-C", str(self.runner.workspace), *GIT_SETTINGS, *words]
        subprocess.run(command, check=True, capture_output=True)

    def begin(self) -> None:
        """Apply the repository, so that the cloud agrees with it."""
        origin = self.place / "origin.git"
        subprocess.run(["/usr/bin/git", "init", "--quiet", "--bare", str(origin)], check=True)
        shutil.copytree(EXAMPLE, self.runner.workspace, dirs_exist_ok=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("remote", "add", "origin", str(origin))
        self.commit("the beginning")
        for environment, project in PROJECTS.items():
            file = EXAMPLE / f"environments/{environment}/keys.yaml"
            for key in from_yaml(file.read_text(encoding="utf-8"))["keys"]:
                fields = {**key, "expire": f"{key['expire']:%Y-%m-%dT%H:%M:%SZ}"}
                self.cloud.put_key(project, 76, live(fields.pop("name"), **fields))

    def commit(self, message: str) -> None:
        """Commit all, and push."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "HEAD")
        self.git("fetch", "--quiet", "origin")

    def declare(self, old: str, new: str) -> None:
        """Change the file of production."""
        text = self.file.read_text(encoding="utf-8")
        assert text.count(old) == 1
        self.file.write_text(text.replace(old, new), encoding="utf-8")

    def edit_by_hand(self, name: str, **fields: Any) -> None:
        """Change a key of production in the cloud."""
        self.cloud.put_key(1002, 76, {**self.cloud.keys(1002, 76)[name], **fields})

    def run(self, workflow: Path, job: str, **contexts: Any) -> Finished:
        """Run a job."""
        return self.runner.job(workflow, job, secrets={"GCORE_API_KEY": TOKEN}, **contexts)


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory, command: str) -> Iterator[Flow]:
    """The story, run once."""
    with emulate() as cloud, reachable() as github:
        story = Story(tmp_path_factory.mktemp("flow"), command, cloud, github)
        story.begin()

        story.git("switch", "--quiet", "--create", "branch")
        story.declare("Nightly billing run, owned", "Billing run of each night, owned")
        story.declare("expire: 2036-03-31T00:00:00Z", "expire: 2036-12-31T00:00:00Z")
        story.commit("the branch")
        story.edit_by_hand("partner-acme", expire="2040-01-01T00:00:00Z")
        story.edit_by_hand("storefront", is_disabled=True)

        jobs: dict[str, Finished] = {}
        story.runner.open_pull_request(7, "a-fork/keys")
        jobs["validate a fork"] = story.run(PLAN, "validate")
        jobs["plan a fork"] = story.run(PLAN, "plan", matrix={"environment": "production"})
        story.runner.open_pull_request(7, "web/keys", "urgent", 'revokes"access')
        for environment in PROJECTS:
            matrix = {"environment": environment}
            jobs[f"plan {environment}"] = story.run(PLAN, "plan", matrix=matrix)
        comments = github.bodies()
        docker = (story.place / "docker").read_text(encoding="utf-8")

        story.git("switch", "--quiet", "main")
        story.git("merge", "--quiet", "--no-ff", "--no-edit", "branch")
        story.git("push", "--quiet", "origin", "HEAD")
        story.runner.happen("push", {})
        jobs["staging"] = story.run(APPLY, "staging")
        jobs["plan-production"] = planned = story.run(APPLY, "plan-production")
        story.edit_by_hand("billing-worker", description="edited after the approval")
        needs = {"plan-production": {"outputs": planned.outputs}}
        jobs["production"] = story.run(APPLY, "production", needs=needs)
        keys = cloud.keys(1002, 76)
        for environment in PROJECTS:
            jobs[f"drift {environment}"] = story.run(DRIFT, "drift", matrix={"environment": environment})
        yield Flow(jobs, github, comments, docker, dict(keys))


def test_a_pull_request_from_a_fork_is_checked_but_not_planned(flow: Flow) -> None:
    assert flow.jobs["validate a fork"].passed
    assert flow.jobs["plan a fork"].log == "skipped"


def test_the_plan_has_the_origins_git_drift_and_conflict(flow: Flow) -> None:
    comment = flow.comments[1]
    assert "- Origin: config on 1 key, drift on 1 key, conflict on 1 key. " in comment
    assert "#   description: [config]\n" in comment
    assert "is_disabled: [drift] grants: enables the key\n" in comment
    assert "expire: [conflict] revokes: expires earlier\n" in comment


def test_each_environment_has_one_comment(flow: Flow) -> None:
    assert [comment.split("\n")[0] for comment in flow.comments] == [
        "<!-- reconciler-plan staging -->",
        "<!-- reconciler-plan production -->",
    ]
    assert "### Plan for `staging`: no changes\n" in flow.comments[0]


def test_the_policies_receive_the_plan_and_the_labels(flow: Flow) -> None:
    command, labels = flow.docker.splitlines()[-2:]
    assert command.endswith(" test --policy /policy --data /labels.json /plan.json")
    assert json.loads(labels) == {"labels": ["urgent", 'revokes"access']}


def test_a_plan_changes_nothing(flow: Flow) -> None:
    assert flow.jobs["plan production"].passed
    assert flow.jobs["plan production"].steps["plan"]["exit-code"] == "2"
    assert flow.jobs["plan production"].steps["plan"]["conflict"] == "1"


def test_an_environment_without_changes_is_not_applied(flow: Flow) -> None:
    assert flow.jobs["staging"].passed
    assert "No changes. Your infrastructure matches the configuration." in flow.jobs["staging"].log


def test_a_key_changed_after_approval_is_refused_with_both_values(flow: Flow) -> None:
    job = flow.jobs["production"]
    assert not job.passed
    assert "::error::reconciler apply ended with 4\n" in job.log
    assert (
        'caas/1002/76/billing-worker: stale: description was planned from "Nightly billing run, owned by team'
        ' finance" and is now "edited after the approval"' in job.log
    )
    assert flow.keys["billing-worker"]["description"] == "edited after the approval"


def test_the_other_keys_are_applied(flow: Flow) -> None:
    assert "    caas/1002/76/partner-acme: applied\n" in flow.jobs["production"].summary
    assert flow.keys["partner-acme"]["expire"] == "2036-12-31T00:00:00Z"
    assert flow.keys["storefront"]["is_disabled"] is False


def test_the_schedule_detects_the_drift(flow: Flow) -> None:
    job = flow.jobs["drift production"]
    assert job.steps["drift"]["exit-code"] == "2"
    assert (job.passed, flow.jobs["drift staging"].passed) == (False, True)
    assert "::error::Drift: 1 key differs from the files. Access: grants on 0 keys" in job.log
    assert "caas/1002/76/billing-worker differs from the files" in job.summary


def test_there_are_still_two_comments(flow: Flow) -> None:
    assert len(flow.github.bodies()) == 2


def test_no_job_prints_the_token(flow: Flow) -> None:
    reported = "".join(job.log + job.summary for job in flow.jobs.values()) + "".join(flow.comments)
    assert TOKEN not in reported
