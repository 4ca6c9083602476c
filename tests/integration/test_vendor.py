"""The vendor's own tests of its SDK pass against the emulator."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from counterparts import FOLDER, ROOT


@pytest.mark.counterpart("the vendor's SDK")
def test_the_tests_of_the_sdk_pass() -> None:
    (source,) = (FOLDER / "gcore/source").iterdir()
    words = [str(ROOT / "tools/vendor_suite.py"), str(source), f"--python={FOLDER}/gcore/bin/python"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sum(map(int, re.findall(r": (\d+) passed", done.stdout))) >= 145
