"""What an apply will need is said with the plan, and is what apply refuses the plan for."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.apply.sinks.fallback import Rescuer
from reconciler.apply.sinks.store import open_secret_store
from reconciler.errors import ConfigurationError
from reconciler.model.plan import Action
from reconciler.model.source import Problem
from reconciler.plan.limits import Limits, refusals
from reconciler.plan.needs import Asked, needs, shown_needs
from reconciler.render.text import render_text
from reconciler.render.values import apply_command
from tests.plan.test_limits import revoking
from tests.render.test_new_secrets import FORMATS
from tests.values import check_document, plan_json

if TYPE_CHECKING:
    from reconciler.model.plan import Plan

ALL = ("--secret-sink", "--max-revoked", "--allow-destroy")


def needing(*options: str) -> Plan:
    """Return a plan of twelve keys that needs these options."""
    plan = revoking(5 if "--max-revoked" in options else 1, 12)
    first, *others = plan.changes
    new = replace(first, name="new", action=Action.CREATE, has_secret=True, fields=())
    if "--allow-destroy" in options:
        first = replace(first, action=Action.DELETE, is_undeclared=True)
    return replace(plan, changes=(first, *others, *([new] if "--secret-sink" in options else ())))


every_need = pytest.mark.parametrize("options", [(), *((one,) for one in ALL), ALL], ids=str)


@every_need
def test_a_plan_says_what_its_apply_needs(options: tuple[str, ...]) -> None:
    plan = needing(*options)
    assert tuple(need.option for need in needs(plan)) == options
    assert all(f" {need.words}" in apply_command(plan, "plan.json") for need in needs(plan))
    assert apply_command(plan, "plan.json").count(" --") == 2 + len(options)


@every_need
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_it(name: str, options: tuple[str, ...]) -> None:
    plan = needing(*options)
    text = FORMATS[name](plan)
    assert all(need.line in text for need in needs(plan))
    assert ("apply needs" in text) is bool(options)


@every_need
def test_apply_refuses_for_nothing_else(options: tuple[str, ...]) -> None:
    plan = needing(*options)
    found = needs(plan)
    assert len(refusals(plan, Limits())) == sum(need.is_limit for need in found)
    needed = [need for need in found if not need.is_limit]
    if not needed:
        assert open_secret_store(plan.changes, None, Rescuer(()), print, ()) is None
        return
    with pytest.raises(ConfigurationError, match=f"{needed[0].keys[0]}.*--secret-sink"):
        open_secret_store(plan.changes, None, Rescuer(()), print, ())


@every_need
def test_the_document_has_them(options: tuple[str, ...]) -> None:
    document = json.loads(plan_json(needing(*options)))
    check_document("plan", document)
    assert tuple(need["option"] for need in document["needs"]) == options
    assert all(need["keys"] and need["reason"] for need in document["needs"])


@pytest.mark.parametrize(
    ("asked", "shown"),
    [(Asked.PLAN, list(ALL)), (Asked.APPLY, ["--secret-sink"]), (Asked.APPLY_WITH_SINK, [])],
)
def test_an_apply_is_not_told_to_use_what_it_was_given(asked: Asked, shown: list[str]) -> None:
    plan = needing(*ALL)
    assert [need.option for need in shown_needs(plan, asked)] == shown
    told = re.findall(r"apply needs (--\S+\w)", render_text(plan, asked=asked))
    assert told == shown


def test_a_limit_that_is_a_refusal_already_is_not_said_twice() -> None:
    plan = replace(needing(*ALL), refusals=(Problem("refused"),))
    assert [need.option for need in shown_needs(plan)] == ["--secret-sink"]
