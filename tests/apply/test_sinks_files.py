"""Secrets as files: private, written atomically, and existing files are preserved."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.apply.sinks.fallback import Rescuer, synced
from reconciler.apply.sinks.file import FileSink
from reconciler.apply.sinks.sink import Place
from reconciler.errors import SinkError
from reconciler.model.scope import Scope
from reconciler.model.secret import Secret
from reconciler.model.system import SystemRandomness
from tests.apply.sinks import SECRET, VALUE, WEB, probe_error, safe, store, store_error
from tests.machine import full_disk, open_folder, unprivileged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IS_ROOT = os.geteuid() == 0
NAME = "caas_1_76_web"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def bound_folder() -> Iterator[Path]:
    """Return the path of a folder, for a user whom its mode binds."""
    with open_folder() as above:
        above.chmod(0o777)
        with unprivileged():
            yield above / "keys"


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o277, 0o777], ids="umask {:03o}".format)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rescue(folder: Path, sync: Callable[[Path], None] = synced) -> str:
    return Rescuer([folder], sync).rescue(WEB.address, SECRET)


def content(path: Path) -> str:
    return path.read_bytes().decode()


def test_a_file_contains_only_the_secret_and_its_location_is_reported(folder: Path) -> None:
    assert store(FileSink(folder, SystemRandomness())) == f"file:{folder / NAME}"
    assert content(folder / NAME) == VALUE
    assert names(folder) == [NAME]


def test_the_location_is_reported_as_an_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert store(FileSink(Path("some/../keys"), SystemRandomness())) == f"file:{tmp_path / 'keys' / NAME}"


@pytest.mark.usefixtures("umask")
def test_files_and_folders_are_private_whatever_the_umask(folder: Path) -> None:
    store(FileSink(folder / "new", SystemRandomness()))
    assert [mode(folder), mode(folder / "new"), mode(folder / "new" / NAME)] == [0o700, 0o700, 0o600]


@pytest.mark.usefixtures("umask")
def test_a_probe_leaves_nothing_behind(folder: Path) -> None:
    FileSink(folder / "new", SystemRandomness()).probe([WEB])
    assert not folder.exists()
    folder.mkdir()
    folder.chmod(0o700)
    FileSink(folder, SystemRandomness()).probe([WEB])
    assert names(folder) == []


@pytest.mark.parametrize("bits", [0o750, 0o701, 0o777, 0o1777, 0o720])
def test_a_folder_that_is_open_to_others_is_refused(folder: Path, bits: int) -> None:
    folder.mkdir()
    folder.chmod(bits)
    advice = "use another one; a missing one is created for you only"  # chmod on /tmp would harm others
    expected = f"the folder {folder} is accessible to others (mode {bits:04o}): {advice}"
    assert probe_error(FileSink(folder, SystemRandomness())) == expected
    assert store_error(FileSink(folder, SystemRandomness())) == expected
    assert names(folder) == []


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, -1)
    assert (
        probe_error(FileSink(folder, SystemRandomness()))
        == f"the folder {folder} belongs to user 12345, not to you: use another one"
    )
    assert store_error(FileSink(folder, SystemRandomness())) == probe_error(
        FileSink(folder, SystemRandomness())
    )


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_link_in_the_place_of_the_folder_is_not_followed(folder: Path, ending: str) -> None:
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)
    expected = f"{folder} is a symbolic link, which could lead anywhere: name the folder itself"
    assert probe_error(FileSink(Path(f"{folder}{ending}"), SystemRandomness())) == expected
    assert store_error(FileSink(Path(f"{folder}{ending}"), SystemRandomness())) == expected
    assert names(elsewhere) == []


def test_a_dangling_link_is_not_replaced_by_a_folder(folder: Path) -> None:
    folder.symlink_to("nowhere")
    assert "symbolic link" in probe_error(FileSink(folder, SystemRandomness()))
    assert "cannot be created" in probe_error(FileSink(folder / "below", SystemRandomness()))
    assert names(folder.parent) == ["keys"]


def test_the_secret_of_a_replaced_key_takes_the_name_and_earlier_ones_are_preserved(folder: Path) -> None:
    sink = FileSink(folder, SystemRandomness())
    folder.mkdir(mode=0o700)
    (folder / NAME).write_text("first")
    (folder / NAME).chmod(0o644)
    for number in (1, 2):
        held = sink.probe([WEB])[WEB]
        assert held
        place = Place(WEB.scope, WEB.name, is_replaced=True)
        assert sink.store(place, Secret(f"next {number}"), held) == f"file:{folder / NAME}" == sink.where(WEB)
    assert {path.name: content(path) for path in folder.iterdir()} == {
        NAME: "next 2",
        f"{NAME}@1": "first",
        f"{NAME}@2": "next 1",
    }
    assert {mode(path) for path in folder.iterdir()} == {0o600}


def test_a_probe_returns_the_version_of_the_existing_file(folder: Path) -> None:
    sink, other = FileSink(folder, SystemRandomness()), Place(WEB.scope, "other")
    store(sink)
    first = sink.probe([WEB, other])
    assert (bool(first[WEB]), first[other]) == (True, "")
    store(sink)
    assert sink.probe([WEB])[WEB] not in {"", first[WEB]}


@pytest.mark.parametrize("held", ["", "1-2"], ids=["nothing", "another"])
def test_a_secret_created_after_the_probe_is_not_overwritten(folder: Path, held: str) -> None:
    store(FileSink(folder, SystemRandomness()))
    before = content(folder / NAME)
    with pytest.raises(SinkError) as caught:
        FileSink(folder, SystemRandomness()).store(WEB, Secret("newer"), held)
    advice = "was created by another program meanwhile, and is not overwritten; move it away"
    assert str(caught.value) == f"{folder / NAME} {advice}"
    assert (names(folder), content(folder / NAME)) == ([NAME], before)


def test_a_file_removed_after_the_probe_does_not_prevent_storing(folder: Path) -> None:
    assert FileSink(folder, SystemRandomness()).store(WEB, SECRET, "1-2") == f"file:{folder / NAME}"
    assert names(folder) == [NAME]


@pytest.mark.parametrize("what", ["a link", "a link to nowhere", "a folder", "a pipe"])
def test_an_unrelated_file_is_detected_by_the_probe_and_not_changed(folder: Path, what: str) -> None:
    folder.mkdir(mode=0o700)
    theirs = folder.with_name("theirs")
    theirs.write_text("")
    make: dict[str, Callable[[Path], object]] = {
        "a link": lambda path: path.symlink_to(theirs),
        "a link to nowhere": lambda path: path.symlink_to(folder.with_name("missing")),
        "a folder": lambda path: path.mkdir(),
        "a pipe": os.mkfifo,
    }
    make[what](folder / NAME)
    expected = f"{folder / NAME} is not a regular file, and is not changed: move it away, or store elsewhere"
    assert probe_error(FileSink(folder, SystemRandomness())) == expected
    assert store_error(FileSink(folder, SystemRandomness())) == expected
    assert (names(folder), theirs.read_text(), folder.with_name("missing").exists()) == ([NAME], "", False)


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_changed(folder: Path) -> None:
    store(FileSink(folder, SystemRandomness()))
    os.chown(folder / NAME, 12345, -1)
    assert f"{folder / NAME} belongs to another user, and is not changed" in probe_error(
        FileSink(folder, SystemRandomness())
    )


def test_a_file_in_the_place_of_the_folder_is_an_error(folder: Path) -> None:
    folder.write_text("")
    assert (
        probe_error(FileSink(folder, SystemRandomness()))
        == f"the folder {folder} cannot be opened: Not a directory"
    )
    assert (
        probe_error(FileSink(folder / "x", SystemRandomness()))
        == f"the folder {folder / 'x'} cannot be created: Not a directory"
    )


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_folder_that_cannot_be_created_is_an_error(folder: Path, name: str) -> None:
    assert "cannot be created" in probe_error(FileSink(folder / name, SystemRandomness()))
    assert "cannot be created" in store_error(FileSink(folder / name, SystemRandomness()))
    assert not folder.exists()


@pytest.mark.parametrize("bits", [0o500, 0o100, 0o400, 0o000])
def test_a_folder_that_cannot_be_written_is_an_error(bound_folder: Path, bits: int) -> None:
    folder = bound_folder
    folder.mkdir()
    folder.chmod(bits)
    reported = [
        probe_error(FileSink(folder, SystemRandomness())),
        store_error(FileSink(folder, SystemRandomness())),
        probe_error(FileSink(folder / "x", SystemRandomness())),
    ]
    folder.chmod(0o700)
    assert [text.endswith("Permission denied") for text in reported] == [True] * 3
    assert names(folder) == []


def test_a_secret_is_rescued_elsewhere_if_the_folder_cannot_be_written(bound_folder: Path) -> None:
    bound_folder.mkdir(mode=0o500)
    file = Path(rescue(bound_folder))
    assert (content(file), bound_folder in file.parents) == (VALUE, False)
    shutil.rmtree(file.parent)


def test_no_secret_of_many_at_once_is_lost(folder: Path) -> None:
    secrets = {f"secret {number}" for number in range(40)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda value: FileSink(folder, SystemRandomness()).store(WEB, Secret(value)), secrets))
    assert {content(path) for path in folder.iterdir()} == secrets
    assert names(folder) == sorted([NAME, *(f"{NAME}@{number}" for number in range(1, 40))])


def test_of_concurrent_first_writes_one_gets_the_name(folder: Path) -> None:
    def attempt(_number: int) -> bool:
        try:
            return bool(FileSink(folder, SystemRandomness()).store(WEB, SECRET, ""))
        except SinkError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(40))) == 1
    assert names(folder) == [NAME]


def test_concurrently_stored_keys_have_one_file_each(folder: Path) -> None:
    places = [Place(Scope("caas", 1, 76), f"key-{number}") for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda place: FileSink(folder, SystemRandomness()).store(place, SECRET), places))
    assert {content(path) for path in folder.iterdir()} == {VALUE}
    assert len(names(folder)) == 40


def test_a_full_disk_is_an_error_and_leaves_no_part(folder: Path) -> None:
    with full_disk(10):
        probed, stored = (
            probe_error(FileSink(folder, SystemRandomness())),
            store_error(FileSink(folder, SystemRandomness())),
        )
    assert probed == f"no file can be created in {folder}: File too large"
    assert stored == f"{folder / NAME} cannot be written: File too large"
    assert names(folder) == []


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from reconciler.model.scope import Scope
    from reconciler.model.secret import Secret
    from reconciler.model.system import SystemRandomness
    from reconciler.apply.sinks.file import FileSink
    from reconciler.apply.sinks.sink import Place

    folder, step, value = sys.argv[1], int(sys.argv[2]), sys.stdin.buffer.read().decode()
    seen = []

    def trace(event, arguments):
        argument = str(arguments[0]) if arguments else ""
        is_step = event in ("open", "os.link", "os.rename", "os.chmod", "os.remove")
        if is_step and (argument == folder or "caas_1_76_web" in argument):
            seen.append(event)
            if len(seen) == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(trace)
    held = sys.argv[3] or None
    FileSink(Path(folder), SystemRandomness()).store(Place(Scope("caas", 1, 76), "web"), Secret(value), held)
"""


def killed_at(step: int, folder: Path, held: str = "") -> int:
    """Store the secret in a process that is killed just before a step; return its exit code."""
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(folder), str(step), held]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, input=VALUE.encode(), check=False, timeout=60, env={}, cwd=root)
    return done.returncode


def test_a_killed_run_leaves_the_complete_file_or_none(folder: Path) -> None:
    """Killed before each step in turn: opening the folder, making the file, naming it, tidying up."""
    folder.mkdir(mode=0o700)
    left = []
    codes = []
    for step in range(1, 6):
        codes.append(killed_at(step, folder))
        found = folder / NAME
        left.append(content(found) if found.exists() else None)
        for path in folder.iterdir():
            assert mode(path) == 0o600
            path.unlink()
    assert left == [None, None, None, VALUE, VALUE]
    assert codes == [-signal.SIGKILL] * 4 + [0]


def test_a_run_killed_while_replacing_a_file_leaves_both_secrets(
    folder: Path,
) -> None:
    """Killed before each step in turn: making the file, numbering the old one, its mode, the new name."""
    folder.mkdir(mode=0o700)
    left = []
    for step in range(3, 9):
        (folder / NAME).write_text("older")
        held = FileSink(folder, SystemRandomness()).probe([WEB])[WEB] or ""
        code = killed_at(step, folder, held)
        found = [content(folder / NAME)] + [content(path) for path in folder.glob(f".{NAME}.*.new")]
        left.append((code, found))
        FileSink(folder, SystemRandomness()).store(WEB, Secret("newest"))
        numbered = {content(path) for path in folder.glob(f"{NAME}@*")}
        assert (content(folder / NAME), "older" in numbered) == ("newest", True)
        assert len(list(folder.glob(f"{NAME}@*"))) == len(numbered)
        for path in folder.iterdir():
            path.unlink()
    killed, kept = -signal.SIGKILL, ["older", VALUE]
    assert left == [(killed, kept)] * 4 + [(killed, [VALUE]), (0, [VALUE])]


def test_an_address_of_a_custom_kind_is_a_safe_name(folder: Path) -> None:
    place = Place(Scope("own", "../..", "/etc", names=("a", "b")), "pass\nwd\0")
    assert (
        store(FileSink(folder, SystemRandomness()), place)
        == f"file:{folder / 'own_..%2F.._%2Fetc_pass%0Awd%00'}"
    )


def test_a_rescued_secret_is_private_and_ignored_by_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)  # noqa: S607 - the git of this machine
    file = Path(rescue(tmp_path))
    assert (file.name, file.parent.parent) == (NAME, tmp_path)
    assert content(file) == VALUE
    assert [mode(file), mode(file.parent)] == [0o600, 0o700]
    reported = subprocess.run(
        ["git", "-C", tmp_path, "status", "--porcelain"],  # noqa: S607 - the git of this machine
        check=True,
        capture_output=True,
    )
    assert reported.stdout == b""


@pytest.mark.usefixtures("umask")
def test_a_rescue_works_whatever_the_umask(tmp_path: Path) -> None:
    file = Path(rescue(tmp_path))
    assert [mode(file), mode(file.parent)] == [0o600, 0o700]
    assert content(file) == VALUE


def test_two_runs_rescue_into_separate_folders(tmp_path: Path) -> None:
    assert rescue(tmp_path) != rescue(tmp_path)


def test_one_run_rescues_into_one_folder(tmp_path: Path) -> None:
    rescuer = Rescuer([tmp_path])
    with ThreadPoolExecutor(8) as pool:
        addresses = [f"caas/1/76/key-{number}" for number in range(40)]
        files = {Path(file) for file in pool.map(lambda one: rescuer.rescue(one, SECRET), addresses)}
    again = Path(rescuer.rescue("caas/1/76/key-0", Secret("another")))
    (fresh,) = tmp_path.iterdir()
    assert {file.parent for file in files | {again}} == {fresh}
    assert len(list(fresh.iterdir())) == 42
    assert (again.name, content(again)) == ("caas_1_76_key-0@2", "another")


def test_a_full_rescue_folder_is_followed_by_another(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    rescuer = Rescuer([first, second])
    before = Path(rescuer.rescue("caas/1/76/one", SECRET))
    shutil.rmtree(first)
    first.write_text("")
    after = Path(rescuer.rescue("caas/1/76/two", SECRET))
    assert (before.parent.parent, after.parent.parent, content(after)) == (first, second, VALUE)


@pytest.mark.parametrize("folder", ["/proc", "/nowhere", "/dev/null", "\0"])
def test_a_secret_is_rescued_elsewhere_if_not_below_the_folder(folder: str) -> None:
    file = Path(rescue(Path(folder)))
    assert content(file) == VALUE
    for path in (file, file.with_name(".gitignore")):
        path.unlink()
    file.parent.rmdir()


def test_an_address_cannot_escape_the_rescue_folder(tmp_path: Path) -> None:
    file = Path(Rescuer([tmp_path]).rescue("own/../../etc/x\0" + "y" * 500, SECRET))
    assert file.parent.parent == tmp_path


def test_a_secret_that_cannot_be_written_is_reported_as_lost(tmp_path: Path) -> None:
    with full_disk(10), pytest.raises(SinkError) as caught:
        rescue(tmp_path)
    begin = "the secret of caas/1/76/web could not be written anywhere, and is lost: "
    assert safe(caught.value).startswith(f"{begin}{tmp_path}: File too large; ")
    assert names(tmp_path) == []


def test_a_disk_that_cannot_be_synced_is_the_last_resort(tmp_path: Path) -> None:
    tried: list[Path] = []

    def fail(file: Path) -> None:
        tried.append(file)
        raise OSError(errno.EIO, "Input/output error")

    def fail_once(file: Path) -> None:
        if not tried:
            fail(file)

    elsewhere = Path(rescue(tmp_path, fail_once))
    assert (content(elsewhere), tmp_path in elsewhere.parents, names(tmp_path)) == (VALUE, False, [])
    shutil.rmtree(elsewhere.parent)
    tried.clear()
    file = Path(rescue(tmp_path, fail))
    assert (content(file), file.parent.parent) == (VALUE, tmp_path)
    assert not any(other.exists() for other in tried[1:])


def test_the_secret_in_a_file_is_read_back(folder: Path) -> None:
    sink = FileSink(folder, SystemRandomness())
    assert sink.read(WEB) is None
    store(sink)
    found = sink.read(WEB)
    assert found is not None
    assert (found.reveal(), sink.has_versions) == (VALUE, True)


def test_a_file_that_is_not_ours_is_not_read(folder: Path) -> None:
    store(FileSink(folder, SystemRandomness()))
    (folder / NAME).unlink()
    (folder / NAME).symlink_to("/etc/hostname")
    with pytest.raises(SinkError, match="is not a regular file"):
        FileSink(folder, SystemRandomness()).read(WEB)
