"""Fixtures for pytest: an emulator for each test, with nothing in it unless the test says so.

In the ``conftest.py`` at the root of your tests::

    pytest_plugins = ["gcore_emulator.pytest_plugin"]

A test that takes ``gcore_emulator`` gets a running `Emulator`; one that takes ``gcore_environment`` has its
address and token in the environment, where programs look for them. The mark ``gcore_emulator`` holds
arguments of `Emulator`, such as ``seed``, ``switches`` and ``faults``; what is nearest to the test counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

import gcore_emulator as package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gcore_emulator import Emulator

_MARK: Final = "gcore_emulator"


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, so that a misspelt one is an error under ``--strict-markers``."""
    config.addinivalue_line(
        "markers", f"{_MARK}(**arguments): arguments of the test's Emulator: seed, faults, …"
    )


@pytest.fixture
def gcore_emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Yield a running emulator, and stop it in the end."""
    arguments: dict[str, Any] = {}
    for mark in reversed([*request.node.iter_markers(_MARK)]):
        if mark.args:
            raise pytest.UsageError(f"the mark {_MARK} takes its arguments by name, such as seed={{...}}")
        arguments |= mark.kwargs
    with package.Emulator(**arguments) as emulator:
        yield emulator


@pytest.fixture
def gcore_environment(gcore_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Return the emulator, with the usual variables of the environment set to it."""
    monkeypatch.setenv("GCORE_BASE_URL", gcore_emulator.url)
    monkeypatch.setenv("GCORE_API_KEY", gcore_emulator.token)
    return gcore_emulator
