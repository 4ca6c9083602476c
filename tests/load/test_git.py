"""What a run asks of Git: the commit of the files, and the newest of them; never a merge, never a secret."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ConfigurationError
from reconciler.load.git import files_at, git_commit, kinds_at, not_committed, pull
from reconciler.load.process import Host
from reconciler.model.system import SystemClock
from tests.values import loaded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECRETS = {
    "GCORE_API_KEY": "1234$tell-nobody",
    "RECONCILER_DRIFT_WEBHOOK": "https://hooks.example.com/tell-nobody",
    "RECONCILER_DRIFT_SLACK": "https://hooks.slack.com/services/tell-nobody",
    "RECONCILER_WEBHOOK_SECRET": "whsec_tell-nobody",
}
ENVIRONMENT = os.environ  # noqa: TID251 - what the command line hands in
HOST = Host(ENVIRONMENT, SystemClock())
REAL = shutil.which("git")
PIPELINE = ("GITHUB_SHA", "CI_COMMIT_SHA", "BITBUCKET_COMMIT", "GIT_COMMIT")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove the machine's and the pipeline's settings of Git."""
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
    with pytest.raises(ConfigurationError) as caught:
        pull([str(path) for path in paths], HOST, seconds)
    return str(caught.value)


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Install something else as git."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    program = place / "git"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(place), prepend=os.pathsep)
    return place


def test_a_pull_fetches_new_commits(checkout: Path, upstream: Path) -> None:
    newest = commit(upstream, "two")
    pull([str(checkout / "keys.yaml")], HOST)
    assert (checkout / "keys.yaml").read_text(encoding="utf-8") == "two"
    assert git_commit([str(checkout)], HOST) == newest
    pull([str(checkout)], HOST)
    assert git_commit([str(checkout)], HOST) == newest


def test_a_pull_is_silent(checkout: Path, upstream: Path, capfd: pytest.CaptureFixture[str]) -> None:
    commit(upstream, "two")
    pull([str(checkout)], HOST)
    assert capfd.readouterr() == ("", "")


def test_each_checkout_is_pulled_once(
    tmp_path: Path, checkout: Path, upstream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "team").mkdir()
    git(tmp_path, "clone", "--quiet", str(upstream), "second")
    commit(upstream, "two")
    log = tmp_path / "log"
    stand_in(tmp_path, monkeypatch, f'echo "$*" >> {log}\nexec {REAL} "$@"')
    second = tmp_path / "second"
    pull([str(checkout), str(checkout / "team"), str(checkout / "keys.yaml"), str(second)], HOST)
    pulls = [line for line in log.read_text(encoding="utf-8").splitlines() if " pull " in line]
    assert [line.partition(" -C ")[2].split()[0] for line in pulls] == [str(checkout), str(second)]
    assert (second / "keys.yaml").read_text(encoding="utf-8") == "two"


def test_the_current_folder_is_the_checkout_of_standard_input(
    checkout: Path, upstream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    newest = commit(upstream, "two")
    pull(["-"], HOST)
    assert git_commit(["keys.yaml"], HOST) == newest
    assert git_commit(["-"], HOST) is None  # files reached through it are in no commit


def test_diverged_histories_are_not_merged(checkout: Path, upstream: Path) -> None:
    commit(upstream, "theirs")
    ours = commit(checkout, "ours")
    assert refusal(checkout) == f"git pull in {checkout}: fatal: Not possible to fast-forward, aborting."
    assert git_commit([str(checkout)], HOST) == ours
    assert git(checkout, "status", "--porcelain") == ""


def test_local_changes_are_not_overwritten(checkout: Path, upstream: Path) -> None:
    commit(upstream, "theirs")
    (checkout / "keys.yaml").write_text("by hand", encoding="utf-8")
    reported = refusal(checkout)
    assert "local changes" in reported
    assert "keys.yaml" in reported
    assert "\n" not in reported
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
def test_a_failing_remote_is_reported_with_the_reason(checkout: Path, url: str, reason: str) -> None:
    set_url(checkout, url)
    reported = refusal(checkout)
    assert reported.startswith(f"git pull in {checkout}: ")
    assert reason in reported
    assert "tell-nobody" not in reported


def test_a_branch_without_an_upstream_is_reported(checkout: Path) -> None:
    git(checkout, "switch", "--quiet", "--create", "own")
    assert "There is no tracking information for the current branch." in refusal(checkout)
    git(checkout, "switch", "--quiet", "--detach")
    assert "You are not currently on a branch." in refusal(checkout)


def test_outside_a_checkout_there_is_nothing_to_pull(tmp_path: Path) -> None:
    for path in (tmp_path / "keys.yaml", tmp_path / "missing" / "keys.yaml"):
        assert refusal(path) == f"--git-pull needs a Git checkout, but {path} is not in a Git work tree"


def test_nothing_is_pulled_if_one_path_lies_outside(tmp_path: Path, checkout: Path, upstream: Path) -> None:
    commit(upstream, "two")
    assert "is not in a Git work tree" in refusal(checkout, tmp_path)
    assert (checkout / "keys.yaml").read_text(encoding="utf-8") == "one"


def test_without_git_a_pull_is_an_error(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout.parent / "nothing"))
    assert refusal(checkout) == "--git-pull needs Git: git cannot be run: No such file or directory"


def environment_of_git(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, passed: Sequence[str] = ()
) -> Mapping[str, str]:
    """Pull with a git that notes its environment, and return that."""
    dump = checkout.parent / "environment"
    noted = f"env -0 > {dump}; readlink /proc/$$/fd/0 > {dump}.stdin"
    stand_in(checkout.parent, monkeypatch, f'case "$*" in *" pull "*) {noted};; *) exec {REAL} "$@";; esac')
    pull([str(checkout)], HOST, passed=passed)
    pairs = (entry.partition("=") for entry in dump.read_text(encoding="utf-8").split("\0"))
    return {name: value for name, _, value in pairs}


def test_git_receives_no_secret_and_does_not_prompt(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -i /run/key")
    monkeypatch.setenv("SAME", SECRETS["GCORE_API_KEY"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "unasked")
    found = environment_of_git(checkout, monkeypatch)
    assert "AWS_SECRET_ACCESS_KEY" not in found
    assert not SECRETS.keys() & found.keys()
    assert not any("tell-nobody" in value for value in found.values())
    assert (found["GIT_TERMINAL_PROMPT"], found["GIT_SSH_COMMAND"]) == ("0", "ssh -i /run/key")
    assert (tmp_path / "environment.stdin").read_text(encoding="utf-8").strip() == os.devnull


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "it ended with 3"),
        ("kill -9 $$", "it ended with -9"),
        ("printf 'fatal: \\377\\n' >&2; exit 1", "fatal: \ufffd"),
        ("printf '\\nhint: do this\\n  error: one\\n\\n\\ttwo \\n' >&2; exit 1", "error: one two"),
        ("printf '%0500d' 0 >&2; exit 1", f"{'0' * 400}…"),
        ("sleep 60 & wait", "it took longer than 0 s"),
    ],
)
def test_the_reason_is_the_message_of_git_on_one_line(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    stand_in(checkout.parent, monkeypatch, f'case "$*" in *" pull "*) {script};; *) exec {REAL} "$@";; esac')
    assert refusal(checkout, seconds=0.3) == f"git pull in {checkout}: {reason}"


def test_a_checkout_in_a_folder_with_an_undecodable_name_is_pulled(
    tmp_path: Path, checkout: Path, upstream: Path
) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    checkout.rename(odd)
    commit(upstream, "two")
    pull([odd], HOST)
    assert (Path(odd) / "keys.yaml").read_text(encoding="utf-8") == "two"


def test_the_commit_is_the_full_hash_of_the_checkout(checkout: Path) -> None:
    expected = git(checkout, "rev-parse", "HEAD")
    git(checkout, "tag", "v1")
    git(checkout, "tag", "--annotate", "--message", "two", "v2")
    assert re.fullmatch("[0-9a-f]{40}", expected)
    assert git_commit([str(checkout / "keys.yaml")], HOST) == expected
    assert git_commit([str(checkout / "missing.yaml")], HOST) == expected


def test_a_tree_that_differs_from_its_commit_is_marked(checkout: Path) -> None:
    expected = git(checkout, "rev-parse", "HEAD")
    (checkout / "other.txt").write_text("not tracked", encoding="utf-8")
    assert git_commit([str(checkout)], HOST) == expected
    (checkout / "keys.yaml").write_text("changed", encoding="utf-8")
    assert git_commit([str(checkout)], HOST) == f"{expected}-dirty"
    git(checkout, "add", "keys.yaml")
    assert git_commit([str(checkout)], HOST) == f"{expected}-dirty"


def test_outside_git_the_commit_is_taken_from_the_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert git_commit([str(tmp_path)], HOST) is None
    for name in reversed(PIPELINE):
        monkeypatch.setenv(name, f"of {name}")
        assert git_commit([str(tmp_path)], HOST) == f"of {name}"
    monkeypatch.setenv(PIPELINE[0], "")
    assert git_commit([str(tmp_path)], HOST) == f"of {PIPELINE[1]}"


def test_a_repository_without_commits_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "--quiet")
    assert git_commit([str(tmp_path)], HOST) is None
    monkeypatch.setenv("CI_COMMIT_SHA", "abc")
    assert git_commit([str(tmp_path)], HOST) == "abc"


def test_only_listed_variables_and_no_token_are_passed_to_git(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE_ONE", "keys")
    monkeypatch.setenv("MINE_TWO", "r")
    monkeypatch.setenv("MINE_SAME", SECRETS["GCORE_API_KEY"])
    monkeypatch.setenv("GCORE_API_KEY", SECRETS["GCORE_API_KEY"])
    found = environment_of_git(checkout, monkeypatch, ["MINE_*", "ABSENT"])
    assert {name for name in found if name.startswith("MINE_")} == {"MINE_ONE", "MINE_TWO"}
    for name, reason in (
        ("MINE_SAME", "programs never get a token"),
        ("GCORE_API_KEY", "programs never"),
        ("*", "not the"),
    ):
        with pytest.raises(ConfigurationError, match=reason):
            pull([str(checkout)], HOST, passed=[name])


def test_without_git_the_commit_is_unknown(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout.parent / "nothing"))
    assert git_commit([str(checkout)], HOST) is None


def test_a_folder_at_a_commit_follows_the_rules_of_the_work_tree(checkout: Path) -> None:
    names = [" first.yaml", "below/second.yml", ".hidden.yaml", ".hidden/third.yaml", "notes.txt"]
    for name in names:
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text(name, encoding="utf-8")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "more")
    there = files_at("HEAD", [str(checkout)], HOST)
    assert dict(there.files).keys() >= {" first.yaml@HEAD", "below/second.yml@HEAD"}
    assert not [name for name, _ in there.files if "hidden" in name or "notes" in name]
    assert (there.commit, there.missing) == (git(checkout, "rev-parse", "HEAD"), ())


LAYOUTS = {
    "a linked folder": {"keys/a.yaml": "a", "keys/team": "->../shared", "shared/b.yaml": "b"},
    "a linked file": {"keys/a.yaml": "->../shared/b.yaml", "shared/b.yaml": "b"},
    "the named folder": {"keys": "->real", "real/a.yaml": "a"},
    "a folder above": {"keys": "->real/deep", "real": "->really", "really/deep/a.yaml": "a"},
    "round": {"keys/a.yaml": "a", "keys/up": "->..", "keys/self": "->.", "keys/more/up": "->../.."},
    "twice": {"keys/a.yaml": "a", "keys/b.yaml": "->a.yaml", "keys/team": "->more", "keys/more/c.yaml": "c"},
    "hidden": {"keys/a.yaml": "->.x/a.yaml", "keys/.x/a.yaml": "a", "keys/.y": "->.x", "keys/.z.yaml": "z"},
    "kinds": {"keys/a.yaml": "a", "keys/kinds/b.yaml": "b", "keys/more/kinds/c.yaml": "c"},
    "linked kinds": {"keys/kinds": "->more", "keys/more/c.yaml": "c"},
    "endings": {"keys/A.YAML": "a", "keys/b.yml": "b", "keys/c.yaml.txt": "c", "keys/\u00e9\n.yaml": "d"},
    "absolute": {"keys/a.yaml": "->{top}/shared/b.yaml", "shared/b.yaml": "b"},
    "back in": {"keys/a.yaml": "->../../repository/b.yaml", "b.yaml": "b"},
}
REFUSED = {
    "out": {"keys/a.yaml": "a", "keys/x.yaml": "->../../outside.yaml"},
    "out, absolute": {"keys/x.yaml": "->/etc/passwd"},
    "a folder out": {"keys/a.yaml": "a", "keys/x": "->../.."},
    "nowhere": {"keys/a.yaml": "a", "keys/x": "->gone"},
    "in a circle": {"keys/a.yaml": "->b.yaml", "keys/b.yaml": "->a.yaml"},
    "named, out": {"keys": "->../outside"},
}


def lay_out(folder: Path, layout: Mapping[str, str]) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet")
    for name, content in layout.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if content.startswith("->"):
            place.symlink_to(content.removeprefix("->").format(top=folder))
        else:
            place.write_text(f"keys: [{content}]", encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    return folder


def read_now(path: Path) -> tuple[list[object], bool]:
    found = loaded([str(path)])
    return [document.data for document in found.documents], bool(found.problems)


@pytest.mark.parametrize("layout", [*LAYOUTS, *REFUSED])
def test_links_at_a_commit_are_resolved_as_in_the_work_tree(
    tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay_out(tmp_path / "repository", {**LAYOUTS, **REFUSED}[layout])
    now, is_refused = read_now(folder / "keys")
    monkeypatch.chdir(folder)
    for path in (str(folder / "keys"), "keys", "./keys/"):
        there = files_at("HEAD", [path], HOST)
        assert bool(there.problems) == is_refused == (layout in REFUSED)
        assert sorted(content for _, content in there.files) == sorted(
            f"keys: [{data['keys'][0]}]".encode() for data in now if isinstance(data, dict)
        )
    if layout in LAYOUTS:
        assert git_commit([str(folder / "keys")], HOST) == git(folder, "rev-parse", "HEAD")


def test_a_submodule_is_reported_where_its_files_would_be_read(checkout: Path, upstream: Path) -> None:
    git(checkout, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(upstream), "more")
    git(checkout, "commit", "--quiet", "--message", "more")
    reported = "more@HEAD: is a submodule, whose files are in another repository"
    assert [str(problem) for problem in files_at("HEAD", [str(checkout)], HOST).problems] == [reported]
    git(checkout, "submodule", "--quiet", "deinit", "--all")
    (checkout / "more").rmdir()  # otherwise the path is looked up in the repository of the submodule
    assert [str(problem) for problem in files_at("HEAD", [str(checkout / "more")], HOST).problems] == [
        reported
    ]


def test_a_renamed_path_is_looked_up_as_typed(checkout: Path) -> None:
    """Also where it is a link now, to a place that the commit did not have."""
    (checkout / "keys").mkdir()
    commit(checkout, "then", "keys/a.yaml")
    (checkout / "keys").rename(checkout / "moved")
    (checkout / "keys").symlink_to("moved")
    there = files_at("HEAD", [str(checkout / "keys")], HOST)
    assert there.files == (("keys/a.yaml@HEAD", b"then"),)


@pytest.mark.parametrize("reference", ["main...side", "side...main", "main...", "...main"])
def test_a_base_of_two_revisions_is_their_merge_base(checkout: Path, reference: str) -> None:
    parted = git(checkout, "rev-parse", "HEAD")
    git(checkout, "switch", "--quiet", "--create", "side")
    commit(checkout, "ours")
    git(checkout, "switch", "--quiet", "main")
    commit(checkout, "theirs")
    git(checkout, "switch", "--quiet", "side")
    there = files_at(reference, [str(checkout)], HOST)
    assert (there.commit, [content for _, content in there.files]) == (parted, [b"one"])


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("apart...", "both sides have no common commit in the clone"),
        ("gone...", "--base gone...: 'gone' is not a commit of the clone"),
        ("--all", "--base --all: '--all' is not a commit of the clone"),
        ("", "--base : '' is not a commit of the clone"),
    ],
)
def test_an_unknown_base_is_reported(checkout: Path, reference: str, reason: str) -> None:
    git(checkout, "switch", "--quiet", "--orphan", "apart")
    commit(checkout, "apart")
    git(checkout, "switch", "--quiet", "main")
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        files_at(reference, [str(checkout)], HOST)


def test_the_index_and_filters_cannot_hide_a_changed_file(checkout: Path) -> None:
    expected = git(checkout, "rev-parse", "HEAD")
    git(checkout, "config", "filter.same.clean", "printf one")
    (checkout / ".git/info/attributes").write_text("* filter=same\n", encoding="utf-8")
    for flag in ("--assume-unchanged", "--skip-worktree"):
        git(checkout, "update-index", flag, "keys.yaml")
        (checkout / "keys.yaml").write_text("two", encoding="utf-8")
        assert git_commit([str(checkout)], HOST) == f"{expected}-dirty"


def test_converted_line_endings_and_object_hashes_are_not_a_difference(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "repository"
    git(tmp_path, "init", "--quiet", "--object-format=sha256", str(folder))
    head = commit(folder, "one\ntwo\n")
    assert git_commit([str(folder)], HOST) == head
    (folder / "keys.yaml").write_bytes(b"one\r\ntwo\r\n")
    assert git_commit([str(folder)], HOST) == head
    (folder / "keys.yaml").unlink()
    assert git_commit([str(folder)], HOST) == f"{head}-dirty"


def test_a_kind_that_is_not_committed_makes_the_tree_differ(checkout: Path) -> None:
    expected = git(checkout, "rev-parse", "HEAD")
    (checkout / "kinds").mkdir()
    (checkout / "kinds/own.schema.json").write_text("{}", encoding="utf-8")
    assert git_commit([str(checkout / "keys.yaml")], HOST) == f"{expected}-dirty"
    (checkout / "kinds/notes.txt").write_text("", encoding="utf-8")
    (checkout / "kinds/own.schema.json").unlink()
    assert git_commit([str(checkout)], HOST) == expected


def test_missing_objects_of_a_partial_clone_are_not_fetched(tmp_path: Path, upstream: Path) -> None:
    first = git(upstream, "rev-parse", "HEAD")
    commit(upstream, "two")
    git(upstream, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{upstream}", "partial")
    with pytest.raises(ConfigurationError, match="cannot be read: "):
        files_at(first, [str(tmp_path / "partial")], HOST)


def test_files_that_are_not_committed_are_named(checkout: Path, tmp_path: Path) -> None:
    paths = [str(checkout), str(checkout / "keys.yaml"), "-", str(tmp_path)]
    assert not_committed(paths, HOST) == ()
    (checkout / "keys.yaml").write_text("two", encoding="utf-8")
    (checkout / "new.yaml").write_text("new", encoding="utf-8")
    assert not_committed(paths, HOST) == ("new.yaml", "keys.yaml")


def test_a_repository_whose_work_tree_is_elsewhere_is_not_that_of_the_path(
    checkout: Path, upstream: Path
) -> None:
    reported: list[str] = []
    git(checkout, "config", "core.worktree", str(upstream))
    assert git_commit([str(checkout)], HOST, reported.append) is None
    reason = f"the repository of {checkout} belongs to another folder"
    assert reported == [f"the commit of the files is unknown: {reason}"]


def test_a_folder_of_kinds_is_read_at_a_commit_like_any_other(checkout: Path) -> None:
    kinds = checkout / "kinds"
    kinds.mkdir()
    for name in ("a.schema.json", ".b.schema.json", "c.txt"):
        (kinds / name).write_text(name, encoding="utf-8")
    (kinds / "d.schema.json").symlink_to("c.txt")
    (kinds / "e.schema.json").mkdir()
    (kinds / "e.schema.json" / "f").write_text("", encoding="utf-8")
    commit(checkout, "kinds")
    (checkout / "gone").symlink_to("/etc")
    commit(checkout, "link")
    there = kinds_at("HEAD", {str(kinds): str(checkout), str(checkout / "gone"): str(checkout)}, HOST)
    assert dict(there.files) == {
        "HEAD:./kinds/a.schema.json": b"a.schema.json",
        "HEAD:./kinds/d.schema.json": b"c.txt",
    }
    assert [str(problem) for problem in there.problems] == [
        "gone@HEAD: is a link that leads out of the Git work tree"
    ]
