"""What a run asks of Git: the commit of the files, and the newest of them; never a merge, never a secret."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.git import files_at, git_commit, pull
from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRETS = {
    "GCORE_API_KEY": "1234$tell-nobody",
    "RECONCILER_DRIFT_WEBHOOK": "https://hooks.example.com/tell-nobody",
    "RECONCILER_WEBHOOK_SECRET": "whsec_tell-nobody",
}
PIPELINE = ("GITHUB_SHA", "CI_COMMIT_SHA", "BITBUCKET_COMMIT", "GIT_COMMIT")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the machine's and the pipeline's settings of Git out of this."""
    settings = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(tmp_path),
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.com",
        "LC_ALL": "C",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for name in (*PIPELINE, "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)


def git(folder: Path, *arguments: str) -> str:
    ended = subprocess.run(
        ["git", "-C", str(folder), *arguments],  # noqa: S607 - the git of this machine
        check=True,
        capture_output=True,
        text=True,
    )
    return ended.stdout.strip()


def commit(folder: Path, content: str, name: str = "keys.yaml") -> str:
    (folder / name).write_text(content, encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", content)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    folder = tmp_path / "upstream"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, "one")
    return folder


@pytest.fixture
def checkout(tmp_path: Path, upstream: Path) -> Path:
    git(tmp_path, "clone", "--quiet", str(upstream), "checkout")
    return tmp_path / "checkout"


def refusal(*paths: Path | str, seconds: float = 30) -> str:
    with pytest.raises(ConfigurationError) as told:
        pull([str(path) for path in paths], seconds)
    return str(told.value)


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Put something else where git is looked for."""
    place = folder / "bin"
    place.mkdir()
    program = place / "git"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(place), prepend=os.pathsep)
    return place


def test_a_pull_brings_what_is_new(checkout: Path, upstream: Path) -> None:
    newest = commit(upstream, "two")
    pull([str(checkout / "keys.yaml")])
    assert (checkout / "keys.yaml").read_text(encoding="utf-8") == "two"
    assert git_commit([str(checkout)]) == newest
    pull([str(checkout)])
    assert git_commit([str(checkout)]) == newest


def test_a_pull_says_nothing(checkout: Path, upstream: Path, capfd: pytest.CaptureFixture[str]) -> None:
    commit(upstream, "two")
    pull([str(checkout)])
    assert capfd.readouterr() == ("", "")


def test_each_checkout_is_pulled_once(
    tmp_path: Path, checkout: Path, upstream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "team").mkdir()
    git(tmp_path, "clone", "--quiet", str(upstream), "second")
    commit(upstream, "two")
    log = tmp_path / "log"
    real = shutil.which("git")
    stand_in(tmp_path, monkeypatch, f'echo "$*" >> {log}\nexec {real} "$@"')
    second = tmp_path / "second"
    pull([str(checkout), str(checkout / "team"), str(checkout / "keys.yaml"), str(second)])
    pulls = [line for line in log.read_text(encoding="utf-8").splitlines() if " pull " in line]
    assert pulls == [f"-C {folder} pull --ff-only --quiet" for folder in (checkout, second)]
    assert (second / "keys.yaml").read_text(encoding="utf-8") == "two"


def test_the_current_folder_is_the_checkout_of_standard_input(
    checkout: Path, upstream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    newest = commit(upstream, "two")
    pull(["-"])
    assert git_commit(["keys.yaml"]) == newest
    assert git_commit(["-"]) is None  # what comes in by it is in no commit


def test_histories_that_went_apart_are_not_merged(checkout: Path, upstream: Path) -> None:
    commit(upstream, "theirs")
    ours = commit(checkout, "ours")
    assert refusal(checkout) == f"git pull in {checkout}: fatal: Not possible to fast-forward, aborting."
    assert git_commit([str(checkout)]) == ours
    assert git(checkout, "status", "--porcelain") == ""


def test_changes_of_somebody_are_not_written_over(checkout: Path, upstream: Path) -> None:
    commit(upstream, "theirs")
    (checkout / "keys.yaml").write_text("by hand", encoding="utf-8")
    told = refusal(checkout)
    assert "local changes" in told
    assert "keys.yaml" in told
    assert "\n" not in told
    assert (checkout / "keys.yaml").read_text(encoding="utf-8") == "by hand"


def set_url(checkout: Path, url: str) -> None:
    git(checkout, "remote", "set-url", "origin", url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("/nowhere", "'/nowhere' does not appear to be a git repository"),
        ("https://user:tell-nobody@127.0.0.1:1/x", "unable to access 'https://127.0.0.1:1/x/'"),
        ("ext::echo bad", "transport 'ext' not allowed"),
    ],
)
def test_a_remote_that_gives_nothing_is_told_with_the_reason(checkout: Path, url: str, reason: str) -> None:
    set_url(checkout, url)
    told = refusal(checkout)
    assert told.startswith(f"git pull in {checkout}: ")
    assert reason in told
    assert "tell-nobody" not in told


def test_a_branch_that_follows_none_is_told_as_that(checkout: Path) -> None:
    git(checkout, "switch", "--quiet", "--create", "own")
    assert "There is no tracking information for the current branch." in refusal(checkout)
    git(checkout, "switch", "--quiet", "--detach")
    assert "You are not currently on a branch." in refusal(checkout)


def test_outside_a_checkout_there_is_nothing_to_pull(tmp_path: Path) -> None:
    told = refusal(tmp_path / "keys.yaml")
    assert told.startswith(
        f"--git-pull needs a Git checkout, but {tmp_path}/keys.yaml lies in none: fatal: not a"
    )
    assert "cannot change to" in refusal(tmp_path / "missing" / "keys.yaml")


def test_nothing_is_pulled_if_one_path_lies_outside(tmp_path: Path, checkout: Path, upstream: Path) -> None:
    commit(upstream, "two")
    assert "lies in none" in refusal(checkout, tmp_path)
    assert (checkout / "keys.yaml").read_text(encoding="utf-8") == "one"


def test_without_git_a_pull_says_so(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    message = "--git-pull needs git, which cannot be run: No such file or directory"
    assert refusal(checkout) == message


def environment_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Pull with a git that notes its environment, and give that."""
    dump = tmp_path / "environment"
    stand_in(
        tmp_path, monkeypatch, f"env -0 > {dump}\nreadlink /proc/$$/fd/0 > {dump}.stdin\necho {tmp_path}"
    )
    pull([str(tmp_path)])
    pairs = (entry.partition("=") for entry in dump.read_text(encoding="utf-8").split("\0"))
    return {name: value for name, _, value in pairs}


def test_git_learns_no_secret_and_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -i /run/key")
    found = environment_of_git(tmp_path, monkeypatch)
    assert not SECRETS.keys() & found.keys()
    assert not any("tell-nobody" in value for value in found.values())
    assert (found["GIT_TERMINAL_PROMPT"], found["GIT_SSH_COMMAND"]) == ("0", "ssh -i /run/key")
    assert (tmp_path / "environment.stdin").read_text(encoding="utf-8").strip() == os.devnull


def test_a_hook_of_the_checkout_learns_no_secret(
    tmp_path: Path, checkout: Path, upstream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    hook = checkout / ".git" / "hooks" / "post-merge"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\n", encoding="utf-8")
    hook.chmod(0o755)
    commit(upstream, "two")
    pull([str(checkout)])
    assert "tell-nobody" not in (tmp_path / "seen").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "it ended with 3"),
        ("kill -9 $$", "it ended with -9"),
        ("printf 'fatal: \\377\\n' >&2; exit 1", "fatal: \ufffd"),
        ("printf '\\nhint: do this\\n  error: one\\n\\n\\ttwo \\n' >&2; exit 1", "error: one two"),
        ("printf '%0500d' 0 >&2; exit 1", f"{'0' * 400}…"),
        ("exec sleep 60", "it took longer than 0 s"),
    ],
)
def test_the_reason_is_what_git_says_on_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    stand_in(tmp_path, monkeypatch, f'case "$3" in pull) {script};; esac\necho {tmp_path}')
    assert refusal(tmp_path, seconds=0.3) == f"git pull in {tmp_path}: {reason}"


def test_a_checkout_in_a_folder_whose_name_is_no_unicode_is_pulled(
    tmp_path: Path, checkout: Path, upstream: Path
) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    checkout.rename(odd)
    commit(upstream, "two")
    pull([odd])
    assert (Path(odd) / "keys.yaml").read_text(encoding="utf-8") == "two"


def test_the_commit_is_the_whole_name_of_the_one_the_files_come_from(checkout: Path) -> None:
    expected = git(checkout, "rev-parse", "HEAD")
    git(checkout, "tag", "v1")
    git(checkout, "tag", "--annotate", "--message", "two", "v2")
    assert re.fullmatch("[0-9a-f]{40}", expected)
    assert git_commit([str(checkout / "keys.yaml")]) == expected
    assert git_commit([str(checkout / "missing.yaml")]) == expected


def test_a_tree_that_differs_from_its_commit_is_marked(checkout: Path) -> None:
    expected = git(checkout, "rev-parse", "HEAD")
    (checkout / "other.txt").write_text("not tracked", encoding="utf-8")
    assert git_commit([str(checkout)]) == expected
    (checkout / "keys.yaml").write_text("changed", encoding="utf-8")
    assert git_commit([str(checkout)]) == f"{expected}-dirty"
    git(checkout, "add", "keys.yaml")
    assert git_commit([str(checkout)]) == f"{expected}-dirty"


def test_outside_git_the_commit_is_the_one_that_the_pipeline_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert git_commit([str(tmp_path)]) is None
    for name in reversed(PIPELINE):
        monkeypatch.setenv(name, f"of {name}")
        assert git_commit([str(tmp_path)]) == f"of {name}"
    monkeypatch.setenv(PIPELINE[0], "")
    assert git_commit([str(tmp_path)]) == f"of {PIPELINE[1]}"


def test_a_repository_without_a_commit_is_as_good_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet")
    assert git_commit([str(tmp_path)]) is None
    monkeypatch.setenv("CI_COMMIT_SHA", "abc")
    assert git_commit([str(tmp_path)]) == "abc"


def test_without_git_the_commit_is_unknown(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert git_commit([str(checkout)]) is None


def test_at_a_commit_the_same_files_of_a_folder_count_as_now(checkout: Path) -> None:
    names = [" first.yaml", "below/second.yml", ".hidden.yaml", ".hidden/third.yaml", "notes.txt"]
    for name in names:
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text(name, encoding="utf-8")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "more")
    there = files_at("HEAD", [str(checkout)])
    assert dict(there.files).keys() >= {" first.yaml@HEAD", "below/second.yml@HEAD"}
    assert not [name for name, _ in there.files if "hidden" in name or "notes" in name]
    assert (there.commit, there.missing) == (git(checkout, "rev-parse", "HEAD"), ())


def test_a_link_in_a_circle_is_an_error(checkout: Path) -> None:
    (checkout / "a.yaml").symlink_to("b.yaml")
    (checkout / "b.yaml").symlink_to("a.yaml")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "links")
    with pytest.raises(ConfigurationError, match="is a link that leads nowhere at"):
        files_at("HEAD", [str(checkout)])
