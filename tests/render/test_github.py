"""The plan as annotations, where GitHub's runner reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.paths import is_segment
from reconciler.model.escape import escape_control
from reconciler.model.source import Position, Problem
from reconciler.plan.planning import assemble
from reconciler.render.github import render_github
from tests.render.example_plan import FRAGMENTS, example_plan, plan_of, plan_with_origins, since
from tests.values import WEB, declared, live, make_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    Pair = tuple[Mapping[str, Any], Mapping[str, Any]]

WHOLE = """\
::error file=keys.yaml,line=15,col=1,title=the plan must not be applied::caas/1/76/gone-key: declared, but \
not on the server, and a new key needs containers; declare it
::warning file=keys.yaml,line=9,col=1,title=[conflict] access%3A grants+revokes::caas/1/76/api-key%0A\
containers = [- {name: "old", namespace: "shop"}, + {name: "api", namespace: "shop"}]  \
# [conflict] grants+revokes: binds 1, unbinds 1
::warning file=keys.yaml,line=3,col=5,title=[drift] [config] access%3A grants+revokes::caas/1/76/web-key%0A\
description = "old" -> "new"  # [config] neutral: access unchanged%0A\
expire = null -> "2027-01-01T00:00:00Z"  # [drift] revokes: expires, and did not before%0A\
is_disabled = true -> false  # [config] grants: enables the key
::warning file=more.yaml,line=2,col=3,title=needs attention::two files declare keys of this project
Plan: 0 to add, 2 to change, 0 to destroy. Access: grants on 2 keys, revokes on 2 keys, neutral on 0 keys. \
Origin: config on 1 key, drift on 1 key, conflict on 1 key. Unmanaged: 1 key live but not declared. \
1 error: the plan must not be applied as it is.
"""
HOSTILE = st.lists(st.sampled_from(FRAGMENTS) | st.text(), max_size=3).map("".join)
NAMES = st.lists(st.sampled_from(FRAGMENTS) | st.text(st.characters(codec="utf-8")), max_size=3).map("".join)


@dataclass(frozen=True, slots=True)
class Command:
    """What the runner makes of a line."""

    kind: str
    properties: dict[str, str]
    message: str


def commands(text: str) -> list[Command]:
    """Read the lines as the runner does; the last one is not a command."""
    *lines, summary, end = text.split("\n")
    assert end == ""
    assert not summary.startswith(("::", "##["))
    return [command(line) for line in lines]


def command(line: str) -> Command:
    found = re.fullmatch(r"::(error|warning|notice)(?: ([^:]*))?::(.*)", line)
    assert found is not None
    properties = dict(part.split("=", 1) for part in (found[2] or "").split(",") if part)
    return Command(found[1], {name: plain(value) for name, value in properties.items()}, plain(found[3]))


def plain(text: str) -> str:
    for escape, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(escape, char)
    return text


def shown(text: str, kind: str) -> list[str]:
    return [command.message.partition("\n")[0] for command in commands(text) if command.kind == kind]


def test_changes_and_errors_are_annotated_at_their_declarations() -> None:
    assert render_github(plan_with_origins()) == WHOLE


def test_a_plan_without_a_base_names_no_origins() -> None:
    text = render_github(example_plan())
    assert "title=access%3A grants+revokes::caas/1/76/api-key%0A" in text
    assert "conflict" not in text


@pytest.mark.parametrize(
    ("want", "have", "kind"),
    [
        ({"is_disabled": True}, {}, "warning"),
        ({"containers": [WEB]}, {"containers": [{"name": "old", "namespace": "shop"}]}, "warning"),
        ({"is_disabled": False}, {"is_disabled": True}, "notice"),
        ({"description": "new"}, {}, "notice"),
    ],
)
def test_a_change_that_revokes_access_warns_and_others_are_notices(
    want: dict[str, Any], have: dict[str, Any], kind: str
) -> None:
    (found,) = commands(render_github(plan_of([(want, have)])))
    assert found.kind == kind


def test_a_conflict_warns_even_where_access_stays() -> None:
    plan = make_plan([declared(description="mine")], [live(description="theirs")])
    (found,) = commands(render_github(since(plan, declared(description="base"))))
    assert found.kind == "warning"
    assert found.properties["title"] == "[conflict] access: neutral"


def test_an_empty_plan_has_no_annotations() -> None:
    text = render_github(assemble([]))
    assert text == "No changes. Your infrastructure matches the configuration.\n"


def test_an_error_without_a_position_has_no_file() -> None:
    text = render_github(replace(assemble([]), problems=(Problem("wrong"),)))
    assert text.startswith("::error title=the plan must not be applied::wrong\n")


def test_only_an_error_that_stops_an_apply_is_said_to() -> None:
    live_one = Problem("no text", address="caas/1/76/key-00001", is_live=True)
    found = commands(render_github(replace(plan_of([({}, {})]), problems=(live_one, Problem("wrong")))))
    assert [command.properties["title"] for command in found] == [
        "left as it is",
        "the plan must not be applied",
    ]


@pytest.mark.parametrize(
    ("count", "last"), [(10, "caas/1/76/key-00010"), (11, "2 of 11"), (2000, "1991 of 2000")]
)
def test_the_tenth_annotation_counts_the_remaining_ones(count: int, last: str) -> None:
    text = render_github(plan_of([({"is_disabled": True}, {})] * count))
    warnings = shown(text, "warning")
    assert len(warnings) == 10
    assert warnings[8] == "caas/1/76/key-00009"
    assert warnings[9].startswith(last)


def test_each_kind_of_annotation_is_counted_separately() -> None:
    pairs: list[Pair] = [({"is_disabled": True}, {}), ({"description": "new"}, {})]
    plan = replace(plan_of(pairs * 12), problems=(Problem("wrong"),) * 13)
    text = render_github(plan)
    lasts = [shown(text, kind)[9].partition(" are not")[0] for kind in ("error", "warning", "notice")]
    assert lasts == ["4 of 13 errors", "3 of 12 warnings", "3 of 12 notices"]


def test_annotations_of_the_lowest_priority_are_only_counted() -> None:
    pairs: list[Pair] = [({"description": "new"}, {}), ({"is_disabled": False}, {"is_disabled": True})]
    assert shown(render_github(plan_of([pairs[0]] * 12 + [pairs[1]])), "notice")[0] == "caas/1/76/key-00013"


def test_long_values_and_sets_are_truncated_with_the_omitted_amount() -> None:
    boxes = [{"name": f"box-{number:03}", "namespace": "shop"} for number in range(100)]
    plan = plan_of([({"description": "a" * 100_000, "containers": boxes}, {})])
    (found,) = commands(render_github(plan))
    assert len(found.message) < 2000
    assert "…(99502 more characters left out)" in found.message
    assert ", and 90 more]  # grants: binds 100" in found.message


@given(HOSTILE, HOSTILE, NAMES.filter(is_segment))
def test_any_text_is_shown_verbatim_and_cannot_be_a_command(before: str, after: str, name: str) -> None:
    key = declared(name, description=after, is_disabled=True)._replace(source=name)
    plan = make_plan([key], [live(name, description=before)])
    problem = Problem(before, Position(name, 1, 1), name)
    found = commands(render_github(replace(plan, problems=(problem,), warnings=(problem,))))
    assert [command.kind for command in found] == ["error", "warning", "warning"]
    assert {command.properties["file"] for command in found} == {escape_control(name)}
    assert found[1].message.split("\n")[0] == escape_control(f"caas/1/76/{name}")
    assert len(found[1].message.split("\n")) == 2 + (before != after)
    assert all(line.isprintable() for command in found for line in command.message.split("\n"))
