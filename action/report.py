"""Writes what a run is known by afterwards: the outputs of the step, the summary of the job, annotations.

``report.py COMMAND CODE NAME PLAN WORK``: WORK holds ``output.txt`` and ``messages.txt``, what the command
printed, and ``plan.md``, its plan in Markdown, if it made one.
"""

# ruff: noqa: INP001, T201, TID251 - a script, spoken to and speaking by environment and standard output

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MEANINGS: Final = {
    "0": "done",
    "1": "an error; nothing was changed",
    "2": "there are differences",
    "3": "refused; nothing was changed",
    "4": "partly applied, or something could not be verified",
    "64": "the inputs are wrong",
    "130": "interrupted",
}
DIFFERENCES: Final = "2"
COUNTS: Final = ("create", "update", "delete", "grants", "revokes", "conflict")
COMMENT_ROOM: Final = 60_000
"""A comment takes 65,536 characters."""
SUMMARY_ROOM: Final = 900_000
"""A summary takes 1 MiB, and a larger one is dropped."""
MOST_ANNOTATIONS: Final = 10
"""GitHub shows so many of a kind from one step, and drops the others without a word."""
PROBLEM: Final = re.compile(r"(Error|Warning): (?:([^\0]+?):(\d+):(\d+): )?(.*)")


@dataclass(frozen=True, slots=True)
class Run:
    """A command that has ended, with all that it left."""

    command: str
    code: str
    name: str
    plan_file: Path
    work: Path

    @property
    def output(self) -> str:
        """What it printed as its result."""
        return _read(self.work / "output.txt")

    @property
    def messages(self) -> str:
        """What it printed beside that: warnings and errors."""
        return _read(self.work / "messages.txt")

    def plan(self) -> Mapping[str, Any]:
        """Return the saved plan; empty if there is none, or the file is not a plan."""
        try:
            plan = json.loads(_read(self.plan_file) or "{}")
        except ValueError:
            return {}
        return plan if isinstance(plan, dict) else {}


def main() -> None:
    """Read the results of the run and report them."""
    command, code, name, plan_file, work = sys.argv[1:]
    run = Run(command, code, name, Path(plan_file), Path(work))
    markdown = run.work / "plan.md"
    comment = _read(markdown) if markdown.exists() else "\n".join(_report(run, COMMENT_ROOM))
    if command == "plan":
        markdown.write_text(comment, encoding="utf-8")
    summary = comment if command == "plan" else "\n".join(_report(run, SUMMARY_ROOM))
    _append(os.environ["GITHUB_STEP_SUMMARY"], f"{summary}\n")
    _append(os.environ["GITHUB_OUTPUT"], "".join(_written(outputs(run))))
    if not run.plan_file.exists():  # else the plan has annotations of its own
        for line in annotated(run.messages):
            print(line)


def outputs(run: Run) -> dict[str, str]:
    """Return the outputs of the step. None of them holds text of the repository or the API."""
    plan = run.plan()
    counts = _drift_counts(run.output) if run.command == "drift" else plan.get("summary", {})
    numbers = {count: _number(counts.get(count)) for count in COUNTS}
    changed = sum(numbers[count] for count in ("create", "update", "delete"))
    fingerprint = str(plan.get("fingerprint", ""))
    is_changed = changed or (run.command == "drift" and run.code == DIFFERENCES)
    return {
        "has-changes": "true" if is_changed else "false",
        **{count: str(number) for count, number in numbers.items()},
        "exit-code": run.code,
        "fingerprint": fingerprint if re.fullmatch(r"sha256:[0-9a-f]{64}", fingerprint) else "",
        "plan-json": str(run.plan_file) if run.plan_file.exists() else "",
        "plan-markdown": str(run.work / "plan.md") if run.command == "plan" else "",
        "summary": _summary(run),
    }


def annotated(messages: str) -> Iterator[str]:
    """Return errors and warnings as commands of the runner, at the places that they name."""
    found: dict[str, list[str]] = {"Error": [], "Warning": []}
    for match in filter(None, map(PROBLEM.fullmatch, messages.splitlines())):
        kind, file, line, column, text = match.groups()
        place = f" file={_property(file)},line={line},col={column}" if file else ""
        found[kind].append(f"::{kind.lower()}{place}::{_data(text)}")
    for kind, commands in found.items():
        rest = 0 if len(commands) <= MOST_ANNOTATIONS else len(commands) - MOST_ANNOTATIONS + 1
        yield from commands[: len(commands) - rest]
        if rest:
            yield f"::{kind.lower()}::{rest} more are in the log of this step"


def _report(run: Run, room: int) -> Iterator[str]:
    """Return what a command printed as Markdown, with a first line by which a comment is found again."""
    meaning = MEANINGS.get(run.code, "it did not come to its end")
    yield from _head(run.name)
    yield f"### {run.command.capitalize()}{_of(run.name)}: {meaning}"
    yield ""
    yield from _as_code(run.messages + run.output, room)
    yield ""
    yield f"`reconciler` ended with {run.code}."


def _head(name: str) -> Iterator[str]:
    yield f"<!-- reconciler-plan{f' {name}' if name else ''} -->"
    yield ""


def _of(name: str) -> str:
    return f" for `{name}`" if name else ""


def _as_code(text: str, room: int) -> Iterator[str]:
    """Indent each line by four, which makes it code, whatever is in it: no mention, no link, no end of it."""
    for line in text.replace("\r", "\n").split("\n"):
        room -= len(line.encode()) + 5
        if room < 0:
            yield "    (cut here: the log has all of it)"
            return
        yield f"    {line}"


def _summary(run: Run) -> str:
    """Return the last lines of the result, which count."""
    paragraphs = run.output.strip().split("\n\n")
    last = " ".join(paragraphs[-1].split())
    failed = run.code not in {"0", "2"}
    parts = [f"Exit code {run.code}: {MEANINGS.get(run.code, 'not finished')}."] if failed else []
    return " ".join([*parts, *([last] if last else [])])


def _drift_counts(output: str) -> dict[str, int]:
    """Read the two lines that count. No text of the repository or the API is at the start of a line."""
    drifted = re.findall(r"(?m)^Drift: (\d+) key", output)
    access = re.findall(r"(?m)^Access: grants on (\d+) keys?, revokes on (\d+) keys?,", output)
    if not drifted or not access:
        return {}
    return {"update": int(drifted[-1]), "grants": int(access[-1][0]), "revokes": int(access[-1][1])}


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _written(values: Mapping[str, str]) -> Iterator[str]:
    """Return values in the form of $GITHUB_OUTPUT that takes any text: up to a random word."""
    for name, value in values.items():
        word = os.urandom(16).hex()
        yield f"{name}<<{word}\n{value}\n{word}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _append(file: str, text: str) -> None:
    with Path(file).open("a", encoding="utf-8") as stream:
        stream.write(text)


if __name__ == "__main__":
    main()
