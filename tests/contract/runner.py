"""A stand-in for GitHub's runner: it runs the steps of action.yml and of workflows the way a runner does.

It knows as much of expressions as these files use. What needs a network is replaced.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import TOKEN, from_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
OURS = re.compile(r"[^/]+/reconciler@YOUR-COMMIT")
JOB_TOKEN = "job$token"
CLOUD_TOKEN = "cloud$token"

DOWNLOADS = (
    'while [ "$#" -gt 1 ]; do if [ "$1" = --dest ]; then mkdir -p "$2"; touch "$2/a.whl"; fi; shift; done'
)
"""What pip does, as a script: a wheel appears where it is to download to, and what it installs succeeds."""

Contexts = dict[str, Any]


@dataclass(slots=True)
class Finished:
    """What steps left: whether all of them passed, outputs by step, the log, summaries and words to pip."""

    passed: bool = True
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    pip: str = ""


class Runner:
    """A machine with a workspace and an event, which stores the artifacts of all jobs.

    ``command`` is how the shell calls the real command. No step may print a token, whatever a test is about.
    """

    def __init__(self, place: Path, command: str, api: str = "http://127.0.0.1:9") -> None:
        self.place = place
        self.command = command
        self.workspace = place / "workspace"
        self.artifacts: dict[str, Path] = {}
        self.caches: dict[str, list[str]] = {}
        self.environment: dict[str, str] = {"GITHUB_API_URL": api}
        self._tools = place / "tools"
        self._temporary = place / "temp"
        self._words = place / "words"
        self._to_cache: list[tuple[str, Path]] = []
        for folder in (self.workspace, self._tools, self._temporary):
            folder.mkdir(exist_ok=True)
        self.happen("push", {})
        self.use()

    def happen(self, name: str, event: Mapping[str, Any]) -> None:
        """Set the event of the next jobs."""
        file = self.place / "event.json"
        file.write_text(json.dumps(event), encoding="utf-8")
        self.event = event
        self.environment |= {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(file)}

    def open_pull_request(self, number: int = 7, repository: str = "web/keys", *labels: str) -> None:
        """Set a pull request as the event of the next jobs, from a branch or from a fork."""
        head = {"sha": "c0ffee", "repo": {"full_name": repository}}
        pull = {"number": number, "head": head, "labels": [{"name": label} for label in labels]}
        self.happen("pull_request", {"pull_request": pull})

    def use(self, reconciler: str | None = None, pip: str = DOWNLOADS) -> None:
        """Set the script that the action installs as the command, the real one by default, and the pip."""
        real = f'exec {self.command} "$@"'
        plain = f'exec {shlex.quote(sys.executable)} -S "$@"'  # what the action runs needs no package
        pip = f'shift 3; echo "$*" >> {self._words}; {pip}'
        python = f'case "$2 $3" in "-m pip") {pip} ;; *) {plain} ;; esac'
        self.install("installed-python", python)
        self.install("installed-reconciler", reconciler or real)
        # An environment is made of these two instead of being filled by pip.
        copies = (f'cp {self._tools}/installed-{name} "$4/bin/{name}"' for name in ("python", "reconciler"))
        venv = " && ".join(['mkdir -p "$4/bin"', *copies])
        self.install("python3", f'case "$2" in -m) {venv} ;; *) {plain} ;; esac')
        for old in self._temporary.glob("reconciler-*"):
            shutil.rmtree(old)

    def install(self, name: str, script: str) -> None:
        """Add a program to the runner's path."""
        tool = self._tools / name
        tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        tool.chmod(0o755)

    def act(self, environment: Mapping[str, str] | None = None, /, **inputs: str) -> Finished:
        """Use the action; in the names of inputs ``_`` is ``-``."""
        step = {"uses": "an-owner/reconciler@YOUR-COMMIT", "id": "act", "env": dict(environment or {})}
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        finished = self.run([{**step, "with": given}], {})
        finished.outputs = finished.steps["act"]
        return finished

    def job(self, workflow: Path, name: str, **contexts: Any) -> Finished:
        """Run a job of a workflow, if its condition is true; return its outputs too."""
        job = from_yaml(workflow.read_text(encoding="utf-8"))["jobs"][name]
        contexts = self._contexts() | contexts
        if not _truth(evaluate(str(job.get("if", "success()")), contexts)):
            return Finished(log="skipped")
        finished = self.run(job["steps"], contexts, job.get("env", {}))
        scope = contexts | {"steps": _scope(finished.steps)}
        finished.outputs = {key: fill(text, scope) for key, text in job.get("outputs", {}).items()}
        return finished

    def run(
        self, steps: Sequence[Any], contexts: Contexts, environment: Mapping[str, str] | None = None
    ) -> Finished:
        """Run steps in turn. After one that fails, only those that ask for it run."""
        finished = Finished()
        for number, step in enumerate(steps):
            scope = self._contexts() | contexts | {"steps": _scope(finished.steps)}
            condition = str(step.get("if", "success()")).removeprefix("${{").removesuffix("}}").strip()
            always = "cancelled()" in condition or "always()" in condition
            if not (finished.passed or always) or not _truth(evaluate(condition, scope)):
                continue
            variables = dict(environment or {}) | step.get("env", {})
            variables = {name: fill(str(value), scope) for name, value in variables.items()}
            done = self._step(step, scope, variables)
            finished.passed &= done.passed
            finished.log += done.log
            finished.summary += done.summary
            finished.pip += done.pip
            finished.steps[step.get("id", f"step {number}")] = done.outputs
        for key, folder in self._to_cache if finished.passed else ():  # as after a job; none is replaced
            self.caches.setdefault(key, sorted(file.name for file in folder.glob("*")))
        self._to_cache.clear()
        shown = finished.log + finished.summary + str(finished.steps)
        assert not any(token in shown for token in (TOKEN, JOB_TOKEN, CLOUD_TOKEN)), "a token is printed"
        return finished

    def _step(self, step: Mapping[str, Any], scope: Contexts, environment: Mapping[str, str]) -> Finished:
        if "run" in step:
            return self._execute(step["run"], environment)
        given = {name: fill(str(value), scope) for name, value in step.get("with", {}).items()}
        if OURS.fullmatch(step["uses"]):
            return self._act(given, environment)
        name, _, _ = step["uses"].partition("@")
        if name == "actions/upload-artifact":
            self.artifacts[given["name"]] = Path(shutil.copy(given["path"], self.place / given["name"]))
        elif name == "actions/download-artifact":
            shutil.copy(self.artifacts[given["name"]], self.workspace / "plan.json")
        elif name == "actions/cache":
            folder = Path(given["path"])
            if given["key"] in self.caches:
                folder.mkdir()
                for wheel in self.caches[given["key"]]:
                    (folder / wheel).touch()
            self._to_cache.append((given["key"], folder))
        else:
            assert name in {"actions/checkout", "actions/setup-python"}
        return Finished()

    def _act(self, given: Mapping[str, str], environment: Mapping[str, str]) -> Finished:
        action = from_yaml(ACTION.read_text(encoding="utf-8"))
        assert set(given) <= set(action["inputs"])
        inputs = {name: given.get(name, about["default"]) for name, about in action["inputs"].items()}
        scope = {"inputs": inputs}
        finished = self.run(action["runs"]["steps"], scope, environment)
        scope["steps"] = _scope(finished.steps)
        finished.outputs = {name: fill(about["value"], scope) for name, about in action["outputs"].items()}
        return finished

    def _contexts(self) -> Contexts:
        github = {
            "token": JOB_TOKEN,
            "repository": "web/keys",
            "base_ref": "main",
            "ref": "refs/heads/main",
            "event_name": self.environment["GITHUB_EVENT_NAME"],
            "event": self.event,
        }
        return {"github": github, "secrets": {"GCORE_API_KEY": CLOUD_TOKEN}}

    def _execute(self, script: str, environment: Mapping[str, str]) -> Finished:
        files = {name: self.place / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in (*files.values(), self._words):
            file.write_text("", encoding="utf-8")
        source = self.place / "script.sh"
        source.write_text(script, encoding="utf-8")
        reported = {
            "PATH": f"{self._tools}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.place),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_REPOSITORY": "web/keys",
            "GITHUB_RUN_ID": "77",
            "GITHUB_SERVER_URL": "https://github.example",
            "RUNNER_TEMP": str(self._temporary),
            **{name: str(file) for name, file in files.items()},
        }
        done = subprocess.run(
            ["/usr/bin/env", "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(source)],
            cwd=self.workspace,
            env={**self.environment, **reported, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output, summary = (file.read_text(encoding="utf-8") for file in files.values())
        log = done.stdout.decode("utf-8", "replace")
        pip = self._words.read_text(encoding="utf-8")
        return Finished(done.returncode == 0, {}, dict(read_outputs(output)), log, summary, pip)


def prints(code: int, output: str = "", messages: str = "") -> str:
    """Write a command that prints this, whatever it is asked, and ends with ``code``."""
    return f"cat <<'===='\n{output}\n====\ncat >&2 <<'===='\n{messages}\n====\nexit {code}"


def read_outputs(text: str) -> Iterator[tuple[str, str]]:
    """Read what a step wrote into $GITHUB_OUTPUT, as the runner does."""
    lines = iter(text.split("\n"))
    for line in lines:
        if heredoc := re.fullmatch(r"([^=]+?)<<(.+)", line):
            value = []
            for part in lines:
                if part == heredoc[2]:
                    break
                value.append(part)
            yield heredoc[1], "\n".join(value)
        elif line:
            name, separator, rest = line.partition("=")
            assert separator, line
            yield name, rest


def commands(log: str) -> Iterator[tuple[str, str]]:
    """Return the commands that the runner finds in a log, each with its data; none where they are stopped."""
    stopped = ""
    for line in log.split("\n"):
        found = re.match(r"\s*::([\w-]+)(?: [^:]*)?::(.*)", line) or re.search(
            r"##\[([\w-]+)[^]]*\](.*)", line
        )
        if not found:
            continue
        name, data = found.groups()
        if stopped:
            stopped = "" if name == stopped else stopped
        elif name == "stop-commands":
            stopped = data
        else:
            yield name, data


def fill(text: str, contexts: Contexts) -> str:
    """Replace expressions in a text by their values."""
    return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: _text(evaluate(found[1], contexts)), text)


def evaluate(expression: str, contexts: Contexts) -> Any:
    """Evaluate an expression."""
    parts = expression.split(" && ")
    if len(parts) > 1:
        return all(_truth(evaluate(part, contexts)) for part in parts)
    if comparison := re.fullmatch(r"(.+?) (==|!=) (.+)", expression):
        one, other = (_text(evaluate(comparison[side], contexts)) for side in (1, 3))
        return (one == other) == (comparison[2] == "==")
    if expression in {"success()", "always()", "!cancelled()"}:
        return True
    if expression.startswith("'"):
        return expression.strip("'")
    if function := re.fullmatch(r"toJSON\((.+)\)", expression):
        return json.dumps(evaluate(function[1], contexts))
    value: Any = contexts
    for name in expression.split("."):
        if name == "*":
            continue
        value = [one.get(name) for one in value] if isinstance(value, list) else value.get(name, {})
    return value


def _scope(steps: Mapping[str, Mapping[str, str]]) -> Contexts:
    return {name: {"outputs": outputs} for name, outputs in steps.items()}


def _truth(value: Any) -> bool:
    return bool(value)


def _text(value: Any) -> str:
    if isinstance(value, dict):  # nothing is there
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
