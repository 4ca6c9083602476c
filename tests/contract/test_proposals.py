"""The scheduled jobs that renew and rotate keep one pull request. Their shell runs the real command."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
import shutil
import subprocess
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.forge import CLOUD_TOKEN, DEPLOY, FORGE_TOKEN, LONGEST, Github, Gitlab, reachable
from tests.support import GIT_SETTINGS, emulate, fill, from_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gcore_emulator import Emulator
    from tests.contract.forge import Forge

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
BRANCH = "reconciler/rotation"


GIT = shutil.which("git") or "git"


def git(place: Path, *words: str) -> str:
    done = subprocess.run([GIT, "-C", str(place), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def home(place: Path) -> Path:
    """Return the home of the runner, outside of the work tree."""
    return place.parent / "home"


class Repository:
    """A checkout at the tip of main, and the repository that it is pushed to, in the place of a forge's."""

    def __init__(self, place: Path, url: str) -> None:
        self.place = place
        self.origin = place.parent / "origin.git"
        home(place).mkdir()
        git(place, "init", "--quiet", "--bare", "-b", "main", str(self.origin))
        git(place, "init", "--quiet", "-b", "main")
        (place / ".gitignore").write_text("*\n!keys/**\n!reconciler.yaml\n!keys\n")
        (home(place) / ".gitconfig").write_text(f'[url "{self.origin}"]\n\tinsteadOf = {url}\n')
        (place / "keys").mkdir()
        (place / "reconciler.yaml").write_text("renew: {within: 30d, to: 180d, max_total: 300d}\n")

    def commit(self, text: str) -> None:
        """Make this the content of main, as a merge does."""
        git(self.place, "checkout", "--quiet", "-B", "main", "main") if self.has_commits() else None
        (self.place / "keys/keys.yaml").write_text(text)
        git(self.place, "add", "--force", "keys/keys.yaml", "reconciler.yaml")
        git(self.place, *GIT_SETTINGS, "commit", "--quiet", "--allow-empty", "-m", "main")

    def has_commits(self) -> bool:
        return (self.place / ".git/refs/heads/main").exists()

    @property
    def head(self) -> str:
        return git(self.place, "rev-parse", "main")

    def proposed(self) -> str:
        return git(self.origin, "show", f"{BRANCH}:keys/keys.yaml")

    def subjects(self) -> list[str]:
        return git(self.origin, "log", "--reverse", "--format=%s", BRANCH).splitlines()[1:]


class ProposingGithub(Github):
    workflow = DEPLOY / "github/rotation.yml"

    def respond(self, method: str, path: str, sent: Sequence[tuple[str, str]]) -> str:
        words = [word for _, word in sent]
        flags = dict(pairwise(words))
        fields = dict(word.split("=", 1) for flag, word in pairwise(words) if flag in {"-f", "-F"})
        if fields.get("body") == "@body.md":
            fields["body"] = (self.place / "body.md").read_text(encoding="utf-8")
        assert len(fields.get("body", "")) <= LONGEST
        path = next(word for word in words if word.startswith("repos/web/keys/pulls"))
        method = flags.get("--method", "POST" if fields else "GET")
        if method == "GET":
            wanted = {"head": f"web:{BRANCH}", "state": "open", "base": "main"}  # of one branch into another
            assert fields == wanted
            return "\n".join(str(issue.number) for issue in self.mine())
        if method == "POST":
            assert (fields["head"], fields["base"]) == (BRANCH, "main")
            self.open(fields["title"], fields["body"])
        else:
            issue = self.issues[int(path.rpartition("/")[2]) - 1]
            issue.body, issue.is_open = fields.get("body", issue.body), fields.get("state") != "closed"
        return "https://github.example/1"

    def surroundings(self) -> Mapping[str, str]:
        head = git(self.place, "rev-parse", "main")
        return {"GITHUB_SHA": head, "GITHUB_REF_NAME": "main", "HOME": str(home(self.place))}


class ProposingGitlab(Gitlab):
    workflow = DEPLOY / "gitlab/rotation.yml"
    job = "reconciler-rotation"

    def respond(self, method: str, path: str, sent: Sequence[tuple[str, str]]) -> str:
        fields, path = dict(sent), path.removeprefix("/api/v4/projects/7/merge_requests")
        if method == "GET":
            assert fields == {"state": "opened", "source_branch": BRANCH, "target_branch": "main"}
            found = [{"iid": issue.number, "source_project_id": 7} for issue in self.mine()]
            forked = [{"iid": issue.number, "source_project_id": 8} for issue in self.others()]
            return json.dumps([*forked, *found])
        if method == "POST":
            assert (fields["source_branch"], fields["target_branch"]) == (BRANCH, "main")
            self.open(fields["title"], fields["description"])
        else:
            issue = self.issues[int(path.rpartition("/")[2]) - 1]
            issue.body = fields.get("description", issue.body)
            issue.is_open = fields.get("state_event") != "close"
        return "{}"

    def surroundings(self) -> Mapping[str, str]:
        return {
            "HOME": str(home(self.place)),
            "CI_COMMIT_SHA": git(self.place, "rev-parse", "main"),
            "CI_DEFAULT_BRANCH": "main",
            "CI_SERVER_URL": "https://gitlab.example",
            "CI_PROJECT_PATH": "web/keys",
        }


FORGES: dict[str, tuple[Callable[[Path], Forge], str]] = {
    "github": (ProposingGithub, "https://github.example/web/keys.git"),
    "gitlab": (
        lambda place: ProposingGitlab(place, ["sh"], "set -e"),
        "https://gitlab.example/web/keys.git",
    ),
}


class Proposals:
    """A forge, its repository and the service."""

    def __init__(self, forge: Forge, repository: Repository, emulator: Emulator) -> None:
        self.forge, self.repository, self.emulator = forge, repository, emulator

    def run(self) -> str:
        """Run the job on main; return its log."""
        git(self.repository.place, "checkout", "--quiet", "--detach", self.repository.head)
        result, log = self.forge.run()
        assert result == "passed", log
        assert not any(token in log for token in (FORGE_TOKEN, CLOUD_TOKEN, self.emulator.token))
        return log


@pytest.fixture(params=FORGES)
def proposals(request: pytest.FixtureRequest, tmp_path: Path, command: str) -> Iterator[Proposals]:
    make, url = FORGES[request.param]
    place = tmp_path / "work"
    place.mkdir()
    with emulate() as emulator, reachable(make(place)) as forge:
        forge.use(f"GCORE_BASE_URL={emulator.url} GCORE_API_KEY={shlex.quote(emulator.token)}", command)
        yield Proposals(forge, Repository(place, url), emulator)


def on(forge: str) -> pytest.MarkDecorator:
    """Run a test on one forge: it is about what only that one has, or about the steps, which are equal."""
    return pytest.mark.parametrize("proposals", [forge], indirect=True)


def days(number: int) -> str:
    day = dt.datetime.now(dt.UTC) + dt.timedelta(days=number)  # noqa: TID251 - the command reads the real clock
    return f"{day:%Y-%m-%d}T00:00:00Z"


def keys(*lines: str) -> str:
    return "\n".join(["project_id: 1", "region_id: 76", "keys:", *(f"  - {line}" for line in lines), ""])


def test_a_pull_request_has_a_commit_for_each_step_and_the_plan(proposals: Proposals) -> None:
    soon = days(10)
    fill(proposals.emulator, "web", expire=soon, created_at=days(-20))
    fill(proposals.emulator, "old", expire=soon, created_at=days(-295))
    fill(proposals.emulator, "kept", expire=soon, created_at=days(-295))
    text = keys(
        f"{{name: web, expire: {soon}}}  # the shop",
        f"{{name: old, expire: {soon}}}",
        f"{{name: kept, expire: {soon}, lifecycle: {{prevent_revoke: true}}}}",
    )
    proposals.repository.commit(text)
    proposals.run()
    (request,) = proposals.forge.issues
    assert request.is_open
    assert re.search(r"(?m)^    Warning: .*caas/1/76/kept cannot be rotated: .* prevent_revoke", request.body)
    assert "old-2" in request.body
    assert "rotate, once old-2 is there" in request.body
    assert proposals.repository.subjects() == [
        "keys: renew what expires soon",
        "keys: begin rotations that are due",
    ]
    proposed = proposals.repository.proposed()
    assert "# the shop" in proposed
    assert "rotates: old" in proposed


def test_an_open_pull_request_is_written_again(proposals: Proposals) -> None:
    proposals.forge.open("some title", "some text")
    fill(proposals.emulator, "web", expire=days(10))
    proposals.repository.commit(keys(f"{{name: web, expire: {days(10)}}}"))
    proposals.run()
    (request,) = proposals.forge.issues
    assert "renew: grants" in request.body
    assert "left to people" not in request.body
    assert proposals.repository.subjects() == ["keys: renew what expires soon"]


def test_an_open_pull_request_is_closed_where_nothing_is_left_to_do(proposals: Proposals) -> None:
    proposals.forge.open("some title", "some text")
    proposals.repository.commit(keys(f"{{name: web, expire: {days(200)}}}"))
    assert "Nothing to renew" in proposals.run()
    assert [issue.is_open for issue in proposals.forge.issues] == [False]


@on("github")
def test_a_file_of_the_repository_with_the_name_of_a_scratch_file_is_not_proposed(
    proposals: Proposals,
) -> None:
    place = proposals.repository.place
    (place / "lines.txt").write_text("our lines")
    git(place, "add", "--force", "lines.txt")
    fill(proposals.emulator, "web", expire=days(10))
    proposals.repository.commit(keys(f"{{name: web, expire: {days(10)}}}"))
    proposals.run()
    changed = git(proposals.repository.origin, "diff", "--name-only", f"{BRANCH}~1", BRANCH)
    assert changed == "keys/keys.yaml"


@on("gitlab")
@pytest.mark.parametrize("day", [10, 200], ids=["something to do", "nothing to do"])
def test_the_request_of_a_fork_with_a_branch_of_this_name_is_another_one(
    proposals: Proposals, day: int
) -> None:
    """With this text and title, what a stranger proposes would look like what the job does."""
    theirs = proposals.forge.open("a gift", "their text")
    theirs.author = "stranger"
    fill(proposals.emulator, "web", expire=days(day))
    proposals.repository.commit(keys(f"{{name: web, expire: {days(day)}}}"))
    proposals.run()
    assert (theirs.title, theirs.body, theirs.is_open) == ("a gift", "their text", True)
    ours = [issue for issue in proposals.forge.issues if issue is not theirs]
    assert [issue.title for issue in ours] == ["Renew and rotate API keys"] * (day == 10)


@on("gitlab")
def test_a_rotation_whose_overlap_has_passed_is_finished(proposals: Proposals) -> None:
    past, far = days(-1), days(200)
    fill(proposals.emulator, "web", expire=past)
    fill(proposals.emulator, "web-2", expire=far, created_at=days(-8))
    fill(proposals.emulator, "api", "api-2", expire=far)
    proposals.repository.commit(
        keys(
            f"{{name: web, expire: {past}}}",
            f"{{name: web-2, expire: {far}, lifecycle: {{rotates: web, alias: web}}}}",
            f"{{name: api, expire: {far}, lifecycle: {{renew: false}}}}",
            f"{{name: api-2, expire: {days(250)}, lifecycle: {{rotates: api}}}}",
        )
    )
    assert "api -> api-2: move the clients of api to api-2" in proposals.run()
    assert proposals.repository.subjects() == ["keys: finish rotations"]
    assert "state: absent" in proposals.repository.proposed()
    message = git(proposals.repository.origin, "log", "-1", "--format=%b", BRANCH)
    assert message == "caas/1/76/web -> web-2: the overlap has ended: web is declared absent now"


def test_without_a_policy_the_run_fails_and_says_why(proposals: Proposals) -> None:
    (proposals.repository.place / "reconciler.yaml").write_text("paths: [keys/]\n")
    proposals.repository.commit(keys("{name: web}"))
    git(proposals.repository.place, "checkout", "--quiet", "--detach", proposals.repository.head)
    result, log = proposals.forge.run()
    assert (result, "no policy defines which keys are renewed" in log) == ("failed", True)
    assert proposals.forge.issues == []


def test_what_is_left_to_people_is_cut_where_the_plan_is_long(proposals: Proposals) -> None:
    """A plan is the longest that there is: the forge would refuse the whole text."""
    proposals.repository.commit(keys("{name: web}"))
    script = [
        "case $1 in",
        "plan) head -c 64500 /dev/zero | tr '\\0' p; echo '#' ;;",
        "*) echo '# a comment' >> keys/keys.yaml; seq -f 'Left %g: ä' 1 99 >&2 ;;",
        "esac",
    ]
    proposals.forge.install("reconciler", "\n".join(script))
    proposals.run()
    (request,) = proposals.forge.issues
    assert len(request.body) <= LONGEST
    assert re.search(r"(?m)^    Left 9: ä\n(?:    Left \d+: ä\n)*    \(cut here: the log ", request.body)
    assert "p#\n\nLast run: http" in request.body


@on("github")
def test_what_a_step_prints_cannot_become_a_runner_command(proposals: Proposals) -> None:
    proposals.repository.commit(keys("{name: web}"))
    proposals.forge.install("reconciler", "echo ::add-mask::web")
    log = proposals.run() + proposals.run()
    shown = re.findall(r"(?m)^::stop-commands::(\S{36})\n::add-mask::web\n\n::\1::$", log)
    assert len(set(shown)) == log.count("::add-mask::") == 6  # three steps of each run


def test_both_forges_take_the_same_steps() -> None:
    steps = [
        re.findall(r'(?ms)^ +step "keys: .*test -s plan.md$', file.read_text(encoding="utf-8"))
        for file in (ProposingGithub.workflow, ProposingGitlab.workflow)
    ]
    ((one,), (other,)) = steps
    assert dedent(one).replace("GITHUB_SHA", "CI_COMMIT_SHA") == dedent(other)


def test_the_job_that_installs_is_that_of_the_other_file() -> None:
    jobs: dict[str, Any] = {}
    for name in ("drift", "rotation"):
        jobs |= from_yaml((DEPLOY / f"gitlab/{name}.yml").read_text(encoding="utf-8"))
    one, other = jobs["reconciler-drift-install"], jobs["reconciler-rotation-install"]
    assert {**one, "rules": []} == {**other, "rules": []}
