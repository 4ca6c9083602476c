"""A GitHub runner: act, which runs workflows on this machine, without containers.

The actions of others cannot be had here: each is replaced by one of a few lines, with the same inputs.
The rest is real: expressions, outputs, masks, composite actions, conditions, needs and matrices.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import yaml

from counterparts import ROOT, find
from tests.contract.runner import CLOUD_TOKEN, JOB_TOKEN
from tests.hostile_git import git
from tests.integration.published import commit
from tests.integration.running import machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STAND_INS: Final = {
    "actions/cache": (("path", "key"), ":"),
    "actions/setup-python": (("python-version",), ":"),
    "actions/checkout": (
        ("repository", "ref", "path", "persist-credentials"),
        'git clone --quiet "$SOURCE" "$PLACE" && git -C "$PLACE" checkout --quiet --detach "$REF"',
    ),
    "actions/upload-artifact": (("name", "path", "if-no-files-found"), 'cp "$PLACE" "$ARTIFACTS/$NAME"'),
    "actions/download-artifact": (("name",), 'cp "$ARTIFACTS/$NAME" plan.json'),
}
"""The actions of others: their inputs, and what is run instead."""


class Act:
    """A repository whose workflows are run, beside ``source``: this project, as it is published."""

    def __init__(self, place: Path, source: Path) -> None:
        self.place = place
        self.workspace = place / "workspace"
        self.python = f"{sys.base_prefix}/bin"
        self.token = JOB_TOKEN
        self._source = source
        self._commit = git(source, "rev-parse", "HEAD")
        self._tools = place / "tools"
        for folder in (self.workspace, self._tools, place / "artifacts", place / "actions"):
            folder.mkdir()
        self._environment = {"SOURCE": str(source), "ARTIFACTS": str(place / "artifacts")}

    def replace(self, script: str) -> None:
        """Replace the action by this script, for tests of workflows alone."""
        self._source = self.place / "actions/own"
        _write_action(self._source, (), script)

    def program(self, name: str, script: str) -> None:
        """Add a program to the runner."""
        tool = self._tools / name
        tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        tool.chmod(0o755)

    def use(self, *workflows: Path) -> None:
        """Copy workflows into the repository, fill in their placeholders, and commit all of it."""
        folder = self.workspace / ".github/workflows"
        folder.mkdir(parents=True, exist_ok=True)
        for workflow in workflows:
            text = workflow.read_text(encoding="utf-8").replace("YOUR-COMMIT", self._commit)
            (folder / workflow.name).write_text(text.replace("YOUR-ORG", "owner"), encoding="utf-8")
        head = commit(self.workspace)
        git(self.workspace, "remote", "add", "origin", "https://github.com/web/keys.git")
        git(self.workspace, "update-ref", "refs/remotes/origin/main", head)

    def run(self, event: str, about: Mapping[str, Any], *words: str, **environment: str) -> tuple[bool, str]:
        """Run what an event starts; return whether all of it passed, and the log, which has no token."""
        file = self.place / "event.json"
        file.write_text(json.dumps({"repository": {"full_name": "web/keys"}, **about}), encoding="utf-8")
        secrets = ["--secret", f"GCORE_API_KEY={CLOUD_TOKEN}", "--secret", f"GITHUB_TOKEN={self.token}"]
        options = ["--eventpath", str(file), "--platform", "ubuntu-latest=-self-hosted", "--no-cache-server"]
        for name, value in (self._environment | environment).items():
            options += ["--env", f"{name}={value}"]
        for action, folder in self._actions().items():
            options += ["--local-repository", f"{action}={folder}"]
        done = subprocess.run(
            [str(find("act")), event, *secrets, *options, *words],
            cwd=self.workspace,
            env=machine()
            | {
                "PATH": f"{self._tools}:{self.python}:/usr/bin:/bin",
                "HOME": str(self.place),
                "XDG_CACHE_HOME": str(self.place / "cache"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        log = done.stdout + done.stderr
        assert not [token for token in (CLOUD_TOKEN, self.token) if token in log], "a token is printed"
        return done.returncode == 0, log

    def _actions(self) -> Mapping[str, Path]:
        """Return the folder of each action that the workflows use."""
        files = [ROOT / "action.yml", *(self.workspace / ".github/workflows").iterdir()]
        used = {
            name
            for file in files
            for name in re.findall(r"uses: (actions/[\w-]+@\w+)", file.read_text(encoding="utf-8"))
        }
        found = {f"owner/reconciler@{self._commit}": self._source}
        for name in used:
            inputs, script = STAND_INS[name.partition("@")[0]]
            found[name] = self.place / "actions" / name.partition("@")[0].replace("/", "-")
            _write_action(found[name], inputs, script)
        return found


def _write_action(folder: Path, inputs: Sequence[str], script: str) -> None:
    """Write an action that runs a script with its inputs in the environment; that of ``path`` is PLACE."""
    folder.mkdir(exist_ok=True)
    given = {each.upper(): f"${{{{ inputs.{each} }}}}" for each in inputs}
    given["PLACE"] = given.pop("PATH", "")
    document = {
        "name": folder.name,
        "description": "stand-in",
        "inputs": {each: {"description": each, "default": ""} for each in inputs},
        "runs": {"using": "composite", "steps": [{"shell": "bash", "run": script, "env": given}]},
    }
    (folder / "action.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
