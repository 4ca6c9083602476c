"""The scheduled jobs for GitHub and GitLab maintain one issue. Their own shell is run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.contract.forge import (
    CLOUD_TOKEN,
    FORGE_TOKEN,
    FOUND_BY,
    LONGEST,
    WORKFLOW,
    Forge,
    Github,
    Gitlab,
    reachable,
)
from tests.support import declare, emulate, fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FORGES: dict[str, Callable[[Path], Forge]] = {
    "github": Github,
    "gitlab": lambda place: Gitlab(place, ["bash"], "set -eo pipefail"),
    "gitlab without bash": lambda place: Gitlab(place, ["sh"], "set -e"),
}
IN_SYNC = "No changes. Your infrastructure still matches the configuration.\n"
DRIFT = """\
  ~ caas "partner" {
      ~ is_disabled = true -> false  # grants: enables the key
    }
Drift: 1 key differs from the files.
"""
OTHER = DRIFT.replace("partner", "storefront")
NO_RESPONSE = "Error: GET /cloud/v1/caas/keys/1/76: no response\n"
GONE = "Error: keys.yaml:9:5: caas/1/76/gone: the key does not exist\n"
COMPARED = "The compared keys have not drifted; the errors list the others.\n"
ALARMING = "~ a = ```\n````\n@everyone #1 <b>\n/close\r/close\n::add-mask::a\n##[add-mask]a\n    ~ é\n"
FOUND = {"passed", "warning"}

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


TWO = [name for name in FORGES if name != "gitlab"]
in_each_shell = pytest.mark.parametrize("forge", FORGES.values(), ids=FORGES, indirect=True)


@pytest.fixture(params=[FORGES[name] for name in TWO], ids=TWO)
def forge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Forge]:
    with reachable(request.param(tmp_path)) as running:
        yield running


def standing(forge: Forge) -> list[tuple[int, bool]]:
    """Return each issue's number, and whether it is open."""
    return [(issue.number, issue.is_open) for issue in forge.issues]


@in_each_shell
def test_one_issue_is_open_as_long_as_the_drift(forge: Forge) -> None:
    assert forge.look(2, DRIFT).result in FOUND
    assert standing(forge) == [(1, True)]
    assert forge.look(2, OTHER).result in FOUND
    assert "storefront" in forge.issues[0].body
    assert "partner" not in forge.issues[0].body
    assert forge.look(1, messages=NO_RESPONSE).result == "failed"
    assert standing(forge) == [(1, True)]
    assert forge.look(0, IN_SYNC).result == "passed"
    assert standing(forge) == [(1, False)]
    assert forge.look(2, DRIFT).result in FOUND
    assert standing(forge) == [(1, False), (2, True)]


def test_nothing_is_opened_without_drift(forge: Forge) -> None:
    assert forge.look(0, IN_SYNC).result == "passed"
    assert forge.issues == []


def test_unchanged_drift_is_not_reported_again(forge: Forge) -> None:
    forge.look(2, DRIFT)
    forge.look(2, DRIFT, "Warning: caas/1/76/partner expires soon\n")
    assert forge.issues[0].comments == []
    assert "expires soon" in forge.issues[0].body


def test_drift_that_changes_is_reported_in_a_comment(forge: Forge) -> None:
    forge.look(2, DRIFT)
    forge.look(2, OTHER)
    forge.look(2, OTHER)
    assert forge.issues[0].comments == ["The drift has changed."]


def test_the_end_of_drift_is_reported_in_a_comment(forge: Forge) -> None:
    forge.look(2, DRIFT)
    forge.look(0, IN_SYNC)
    assert forge.issues[0].comments == ["The keys match the files again."]


def test_a_run_that_compared_nothing_fails_and_opens_nothing(forge: Forge) -> None:
    assert forge.look(1, messages=NO_RESPONSE).result == "failed"
    assert forge.issues == []


@pytest.mark.parametrize("code", [64, 127, 130, 137])
def test_an_unfinished_run_fails_and_opens_nothing(forge: Forge, code: int) -> None:
    assert forge.look(code, DRIFT).result == "failed"
    assert forge.issues == []


def test_an_error_without_drift_does_not_change_the_issue(forge: Forge) -> None:
    forge.look(2, DRIFT)
    before = forge.issues[0].body
    assert forge.look(1, COMPARED, GONE).result == "failed"
    assert (forge.issues[0].body, standing(forge)) == (before, [(1, True)])


@in_each_shell
@pytest.mark.parametrize(
    ("code", "messages"),
    [(1, GONE), (3, "Error: 40 % of the keys\n"), (4, "Error: not verified\n")],
    ids=["drift beside an error", "refused", "a correction failed"],
)
def test_drift_that_needs_action_fails_and_is_reported_in_the_issue(
    forge: Forge, code: int, messages: str
) -> None:
    assert forge.look(code, DRIFT, messages).result == "failed"
    assert standing(forge) == [(1, True)]
    assert DRIFT.splitlines()[0] in forge.issues[0].body
    assert messages in forge.issues[0].body


@pytest.mark.parametrize(
    "forge", [FORGES["github"], FORGES["gitlab"]], ids=["github", "gitlab"], indirect=True
)
def test_drift_found_by_the_real_command_opens_the_issue(forge: Forge) -> None:
    (forge.place / "keys").mkdir()
    declare(forge.place / "keys/keys.yaml", {"name": "web", "is_disabled": True})
    with emulate() as emulator:
        fill(emulator, "web", is_disabled=False)
        forge.use(f"GCORE_BASE_URL={emulator.url} GCORE_API_KEY={shlex.quote(emulator.token)}")
        result, log = forge.run()
    assert result in FOUND, log
    assert re.search(r"(?m)^Drift: 1 key ", log), "the jobs look for this line"
    assert "    Drift: 1 key differs from the files.\n" in forge.issues[0].body


def test_an_issue_is_found_under_another_title(forge: Forge) -> None:
    forge.look(2, DRIFT)
    forge.issues[0].title = "Who enabled the partner's key?"
    forge.look(2, OTHER)
    assert standing(forge) == [(1, True)]
    assert forge.issues[0].title == "Who enabled the partner's key?"


def test_an_issue_of_another_author_is_not_changed(forge: Forge) -> None:
    forge.look(2, DRIFT)
    forge.issues[0].author = "mallory"
    forge.look(2, DRIFT)
    forge.look(0, IN_SYNC)
    assert standing(forge) == [(1, True), (2, False)]


def test_another_issue_of_the_same_author_is_not_changed(forge: Forge) -> None:
    forge.open("Dependencies", "are old")
    forge.look(2, DRIFT)
    forge.look(0, IN_SYNC)
    assert standing(forge) == [(1, True), (2, False)]
    assert (forge.issues[0].body, forge.issues[0].comments) == ("are old", [])


def test_of_two_issues_the_older_is_updated_and_both_are_closed(forge: Forge) -> None:
    forge.look(2, DRIFT)
    forge.open("Again", forge.issues[0].body)
    forge.look(2, OTHER)
    assert ["storefront" in issue.body for issue in forge.issues] == [True, False]
    forge.look(0, IN_SYNC)
    assert standing(forge) == [(1, False), (2, False)]


@pytest.mark.parametrize("methods", [set(), {"GET"}], ids=["answers nothing", "takes no change"])
@pytest.mark.parametrize(("code", "found"), [(0, IN_SYNC), (2, DRIFT), (2, OTHER)])
def test_a_failing_forge_fails_the_run(forge: Forge, methods: set[str], code: int, found: str) -> None:
    forge.look(2, DRIFT)
    forge.methods = methods
    assert forge.look(code, found).result == "failed"
    assert standing(forge) == [(1, True)]


@in_each_shell
@pytest.mark.parametrize("text", ["x" * 99 + "\n", "\n", "é" * 40 + "`" * 9 + "\n"])
def test_a_long_text_is_truncated_after_a_complete_line(forge: Forge, text: str) -> None:
    forge.look(2, text * (200_000 // len(text)), "Error: the last line\n")
    (issue,) = forge.issues
    lines = [line for line in issue.body.splitlines() if line.startswith("    ")]
    assert len(issue.body) < LONGEST
    assert set(lines[:-1]) == {"    " + text.rstrip("\n")}
    assert lines[-1].startswith("    (cut here: the log of the ")
    assert issue.body.splitlines()[-1].startswith("Last run: https://")


@in_each_shell
def test_findings_are_one_code_block(forge: Forge) -> None:
    forge.look(2, ALARMING, ALARMING)
    (issue,) = forge.issues
    head, text, foot = re.split(r"\n\n(?=    )|\n\n(?=To end the drift)", issue.body)
    wanted = ALARMING.replace("\r", "\n") * 2
    assert [line[4:] for line in text.split("\n")] == wanted.splitlines()
    assert {line[:4] for line in text.split("\n")} == {"    "}
    assert "@" not in head + foot


def test_the_log_shows_the_findings(forge: Forge) -> None:
    run = forge.look(2, DRIFT, GONE)
    assert DRIFT + GONE in run.log


@in_each_shell
def test_no_token_is_shown_or_passed_on_a_command_line(forge: Forge) -> None:
    for code in (2, 0):
        run = forge.look(code, DRIFT)
        assert "issues" in run.words
        assert not [token for token in (FORGE_TOKEN, CLOUD_TOKEN) if token in run.log + run.words]


@in_each_shell
def test_drift_alone_does_not_fail_the_job(forge: Forge) -> None:
    wanted = "passed" if isinstance(forge, Github) else "warning"
    assert forge.look(2, DRIFT).result == wanted


def test_a_report_is_in_the_summary_of_the_run(tmp_path: Path) -> None:
    with reachable(Github(tmp_path)) as github:
        github.look(0, IN_SYNC)
    summary = (tmp_path / "summary").read_text(encoding="utf-8")
    assert "`reconciler drift` ended with 0: the keys match the files.\n" in summary
    assert "    " + IN_SYNC in summary


def test_findings_cannot_become_runner_commands(tmp_path: Path) -> None:
    with reachable(Github(tmp_path)) as github:
        runs = [github.look(2, ALARMING) for _ in range(2)]
    shields = [
        re.findall(r"(?s)^::stop-commands::(\S{36})\n(.*?)\n::\1::$", run.log, re.MULTILINE) for run in runs
    ]
    assert [shield[1].encode() for (shield,) in shields] == [ALARMING.encode()] * 2
    assert shields[0] != shields[1], "a word that is known beforehand shields nothing"


def test_an_issue_of_gitlab_is_confidential(tmp_path: Path) -> None:
    with reachable(FORGES["gitlab"](tmp_path)) as gitlab:
        gitlab.look(2, DRIFT)
    assert gitlab.issues[0].is_confidential


def test_the_job_reports_a_missing_token(tmp_path: Path) -> None:
    gitlab = Gitlab(tmp_path, ["sh"], "set -e; RECONCILER_GITLAB_TOKEN=")
    run = gitlab.look(2, DRIFT)
    assert run.result == "failed"
    assert run.log.startswith("RECONCILER_GITLAB_TOKEN is not set")


@pytest.mark.skipif(shutil.which("jq") is None, reason="there is no jq here")
def test_the_fake_forge_finds_the_same_issues_as_jq() -> None:
    assert f"--jq '{FOUND_BY}'" in WORKFLOW.read_text(encoding="utf-8")
    bodies = [None, "<!-- reconciler-drift 0 -->", ""]
    listed = json.dumps([{"number": number, "body": body} for number, body in enumerate(bodies, 1)])
    done = subprocess.run(
        ["/usr/bin/env", "jq", FOUND_BY], input=listed, capture_output=True, text=True, check=True
    )
    assert done.stdout == "2\n"
