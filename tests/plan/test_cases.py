"""Desired and observed keys in, actions and PATCH bodies out: the name of each case is the rule."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.load.builder import parse
from reconciler.model.live import LiveScope
from reconciler.model.scope import ScopeDefaults
from reconciler.plan.planning import assemble, everything, plan_scope
from tests.values import CAAS, NOW, SCOPE, live, rules, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.load.documents import Document
    from reconciler.model.plan import Plan
    from reconciler.plan.planning import Selection

FOLDER = Path(__file__).parent.parent / "cases" / "caas"
CASES = sorted(FOLDER.glob("*.yaml"))
WRONG_SHAPES = sorted((FOLDER / "wrong-shape").glob("*.yaml"))


def read_case(case: Path) -> tuple[Document, Mapping[str, Any]]:
    desired, rest = parse(case.read_text(encoding="utf-8"), "keys.yaml")
    return desired, rest.data


def plan_case(desired: Document, rest: Mapping[str, Any]) -> Plan:
    (scope,) = state_of(desired, by=rules(defaults=ScopeDefaults(1, 76))).scopes
    shown = rest["exactly"] if "exactly" in rest else [live(**_fields(key)) | key for key in rest["observed"]]
    observed = LiveScope(SCOPE, {key["name"]: key for key in shown})
    return assemble([plan_scope(CAAS, scope, observed, NOW, _selection(rest.get("targets")))])


def _fields(key: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in key.items() if field != "name"}


def _selection(targets: list[str] | None) -> Selection:
    if targets is None:
        return everything
    return lambda address: any(fnmatch.fnmatch(address, target) for target in targets)


def _effects(change: Any) -> dict[str, str]:
    return {field.field: field.effect.value for field in change.fields}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_each_case_produces_its_plan(case: Path) -> None:
    desired, rest = read_case(case)
    plan = plan_case(desired, rest)
    changes = [
        (change.address, {"patch": change.patch, "effects": _effects(change)}) for change in plan.changes
    ]
    assert changes == list(rest.get("changes", {}).items())
    assert plan.unchanged == rest.get("unchanged", 0)
    assert list(plan.unmanaged) == rest.get("unmanaged", [])
    assert [str(problem) for problem in plan.problems] == rest.get("problems", [])


@pytest.mark.parametrize("case", WRONG_SHAPES, ids=lambda case: case.stem)
def test_a_live_value_that_does_not_match_the_schema_is_not_compared(case: Path) -> None:
    desired, rest = read_case(case)
    plan = plan_case(desired, rest)
    assert ([str(problem) for problem in plan.problems], plan.changes) == ([rest["error"]], ())
    assert plan.objections == ()


def test_there_are_cases() -> None:
    assert len(CASES) > 25
    assert len(WRONG_SHAPES) > 5
