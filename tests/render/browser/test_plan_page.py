"""The page of a plan in a real browser: inert, as wide as the screen, and filtered without a script."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.plan import Origin
from reconciler.model.scope import Scope
from reconciler.model.source import Position, Problem
from reconciler.plan.planning import assemble
from reconciler.render.plan_page import render_plan_page
from tests.render.browser.chromium import measured, needs_chromium
from tests.render.example_plan import FRAGMENTS, plan_of, plan_with_origins
from tests.render.test_page import HOSTILE, Document
from tests.render.test_plan_page import (
    BINDS_AND_UNBINDS,
    DESCRIBES,
    DISABLES,
    ENABLES,
    FACTS,
    hostile,
)
from tests.values import NOW, declared, live, make_plan

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.plan import Plan
    from tests.render.browser.chromium import Browser, Tab

pytestmark = needs_chromium
SHOWN = """[...document.querySelectorAll(".list>li")].filter(change => change.checkVisibility())
  .map(change => change.querySelector("h3").textContent)"""
FOCUS = "document.activeElement.id || document.activeElement.textContent.trim()"


LONG = "long-and-without-any-space" * 12


def page(plan: Plan) -> str:
    return render_plan_page(plan, NOW, FACTS)


def mixed() -> Plan:
    """Plan twelve changes of each effect and label in three scopes."""
    plan = plan_of([ENABLES, DISABLES, DESCRIBES, BINDS_AND_UNBINDS] * 3)
    changes = [
        replace(
            change,
            name=f"key-{number:02}",
            scope=Scope("caas", 1, number % 3),
            fields=tuple(replace(field, origin=list(Origin)[number // 4]) for field in change.fields),
        )
        for number, change in enumerate(plan.changes)
    ]
    return replace(plan, changes=tuple(sorted(changes, key=lambda change: change.sort_key)))


def rich() -> Plan:
    """Make a plan in which everything is long."""
    plan = hostile(LONG)
    return replace(plan, changes=(*plan.changes, *plan_with_origins().changes, *mixed().changes))


def addresses(tab: Tab) -> set[str]:
    return set(tab.run(SHOWN))


def expected(plan: Plan, **wanted: Any) -> set[str]:
    """Return the addresses of the changes with a scope, an effect and a label, each if given."""
    return {
        change.address
        for change in plan.changes
        if wanted.get("scope") in {None, str(change.scope)}
        and (wanted.get("effect") is None or wanted["effect"] in change.effect.split("+"))
        and (wanted.get("label") is None or any(field.origin == wanted["label"] for field in change.fields))
    }


@pytest.mark.parametrize("plan", [assemble([]), plan_of([DISABLES])], ids=["empty", "single"])
def test_the_page_leaves_no_message_on_the_console(browser: Browser, tmp_path: Path, plan: Plan) -> None:
    with browser.tab() as tab:
        tab.show(tmp_path, page(plan))
        assert tab.console() == []


def test_hostile_text_is_shown_and_does_nothing(browser: Browser, tmp_path: Path) -> None:
    text = " ".join(HOSTILE)
    found = measured(browser, tmp_path, page(hostile(text)))
    assert (found["scripts"], found["images"]) == (1, 0)
    assert found["title"] == "2 keys to change, 3 errors | reconciler"
    assert found["text"].count(text) >= 20


@pytest.mark.parametrize("text", [" ".join(HOSTILE), " ".join(FRAGMENTS).replace("\n", "")])
def test_hostile_text_does_not_change_the_document(browser: Browser, tmp_path: Path, text: str) -> None:
    with browser.tab() as tab:
        tab.show(tmp_path, page(hostile(text)))
        shown = tab.run("[...document.querySelectorAll('*')].map(element => element.localName)")
        assert tab.console() == []
    assert shown == [element.tag for element in Document(page(hostile("usual text"))).elements]


@pytest.mark.parametrize("effect", ["grants", "revokes", "neutral"])
@pytest.mark.parametrize("label", [None, "drift"])
def test_filters_hide_exactly_the_unselected_changes(
    browser: Browser, tmp_path: Path, effect: str, label: str | None
) -> None:
    plan = mixed()
    with browser.tab() as tab:
        tab.show(tmp_path, page(plan))
        assert addresses(tab) == expected(plan)
        tab.run(f"document.querySelector('#effect-{effect}').click()")
        tab.run(f"document.querySelector('#label-{label or 'all'}').click()")
        assert addresses(tab) == expected(plan, effect=effect, label=label)
        tab.run("document.querySelector('#scope').selectedIndex = 2")
        assert addresses(tab) == expected(plan, scope="caas/1/1", effect=effect, label=label)
        assert tab.console() == []


def test_filters_can_be_set_and_reset_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    plan = mixed()
    with browser.tab() as tab:
        tab.show(tmp_path, page(plan))
        tab.press("Tab", "Tab", "ArrowDown")
        assert addresses(tab) == expected(plan, scope="caas/1/0")
        tab.press("Tab", "ArrowRight", "ArrowRight")
        assert addresses(tab) == expected(plan, scope="caas/1/0", effect="revokes")
        tab.press("Tab", "ArrowRight")
        assert addresses(tab) == expected(plan, scope="caas/1/0", effect="revokes", label="config")
        tab.press("Tab")
        assert tab.run(FOCUS) == "Show all"
        tab.press("Enter")
        assert addresses(tab) == expected(plan)


def test_typing_a_name_shows_the_changes_whose_address_has_it(browser: Browser, tmp_path: Path) -> None:
    plan = mixed()
    with browser.tab() as tab:
        tab.show(tmp_path, page(plan))
        assert tab.spoken("searchbox") == ["Name"]
        tab.press("Tab")
        tab.call("Input.insertText", text=" KEY-1")
        assert addresses(tab) == {"caas/1/1/key-10", "caas/1/2/key-11"}
        assert tab.spoken("status") == ["Showing 2 of 12 changes"]
        tab.call("Input.insertText", text=" caas/1/2/")
        assert addresses(tab) == {"caas/1/2/key-11"}
        tab.press("Enter")
        assert addresses(tab) == {"caas/1/2/key-11"}
        tab.call("Input.insertText", text=" <b>")
        assert addresses(tab) == set()
        tab.run("document.querySelector('form').reset()")
        assert addresses(tab) == expected(plan)
        assert tab.spoken("status") == ["12 changes"]
        assert tab.console() == []


def test_a_filter_by_name_goes_with_the_others(browser: Browser, tmp_path: Path) -> None:
    plan = mixed()
    with browser.tab() as tab:
        tab.show(tmp_path, page(plan))
        tab.press("Tab")
        tab.call("Input.insertText", text="key-1")
        tab.run("document.querySelector('#effect-grants').click()")
        assert addresses(tab) == {"caas/1/2/key-11"} & expected(plan, effect="grants")


def test_an_error_leads_to_its_change_whatever_the_filters_hide(browser: Browser, tmp_path: Path) -> None:
    plan = mixed()
    wrong = next(change.address for change in plan.changes if not change.effect.grants)
    plan = replace(plan, problems=(Problem("cannot be planned", Position("k.yaml", 1, 1), wrong),))
    with browser.tab() as tab:
        tab.show(tmp_path, page(plan))
        tab.run("document.querySelector('#effect-grants').click()")
        assert addresses(tab) == expected(plan, effect="grants")
        tab.run("document.querySelector('.problems a').click()")
        assert addresses(tab) == expected(plan, effect="grants") | {wrong}
        assert tab.run("document.querySelector(':target').getBoundingClientRect().top") < 844
        tab.run("document.querySelector('#name').focus()")
        tab.call("Input.insertText", text="nothing")
        assert addresses(tab) == {wrong}
        assert tab.spoken("status") == ["Showing 1 of 12 changes"]


def test_where_scripts_do_not_run_there_is_no_filter_by_name(browser: Browser, tmp_path: Path) -> None:
    plan = mixed()
    with browser.tab() as tab:
        tab.show(tmp_path, page(plan).replace("<script>", '<script type="text/plain">'))
        tab.press("Tab", "ArrowDown")
        assert addresses(tab) == expected(plan, scope="caas/1/0")
        assert tab.spoken("searchbox") == []


def test_submitting_the_filters_sends_nothing(browser: Browser, tmp_path: Path) -> None:
    with browser.tab() as tab:
        tab.show(tmp_path, page(mixed()))
        address = tab.run("location.href")
        tab.press("Tab", "Tab", "Tab", "ArrowRight", "Enter")
        tab.run("document.querySelector('form').requestSubmit()")
        tab.run("new Promise(done => setTimeout(done, 100))")
        assert tab.run("location.href") == address
        assert tab.console() == []


def test_a_change_can_be_folded_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    with browser.tab() as tab:
        tab.show(tmp_path, page(plan_of([DISABLES])))
        tab.press("Tab", "Enter")
        assert tab.run("document.querySelector('.change').open") is False
        tab.press(" ")
        assert tab.run("document.querySelector('.change').open") is True


def test_filters_and_the_number_of_changes_are_announced_to_screen_readers(
    browser: Browser, tmp_path: Path
) -> None:
    with browser.tab() as tab:
        tab.show(tmp_path, page(mixed()))
        assert tab.spoken("combobox") == ["Scope"]
        assert tab.spoken("radio") == [
            "all",
            "grants",
            "revokes",
            "neutral",
            "all",
            "config",
            "drift",
            "conflict",
        ]
        assert {"Effect", "Label"} <= set(tab.spoken("group"))
        assert tab.spoken("status") == ["12 changes"]
        tab.run("document.querySelector('#effect-revokes').click()")
        assert tab.spoken("status") == ["Showing 6 of 12 changes"]
        assert "Show all" in tab.spoken("button")


@pytest.mark.parametrize("is_open", [True, False])
def test_the_action_of_a_key_is_visible_when_folded(
    browser: Browser, tmp_path: Path, *, is_open: bool
) -> None:
    plan = make_plan([declared()._replace(is_absent=True)], [live()])
    with browser.tab() as tab:
        tab.show(tmp_path, page(plan))
        tab.run(f"document.querySelector('.change').open = {str(is_open).lower()}")
        assert "will be destroyed" in tab.run("document.querySelector('.change>summary').innerText")


def test_the_number_of_changes_is_shown_above_them(browser: Browser, tmp_path: Path) -> None:
    script = """['.filters', '.shown', '.list']
      .map(name => document.querySelector(name).getBoundingClientRect().top)"""
    with browser.tab() as tab:
        tab.show(tmp_path, page(mixed()))
        tops = tab.run(script)
    assert tops == sorted(tops)


def test_folded_changes_are_printed(browser: Browser, tmp_path: Path) -> None:
    height = "document.querySelector('.change .body').getBoundingClientRect().height"
    with browser.tab() as tab:
        tab.show(tmp_path, page(plan_of([DISABLES])))
        tab.run("document.querySelector('.change').open = false")
        assert not tab.run("document.querySelector('.body').checkVisibility({contentVisibilityAuto: true})")
        tab.call("Emulation.setEmulatedMedia", media="print")
        assert tab.run(height) > 50
        assert tab.run("document.querySelector('.body').checkVisibility({contentVisibilityAuto: true})")
        assert not tab.run("!!document.querySelector('.filters')?.checkVisibility()")


def test_two_thousand_changes_in_a_hundred_scopes_are_filtered(browser: Browser, tmp_path: Path) -> None:
    plan = plan_of([DISABLES, DESCRIBES] * 1000)
    changes = [
        replace(change, scope=Scope("caas", 1, number % 100)) for number, change in enumerate(plan.changes)
    ]
    with browser.tab(1280) as tab:
        tab.show(tmp_path, page(replace(plan, changes=tuple(changes))))
        tab.run("document.querySelector('#scope').selectedIndex = 3")
        assert len(addresses(tab)) == 20
        tab.run("document.querySelector('form').reset()")
        assert len(addresses(tab)) == 2000
        assert tab.console() == []
