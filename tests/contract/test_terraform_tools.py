"""Tools made for Terraform read the plan: two judge it by rules, two summarise it.

``make integration`` installs them and names their folder in TERRAFORM_TOOLS; with it, a missing tool is a
failure.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner

from reconciler.cli.main import cli
from tests.contract.runner import ROOT
from tests.support import TOKEN, declare, emulate, fill

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FOLDER: Final = os.environ.get("TERRAFORM_TOOLS", "")  # noqa: TID251 - where the tools are
PAGE: Final = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
ENDS: Final = {"expire": "2036-12-31T00:00:00Z"}
PLANS: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = {
    "compliant": [
        {"name": "new", "description": "", "containers": [], **ENDS},
        {"name": "web", "is_disabled": True, **ENDS},
        {"name": "api", "state": "absent"},
    ],
    "violating": [
        {"name": "new", "description": "", "containers": [], **ENDS},
        {"name": "web", "is_disabled": True, "expire": None},
        {"name": "other", "description": "x", **ENDS},
    ],
    "harmless": [{"name": "web", "description": "no rule is about it", **ENDS}],
}


def snippet(language: str, word: str) -> str:
    """Return the rule of the documentation that has a word in it."""
    (found,) = [text for text in re.findall(rf"(?ms)^```{language}\n(.*?)^```", PAGE) if word in text]
    return str(found)


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Make the plans by the command, each from its file."""
    found = {}
    with emulate() as cloud:
        fill(cloud, "api", "web", "other", containers=[{"name": "web", "namespace": "shop"}])
        for name, keys in PLANS.items():
            folder = tmp_path_factory.mktemp(name)
            path = declare(folder / "keys.yaml", *keys)
            environment = {"GCORE_API_KEY": TOKEN, "GCORE_BASE_URL": cloud.url}
            found[name] = folder / "plan.json"
            words = ["plan", path, "--out", str(found[name]), "-q"]
            done = CliRunner().invoke(cli, words, env=environment)
            assert done.exit_code == 0, done.output
    return found


def test_a_saved_plan_has_the_members_of_terraform_on_one_line(plans: Mapping[str, Path]) -> None:
    text = plans["compliant"].read_text(encoding="utf-8")
    assert text.count("\n") == 1
    document = json.loads(text)
    assert document["terraform_version"].startswith("1.")
    changes = {change["name"]: change["change"] for change in document["resource_changes"]}
    assert {name: change["actions"] for name, change in changes.items()} == {
        "api": ["delete"],
        "new": ["create"],
        "web": ["update"],
    }
    assert {(one["mode"], one["provider_name"]) for one in document["resource_changes"]} == {
        ("managed", "gcore")
    }
    planned = {one["name"]: one for one in document["planned_values"]["root_module"]["resources"]}
    assert planned.keys() == {"new", "web"}
    assert planned["web"]["values"] == {
        "project_id": 1,
        "region_id": 76,
        "name": "web",
        "is_disabled": True,
        **ENDS,
    }
    assert all(one["mode"] == "managed" and one["provider_name"] == "gcore" for one in planned.values())
    configured = document["configuration"]["root_module"]["resources"]
    assert [one["address"] for one in configured] == [one["address"] for one in planned.values()]
    assert (document["applyable"], document["complete"], document["errored"]) == (True, True, False)


def run(tool: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool that was installed, offline; skip the test if it was not."""
    inside = Path(FOLDER) / tool / "bin" / tool
    program = str(inside) if FOLDER else shutil.which(tool)
    if program is None:
        pytest.skip(f"there is no {tool} here")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", "COLUMNS": "200"}
    words = [program, *arguments]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def by_compliance(plan: Path) -> tuple[bool, str]:
    features = plan.parent / "features"
    features.mkdir(exist_ok=True)
    (features / "keys.feature").write_text(snippet("gherkin", "Feature"), encoding="utf-8")
    words = ("--features", str(features), "--planfile", str(plan), "--no-ansi")
    done = run("terraform-compliance", plan.parent, *words)
    # What no rule is about is skipped, and would count as passed.
    assert re.search(r"1 scenarios \((1 passed|0 passed, 1 failed)\)", done.stdout), done.stdout + done.stderr
    return done.returncode == 0, done.stdout


def by_checkov(plan: Path) -> tuple[bool, str]:
    checks = plan.parent / "checks"
    checks.mkdir(exist_ok=True)
    (checks / "keys.yaml").write_text(snippet("yaml", "CKV2"), encoding="utf-8")
    words = ("--framework", "terraform_plan", "--external-checks-dir", str(checks), "--check", "CKV2_KEYS_1")
    done = run("checkov", plan.parent, "--file", str(plan), *words, "--skip-download", "--output", "json")
    counts = json.loads(done.stdout)["summary"]
    assert counts["passed"] + counts["failed"] > 0, done.stdout
    return done.returncode == 0, done.stdout


JUDGES: Final[Mapping[str, Callable[[Path], tuple[bool, str]]]] = {
    "terraform-compliance": by_compliance,
    "checkov": by_checkov,
}


@pytest.fixture(scope="module", params=JUDGES)
def verdicts(request: pytest.FixtureRequest, plans: Mapping[str, Path]) -> Mapping[str, tuple[bool, str]]:
    """Have one of the judges judge every plan: it takes seconds to start."""
    return {name: JUDGES[request.param](plan) for name, plan in plans.items()}


def test_a_judge_passes_what_follows_its_rule_and_fails_what_does_not(
    verdicts: Mapping[str, tuple[bool, str]],
) -> None:
    passed = {name: verdict for name, (verdict, _) in verdicts.items()}
    assert passed == {"compliant": True, "violating": False, "harmless": True}
    assert "caas/1/76/web" in verdicts["violating"][1]


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


@pytest.mark.parametrize("count", [by_peek, by_reader], ids=["tf-peek", "readtheplan"])
def test_a_summary_counts_what_the_plan_does(
    plans: Mapping[str, Path], count: Callable[[Path], Mapping[str, int]]
) -> None:
    assert {name: count(plan) for name, plan in plans.items()} == {
        "compliant": {"create": 1, "update": 1, "delete": 1},
        "violating": {"create": 1, "update": 2},
        "harmless": {"update": 1},
    }
