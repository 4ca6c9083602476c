"""gitlab-ci-local runs the jobs for GitLab, in the shell of this machine: it has no containers."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from counterparts import ROOT, find
from gcore_emulator import Emulator
from tests.contract import forge
from tests.contract.runner import CLOUD_TOKEN
from tests.contract.test_merge_requests import NOTE_TOKEN, SHELLS, Gitlab, reachable
from tests.contract.test_proposals import BRANCH, ProposingGitlab, days
from tests.hostile_git import git
from tests.integration.published import commit, publish
from tests.integration.running import machine
from tests.support import declare, fill, patches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.counterpart("gitlab-ci-local", "rsync")
SOON = days(10)


class Pipelines:
    """A project that includes both files; what a pipeline installs goes into a Python of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.workspace = place / "workspace"
        (self.workspace / "keys").mkdir(parents=True)
        (place / "source").mkdir()
        head = publish(place / "source")
        for name in ("plan", "drift", "rotation"):
            text = (ROOT / f"deploy/gitlab/{name}.yml").read_text(encoding="utf-8")
            text = text.replace("YOUR-COMMIT", head)
            text = text.replace("https://YOUR-HOST/YOUR-ORG/reconciler.git", str(place / "source"))
            (self.workspace / f"{name}.yml").write_text(text, encoding="utf-8")
        included = "include: [{local: plan.yml}, {local: drift.yml}, {local: rotation.yml}]\n"
        (self.workspace / ".gitlab-ci.yml").write_text(included, encoding="utf-8")
        web = {"name": "web", "description": "ours", "expire": SOON}
        declare(self.workspace / "keys/keys.yaml", web)
        (self.workspace / "reconciler.yaml").write_text("renew: {within: 30d, to: 180d}\n", encoding="utf-8")
        self.origin = place / "origin.git"
        git(place, "init", "--quiet", "--bare", str(self.origin))
        instead = f'[url "{self.origin}"]\n\tinsteadOf = https://gitlab.example/web/keys.git\n'
        (place / ".gitconfig").write_text(instead, encoding="utf-8")
        self.head = commit(self.workspace)
        git(self.workspace, "remote", "add", "origin", "git@gitlab.example:web/keys.git")
        venv.create(place / "python", with_pip=True)

    def commit_what_was_installed(self) -> None:
        """Copy what the first job built for the next ones: the job of the other file builds the same."""
        git(self.workspace, "add", "--force", "reconciler.txt", "wheels")
        git(self.workspace, "commit", "--quiet", "--message=wheels")

    def run(self, variables: Mapping[str, str], *jobs: str) -> tuple[int, str]:
        """Run a pipeline, or some of its jobs with what those before them left; no token is printed."""
        options = []
        for name, value in variables.items():  # a $ is one that GitLab does not expand, as the files say
            options += ["--variable", f"{name}={value.replace('$', '$$')}"]
        programs = [self.place / "python/bin", *(Path(str(find(name))).parent for name in ("rsync", "node"))]
        done = subprocess.run(
            [str(find("gitlab-ci-local")), "--force-shell-executor", "--shell-isolation", *options, *jobs],
            cwd=self.workspace,
            env=machine()
            | {"HOME": str(self.place), "PATH": f"{':'.join(map(str, programs))}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        log = done.stdout + done.stderr
        assert not [token for token in (CLOUD_TOKEN, NOTE_TOKEN, forge.FORGE_TOKEN) if token in log], (
            "a token"
        )
        return done.returncode, log


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    with Emulator(token=CLOUD_TOKEN) as running:
        fill(running, "web", description="theirs", expire=SOON, created_at=days(-20))
        yield running


def test_drift_opens_an_issue_and_a_merge_request_is_planned_and_applied(
    tmp_path: Path, cloud: Emulator
) -> None:
    pipelines = Pipelines(tmp_path / "pipelines")
    common = {"GCORE_BASE_URL": cloud.url, "GCORE_API_KEY": CLOUD_TOKEN}
    gitlab = Gitlab(tmp_path, SHELLS["bash"])
    with reachable(gitlab) as url:
        merge_request = {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_API_V4_URL": f"{url}/api/v4",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": pipelines.head,
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_PROJECT_ID": "5",
            "RECONCILER_GITLAB_TOKEN": NOTE_TOKEN,
        }
        code, log = pipelines.run(common | merge_request)
    assert code == 0, log
    (note,) = gitlab.mine()
    assert "- Origin: config on 0 keys, drift on 1 key, conflict on 0 keys." in note

    pipelines.commit_what_was_installed()
    issues = forge.Gitlab(tmp_path / "pipelines", ["bash"], "set -eo pipefail")
    with forge.reachable(issues):
        schedule = {
            "CI_PIPELINE_SOURCE": "schedule",
            "CI_API_V4_URL": f"{issues.url}/api/v4",
            "CI_PROJECT_ID": "7",
            "RECONCILER_GITLAB_TOKEN": forge.FORGE_TOKEN,
        }
        code, log = pipelines.run(common | schedule, "reconciler-drift")
    assert code == 0, log  # the job may fail by its code for drift
    (issue,) = issues.issues
    assert issue.is_confidential
    assert "    Drift: 1 key differs from the files." in issue.body
    assert patches(cloud) == []

    (tmp_path / "requests").mkdir()
    requests = ProposingGitlab(tmp_path / "requests", ["bash"], "set -eo pipefail")
    with forge.reachable(requests):
        schedule |= {"CI_API_V4_URL": f"{requests.url}/api/v4", "RECONCILER_ROTATION": "1"}
        code, log = pipelines.run(common | schedule, "reconciler-rotation")
    assert code == 0, log
    assert "+   expire = " in requests.issues[0].body
    subject = git(pipelines.origin, "log", "--max-count=1", "--format=%s", BRANCH)
    assert subject == "keys: renew what expires soon"
    assert patches(cloud) == []

    push = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main"}
    code, log = pipelines.run(common | push, "reconciler-plan-merged", "reconciler-apply")
    assert code == 0, log
    assert patches(cloud) == [{"description": "ours"}]


def test_all_files_install_in_the_same_way() -> None:
    jobs: dict[str, Any] = {}
    for name in ("plan", "drift", "rotation"):
        jobs |= yaml.safe_load((ROOT / f"deploy/gitlab/{name}.yml").read_text(encoding="utf-8"))
    first, *others = [{**job, "rules": []} for name, job in jobs.items() if name.endswith("-install")]
    assert others == [first, first]
