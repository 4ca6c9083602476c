"""What every format for people says of a key, in the words of the text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reconciler.model.plan import Action, Origin
from reconciler.render.formats import render_diff
from reconciler.render.github import render_github
from reconciler.render.markdown import render_markdown
from tests.render.example_plan import since
from tests.render.screens import every_change
from tests.render.test_new_secrets import FORMATS
from tests.render.test_plan_page import read
from tests.values import declared

PLACE = "not declared; exclusive at keys/shop.yaml:4"


@pytest.mark.parametrize("name", FORMATS)
def test_a_key_that_no_file_declares_is_not_said_to_be_declared(name: str) -> None:
    plan = every_change()
    text = read(plan).text if name == "html" else FORMATS[name](plan)
    assert text.lower().count(PLACE) == 1
    assert not re.search(r"(?<!; )(?:\(|declared at )keys/shop.yaml:4\b", text)


def test_a_replacement_destroys_a_key_and_so_is_marked_and_ranked() -> None:
    plan = every_change()
    billing, *others = plan.changes
    assert not any(field.effect.revokes for field in billing.fields)
    replaced = replace(plan, changes=(replace(billing, action=Action.REPLACE), *others))
    title = "caas/1/76/billing (keys/shop.yaml:9) must be replaced (grants+revokes)"
    for text in (render_markdown(replaced), render_diff(replaced)):
        assert f"- {title}\n" in text
    warned, noted = (re.findall(f"::{kind}.*", render_github(replaced)) for kind in ("warning", "notice"))
    assert len(warned + noted) == len(plan.changes)
    assert [command for command in warned if "/billing must be replaced" in command]


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {"html"}))
def test_the_effect_of_a_key_that_comes_or_goes_is_said_once(name: str) -> None:
    text = FORMATS[name](every_change())
    for words, keys in (("revokes: key deleted", 2), ("grants: a new key", 1)):
        assert text.count(words) == text.count(f" ({words})") == keys


def test_the_page_labels_a_key_that_comes_or_goes_once() -> None:
    plan = since(every_change(), declared("unwanted"))
    page = read(replace(plan, changes=plan.changes[-1:]))
    assert {field.origin for field in plan.changes[-1].fields} == {Origin.CONFIG}
    assert page.text.count("config: Git changed it") == 0
