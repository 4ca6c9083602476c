"""The site as its generator makes it: complete, linked, readable on a phone, in the dark, from a disk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import build_site
from tests.render.browser.chromium import chromium, needs_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.render.browser.chromium import Browser

pytestmark = pytest.mark.counterpart("zensical")
LOADED = re.compile(r"<(?:script|img|source|iframe|link)\b[^>]*\s(?:src|href)=\"?(https?:[^\s\">]+)")
FETCHED = """performance.getEntriesByType("resource").map(each => each.name)
  .filter(name => !name.startsWith("file:"))"""
SEARCH = """(async () => {
  const wait = () => new Promise(done => setTimeout(done, 50));
  const input = root => {
    for (const element of root.querySelectorAll("*")) {
      if (element.getAttribute("role") === "combobox") return element;
      const inside = element.shadowRoot && input(element.shadowRoot);
      if (inside) return inside;
    }
  };
  document.querySelector("button.md-search__button").click();
  while (!input(document)) await wait();
  const box = input(document);
  box.value = "contested";
  box.dispatchEvent(new Event("input", {bubbles: true}));
  const found = () => [...box.getRootNode().querySelectorAll("a")].map(link => link.href).filter(Boolean);
  while (!found().length) await wait();
  return found()[0];
})()"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built site; a link that leads nowhere ends its generator with an error."""
    place = tmp_path_factory.mktemp("site") / "site"
    build_site.generate(place)
    return place


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def test_every_page_is_built_and_loads_nothing_from_elsewhere(site: Path) -> None:
    built = {page.relative_to(site).as_posix() for page in site.rglob("*.html")} - {"404.html"}
    assert built == {target.replace(".md", ".html") for target in build_site.pages().values()}
    found = {
        (page.name, match)
        for page in site.rglob("*.html")
        for match in LOADED.findall(page.read_text(encoding="utf-8"))
    }
    assert found == set()


@needs_chromium
@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_fits_the_screen_and_fetches_nothing(site: Path, browser: Browser, width: int) -> None:
    with browser.tab(width) as tab:
        for name in ("index", "tutorial", "guarantees", "reference-schemas", "apis/github"):
            tab.open((site / f"{name}.html").as_uri())
            room = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            assert (name, tab.run(room), tab.run(FETCHED), tab.console()) == (name, True, [], [])


@needs_chromium
def test_a_page_is_dark_for_those_who_prefer_that(site: Path, browser: Browser) -> None:
    with browser.tab() as tab:
        tab.prefer("dark")
        tab.open((site / "index.html").as_uri())
        assert tab.run("document.body.dataset.mdColorScheme") == "slate"


@needs_chromium
def test_the_search_works_on_a_disk(site: Path, browser: Browser) -> None:
    with browser.tab(1280) as tab:
        tab.open((site / "index.html").as_uri())
        assert "/drift.html?h=" in tab.run(SEARCH)
