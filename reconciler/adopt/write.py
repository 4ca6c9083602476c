"""Writing a file whole or not at all, and several files all or none."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import ConfigurationError, os_reason
from reconciler.load.write import create_new, sync_folder, write_beside
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import FileIO

    from reconciler.adopt.located import Rewritten

_NO_NEW_FILE: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""Why no file can be created in a folder, though an existing one may be writable."""
_NO_NEW_NAME: Final = frozenset({errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM})
"""Why a file cannot take the name of another: that is mounted, or its folder is not ours to change."""


def replace_texts(files: Iterable[Rewritten]) -> None:
    """Write edits of several files that belong together: all, or none.

    Where one of them cannot be written, or the run is interrupted, those before it get back what they held.
    Raises ConfigurationError as :func:`replace_text` does; it names the files for which that failed, too.
    """
    written: list[Rewritten] = []
    try:
        for one in files:
            replace_text(one.file, one.before, one.after)
            written.append(one)
    except BaseException as error:
        left = [one.file for one in reversed(written) if not _is_restored(one)]
        if left:
            what = f"{error}; {listed(left)} had been written before, and could not be written back"
            raise ConfigurationError(what) from error
        raise


def _is_restored(one: Rewritten) -> bool:
    """Write back what a file held; return whether that was possible."""
    try:
        replace_text(one.file, one.after.encode(), one.before.decode())
    except ConfigurationError:
        return False
    return True


def replace_text(file: str, before: bytes, text: str) -> None:
    """Write ``text`` into a file that holds ``before``; the target of a link is written, not the link.

    The file retains its owner, group, permissions and attributes, and all its names. It is replaced in one
    step where that is possible. If not, because it has several names, is a mount point, is in a folder
    without write permission, or could not retain its owner, it is overwritten; its old content is stored
    beside it until that is done. Raises ConfigurationError if the file changed in the meantime, or cannot be
    written.
    """
    place = Path(file).resolve()
    content = text.encode()
    try:
        with place.open("r+b", buffering=0) as opened:
            if opened.readall() != before:
                raise ConfigurationError(
                    f"{file} changed while it was read, so nothing was written; try again"
                )
            if os.fstat(opened.fileno()).st_nlink > 1 or not _replaced(place, content):
                _written_over(place, opened, before, content)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {os_reason(error)}") from error


def write_new(file: str, text: str) -> None:
    """Write a new file. Raises ConfigurationError if it exists already, or cannot be written."""
    try:
        create_new(Path(file), text)
    except FileExistsError as error:
        raise ConfigurationError(f"{file} exists already, so nothing was written; use another") from error
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {os_reason(error)}") from error


def _replaced(place: Path, content: bytes) -> bool:
    """Replace a file in one step by one with the same attributes; return whether that was possible."""
    try:
        temporary = write_beside(place, content)
    except OSError as error:
        if error.errno in _NO_NEW_FILE:
            return False
        raise
    try:
        if not _is_like(place, temporary):
            return False
        temporary.replace(place)
    except OSError as error:
        if error.errno in _NO_NEW_NAME:
            return False
        raise
    finally:
        temporary.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        sync_folder(place.parent)
    return True


def _is_like(place: Path, temporary: Path) -> bool:
    """Copy owner, permissions and attributes to a new file; return whether that succeeded."""
    facts, attributes = place.stat(), _attributes(place)
    with contextlib.suppress(OSError):
        if (temporary.stat().st_uid, temporary.stat().st_gid) != (facts.st_uid, facts.st_gid):
            os.chown(temporary, facts.st_uid, facts.st_gid)
        shutil.copystat(place, temporary)
        os.utime(temporary)
    made = temporary.stat()
    same = (made.st_uid, made.st_gid, made.st_mode) == (facts.st_uid, facts.st_gid, facts.st_mode)
    return same and _attributes(temporary) == attributes


def _attributes(place: Path) -> dict[str, bytes]:
    """Return the extended attributes of a file, among them its access list; empty if unsupported."""
    if sys.platform != "linux":
        return {}
    try:
        return {name: os.getxattr(place, name) for name in os.listxattr(place)}
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise


def _written_over(place: Path, opened: FileIO, before: bytes, content: bytes) -> None:
    """Overwrite a file. On failure restore its content. Raises OSError."""
    copy = _copy(place, before)
    try:
        _write(opened, content)
    except BaseException:
        try:
            _write(opened, before)
        except OSError as error:
            raise ConfigurationError(
                f"{place} could not be written completely: {os_reason(error)}; its old content is in {copy}"
            ) from error
        copy.unlink(missing_ok=True)
        raise
    copy.unlink(missing_ok=True)


def _copy(place: Path, before: bytes) -> Path:
    """Store the content of a file beside it, or in the system's temporary folder. Raises OSError."""
    try:
        return write_beside(place, before)
    except OSError as error:
        if error.errno not in _NO_NEW_FILE:
            raise
        return write_beside(Path(tempfile.gettempdir(), place.name), before)


def _write(opened: FileIO, content: bytes) -> None:
    """Overwrite a file, first the old length and then the rest, and truncate it at the end."""
    opened.seek(0)
    rest = memoryview(content)
    while rest:
        rest = rest[opened.write(rest) :]
    opened.truncate()
    os.fsync(opened.fileno())
