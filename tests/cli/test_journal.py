"""``apply --journal`` and ``journal``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import TOKEN, declare, fill

if TYPE_CHECKING:
    from collections.abc import Callable

    from gcore_emulator import Emulator
    from tests.support import CommandLine


@pytest.fixture
def journal(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> Path:
    """The journal of a run that changed two keys."""
    fill(emulator, "api", "web", description="old")
    keys = ({"name": name, "description": "new"} for name in ("api", "web"))
    file = tmp_path / "journal.jsonl"
    done = cli("apply", declare(tmp_path / "k.yaml", *keys), "--auto-approve", "--journal", str(file))
    assert done.code == 0
    return file


def killed(journal: Path) -> str:
    """Remove the outcome of the write of ``web``, as a killed run does."""
    kept = [
        line
        for line in journal.read_text(encoding="utf-8").splitlines()
        if not (json.loads(line)["event"] == "outcome" and json.loads(line)["address"].endswith("web"))
    ]
    journal.write_text("\n".join(kept) + '\n{"torn', encoding="utf-8")
    return str(journal)


def test_a_finished_run_leaves_nothing_in_doubt(cli: CommandLine, journal: Path) -> None:
    done = cli("journal", str(journal))
    assert (done.code, done.out) == (0, "2 writes, 0 in doubt.\n")


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("journal", "{} is not a journal; use a file that --journal or --history wrote"),
        ("history --history", "the history {} cannot be used: it is not a history; use another file"),
    ],
)
def test_a_file_without_records_is_an_error_and_nothing_is_advised_of_it(
    cli: CommandLine, tmp_path: Path, command: str, fault: str
) -> None:
    file = declare(tmp_path / "keys.yaml", {"name": "web"})
    Path(file).chmod(0o644)
    done = cli(*command.split(), file)
    assert (done.code, done.out, done.err) == (1, "", f"Error: {fault.format(file)}\n")


def test_a_journal_contains_no_token(journal: Path) -> None:
    assert TOKEN not in journal.read_text(encoding="utf-8")


def test_a_killed_run_is_resolved_by_reading(cli: CommandLine, journal: Path) -> None:
    done = cli("journal", killed(journal))
    assert (done.code, done.out) == (0, "caas/1/76/web: took effect\n")
    assert done.err == "Warning: 1 torn or unreadable line was skipped\n"


def test_an_ineffective_write_is_left_to_apply(cli: CommandLine, journal: Path, emulator: Emulator) -> None:
    fill(emulator, "web", description="old")
    done = cli("journal", killed(journal))
    assert done.code == 0
    assert done.out == (
        "caas/1/76/web: did not take effect (description)\nRun apply again: it plans what is left.\n"
    )


def test_offline_the_keys_in_doubt_are_only_listed(cli: CommandLine, journal: Path) -> None:
    done = cli("journal", killed(journal), "--offline")
    assert done.code == 4
    assert done.out == "caas/1/76/web: in doubt since 2026-06-01T12:00:00Z\n2 writes, 1 in doubt.\n"


def test_a_key_that_cannot_be_read_stays_in_doubt(cli: CommandLine, journal: Path) -> None:
    cli.environment.setenv("GCORE_API_KEY", "revoked")
    done = cli("journal", killed(journal), "--retries", "0")
    assert done.code == 4
    assert "caas/1/76/web: outcome unknown (GET /cloud/v1/caas/keys/1/76/web: HTTP 401" in done.out


def test_another_api_is_not_contacted(cli: CommandLine, journal: Path) -> None:
    cli.environment.setenv("GCORE_BASE_URL", "http://127.0.0.1:9")
    done = cli("journal", killed(journal))
    assert done.code == 4
    assert "caas/1/76/web: outcome unknown (it was written to http://127.0.0.1:" in done.out


@pytest.mark.parametrize("spell", [str.upper, lambda url: f"{url}/", lambda url: f"{url.upper()}//"])
def test_the_spelling_of_the_base_url_does_not_matter(
    cli: CommandLine, journal: Path, emulator: Emulator, spell: Callable[[str], str]
) -> None:
    """Neither that of today nor that of the journal, which an older version wrote as it was given."""
    file = killed(journal)
    cli.environment.setenv("GCORE_BASE_URL", spell(emulator.url))
    assert cli("journal", file).out == "caas/1/76/web: took effect\n"
    written = journal.read_text(encoding="utf-8").replace(emulator.url, spell(emulator.url))
    journal.write_text(written, encoding="utf-8")
    cli.environment.setenv("GCORE_BASE_URL", emulator.url)
    assert cli("journal", file).out == "caas/1/76/web: took effect\n"


def test_a_missing_journal_is_an_error(cli: CommandLine) -> None:
    done = cli("journal", "nowhere.jsonl")
    assert (done.code, done.err) == (
        1,
        "Error: the journal nowhere.jsonl cannot be read: No such file or directory\n",
    )


@pytest.mark.parametrize("name", ["GITHUB_ACTOR", "GITLAB_USER_LOGIN"])
def test_the_actor_of_a_pipeline_is_recorded(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, name: str
) -> None:
    cli.environment.delenv("GITHUB_ACTOR", raising=False)
    cli.environment.setenv(name, "octavia")
    cli.environment.setenv("GITHUB_SHA", "c0ffee")
    fill(emulator, "web")
    file = declare(tmp_path / "k.yaml", {"name": "web", "description": "x"})
    cli("apply", file, "--auto-approve", "--journal", str(tmp_path / "j"))
    write = json.loads((tmp_path / "j").read_text(encoding="utf-8").splitlines()[0])
    assert (write["who"], write["git_commit"]) == ("octavia", "c0ffee")


@pytest.mark.parametrize(("edited", "suffix"), [(False, ""), (True, "-dirty")])
def test_a_commit_with_uncommitted_changes_is_marked(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, *, edited: bool, suffix: str
) -> None:
    fill(emulator, "web")
    file = declare(tmp_path / "k.yaml", {"name": "web", "description": "x"})
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    commands: list[list[str]] = [
        ["init", "-q"], ["add", "."], [*who, "commit", "-qm", "keys"], ["tag", "v1"], ["rev-parse", "HEAD"],
    ]  # fmt: skip
    for command in commands:
        done = subprocess.run(
            ["/usr/bin/env", "git", "-C", str(tmp_path), *command], check=True, capture_output=True, text=True
        )
    if edited:
        declare(tmp_path / "k.yaml", {"name": "web", "description": "y"})
    cli("apply", file, "--auto-approve", "--journal", str(tmp_path / "j"))
    write = json.loads((tmp_path / "j").read_text(encoding="utf-8").splitlines()[0])
    assert write["git_commit"] == done.stdout.strip() + suffix


def test_every_key_in_doubt_is_listed_by_its_address(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    names = [f"web-{number:02}" for number in range(30)]
    fill(emulator, *names, description="old")
    keys = ({"name": name, "description": "new"} for name in names)
    file = tmp_path / "j"
    cli("apply", declare(tmp_path / "k.yaml", *keys), "--auto-approve", "--journal", str(file))
    writes = [line for line in file.read_text(encoding="utf-8").splitlines() if '"write"' in line]
    file.write_text("\n".join(writes), encoding="utf-8")
    done = cli("journal", str(file), "--parallelism", "7")
    assert done.out.splitlines() == [f"caas/1/76/{name}: took effect" for name in names]


@pytest.mark.parametrize("command", ["apply", "drift"])
@pytest.mark.parametrize("option", ["--journal", "--history", "--metrics-file"])
def test_no_option_overwrites_a_file_of_another_type(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, command: str, option: str
) -> None:
    if (command, option) == ("apply", "--metrics-file"):
        command, option = "plan", "--out"
    file = declare(tmp_path / "keys.yaml", {"name": "web", "description": "ours"})
    before = (tmp_path / "keys.yaml").read_bytes()
    words = {"apply": ["--auto-approve"], "drift": ["--correct", "all"]}
    done = cli(command, file, option, file, *words.get(command, []))
    assert done.code == 1
    assert file in done.err
    assert not emulator.requests
    assert {place.name: place.read_bytes() for place in tmp_path.iterdir()} == {"keys.yaml": before}


def test_a_plan_of_another_tool_is_not_overwritten(cli: CommandLine, tmp_path: Path) -> None:
    other = tmp_path / "tfplan.json"
    other.write_text('{"format_version":"1.2","terraform_version":"1.9.0"}', encoding="utf-8")
    done = cli("plan", declare(tmp_path / "k.yaml"), "--out", str(other))
    assert (done.code, "would overwrite a file that is not a plan" in done.err) == (1, True)


@pytest.mark.parametrize("other", ["--history", "--metrics-file"])
def test_one_file_cannot_be_used_for_two_options(cli: CommandLine, tmp_path: Path, other: str) -> None:
    file = declare(tmp_path / "k.yaml", {"name": "web"})
    done = cli("drift", file, "--journal", str(tmp_path / "x"), other, f"{tmp_path}/./x")
    assert (done.code, done.err.count("name the same file")) == (1, 1)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("mode", "warned"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o604, 1)])
def test_world_readable_records_are_warned_about(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, mode: int, warned: int
) -> None:
    fill(emulator, "web", description="new")
    keys = declare(tmp_path / "k.yaml", {"name": "web", "description": "new"})
    journal, history = tmp_path / "journal", tmp_path / "history"
    words = ("--journal", str(journal), "--history", str(history))
    assert cli("apply", keys, *words, "--auto-approve").err == ""
    journal.touch()
    for file in (journal, history):
        file.chmod(mode)
    reported = [cli("apply", keys, *words, "--auto-approve").err, cli("drift", keys, *words).err]
    readable = "can be read by others; run chmod 600 on it"
    for err in reported:
        assert err.count(f"the journal {journal} {readable}") == warned
        assert err.count(f"the history {history} {readable}") == warned
    assert cli("journal", str(journal)).err.count(readable) == warned
    assert cli("history", "--history", str(history)).err.count(readable) == warned
