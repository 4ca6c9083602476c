"""Tools made for Terraform read the plan: two judge it by rules, two summarise it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from counterparts import ROOT, find
from tests.contract.terraform import terraform_plans

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PAGE: Final = (ROOT / "docs/policy.md").read_text(encoding="utf-8")


def snippet(language: str, word: str) -> str:
    """Return the rule of the documentation that has a word in it."""
    (found,) = [text for text in re.findall(rf"(?ms)^```{language}\n(.*?)^```", PAGE) if word in text]
    return str(found)


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return terraform_plans(tmp_path_factory.mktemp("plans"))


def run(tool: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool, offline."""
    program = find(tool)
    assert program
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", "COLUMNS": "200"}
    words = [program, *arguments]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def by_compliance(plans: Mapping[str, Path]) -> Mapping[str, str]:
    """Return what it says of each plan that it fails."""
    failed = {}
    for name, plan in plans.items():
        features = plan.parent / "features"
        features.mkdir(exist_ok=True)
        (features / "keys.feature").write_text(snippet("gherkin", "Feature"), encoding="utf-8")
        words = ("--features", str(features), "--planfile", str(plan), "--no-ansi")
        done = run("terraform-compliance", plan.parent, *words)
        # What no rule is about is skipped, and would count as passed.
        counted = re.search(r"1 scenarios \((1 passed|0 passed, 1 failed)\)", done.stdout)
        assert counted, done.stdout + done.stderr
        if done.returncode:
            failed[name] = done.stdout
    return failed


def by_checkov(plans: Mapping[str, Path]) -> Mapping[str, str]:
    """Return the keys of each plan that it fails. One process judges all: it takes seconds to start."""
    folder = plans["compliant"].parents[1]
    (folder / "checks").mkdir(exist_ok=True)
    (folder / "checks/keys.yaml").write_text(snippet("yaml", "CKV2"), encoding="utf-8")
    words = ("--framework", "terraform_plan", "--external-checks-dir", "checks", "--check", "CKV2_KEYS_1")
    files = [str(plan) for plan in plans.values()]
    done = run("checkov", folder, *words, "--skip-download", "--output", "json", "--file", *files)
    results = json.loads(done.stdout)["results"]
    checks = [*results["passed_checks"], *results["failed_checks"]]
    assert {check["file_abs_path"] for check in checks} == set(files), done.stdout
    failed: dict[str, str] = {}
    for check in results["failed_checks"]:
        name = Path(check["file_abs_path"]).parent.name
        failed[name] = failed.get(name, "") + check["resource"]
    assert done.returncode == bool(failed)
    return failed


@pytest.mark.parametrize(
    "judge",
    [
        pytest.param(by_compliance, marks=pytest.mark.counterpart("terraform-compliance")),
        pytest.param(by_checkov, marks=pytest.mark.counterpart("checkov")),
    ],
)
def test_a_judge_passes_what_follows_its_rule_and_fails_what_does_not(
    plans: Mapping[str, Path], judge: Callable[[Mapping[str, Path]], Mapping[str, str]]
) -> None:
    failed = judge(plans)
    assert list(failed) == ["violating"]
    assert "caas/1/76/web" in failed["violating"]


def by_peek(plan: Path) -> Mapping[str, int]:
    done = run("tf-peek", plan.parent, str(plan))
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"(?m)^\| \S+ (Create|Update|Delete|Replace) \|.*\*\*(\d+)\*\* \|$", done.stdout)
    return {name.lower(): int(count) for name, count in rows}


def by_reader(plan: Path) -> Mapping[str, int]:
    done = run("readtheplan", plan.parent, "analyze", str(plan))
    assert done.returncode == 0, done.stderr
    actions = done.stdout.partition("## Actions")[2].partition("##")[0]
    words = {"delete/create": "replace", "delete,create": "replace"}
    return {words.get(name, name): int(count) for name, count in re.findall(r"- (\S+): (\d+)", actions)}


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(by_peek, marks=pytest.mark.counterpart("tf-peek")),
        pytest.param(by_reader, marks=pytest.mark.counterpart("readtheplan")),
    ],
)
def test_a_summary_counts_what_the_plan_does(
    plans: Mapping[str, Path], count: Callable[[Path], Mapping[str, int]]
) -> None:
    assert {name: count(plan) for name, plan in plans.items()} == {
        "compliant": {"create": 1, "update": 1, "delete": 1},
        "violating": {"create": 1, "update": 2},
        "harmless": {"update": 1},
    }
