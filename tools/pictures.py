"""Make the pictures of the documentation: a plan as a terminal shows it, its page, and a status page.

``python tools/pictures.py`` writes them into docs/pictures/; the two pages need chromium on the PATH.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from document import DOCS, live_example
from gcore_emulator import Emulator
from reconciler.cli.main import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURES = DOCS / "pictures"
_KEYS = "examples/keys.yaml"
_COLOURS = {
    "31": "#f85149",
    "32": "#3fb950",
    "33": "#d29922",
    "34": "#58a6ff",
    "35": "#bc8cff",
    "36": "#39c5cf",
    "90": "#8b949e",
}
_SIZE, _LINE, _MARGIN = 13, 18, 16
_ADVANCE = 0.602 * _SIZE
_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_CODE = re.compile(r"\x1b\[([\d;]*)m")


def run(emulator: Emulator, *arguments: str) -> str:
    """Return what a command prints in the checkout, on a terminal that shows colours.

    Raise RuntimeError if it fails: there would be a picture of nothing.
    """
    environment = {"GCORE_BASE_URL": emulator.url, "GCORE_API_KEY": emulator.token}
    with contextlib.chdir(DOCS.parent):
        done = CliRunner().invoke(cli, arguments, env=environment, color=True)
    if done.exit_code not in {0, 2}:  # 2 is a change, or drift
        raise RuntimeError(f"reconciler {' '.join(arguments)} ends with {done.exit_code}: {done.output}")
    return done.stdout


def plan_picture() -> str:
    """Return the plan of the example as SVG."""
    with Emulator(seed=live_example()) as emulator:
        shown = run(emulator, "plan", _KEYS)
    return terminal(f"$ reconciler plan {_KEYS}\n{shown}", f"reconciler plan {_KEYS}")


def terminal(text: str, title: str) -> str:
    """Return lines with escape sequences for colours as SVG."""
    lines = text.rstrip("\n").split("\n")
    columns = max(len(_CODE.sub("", line)) for line in lines)
    width = round(2 * _MARGIN + columns * _ADVANCE)
    height = 2 * _MARGIN + len(lines) * _LINE
    kept = f'xml:space="preserve" x="{_MARGIN}"'  # each text by itself: browsers do not inherit it
    rows = [
        f'<text {kept} y="{_MARGIN + number * _LINE - 5}">{"".join(spans(line))}</text>'
        for number, line in enumerate(lines, start=1)
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
    )
    look = f'font-family="{_FONT}" font-size="{_SIZE}" fill="#e6edf3"'
    ground = '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>'
    return "\n".join(
        [head, f"<title>{escape(title)}</title>", ground, f"<g {look}>", *rows, "</g></svg>", ""]
    )


def spans(line: str) -> Iterator[str]:
    """Yield the parts of a line, each in its colour."""
    look: dict[str, str] = {}
    for number, part in enumerate(_CODE.split(line)):
        if number % 2:
            for code in part.split(";"):
                if code == "1":
                    look["font-weight"] = "bold"
                elif code in _COLOURS:
                    look["fill"] = _COLOURS[code]
                else:
                    look.clear()
        elif part:
            words = "".join(f' {name}="{value}"' for name, value in look.items())
            yield f"<tspan{words}>{escape(part)}</tspan>"


def pages(place: Path) -> Iterator[tuple[str, int]]:
    """Write the pages of a plan and of a history, and yield the name and the height in pixels of each."""
    history, keys = str(place / "history.db"), _KEYS
    with Emulator(seed=live_example()) as emulator:
        (place / "plan.html").write_text(run(emulator, "plan", keys, "--format", "html"), encoding="utf-8")
        yield "plan", 1150
        run(emulator, "drift", keys, "--history", history)
        run(emulator, "drift", keys, "--history", history, "--correct", "grants")
        page = run(emulator, "history", "--history", history, "--format", "html")
        (place / "status.html").write_text(page, encoding="utf-8")
        yield "status", 880


def photograph(chromium: str, page: Path, height: int, picture: Path) -> None:
    """Store what chromium shows of a page."""
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    size = f"--window-size=960,{height}"
    command = [chromium, *options, size, f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def main() -> None:
    """Write all pictures that can be made here."""
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / "plan.svg").write_text(plan_picture(), encoding="utf-8")
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not on the PATH: only plan.svg was made")
    with tempfile.TemporaryDirectory() as folder:
        for name, height in pages(Path(folder)):
            photograph(chromium, Path(folder) / f"{name}.html", height, PICTURES / f"{name}-page.png")


if __name__ == "__main__":
    main()
