"""Where the journal of systemd reads standard error, each line has a priority."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.service.journald import is_journal
from tests.support import CommandLine, declare, emulate, fill, live

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Journal:
    """A stream like the one that systemd hands to a service, named in the environment as systemd names it."""

    def __init__(self, cli: CommandLine) -> None:
        self.ours, self.theirs = socket.socketpair()
        found = os.fstat(self.theirs.fileno())
        cli.environment.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        self._cli = cli

    def lines(self, *words: str, **settings: Any) -> list[str]:
        """Run a command whose standard error is the journal, and return what that reads."""
        return self.read(self._cli.start(*words, stderr=self.theirs, **settings))

    def read(self, process: subprocess.Popen[Any]) -> list[str]:
        with process:
            process.communicate(timeout=60)
        self.theirs.close()
        with self.ours.makefile(encoding="utf-8") as reader:
            return reader.read().splitlines()


@pytest.fixture
def journal(cli: CommandLine) -> Iterator[Journal]:
    made = Journal(cli)
    yield made
    made.theirs.close()
    made.ours.close()


def test_each_error_has_the_error_priority(journal: Journal, tmp_path: Path) -> None:
    file = declare(tmp_path / "k.yaml", {"name": "web", "expires": 1}, {"name": "api", "expires": 1})
    lines = journal.lines("validate", file)
    errors = [line for line in lines if re.match(r"<3>Error: .*expires is not a known field", line)]
    assert (len(errors), len(lines)) == (2, 6)
    assert all(line.startswith("<3>") for line in lines)


def test_each_line_of_a_usage_error_has_the_error_priority(journal: Journal) -> None:
    lines = journal.lines("plan", "--no-such-option")
    assert len(lines) > 2
    assert all(line.startswith("<3>") for line in lines)
    assert "No such option" in lines[-1]


def test_notes_warnings_and_details_have_their_own_priorities(
    journal: Journal, cli: CommandLine, tmp_path: Path
) -> None:
    with emulate() as emulator:
        cli.use(emulator)
        fill(emulator, "web")
        cli.environment.setenv("RECONCILER_NOTHING", "1")
        keys = declare(tmp_path / "k.yaml", live("web", expire="2020-01-01T00:00:00Z"))
        lines = journal.lines("plan", keys, "-v", "--out", str(tmp_path / "plan.json"))
    found = {line[:3]: line for line in lines}
    assert found.keys() == {"<3>", "<4>", "<6>", "<7>"}
    assert "Saved to" in found["<6>"]
    assert "GET /cloud" in found["<7>"]
    assert any(line.startswith("<4>Warning: the variable RECONCILER_NOTHING") for line in lines)
    assert "is in the past and would disable the key" in found["<3>"]


def test_without_journald_lines_have_no_priority(cli: CommandLine, tmp_path: Path) -> None:
    cli.environment.setenv("JOURNAL_STREAM", "1:1")
    done = cli.alone("validate", declare(tmp_path / "k.yaml", {"name": "web", "expires": 1}))
    assert done.err.startswith("Error: ")


HUGE = "9" * 5000 + ":1"


@pytest.mark.parametrize("value", ["", "1", ":", "a:b", "1:", "-1:2", "1:2:3", "\u0661:\u0662", HUGE])
def test_an_invalid_journal_stream_is_ignored(value: str) -> None:
    assert not is_journal(sys.__stderr__, value)
    assert not is_journal(None, value)


def test_each_line_of_an_internal_error_has_the_error_priority(journal: Journal) -> None:
    program = "from reconciler.cli.main import cli, run; cli.callback = lambda: 1 / 0; run(['plan'])"
    lines = journal.read(subprocess.Popen([sys.executable, "-c", program], stderr=journal.theirs.fileno()))
    assert len(lines) > 2
    assert all(line.startswith("<3>") for line in lines)
    assert lines[-1] == "<3>ZeroDivisionError: division by zero"
