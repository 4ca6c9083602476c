"""A folder of the tree that looks like a repository runs nothing, whatever asks Git about it."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.hostile_git import Canary, git, pass_for_a_repository
from tests.support import COMMAND, declare, fill

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator
    from tests.support import CommandLine


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    return Canary(tmp_path / "canary")


@pytest.fixture
def keys(emulator: Emulator, tmp_path: Path, canary: Canary) -> Path:
    """A folder of a checkout, with one key that differs, which a pull request made look like a repository."""
    fill(emulator, "web", description="old")
    repository, upstream = tmp_path / "repository", tmp_path / "upstream"
    (upstream / "keys").mkdir(parents=True)
    declare(upstream / "keys" / "keys.yaml", {"name": "web", "description": "new"})
    git(upstream, "init", "--quiet", "--initial-branch", "main")
    git(upstream, "add", ".")
    git(upstream, "commit", "--quiet", "--message", "first")
    git(tmp_path, "clone", "--quiet", str(upstream), str(repository))
    pass_for_a_repository(repository / "keys", canary)
    return repository / "keys"


COMMANDS = [
    ("plan", ".", "--out", "../plan.json"),
    *(("plan", ".", "--format", name) for name in ("json", "markdown", "html", "diff", "github", "gitlab")),
    ("plan", ".", "--base", "HEAD"),
    ("plan", "keys.yaml", "--base", "origin/main...", "--format", "json"),
    ("drift", ".", "--history", "../history.db"),
    ("drift", ".", "--git-pull"),
    ("apply", ".", "--auto-approve", "--journal", "../journal"),
    ("apply", ".", "--auto-approve", "--history", "../history.db"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_nothing_in_a_hostile_repository_is_executed(
    cli: CommandLine, keys: Path, canary: Canary, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(keys)
    done = cli(*words)
    assert (done.code, canary.is_silent()) == (2 if words[0] == "drift" else 0, True)


def test_the_commit_is_that_of_the_enclosing_checkout(cli: CommandLine, keys: Path) -> None:
    document = json.loads(cli("plan", str(keys), "--base", "HEAD", "--format", "json").out)
    head = git(keys.parent, "rev-parse", "HEAD")
    assert (document["git_commit"], document["base_commit"]) == (head, head)
    (change,) = document["resource_changes"]
    assert change["change"]["origins"] == {"description": "drift"}


def unpacked(keys: Path, canary: Canary, name: str) -> None:
    """Make a folder what an archive could hold and a commit could not."""
    if name == "an empty folder beside":
        (keys / ".git").mkdir()
        (keys / "config").write_text(canary.settings("."), encoding="utf-8")
        return
    evil = keys.parent / "evil"
    for entry in ("HEAD", "objects", "refs", "index", "config"):
        evil.mkdir(exist_ok=True)
        (keys / entry).rename(evil / entry)
    git_file = keys / ".git"
    (evil / "config").write_text(canary.settings(keys), encoding="utf-8")
    match name:
        case "a file":
            git_file.write_text("gitdir: ../evil\n", encoding="utf-8")
        case "a linked work tree":
            shutil.copytree(evil, evil / "worktrees" / "x")
            (evil / "worktrees" / "x" / "gitdir").write_text(f"{git_file}\n", encoding="utf-8")
            (evil / "worktrees" / "x" / "commondir").write_text("../..\n", encoding="utf-8")
            git_file.write_text("gitdir: ../evil/worktrees/x\n", encoding="utf-8")
        case "a link":
            git_file.symlink_to("../evil")
        case "an empty folder":
            git_file.mkdir()


@pytest.mark.parametrize(
    "name", ["a file", "a linked work tree", "a link", "an empty folder", "an empty folder beside"]
)
def test_a_repository_named_by_the_tree_is_not_used(
    cli: CommandLine, keys: Path, canary: Canary, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked(keys, canary, name)
    monkeypatch.chdir(keys)
    for option, value in (("--base", "HEAD"), ("--out", "../plan.json")):
        done = cli("plan", "keys.yaml", option, value)
        assert (done.code, canary.is_silent()) == (int(option == "--base"), True)
    assert json.loads((keys.parent / "plan.json").read_text(encoding="utf-8"))["git_commit"] is None
    is_warned = "Warning: the commit of the files is unknown: " in done.err
    assert is_warned == (not name.startswith("an empty folder"))  # which is not a repository
    done = cli("drift", "keys.yaml", "--git-pull")
    assert (done.code, "--git-pull needs Git: " in done.err, canary.is_silent()) == (1, True, True)


OLD_GIT = """#!/bin/sh
# Knows nothing of safe.bareRepository, like Git before 2.38.
for word; do
  case $word in safe.bareRepository=*) word=safe.bareRepository=all ;; esac
  shift
  set -- "$@" "$word"
done
exec {real} "$@"
"""


@pytest.mark.parametrize("name", ["", "a file", "a linked work tree", "a link", "an empty folder beside"])
def test_an_old_git_runs_no_program_of_an_unsafe_repository(
    cli: CommandLine, keys: Path, canary: Canary, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name:
        unpacked(keys, canary, name)
    tools = keys.parent.parent / "tools"
    tools.mkdir()
    (tools / "git").write_text(OLD_GIT.format(real=shutil.which("git")), encoding="utf-8")
    (tools / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    done = cli("plan", str(keys / "keys.yaml"), "--base", "HEAD", "--format", "json")
    assert (done.code, canary.is_silent()) == (int(name != ""), True)
    if name:
        assert f"--base needs Git: {keys}/.git leads to " in done.err


def test_an_unpacked_repository_is_read_without_executing_anything(
    cli: CommandLine, keys: Path, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    (keys / ".git").mkdir()
    for entry in ("HEAD", "objects", "refs", "index"):
        (keys / entry).rename(keys / ".git" / entry)
    (keys / ".git" / "config").write_text(canary.settings(keys), encoding="utf-8")
    (keys / ".git" / "hooks").symlink_to(canary.hooks)
    monkeypatch.chdir(keys)
    for option, value in (("--base", "HEAD"), ("--base", "HEAD..."), ("--out", "../plan.json")):
        assert (cli("plan", "keys.yaml", option, value).code, canary.is_silent()) == (0, True)
    assert cli("plan", "keys.yaml", "--base", f"{'0' * 39}1").code == 1
    assert canary.is_silent()


def test_git_settings_from_a_file_of_the_tree_are_refused(
    cli: CommandLine, keys: Path, canary: Canary
) -> None:
    file = keys.parent / "settings"
    file.write_text(canary.settings("."), encoding="utf-8")
    config = keys.parent / ".git" / "config"
    config.write_text(
        f"{config.read_text(encoding='utf-8')}[include]\n\tpath = ../settings\n", encoding="utf-8"
    )
    for words in (("plan", str(keys), "--base", "HEAD"), ("drift", str(keys), "--git-pull")):
        done = cli(*words)
        reported = f"Git reads settings from {file}, a file of the work tree {keys.parent}"
        assert (done.code, reported in done.err, canary.is_silent()) == (1, True, True)
    done = cli("plan", str(keys), "--format", "json")
    assert (json.loads(done.out)["git_commit"], "which could start programs" in done.err) == (None, True)


@pytest.mark.parametrize("folder", ["{0}/bin", "{0}/keys/../bin", "bin", ".", ""])
def test_a_program_called_git_in_the_tree_is_not_run(
    cli: CommandLine, keys: Path, canary: Canary, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    tree = keys.parent
    (tree / "bin").mkdir()
    for place in (tree, tree / "bin"):
        (place / "git").symlink_to(canary.program)
        (place / "ssh").symlink_to(canary.program)
    monkeypatch.chdir(tree)
    monkeypatch.setenv("PATH", folder.format(tree), prepend=":")
    assert cli("plan", "keys", "--base", "HEAD").code == 0
    assert cli("drift", "keys", "--git-pull").code == 2
    assert canary.is_silent()


def test_a_pull_runs_no_hook_filter_or_submodule(cli: CommandLine, keys: Path, canary: Canary) -> None:
    """What the checkout's own settings name is the operator's, and is not needed for a pull either."""
    checkout, upstream = keys.parent, keys.parent.parent / "upstream"
    for key, value in (
        ("core.hooksPath", canary.hooks),
        ("core.fsmonitor", canary.program),
        ("filter.all.smudge", canary.program),
        ("filter.all.process", canary.program),
        ("filter.all.required", "true"),
        ("submodule.recurse", "true"),
        ("core.sshCommand", canary.program),
        ("core.askPass", canary.program),
    ):
        git(checkout, "config", key, str(value))
    (upstream / ".gitattributes").write_text("* filter=all\n", encoding="utf-8")
    declare(upstream / "keys" / "keys.yaml", {"name": "web", "description": "newest"})
    git(upstream, "add", ".")
    git(upstream, "commit", "--quiet", "--message", "second")
    done = cli("drift", str(keys), "--git-pull")
    assert (done.code, '"newest"' in done.out, canary.is_silent()) == (2, True, True)


@pytest.mark.parametrize(
    "variables",
    [
        {"GIT_DIR": "{other}/.git"},
        {"GIT_DIR": "{other}/.git", "GIT_WORK_TREE": "{other}"},
        {"GIT_DIR": "{other}/.git", "GIT_INDEX_FILE": "{other}/.git/index", "GIT_PREFIX": "x/"},
        {"GIT_OBJECT_DIRECTORY": "{other}/.git/objects"},
        {"GIT_COMMON_DIR": "{other}/.git"},
        {"GIT_CEILING_DIRECTORIES": "{here}"},
        {"GIT_NAMESPACE": "other"},
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.worktree", "GIT_CONFIG_VALUE_0": "{other}"},
        {"GIT_CONFIG_PARAMETERS": "'core.worktree'='{other}'"},
        {"GIT_EXTERNAL_DIFF": "{program}", "GIT_PAGER": "{program}", "GIT_TRACE2_EVENT": "{here}/trace"},
    ],
    ids=" ".join,
)
def test_git_is_asked_about_the_named_path_alone(
    cli: CommandLine,
    keys: Path,
    canary: Canary,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
) -> None:
    other = keys.parent.parent / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    (other / "keys.yaml").write_text("keys: []\n", encoding="utf-8")
    git(other, "add", ".")
    git(other, "commit", "--quiet", "--message", "another")
    expected = git(keys.parent, "rev-parse", "HEAD")
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(other=other, here=keys.parent, program=canary.program))
    document = json.loads(cli("plan", str(keys), "--base", "HEAD", "--format", "json").out)
    assert (document["git_commit"], document["base_commit"]) == (expected, expected)
    assert document["summary"]["drift"] == 1
    assert cli("drift", str(keys), "--git-pull").code == 2
    assert canary.is_silent()
    assert not (keys.parent / "trace").exists()


@pytest.mark.usefixtures("cli")
def test_a_plan_works_inside_a_hook(emulator: Emulator, tmp_path: Path) -> None:
    """Where Git sets GIT_DIR, GIT_INDEX_FILE and others for whatever a hook runs."""
    fill(emulator, "web", description="old")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main", "main")
    main, linked = tmp_path / "main", tmp_path / "linked"
    declare(main / "keys.yaml", {"name": "web", "description": "new"})
    git(main, "add", ".")
    git(main, "commit", "--quiet", "--message", "first")
    git(main, "worktree", "add", "--quiet", str(linked))
    head = git(main, "rev-parse", "HEAD")
    hook = main / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    command = shlex.join([*COMMAND, "plan", "keys.yaml", "--base", "HEAD", "--format", "json"])
    hook.write_text(f"#!/bin/sh\nexec {command} > {tmp_path}/$(basename $PWD).json\n", encoding="utf-8")
    hook.chmod(0o755)
    for tree in (main, linked):
        declare(tree / "keys.yaml", {"name": "web", "description": "newer"})
        subprocess.run(
            shlex.split("git -c user.name=a -c user.email=a@example.com commit --all --message x"),
            cwd=tree,
            check=True,
            capture_output=True,
        )
        document = json.loads((tmp_path / f"{tree.name}.json").read_text(encoding="utf-8"))
        assert (document["git_commit"], document["base_commit"]) == (f"{head}-dirty", head)
        (change,) = document["resource_changes"]
        assert change["change"]["origins"] == {"description": "conflict"}


@pytest.mark.usefixtures("keys")
def test_a_submodule_and_a_separate_git_directory_are_recognized(cli: CommandLine, tmp_path: Path) -> None:
    upstream, outer, separate = tmp_path / "upstream", tmp_path / "outer", tmp_path / "separate"
    git(tmp_path, "init", "--quiet", str(outer))
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(upstream), "sub")
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--separate-git-dir",
        str(tmp_path / "apart"),
        str(upstream),
        str(separate),
    )
    git(separate, "config", "core.worktree", str(separate))
    for tree in (outer / "sub", separate):
        document = json.loads(cli("plan", str(tree / "keys"), "--format", "json").out)
        assert document["git_commit"] == git(upstream, "rev-parse", "HEAD")
