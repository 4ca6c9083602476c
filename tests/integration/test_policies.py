"""The policies of the example deny what they say, on OPA's own engine and on another, where there are any."""

from __future__ import annotations

import copy
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from counterparts import find
from reconciler.cli.main import cli
from tests.contract.policies import IN_A_CHANGE, JUDGES, MEMBERS, POLICIES, RULES, SHOWN, TEXTS
from tests.integration.rego import start
from tests.support import TOKEN, declare, emulate, fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.integration.rego import Engine

MONDAY, EVENING = "2026-06-01T10:00:00Z", "2026-06-01T20:00:00Z"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("opa", marks=pytest.mark.counterpart("OPA's engine")),
        pytest.param("regorus", marks=pytest.mark.counterpart("regorus")),
    ],
)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Run each engine that knows Rego."""
    made = start(request.param)
    yield made
    made.process.communicate()


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Make a plan of each kind of change, by the command and against the emulator."""
    ends = {"expire": "2026-12-31T00:00:00Z"}
    grown = {"lifecycle": {"replace": True}, "is_disabled": True}
    fresh = {"description": "new", "containers": []}
    declared: dict[str, Sequence[Mapping[str, Any]]] = {
        "update": [{"name": "api", "description": "new"}, {"name": "web", **ends, "is_disabled": True}],
        "create": [{**fresh, "name": "new"}, {**fresh, "name": "made", **ends}],
        "delete": [{"name": "web", "state": "absent"}],
        "replace": [{"name": "web", "expire": "2036-01-01T00:00:00Z", **grown}],
        "nothing": [{"name": "web"}],
    }
    folder = tmp_path_factory.mktemp("plans")
    with emulate() as cloud:
        fill(cloud, "api", "web", containers=[{"name": "web", "namespace": "shop"}])
        return {name: _plan(folder / name, cloud.url, keys) for name, keys in declared.items()}


def _plan(folder: Path, url: str, keys: Sequence[Mapping[str, Any]]) -> Any:
    folder.mkdir()
    path = declare(folder / "keys.yaml", *keys)
    environment = {"GCORE_API_KEY": TOKEN, "GCORE_BASE_URL": url}
    words = ["plan", path, "--out", str(folder / "plan.json"), "-q"]
    done = CliRunner().invoke(cli, words, env=environment)
    assert done.exit_code == 0, done.output
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    return plan | {"timestamp": MONDAY}


def test_every_test_of_a_policy_passes(engine: Engine) -> None:
    assert [rule for rule in RULES if engine(TEXTS, f"main.{rule}", {}) is not True] == []


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["opa", "test"], marks=pytest.mark.counterpart("opa")),
        pytest.param(["conftest", "verify", "--policy"], marks=pytest.mark.counterpart("conftest")),
    ],
)
def test_policy_tests_pass_with_the_programs(command: list[str]) -> None:
    words = [str(find(command[0])), *command[1:], str(POLICIES)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


ENDLESS, LATE = "declares no expiry", "expires more than 400 days from now"
REVOKES = "revokes access, and the pull request lacks the label revokes-access"
GRANTS = "grants access outside working hours (Europe/Luxembourg)"


@pytest.mark.parametrize(
    ("name", "denied"),
    [
        ("update", {"api": {ENDLESS}, "web": {REVOKES}}),
        ("create", {"new": {ENDLESS, GRANTS}, "made": {GRANTS}}),
        ("delete", {"web": {REVOKES}}),
        ("replace", {"web": {LATE, REVOKES}}),
        ("nothing", {}),
    ],
)
def test_a_real_plan_is_evaluated(
    engine: Engine, plans: Mapping[str, Any], name: str, denied: Mapping[str, set[str]]
) -> None:
    everything = {f"caas/1/76/{key}: {reason}" for key, reasons in denied.items() for reason in reasons}
    evening = plans[name] | {"timestamp": EVENING}
    assert set(engine(JUDGES, "main.deny", evening)) == everything
    rest = {message for message in everything if not message.endswith((REVOKES, GRANTS))}
    assert set(engine(JUDGES, "main.deny", plans[name], {"labels": ["revokes-access"]})) == rest


@pytest.mark.parametrize("name", ["update", "create", "delete", "replace"])
def test_a_policy_alone_has_the_same_result_as_with_the_others(
    engine: Engine, plans: Mapping[str, Any], name: str
) -> None:
    evening = plans[name] | {"timestamp": EVENING}
    together = set(engine(JUDGES, "main.deny", evening))
    for file, text in JUDGES.items():
        rest = {other: text for other, text in JUDGES.items() if other != file}
        parts = [set(engine(files, "main.deny", evening)) for files in ({file: text}, rest)]
        assert set.union(*parts) == together, file


@pytest.mark.parametrize("value", [None, 7, "now", {}, "missing"])
def test_a_plan_that_lacks_a_member_is_denied(engine: Engine, plans: Mapping[str, Any], value: Any) -> None:
    labels = {"labels": ["revokes-access"]}
    denied = set(engine(JUDGES, "main.deny", plans["create"], labels))
    for member in MEMBERS:
        plan = {**plans["create"], member: value}
        if value == "missing":
            del plan[member]
        said = engine(JUDGES, "main.deny", plan, labels)
        assert is_error(said) or set(said) - denied, member


@pytest.mark.parametrize("name", ["create", "delete", "replace"])
@pytest.mark.parametrize("value", [7, "grants", [], "missing"])
def test_a_change_that_lacks_a_member_is_denied(
    engine: Engine, plans: Mapping[str, Any], name: str, value: Any
) -> None:
    for member in IN_A_CHANGE:
        plan = copy.deepcopy(plans[name])
        change = plan["resource_changes"][0]["change"]
        change[member] = value
        if value == "missing":
            del change[member]
        said = engine(JUDGES, "main.deny", plan, {"labels": ["revokes-access"]})
        assert is_error(said) or "change 1 of the plan is of no form that is known" in said, member


def is_error(said: Any) -> bool:
    """Return whether an engine stopped, which passes no plan."""
    return isinstance(said, str) and said.startswith("!")


def test_negating_an_undefined_value_passes_unlike_the_documented_form(
    engine: Engine,
) -> None:
    _, lesson = SHOWN
    for after in ({}, {"expire": None}):
        assert engine({"lesson.rego": lesson}, "example.denied", {"change": {"after": after}}) is True
    ends = {"change": {"after": {"expire": "2026-12-31T00:00:00Z"}}}
    assert engine({"lesson.rego": lesson}, "example.denied", ends) is None
    if engine.name == "opa":
        undeclared: dict[str, Any] = {"change": {"after": {}}}
        assert engine({"lesson.rego": lesson}, "example.denied_wrongly", undeclared) is None
