"""``apply`` asks, sends only differences, reports each key, and has an exit code for each result."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import CommandLine, declare, emulate, fill, listings, no_new_threads, patches

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator, RequestRecord

NAMES = ("key-a", "key-b", "key-c")
QUESTION = "Only 'yes' will be accepted to approve."


@pytest.fixture
def drifted(emulator: Emulator, tmp_path: Path) -> str:
    """A file whose three keys all differ from the live ones."""
    fill(emulator, *NAMES)
    return declare(tmp_path / "keys.yaml", *({"name": name, "description": "new"} for name in NAMES))


def descriptions(emulator: Emulator) -> list[Any]:
    return [emulator.keys(1, 76)[name]["description"] for name in NAMES]


def test_each_changed_key_is_sent_once_and_reported(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    done = cli("apply", drifted, "--auto-approve")
    assert (done.code, done.err) == (0, "")
    assert patches(emulator) == [{"description": "new"}] * 3
    assert [f"caas/1/76/{name}: applied" in done.out for name in NAMES] == [True] * 3
    assert done.out.endswith("\nApply complete! Resources: 0 added, 3 changed, 0 destroyed.\n")


def test_the_plan_is_shown_before_the_report(cli: CommandLine, drifted: str) -> None:
    out = cli("apply", drifted, "--auto-approve").out
    assert out.index("Plan: 0 to add, 3 to change, 0 to destroy.") < out.index("key-a: applied")


def test_a_second_apply_sends_nothing(cli: CommandLine, emulator: Emulator, drifted: str) -> None:
    cli("apply", drifted, "--auto-approve")
    emulator.clear_requests()
    done = cli("apply", drifted, "--auto-approve")
    assert (done.code, done.out) == (0, "No changes. Your infrastructure matches the configuration.\n")
    assert patches(emulator) == []


def test_without_a_question_there_is_no_second_listing(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    cli("apply", drifted, "--auto-approve")
    assert listings(emulator) == 1


@pytest.mark.parametrize("options", [["--dry-run"], ["--dry-run", "--auto-approve"]])
def test_a_dry_run_shows_the_plan_and_sends_nothing(
    cli: CommandLine, emulator: Emulator, drifted: str, options: list[str]
) -> None:
    done = cli("apply", drifted, *options)
    assert (done.code, done.out) == (0, cli("plan", drifted).out)
    assert patches(emulator) == []


def test_without_a_terminal_the_way_to_approve_is_named(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    done = cli("apply", drifted)
    assert done.code == 1
    assert "--auto-approve" in done.err
    assert patches(emulator) == []


def test_a_missing_key_prevents_the_whole_apply(cli: CommandLine, emulator: Emulator, drifted: str) -> None:
    emulator.remove_key(1, 76, "key-b")
    done = cli("apply", drifted, "--auto-approve")
    assert done.code == 1
    assert done.err.endswith("Nothing was applied.\n")
    assert patches(emulator) == []


def test_a_dry_run_of_a_plan_that_cannot_be_applied_fails(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    emulator.remove_key(1, 76, "key-b")
    assert cli("apply", drifted, "--dry-run").code == 1


def test_a_value_accepted_but_not_stored_is_reported(cli: CommandLine, tmp_path: Path) -> None:
    with emulate(null_expire="ignored") as emulator:
        cli.use(emulator)
        fill(emulator, "web", expire="2099-01-01T00:00:00Z")
        done = cli(
            "apply", declare(tmp_path / "keys.yaml", {"name": "web", "expire": None}), "--auto-approve"
        )
    assert done.code == 4
    assert "caas/1/76/web: not verified: expire was accepted as null but is stored as" in done.out
    assert "Apply incomplete: 1 not verified." in done.out


def test_a_refusal_is_reported_with_the_message_of_the_service(cli: CommandLine, tmp_path: Path) -> None:
    with emulate(description_limit=3) as emulator:
        cli.use(emulator)
        fill(emulator, "good", "poor")
        keys = {"name": "good", "description": "abc"}, {"name": "poor", "description": "abcd"}
        done = cli("apply", declare(tmp_path / "keys.yaml", *keys), "--auto-approve")
    assert done.code == 4
    assert "caas/1/76/good: applied" in done.out
    assert "caas/1/76/poor: failed: PATCH /cloud/v1/caas/keys/1/76/poor: HTTP 400: " in done.out
    assert "ValidationError, request_id " in done.out


def test_if_every_key_fails_the_report_says_nothing_was_applied(cli: CommandLine, tmp_path: Path) -> None:
    with emulate(description_limit=3) as emulator:
        cli.use(emulator)
        fill(emulator, "poor")
        done = cli(
            "apply", declare(tmp_path / "k.yaml", {"name": "poor", "description": "abcd"}), "--auto-approve"
        )
    assert done.code == 1


def test_only_the_targets_are_applied(cli: CommandLine, emulator: Emulator, drifted: str) -> None:
    assert cli("apply", drifted, "--auto-approve", "--target", "*/key-b").code == 0
    assert descriptions(emulator) == ["", "new", ""]


@pytest.mark.parametrize("answer", ["no", "y", "Yes", "YES", "", "yes please", "\xff"])
def test_only_yes_approves(cli: CommandLine, emulator: Emulator, drifted: str, answer: str) -> None:
    done = cli.on_terminal("apply", drifted, answer=answer.encode("latin-1") + b"\n")
    assert done.code == 1
    assert QUESTION in done.out
    assert "not approved; nothing was applied" in done.out
    assert patches(emulator) == []


def test_the_end_of_input_does_not_approve(cli: CommandLine, emulator: Emulator, drifted: str) -> None:
    done = cli.alone_on_terminal("apply", drifted, answer=b"\x04")
    assert (done.code, patches(emulator)) == (1, [])
    assert "Enter a value: \n" in done.out.replace("\r", "")


def test_ctrl_c_at_the_question_interrupts(cli: CommandLine, emulator: Emulator, drifted: str) -> None:
    done = cli.alone_on_terminal("apply", drifted, answer=signal.SIGINT)
    assert (done.code, patches(emulator)) == (130, [])
    assert "Interrupted." in done.out
    assert "Traceback" not in done.out


def test_yes_approves_and_the_plan_is_checked_by_a_second_listing(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    done = cli.alone_on_terminal("apply", drifted, answer=b"yes\n")
    assert done.code == 0
    assert "Apply complete! Resources: 0 added, 3 changed, 0 destroyed." in done.out
    assert (listings(emulator), descriptions(emulator)) == (2, ["new"] * 3)


def test_without_changes_there_is_no_question(cli: CommandLine, emulator: Emulator, drifted: str) -> None:
    fill(emulator, *NAMES, description="new")
    done = cli.on_terminal("apply", drifted, answer=b"yes\n")
    assert (done.code, QUESTION in done.out) == (0, False)


def test_a_key_changed_before_approval_is_not_written(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    done = cli.on_terminal(
        "apply", drifted, answer=b"yes\n", ask=lambda: fill(emulator, "key-b", description="theirs")
    )
    assert done.code == 4
    assert 'description was planned from "" and is now "theirs"' in done.out
    assert descriptions(emulator) == ["new", "theirs", "new"]


def test_if_every_key_changed_before_approval_the_plan_is_refused(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    done = cli.on_terminal(
        "apply", drifted, answer=b"yes\n", ask=lambda: fill(emulator, *NAMES, description="theirs")
    )
    assert (done.code, patches(emulator)) == (3, [])
    assert "Apply incomplete: 3 stale." in done.out


def test_a_key_deleted_before_approval_is_not_written(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    done = cli.on_terminal("apply", drifted, answer=b"yes\n", ask=lambda: emulator.remove_key(1, 76, "key-c"))
    assert done.code == 4
    assert "key-c: stale" in done.out


@pytest.mark.parametrize(("method", "sent"), [("GET", 0), ("PATCH", 5)])
def test_a_thread_that_cannot_start_prevents_every_write_or_none(
    cli: CommandLine, tmp_path: Path, method: str, sent: int
) -> None:
    """From the first request of ``method`` on."""
    names = [f"key-{number}" for number in range(5)]
    files = declare(tmp_path / "keys.yaml", *({"name": name, "description": "x"} for name in names))
    with contextlib.ExitStack() as stack:

        def listen(record: RequestRecord) -> None:
            if record.method == method:
                stack.enter_context(no_new_threads())

        with emulate(listen=listen) as emulator:
            fill(emulator, *names)
            cli.use(emulator)
            done = cli("apply", files, "--auto-approve", "--parallelism", "4")
            assert len(patches(emulator)) == sent
    if sent:
        assert (done.code, done.err) == (0, "")
    else:
        assert (done.code, "cannot be started" in done.err) == (1, True)
