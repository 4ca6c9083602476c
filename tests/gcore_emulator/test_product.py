"""The emulator for other projects: a command of its own, and fixtures for pytest, as its page shows them."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/emulator.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_command_of_its_own_is_that_of_the_module() -> None:
    module, _, name = PROJECT["scripts"]["gcore-emulator"].partition(":")
    assert callable(getattr(import_module(module), name))
    done = subprocess.run(
        [sys.executable, "-m", "gcore_emulator", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: gcore-emulator [OPTIONS]\n")
    assert "--fault-reset-after" in done.stdout


def test_the_command_reads_variables_of_its_own_and_serves() -> None:
    environment = {"GCORE_EMULATOR_PORT": "0", "GCORE_EMULATOR_TOKEN": "made-up"}
    with subprocess.Popen(
        [sys.executable, "-m", "gcore_emulator"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            found = httpx.get(f"{url}/cloud/v1/caas/keys/1/76", headers={"Authorization": "apikey made-up"})
        finally:
            process.terminate()
    assert (found.json(), process.returncode) == ({"count": 0, "results": []}, 0)


def run(pytester: pytest.Pytester, conftest: str, test: str) -> pytest.RunResult:
    """Run a test file of another project, whose pytest knows nothing of this one."""
    pytester.makeconftest(conftest)
    pytester.makepyfile(test)
    return pytester.runpytest_inprocess("--strict-markers", "-p", "no:cacheprovider", "-p", "no:xdist")


def test_the_fixtures_work_as_the_page_shows(pytester: pytest.Pytester) -> None:
    conftest, test = re.findall(r"```python title=\"(?:conftest|test_keys)\.py\"\n(.*?)```", PAGE, re.DOTALL)
    run(pytester, conftest, test).assert_outcomes(passed=3)


PLUGIN = 'pytest_plugins = ["gcore_emulator.pytest_plugin"]'


def test_each_test_has_an_emulator_of_its_own(pytester: pytest.Pytester) -> None:
    test = """
        import pytest

        KEYS = {"caas": {"1/76": [{"name": "web", "containers": []}]}}
        pytestmark = pytest.mark.gcore_emulator(token="made-up", seed=KEYS)

        def test_one(gcore_emulator):
            gcore_emulator.remove_key(1, 76, "web")

        @pytest.mark.gcore_emulator(token="other")
        def test_two(gcore_emulator):
            assert [*gcore_emulator.keys(1, 76)] == ["web"]
            assert gcore_emulator.token == "other"
    """
    run(pytester, PLUGIN, test).assert_outcomes(passed=2)


def test_arguments_without_names_and_wrong_seeds_are_errors_of_the_test(pytester: pytest.Pytester) -> None:
    test = """
        import pytest

        @pytest.mark.gcore_emulator({"caas": {}})
        def test_unnamed(gcore_emulator):
            pass

        @pytest.mark.gcore_emulator(seed={"caas": {"1": []}})
        def test_wrong(gcore_emulator):
            pass
    """
    result = run(pytester, PLUGIN, test)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*takes its arguments by name*", "*SeedError*"])
