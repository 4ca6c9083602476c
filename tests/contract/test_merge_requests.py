"""The GitLab jobs maintain one note on a merge request and apply what was merged, with their own shell."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.contract.runner import CLOUD_TOKEN, ROOT, prints
from tests.support import GIT_SETTINGS, TOKEN, declare, emulate, fill, from_yaml, patches, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOBS = ROOT / "deploy/gitlab/plan.yml"
NOTE_TOKEN = "note$token"
ME = 42
MARKER = "<!-- reconciler-plan -->"
SHELLS = {"bash": ("bash", "set -eo pipefail"), "sh": ("sh", "set -e")}
with_one_shell = pytest.mark.parametrize("gitlab", [SHELLS["sh"]], ids=["sh"], indirect=True)
FAILS = prints(1, messages="Error: no response")

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


@dataclass(slots=True)
class Gitlab:
    """The notes of merge request 7, and a runner; ``words`` collects every word given to curl."""

    place: Path
    shell: tuple[str, str]
    notes: list[tuple[int, str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    refused: str = ""

    def install(self, name: str, script: str) -> None:
        """Add a program to the runner's path."""
        tool = self.place / "tools" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        tool.chmod(0o755)

    def run(self, name: str) -> tuple[int, str]:
        """Run a job: its scripts in one shell, as the runner does."""
        job = from_yaml(JOBS.read_text(encoding="utf-8"))[name]
        program, options = self.shell
        done = subprocess.run(
            ["/usr/bin/env", program, "-c", "\n".join([options, *job["script"]])],
            cwd=self.place,
            env={"PATH": f"{self.place}/tools:/usr/bin:/bin", "HOME": str(self.place), **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def respond(self, method: str, path: str, sent: dict[str, str]) -> Any:
        """Respond to a request of the API. An error is a refusal."""
        assert method != self.refused
        if path == "/api/v4/user":
            return {"id": ME}
        number = path.removeprefix("/api/v4/projects/5/merge_requests/7/notes").strip("/")
        if method == "GET":
            begin = (int(sent["page"]) - 1) * int(sent["per_page"])
            notes = [
                {"id": index, "author": {"id": author}, "body": body}
                for index, (author, body) in enumerate(self.notes)
            ]
            return notes[begin : begin + int(sent["per_page"])]
        if method == "POST":
            assert not number
            self.notes.append((ME, sent["body"]))
        else:
            self.notes[int(number)] = (ME, sent["body"])
        return {}

    def mine(self) -> list[str]:
        """Return the texts of the notes that the token wrote."""
        return [body for author, body in self.notes if author == ME]


class _Server(HTTPServer):
    gitlab: Gitlab


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _handle(self) -> None:
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        status, document = 403, "{}"
        if self.headers["PRIVATE-TOKEN"] == NOTE_TOKEN:
            with contextlib.suppress(AssertionError, KeyError, IndexError, ValueError):
                sent = dict([*parse_qsl(target.query), *parse_qsl(body)])
                document = json.dumps(self.server.gitlab.respond(self.command, target.path, sent))
                status = 200
        self.send_response(status)
        self.end_headers()
        self.wfile.write(document.encode())

    do_GET = do_POST = do_PUT = _handle  # noqa: N815 - the names are the library's

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        """Log nothing."""


@contextlib.contextmanager
def reachable(gitlab: Gitlab) -> Iterator[str]:
    """Serve it on this machine."""
    server = _Server(("127.0.0.1", 0), _Handler)
    with serving(server) as url:
        server.gitlab = gitlab
        yield url


@pytest.fixture(params=list(SHELLS.values()), ids=list(SHELLS))
def gitlab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gitlab]:
    """GitLab, with merge request 7 open; the command finds an error, which the note reports."""
    running = Gitlab(tmp_path, request.param)
    with reachable(running) as url:
        curl = shlex.quote(shutil.which("curl") or "curl")
        running.install("curl", f'echo "$@" >> {tmp_path}/words\nexec {curl} --noproxy "*" "$@"')
        running.install("python3", f'exec {shlex.quote(sys.executable)} -I -S "$@"')
        running.install("reconciler", FAILS)
        running.environment = {
            "CI_API_V4_URL": f"{url}/api/v4",
            "CI_COMMIT_SHA": "c0ffee",
            "CI_JOB_URL": "https://gitlab.example/jobs/77",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_PROJECT_ID": "5",
            "GCORE_API_KEY": CLOUD_TOKEN,
            "RECONCILER_GITLAB_TOKEN": NOTE_TOKEN,
        }
        yield running


def test_a_note_is_created_once_and_then_updated(gitlab: Gitlab) -> None:
    assert gitlab.run("reconciler-plan")[0] == 1
    gitlab.install("reconciler", prints(1, messages="Error: another"))
    gitlab.run("reconciler-plan")
    (note,) = gitlab.mine()
    assert note.startswith(f"{MARKER}\n\n### Plan: an error; nothing was changed\n\n    Error: another\n")
    assert note.endswith("\nCommit c0ffee, [log of the job](https://gitlab.example/jobs/77).\n")


def test_a_note_of_another_author_is_not_changed(gitlab: Gitlab) -> None:
    gitlab.notes = [(1, MARKER), (ME, f"see {MARKER}"), *[(1, "talk")] * 198, (ME, MARKER)]
    gitlab.run("reconciler-plan")
    assert gitlab.notes[:2] == [(1, MARKER), (ME, f"see {MARKER}")]
    assert len(gitlab.notes) == 201
    assert "Error: no response" in gitlab.notes[200][1]


@pytest.mark.parametrize("refused", ["GET", "POST"])
def test_a_note_that_cannot_be_written_fails_the_job(gitlab: Gitlab, refused: str) -> None:
    gitlab.install("reconciler", prints(0))
    gitlab.refused = refused
    assert gitlab.run("reconciler-plan")[0] not in {0, 1}


def test_without_a_token_there_is_a_plan_but_no_note(gitlab: Gitlab) -> None:
    gitlab.environment["RECONCILER_GITLAB_TOKEN"] = ""
    gitlab.install("reconciler", prints(0, "No changes."))
    code, log = gitlab.run("reconciler-plan")
    assert (code, gitlab.notes, "No changes." in log) == (0, [], True)


def test_a_message_is_always_a_code_block_in_the_note(gitlab: Gitlab) -> None:
    alarming = "Error: ```\r/close\n@everyone <b>\n/merge"
    gitlab.install("reconciler", prints(1, messages=alarming + "\n" + "x" * 70_000))
    gitlab.run("reconciler-plan")
    (note,) = gitlab.mine()
    code = note.split("\n\n")[2]
    assert [line[:4] for line in code.splitlines()] == ["    "] * len(code.splitlines())
    assert code.splitlines()[-1] == "    (cut here: the log of the job has all of it)"


def test_no_token_is_shown_or_passed_on_a_command_line(gitlab: Gitlab) -> None:
    _, log = gitlab.run("reconciler-plan")
    words = (gitlab.place / "words").read_text(encoding="utf-8")
    assert "merge_requests/7/notes" in words
    assert [token for token in (NOTE_TOKEN, CLOUD_TOKEN) if token in log + words] == []


@with_one_shell
def test_the_merged_commit_is_planned_and_exactly_that_plan_is_applied(gitlab: Gitlab, command: str) -> None:
    (gitlab.place / "keys").mkdir()
    declare(gitlab.place / "keys/keys.yaml", {"name": "web", "is_disabled": True})
    gitlab.install("reconciler", f'exec {command} "$@"')
    with emulate() as cloud:
        fill(cloud, "web")
        gitlab.environment |= {"GCORE_BASE_URL": cloud.url, "GCORE_API_KEY": TOKEN}
        assert gitlab.run("reconciler-plan-merged")[0] == 0
        fingerprint = (gitlab.place / "plan.env").read_text(encoding="utf-8")
        assert re.fullmatch(r"RECONCILER_FINGERPRINT=sha256:[0-9a-f]{64}\n", fingerprint)
        gitlab.environment["RECONCILER_FINGERPRINT"] = "sha256:0"
        assert (gitlab.run("reconciler-apply")[0], patches(cloud)) == (3, [])
        gitlab.environment["RECONCILER_FINGERPRINT"] = fingerprint.strip().partition("=")[2]
        assert (gitlab.run("reconciler-apply")[0], patches(cloud)) == (0, [{"is_disabled": True}])


@with_one_shell
def test_the_plan_of_the_real_command_is_in_the_note_and_the_widget(gitlab: Gitlab, command: str) -> None:
    def git(*words: str) -> None:
        subprocess.run(["/usr/bin/git", "-C", str(gitlab.place), *GIT_SETTINGS, *words], check=True)

    (gitlab.place / "keys").mkdir()
    declare(gitlab.place / "keys/keys.yaml", {"name": "web", "is_disabled": True})
    git("init", "--quiet")
    git("add", "keys")
    git("commit", "--quiet", "--message", "one")
    gitlab.install("reconciler", f'exec {command} "$@"')
    with emulate() as cloud:
        fill(cloud, "web")
        gitlab.environment |= {"GCORE_BASE_URL": cloud.url, "GCORE_API_KEY": TOKEN}
        code, log = gitlab.run("reconciler-plan")
    (note,) = gitlab.mine()
    assert (code, "Plan: 0 to add, 1 to change, 0 to destroy." in log) == (0, True)
    assert "- Origin: config on 0 keys, drift on 1 key, conflict on 0 keys." in note
    report = json.loads((gitlab.place / "report.json").read_text(encoding="utf-8"))
    assert report == {"create": 0, "update": 1, "delete": 0}
