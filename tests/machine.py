"""What a test takes from this process for a while: its privileges, room on the disk."""

from __future__ import annotations

import contextlib
import os
import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNPRIVILEGED = 65534


@contextlib.contextmanager
def unprivileged(file: Path | None = None) -> Iterator[None]:
    """Become a user whom file modes bind, also where root runs the tests.

    The folders above ``file`` are opened to that user.
    """
    is_root = os.geteuid() == 0
    for folder in file.parent.parents if file and is_root else ():
        folder.chmod(folder.stat().st_mode | 0o111)
    try:
        if is_root:
            os.seteuid(UNPRIVILEGED)
        yield
    finally:
        if is_root:
            os.seteuid(0)


@contextlib.contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes, which is as good as a disk that has no more left."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
