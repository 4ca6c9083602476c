"""The plan for tools that colour lines by their first character."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.paths import is_segment
from reconciler.model.source import Position, Problem
from reconciler.plan.planning import assemble
from reconciler.render.formats import render_diff
from tests.render.example_plan import FRAGMENTS, example_plan, plan_with_origins
from tests.values import WEB, declared, kind_with, live, make_plan

WHOLE = """\
~ caas/1/76/api-key (keys.yaml:9)
~ containers = [  # [conflict] grants+revokes: binds 1, unbinds 1
-   {name: "old", namespace: "shop"}
+   {name: "api", namespace: "shop"}
~   # (1 unchanged element hidden)
~ ]

~ caas/1/76/web-key (keys.yaml:3)
- description = "old"
+ description = "new"  # [config] neutral: access unchanged
- expire = null
+ expire = "2027-01-01T00:00:00Z"  # [drift] revokes: expires, and did not before
- is_disabled = true
+ is_disabled = false  # [config] grants: enables the key

~ Error: keys.yaml:15:1: caas/1/76/gone-key: declared, but not on the server, and a new key needs \
containers; declare it
~ Warning: more.yaml:2:3: two files declare keys of this project

~ Plan: 0 to add, 2 to change, 0 to destroy. Access: grants on 2 keys, revokes on 2 keys, neutral on 0 keys. \
Origin: config on 1 key, drift on 1 key, conflict on 1 key. Unmanaged: 1 key live but not declared. \
1 error: the plan must not be applied as it is.
"""
LINE = re.compile(r"[-+~] .+")
HOSTILE = st.lists(st.sampled_from(FRAGMENTS) | st.text(), max_size=3).map("".join)
NAMES = st.lists(st.sampled_from(FRAGMENTS) | st.text(st.characters(codec="utf-8")), max_size=3).map("".join)


def test_a_plan_has_the_form_of_a_diff() -> None:
    assert render_diff(plan_with_origins()) == WHOLE


def test_a_plan_without_a_base_names_no_origins() -> None:
    text = render_diff(example_plan())
    assert "+ is_disabled = false  # grants: enables the key\n" in text
    assert "Origin" not in text
    assert "conflict" not in text


def test_an_empty_plan_is_one_line() -> None:
    assert render_diff(assemble([])) == "~ No changes. Your infrastructure matches the configuration.\n"


def test_a_plan_of_errors_alone_shows_them_and_claims_no_match() -> None:
    *errors, blank, summary, end = render_diff(make_plan([declared()], [])).split("\n")
    assert [error.partition("; ")[0] for error in errors] == [
        (
            "~ Error: keys.yaml:1:1: caas/1/76/web-key: declared, but not on the server, "
            "and a new key needs containers"
        )
    ]
    assert (blank, end) == ("", "")
    assert summary.startswith("~ No changes can be planned for the keys with errors")


def test_a_set_that_becomes_empty_shows_the_removed_items() -> None:
    text = render_diff(make_plan([declared(containers=[])], [live(containers=[WEB])]))
    item = '-   {name: "web", namespace: "shop"}\n'
    assert f"~ containers = [  # revokes: unbinds 1\n{item}~ ]\n" in text


def test_an_ordered_list_is_shown_completely_on_both_sides() -> None:
    kind = kind_with({"list": {"type": "array"}})
    text = render_diff(make_plan([declared(list=[1, 2])], [live(list=[2, 1])], kind=kind))
    assert "- list = [2, 1]\n+ list = [1, 2]  # neutral: access unchanged\n" in text


@given(HOSTILE, HOSTILE, NAMES.filter(is_segment))
def test_no_text_can_add_a_line(before: str, after: str, name: str) -> None:
    key = declared(name, description=after, containers=[WEB])._replace(source=name)
    plan = make_plan(
        [key], [live(name, description=before, containers=[{"name": before, "namespace": name}])]
    )
    problem = Problem(before, Position(name, 1, 1), name)
    lines = (
        render_diff(replace(plan, problems=(problem,), warnings=(problem,))).removesuffix("\n").split("\n")
    )
    assert all(line.isprintable() and LINE.fullmatch(line) for line in lines if line)
    containers = 4
    description = 2 * (before != after)
    assert len(lines) == 1 + containers + description + 1 + 2 + 1 + 1
