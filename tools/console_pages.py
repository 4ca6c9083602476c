"""Run what pages show: ``python tools/console_pages.py`` puts into each what its commands print today.

In a page of ``PAGES``, a block ``yaml title="keys/shop.yaml"`` is a file, which is written; a line of a block
``console`` that begins with ``$ `` is run, and the lines below it are what it prints. A remark behind a
command, ``# exit code 2``, says how it ends; without one it ends with 0. All of a page runs in one folder, a
copy of the examples, against servers of its own.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from click.testing import CliRunner

from document import DOCS, live_example
from gcore_emulator import Emulator
from reconciler.api.address import binding
from reconciler.cli.main import cli
from reconciler.model.endpoint import BaseUrl
from tests.labels import label, label_server
from tests.support import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_BLOCK: Final = re.compile(r'(?ms)^```(?:\w+ title="([^"]+)"|console)\n(.*?)^```$')
_COMMAND: Final = re.compile(r"(?m)^\$ ")
_ENDS: Final = re.compile(r" +# exit code (\d+)$")
_PROGRAM: Final = "reconciler "
_FINGERPRINT: Final = re.compile(r"sha256:[0-9a-f]{64}")
"""Covers the address of the API, whose port is another one each time."""
_GITHUB: Final = "https://api.github.com"
_IDENTITY: Final = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")
_MACHINE: Final = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    **{f"GIT_{word}": "a@example.com" for word in _IDENTITY},
}
SHOWN: Final = "http://127.0.0.1:8076"
"""The address at which pages have the emulator."""


class ConsoleError(Exception):
    """A command of a page ends in another way than the page says."""


@dataclass(slots=True)
class Console:
    """Where the commands of a page run: a folder, variables, and what has another name than on pages."""

    folder: Path
    environment: dict[str, str]
    names: Mapping[str, str] = field(default_factory=dict)

    def replay(self, page: str) -> str:
        """Return the page with what its commands print, after running all of them in order."""
        return _BLOCK.sub(lambda block: self._block(block[0], block[1], block[2]), page)

    def _block(self, block: str, title: str | None, content: str) -> str:
        if title:
            file = self.folder / title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self._real(content), encoding="utf-8")
            return block
        _, *commands = _COMMAND.split(content)
        return "```console\n" + "".join(map(self._command, commands)) + "```"

    def _command(self, text: str) -> str:
        """Run a command; return it with what it prints."""
        command = text.partition("\n")[0]
        wanted = int(ends[1]) if (ends := _ENDS.search(command)) else 0
        words = self._real(_ENDS.sub("", command))
        if words.startswith("export "):
            self.environment |= dict(word.split("=", 1) for word in shlex.split(words)[1:])
            return f"$ {command}\n"
        if words.startswith("cd "):
            self.folder = self.folder / words.removeprefix("cd ")
            return f"$ {command}\n"
        code, output = self._reconciler(words) if words.startswith(_PROGRAM) else self._program(words)
        if code != wanted:
            raise ConsoleError(f"$ {command}\nends with {code} instead of {wanted}:\n{output}")
        for shown, real in self.names.items():
            output = output.replace(real, shown)
        return f"$ {command}\n{_FINGERPRINT.sub('sha256:…', output)}"

    def _reconciler(self, words: str) -> tuple[int, str]:
        """Call the command in this process, which is faster than in another one."""
        with contextlib.chdir(self.folder):
            arguments = shlex.split(words)[1:]
            done = CliRunner().invoke(cli, arguments, env=self.environment, standalone_mode=False)
        if done.exception is not None:
            return done.exit_code, f"{done.output}{done.exception}\n"
        return done.return_value if isinstance(done.return_value, int) else 0, done.output

    def _program(self, words: str) -> tuple[int, str]:
        """Run a command of another program in the shell."""
        done = subprocess.run(
            ["/bin/sh", "-c", words],
            cwd=self.folder,
            env={**_MACHINE, "HOME": str(self.folder), **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def _real(self, text: str) -> str:
        for shown, real in self.names.items():
            text = text.replace(shown, real)
        return text


@contextlib.contextmanager
def with_emulator() -> Iterator[Console]:
    """Yield a console beside the emulated API of the examples."""
    with tempfile.TemporaryDirectory() as place, Emulator(seed=live_example()) as emulator:
        shutil.copytree(DOCS.parent / "examples", Path(place) / "examples")
        names = {SHOWN: emulator.url, "/home/you/reconciler": place}
        yield Console(Path(place), {"GCORE_BASE_URL": emulator.url, "GCORE_API_KEY": emulator.token}, names)


@contextlib.contextmanager
def with_two_apis() -> Iterator[Console]:
    """Yield a console beside the emulated API and one that behaves as GitHub's labels do."""
    labels = [label("kind/bug"), label("good first issue", color="7057ff", description="Good for newcomers")]
    with with_emulator() as console, label_server(site=labels) as server:
        bound = f"RECONCILER_TOKEN_{binding(BaseUrl(server.url))}"
        own = {_GITHUB: server.url, "RECONCILER_TOKEN_api_github_com": bound, "ghp_example": TOKEN}
        console.names = {**console.names, **own}
        yield console


PAGES: Final[Mapping[str, Callable[[], contextlib.AbstractContextManager[Console]]]] = {
    "adopt.md": with_emulator,
    "tutorial.md": with_emulator,
    "other-apis.md": with_two_apis,
}
"""Pages whose commands are run, and what with."""


def replayed(name: str) -> str:
    """Return a page with what its commands print."""
    with PAGES[name]() as console:
        return console.replay((DOCS / name).read_text(encoding="utf-8"))


def main() -> None:
    """Rewrite the pages."""
    for name in PAGES:
        (DOCS / name).write_text(replayed(name), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except ConsoleError as error:
        sys.exit(f"Error: {error}")
