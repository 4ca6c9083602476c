"""Editing a file in place: atomically, and still the same file to all others."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from reconciler.adopt.located import Rewritten
from reconciler.adopt.write import replace_text, replace_texts
from reconciler.errors import ConfigurationError
from tests.machine import UNPRIVILEGED, full_disk, open_folder, unprivileged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD, NEW = "keys: []\n", "keys:\n  - name: web\n"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def file() -> Iterator[Path]:
    with open_folder() as folder:
        path = folder / "kept" / "keys.yaml"
        path.parent.mkdir()
        path.write_text(OLD, encoding="utf-8")
        path.chmod(0o640)
        yield path


def replace(file: Path, old: str = OLD) -> None:
    replace_text(str(file), old.encode(), NEW)


def names(file: Path) -> list[str]:
    return sorted(place.name for place in file.parent.iterdir())


def test_a_file_is_replaced_in_one_step_and_keeps_its_permissions(file: Path) -> None:
    with file.open(encoding="utf-8") as reader:
        replace(file)
        assert reader.read() == OLD
    assert file.read_text(encoding="utf-8") == NEW
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert names(file) == ["keys.yaml"]


@as_root
def test_a_file_keeps_its_owner_and_group(file: Path) -> None:
    os.chown(file, UNPRIVILEGED, 12345)
    replace(file)
    assert (file.read_text(encoding="utf-8"), file.stat().st_uid, file.stat().st_gid) == (
        NEW,
        UNPRIVILEGED,
        12345,
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@as_root
def test_a_writable_file_of_another_user_keeps_its_owner(file: Path) -> None:
    file.chmod(0o666)
    file.parent.chmod(0o777)
    before = file.stat().st_ino
    with unprivileged():
        replace(file)
    assert (file.read_text(encoding="utf-8"), file.stat().st_uid, file.stat().st_ino) == (NEW, 0, before)
    assert names(file) == ["keys.yaml"]


def test_hard_links_of_a_file_are_preserved(file: Path) -> None:
    other = file.parent / "other.yaml"
    os.link(file, other)
    replace(file)
    assert file.samefile(other)
    assert other.read_text(encoding="utf-8") == NEW
    assert names(file) == ["keys.yaml", "other.yaml"]


def test_the_target_of_a_link_is_written(file: Path) -> None:
    link = file.parent.parent / "link.yaml"
    link.symlink_to("kept/keys.yaml")
    replace(link)
    assert link.is_symlink()
    assert file.read_text(encoding="utf-8") == NEW


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="there are no extended attributes here")
def test_a_file_keeps_its_attributes(file: Path) -> None:
    try:
        os.setxattr(file, "user.origin", b"security team")
    except OSError:
        pytest.skip("this disk keeps no extended attributes")
    replace(file)
    assert (file.read_text(encoding="utf-8"), os.getxattr(file, "user.origin")) == (NEW, b"security team")


@as_root
@pytest.mark.parametrize("size", [len(NEW), 0])
def test_a_bind_mounted_file_is_written(file: Path, size: int) -> None:
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if mount is None or unmount is None:
        pytest.skip("nothing can be mounted here")
    mounted = file.parent / "mounted.yaml"
    mounted.touch()
    if subprocess.run([mount, "--bind", file, mounted], capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        replace(mounted)
        assert mounted.read_text(encoding="utf-8") == NEW
        mounted.write_text("x" * size, encoding="utf-8")
        replace(mounted, "x" * size)
    finally:
        subprocess.run([unmount, mounted], check=True)
    assert file.read_text(encoding="utf-8") == NEW
    assert names(file) == ["keys.yaml", "mounted.yaml"]


def test_a_file_in_a_read_only_folder_is_written(file: Path) -> None:
    file.chmod(0o666)
    file.parent.chmod(0o555)
    with unprivileged():
        replace(file)
    assert file.read_text(encoding="utf-8") == NEW
    assert names(file) == ["keys.yaml"]


def test_a_read_only_file_is_not_changed(file: Path) -> None:
    file.chmod(0o444)
    file.parent.chmod(0o777)
    with unprivileged(), pytest.raises(ConfigurationError, match="cannot be written: Permission denied"):
        replace(file)
    assert file.read_text(encoding="utf-8") == OLD


@pytest.mark.parametrize("now", ["", OLD + "#\n", OLD[:-1], "x" * len(OLD)])
def test_a_concurrent_change_is_not_overwritten(file: Path, now: str) -> None:
    file.write_text(now, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="changed while it was read, so nothing was written"):
        replace(file)
    assert file.read_text(encoding="utf-8") == now


def test_a_deleted_file_is_not_created(file: Path) -> None:
    file.unlink()
    with pytest.raises(ConfigurationError, match="cannot be written: No such file or directory"):
        replace(file)
    assert names(file) == []


@pytest.mark.parametrize("other", [[], ["other.yaml"]], ids=["one name", "two names"])
@pytest.mark.parametrize("room", [0, len(OLD), len(NEW) - 1])
def test_on_a_full_disk_nothing_is_lost(file: Path, other: list[str], room: int) -> None:
    for name in other:
        os.link(file, file.parent / name)
    with full_disk(room), pytest.raises(ConfigurationError, match="cannot be written: File too large"):
        replace(file)
    assert file.read_text(encoding="utf-8") == OLD
    assert names(file) == ["keys.yaml", *other]


def test_of_several_files_all_are_written_or_none(file: Path) -> None:
    other = file.with_name("other.yaml")
    other.write_text(OLD)
    edits = [Rewritten(str(one), OLD.encode(), NEW) for one in (file, other)]
    with pytest.raises(ConfigurationError, match="changed while it was read"):
        replace_texts([*edits, Rewritten(str(file), b"else", NEW)])
    assert (file.read_text(), other.read_text()) == (OLD, OLD)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    replace_texts(edits)
    assert (file.read_text(), other.read_text()) == (NEW, NEW)


def test_a_file_that_cannot_be_written_back_is_named(file: Path) -> None:
    def edits() -> Iterator[Rewritten]:
        yield Rewritten(str(file), OLD.encode(), NEW)
        file.write_text("by someone else")
        yield Rewritten("missing.yaml", b"", NEW)

    with pytest.raises(ConfigurationError, match=r"missing.yaml cannot .*kept/keys.yaml had been written"):
        replace_texts(edits())
    assert file.read_text() == "by someone else"
