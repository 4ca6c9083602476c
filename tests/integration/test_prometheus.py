"""Prometheus and Alertmanager, against the metrics of a running service."""

from __future__ import annotations

import subprocess

import pytest

from counterparts import find
from tests.contract.test_dashboards import RULES


@pytest.mark.counterpart("promtool")
@pytest.mark.parametrize("words", ["check rules alerts.yml", "test rules alerts_test.yml"])
def test_promtool_accepts_the_rules_and_their_tests(words: str) -> None:
    command = [str(find("promtool")), *words.split()]
    done = subprocess.run(command, cwd=RULES.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
