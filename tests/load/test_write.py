"""Files are written atomically, private ones with owner-only permissions."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import os_reason
from reconciler.load.write import (
    PRIVATE,
    create_private,
    open_private,
    sync_folder,
    write_beside,
    write_whole,
)

if TYPE_CHECKING:
    from pathlib import Path


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def fail(_descriptor: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_private_file_has_owner_only_permissions_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        create_private(tmp_path / "secret", b"content")
    finally:
        os.umask(before)
    assert mode(tmp_path / "secret") == PRIVATE
    assert (tmp_path / "secret").read_bytes() == b"content"


def test_a_private_file_replaces_nothing_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        create_private(tmp_path / "link", b"content")
    assert not (tmp_path / "elsewhere").exists()


def test_a_private_file_that_cannot_be_synced_is_removed(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="Input/output error"):
            create_private("secret", b"content", folder, fail)
    finally:
        os.close(folder)
    assert list(tmp_path.iterdir()) == []


def test_an_atomically_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    write_whole(file, "one")
    assert mode(file) == PRIVATE
    file.chmod(0o644)
    write_whole(file, "two\r\n")
    assert (file.read_bytes(), mode(file), [*tmp_path.iterdir()]) == (b"two\r\n", 0o644, [file])


def test_an_invalid_file_name_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File name too long"):
        write_whole(tmp_path / ("x" * 300), "text")
    assert list(tmp_path.iterdir()) == []


def test_a_special_file_is_written_and_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(tmp_path / "pipe", "text")
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_temporary_file_is_private_and_in_the_same_folder(tmp_path: Path) -> None:
    temporary = write_beside(tmp_path / "keys.yaml", b"text")
    assert (temporary.parent, mode(temporary), temporary.read_bytes()) == (tmp_path, PRIVATE, b"text")


def test_a_temporary_file_that_another_run_left_stays_and_has_another_name(tmp_path: Path) -> None:
    left, temporary = (write_beside(tmp_path / "keys.yaml", content) for content in (b"left", b"text"))
    assert (left.read_bytes(), temporary.read_bytes()) == (b"left", b"text")


def test_an_opened_file_is_created_private_or_left_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    os.close(open_private(file))
    assert mode(file) == PRIVATE
    file.chmod(0o640)
    os.close(open_private(file, os.O_APPEND))
    assert mode(file) == 0o640
    sync_folder(tmp_path)


def test_the_reason_of_an_error_is_never_empty() -> None:
    assert os_reason(OSError(errno.ENOSPC, "No space left on device")) == "No space left on device"
    assert os_reason(ValueError("embedded null byte"), "no name of a file") == "no name of a file"
    assert os_reason(ValueError("embedded null byte")) == "embedded null byte"
    assert os_reason(MemoryError()) == "MemoryError"
