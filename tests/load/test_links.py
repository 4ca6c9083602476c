"""Links are followed within their tree or refused, and special files are never read."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.values import loaded


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, beside one that is outside of every tree of these tests."""
    folder = tmp_path / "here"
    folder.mkdir()
    write(tmp_path / "outside" / "o.yaml")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def work_tree(here: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(here)], check=True)  # noqa: S607 - the git of this machine
    return here


def write(path: str | Path, content: str = "keys: []\n") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content, encoding="utf-8")


def link(path: str, target: str | Path) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).symlink_to(target)


def sources(*paths: str) -> list[str]:
    found = loaded(paths)
    assert found.problems == ()
    return [document.source for document in found.documents]


def problems(*paths: str) -> list[str]:
    return [str(problem) for problem in loaded(paths).problems]


def test_a_linked_folder_is_followed_within_the_tree_and_each_file_is_read_once() -> None:
    write("keys/a.yaml")
    write("keys/team/b.yaml")
    link("keys/again", "team")
    link("keys/round", ".")
    link("keys/team/up", "..")
    assert sources("keys") == ["keys/a.yaml", "keys/team/b.yaml"]


def test_the_first_of_several_links_to_a_folder_names_its_files() -> None:
    write("keys/.store/a.yaml")
    for name in ("c", "b", "d", "a"):
        link(f"keys/{name}", ".store")
    assert sources("keys") == ["keys/a/a.yaml"]


@pytest.mark.usefixtures("work_tree")
def test_links_within_a_work_tree_are_followed() -> None:
    write("keys/a.yaml")
    write("shared/b.yaml")
    link("keys/team", "../shared")
    link("keys/c.yaml", "../shared/b.yaml")
    link("named", "keys")
    assert sources("keys") == ["keys/a.yaml", "keys/c.yaml"]
    assert sources("named") == ["named/a.yaml", "named/c.yaml"]
    assert sources("named/team") == ["named/team/b.yaml"]
    assert sources("keys/c.yaml") == ["keys/c.yaml"]


OUT = "is a link that leads out of the {0}, to {1}; pass its target as a path of its own"


@pytest.mark.parametrize(("name", "target"), [("x.yaml", "o.yaml"), ("x.yaml", ""), ("x", "")])
def test_a_link_out_of_a_named_folder_is_refused(here: Path, name: str, target: str) -> None:
    write("keys/a.yaml")
    link(f"keys/{name}", Path("../../outside") / target)
    (problem,) = problems("keys")
    reported = OUT.format(f"folder {here}/keys", here.parent / "outside" / target)
    assert problem.startswith(f"keys/{name}: {reported}")


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("out", ""),
        ("out/o.yaml", "goes through {0}/out, which "),
        ("file.yaml", ""),
        ("sub/../out", ""),
        ("./out/", ""),
        ("loop/out", ""),
        ("loop/loop/file.yaml", ""),
    ],
)
def test_a_path_component_that_links_out_of_the_work_tree_is_refused(
    work_tree: Path, path: str, prefix: str
) -> None:
    Path("sub").mkdir()
    link("loop", ".")
    link("out", "../outside")
    link("file.yaml", work_tree.parent / "outside/o.yaml")
    for spelling in (path, f"{work_tree}/{path}"):
        (problem,) = problems(spelling)
        assert prefix.format(work_tree) + OUT.format(
            f"Git work tree {work_tree}", work_tree.parent
        ) in problem.replace(f"{work_tree.parent}/outside/o.yaml;", f"{work_tree.parent};").replace(
            f"{work_tree.parent}/outside;", f"{work_tree.parent};"
        )


def test_outside_git_links_in_parent_directories_are_followed(here: Path) -> None:
    link("mounted", here.parent / "outside")
    assert sources("mounted/o.yaml") == ["mounted/o.yaml"]
    (problem,) = problems("mounted")
    assert OUT.format(f"folder {here}", here.parent / "outside") in problem


@pytest.mark.usefixtures("work_tree")
@pytest.mark.parametrize("target", ["../.git/config", "../.git"])
def test_a_link_into_the_git_directory_is_refused(target: str) -> None:
    write("keys/a.yaml")
    link("keys/x.yaml", target)
    assert "is a link that leads into Git's own files" in problems("keys")[0]
    assert "is a link that leads into Git's own files" in problems("keys/x.yaml")[0]


def test_a_dangling_link_in_a_folder_is_a_problem() -> None:
    write("keys/a.yaml")
    link("keys/team", "gone")
    link("keys/self", "self")
    assert sorted(problems("keys")) == [
        "keys/self: is a link that cannot be followed: Too many levels of symbolic links",
        "keys/team: is a link that cannot be followed: No such file or directory",
    ]


def test_a_link_named_kinds_does_not_hide_a_folder_of_keys() -> None:
    write("keys/team/a.yaml")
    link("keys/kinds", "team")
    assert sources("keys") == ["keys/team/a.yaml"]


@pytest.mark.parametrize("path", ["keys", "keys/shop.yaml"])
def test_a_mounted_config_map_is_read_through_its_links(path: str) -> None:
    write("keys/..2026_06_01/shop.yaml")
    link("keys/..data", "..2026_06_01")
    link("keys/shop.yaml", "..data/shop.yaml")
    assert sources(path) == ["keys/shop.yaml"]


@pytest.mark.parametrize("path", ["keys", "keys/x.yaml", "keys/linked.yaml"])
def test_a_pipe_is_not_waited_for(path: str) -> None:
    write("keys/a.yaml")
    os.mkfifo("keys/x.yaml")
    if path.endswith("linked.yaml"):
        link(path, "x.yaml")
    assert "is a pipe, which is not read; use a file" in problems(path)[0]


def test_a_socket_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("keys").mkdir()
    monkeypatch.chdir("keys")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("x.yaml")
        assert "is a socket, which is not read" in problems("x.yaml")[0]


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty0"])
def test_a_device_is_not_read(device: str) -> None:
    if Path(device).exists():
        assert problems(device)[0].startswith(f"{device}: is a device, which is not read")


def test_a_process_substitution_is_advised_to_be_standard_input() -> None:
    readable, writable = os.pipe()
    try:
        assert (
            "is a pipe, which is not read; use a file, or use - for standard input"
            in problems(f"/dev/fd/{readable}")[0]
        )
    finally:
        os.close(readable)
        os.close(writable)


def test_other_special_files_in_a_folder_are_ignored() -> None:
    write("keys/a.yaml")
    os.mkfifo("keys/control")
    assert sources("keys") == ["keys/a.yaml"]


def test_a_deleted_current_folder_is_reported(here: Path) -> None:
    here.rmdir()
    reported = "the current folder cannot be used: No such file or directory; change to one that exists"
    assert problems("keys", ".") == [reported]
