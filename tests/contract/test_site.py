"""The site: each page has one source, is reached, says for whom it is, and shows what its commands print."""

from __future__ import annotations

import re
from typing import Any

import pytest

import build_site
import console_pages
from tests.contract.runner import ROOT
from tests.support import from_yaml

GENERAL = ("index.md", "changelog.md", "code-of-conduct.md")
"""Pages that are for everyone."""


def navigation(part: Any) -> list[str]:
    """Return the pages of the navigation, in order."""
    if isinstance(part, str):
        return [part]
    return [page for each in (part.values() if isinstance(part, dict) else part) for page in navigation(each)]


def test_every_page_is_in_the_navigation_once() -> None:
    pages = navigation(from_yaml((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert sorted(pages) == sorted(build_site.pages().values())


def test_every_page_says_for_whom_it_is() -> None:
    silent = [
        path
        for path, target in build_site.pages().items()
        if target not in GENERAL
        and not target.startswith(("apis/", "adr/"))  # their lists say it
        and not (ROOT / path).read_text(encoding="utf-8").split("\n\n")[1].startswith("For ")
    ]
    assert silent == []


KNOWN = {
    "README.md": "index.md",
    "docs/ci.md": "ci.md",
    "docs/adr/1.md": "adr/1.md",
    "SECURITY.md": "security.md",
}


@pytest.mark.parametrize(
    ("path", "text", "wanted"),
    [
        ("README.md", "[a](docs/ci.md#b) [c](SECURITY.md)", "[a](ci.md#b) [c](security.md)"),
        ("README.md", '<img src="docs/pictures/a.png">', '<img src="pictures/a.png">'),
        ("docs/ci.md", "[a](../README.md) [b](../Dockerfile)", "[a](index.md) [b](files/Dockerfile)"),
        ("docs/adr/1.md", "[a](../ci.md) [b](../../SECURITY.md)", "[a](../ci.md) [b](../security.md)"),
        ("docs/ci.md", "[a](https://example.com/b) [c](#d)", "[a](https://example.com/b) [c](#d)"),
        ("README.md", "a [docs/ci.md](docs/ci.md#b)", "a [“In a pipeline”](ci.md#b)"),
        ("docs/ci.md", "`[a](../README.md)`\n```sh\n[b](../README.md)\n```\n", None),
    ],
)
def test_a_link_between_files_is_one_between_pages(path: str, text: str, wanted: str | None) -> None:
    titles = {"docs/ci.md": "In a pipeline"}
    assert build_site.on_the_site(path, text, KNOWN, titles) == (text if wanted is None else wanted)


def test_a_page_loads_its_own_script_instead_of_one_from_elsewhere(tmp_path: Any) -> None:
    page = tmp_path / "adr/a.html"
    page.parent.mkdir()
    page.write_text('<script src="https://unpkg.com/iframe-worker/shim"></script>', encoding="utf-8")
    build_site.complete(page, tmp_path)
    assert page.read_text(encoding="utf-8") == '<script src="../assets/worker.js"></script>'


@pytest.mark.parametrize("name", console_pages.PAGES)
def test_a_page_shows_what_its_commands_print(name: str) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert console_pages.replayed(name) == page, "run: .venv/bin/python tools/console_pages.py"


def test_a_command_that_ends_in_another_way_than_its_page_says_is_an_error(tmp_path: Any) -> None:
    console = console_pages.Console(tmp_path, {})
    page = '```yaml title="a.yaml"\nkeys: 7\n```\n```console\n$ reconciler validate a.yaml{}\n```\n'
    shown = console.replay(page.format("   # exit code 1"))
    assert "a.yaml:1:7: keys" in shown
    with pytest.raises(console_pages.ConsoleError, match=re.escape("ends with 1 instead of 0")):
        console.replay(page.format(""))
