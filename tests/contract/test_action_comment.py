"""The action maintains one comment on a pull request, found by its first line; others are unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.comments import LONGEST, Github, reachable
from tests.contract.runner import Runner, commands, prints
from tests.support import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gcore_emulator import Emulator

MARKER = "<!-- reconciler-plan -->"


@pytest.fixture
def github(runner: Runner) -> Iterator[Github]:
    """GitHub, with pull request 7 open; the command finds an error, which the comment reports."""
    with reachable() as running:
        runner.environment["GITHUB_API_URL"] = running.url
        runner.open_pull_request()
        runner.use(prints(1, messages="Error: the first"))
        yield running


def test_a_comment_is_created_once_and_then_updated(runner: Runner, github: Github) -> None:
    runner.act()
    runner.use(prints(1, messages="Error: the second"))
    done = runner.act()
    (body,) = github.bodies()
    assert body.splitlines()[0] == MARKER
    assert ("the first" in body, "the second" in body) == (False, True)
    assert "\nComment: https://github.example/web/keys/pull/7#issuecomment-0\n" in done.log


@pytest.mark.usefixtures("cloud")
def test_a_plan_is_the_comment(runner: Runner, github: Github) -> None:
    runner.use()
    done = runner.act()
    (body,) = github.bodies()
    assert done.passed, done.log
    assert body.startswith(done.summary.rstrip("\n"))
    assert body.endswith(
        "\nCommit c0ffee, [log of the run](https://github.example/web/keys/actions/runs/77).\n"
    )


def test_a_failed_plan_replaces_the_comment_of_the_old_one(runner: Runner, github: Github) -> None:
    github.write(f"{MARKER}\n\n### Plan: 2 keys to change\n")
    assert not runner.act().passed
    (body,) = github.bodies()
    assert "### Plan: an error; nothing was changed\n\n    Error: the first\n" in body


def test_plans_of_different_names_have_separate_comments(runner: Runner, github: Github) -> None:
    for name in ("staging", "production", "staging", ""):
        runner.act(name=name)
    assert [body.splitlines()[0] for body in github.bodies()] == [
        "<!-- reconciler-plan staging -->",
        "<!-- reconciler-plan production -->",
        MARKER,
    ]


def test_each_pull_request_has_its_own(runner: Runner, github: Github) -> None:
    for number in (7, 8, 7):
        runner.open_pull_request(number)
        runner.act()
    assert (len(github.bodies(7)), len(github.bodies(8))) == (1, 1)


def test_comments_of_others_are_not_changed_whatever_they_start_with(runner: Runner, github: Github) -> None:
    github.write(f"{MARKER}\nforged", author="mallory")
    github.write(f"see {MARKER}")
    github.write("")
    runner.act()
    assert github.bodies()[:3] == [f"{MARKER}\nforged", f"see {MARKER}", ""]
    assert len(github.bodies()) == 4


def test_a_comment_is_found_after_many_others(runner: Runner, github: Github) -> None:
    for number in range(230):
        github.write(f"comment {number}", author="somebody")
    github.write(MARKER)
    runner.act()
    assert len(github.bodies()) == 231
    assert "the first" in github.bodies()[-1]


@pytest.mark.parametrize("refused", [{"POST": 403}, {"GET": 403}, {"GET": 404}], ids=str)
def test_without_write_permission_the_summary_is_used(
    runner: Runner, github: Github, refused: dict[str, int]
) -> None:
    github.refused = refused
    runner.use(prints(0, "No changes."))
    done = runner.act()
    assert done.passed, done.log
    assert github.comments == []
    assert "    No changes.\n" in done.summary
    assert "> This could not be written as a comment: " in done.summary
    assert [name for name, _ in commands(done.log)] == ["notice"]


def test_an_old_comment_that_cannot_be_changed_is_reported(runner: Runner, github: Github) -> None:
    github.write(MARKER)
    github.refused = {"PATCH": 403}
    runner.use(prints(0))
    done = runner.act()
    assert (done.passed, "> This could not be written" in done.summary) == (True, True)


def test_any_other_refusal_fails_the_step(runner: Runner, github: Github) -> None:
    github.write(MARKER)
    github.refused = {"PATCH": 422}
    runner.use(prints(0))
    done = runner.act()
    assert not done.passed
    assert ("error", "the comment could not be written: HTTP 422") in commands(done.log)


def test_a_request_that_fails_once_is_retried(runner: Runner, github: Github) -> None:
    github.failures = [502]
    runner.use(prints(0))
    assert runner.act().passed
    assert len(github.bodies()) == 1


def test_creating_a_comment_is_not_retried(runner: Runner, github: Github) -> None:
    github.refused = {"POST": 502}
    runner.use(prints(0))
    assert not runner.act().passed
    assert [asked.split()[0] for asked in github.asked] == ["GET", "POST"]


def test_a_long_text_fits_into_a_comment(runner: Runner, github: Github) -> None:
    runner.use(prints(1, "\n".join(["é" * 400] * 1000)))
    runner.act()
    (body,) = github.bodies()
    assert 30_000 < len(body) < LONGEST


def test_a_plan_of_many_keys_fits_into_a_comment(runner: Runner, github: Github, cloud: Emulator) -> None:
    names = [f"key-{number}" for number in range(300)]
    fill(cloud, *names, description="x" * 200)
    keys = "".join(f"  - {{name: {name}, description: {'y' * 200}}}\n" for name in names)
    text = f"project_id: 1\nregion_id: 76\nkeys:\n{keys}"
    (runner.workspace / "keys/keys.yaml").write_text(text, encoding="utf-8")
    runner.use()
    done = runner.act()
    (body,) = github.bodies()
    assert done.passed, done.log
    assert 60_000 < len(body) < LONGEST


def test_no_comment_is_created_if_disabled_or_without_a_pull_request(runner: Runner, github: Github) -> None:
    runner.act(comment="false")
    runner.act(command="drift")
    runner.happen("push", {})
    runner.act()
    assert (github.comments, github.asked) == ([], [])


def test_a_comment_of_a_deleted_account_is_skipped(runner: Runner, github: Github) -> None:
    github.write("<!-- reconciler-plan -->\nforged", author="")
    runner.use(prints(0))
    done = runner.act()
    assert (done.passed, len(github.bodies()), github.bodies()[0][-6:]) == (True, 2, "forged")


def test_a_comment_deleted_meanwhile_is_recreated(runner: Runner, github: Github) -> None:
    github.write("<!-- reconciler-plan -->\nold")
    github.refused["PATCH"] = 404
    runner.use(prints(1))
    done = runner.act()
    assert [line.split()[0] for line in github.asked] == ["GET", "PATCH", "POST"]
    assert len(github.bodies()) == 2
    assert "this could not be written as a comment" not in done.summary


@pytest.mark.parametrize("headers", [{"Retry-After": "60"}, {"X-RateLimit-Remaining": "0"}])
def test_a_rate_limit_is_not_a_missing_permission(
    runner: Runner, github: Github, headers: dict[str, str]
) -> None:
    """The present comment would still show a plan that is no longer true."""
    github.refused["GET"] = 403
    github.headers = headers
    runner.use(prints(0))
    done = runner.act()
    assert (done.passed, "::error::the comment could not be written: HTTP 403" in done.log) == (False, True)
