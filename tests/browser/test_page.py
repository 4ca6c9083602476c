"""The status page in a real browser, headless and driven by its command line alone.

A browser reports the very things that a parser cannot: whether the policy lets the style in, whether a script
ran, how wide the page became. A harness, which is a page beside it, frames the page and writes down what it
measures; the page under test stays as it is.
"""

from __future__ import annotations

import contextlib
import http.server
import itertools
import json
import re
import shutil
import subprocess
import threading
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.render.page import content_security_policy, render_page
from tests.core.test_page import (
    ACME,
    DAY,
    HOSTILE,
    HOUR,
    Document,
    busy,
    contest,
    episode,
    key,
    over,
    service,
    status,
    troubled,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.report import Status

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the PATH")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--allow-file-access-from-files",  # for the harness to look into its frame
)
DARK = "--blink-settings=preferredColorScheme=0"
LONG = "caas/1/76/" + "a-name-without-any-space-" * 12
HARNESS = """<!doctype html><meta charset="utf-8">
<iframe src="page.html" width="%d" height="844"></iframe><pre></pre>
<script>onload = () => {
  const view = document.querySelector("iframe").contentWindow, page = view.document, found = {};
  page.querySelectorAll("details").forEach(details => details.open = true);
  const box = element => element.getBoundingClientRect();
  found.width = page.documentElement.clientWidth;
  found.scroll = page.documentElement.scrollWidth;
  const isOutside = element => box(element).width > 1 && box(element).right > found.width + 0.5;
  found.outside = [...page.querySelectorAll("body *")].filter(isOutside).map(element => element.outerHTML);
  found.text = page.body.innerText;
  found.title = page.title;
  found.scripts = page.scripts.length;
  found.images = page.images.length;
  found.ground = view.getComputedStyle(page.body).backgroundColor;
  found.bars = [...page.querySelectorAll(".lanes path[class]")].map(bar => box(bar).width);
  found.labels = [...page.querySelectorAll(".axis text")].map(label => [box(label).left, box(label).right]);
  document.querySelector("pre").textContent = JSON.stringify(found);
}</script>"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the browser had in the end, and every message of its console."""

    dom: str
    console: tuple[str, ...]


def browse(place: Path, address: str, *flags: str) -> Seen:
    """Open an address in a browser that knows nothing from before."""
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={place / 'profile'}", *flags, "--dump-dom", address]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    shutil.rmtree(place / "profile")
    return Seen(ended.stdout, tuple(line for line in ended.stderr.splitlines() if ":CONSOLE:" in line))


def opened(place: Path, page: str) -> Seen:
    """Open a page as a file."""
    (place / "page.html").write_text(page, encoding="utf-8")
    return browse(place, (place / "page.html").as_uri())


def measured(place: Path, shown: Status, width: int = 390, *flags: str) -> dict[str, Any]:
    """Measure a page that is as wide as given, with everything on it unfolded."""
    (place / "page.html").write_text(render_page(shown), encoding="utf-8")
    (place / "harness.html").write_text(HARNESS % width, encoding="utf-8")
    seen = browse(place, (place / "harness.html").as_uri(), *flags)
    assert seen.console == ()
    found = re.search("<pre>(.*)</pre>", seen.dom, re.DOTALL)
    assert found is not None
    measures: dict[str, Any] = json.loads(unescape(found[1]))
    return measures


@contextlib.contextmanager
def served(page: str) -> Iterator[str]:
    """Serve a page with the policy in its header, and give its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", content_security_policy())
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def rich() -> Status:
    """Make a status in which everything is long."""
    boxes = [{"name": f"container-{number}" * 8, "namespace": "shop"} for number in range(9)]
    drift = episode("containers", ago=3 * DAY, declared=boxes[:1], live=boxes[1:], detail="x" * 900)
    texts = over("description", ago=9 * DAY, declared="d" * 400, live="l" * 400, run="r" * 80)
    return status(
        scopes=troubled("s" * 90).scopes,
        contests=(contest(address=LONG, declared="d" * 300), contest()),
        keys=(key(drift, texts, address=LONG), *busy(3, 30)),
        last_round=troubled("https://api.example/" + "p" * 300).last_round,
        service=service(failing_since=drift.first_seen, failures=3),
    )


def test_the_page_leaves_no_message_on_the_console(tmp_path: Path) -> None:
    assert opened(tmp_path, render_page(rich(), refresh_seconds=60)).console == ()


def test_a_breach_of_the_policy_would_be_on_the_console(tmp_path: Path) -> None:
    page = render_page(status()).replace("<main>", '<main style="color:red"><script>1</script>')
    messages = opened(tmp_path, page).console
    assert len(messages) == 2
    assert all("Content Security Policy" in message for message in messages)


def test_the_page_with_the_policy_in_its_header_leaves_no_message_on_the_console(tmp_path: Path) -> None:
    with served(render_page(rich())) as address:
        seen = browse(tmp_path, address)
    assert "Contested fields" in seen.dom
    assert seen.console == ()


def test_nobody_can_frame_the_page(tmp_path: Path) -> None:
    with served(render_page(status())) as address:
        (tmp_path / "frame.html").write_text(f'<iframe src="{address}"></iframe>')
        (message,) = browse(tmp_path, (tmp_path / "frame.html").as_uri()).console
    assert "frame-ancestors 'none'" in message


def test_hostile_text_is_shown_and_does_nothing(tmp_path: Path) -> None:
    text = " ".join(HOSTILE)
    found = measured(tmp_path, troubled(text))
    assert (found["scripts"], found["images"]) == (0, 0)
    assert found["title"].startswith("Rounds failing since")
    assert found["text"].count(text) >= 10


def test_hostile_text_leaves_the_document_as_it_is(tmp_path: Path) -> None:
    seen = opened(tmp_path, render_page(troubled(" ".join(HOSTILE))))
    usual = Document(render_page(troubled()))
    assert seen.console == ()
    shown = [element.tag for element in Document(seen.dom).elements]
    assert shown == [element.tag for element in usual.elements]


@pytest.mark.parametrize("width", [320, 390, 700, 1280])
def test_nothing_is_wider_than_the_screen(tmp_path: Path, width: int) -> None:
    found = measured(tmp_path, rich(), width)
    assert found["scroll"] == found["width"]
    assert found["outside"] == []


@pytest.mark.parametrize(
    ("flags", "ground"), [((), "rgb(244, 245, 247)"), ((DARK,), "rgb(15, 19, 24)")], ids=["light", "dark"]
)
def test_the_style_is_let_in_and_follows_the_scheme(
    tmp_path: Path, flags: tuple[str, ...], ground: str
) -> None:
    assert measured(tmp_path, status(), 390, *flags)["ground"] == ground


def test_drift_that_was_over_at_once_can_be_seen_on_a_phone(tmp_path: Path) -> None:
    found = measured(tmp_path, status(keys=(key(over(ago=DAY, lasted=0 * HOUR)),)))
    *_, bar = found["bars"]
    assert bar >= 2


def test_the_days_of_the_axis_do_not_touch_on_a_phone(tmp_path: Path) -> None:
    labels = measured(tmp_path, status(keys=(key(episode(), address=ACME),)))["labels"]
    assert len(labels) == 5
    assert all(left[1] < right[0] for left, right in itertools.pairwise(labels))


def test_a_screenshot_can_be_taken(tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    (tmp_path / "page.html").write_text(render_page(rich()), encoding="utf-8")
    browse(tmp_path, (tmp_path / "page.html").as_uri(), "--window-size=1280,900", f"--screenshot={picture}")
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
