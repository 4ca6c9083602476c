"""The policies of the example have tests, and read what a plan has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.contract.policies import FILES, IN_A_CHANGE, JUDGES, MEMBERS, PAGE, RULES, SHOWN
from tests.contract.runner import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = json.loads((ROOT / "schemas/plan.schema.json").read_text(encoding="utf-8"))


def test_every_policy_has_tests() -> None:
    names = {file.stem for file in FILES}
    assert {name for name in names if not name.endswith("_test")} == {
        name.removesuffix("_test") for name in names if name.endswith("_test")
    }
    assert len(set(RULES)) == len(RULES) > 10


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_policy_is_valid_in_old_and_new_rego_versions(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "package main\n\nimport rego.v1\n" in text
    assert re.findall(r"(?m)^deny (?!contains (?:message if \{|\"[^\"]+\" if not \w+$))", text) == []


def test_the_policies_use_existing_members_of_a_plan() -> None:
    change = SCHEMA["definitions"]["resource_change"]
    assert set(MEMBERS) <= set(SCHEMA["required"])
    assert {"address", "change"} <= set(change["required"])
    assert set(IN_A_CHANGE) <= set(change["properties"]["change"]["required"])
    effects = SCHEMA["definitions"]["effects"]["additionalProperties"]["enum"]
    assert effects == ["neutral", "grants", "revokes", "grants+revokes"]


def test_the_policy_in_the_documentation_is_the_one_in_the_example() -> None:
    assert SHOWN[0] == JUDGES["revocations.rego"]


def test_every_policy_is_in_the_documentation() -> None:
    assert [name for name in JUDGES if f"| `{name}` |" not in PAGE] == []
