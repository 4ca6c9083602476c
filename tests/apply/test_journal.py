"""Every write leaves a line before and a line after; what lacks the second is in entry."""

from __future__ import annotations

import json
import os
import resource
import signal
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.api.client import Session
from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.apply.executor import Executor
from reconciler.apply.in_doubt import Finding, InDoubtWrite, Resolution, read_journal, resolve
from reconciler.apply.journal import Journal, JournalFile, Run, check_journal
from reconciler.apply.observer import SentOnly
from reconciler.errors import ConfigurationError, JournalError
from reconciler.model.endpoint import BaseUrl
from reconciler.model.outcome import Result
from reconciler.model.plan import Action
from tests.engine import KINDS, Engine, desired
from tests.support import FakeClock, Script, connect, fill

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gcore_emulator import Emulator
    from reconciler.api.reader import Connection
    from reconciler.model.plan import Plan

RUN = Run("run-1", "sha256:0", "someone", "abc")
WRITE = {"event": "write", "run": "r", "address": "caas/1/76/web", "base_url": "u", "patch": {}, "before": {}}
OUTCOME = {"event": "outcome", "run": "r", "address": "caas/1/76/web", "outcome": "applied"}


def lines(*entries: Mapping[str, Any]) -> list[bytes]:
    return [json.dumps(entry).encode() + b"\n" for entry in entries]


def entries(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def plan(emulator: Emulator) -> Plan:
    fill(emulator, "web", description="old")
    return Engine(emulator).plan(desired({"name": "web", "description": "new"}))


def apply_journaled(emulator: Emulator, plan: Plan, file: Path) -> list[Result]:
    engine = Engine(emulator)
    with engine.writer() as writer, JournalFile(str(file)) as sink:
        executor = Executor(
            writer,
            KINDS,
            Workers(1),
            engine.stop,
            [SentOnly(Journal([sink], RUN, FakeClock(), lambda _change: "http://127.0.0.1:1"))],
        )
        return [outcome.result for outcome in executor.execute(plan.changes)]


def test_a_write_is_on_disk_before_it_is_sent_and_its_outcome_after(plan: Plan, tmp_path: Path) -> None:
    file, seen = tmp_path / "journal", []

    def handler(_request: httpx.Request) -> httpx.Response:
        seen.extend(entries(file))
        raise httpx.ConnectError("refused")

    with Writer(connect(handler)) as writer, JournalFile(str(file)) as sink:
        journal = Journal([sink], RUN, FakeClock(), lambda _change: "http://127.0.0.1:1")
        Executor(writer, KINDS, Workers(1), threading.Event(), [SentOnly(journal)]).execute(plan.changes)
    assert [entry["event"] for entry in seen[:1]] == ["write"]
    assert [entry["event"] for entry in entries(file)] == ["write", "outcome"]


def test_a_line_has_the_action_the_actor_and_the_commit(
    emulator: Emulator, plan: Plan, tmp_path: Path
) -> None:
    assert apply_journaled(emulator, plan, tmp_path / "journal") == [Result.APPLIED]
    write, outcome = entries(tmp_path / "journal")
    assert write == {
        "at": "2026-06-01T12:00:00Z",
        "run": "run-1",
        "event": "write",
        "address": "caas/1/76/web",
        "api": "gcore",
        "path": "/cloud/v1/caas/keys/1/76/web",
        "action": "update",
        "patch": {"description": "new"},
        "secret_to": "",
        "before": {"description": "old"},
        "fingerprint": "sha256:0",
        "base_url": "http://127.0.0.1:1",
        "who": "someone",
        "git_commit": "abc",
    }
    assert (outcome["outcome"], outcome["request_id"]) == ("applied", None)


def test_a_failure_is_recorded_with_its_request_id(emulator: Emulator, plan: Plan, tmp_path: Path) -> None:
    emulator.remove_key(1, 76, "web")
    assert apply_journaled(emulator, plan, tmp_path / "journal") == [Result.FAILED]
    outcome = entries(tmp_path / "journal")[1]
    assert outcome["outcome"] == "failed"
    assert outcome["request_id"] in outcome["detail"]


def test_runs_append_and_a_torn_line_is_preserved(emulator: Emulator, plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "journal"
    file.write_bytes(b'{"at": "2026-06-01T12:00:00Z", "run": "r", "event": "wri')
    apply_journaled(emulator, plan, file)
    with file.open("rb") as content:
        reading = read_journal(content)
    assert (reading.torn, reading.writes, reading.in_doubt) == (1, 1, ())


def test_only_its_owner_can_read_a_new_journal(emulator: Emulator, plan: Plan, tmp_path: Path) -> None:
    apply_journaled(emulator, plan, tmp_path / "journal")
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"keys: []\n",
        b"project_id: 1\nregion_id: 76\nkeys: []",
        b'{"project_id": 1, "keys": []}\n',
        b'{"at": "noon"}\n',
        b"# notes\n" + json.dumps(WRITE).encode() + b"\n",
        b"\x89PNG\r\n\x1a\n\0\0",
        b"SQLite format 3\0",
        b"\xff\xfe",
        b"x" * 2_000_000,
    ],
)
def test_a_file_that_is_not_a_journal_is_not_appended_to(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys.yaml"
    file.write_bytes(content)
    for opened in (check_journal, JournalFile):
        with pytest.raises(ConfigurationError, match="would append to a file that is not a journal"):
            opened(str(file))
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        *lines(WRITE),
        *lines(OUTCOME),
        b'{"at": "2026-06-0',
        b"{",
        b'{"at": "20\n' + lines(WRITE)[0],
    ],
)
def test_a_journal_and_an_empty_file_are_appended_to(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "journal"
    file.write_bytes(content)
    check_journal(str(file))
    with JournalFile(str(file)) as sink:
        sink.append(lines(WRITE)[0])
    assert file.read_bytes().startswith(content)
    assert file.read_bytes().endswith(lines(WRITE)[0])


def test_a_missing_journal_is_created_by_the_first_write(tmp_path: Path) -> None:
    check_journal(str(tmp_path / "journal"))
    check_journal("/dev/null")
    assert list(tmp_path.iterdir()) == []
    os.mkfifo(tmp_path / "pipe")
    check_journal(str(tmp_path / "pipe"))
    with pytest.raises(ConfigurationError, match="cannot be opened: Is a directory"):
        JournalFile(str(tmp_path))


def test_a_journal_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be opened: Is a directory"):
        JournalFile(str(tmp_path))


def test_nothing_is_sent_that_cannot_be_recorded(emulator: Emulator, plan: Plan) -> None:
    engine = Engine(emulator)
    with engine.writer() as writer, JournalFile("/dev/full") as sink:
        executor = Executor(
            writer,
            KINDS,
            Workers(1),
            engine.stop,
            [SentOnly(Journal([sink], RUN, FakeClock(), lambda _change: "http://127.0.0.1:1"))],
        )
        [outcome] = executor.execute(plan.changes)
    assert outcome.result is Result.NOT_ATTEMPTED
    assert outcome.detail == "the journal cannot be written: No space left on device"
    assert emulator.keys(1, 76)["web"]["description"] == "old"


def test_after_a_torn_write_nothing_more_is_recorded_or_sent(plan: Plan, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with JournalFile(str(tmp_path / "journal")) as sink:
        journal = Journal([sink], RUN, FakeClock(), lambda _change: "http://127.0.0.1:1")
        journal.started(plan.changes[0])
        size = (tmp_path / "journal").stat().st_size
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 30, limits[1]))
            with pytest.raises(JournalError, match="No space left on device"):
                journal.started(plan.changes[0])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
        with pytest.raises(JournalError):
            journal.started(plan.changes[0])


@pytest.mark.parametrize(
    ("content", "in_doubt", "torn"),
    [
        (lines(), 0, 0),
        (lines(WRITE), 1, 0),
        (lines(WRITE, OUTCOME), 0, 0),
        (lines(WRITE, OUTCOME, WRITE), 1, 0),
        (lines(WRITE, WRITE | {"run": "s"}, OUTCOME | {"run": "s"}), 0, 0),
        (lines(WRITE, WRITE | {"run": "s"}, OUTCOME), 1, 0),
        (lines(WRITE, OUTCOME | {"run": "s"}), 1, 0),
        (lines(WRITE, WRITE | {"run": "s", "base_url": "v"}, OUTCOME | {"run": "s"}), 1, 0),
        (lines(WRITE, WRITE | {"run": "s"}, OUTCOME | {"run": "s", "outcome": "not attempted"}), 1, 0),
        (lines(WRITE, {"event": "outcome", "run": "r", "address": "caas/1/76/web"}), 1, 0),
        (lines(WRITE, OUTCOME | {"address": "caas/1/76/api"}), 1, 0),
        (lines(WRITE, WRITE | {"address": "x", "base_url": "v"}, OUTCOME, OUTCOME | {"address": "x"}), 0, 0),
        (lines(WRITE, OUTCOME | {"outcome": "not verified"}), 1, 0),
        ([*lines(WRITE), b'{"event": "outcome", "addr'], 1, 1),
        ([b"\xff\n", b"[]\n", b"{}\n", b"\n", b"[" * 100_000 + b"\n"], 0, 4),
        (lines({**WRITE, "patch": None}, {"event": "odd", "address": "x"}), 0, 2),
    ],
)
def test_a_write_is_in_doubt_until_a_later_outcome_resolves_it(
    content: list[bytes], in_doubt: int, torn: int
) -> None:
    reading = read_journal(content)
    assert (len(reading.in_doubt), reading.torn) == (in_doubt, torn)


def resolved(connection: Connection, entry: InDoubtWrite) -> Finding:
    """Find out what became of one write."""
    with Session(connection, Workers(1)) as client:
        [finding] = resolve(client, KINDS, [entry])
    return finding


@pytest.mark.parametrize(
    ("live", "resolution"),
    [
        ("new", Resolution.TOOK_EFFECT),
        ("old", Resolution.DID_NOT),
        ("other", Resolution.SUPERSEDED),
        (None, Resolution.GONE),
    ],
)
def test_a_write_in_doubt_is_resolved_by_reading_the_key(
    emulator: Emulator, live: str | None, resolution: Resolution
) -> None:
    if live is not None:
        fill(emulator, "web", description=live)
    new, old = {"description": "new"}, {"description": "old"}
    entry = InDoubtWrite("caas/1/76/web", BaseUrl(emulator.url), patch=new, before=old, run="r", at="now")
    finding = resolved(connect(Script(), base_url=emulator.url, transport=None), entry)
    assert finding.resolution is resolution


@pytest.mark.parametrize(
    ("address", "base_url"),
    [
        ("caas/1/76/web", "http://127.0.0.1"),
        ("caas/1/76/web", "elsewhere"),
        ("odd/1/web", "http://127.0.0.1"),
        ("caas/1/web", "http://127.0.0.1"),
        ("caas/1/76/../web", "http://127.0.0.1"),
    ],
)
@pytest.mark.parametrize("response", [[], {"name": "other", "description": "new"}])
def test_a_write_in_doubt_whose_key_cannot_be_read_stays_in_doubt(
    address: str, base_url: str, response: Any
) -> None:
    entry = InDoubtWrite(
        address, BaseUrl.recorded(base_url), patch={"description": "new"}, before={}, run="r", at="now"
    )
    finding = resolved(connect(lambda _request: httpx.Response(200, json=response)), entry)
    assert finding.resolution is Resolution.UNKNOWN


def test_a_write_in_doubt_to_another_path_is_not_resolved_at_the_new_path() -> None:
    new = {"description": "new"}
    entry = InDoubtWrite(
        "caas/1/76/web", BaseUrl.recorded("http://127.0.0.1"), new, {}, "r", "now", path="/sandbox/1/76/web"
    )
    script = Script(httpx.Response(200, json={"name": "web"} | new))
    finding = resolved(connect(script), entry)
    assert (finding.resolution, script.requests) == (Resolution.UNKNOWN, [])
    assert "it was written to /sandbox/1/76/web, and its kind now says /cloud/v1/caas/keys/1/76/web" in (
        finding.detail
    )


def test_a_write_whose_key_was_as_planned_is_not_in_doubt() -> None:
    reading = read_journal(lines(WRITE, OUTCOME | {"outcome": "already as planned"}))
    assert (reading.writes, reading.in_doubt) == (1, ())


@pytest.mark.parametrize("spelling", ["HTTPS://API.example.com", "https://api.example.com:443/"])
def test_a_journal_normalizes_the_base_url(spelling: str) -> None:
    first, second = (
        WRITE | {"base_url": spelling},
        WRITE | {"run": "s", "base_url": "https://api.example.com"},
    )
    reading = read_journal(lines(first, second, OUTCOME | {"run": "s"}))
    assert (reading.writes, reading.in_doubt) == (2, ())
    [entry] = read_journal(lines(first)).in_doubt
    finding = resolved(connect(Script(httpx.Response(404)), base_url="https://api.example.com"), entry)
    assert finding.resolution is Resolution.GONE


@pytest.mark.parametrize("name", ["..", ".", "a/../b"])
@pytest.mark.parametrize("action", Action)
def test_a_journal_name_that_is_not_one_path_segment_causes_no_request(name: str, action: Action) -> None:
    entry = InDoubtWrite(
        f"caas/1/76/{name}",
        BaseUrl.recorded("http://127.0.0.1"),
        patch={},
        before={},
        run="r",
        at="now",
        action=action,
    )
    script = Script(httpx.Response(404))
    finding = resolved(connect(script), entry)
    assert finding.resolution is Resolution.UNKNOWN
    assert "cannot be one segment of a request path" in finding.detail
    assert script.requests == []


CREATION = WRITE | {"action": "create", "secret_to": "file:/keys/web"}
RESCUED = OUTCOME | {"outcome": "not verified", "secret_at": "/rescued/web"}


@pytest.mark.parametrize(
    ("later", "remembered"), [("update", ["create"]), ("create", []), ("delete", []), ("replace", [])]
)
@pytest.mark.parametrize("outcomes", [[], [RESCUED]], ids=["killed", "rescued"])
def test_an_unstored_secret_is_remembered_until_the_key_is_replaced(
    later: str, remembered: list[str], outcomes: list[dict[str, Any]]
) -> None:
    """An update that succeeds says nothing of the secret."""
    second = {"run": "s", "action": later}
    reading = read_journal(lines(CREATION, *outcomes, WRITE | second, OUTCOME | second))
    assert [entry.action for entry in reading.in_doubt] == remembered
    places = ("/rescued/web" if outcomes else "", "file:/keys/web")
    assert {(entry.secret_at, entry.secret_to) for entry in reading.in_doubt} <= {places}


LIVE: dict[str, Any] = {
    "name": "web",
    "description": "",
    "containers": [],
    "expire": None,
    "is_disabled": False,
}


@pytest.mark.parametrize("action", ["create", "replace"])
@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, json=LIVE),
        httpx.Response(200, json=LIVE | {"description": "other"}),
        httpx.Response(200, json=[]),
        httpx.Response(404),
        httpx.ConnectError("refused"),
    ],
    ids=["there", "another", "rubbish", "gone", "no response"],
)
@pytest.mark.parametrize("is_rescued", [True, False])
def test_a_journal_names_the_location_of_the_secret_whatever_the_server_returns(
    response: httpx.Response | Exception, action: str, *, is_rescued: bool
) -> None:
    write = CREATION | {"action": action, "patch": {"description": ""}, "before": {"description": "old"}}
    [entry] = read_journal(lines(write, *[RESCUED] * is_rescued)).in_doubt
    finding = resolved(connect(Script(response)), entry)
    if is_rescued:
        assert "its secret is in /rescued/web" in finding.detail
    else:
        assert ("file:/keys/web" in finding.detail) is (finding.resolution is not Resolution.DID_NOT)


def test_a_record_that_one_journal_cannot_store_is_stored_by_another(
    emulator: Emulator, plan: Plan, tmp_path: Path
) -> None:
    class Full:
        """Accepts one line, and no more."""

        def __init__(self) -> None:
            self.lines: list[bytes] = []

        def append(self, line: bytes) -> None:
            if self.lines:
                raise JournalError("the journal cannot be written: No space left on device")
            self.lines.append(line)

    engine = Engine(emulator)
    with engine.writer() as writer, JournalFile(str(tmp_path / "journal")) as file:
        journal = Journal([Full(), file], RUN, FakeClock(), lambda _change: "http://127.0.0.1:1")
        executor = Executor(writer, KINDS, Workers(1), engine.stop, [SentOnly(journal)])
        [outcome] = executor.execute(plan.changes)
    assert outcome.detail == "the journal cannot be written: No space left on device"
    assert [entry["event"] for entry in entries(tmp_path / "journal")] == ["write", "outcome"]
