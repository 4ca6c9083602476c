"""Stand-ins for GitHub and GitLab: they run the shell of a job as a runner does, and store its issues."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.support import COMMAND, from_yaml, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DEPLOY = Path(__file__).parents[2] / "deploy"
WORKFLOW = DEPLOY / "github/drift.yml"
JOB = DEPLOY / "gitlab/drift.yml"
LONGEST = 65_536
FOUND_BY = '.[] | select(.body // "" | contains("<!-- reconciler-drift ")) | .number'
FORGE_TOKEN = "forge$token"
CLOUD_TOKEN = "cloud$token"

Fields = dict[str, str]


@dataclass(slots=True)
class Issue:
    """An issue, in the words of both forges."""

    number: int
    author: str
    title: str
    body: str
    is_open: bool = True
    is_confidential: bool = False
    comments: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of the job left: passed, warning or failed; its log; every word given to curl."""

    result: str
    log: str
    words: str


class Forge:
    """The issues of a project, and a runner that works in ``place``."""

    def __init__(self, place: Path, me: str) -> None:
        self.place = place
        self.me = me
        self.issues: list[Issue] = []
        self.methods = {"GET", "POST", "PUT", "PATCH"}
        self._tools = place / "tools"
        self._tools.mkdir()
        self._words = place / "words"
        self.install("pip", "exit 0")
        self.install("python3", f'exec {shlex.quote(sys.executable)} -I -S "$@"')
        curl = shlex.quote(shutil.which("curl") or "curl")
        self.install("curl", f'echo "$@" >> {self._words}\nexec {curl} --noproxy "*" "$@"')

    def install(self, name: str, script: str) -> None:
        """Add a program to the runner's path."""
        tool = self._tools / name
        tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        tool.chmod(0o755)

    def look(self, code: int, found: str = "", messages: str = "") -> Run:
        """Run the job with a reconciler that prints this and ends with ``code``."""
        (self.place / "found").write_bytes(found.encode())
        (self.place / "messages").write_bytes(messages.encode())
        self.install("reconciler", f"cat {self.place}/found\ncat {self.place}/messages >&2\nexit {code}")
        self._words.write_text("", encoding="utf-8")
        result, log = self.run()
        return Run(result, log, self._words.read_text(encoding="utf-8"))

    def use(self, environment: str, command: str = shlex.join(COMMAND)) -> None:
        """Use the real command in jobs, in this environment."""
        self.install("reconciler", f'exec env {environment} {command} "$@"')

    def execute(self, shell: Sequence[str], script: str, environment: Mapping[str, str]) -> tuple[int, str]:
        """Execute a script; return its exit code and all that it printed."""
        file = self.place / "script.sh"
        file.write_text(script, encoding="utf-8")
        done = subprocess.run(
            [*shell, str(file)],
            cwd=self.place,
            env={"PATH": f"{self._tools}:/usr/bin:/bin", "HOME": str(self.place), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def open(self, title: str, body: str) -> Issue:
        """Open an issue."""
        self.issues.append(Issue(len(self.issues) + 1, self.me, title, body))
        return self.issues[-1]

    def mine(self) -> list[Issue]:
        """Return the open issues of the one who asks, the oldest first."""
        return [issue for issue in self.issues if issue.is_open and issue.author == self.me]

    def others(self) -> list[Issue]:
        """Return the open issues of anyone else, the oldest first."""
        return [issue for issue in self.issues if issue.is_open and issue.author != self.me]

    def surroundings(self) -> Mapping[str, str]:
        """Return what the runner sets besides, for some jobs."""
        return {}

    def reach(self, url: str) -> None:
        """Set the address of this forge for the runner."""
        raise NotImplementedError

    def run(self) -> tuple[str, str]:
        """Run the job; return its result and its log."""
        raise NotImplementedError

    def respond(self, method: str, path: str, sent: Sequence[tuple[str, str]]) -> str:
        """Respond to a request. An error is a refusal."""
        raise NotImplementedError


class Github(Forge):
    """GitHub, and as much of ``gh api`` as the workflow uses."""

    workflow = WORKFLOW

    def __init__(self, place: Path) -> None:
        super().__init__(place, "github-actions[bot]")

    def reach(self, url: str) -> None:
        words = 'for word do set -- "$@" --data-urlencode "word=$word"; shift; done'
        token = 'printf "PRIVATE-TOKEN: %s" "$GH_TOKEN"'
        self.install("gh", f'{words}\n{token} | curl --silent --fail --header @- "$@" {url}')

    def run(self) -> tuple[str, str]:
        """Run the steps that have a script, up to the first that fails."""
        (job,) = from_yaml(self.workflow.read_text(encoding="utf-8"))["jobs"].values()
        known = {"secrets.GCORE_API_KEY": CLOUD_TOKEN, "github.token": FORGE_TOKEN}
        outputs = self.place / "outputs"
        log = ""
        for step in (step for step in job["steps"] if "run" in step):
            outputs.write_text("", encoding="utf-8")
            environment = {
                "GITHUB_OUTPUT": str(outputs),
                "GITHUB_STEP_SUMMARY": str(self.place / "summary"),
                "GITHUB_SERVER_URL": "https://github.example",
                "GITHUB_REPOSITORY": "web/keys",
                "GITHUB_RUN_ID": "77",
                **self.surroundings(),
            }
            for name, value in step.get("env", {}).items():
                environment[name] = re.sub(r"\$\{\{ (\S+) \}\}", lambda found: known[found[1]], value)
            code, printed = self.execute(["bash", "-e"], step["run"], environment)
            log += printed
            if code != 0:
                return "failed", log
            for line in outputs.read_text(encoding="utf-8").splitlines():
                name, value = line.split("=", 1)
                known[f"steps.{step['id']}.outputs.{name}"] = value
        return "passed", log

    def respond(self, method: str, path: str, sent: Sequence[tuple[str, str]]) -> str:
        """Respond to a call of ``gh``; its arguments are ``sent``."""
        words = [word for _, word in sent]
        pairs = list(itertools.pairwise(words))
        fields = dict(word.split("=", 1) for flag, word in pairs if flag in {"-f", "-F"})
        if ("-F", "body=@report.md") in pairs:
            fields["body"] = (self.place / "report.md").read_text(encoding="utf-8")
        options = dict(pair for pair in pairs if pair[0].startswith("--"))
        path = next(word for word in words if word.startswith("repos/")).removeprefix("repos/web/keys/issues")
        method = options.get("--method", "POST" if fields else "GET")
        responded = self._respond(method, path, fields)
        if options["--jq"] == FOUND_BY:
            return "\n".join(
                str(issue["number"]) for issue in responded if "<!-- reconciler-drift " in issue["body"]
            )
        return str(responded[options["--jq"].removeprefix(".")])

    def _respond(self, method: str, path: str, fields: Fields) -> Any:
        assert method in self.methods
        assert len(fields.get("body", "")) <= LONGEST
        if method == "GET" and not path:
            asked = {"state": "open", "creator": self.me, "sort": "created", "direction": "asc"}
            assert fields == asked
            return [{"number": issue.number, "body": issue.body} for issue in self.mine()]
        if not path:
            issue = self.open(fields["title"], fields["body"])
        else:
            issue = self.issues[int(path.split("/")[1]) - 1]
            if path.endswith("/comments"):
                issue.comments.append(fields["body"])
            else:
                issue.body = fields.get("body", issue.body)
                issue.is_open = fields.get("state", "open") == "open"
        return {"html_url": f"https://github.example/{issue.number}", "body": issue.body}


class Gitlab(Forge):
    """GitLab, and as much of its issues API as the job uses."""

    workflow = JOB
    job = "reconciler-drift"

    def __init__(self, place: Path, shell: Sequence[str], options: str) -> None:
        super().__init__(place, "project_7_bot")
        self._shell = shell
        self._options = options
        self.url = ""

    def reach(self, url: str) -> None:
        self.url = url

    def run(self) -> tuple[str, str]:
        """Run all scripts in one shell, as the runner does."""
        job = from_yaml(self.workflow.read_text(encoding="utf-8"))[self.job]
        environment = {
            "CI_API_V4_URL": f"{self.url}/api/v4",
            "CI_PROJECT_ID": "7",
            "CI_JOB_URL": "https://gitlab.example/77",
            "GCORE_API_KEY": CLOUD_TOKEN,
            "RECONCILER_GITLAB_TOKEN": FORGE_TOKEN,
            **job["variables"],
            **self.surroundings(),
        }
        script = "\n".join([self._options, *job["before_script"], *job["script"]])
        code, log = self.execute(self._shell, script, environment)
        results = {0: "passed"} | dict.fromkeys(
            job.get("allow_failure", {"exit_codes": []})["exit_codes"], "warning"
        )
        return results.get(code, "failed"), log

    def respond(self, method: str, path: str, sent: Sequence[tuple[str, str]]) -> str:
        """Respond to a request of the API."""
        assert method in self.methods
        fields, path = dict(sent), path.removeprefix("/api/v4/projects/7/issues")
        if method == "GET" and not path:
            asked = {"scope": "created_by_me", "state": "opened", "order_by": "created_at", "sort": "asc"}
            assert fields == asked | {"per_page": "100"}
            return json.dumps([{"iid": issue.number, "description": issue.body} for issue in self.mine()])
        if method == "POST" and not path:
            issue = self.open(fields["title"], fields["description"])
            issue.is_confidential = fields.get("confidential") == "true"
        else:
            issue = self.issues[int(path.split("/")[1]) - 1]
            if (method, path.endswith("/notes")) == ("POST", True):
                issue.comments.append(fields["body"])
            elif method == "PUT":
                issue.body = fields.get("description", issue.body)
                issue.is_open = fields.get("state_event") != "close"
        return "{}"


class _Server(HTTPServer):
    forge: Forge


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _handle(self) -> None:
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        sent = [*parse_qsl(target.query), *parse_qsl(body.decode(), keep_blank_values=True)]
        status, text = 500, ""
        if self.headers["PRIVATE-TOKEN"] != FORGE_TOKEN:
            status = 401
        else:
            with contextlib.suppress(AssertionError, KeyError, IndexError, ValueError):
                status, text = 200, self.server.forge.respond(self.command, target.path, sent)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = _handle  # noqa: N815 - the names are the library's

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        """Log nothing."""


@contextlib.contextmanager
def reachable(forge: Forge) -> Iterator[Forge]:
    """Serve the forge on this machine."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.forge = forge
    with serving(server) as url:
        forge.reach(url)
        yield forge
