"""This project as others get it: a repository with its files, at one commit."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from counterparts import ROOT
from tests.hostile_git import git

if TYPE_CHECKING:
    from pathlib import Path


def publish(place: Path) -> str:
    """Make a repository of the files of this project, as they are now, and return its commit."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in sorted(filter(None, names)):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    return commit(place)


def commit(place: Path) -> str:
    """Commit everything in a folder, which becomes a repository; return the commit."""
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message=all")
    return git(place, "rev-parse", "HEAD").strip()
