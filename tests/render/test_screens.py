"""What screens of four widths show, and what holds for every width and every text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.text import Detail, render_text
from reconciler.render.text_layout import CONTINUED, PLAIN, Colour, Screen, columns
from tests.render.screens import SCREENS, WIDTHS, every_change, file_of
from tests.values import declared, live, make_plan

PAINTED = Screen(lambda text, colour: f"<{colour}>{text}</>")


def screen(width: int) -> Screen:
    return replace(PLAIN, width=width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SCREENS)
def test_each_screen_is_as_its_file_says(name: str, width: int) -> None:
    assert SCREENS[name](screen(width)) == file_of(name, width).read_text(encoding="utf-8")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SCREENS)
def test_no_line_is_wider_than_its_screen(name: str, width: int) -> None:
    lines = SCREENS[name](screen(width)).splitlines()
    assert [line for line in lines if columns(line) > width and not line.startswith("PATCH ")] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_request_can_be_copied_from_every_screen(width: int) -> None:
    request = next(line for line in SCREENS["explanation"](PLAIN).splitlines() if line.startswith("PATCH "))
    assert request in SCREENS["explanation"](screen(width)).splitlines()


@pytest.mark.parametrize("name", sorted(SCREENS.keys() - {"summary"}))  # it says less where it is narrow
def test_no_word_is_broken_but_at_a_joint(name: str) -> None:
    words = {word for line in SCREENS[name](PLAIN).splitlines() for word in line.split()}
    for width in WIDTHS:
        shown = [line.split() for line in SCREENS[name](screen(width)).splitlines()]
        ends = {line[-1] for line in shown if line}
        assert [end for end in ends if end not in words and end[-1] not in "/-_.:,"] == []


@pytest.mark.parametrize("width", WIDTHS[1:])
def test_a_summary_has_one_line_for_each_key(width: int) -> None:
    plan = every_change()
    keys = render_text(plan, Detail.KEYS, screen(width)).split("\n\n")[0].splitlines()
    assert len(keys) == len(plan.changes)
    assert all(change.address in line for change, line in zip(plan.changes, keys, strict=True))


def test_a_summary_lists_unmanaged_keys_if_they_are_asked_for() -> None:
    plan = every_change()
    assert render_text(plan, Detail.KEYS | Detail.UNMANAGED).endswith(":\n  caas/1/77/tmp\n")
    assert "-v lists them" in render_text(plan, Detail.KEYS)


def words_of(text: str) -> str:
    """Return the words of a text without what wraps it."""
    pieces = (line.strip().removeprefix(CONTINUED) for line in text.splitlines())
    return "".join("".join(pieces).split())


@given(st.text("ab →表\N{COMBINING ACUTE ACCENT}-/", max_size=200), st.integers(20, 130))
def test_a_wrapped_value_loses_nothing_and_fits(value: str, width: int) -> None:
    lines = list(screen(width).lines("  + ", f'description = "{value}"', hang=f"      {CONTINUED}"))
    assert words_of("\n".join(lines)) == words_of(f'  + description = "{value}"')
    assert all(columns(line) <= max(width, 24) for line in lines)


@given(st.text("ab ~+-#{}", max_size=300), st.sampled_from(WIDTHS))
def test_no_wrapped_value_can_imitate_a_line_of_the_plan(value: str, width: int) -> None:
    plan = make_plan([declared(description=f"x{value}")], [live(description="y")])
    lines = render_text(plan, screen=screen(width)).splitlines()
    start = next(index for index, line in enumerate(lines) if '= "y"' in line)
    value_lines = lines[start + 1 : lines.index("    }")]
    assert all(line.lstrip().startswith((CONTINUED, "-> ", "# (")) for line in value_lines)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("plain", 5),
        ("\N{CJK UNIFIED IDEOGRAPH-8868}", 2),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}", 2),
        ("e\N{COMBINING ACUTE ACCENT}", 1),
        ("o\N{COMBINING ENCLOSING CIRCLE}", 1),
    ],
)
def test_a_text_is_as_wide_as_a_terminal_draws_it(text: str, width: int) -> None:
    assert columns(text) == width


def test_destroys_and_revocations_are_red_and_counts_bold() -> None:
    painted = render_text(every_change(), screen=PAINTED)
    assert f"<{Colour.ALARM}>3 to destroy</>" in painted
    assert f"<{Colour.ALARM}>revokes on 6 keys</>" in painted
    assert f"Plan: <{Colour.STRONG}>2</> to add" in painted
    assert f"<{Colour.ALARM}># caas/1/76/stray will be destroyed</>" in painted
    assert f"<{Colour.REMOVE}>(revokes: key deleted)</>" in painted


@pytest.mark.parametrize("key", ["stray", "new-partner"])
def test_a_key_that_was_created_or_deleted_outside_git_is_red(key: str) -> None:
    assert f"<{Colour.ALARM}># caas/1/76/{key} has been" in SCREENS["drift"](PAINTED)


@pytest.mark.parametrize("name", ["drift", "history"])
def test_access_that_was_granted_outside_git_is_never_green(name: str) -> None:
    painted = SCREENS[name](PAINTED)
    assert f"<{Colour.REMOVE}>" in painted
    assert f"<{Colour.ADD}>" not in painted


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("stray", "not declared; exclusive at keys/shop.yaml:4"),
        ("unwanted", "declared absent at keys/shop.yaml:44"),
        ("rotated", "declared at keys/shop.yaml:36"),
    ],
)
@pytest.mark.parametrize("name", ["plan", "drift"])
def test_each_key_says_whether_and_where_it_is_declared(name: str, key: str, place: str) -> None:
    lines = SCREENS[name](PLAIN).splitlines()
    title = next(index for index, line in enumerate(lines) if line.startswith(f"  # caas/1/76/{key} "))
    assert lines[title + 1] == f"  # ({place})"


def test_the_effect_of_a_key_as_a_whole_is_said_once() -> None:
    assert SCREENS["plan"](PLAIN).count("revokes: key deleted") == 2
    assert SCREENS["plan"](PLAIN).count("grants: a new key") == 1
