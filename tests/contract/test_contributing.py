"""What those who change this project are given: decisions, templates, owners, hooks, subjects of commits."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

import build_site
import commit_subject
from reconciler.render.formats import RENDERERS
from tests.contract.runner import ROOT
from tests.support import from_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

DECISIONS = sorted((ROOT / "docs/adr").glob("*.md"))


def document(path: str) -> Any:
    return from_yaml((ROOT / path).read_text(encoding="utf-8"))


def test_every_decision_is_listed_and_says_why_what_and_what_follows() -> None:
    listed = re.findall(
        r"\| (\d+) \| \[(.+)\]\(adr/(.+)\) \|", (ROOT / "docs/decisions.md").read_text(encoding="utf-8")
    )
    assert [file for _, _, file in listed] == [file.name for file in DECISIONS]
    for (number, title, _), file in zip(listed, DECISIONS, strict=True):
        text = file.read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. {title}\n")
        assert re.findall(r"(?m)^## (.*)$", text) == ["Context", "Decision", "Consequences"]
        assert len(text.split()) < 400, "a decision is read in two minutes"


def test_every_code_that_a_decision_names_exists() -> None:
    named = {
        name for file in DECISIONS for name in re.findall(r"`(reconciler/[\w/.]+)`", file.read_text("utf-8"))
    }
    assert len(named) >= 4
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_owned_path_exists() -> None:
    lines = (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines()
    rules = [line.split() for line in lines if line and not line.startswith("#")]
    assert [path for path, *_ in rules if path != "*" and not (ROOT / path.lstrip("/")).exists()] == []
    assert [path for path, *owners in rules if not owners] == []


def test_the_forms_of_issues_ask_for_what_is_needed_and_warn_of_tokens() -> None:
    for name in ("bug", "proposal"):
        form = document(f".github/ISSUE_TEMPLATE/{name}.yml")
        asked = [part["id"] for part in form["body"] if part["type"] != "markdown"]
        assert len(asked) == len(set(asked)) >= 3
    bug = str(document(".github/ISSUE_TEMPLATE/bug.yml"))
    assert "Never paste a token" in bug
    assert document(".github/ISSUE_TEMPLATE/config.yml")["blank_issues_enabled"] is False


def test_the_hooks_run_the_pinned_tools_and_nothing_from_elsewhere() -> None:
    (repository,) = document(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    entries = {hook["id"]: hook["entry"].split() for hook in repository["hooks"]}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in ("format", "lint", "types", "layers"):
        assert entries[name][0].replace(".venv/bin", "$(BIN)") in makefile
    scripts = [word for words in entries.values() for word in words if word.startswith("tools/")]
    assert len(scripts) == 2
    assert [script for script in scripts if not (ROOT / script).exists()] == []


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("plan: an expiry in the past is a problem of its key\n\nWhy.\n", ""),
        ("plan, diff: names of limits\n", ""),
        ("Merge branch 'x'\n", ""),
        ("plan: what changes.\n", "the subject is not 'area: what changes'"),
        ("Plan: what changes\n", "the subject is not 'area: what changes'"),
        ("what changes\n", "the subject is not 'area: what changes'"),
        (f"plan: {'x' * 67}\n", "the subject has 73 characters, of which 72 are shown"),
    ],
)
def test_a_subject_names_its_area_and_what_changes(message: str, problem: str) -> None:
    found = commit_subject.problem(message)
    assert found.startswith(problem)
    assert bool(found) == bool(problem)


def test_a_commit_with_a_good_subject_is_accepted_and_another_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = tmp_path / "COMMIT_EDITMSG"
    message.write_bytes(b"plan: names of limits\n\nPar Ren\xe9.\n")
    assert commit_subject.main([str(message)]) == 0
    message.write_bytes(b"names of limits\n")
    assert commit_subject.main([str(message)]) == 1
    assert capsys.readouterr().err.startswith("Error: the subject is not 'area: what changes'")
    assert commit_subject.main([str(tmp_path / "missing")]) == 1
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize("main", [build_site.main, commit_subject.main])
def test_a_script_without_its_argument_shows_its_usage(
    main: Callable[[Sequence[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert capsys.readouterr().err.startswith("usage: ")


def test_every_format_of_a_plan_is_in_the_documentation() -> None:
    table = (ROOT / "docs/plans.md").read_text(encoding="utf-8").split("\n## Formats\n")[1].split("\n## ")[0]
    assert re.findall(r"(?m)^\| `(\w+)` \|", table) == list(RENDERERS)
    library = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    assert [name for name in RENDERERS if f"`{name}`" not in library] == []


def test_the_worked_example_names_what_exists() -> None:
    page = (ROOT / "docs/development.md").read_text(encoding="utf-8")
    example = page.split("\n## A worked example: another output format\n")[1].split("\n## ")[0]
    formats = (ROOT / "reconciler/render/formats.py").read_text(encoding="utf-8")
    for name in ("joined", "escape_control", "RENDERERS", "WITHOUT_NEEDS"):
        assert f"`{name}`" in example
        assert name in formats
    code = [dedent(text) for text in re.findall(r"(?s)```python\n(.*?)   ```", example)]
    namespace: dict[str, Any] = {}
    exec(  # noqa: S102 - the code of this project's own page
        "from __future__ import annotations\n"
        "from reconciler.render.formats import joined, escape_control\n"
        "from tests.render.example_plan import example_plan\n" + "\n".join(code),
        namespace,
    )
    (test,) = [value for name, value in namespace.items() if name.startswith("test_")]
    test()
