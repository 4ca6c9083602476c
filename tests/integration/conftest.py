"""Tests that run against real counterparts; what cannot be had is skipped, and listed by name in the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import pytest

from counterparts import COUNTERPARTS, reason

if TYPE_CHECKING:
    from collections.abc import Generator

CANNOT: Final = " cannot be had: "
_MARK: Final = "counterpart"
_SLOW: Final = ("act", "gitlab-ci-local", "pre-commit", "the vendor's SDK", "checkov", "zensical")
"""Counterparts whose tests take long: they begin first, and no worker waits for one at the end."""


class _List:
    """Counts what became of the tests of each counterpart, and prints it."""

    def __init__(self) -> None:
        self._counts = defaultdict[str, Counter[str]](Counter)
        self._reasons: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            for name, value in report.user_properties:
                if name == _MARK:
                    self._counts[str(value)][report.outcome] += 1
            if report.skipped and isinstance(report.longrepr, tuple):
                name, found, why = report.longrepr[2].removeprefix("Skipped: ").partition(CANNOT)
                self._reasons |= {name: why} if found else {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None]:
        yield
        terminalreporter.section("real counterparts")
        for each in COUNTERPARTS:
            counts = self._counts[each.name]
            why = self._reasons.get(each.name) or reason(each.name)
            ran = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))
            if why or ran:
                line = CANNOT.strip() + f" {why}" if why else f"tests: {ran}"
                terminalreporter.write_line(f"{each.name:22}{line}")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # workers report to the process that started them
        config.pluginmanager.register(_List())


def _names(item: pytest.Item) -> list[str]:
    return [str(name) for mark in item.iter_markers(_MARK) for name in mark.args]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow = {name: place for place, name in enumerate(_SLOW)}
    items.sort(key=lambda item: min(slow.get(name, len(slow)) for name in [*_names(item), ""]))


def pytest_runtest_setup(item: pytest.Item) -> None:
    names = _names(item)
    assert names, "each test of this folder says which counterparts it needs"
    item.user_properties += [(_MARK, name) for name in names]
    for name in names:
        if why := reason(name):
            pytest.skip(f"{name}{CANNOT}{why}")
