"""Write files atomically: replaced in one step, or created for their owner only."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PRIVATE: Final = 0o600
_NO_SYNC: Final = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
"""What file systems raise that cannot sync a folder."""


def write_whole(file: Path, text: str) -> None:
    """Store ``text`` in ``file`` atomically: a reader finds the old content or the new.

    An existing file retains its permissions. A special file, such as /dev/stdout, is written directly. Raises
    OSError.
    """
    if file.exists() and not file.is_file():
        file.write_text(text, encoding="utf-8")
        return
    temporary = write_beside(file, text.encode())
    try:
        if file.exists():
            temporary.chmod(stat.S_IMODE(file.stat().st_mode))
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def create_new(file: Path, text: str) -> None:
    """Store ``text`` in a new file. Raises OSError, for an existing file FileExistsError."""
    with file.open("x", encoding="utf-8") as stream:
        stream.write(text)


def write_beside(file: Path, content: bytes) -> Path:
    """Write a new private file into the folder of another file, and return its path. Raises OSError."""
    for number in count():  # what a killed run has left is passed over
        temporary = file.parent / f".reconciler-{os.getpid()}-{number}"
        with suppress(FileExistsError):
            create_private(temporary, content)
            break
    return temporary


def create_private(
    name: Path | str, content: bytes, folder: int | None = None, sync: Callable[[int], None] = os.fsync
) -> None:
    """Create a file for its owner only, synced to disk, or leave none.

    ``folder`` is the descriptor of the folder of ``name``. Raises OSError, for an existing file
    FileExistsError: nothing is overwritten, and no link is followed.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, PRIVATE, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, PRIVATE)  # whatever the umask has taken away
            stream.write(content)
            stream.flush()
            sync(descriptor)
    except BaseException:
        os.unlink(name, dir_fd=folder)
        raise


def unsynced(_descriptor: int) -> None:
    """Do not sync: leave it to the system when a file is written to disk."""


def open_private(file: Path | str, flags: int = 0) -> int:
    """Open a file for reading and writing; a new one is created for its owner only. Raises OSError."""
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | flags, PRIVATE)


def sync_folder(folder: Path | int) -> None:
    """Sync the entries of a folder to disk, if its file system supports that. Raises OSError."""
    if isinstance(folder, Path):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sync_folder(descriptor)
        finally:
            os.close(descriptor)
        return
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
