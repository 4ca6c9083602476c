"""How many cores a process may use: what its container has counts, not what the machine has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.machine import usable_cores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CORES = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("group", "quotas", "cores"),
    [
        ("0::/\n", {".": "100000 100000"}, 1),
        ("0::/\n", {".": "50000 100000"}, 1),
        ("0::/\n", {".": "110000 100000"}, min(2, CORES)),
        ("0::/\n", {".": "max 100000"}, CORES),
        ("0::/\n", {".": "100000000 100000"}, CORES),
        ("0::/\n", {".": "0 100000"}, 1),
        ("0::/a.slice/b.service\n", {"a.slice": "max 100000", "a.slice/b.service": "100000 100000"}, 1),
        ("0::/a.slice/b.service\n", {"a.slice": "100000 100000"}, 1),
        ("12:cpu:/x\n0::/a\n", {"a": "100000 100000"}, 1),
        ("0::/../..\n", {}, CORES),
        ("0::/gone\n", {}, CORES),
        ("", {".": "word"}, CORES),
        ("", {".": "1 0"}, CORES),
    ],
)
def test_the_smallest_of_affinity_and_quotas_counts(
    tmp_path: Path, group: str, quotas: Mapping[str, str], cores: int
) -> None:
    groups, process = tmp_path / "groups", tmp_path / "cgroup"
    process.write_text(group)
    groups.mkdir()
    for folder, text in quotas.items():
        (groups / folder).mkdir(parents=True, exist_ok=True)
        (groups / folder / "cpu.max").write_text(f"{text}\n")
    assert usable_cores(process, groups) == cores


def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert usable_cores(tmp_path / "none", tmp_path / "none") == CORES
