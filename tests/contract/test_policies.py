"""The policies of the example deny what they say. Their tests run where there is something that runs them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.runner import ROOT
from tests.support import TOKEN, CommandLine, declare, emulate, fill

if TYPE_CHECKING:
    from pathlib import Path

POLICIES = ROOT / "examples/gitops-repo/policy"
FILES = sorted(POLICIES.glob("*.rego"))
RULES = [rule for file in FILES for rule in re.findall(r"(?m)^(test_\w+) if", file.read_text("utf-8"))]
SCHEMA = json.loads((ROOT / "schemas/plan.schema.json").read_text(encoding="utf-8"))


def engine() -> Any:
    """Give an interpreter that knows the policies."""
    regorus: Any = pytest.importorskip("regorus", reason="there is no regorus here")
    made = regorus.Engine()
    for file in FILES:
        made.add_policy(file.name, file.read_text(encoding="utf-8"))
    return made


@pytest.mark.parametrize("rule", RULES)
def test_a_test_of_a_policy_passes(rule: str) -> None:
    interpreter = engine()
    interpreter.set_input({})
    assert interpreter.eval_rule(f"data.main.{rule}") is True


@pytest.mark.parametrize(
    "command", [["opa", "test"], ["conftest", "verify", "--policy"]], ids=lambda command: command[0]
)
def test_the_tests_of_the_policies_pass_where_they_are_meant_to_run(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]} here")
    done = subprocess.run([*command, str(POLICIES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "denied"),
    [
        (
            [],
            [
                "caas/1/76/api: declares no expiry",
                "caas/1/76/web: expires more than 400 days from now",
                "caas/1/76/web: revokes access, and the pull request lacks the label revokes-access",
            ],
        ),
        (
            ["revokes-access"],
            ["caas/1/76/api: declares no expiry", "caas/1/76/web: expires more than 400 days from now"],
        ),
    ],
    ids=["without labels", "with the label"],
)
def test_a_real_plan_is_judged(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    labels: list[str],
    denied: list[str],
) -> None:
    interpreter = engine()
    cli = CommandLine(monkeypatch, capsys)
    web = {"name": "web", "expire": "2036-01-01T00:00:00Z", "is_disabled": True}
    path = declare(tmp_path / "keys.yaml", {"name": "api", "description": "new"}, web)
    with emulate() as cloud:
        fill(cloud, "api", "web")
        cli.use(cloud)
        done = cli("plan", path, "--format", "json")
    interpreter.set_input(json.loads(done.out))
    interpreter.add_data({"labels": labels})
    assert sorted(interpreter.eval_rule("data.main.deny")) == denied
    assert TOKEN not in done.out


def test_every_policy_has_tests() -> None:
    names = {file.stem for file in FILES}
    assert {name for name in names if not name.endswith("_test")} == {
        name.removesuffix("_test") for name in names if name.endswith("_test")
    }
    assert len(set(RULES)) == len(RULES) > 10


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_policy_is_written_for_old_and_new_versions_alike(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "package main\n\nimport rego.v1\n" in text
    assert re.findall(r"(?m)^deny (?!contains message if \{)", text) == []


def test_the_policies_ask_for_what_a_plan_has() -> None:
    change = SCHEMA["definitions"]["resource_change"]
    assert {"resource_changes", "timestamp"} <= set(SCHEMA["required"])
    assert {"address", "change"} <= set(change["required"])
    assert {"after", "effects"} <= set(change["properties"]["change"]["required"])
    effects = SCHEMA["definitions"]["effects"]["additionalProperties"]["enum"]
    assert effects == ["neutral", "grants", "revokes", "grants+revokes"]


def test_the_policy_in_the_documentation_is_the_one_in_the_example() -> None:
    page = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
    shown = page.split("```rego\n")[1].split("```")[0]
    assert shown == (POLICIES / "revocations.rego").read_text(encoding="utf-8")


def test_every_policy_is_in_the_documentation() -> None:
    page = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
    names = [file.name for file in FILES if not file.stem.endswith("_test")]
    assert [name for name in names if f"| `{name}` |" not in page] == []
