"""Folders that pass for Git repositories and whose settings name a program wherever one can be named."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.support import GIT_SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """\
[core]
\trepositoryformatversion = 1
\tbare = false
\tworktree = {worktree}
\tfsmonitor = {program}
\thooksPath = {hooks}
\tpager = {program}
\teditor = {program}
\tsshCommand = {program}
\taskPass = {program}
\tgitProxy = {program}
\talternateRefsCommand = {program}
[diff]
\texternal = {program}
[diff "all"]
\ttextconv = {program}
\tcommand = {program}
[filter "all"]
\tclean = {program}
\tsmudge = {program}
\tprocess = {program}
\trequired = true
[credential]
\thelper = {program}
[pager]
\tlog = {program}
[alias]
\tx = !{program}
[extensions]
\tpartialClone = origin
[remote "origin"]
\turl = ext::{program}
\tfetch = +refs/heads/*:refs/remotes/origin/*
\tpromisor = true
\tuploadpack = {program}
[protocol]
\tallow = always
[branch "main"]
\tremote = origin
\tmerge = refs/heads/main
"""
HOOKS = ("post-index-change", "post-merge", "post-checkout", "reference-transaction", "pre-auto-gc")


class Canary:
    """A program that leaves a file when it runs, with the environment that it saw."""

    def __init__(self, place: Path) -> None:
        place.mkdir()
        self.song = place / "song"
        self.program = place / "program"
        self.program.write_text(f"#!/bin/sh\nenv >> {self.song}\ncat > /dev/null\nexit 1\n", encoding="utf-8")
        self.program.chmod(0o755)
        self.hooks = place / "hooks"
        self.hooks.mkdir()
        for name in HOOKS:
            (self.hooks / name).symlink_to(self.program)

    def settings(self, worktree: Path | str) -> str:
        """Return settings of a repository that run the program as soon as anything can."""
        return SETTINGS.format(program=self.program, hooks=self.hooks, worktree=worktree)

    def is_silent(self) -> bool:
        """Return whether nothing ran the program."""
        return not self.song.exists()


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *GIT_SETTINGS, *words]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}  # noqa: TID251 - where git is
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()


def pass_for_a_repository(folder: Path, canary: Canary) -> None:
    """Add to a folder what Git takes for a bare repository, with an index that it finds out of date."""
    scratch = folder.parent / "scratch"
    git(folder.parent, "init", "--quiet", "--initial-branch", "main", str(scratch))
    (scratch / "keys.yaml").write_text("keys: []\n", encoding="utf-8")
    git(scratch, "add", ".")
    git(scratch, "commit", "--quiet", "--message", "theirs")
    for name in ("HEAD", "objects", "refs", "index"):
        (scratch / ".git" / name).rename(folder / name)
    (folder / "config").write_text(canary.settings(".."), encoding="utf-8")
    (folder / ".gitattributes").write_text("* filter=all diff=all\n", encoding="utf-8")
    # What Git itself makes of it: otherwise a silent test would prove nothing.
    subprocess.run(["git", "-C", str(folder), "status"], check=False, capture_output=True)  # noqa: S607 - whichever git
    assert not canary.is_silent()
    canary.song.unlink()
