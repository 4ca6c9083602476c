"""The pipelines that are ready to copy are safe by default, and run commands that exist."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from gcore_emulator import Emulator
from reconciler.cli.main import cli
from reconciler.cli.variables import misspelt
from tests.contract.runner import ACTION, ROOT
from tests.support import from_yaml

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = ROOT / "examples/gitops-repo"
WORKFLOWS = sorted((EXAMPLE / ".github/workflows").glob("*.yml"))
ENVIRONMENTS = sorted((EXAMPLE / "environments").iterdir())
OURS = "YOUR-ORG/reconciler@YOUR-COMMIT"


def document(path: Path) -> Any:
    return from_yaml(path.read_text(encoding="utf-8"))


def jobs() -> dict[str, Any]:
    return {f"{path.stem} {name}": job for path in WORKFLOWS for name, job in document(path)["jobs"].items()}


def uses() -> dict[str, tuple[Any, Any]]:
    """Return each use of the action, with its job."""
    return {
        f"{name} {number}": (step, job)
        for name, job in jobs().items()
        for number, step in enumerate(job["steps"])
        if step.get("uses") == OURS
    }


def scripts() -> dict[str, tuple[str, str]]:
    """Return every script with its shell, by its place."""
    found = {
        path.name: ("bash", path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob("action/*.sh"))
    }
    steps = {
        "action": document(ACTION)["runs"]["steps"],
        **{name: job["steps"] for name, job in jobs().items()},
    }
    for place, listed in steps.items():
        for number, step in enumerate(listed):
            if "run" in step:
                found[f"{place} {number}"] = ("bash", step["run"])
    for name, job in document(ROOT / "deploy/gitlab/plan.yml").items():
        if "script" in job:
            found[f"gitlab {name}"] = ("sh", "\n".join(job["script"]))
    stages = document(ROOT / "deploy/atlantis/repos.yaml")["workflows"]["reconciler"]
    for stage, about in stages.items():
        commands = [run if isinstance(run := step["run"], str) else run["command"] for step in about["steps"]]
        found[f"atlantis {stage}"] = ("sh", "\n".join(commands))
    return found


@pytest.mark.parametrize("place", scripts())
def test_no_script_is_built_from_expressions(place: str) -> None:
    assert "${{" not in scripts()[place][1]


@pytest.mark.parametrize("place", [place for place in scripts() if place.endswith(".sh")])
def test_a_script_of_the_action_stops_at_the_first_error(place: str) -> None:
    code = [line for line in scripts()[place][1].splitlines() if line and not line.startswith("#")]
    assert code[0] == "set -euo pipefail"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_no_permissions_beyond_those_of_its_jobs(path: Path) -> None:
    assert document(path)["permissions"] == {}
    rights = [set(job["permissions"].items()) for job in document(path)["jobs"].values()]
    assert set().union(*rights) <= {("contents", "read"), ("pull-requests", "write")}


def test_only_the_plan_on_a_pull_request_may_write_comments() -> None:
    writing = [name for name, job in jobs().items() if "write" in job["permissions"].values()]
    assert writing == ["plan plan"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_workflow_gives_secrets_to_the_code_of_a_fork(path: Path) -> None:
    events = document(path)[True]  # "on" is a boolean to YAML 1.1
    assert {"pull_request_target", "workflow_run", "issue_comment"}.isdisjoint(events)


def test_a_pull_request_from_a_fork_is_checked_without_secrets() -> None:
    plan = document(EXAMPLE / ".github/workflows/plan.yml")["jobs"]
    assert "secrets." not in str(plan["validate"])
    assert "if" not in plan["validate"]
    assert plan["plan"]["if"] == "github.event.pull_request.head.repo.full_name == github.repository"


@pytest.mark.parametrize("job", jobs().values(), ids=jobs())
def test_a_job_has_a_timeout_and_persists_no_credentials(job: Any) -> None:
    assert job["timeout-minutes"] <= 15
    checkouts = [
        step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert [given for given in checkouts if given["persist-credentials"] is not False] == []


@pytest.mark.parametrize("step", [step for step, _ in uses().values()], ids=uses())
def test_the_action_gets_existing_inputs_and_the_token_by_the_environment(step: Any) -> None:
    assert set(step["with"]) <= set(document(ACTION)["inputs"])
    assert step.get("env", {}) in ({}, {"GCORE_API_KEY": "${{ secrets.GCORE_API_KEY }}"})


@pytest.mark.parametrize("job", jobs().values(), ids=jobs())
def test_the_token_is_in_no_other_step(job: Any) -> None:
    others = [step for step in job["steps"] if step.get("uses") != OURS]
    assert "secrets." not in str(others) + str(job.get("env", ""))


def test_only_apply_jobs_have_an_environment_with_a_writing_token() -> None:
    wanted = {"staging", "production"}
    applying = {job["environment"] for step, job in uses().values() if step["with"].get("command") == "apply"}
    others = [
        job.get("environment", "-plan")
        for step, job in uses().values()
        if step["with"].get("command") != "apply"
    ]
    assert applying == wanted
    assert [name for name in others if not name.endswith("-plan")] == []


def test_runs_that_apply_to_one_environment_are_serialized() -> None:
    applying = [job for step, job in uses().values() if step["with"].get("command") == "apply"]
    assert [job["concurrency"] for job in applying] == [
        {"group": f"apply-{job['environment']}", "cancel-in-progress": False} for job in applying
    ]


def test_production_applies_a_plan_by_its_fingerprint() -> None:
    job = document(EXAMPLE / ".github/workflows/apply.yml")["jobs"]["production"]
    given = job["steps"][-1]["with"]
    assert given["plan"] == "plan.json"
    assert given["expect"] == "${{ needs.plan-production.outputs.fingerprint }}"
    assert [step for step in job["steps"] if "checkout" in step["uses"]] == []


def test_jobs_with_a_base_fetch_the_git_history() -> None:
    with_base = [job for step, job in uses().values() if "base" in step["with"]]
    assert [job["steps"][0]["with"]["fetch-depth"] for job in with_base] == [0]


def test_the_environments_are_valid_and_in_separate_projects() -> None:
    projects = []
    for folder in ENVIRONMENTS:
        done = CliRunner().invoke(cli, ["validate", str(folder)])
        assert (done.exit_code, "Warning" in done.output) == (0, False), done.output
        projects += [document(file)["project_id"] for file in folder.glob("*.yaml")]
    assert len(set(projects)) == len(projects) == 2


def test_every_environment_is_planned_watched_owned_and_applied() -> None:
    names = [folder.name for folder in ENVIRONMENTS]
    for workflow, job in (("plan", "plan"), ("drift", "drift")):
        about = document(EXAMPLE / f".github/workflows/{workflow}.yml")["jobs"][job]
        assert sorted(about["strategy"]["matrix"]["environment"]) == names
    owners = (EXAMPLE / ".github/CODEOWNERS").read_text(encoding="utf-8")
    assert [name for name in names if f"/environments/{name}/ " not in owners] == []
    assert (
        sorted(set(names) & {job["environment"] for job in jobs().values() if "environment" in job}) == names
    )


def test_the_example_uses_the_existing_hooks() -> None:
    hooks = document(ROOT / ".pre-commit-hooks.yaml")
    (repository,) = document(EXAMPLE / ".pre-commit-config.yaml")["repos"]
    assert [used["id"] for used in repository["hooks"]] == [hook["id"] for hook in hooks]
    assert [used["args"] for used in repository["hooks"]] == [["environments"]] * 2


def test_every_placeholder_is_in_the_readme_of_the_example() -> None:
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    files = [path for path in EXAMPLE.rglob("*") if path.is_file() and path.name != "README.md"]
    found = {word for path in files for word in re.findall(r"YOUR-[A-Z]+", path.read_text(encoding="utf-8"))}
    assert found
    assert [word for word in found if word not in readme] == []


def gitlab() -> dict[str, Any]:
    jobs: dict[str, Any] = document(ROOT / "deploy/gitlab/plan.yml")
    return jobs


def test_gitlab_plans_on_merge_requests_and_applies_only_what_was_merged() -> None:
    jobs = {name: job for name, job in gitlab().items() if "rules" in job and name != "reconciler-install"}
    conditions = {name: job["rules"][0]["if"] for name, job in jobs.items()}
    merge_request = '$CI_PIPELINE_SOURCE == "merge_request_event"'
    merged = '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH'
    assert conditions == {
        "reconciler-validate": merge_request,
        "reconciler-plan": merge_request,
        "reconciler-plan-merged": merged,
        "reconciler-apply": merged,
    }


def test_gitlab_serializes_applies_per_environment() -> None:
    apply = gitlab()["reconciler-apply"]
    assert (apply["resource_group"], apply["interruptible"]) == ("reconciler", False)
    assert apply["environment"] == {"name": "reconciler"}
    plans = [gitlab()[name]["environment"]["name"] for name in ("reconciler-plan", "reconciler-plan-merged")]
    assert plans == ["reconciler-plan"] * 2
    assert gitlab()["reconciler-plan"]["artifacts"]["reports"] == {"terraform": "report.json"}


def commands() -> list[str]:
    """Return the words after ``reconciler`` in the scripts of GitLab and Atlantis."""
    text = "\n".join(
        script for place, (_, script) in scripts().items() if place.startswith(("gitlab", "atl"))
    )
    found = re.findall(r"(?m)(?:^|\()reconciler ([^<>|)\n]+?)(?: 2?>.*)?\)?(?: \|\|.*)?$", text)
    return [command.strip() for command in found]


def test_every_command_is_covered_by_these_tests() -> None:
    assert [command.split()[0] for command in commands()] == [
        *("validate", "plan", "show", "show", "plan", "apply"),
        *("plan", "show", "apply"),
    ]


@pytest.mark.parametrize("command", commands())
def test_a_pipeline_runs_a_command_that_exists(command: str) -> None:
    name, *arguments = command.replace('"', "").split()
    context = cli.commands[name].make_context(name, arguments, parent=click.Context(cli))
    assert context.params.get("auto_approve", True), "nobody is there to ask"
    assert context.params.get("correct") is None


def test_atlantis_applies_the_plan_that_it_showed() -> None:
    stages = document(ROOT / "deploy/atlantis/repos.yaml")["workflows"]["reconciler"]
    assert '--out "$PLANFILE"' in stages["plan"]["steps"][0]["run"]["command"]
    assert '--plan "$PLANFILE"' in stages["apply"]["steps"][0]["run"]


def test_atlantis_requires_an_approval_that_no_pull_request_can_disable() -> None:
    ours = document(ROOT / "deploy/atlantis/atlantis.yaml")
    assert [one["dir"] for one in ours["projects"]] == ["environments/staging", "environments/production"]
    assert "apply_requirements" not in json.dumps(ours)
    (theirs,) = document(ROOT / "deploy/atlantis/repos.yaml")["repos"]
    assert "approved" in theirs["apply_requirements"]
    assert (theirs["allowed_overrides"], theirs["allow_custom_workflows"]) == ([], False)


def test_the_snippets_in_the_documentation_match_the_action() -> None:
    page = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    whole, checks, by_command, part, hooks, overlay = (
        from_yaml(text) for text in re.findall(r"(?s)```yaml\n(.*?)```", page)
    )
    listed = [step for job in [*whole["jobs"].values(), *part.values()] for step in job["steps"]]
    used = [step for step in listed if step["uses"] == OURS]
    assert len(used) == 4
    assert {name for step in used for name in step.get("with", {})} <= set(document(ACTION)["inputs"])
    assert [hook["id"] for hook in hooks["repos"][0]["hooks"]] == ["reconciler-fmt", "reconciler-validate"]
    assert (ROOT / "docs" / overlay["resources"][0]).resolve().name == "kubernetes-apply"
    assert whole["permissions"] == {}
    assert [step["run"].split()[:2] for step in checks if "run" in step] == [["reconciler", "validate"]] * 2
    assert not any("env" in step for step in checks)
    steps = [step for job in by_command["jobs"].values() for step in job["steps"]]
    with_token = [step["run"] for step in steps if "env" in step]
    assert [line.split()[:2] for line in with_token] == [["reconciler", "plan"], ["reconciler", "apply"]]
    assert "--trust base" in with_token[0]


def commands_with_a_token() -> list[str]:
    """Return every line of what is ready to copy that plans or looks for drift."""
    files = [*ROOT.glob("deploy/**/*"), *ROOT.glob("action/*"), *EXAMPLE.glob(".github/workflows/*")]
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    lines = [line for text in texts for line in text.splitlines()]
    return [
        line
        for line in lines
        if re.search(r"reconciler (plan|drift) (?!ended)[^`]|run drift|words=\(plan|\[drift,", line)
    ]


def test_no_kind_of_a_pull_request_determines_what_a_token_reads() -> None:
    found = commands_with_a_token()
    assert len(found) >= 9
    assert [line for line in found if not re.search(r'--trust[ =](base|"\$INPUT_TRUST")', line)] == []
    service = (ROOT / "deploy/kubernetes-service/deployment.yaml").read_text(encoding="utf-8")
    assert "- --trust=base" in service
    assert document(ACTION)["inputs"]["trust"]["default"] == "base"
    given = [step["with"] for step, _ in uses().values() if "plan" not in step["with"]]
    assert {about.get("trust") for about in given if about.get("command") != "validate"} == {"base"}


def test_the_example_is_planned_without_an_error_where_no_key_exists() -> None:
    with Emulator() as emulator:
        environment = {"GCORE_BASE_URL": emulator.url, "GCORE_API_KEY": emulator.token}
        result = CliRunner().invoke(cli, ["plan", str(EXAMPLE / "environments")], env=environment)
    assert "Plan: 5 to add, 0 to change, 0 to destroy" in result.stdout
    assert "Error" not in result.output


def test_the_example_keeps_plans_and_secrets_out_of_git() -> None:
    text = (EXAMPLE / ".gitignore").read_text(encoding="utf-8")
    assert text == (ROOT / "deploy/gitignore").read_text(encoding="utf-8")  # which init writes
    assert {"plan.json", "*.db", "rescued-secret-*"} <= {*text.splitlines()}


@pytest.mark.parametrize(
    "place", ["deploy/gitlab/plan.yml", "deploy/gitlab/drift.yml", "deploy/gitlab/rotation.yml", "docs/ci.md"]
)
def test_gitlab_is_told_not_to_expand_the_dollar_of_a_token(place: str) -> None:
    assert "Expand variable reference" in (ROOT / place).read_text(encoding="utf-8")


def test_every_variable_of_what_is_ready_to_copy_is_known_in_strict_mode() -> None:
    files = [file for folder in ("deploy", "action", "examples") for file in ROOT.glob(f"{folder}/**/*")]
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    names = {name for text in texts for name in re.findall(r"\bRECONCILER_[A-Z0-9_]*[A-Z0-9]\b", text)}
    assert "RECONCILER_ROTATION" in names
    assert misspelt(cli, dict.fromkeys(names, "1")) == ()
