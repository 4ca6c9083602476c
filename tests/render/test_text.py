"""The plan for people, in Terraform's words to the letter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.model.outcome import Outcome, Result
from reconciler.plan.planning import assemble
from reconciler.render.text import Detail, render_outcomes, render_text
from reconciler.render.text_layout import Colour, Screen
from tests.render.example_plan import plan_with_origins, since
from tests.values import API, LATER, WEB, declared, kind_with, live, make_plan, only_change

if TYPE_CHECKING:
    from reconciler.model.plan import Plan

WHOLE = """\
Resource actions are indicated with the following symbols:
  ~ update in-place

reconciler will perform the following actions:

  # caas/1/76/api-key will be updated in-place (grants+revokes)
  # (declared at keys.yaml:9)
  ~ caas "api-key" {
      ~ containers = [  # grants+revokes: binds 1, unbinds 1
          - {name: "old", namespace: "shop"}
          + {name: "api", namespace: "shop"}
            # (1 unchanged element hidden)
        ]
        # (2 unchanged attributes hidden)
    }

  # caas/1/76/web-key will be updated in-place (grants+revokes)
  # (declared at keys.yaml:3)
  ~ caas "web-key" {
      ~ description = "old" -> "new"  # neutral: access unchanged
      ~ expire = null -> "2027-01-01T00:00:00Z"  # revokes: expires, and did not before
      ~ is_disabled = true -> false  # grants: enables the key
        # (1 unchanged attribute hidden)
    }

Plan: 0 to add, 2 to change, 0 to destroy.
Access: grants on 2 keys, revokes on 2 keys, neutral on 0 keys.
Unmanaged: 1 key live but not declared (-v lists them, reconciler export --into FILE adopts them)
"""
NEUTRAL = "  # neutral: access unchanged"
HOSTILE = [
    "x\n  # caas/1/76/forged will be updated in-place",
    "x\r\n::error::forged",
    "::error::forged",
    "\x1b[2K\x1b[1Aforged",
    "\u202eforged\u2028forged\x85forged\x0bforged",
    "[bold red]forged[/]",
    '" -> "forged',
    "\ud800forged",
]


def whole_plan() -> Plan:
    old = {"name": "old", "namespace": "shop"}
    wanted = {"description": "new", "expire": LATER, "is_disabled": False, "containers": []}
    keys = [
        declared("web-key", line=3, **wanted),
        declared("api-key", line=9, containers=[WEB, API], description="", expire=None),
        declared("same-key", line=12),
    ]
    shown = [
        live("web-key", description="old", is_disabled=True),
        live("api-key", containers=[WEB, old]),
        live("same-key"),
        live("other-key"),
    ]
    return make_plan(keys, shown)


def field_line(want: Any, have: Any) -> str:
    """Return the line that shows the change of a description."""
    plan = make_plan([declared(description=want)], [live(description=have)])
    (line,) = [line for line in render_text(plan).split("\n") if line.startswith("      ~")]
    return line.removesuffix(NEUTRAL)


def test_a_plan_has_the_form_of_a_terraform_plan() -> None:
    assert render_text(whole_plan()) == WHOLE


def test_an_empty_plan_uses_the_words_of_terraform() -> None:
    text = "No changes. Your infrastructure matches the configuration.\n"
    assert render_text(assemble([])) == text


def test_unmanaged_keys_are_listed_when_asked_for() -> None:
    text = render_text(make_plan([], [live("key-b"), live("key-a")]), Detail.UNMANAGED)
    listed = "Unmanaged: 2 keys live but not declared:\n  caas/1/76/key-a\n  caas/1/76/key-b\n"
    assert text.endswith(listed)


def test_a_plan_of_errors_alone_claims_no_match() -> None:
    text = render_text(make_plan([declared()], []))
    assert text == (
        "No changes can be planned for the keys with errors; the others match the configuration.\n"
        "1 error: the plan must not be applied as it is.\n"
    )


def test_one_change_and_one_key_are_counted_in_the_singular() -> None:
    text = render_text(make_plan([declared(is_disabled=True)], [live()]))
    assert text.endswith(
        "Plan: 0 to add, 1 to change, 0 to destroy.\n"
        "Access: grants on 0 keys, revokes on 1 key, neutral on 0 keys.\n"
    )


def test_a_set_that_becomes_empty_shows_the_removed_items() -> None:
    text = render_text(make_plan([declared(containers=[])], [live(containers=[WEB])]))
    item = '          - {name: "web", namespace: "shop"}\n'
    assert f"      ~ containers = [  # revokes: unbinds 1\n{item}        ]\n" in text


@pytest.mark.parametrize(
    ("want", "have", "shown"),
    [(None, ["a"], '["a"] -> null'), (["a"], None, 'null -> ["a"]'), ([], None, "null -> []")],
)
def test_a_null_set_is_shown_as_null_on_either_side(want: Any, have: Any, shown: str) -> None:
    kind = kind_with({"set": {"type": ["array", "null"], "uniqueItems": True}})
    text = render_text(make_plan([declared(set=want)], [live(set=have)], kind=kind))
    assert f"      ~ set = {shown}{NEUTRAL}\n" in text


def test_items_that_are_not_mappings_are_shown_as_json() -> None:
    kind = kind_with({"set": {"type": "array", "uniqueItems": True}})
    text = render_text(make_plan([declared(set=["a", 1])], [live(set=[])], kind=kind))
    assert '          + "a"\n          + 1\n' in text


def test_an_ordered_list_is_shown_completely() -> None:
    kind = kind_with({"list": {"type": "array"}})
    text = render_text(make_plan([declared(list=[1, 2])], [live(list=[2, 1])], kind=kind))
    assert f"      ~ list = [2, 1] -> [1, 2]{NEUTRAL}\n" in text


@pytest.mark.parametrize("length", [10, 100, 198])
def test_a_short_text_is_shown_completely(length: int) -> None:
    assert field_line("a" * length, "b") == f'      ~ description = "b" -> "{"a" * length}"'


def test_the_common_part_of_two_long_texts_is_omitted() -> None:
    line = field_line("s" * 500 + "new" + "e" * 500, "s" * 500 + "old" + "e" * 500)
    same = (
        f'"{"s" * 39}…(421 characters alike)…{"s" * 40}',
        f'{"e" * 40}…(421 characters alike)…{"e" * 39}"',
    )
    assert line == f"      ~ description = {same[0]}old{same[1]} -> {same[0]}new{same[1]}"


def test_an_unrelated_long_text_is_shown_completely() -> None:
    assert "a" * 10_000 in field_line("a" * 10_000, "b" * 10_000)


SHARED = st.text("ab", max_size=400)
DIFFERENT = st.text("abc", max_size=250)


@given(SHARED, DIFFERENT, DIFFERENT, SHARED)
def test_omission_never_hides_a_difference(start: str, one: str, other: str, end: str) -> None:
    before, after = start + one + end, start + other + end
    assume(before != after)
    shown = field_line(after, before).removeprefix("      ~ description = ")
    old, new = shown.split(" -> ")
    assert old != new


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_description_cannot_add_or_change_a_line(text: str) -> None:
    harmless = make_plan([declared(description="mine")], [live(description="theirs")])
    hostile = make_plan([declared(description="mine")], [live(description=text)])
    pairs = zip(render_text(harmless).splitlines(), render_text(hostile).splitlines(), strict=True)
    changed = [line for usual, line in pairs if line != usual]
    assert len(changed) == 1
    assert changed[0].startswith('      ~ description = "')
    assert changed[0].endswith(f' -> "mine"{NEUTRAL}')
    assert changed[0].isprintable()


@pytest.mark.parametrize("text", HOSTILE[:-1])
def test_a_hostile_name_or_file_cannot_add_a_line(text: str) -> None:
    harmless = make_plan([declared("web", is_disabled=True)], [live("web"), live("other")])
    hostile = make_plan(
        [declared(text, is_disabled=True)._replace(source=text)], [live(text), live(text * 2)]
    )
    shown = [render_text(plan, Detail.UNMANAGED).splitlines() for plan in (harmless, hostile)]
    assert len(shown[0]) == len(shown[1])
    assert all(line.isprintable() and not line.startswith("::") for line in shown[1])


@given(st.text(), st.text())
def test_no_description_can_leave_its_line(before: str, after: str) -> None:
    plan = make_plan([declared(description=after)], [live(description=before)])
    assert all(line.isprintable() for line in render_text(plan).split("\n"))


def test_colours_have_meaning_and_do_not_change_the_text() -> None:
    painted = render_text(whole_plan(), screen=Screen(lambda text, colour: f"<{colour}>{text}</>"))
    assert "<red># revokes: expires, and did not before</>" in painted
    assert "<green># grants: enables the key</>" in painted
    assert "<bright_black># neutral: access unchanged</>" in painted
    for colour in Colour:
        painted = painted.replace(f"<{colour}>", "")
    assert painted.replace("</>", "") == WHOLE


def test_a_plan_with_a_base_shows_the_origin_of_each_field_and_counts_the_keys() -> None:
    text = render_text(plan_with_origins())
    assert "      ~ containers = [  # [conflict] grants+revokes: binds 1, unbinds 1\n" in text
    assert '      ~ description = "old" -> "new"  # [config] neutral: access unchanged\n' in text
    assert "  # [drift] revokes: expires, and did not before\n" in text
    assert (
        "Access: grants on 2 keys, revokes on 2 keys, neutral on 0 keys.\n"
        "Origin: config on 1 key, drift on 1 key, conflict on 1 key.\n"
        "Unmanaged: 1 key"
    ) in text


def test_a_conflict_is_coloured_as_danger_even_if_access_is_unchanged() -> None:
    plan = make_plan([declared(description="mine")], [live(description="theirs")])
    painted = render_text(
        since(plan, declared(description="base")), screen=Screen(lambda text, colour: f"<{colour}>{text}</>")
    )
    assert "<red># [conflict] neutral: access unchanged</>" in painted


def outcome(name: str, result: Result, detail: str = "") -> Outcome:
    change = replace(only_change({"is_disabled": True}, {}), name=name)
    return Outcome(change, result, detail)


def test_a_successful_apply_is_reported_in_the_words_of_terraform() -> None:
    text = render_outcomes([outcome("key-a", Result.APPLIED), outcome("key-b", Result.APPLIED)])
    assert text == (
        "caas/1/76/key-a: applied\ncaas/1/76/key-b: applied\n\n"
        "Apply complete! Resources: 0 added, 2 changed, 0 destroyed.\n"
    )


def test_an_incomplete_apply_reports_the_outcome_of_each_key() -> None:
    text = render_outcomes([
        outcome("key-a", Result.APPLIED),
        outcome("key-b", Result.FAILED, "HTTP 500: broken"),
        outcome("key-c", Result.NOT_VERIFIED, "expire was not stored"),
    ])  # fmt: skip
    assert text == (
        "caas/1/76/key-a: applied\n"
        "caas/1/76/key-b: failed: HTTP 500: broken\n"
        "caas/1/76/key-c: not verified: expire was not stored\n\n"
        "Apply incomplete: 1 applied, 1 failed, 1 not verified. Run plan again to see what is left.\n"
    )


def test_many_changes_that_an_interrupt_left_out_are_counted_unless_all_are_listed() -> None:
    left = [outcome(f"key-{n}", Result.NOT_ATTEMPTED, "interrupted before it was sent") for n in range(51)]
    outcomes = [outcome("made", Result.APPLIED), *left, outcome("other", Result.NOT_ATTEMPTED, "no token")]
    closing = "Apply incomplete: 1 applied, 52 not attempted. Run plan again to see what is left."
    assert render_outcomes(outcomes, most=50).splitlines() == [
        "caas/1/76/made: applied",
        "caas/1/76/other: not attempted: no token",
        "51 keys: not attempted: interrupted before it was sent (-v lists them)",
        "",
        closing,
    ]
    assert len(render_outcomes(outcomes).splitlines()) == 53 + 2
    assert len(render_outcomes(outcomes[1:], most=50).splitlines()) == 1 + 1 + 2
    assert len(render_outcomes(outcomes[:51], most=50).splitlines()) == 51 + 2


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_response_cannot_add_a_line_to_the_report(text: str) -> None:
    lines = render_outcomes([outcome("key-a", Result.FAILED, text)]).split("\n")
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)
