"""Whether a change of a plan that waited is about an object that has another name by now."""

from __future__ import annotations

import pytest

from reconciler.apply.stale import KnownObjects
from reconciler.kinds.kind import kind_from_schema
from reconciler.model.desired import DesiredKey, DesiredScope
from reconciler.model.live import LiveScope
from reconciler.plan.planning import plan_scope
from tests.idserver import STYLES
from tests.values import NOW

KIND = kind_from_schema("note", STYLES["text ids"].schema)
SCOPE = KIND.scope_of(["red"])


@pytest.mark.parametrize(("address", "is_renamed"), [("note/red/shop", True), ("note/blue/shop", False)])
def test_an_id_is_that_of_an_object_in_its_own_scope(address: str, *, is_renamed: bool) -> None:
    key = DesiredKey("web", {"name": "web", "text": "new"}, "notes.yaml", 0)
    live = LiveScope(SCOPE, {"web": {"name": "web", "text": "old", "id": "7"}})
    (change,) = plan_scope(KIND, DesiredScope(SCOPE, (key,)), live, NOW).changes
    outcome = KnownObjects({address: "7"}).renamed(change, {"7": "web"})
    assert (outcome is not None) is is_renamed
