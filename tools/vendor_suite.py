#!/usr/bin/env python3
"""The vendor's own SDK tests against the emulator: ``python tools/vendor_suite.py [SOURCE] [--python FILE]``.

SOURCE is an unpacked source distribution of ``gcore``; without it, pip downloads one. It is installed
with its test tools into a temporary environment, unless FILE is an interpreter that has them. Its tests
of inference keys, and of the lists of projects and regions, ask the emulator by TEST_API_BASE_URL.
Nothing is stored. The exit code is 1 if a test failed, 2 if none could be run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gcore_emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Sequence

_FAILED: Final = 1
_NOT_RUN: Final = 2
_TOKEN: Final = "My API Key"  # noqa: S105 - the one that the vendor's tests send
_TOOLS: Final = ("pytest", "pytest-asyncio")
_KEYS: Final = "tests/api_resources/cloud/inference/test_api_keys.py"
_SELECTIONS: Final[tuple[tuple[str, str], ...]] = (
    (_KEYS, ""),
    ("tests/api_resources/cloud/test_projects.py", "list"),
    ("tests/api_resources/cloud/test_regions.py", "list"),
)
_SEED: Final = {
    "projects": [{"id": 1, "name": "New Project"}],
    "regions": [{"id": 76, "display_name": "Luxembourg-2"}],
}
_STATE: Final = '''"""The tests expect a server without memory: bring back, before each, what it knows."""
import os
import urllib.error
import urllib.request

import pytest

KEYS = os.environ["TEST_API_BASE_URL"] + "/cloud/v3/inference/1/api_keys"
HEADERS = {"Authorization": "apikey My API Key"}


def send(method, url, body=None):
    request = urllib.request.Request(url, data=body, method=method, headers=HEADERS)
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()
    except urllib.error.HTTPError as error:
        error.close()
        if error.code not in (404, 409):
            raise


@pytest.fixture(autouse=True)
def the_keys_that_the_tests_name():
    send("DELETE", KEYS + "/my-api-key")
    send("POST", KEYS, b'{"name": "aws-dev"}')
'''


def main(words: Sequence[str]) -> int:
    """Run the tests, print what became of them, and return the exit code."""
    parser = argparse.ArgumentParser(prog="vendor_suite.py", description="Run the vendor's SDK tests.")
    parser.add_argument("source", nargs="?", type=Path, help="an unpacked source distribution of gcore")
    parser.add_argument("--python", type=Path, help="an interpreter that has the SDK and its test tools")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as place:
        try:
            source = given.source or _downloaded(Path(place))
            python = given.python or _environment(Path(place), source)
        except (subprocess.CalledProcessError, OSError, tarfile.TarError) as error:
            print(f"the tests cannot be had: {error}", file=sys.stderr)
            return _NOT_RUN
        counts = Counter[str]()
        for path, words_of_names in _SELECTIONS:
            outcome = _outcome(Path(place), source, python, (path, words_of_names))
            shown = ", ".join(f"{number} {what}" for what, number in outcome.items() if number)
            print(f"{path}{f' -k {words_of_names}' if words_of_names else ''}: {shown or 'nothing'}")
            counts += outcome
    if not counts["passed"]:
        return _NOT_RUN
    return _FAILED if counts["failed"] else 0


def _downloaded(place: Path) -> Path:
    """Fetch the newest source distribution, and return where it is unpacked."""
    command = ["download", "--quiet", "--no-deps", "--no-binary", "gcore", "--dest", str(place), "gcore"]
    subprocess.run([sys.executable, "-m", "pip", *command], check=True)
    (archive,) = place.glob("gcore-*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(place / "source", filter="data")
    (source,) = (place / "source").iterdir()
    return source


def _environment(place: Path, source: Path) -> Path:
    """Install the SDK and what its tests need, and return the interpreter that has them."""
    venv.create(place / "environment", with_pip=True)
    python = place / "environment/bin/python"
    wanted = [f"{source.resolve()}[aiohttp]", *_TOOLS]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
    return python


def _outcome(place: Path, source: Path, python: Path, selection: tuple[str, str]) -> Counter[str]:
    """Run some tests against an emulator of their own, and count what became of them."""
    report = place / "report.xml"
    report.unlink(missing_ok=True)
    (place / "vendor_state.py").write_text(_STATE, encoding="utf-8")
    path, names = selection
    options = [
        "-q",
        "-o",
        "addopts=",
        "-p",
        "vendor_state",
        "-p",
        "no:cacheprovider",
        "--junitxml",
        str(report),
    ]
    with Emulator(seed=_SEED, token=_TOKEN) as emulator:
        environment = os.environ | {
            "PYTHONPATH": str(place),
            "TEST_API_BASE_URL": emulator.url,
            "NO_PROXY": "127.0.0.1",
        }
        ended = subprocess.run(
            [python, "-m", "pytest", *options, *(["-k", names] if names else []), path],
            cwd=source,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if ended.returncode:
        print(ended.stdout + ended.stderr, file=sys.stderr)
    return _counts(report) if report.exists() else Counter()


def _counts(report: Path) -> Counter[str]:
    """Count the tests of a report by what became of them."""
    counts = Counter[str]()
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written by the run just ended
        kinds = {child.tag for child in case}
        failed = kinds & {"failure", "error"}
        counts["failed" if failed else "skipped" if "skipped" in kinds else "passed"] += 1
    return counts


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
