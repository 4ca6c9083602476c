"""What is true of both pages in a real browser: they fit any screen, follow its colours, can be a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.render.page import render_page
from reconciler.render.plan_page import render_plan_page
from tests.render.browser import test_page, test_plan_page
from tests.render.browser.chromium import OUTSIDE, UNFOLD, needs_chromium
from tests.render.test_plan_page import FACTS
from tests.values import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.render.browser.chromium import Browser, Tab

pytestmark = needs_chromium
LONG = test_plan_page.LONG
FITS = "document.documentElement.scrollWidth === document.documentElement.clientWidth"
PAGES: dict[str, Callable[[], str]] = {
    "status": lambda: render_page(test_page.rich(), refresh_seconds=60),
    "plan": lambda: render_plan_page(test_plan_page.rich(), NOW, (*FACTS, (LONG, LONG))),
}


@pytest.fixture(scope="module", params=list(PAGES))
def shown(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Tab]:
    """Yield a tab that shows a page with everything on it unfolded; it is drawn once for all tests here."""
    with browser.tab() as tab:
        tab.show(tmp_path_factory.mktemp("page"), PAGES[request.param]())
        tab.run(UNFOLD)
        yield tab
        assert tab.console() == []


@pytest.mark.parametrize("width", [320, 390, 700, 1000, 1280])
def test_nothing_is_wider_than_the_screen(shown: Tab, width: int) -> None:
    shown.resize(width)
    found = shown.run(f"({{fits: {FITS}, outside: {OUTSIDE}}})")
    assert found == {"fits": True, "outside": []}


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(244, 245, 247)"), ("dark", "rgb(15, 19, 24)")])
def test_the_style_is_allowed_and_follows_the_colour_scheme(shown: Tab, scheme: str, ground: str) -> None:
    shown.prefer(scheme)
    assert shown.run("getComputedStyle(document.body).backgroundColor") == ground


def test_a_screenshot_can_be_taken(shown: Tab) -> None:
    shown.resize(1280)
    assert shown.screenshot()[:8] == b"\x89PNG\r\n\x1a\n"
