"""The status page in a real browser, headless.

A browser reports the very things that a parser cannot: whether the policy lets the style in, whether a script
ran, how wide the page became.
"""

from __future__ import annotations

import contextlib
import http.server
import itertools
from typing import TYPE_CHECKING

import pytest

from reconciler.render.page import content_security_policy, render_page
from tests.render.browser.chromium import measured, needs_chromium
from tests.render.test_page import (
    ACME,
    DAY,
    HOSTILE,
    HOUR,
    NOON,
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
from tests.support import serving

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.model.status import Status
    from tests.render.browser.chromium import Browser

pytestmark = needs_chromium
LONG = "caas/1/76/" + "a-name-without-any-space-" * 12
BARS = """({
  bars: [...document.querySelectorAll(".lanes path[class]")].map(bar => bar.getBoundingClientRect().width),
  labels: [...document.querySelectorAll(".axis text")].filter(label => label.checkVisibility())
    .map(label => label.getBoundingClientRect()).map(box => [box.left, box.right]),
})"""


@contextlib.contextmanager
def served(page: str) -> Iterator[str]:
    """Serve a page with the policy in its header, and return its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", content_security_policy())
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield f"{url}/"


def rich() -> Status:
    """Make a status in which everything is long."""
    boxes = [{"name": f"container-{number}" * 8, "namespace": "shop"} for number in range(9)]
    drift = episode("containers", ago=3 * DAY, desired=boxes[:1], live=boxes[1:], detail="x" * 900)
    texts = over("description", ago=9 * DAY, desired="d" * 400, live="l" * 400, run="r" * 80)
    return status(
        scopes=troubled("s" * 90).scopes,
        flapping=(contest(address=LONG, desired="d" * 300), contest()),
        keys=(key(drift, texts, address=LONG), *busy(3, 30)),
        last_cycle=troubled("https://api.example/" + "p" * 300).last_cycle,
        service=service(failing_since=drift.first_seen, failures=3),
    )


def test_the_page_leaves_no_message_on_the_console(browser: Browser, tmp_path: Path) -> None:
    with browser.tab() as tab:
        tab.show(tmp_path, render_page(rich(), refresh_seconds=60))
        assert tab.console() == []


def test_a_policy_violation_is_logged_to_the_console(browser: Browser, tmp_path: Path) -> None:
    page = render_page(status()).replace("<main>", '<main style="color:red"><script>1</script>')
    with browser.tab() as tab:
        tab.show(tmp_path, page)
        messages = tab.console()
    assert len(messages) == 2
    assert all("Content Security Policy" in message for message in messages)


def test_the_page_with_the_policy_in_its_header_leaves_no_message_on_the_console(browser: Browser) -> None:
    with served(render_page(rich())) as address, browser.tab() as tab:
        tab.open(address)
        assert "Contested fields" in tab.run("document.body.innerText")
        assert tab.console() == []


def test_the_page_cannot_be_framed(browser: Browser, tmp_path: Path) -> None:
    with served(render_page(status())) as address, browser.tab() as tab:
        tab.show(tmp_path, f'<iframe src="{address}"></iframe>')
        (message,) = tab.console()
    assert "frame-ancestors 'none'" in message


def test_hostile_text_is_shown_and_does_nothing(browser: Browser, tmp_path: Path) -> None:
    text = " ".join(HOSTILE)
    found = measured(browser, tmp_path, render_page(troubled(text)))
    assert (found["scripts"], found["images"]) == (0, 0)
    assert found["title"].startswith("Rounds failing since")
    assert found["text"].count(text) >= 10


def test_hostile_text_does_not_change_the_document(browser: Browser, tmp_path: Path) -> None:
    with browser.tab() as tab:
        tab.show(tmp_path, render_page(troubled(" ".join(HOSTILE))))
        shown = tab.run("[...document.querySelectorAll('*')].map(element => element.localName)")
        assert tab.console() == []
    assert shown == [element.tag for element in Document(render_page(troubled())).elements]


def test_short_drift_is_visible_on_a_phone(browser: Browser, tmp_path: Path) -> None:
    shown = status(keys=(key(over(ago=DAY, lasted=0 * HOUR)),))
    *_, bar = measured(browser, tmp_path, render_page(shown), BARS)["bars"]
    assert bar >= 2


@pytest.mark.parametrize("length", [HOUR, DAY, 7 * DAY, 30 * DAY], ids=["hour", "day", "week", "month"])
def test_axis_labels_do_not_overlap(browser: Browser, tmp_path: Path, length: dt.timedelta) -> None:
    with browser.tab() as tab:
        for hour in (1, 12, 23):
            at = NOON.replace(hour=hour)
            shown = status(at=at, since=at - length, keys=(key(episode(), address=ACME),))
            tab.show(tmp_path, render_page(shown))
            for width, least in ((320, 2), (390, 3), (700, 4), (1000, 4), (1280, 4)):
                tab.resize(width)
                labels = tab.run(BARS)["labels"]
                assert len(labels) >= least, (width, hour)
                assert all(left[1] + 3 < right[0] for left, right in itertools.pairwise(labels)), width
