"""What a run by several processes starts before the command line is imported."""

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

PROGRAM = """
import sys
from reconciler import __main__
from reconciler.api import fork_server

def ensure_running(_modules):
    print("server", "reconciler.cli.main" in sys.modules, flush=True)

fork_server.ensure_running = ensure_running
sys.argv = ["reconciler", *sys.argv[1:]]
__main__.main()
"""


def printed(*arguments: str, **environment: str) -> list[str]:
    """Return the words that the program prints, and when it starts the server."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(
        command, env=environment, check=False, capture_output=True, text=True
    ).stdout.split()


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
def test_the_server_of_processes_starts_for_several_of_them(arguments: list[str], *, starts: bool) -> None:
    script = SCRIPT.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert (int(done.stdout) > 0) is starts


def test_the_program_starts_the_server_before_it_imports_the_command_line() -> None:
    assert printed("plan", "missing.yaml", "--processes", "2")[:2] == ["server", "False"]
    assert printed("validate", "missing.yaml", "--processes", "1") == []


def test_an_interrupt_before_the_command_line_is_imported_leaves_no_traceback() -> None:
    program = PROGRAM.replace("    print(", "    raise KeyboardInterrupt\n    print(")
    command = [sys.executable, "-c", program, "plan", "--processes", "2"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "\nInterrupted.\n")


def test_completion_starts_no_server_of_processes() -> None:
    words = {"COMP_WORDS": "reconciler apply --processes 2 --ev", "COMP_CWORD": "4"}
    assert printed(_RECONCILER_COMPLETE="bash_complete", **words) == ["plain,--events"]
