"""Where the configuration is found: in the working folder and above it, inside its repository alone."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ConfigurationError, InputError
from reconciler.load.configuration import committed_configuration, found_configuration, is_reviewed
from reconciler.load.files import Input, parse_content, parse_single
from reconciler.load.process import Host
from reconciler.model.system import SystemClock
from tests.support import GIT_SETTINGS
from tests.values import loaded

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "paths: [keys/]\n"
ENVIRONMENT = os.environ  # noqa: TID251 - what the command line hands in
HOST = Host(ENVIRONMENT, SystemClock())
GIT = ("git", *GIT_SETTINGS, "-c", "commit.gpgsign=false")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a Git work tree in a folder that holds a configuration too."""
    (tmp_path / "reconciler.yaml").write_text("paths: [above/]\n", encoding="utf-8")
    folder = tmp_path / "work"
    (folder / "deep/er").mkdir(parents=True)
    git(folder, "init", "--quiet")
    return folder


def git(folder: Path, *arguments: str) -> None:
    environment = {"PATH": ENVIRONMENT["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run([*GIT, "-C", str(folder), *arguments], check=True, env=environment)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "one")


def found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str | None:
    monkeypatch.chdir(folder)
    file = found_configuration()
    return None if file is None else file.file


def test_the_nearest_one_counts_and_paths_start_at_it(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "reconciler.yaml").write_text(TEXT, encoding="utf-8")
    assert found(work, monkeypatch) == "reconciler.yaml"
    assert found(work / "deep/er", monkeypatch) == "../../reconciler.yaml"
    (work / "deep/reconciler.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(work / "deep/er")
    file = found_configuration()
    assert file is not None
    assert (file.file, file.opened("keys/"), file.root) == ("../reconciler.yaml", "../keys/", str(work))


def test_one_above_the_root_of_the_repository_is_not_read(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(work, monkeypatch) is None
    assert found(work / "deep/er", monkeypatch) is None


def test_outside_git_only_the_working_folder_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reconciler.yaml").write_text(TEXT, encoding="utf-8")
    (tmp_path / "below").mkdir()
    assert found(tmp_path, monkeypatch) == "reconciler.yaml"
    assert found(tmp_path / "below", monkeypatch) is None


@pytest.mark.parametrize("target", ["../reconciler.yaml", ".git/config", "/etc/hostname"])
def test_a_link_that_leads_out_is_refused(work: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    (work / "reconciler.yaml").symlink_to(target)
    with pytest.raises(InputError, match="is a link that leads"):
        found(work, monkeypatch)


def test_a_pipe_is_not_waited_for(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(work / "reconciler.yaml")
    with pytest.raises(InputError, match="is a pipe"):
        found(work, monkeypatch)


def test_the_one_of_a_commit_is_found_where_it_was_then(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "reconciler.yaml").write_text(TEXT, encoding="utf-8")
    commit(work)
    (work / "reconciler.yaml").unlink()
    (work / "deep/reconciler.yaml").write_text("paths: [other/]\n", encoding="utf-8")
    monkeypatch.chdir(work / "deep")
    file = committed_configuration("HEAD", None, HOST)
    assert file is not None
    assert (file.file, file.folder, file.content) == ("HEAD:./reconciler.yaml", "..", TEXT.encode())
    assert committed_configuration("HEAD", "reconciler.yaml", HOST) is None


def test_a_link_of_a_commit_must_not_lead_out(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "reconciler.yaml").symlink_to("../reconciler.yaml")
    commit(work)
    monkeypatch.chdir(work)
    with pytest.raises(InputError, match="leads out of the Git work tree"):
        committed_configuration("HEAD", None, HOST)


def test_a_commit_of_a_submodule_is_not_asked(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "reconciler.yaml").write_text(TEXT, encoding="utf-8")
    commit(work)
    outer = work.parent / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(work), "inner")
    monkeypatch.chdir(outer / "inner")
    with pytest.raises(ConfigurationError, match="is in a submodule"):
        committed_configuration("HEAD", None, HOST)


@pytest.mark.parametrize("kind", ["a submodule", "a submodule in a submodule", "a clone"])
def test_a_file_of_a_submodule_is_under_review(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A pull request can make a folder a submodule, and not a clone of its own."""
    (work / "reconciler.yaml").write_text(TEXT, encoding="utf-8")
    commit(work)
    allowed = ("-c", "protocol.file.allow=always")
    outer, place = tmp_path / "outer", "inner"
    for folder in (outer, tmp_path / "middle"):
        folder.mkdir()
        git(folder, "init", "--quiet")
    if kind == "a clone":
        git(outer, "clone", "--quiet", str(work), "inner")
    elif kind == "a submodule":
        git(outer, *allowed, "submodule", "add", "--quiet", str(work), "inner")
    else:
        git(tmp_path / "middle", *allowed, "submodule", "add", "--quiet", str(work), "inner")
        commit(tmp_path / "middle")
        git(outer, *allowed, "submodule", "add", "--quiet", str(tmp_path / "middle"), "middle")
        git(outer, *allowed, "submodule", "update", "--quiet", "--init", "--recursive")
        place = "middle/inner"
    monkeypatch.chdir(outer)
    assert is_reviewed(f"{place}/reconciler.yaml", ["keys"]) == (kind != "a clone")
    assert not is_reviewed("reconciler.yaml", [f"{place}/keys.yaml"])


def test_a_file_of_the_repository_is_under_review(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "reconciler.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(work)
    assert is_reviewed("reconciler.yaml", [])
    assert not is_reviewed("../reconciler.yaml", [])
    monkeypatch.chdir(work.parent)
    assert not is_reviewed("work/reconciler.yaml", [])
    assert is_reviewed("work/reconciler.yaml", ["work/deep"])


def test_below_a_folder_of_keys_it_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(TEXT, encoding="utf-8")
    (tmp_path / "keys.yaml").write_text("keys: []\n", encoding="utf-8")
    found = loaded([str(tmp_path)])
    assert [document.source for document in found.documents] == [f"{tmp_path}/keys.yaml"]
    assert found.problems == ()


def test_one_that_declares_keys_is_desired_state(tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text("keys: []\n", encoding="utf-8")
    found = loaded([str(tmp_path)])
    assert [document.data for document in found.documents] == [{"keys": []}]


def test_one_that_is_named_as_desired_state_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "reconciler.yaml"
    file.write_text(TEXT, encoding="utf-8")
    found = loaded([str(file)])
    assert [problem.message for problem in found.problems] == [
        "is the configuration file, which declares no keys; pass the files of the desired state"
    ]


@pytest.mark.parametrize("label", ["reconciler.yaml@main", "a/reconciler.yaml@origin/main..."])
def test_one_of_a_commit_is_passed_over_too(label: str) -> None:
    assert parse_content(Input(TEXT.encode(), label)).documents == ()


def test_a_file_of_one_document_has_one() -> None:
    with pytest.raises(InputError, match="holds several documents; a thing is one"):
        parse_single(b"a: 1\n---\nb: 1\n", "f", "a thing")
