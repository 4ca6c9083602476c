"""No version that is pinned has a known vulnerability."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from counterparts import ROOT, find
from tests.integration.conftest import CANNOT
from tests.integration.running import machine


def audit(lock: str) -> list[dict[str, Any]]:
    """Return what pip-audit knows of each package of a lock."""
    words = ("--format=json", "--progress-spinner=off", "--disable-pip", "--require-hashes", "--requirement")
    done = subprocess.run(
        [str(find("pip-audit")), *words, str(ROOT / "requirements" / lock)],
        env=machine(),
        capture_output=True,
        text=True,
        check=False,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout or "{}").get("dependencies", [])
    if not any("vulns" in each for each in found):
        last = (done.stderr.strip() or "no output").splitlines()[-1]
        said = found[0]["skip_reason"] if found else last
        pytest.skip(f"pip-audit{CANNOT}its database knows none of the packages ({said})")
    return found


@pytest.mark.counterpart("pip-audit")
def test_no_pinned_version_has_a_known_vulnerability() -> None:
    audit("lock.txt")  # one package tells whether there is a database
    found = audit("dev.txt")
    assert [each["name"] for each in found if "vulns" not in each] == []
    assert {each["name"]: each["vulns"] for each in found if each["vulns"]} == {}
