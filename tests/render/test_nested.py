"""Objects and lists of objects: every format shows the members that differ, and counts the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.source import Position
from reconciler.plan.explain import explanations
from reconciler.render.explanation import render_explanations
from reconciler.render.formats import render_diff
from reconciler.render.github import render_github
from reconciler.render.lines import Bound, field_view, line_text
from reconciler.render.markdown import render_markdown
from reconciler.render.plan_page import render_plan_page
from reconciler.render.text import render_text
from tests.values import NOW, declared, kind_with, make_plan

if TYPE_CHECKING:
    from reconciler.model.plan import Plan

KIND = kind_with({"settings": {"type": "object"}, "rules": {"type": "array"}})
WANT: dict[str, Any] = {
    "settings": {"mode": "strict", "limits": {"rps": 20, "burst": 5}, "labels": {"team": "web"}, "same": 1},
    "rules": [
        {"name": "first", "port": 1},
        {"name": "web", "port": 81, "tls": True, "paths": ["/", "/shop"]},
        {"name": "api", "port": 443},
    ],
}
HAVE: dict[str, Any] = {
    "settings": {"mode": "lax", "limits": {"rps": 10, "burst": 5}, "labels": None, "same": 1, "old": "x"},
    "rules": [
        {"name": "web", "port": 80, "tls": True, "paths": ["/"]},
        {"name": "api", "port": 443},
        {"name": "gone", "port": 1},
    ],
}
TEXT = """\
      ~ rules = [  # neutral: access unchanged
          + {name: "first", port: 1}
          ~ {
                name = "web"
              ~ paths = ["/"] -> ["/", "/shop"]
              ~ port = 80 -> 81
                # (1 unchanged attribute hidden)
            }
            # (1 unchanged element hidden)
          - {name: "gone", port: 1}
        ]
      ~ settings = {  # neutral: access unchanged
          ~ labels = null -> {team: "web"}
          ~ limits = {
              ~ rps = 10 -> 20
                # (1 unchanged attribute hidden)
            }
          ~ mode = "lax" -> "strict"
          - old = "x"
            # (1 unchanged attribute hidden)
        }
    }
"""
DIFF = """\
~ rules = [  # neutral: access unchanged
+   {name: "first", port: 1}
~   {
~       name = "web"
-       paths = ["/"]
+       paths = ["/", "/shop"]
-       port = 80
+       port = 81
~       # (1 unchanged attribute hidden)
~   }
~   # (1 unchanged element hidden)
-   {name: "gone", port: 1}
~ ]
~ settings = {  # neutral: access unchanged
-   labels = null
+   labels = {team: "web"}
~   limits = {
-       rps = 10
+       rps = 20
~       # (1 unchanged attribute hidden)
~   }
-   mode = "lax"
+   mode = "strict"
-   old = "x"
~   # (1 unchanged attribute hidden)
~ }
"""
MARKDOWN = """\
#   settings
-   labels = null
+   labels = {team: "web"}
#   limits = {
-       rps = 10
+       rps = 20
#       (1 unchanged attribute hidden)
#   }
-   mode = "lax"
+   mode = "strict"
-   old = "x"
#   (1 unchanged attribute hidden)
"""
LINE = (
    'rules = [+ {name: "first", port: 1}, ~ {name = "web", ~ paths = ["/"] -> ["/", "/shop"], '
    '~ port = 80 -> 81}, - {name: "gone", port: 1}]'
)
EXPLAINED = """\
settings: different
  desired   {mode: "strict", limits: {rps: 20, burst: 5}, labels: {team: "web"}, same: 1}
  live      {mode: "lax", limits: {rps: 10, burst: 5}, labels: null, same: 1, old: "x"}
  change    ~ settings = {  # neutral: access unchanged
                ~ labels = null -> {team: "web"}
                ~ limits = {
                    ~ rps = 10 -> 20
                      # (1 unchanged attribute hidden)
                  }
                ~ mode = "lax" -> "strict"
                - old = "x"
                  # (1 unchanged attribute hidden)
              }
  rule      values are compared exactly, their type included
  request   carried, because it differs
"""


def plan_of(want: dict[str, Any], have: dict[str, Any]) -> Plan:
    return make_plan([declared(**want)], [{"name": "web-key", **have}], kind=KIND)


def test_the_text_has_the_form_of_nested_terraform_blocks() -> None:
    assert TEXT in render_text(plan_of(WANT, HAVE))


def test_a_diff_marks_each_member() -> None:
    assert DIFF in render_diff(plan_of(WANT, HAVE))


def test_a_comment_marks_each_member() -> None:
    assert MARKDOWN in render_markdown(plan_of(WANT, HAVE))


def test_an_annotation_shows_a_field_on_one_line() -> None:
    assert f"%0A{LINE}  # neutral: access unchanged%0A" in render_github(plan_of(WANT, HAVE)).replace(
        "%25", "%"
    )


def test_a_page_marks_each_member() -> None:
    page = render_plan_page(plan_of({"settings": WANT["settings"]}, HAVE), NOW)
    items = re.findall(r"<li(?: class=\"([^\"]*)\")?>(.*?)</li>", page[page.index('<ul class="items">') :])
    words = [(mark, re.sub(r"<[^>]*>", "", item).replace("&#34;", '"')) for mark, item in items]
    assert words == [
        ("", '~ labels = null → {team: "web"}'),
        ("", "~ limits = {"),
        ("d1", "~ rps = 10 → 20"),
        ("quiet d1", "1 unchanged attribute hidden"),
        ("", "&nbsp; }"),
        ("", '~ mode = "lax" → "strict"'),
        ("", '- old = "x"'),
        ("quiet", "1 unchanged attribute hidden"),
    ]
    assert "rps = <del>10</del> → <ins>20</ins>" in page


def test_an_explanation_shows_the_members_that_differ() -> None:
    key, live = declared(**WANT), {"name": "web-key", **HAVE}
    (change,) = make_plan([key], [live], kind=KIND).changes
    text = render_explanations("a", Position("keys.yaml", 1, 1), explanations(KIND, key, live, change), ())
    assert EXPLAINED in text


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ([1, 2], [2, 1], "rules = [1, 2] -> [2, 1]"),
        ([{"a": 1}], [], "rules = [- {a: 1}]"),
        ([[1], {"a": 2}], [[1], {"a": True}], "rules = [~ {~ a = 2 -> true}]"),
        ([[{"b": 1}]], [[{"b": 2}]], "rules = [~ [~ {~ b = 1 -> 2}]]"),
        ([{"id": 1, "a": 1}], [{"id": 2, "a": 1}], "rules = [- {id: 1, a: 1}, + {id: 2, a: 1}]"),
        ([{"id": 1, "a": 1}], [{"id": 1, "a": 2}], "rules = [~ {id = 1, ~ a = 1 -> 2}]"),
        ([{"id": 1}, "x"], [{"id": 1}, 5], 'rules = [- "x", + 5]'),
    ],
)
def test_list_items_are_shown_as_added_removed_or_changed(before: Any, after: Any, line: str) -> None:
    (change,) = plan_of({"rules": after}, {"rules": before}).changes
    assert line_text(field_view(change.fields[0])) == line


def test_members_beyond_the_limit_are_counted() -> None:
    before = [{"name": f"rule-{number}", "port": number} for number in range(100)]
    after = [{**one, "port": 0} for one in before]
    (change,) = plan_of({"rules": after}, {"rules": before}).changes
    view = field_view(change.fields[0], Bound(characters=50, items=20))
    assert len(view.lines) == 41
    assert view.left_out == 178
    assert line_text(view).endswith(", and 178 more]")


NAMES = st.text(max_size=5) | st.sampled_from(["\n+ forged", "::error::forged", "\x1b[2K", "name", "__x"])
OBJECTS = st.dictionaries(NAMES, NAMES | st.dictionaries(NAMES, NAMES, max_size=2), max_size=3)


@given(OBJECTS, OBJECTS)
def test_no_member_can_add_a_line(before: dict[str, Any], after: dict[str, Any]) -> None:
    plan = plan_of({"settings": after, "rules": [after]}, {"settings": before, "rules": [before]})
    for text in (render_text(plan), render_diff(plan), render_markdown(plan)):
        assert all(line.isprintable() and not line.startswith("::") for line in text.split("\n"))
    assert re.fullmatch(r"(::notice .*\n)?(Plan|No changes).*\n", render_github(plan))
