"""A saved plan is one document on one line, with the members of Terraform's plan that tools read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.contract.terraform import ENDS, terraform_plans

if TYPE_CHECKING:
    from pathlib import Path


def test_a_saved_plan_has_the_members_of_terraform_on_one_line(tmp_path: Path) -> None:
    text = terraform_plans(tmp_path)["compliant"].read_text(encoding="utf-8")
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
