"""What the lifecycle of a declaration forbids, and what a plan says of keys that no file declares."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.desired import Lifecycle
from reconciler.model.plan import Action
from reconciler.model.scope import Scope
from tests.values import declared, kind_with, live, make_plan

TEXT = {"type": "string"}
THING = kind_with({"text": TEXT, "fixed": TEXT}, immutable=["fixed"], create={"requires": []})
UNMADE = kind_with({"text": TEXT, "fixed": TEXT}, immutable=["fixed"])


@pytest.mark.parametrize(
    ("state", "fields", "lifecycle", "complaint"),
    [
        ("absent", {}, {}, None),
        ("absent", {}, {"prevent_destroy": True}, "would be destroyed"),
        ("present", {"is_disabled": True}, {"prevent_destroy": True}, None),
        ("present", {"is_disabled": True}, {"prevent_revoke": True}, "would lose access"),
        ("present", {"description": "new"}, {"prevent_revoke": True}, None),
        ("absent", {}, {"prevent_destroy": True, "prevent_revoke": True}, "would be destroyed"),
    ],
)
def test_a_lifecycle_forbids_only_what_it_names(
    state: str, fields: Any, lifecycle: Any, complaint: str | None
) -> None:
    key = declared(**fields)._replace(is_absent=state == "absent", lifecycle=Lifecycle(**lifecycle))
    found = [problem.message for problem in make_plan([key], [live()]).problems]
    assert [text.partition(", and its lifecycle")[0] for text in found] == [complaint] * bool(complaint)


def test_a_deleted_key_whose_values_can_be_compared_is_deleted_without_a_warning() -> None:
    plan = make_plan([declared()._replace(is_absent=True)], [live()])
    assert ([change.action for change in plan.changes], plan.warnings) == ([Action.DELETE], ())


def test_a_deleted_key_whose_values_cannot_be_compared_is_deleted_with_a_warning() -> None:
    plan = make_plan([declared()._replace(is_absent=True)], [live(is_disabled="yes")])
    assert ([change.action for change in plan.changes], len(plan.warnings)) == ([Action.DELETE], 1)


def test_a_live_name_that_looks_like_a_declared_one_is_warned_about() -> None:
    plan = make_plan([declared("web-key")], [live("web-key"), live("Web-Key"), live("other")])
    assert [warning.address for warning in plan.warnings] == ["caas/1/76/Web-Key"]


@pytest.mark.parametrize(
    ("fields", "lifecycle", "actions", "problems"),
    [
        ({"text": "new"}, {}, [Action.UPDATE], 0),
        ({"fixed": "new"}, {}, [Action.REPLACE], 1),
        ({"fixed": "new"}, {"replace": True}, [Action.REPLACE], 0),
        ({"fixed": "new", "text": "new"}, {}, [Action.REPLACE], 1),
    ],
)
def test_a_field_that_cannot_be_changed_in_place_needs_leave_to_replace_the_key(
    fields: Any, lifecycle: Any, actions: list[Action], problems: int
) -> None:
    key = declared(**fields)._replace(lifecycle=Lifecycle(**lifecycle))
    shown = {"name": "web-key", "text": "old", "fixed": "old"}
    plan = make_plan([key], [shown], kind=THING, scope=Scope("thing", 1, names=("project_id",)))
    assert [change.action for change in plan.changes] == actions
    assert len(plan.problems) == problems


@pytest.mark.parametrize("replace", [True, False])
def test_a_key_is_not_replaced_where_none_can_be_created(*, replace: bool) -> None:
    key = declared(fixed="new")._replace(lifecycle=Lifecycle(replace=replace))
    shown = {"name": "web-key", "text": "old", "fixed": "old"}
    plan = make_plan([key], [shown], kind=UNMADE, scope=Scope("thing", 1, names=("project_id",)))
    (problem,) = plan.problems
    assert "and no key of this kind can be created; write the live value into the file" in problem.message


def test_a_key_is_not_replaced_by_one_without_what_a_creation_does_not_take() -> None:
    off = {"off": {"type": "boolean"}, "fixed": TEXT}
    kind = kind_with(off, immutable=["fixed"], create={"requires": [], "later": ["off"]})
    key = declared(fixed="new")._replace(lifecycle=Lifecycle(replace=True))
    shown = {"name": "web-key", "off": True, "fixed": "old"}
    plan = make_plan([key], [shown], kind=kind, scope=Scope("thing", 1, names=("project_id",)))
    (problem,) = plan.problems
    assert "and a creation does not take off: the new key would be without" in problem.message
