"""A plan that makes keys with a secret says, in every format, that apply needs a place for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.kinds.packaged import plan_schema
from reconciler.plan.saved import read_saved
from reconciler.render.formats import render_diff
from reconciler.render.github import render_github
from reconciler.render.markdown import render_markdown
from reconciler.render.plan_page import render_plan_page
from reconciler.render.text import render_text
from tests.values import CAAS, NOW, check_document, declared, kind_with, live, make_plan, plan_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.plan import Plan

KEYS = [
    declared("new-a", containers=[]),
    declared("new-b", containers=[]),
    declared("old-c", is_disabled=True),
]
LINE = "2 keys will be created; apply needs --secret-sink"
FORMATS: dict[str, Callable[[Plan], str]] = {
    "text": render_text,
    "markdown": render_markdown,
    "html": lambda plan: render_plan_page(plan, NOW),
    "diff": render_diff,
    "github": render_github,
}


@pytest.mark.parametrize("render", FORMATS.values(), ids=FORMATS)
def test_a_plan_that_creates_keys_mentions_that_apply_needs_a_sink(render: Callable[[Plan], str]) -> None:
    assert LINE in render(make_plan(KEYS, [live("old-c")]))


@pytest.mark.parametrize("render", FORMATS.values(), ids=FORMATS)
def test_a_plan_that_creates_no_keys_does_not_mention_a_sink(render: Callable[[Plan], str]) -> None:
    assert "--secret-sink" not in render(make_plan(KEYS[2:], [live("old-c")]))


def test_a_kind_without_a_secret_needs_no_sink() -> None:
    thing = kind_with({}, create={"requires": []})
    plan = make_plan([declared("new-a")], [], kind=thing)
    assert (len(plan.changes), plan.new_secrets) == (1, 0)


def test_the_json_plan_and_the_saved_plan_have_the_member() -> None:
    plan = make_plan(KEYS, [live("old-c")])
    text = plan_json(plan)
    document: dict[str, Any] = json.loads(text)
    check_document("plan", document)
    assert document["new_secrets"] == 2
    again = read_saved(text.encode(), {"caas": CAAS}, plan_schema())
    assert (again.new_secrets, again.fingerprint) == (2, plan.fingerprint)
