"""A user edits keys in the portal, and a service that corrects each second brings them back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from chaos_runs.promises import Findings
from gcore_emulator import Emulator
from soak_runs.world import TOKEN, declared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

_PATIENCE_SECONDS = 20


def correct_edits(directory: Path, edits: int, rng: Random) -> Findings:
    """Edit ``edits`` keys one after the other, at any instant of a round, and see each corrected."""
    findings = Findings(f"{edits} edits in the portal, and --every 1s")
    keys = [declared(number, 0) for number in range(edits)]
    file = directory / "portal.yaml"
    file.write_text(json.dumps({"project_id": 1, "region_id": 76, "keys": keys}), encoding="utf-8")
    with Emulator(token=TOKEN) as emulator:
        for key in keys:
            emulator.put_key(1, 76, key)
        words = ("drift", str(file), "--correct", "all", "--every", "1s", "--quiet")
        environment = os.environ | {"GCORE_API_KEY": TOKEN, "GCORE_BASE_URL": emulator.url}
        with subprocess.Popen(
            [sys.executable, "-m", "reconciler", *words], stdout=subprocess.DEVNULL, env=environment
        ) as service:
            try:
                _await(lambda: _listings(emulator, 0) > 0)
                broken = [reported for key in keys for reported in _edit(emulator, key, findings, rng)]
            finally:
                service.terminate()
    findings.promise("each is corrected within two rounds", broken)
    return findings


def _edit(emulator: Emulator, key: dict[str, Any], findings: Findings, rng: Random) -> list[str]:
    time.sleep(rng.random())
    seen = len(emulator.requests)
    emulator.put_key(1, 76, key | {"is_disabled": True})
    if not _await(lambda: not emulator.keys(1, 76)[key["name"]]["is_disabled"]):
        return [f"{key['name']} was not corrected in {_PATIENCE_SECONDS} s"]
    # The round that was under way when the key was edited may have read it before: that is the first.
    rounds = _listings(emulator, seen) + 1
    findings.add(f"corrected with {rounds - 1} listings after the edit")
    return [] if rounds <= 2 else [f"{key['name']} took {rounds} rounds"]  # noqa: PLR2004 - what is promised


def _listings(emulator: Emulator, since: int) -> int:
    """Count the listings after so many requests, up to the correction that follows them."""
    count = 0
    for record in emulator.requests[since:]:
        if record.method == "PATCH":
            break
        count += record.method == "GET"
    return count


def _await(condition: Callable[[], bool]) -> bool:
    latest = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > latest:
            return False
        time.sleep(0.01)
    return True
