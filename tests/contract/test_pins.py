"""What others wrote and a pipeline runs is named by its commit, with the version beside it for readers."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from tests.contract.runner import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PINNED = re.compile(r"([\w./-]+)@[0-9a-f]{40}  # v\d+\.\d+\.\d+")
OURS = ("YOUR-ORG/reconciler@YOUR-COMMIT", "./")


def files() -> list[Path]:
    command = [
        "git",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "*.yml",
        "*.yaml",
        "*.md",
    ]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in sorted(filter(None, names)) if (ROOT / name).is_file()]


def used() -> list[tuple[str, str]]:
    """Return every action that is used, with its comment and its file."""
    found = [
        (str(file.relative_to(ROOT)), match[1].strip().removesuffix("]").removesuffix("}"))
        for file in files()
        for match in re.finditer(r"(?m)^[^#\n]*\buses: *(.+)$", file.read_text(encoding="utf-8"))
    ]
    return [(file, action) for file, action in found if not action.startswith(OURS)]


def test_every_action_is_pinned_by_commit_with_its_version() -> None:
    assert len(used()) >= 20
    assert [place for place in used() if not PINNED.fullmatch(place[1])] == []


def test_one_action_has_one_version_everywhere() -> None:
    versions: dict[str, set[str]] = {}
    for _, action in used():
        versions.setdefault(action.partition("@")[0], set()).add(action)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
