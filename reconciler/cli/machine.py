"""The resources of the machine, or the container, for this process."""

from __future__ import annotations

import os
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROCESS: Final = Path("/proc/self/cgroup")
_GROUPS: Final = Path("/sys/fs/cgroup")


def usable_cores(process: Path = _PROCESS, groups: Path = _GROUPS) -> int:
    """Return the number of cores this process may use: by its affinity, and the quotas of control groups.

    ``process`` contains the group of the process, ``groups`` is the folder of the groups.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min([affinity, *_quotas(process, groups)]), 1)


def _quotas(process: Path, groups: Path) -> Iterator[int]:
    """Yield the quotas of a control group (version 2) and of those around it, in cores."""
    own = ""
    with suppress(OSError, ValueError):
        lines = process.read_text(encoding="utf-8").splitlines()
        own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    place = groups / own
    for folder in (place, *place.parents):
        with suppress(OSError, ValueError, ZeroDivisionError):  # "max" is no quota
            quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
            yield ceil(int(quota) / int(period))
        if folder == groups:
            return
