"""What a test takes from this process for a while: its privileges, room on the disk."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

UNPRIVILEGED = 65534


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """Create a folder that every user may enter.

    It is not in that of pytest: each run of pytest that starts closes the folder of all runs to other users.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Become a user whom file modes bind, also where root runs the tests; see :func:`open_folder`."""
    is_root = os.geteuid() == 0
    try:
        if is_root:
            os.seteuid(UNPRIVILEGED)
        yield
    finally:
        if is_root:
            os.seteuid(0)


@contextlib.contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Limit files to ``size`` bytes, which is as good as a disk that has no more left.

    No module is cached meanwhile: its file would be cut off, and every later import of it would fail.
    """
    before, writes_no_cache = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = writes_no_cache
