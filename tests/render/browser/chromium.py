"""A headless Chromium for tests, spoken to over a pipe in its own protocol: no driver, no port, no library.

It presses real keys, reports what a screen reader would announce, and stores every message of the console, of
which a page is to leave none.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM: Final = shutil.which("chromium")
needs_chromium: Final = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the PATH")
_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
_START: Final = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])"""
"""The browser reads commands from descriptor 3 and responds on 4, which are taken in this process."""
_SECONDS: Final = 60.0
_CONSOLE: Final = (
    "Log.entryAdded",
    "Runtime.consoleAPICalled",
    "Runtime.exceptionThrown",
    "Page.javascriptDialogOpening",
)
_KEYS: Final = {"Tab": 9, "Enter": 13, " ": 32, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
_TEXTS: Final = {"Enter": "\r", " ": " "}
OUTSIDE: Final = """[...document.querySelectorAll("body *")].filter(element => {
  const box = element.getBoundingClientRect();
  return box.width > 1 && box.right > document.documentElement.clientWidth + 0.5;
}).map(element => element.outerHTML.slice(0, 200))"""
"""Finds what reaches over the right edge of the screen."""
UNFOLD: Final = "document.querySelectorAll('details').forEach(details => details.open = true)"
MEASURE: Final = """(() => {
  document.querySelectorAll("details").forEach(details => details.open = true);
  return {
    text: document.body.innerText,
    title: document.title,
    scripts: document.scripts.length,
    images: document.images.length,
  };
})()"""
"""Unfolds everything on a page and measures it."""


class Browser:
    """A running browser, by the ends of its two pipes; ``events`` are those since the last page."""

    def __init__(self, commands: int, responses: int) -> None:
        self.events: list[dict[str, Any]] = []
        self._commands = commands
        self._output = responses
        self._number = 0
        self._unread = b""

    def call(self, method: str, session: str = "", /, **parameters: Any) -> dict[str, Any]:
        """Return the response to a command; the events before it are stored."""
        self._number += 1
        to = {"sessionId": session} if session else {}
        command = {"id": self._number, "method": method, "params": parameters, **to}
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while (message := self.receive()).get("id") != self._number:
            pass
        assert "error" not in message, (method, message["error"])
        result: dict[str, Any] = message["result"]
        return result

    def receive(self) -> dict[str, Any]:
        """Return the next message."""
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._output], [], [], _SECONDS)
            assert ready, "the browser is silent"
            read = os.read(self._output, 1 << 20)
            assert read, "the browser is gone"
            self._unread += read
        text, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message

    @contextlib.contextmanager
    def tab(self, width: int = 390) -> Iterator[Tab]:
        """Open a tab as wide as given, and close it in the end."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable", session)
        self.call("Page.setLifecycleEventsEnabled", session, enabled=True)
        tab = Tab(self, session)
        tab.resize(width)
        try:
            yield tab
        finally:
            self.call("Target.closeTarget", targetId=target)


@dataclass(frozen=True, slots=True)
class Tab:
    """An open tab."""

    browser: Browser
    session: str

    def call(self, method: str, /, **parameters: Any) -> dict[str, Any]:
        """Return the response to a command for this tab."""
        return self.browser.call(method, self.session, **parameters)

    def resize(self, width: int) -> None:
        """Make the window as wide as given."""
        size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def prefer(self, scheme: str) -> None:
        """Set the colour scheme that the person prefers."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def open(self, address: str) -> None:
        """Open an address and wait until all of it is there and was drawn."""
        self.browser.events.clear()
        loader = self.call("Page.navigate", url=address)["loaderId"]
        while not any(_is_load(event, loader) for event in self.browser.events):
            self.browser.receive()
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def show(self, place: Path, page: str) -> None:
        """Open a page as a file."""
        (place / "page.html").write_text(page, encoding="utf-8")
        self.open((place / "page.html").as_uri())

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page, whose policy does not hold for it."""
        response = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in response, response["exceptionDetails"]
        return response["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys one after the other, as a person does."""
        for key in keys:
            named = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": _KEYS[key]}
            text = {"text": _TEXTS[key]} if key in _TEXTS else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", **named, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def console(self) -> list[str]:
        """Return every message so far of the console, uncaught error and dialogue."""
        self.run("document.body && document.body.offsetHeight")
        return [json.dumps(event["params"]) for event in self.browser.events if event["method"] in _CONSOLE]

    def spoken(self, role: str) -> list[str]:
        """Return what a screen reader speaks of the elements with a role: each one's name, or its text."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        known = {node["nodeId"]: node for node in nodes}

        def value(node: dict[str, Any], name: str) -> str:
            found: str = node.get(name, {}).get("value", "")
            return found

        def text(node: dict[str, Any]) -> str:
            if value(node, "role") == "StaticText":
                return value(node, "name")
            return "".join(text(known[child]) for child in node["childIds"] if child in known)

        return [value(node, "name") or text(node) for node in nodes if value(node, "role") == role]

    def screenshot(self) -> bytes:
        """Return a picture of what the window shows, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])


def measured(browser: Browser, place: Path, page: str, script: str = "({})") -> dict[str, Any]:
    """Measure a page on a phone, with everything on it unfolded, and return what the script adds to that."""
    with browser.tab() as tab:
        tab.show(place, page)
        found: dict[str, Any] = tab.run(MEASURE) | tab.run(script)
        assert tab.console() == []
    return found


def _is_load(event: dict[str, Any], loader: str) -> bool:
    reported = event["params"]
    return event["method"] == "Page.lifecycleEvent" and (reported["loaderId"], reported["name"]) == (
        loader,
        "load",
    )


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser that knows nothing from before, and end it."""
    (command_end, commands), (responses, response_end) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        start = [sys.executable, "-I", "-c", _START, str(command_end), str(response_end)]
        with subprocess.Popen(
            [*start, str(CHROMIUM), *_FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(command_end, response_end),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            os.close(command_end)
            os.close(response_end)
            browser = Browser(commands, responses)
            try:
                yield browser
                browser.call("Browser.close")
                process.wait(_SECONDS)
            finally:
                process.kill()
                os.close(commands)
                os.close(responses)
