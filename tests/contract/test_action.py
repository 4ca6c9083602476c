"""The GitHub action: the outputs, summary and result of each command. Its own steps are run."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.kinds.packaged import resource
from tests.contract.runner import Runner, commands, prints
from tests.hostile_git import git
from tests.recorder import recorder
from tests.support import GIT_SETTINGS, declare, patches

if TYPE_CHECKING:
    from gcore_emulator import Emulator


def test_a_plan_is_in_outputs_files_summary_and_annotations_and_can_be_applied(
    runner: Runner, cloud: Emulator
) -> None:
    done = runner.act({"RECONCILER_PLAN_FORMAT": "json"})  # which must hide nothing
    assert done.passed, done.log
    plan = json.loads(Path(done.outputs["plan-json"]).read_text(encoding="utf-8"))
    markdown = Path(done.outputs["plan-markdown"]).read_text(encoding="utf-8")
    assert markdown.startswith("<!-- reconciler-plan -->\n\n### Plan: 2 keys to change\n")
    assert {name: value for name, value in done.outputs.items() if not name.startswith("plan-")} == {
        "has-changes": "true",
        "create": "0",
        "update": "2",
        "delete": "0",
        "grants": "1",
        "revokes": "1",
        "conflict": "0",
        "exit-code": "2",
        "fingerprint": plan["fingerprint"],
        "summary": (
            "Plan: 0 to add, 2 to change, 0 to destroy. "
            "Access: grants on 1 key, revokes on 1 key, neutral on 0 keys."
        ),
    }
    assert patches(cloud) == []
    # It is in the summary too, and annotated at the declarations.
    assert done.summary == Path(done.outputs["plan-markdown"]).read_text(encoding="utf-8") + "\n"
    assert "::warning file=keys/keys.yaml,line=1," in done.log
    assert [name for name, _ in commands(done.log)] == ["warning", "notice"]
    # And what is saved can be applied.
    done = runner.act(command="apply", plan=done.outputs["plan-json"], expect=done.outputs["fingerprint"])
    assert (done.passed, done.outputs["exit-code"]) == (True, "0")
    assert done.outputs["summary"] == "Apply complete! Resources: 0 added, 2 changed, 0 destroyed."
    assert "### Apply: done\n\n" in done.summary
    assert "    caas/1/76/web: applied\n" in done.summary
    assert len(patches(cloud)) == 2


@pytest.mark.usefixtures("cloud")
def test_a_plan_without_changes_is_reported(runner: Runner) -> None:
    declare(runner.workspace / "keys/keys.yaml", {"name": "api"})
    done = runner.act()
    assert (done.passed, done.outputs["has-changes"], done.outputs["exit-code"]) == (True, "false", "0")
    assert done.outputs["summary"].startswith("No changes. Your infrastructure matches the configuration.")


def test_a_plan_that_is_not_the_expected_one_is_refused(runner: Runner, cloud: Emulator) -> None:
    done = runner.act(command="apply", expect="sha256:0")
    assert (done.passed, done.outputs["exit-code"], patches(cloud)) == (False, "3", [])
    assert "refused: the plan has the fingerprint sha256:" in done.log


def test_without_a_saved_plan_the_shown_plan_is_applied(runner: Runner, cloud: Emulator) -> None:
    done = runner.act(command="apply")
    assert done.passed, done.log
    assert (done.outputs["update"], done.outputs["exit-code"]) == ("2", "0")
    assert done.log.count("# caas/1/76/web will be updated in-place") == 1
    assert len(patches(cloud)) == 2


@pytest.mark.usefixtures("cloud")
def test_drift_is_a_result_and_not_a_failure(runner: Runner) -> None:
    done = runner.act({"RECONCILER_DRIFT_FORMAT": "json"}, command="drift")  # the same
    assert (done.passed, done.outputs["exit-code"], done.outputs["has-changes"]) == (True, "2", "true")
    assert [done.outputs[name] for name in ("update", "grants", "revokes")] == ["2", "1", "1"]
    assert done.outputs["summary"].startswith(
        "Drift: 2 keys differ from the files. Access: grants on 1 key, "
    )
    assert "### Drift: there are differences\n" in done.summary


def test_files_are_validated_without_token_or_api(runner: Runner) -> None:
    path = declare(runner.workspace / "keys.yaml", {"name": "web"})
    done = runner.act(command="validate", paths=path)
    assert (done.passed, done.outputs["exit-code"], done.outputs["has-changes"]) == (True, "0", "false")
    assert done.outputs["summary"] == "Success! The configuration is valid: 1 key in 1 scope."


def test_an_invalid_file_is_annotated_where_it_is_wrong(runner: Runner) -> None:
    (runner.workspace / "keys").mkdir()
    (runner.workspace / "keys/a, b.yaml").write_text("kind: caas\nkeys: 7\n", encoding="utf-8")
    for command in ("validate", "plan"):
        done = runner.act({"GCORE_API_KEY": "any"}, command=command)
        assert (done.passed, done.outputs["exit-code"], done.outputs["plan-json"]) == (False, "1", "")
        assert "::error file=keys/a%2C b.yaml,line=2,col=7::" in done.log


@pytest.mark.usefixtures("cloud")
def test_a_base_is_the_start_of_the_branch(runner: Runner) -> None:
    def git(*words: str) -> None:
        subprocess.run(["/usr/bin/git", "-C", str(runner.workspace), *GIT_SETTINGS, *words], check=True)

    file = runner.workspace / "keys/keys.yaml"
    git("init", "--quiet", "--initial-branch", "main")
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    git("switch", "--quiet", "--create", "branch")
    api = {"name": "api", "is_disabled": False, "description": "new"}
    declare(file, api, {"name": "web", "description": "cart"})
    git("commit", "--quiet", "--all", "--message", "two")
    git("switch", "--quiet", "main")
    declare(file, {"name": "api", "is_disabled": True, "description": "new"})
    git("commit", "--quiet", "--all", "--message", "three")
    git("switch", "--quiet", "branch")
    done = runner.act(base="main")
    assert done.passed, done.log
    assert "Origin: config on 1 key, drift on 1 key, conflict on 1 key." in done.outputs["summary"]
    assert done.outputs["conflict"] == "1"


def test_a_base_has_the_configuration_and_kinds_of_the_plan_and_of_its_application(runner: Runner) -> None:
    examples, work = resource("examples"), runner.workspace
    shutil.copytree(examples / "kinds", work / "kinds/github")
    (work / "keys").mkdir()
    text = "kind: label\nowner: acme\nrepo: site\nkeys:\n  - name: bug\n    color: d73a4a\n"
    (work / "keys/labels.yaml").write_text(text, encoding="utf-8")
    with recorder() as server:
        api = {"github": {"base_url": server.url, "kinds": "kinds/github/"}}
        (work / "reconciler.yaml").write_text(json.dumps({"apis": api}), encoding="utf-8")
        git(work, "init", "--quiet", "--initial-branch", "main")
        git(work, "add", ".")
        git(work, "commit", "--quiet", "--message", "first")
        token = {f"RECONCILER_TOKEN_{server.variable}": "a-t0ken"}
        done = runner.act(token, command="apply", base="main")
        assert [request.method for request in server.requests].count("PATCH") == 1, done.log
        assert server.sent("Authorization") == {"Bearer a-t0ken"}


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("base", ["no-such-branch", "--all"])
def test_a_missing_base_is_an_error_with_advice(runner: Runner, base: str) -> None:
    declare(runner.workspace / "keys" / "keys.yaml")
    subprocess.run(["/usr/bin/git", "-C", str(runner.workspace), "init", "--quiet"], check=True)
    done = runner.act(base=base)
    assert (done.passed, done.outputs["exit-code"], done.outputs["has-changes"]) == (False, "1", "false")
    reported = f"::error::--base {base}...: '{base}' is not a commit of the clone {runner.workspace}"
    assert f"{reported}; check its spelling" in done.log


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("plan", 1),
        ("plan", 64),
        ("apply", 3),
        ("apply", 4),
        ("drift", 130),
        ("validate", 1),
        ("validate", 137),
    ],
)
def test_an_unsuccessful_run_fails_the_step(runner: Runner, command: str, code: int) -> None:
    runner.use(prints(code, messages="Error: no"))
    done = runner.act(command=command)
    assert (done.passed, done.outputs["exit-code"]) == (False, str(code))
    assert ("error", f"reconciler {command} ended with {code}") in commands(done.log)
    assert f"`reconciler` ended with {code}." in done.summary


def test_a_plan_beyond_a_limit_is_shown_and_fails(runner: Runner, cloud: Emulator) -> None:
    done = runner.act({"RECONCILER_PLAN_MAX_CHANGES": "1"})
    assert (done.passed, done.outputs["exit-code"], done.outputs["update"]) == (False, "3", "2")
    assert "### Plan: 2 keys to change" in done.summary
    refused = runner.act({"RECONCILER_PLAN_MAX_CHANGES": "1"}, command="apply")
    assert (refused.passed, refused.outputs["exit-code"], patches(cloud)) == (False, "3", [])


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
def test_nothing_is_applied_on_a_pull_request(runner: Runner, cloud: Emulator, event: str) -> None:
    runner.happen(event, {"pull_request": {"number": 7}})
    done = runner.act(command="apply")
    assert (done.passed, done.outputs["exit-code"], patches(cloud)) == (False, "64", [])
