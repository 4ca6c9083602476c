"""What is true of both pages in a real browser: they fit any screen, follow its colours, can be a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.render.page import render_page
from reconciler.render.plan_page import render_plan_page
from tests.render.browser import test_page, test_plan_page
from tests.render.browser.chromium import MEASURE, needs_chromium
from tests.render.test_plan_page import FACTS
from tests.values import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.render.browser.chromium import Browser

pytestmark = needs_chromium
LONG = test_plan_page.LONG
PAGES: dict[str, Callable[[], str]] = {
    "status": lambda: render_page(test_page.rich(), refresh_seconds=60),
    "plan": lambda: render_plan_page(test_plan_page.rich(), NOW, (*FACTS, (LONG, LONG))),
}
both = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)


@both
def test_nothing_is_wider_than_the_screen(browser: Browser, tmp_path: Path, page: Callable[[], str]) -> None:
    with browser.tab() as tab:
        tab.show(tmp_path, page())
        for width in (320, 390, 700, 1000, 1280):
            tab.resize(width)
            found = tab.run(MEASURE)
            assert (found["scroll"], found["outside"]) == (found["width"], []), width
        assert tab.console() == []


@both
def test_the_style_is_allowed_and_follows_the_colour_scheme(
    browser: Browser, tmp_path: Path, page: Callable[[], str]
) -> None:
    grounds = {"light": "rgb(244, 245, 247)", "dark": "rgb(15, 19, 24)"}
    with browser.tab() as tab:
        tab.show(tmp_path, page())
        for scheme, ground in grounds.items():
            tab.prefer(scheme)
            assert tab.run(MEASURE)["ground"] == ground
        assert tab.console() == []


@both
def test_a_screenshot_can_be_taken(browser: Browser, tmp_path: Path, page: Callable[[], str]) -> None:
    with browser.tab(1280) as tab:
        tab.show(tmp_path, page())
        assert tab.screenshot()[:8] == b"\x89PNG\r\n\x1a\n"
