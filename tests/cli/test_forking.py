"""What a run by several processes starts before its command is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
from pathlib import Path
from reconciler.cli.forking import serve_early

serve_early({arguments!r})
print(len(Path("/proc/thread-self/children").read_text().split()))
"""

COMPLETION = """
from pathlib import Path
from click.shell_completion import BashComplete
from reconciler.cli.main import cli

completing = BashComplete(cli, {}, "reconciler", "_RECONCILER_COMPLETE")
(found,) = completing.get_completions(["apply", "--processes", "2"], "--ev")
print(found.value, len(Path("/proc/thread-self/children").read_text().split()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the children of a process are listed in /proc")
@pytest.mark.parametrize(
    ("arguments", "starts"),
    [
        (["keys", "--processes", "2"], True),
        (["keys", "--processes=2"], True),
        (["keys", "--processes", "1"], False),
        (["keys", "--processes=1"], False),
        (["keys", "--processes", "auto"], False),
        (["keys", "--processes"], False),
        (["keys"], False),
    ],
)
def test_the_server_of_processes_starts_before_the_command_is_imported(
    arguments: list[str], *, starts: bool
) -> None:
    script = SCRIPT.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert (int(done.stdout) > 0) is starts


@pytest.mark.skipif(sys.platform != "linux", reason="the children of a process are listed in /proc")
def test_completion_starts_no_server_of_processes() -> None:
    done = subprocess.run([sys.executable, "-c", COMPLETION], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["--events", "0"]
