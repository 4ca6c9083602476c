"""Keys that are replaced: the next version of their secret, whatever fails or is killed in between."""

from __future__ import annotations

import http.server
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gcore_emulator import Faults
from tests.support import CommandLine, declare, fill, serving

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gcore_emulator import Emulator
    from tests.support import Finished

LATER = "2036-01-31T00:00:00Z"
NAME = "inference_1_key-one"
OLD = "the secret of the first key"


class Keys:
    """One live inference key whose declaration asks for another expiry, which only a new key has."""

    def __init__(self, cli: CommandLine, emulator: Emulator, folder: Path) -> None:
        self.emulator = emulator
        self.folder = folder
        self.sink = folder / "secrets"
        self.journal = folder / "journal"
        self.place = f"file:{self.sink / NAME}"
        self._cli = cli
        emulator.put_key(1, None, {"name": "key-one", "expires_at": LATER}, family="inference")
        key = {"name": "key-one", "expires_at": None, "lifecycle": {"replace": True}}
        document = {"kind": "inference", "project_id": 1, "keys": [key]}
        self.file = folder / "keys.yaml"
        self.file.write_text(json.dumps(document), encoding="utf-8")
        self.sink.mkdir(mode=0o700)
        (self.sink / NAME).write_text(OLD, encoding="utf-8")

    def words(self, sink: str = "") -> tuple[str, ...]:
        options = ("--auto-approve", "-q", "--journal", str(self.journal))
        return ("apply", str(self.file), *options, "--secret-sink", sink or f"file:{self.sink}")

    def apply(self, sink: str = "") -> Finished:
        return self._cli(*self.words(sink))

    def judged(self) -> str:
        """Return the line of the journal for the key."""
        return self._cli("journal", str(self.journal)).out.splitlines()[0]

    @property
    def sent(self) -> list[str]:
        return [record.method for record in self.emulator.requests if record.method != "GET"]

    @property
    def secrets(self) -> dict[str, str]:
        return {path.name: path.read_text(encoding="utf-8") for path in self.sink.iterdir()}


@pytest.fixture
def keys(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> Keys:
    return Keys(cli, emulator, tmp_path)


def test_the_secret_of_a_replaced_key_replaces_the_revoked_one(keys: Keys) -> None:
    done = keys.apply()
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"inference/1/key-one: applied; its secret is in {keys.place}\n")
    assert keys.sent == ["DELETE", "POST"]
    assert keys.secrets[f"{NAME}@1"] == OLD
    assert keys.secrets[NAME] not in {OLD, ""}
    assert len(keys.secrets) == 2


def test_a_key_deleted_by_hand_gets_the_next_version(keys: Keys) -> None:
    keys.emulator.remove_key(1, None, "key-one", family="inference")
    assert keys.apply().code == 0
    assert (keys.sent, set(keys.secrets)) == (["POST"], {NAME, f"{NAME}@1"})


def test_an_occupied_sink_location_is_detected_before_the_key_is_deleted(keys: Keys) -> None:
    (keys.sink / NAME).unlink()
    (keys.sink / NAME).symlink_to("elsewhere")
    done = keys.apply()
    assert (done.code, keys.sent) == (1, [])
    assert f"{keys.sink / NAME} is not a regular file, and is not changed" in done.err


def test_a_saved_replacement_of_a_changed_key_is_not_considered_done(keys: Keys, cli: CommandLine) -> None:
    saved = str(keys.folder / "plan.json")
    cli("plan", str(keys.file), "--out", saved)
    changed = {"name": "key-one", "expires_at": LATER, "description": "theirs"}
    keys.emulator.put_key(1, None, changed, family="inference")
    done = cli("apply", "--plan", saved, "--auto-approve", "-q", "--secret-sink", f"file:{keys.sink}")
    assert (done.code, keys.sent) == (3, [])
    assert 'stale: description was planned from "" and is now "theirs"' in done.out


def test_an_approved_plan_is_probed_again(keys: Keys, cli: CommandLine) -> None:
    def spoil() -> None:
        (keys.sink / NAME).unlink()
        (keys.sink / NAME).mkdir()

    words = [word for word in keys.words() if word != "--auto-approve"]
    done = cli.on_terminal(*words, answer=b"yes\n", ask=spoil)
    assert (done.code, keys.sent) == (1, [])
    assert "is not a regular file" in done.out.replace("\n", " ")


@pytest.mark.parametrize(
    "faults", [Faults(methods=("POST",), status_500=1.0), Faults(methods=("POST",), reset_after=1.0)]
)
def test_a_half_finished_replacement_reports_the_stored_secret_as_revoked(keys: Keys, faults: Faults) -> None:
    keys.emulator.faults = faults
    done = keys.apply()
    assert done.code == 4
    assert f"; the secret of the earlier key in {keys.place} is no longer valid\n" in done.out
    assert keys.secrets == {NAME: OLD}


def test_a_rescued_secret_is_reported_with_the_revoked_one(keys: Keys, cli: CommandLine) -> None:
    cli.environment.chdir(keys.folder)
    done = keys.apply("exec:/bin/false")
    (rescued,) = keys.folder.glob(f"rescued-secret-*/{NAME}")
    assert done.code == 4
    assert (
        f"it is in {rescued}; move it; "
        "the secret of the earlier key in exec:false, if anything, is no longer valid" in done.out
    )


def script(folder: Path, text: str) -> str:
    program = folder / "keep"
    program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    program.chmod(0o755)
    return f"exec:{program}"


@contextmanager
def gate(upstream: str, meet: Callable[[str, str], bool]) -> Iterator[str]:
    """Serve what another address serves, as long as ``meet`` wants it before and after each request."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not meet(self.command, "before"):
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept = {
                name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers
            }
            response = httpx.request(
                self.command, upstream + self.path, content=body, headers=kept, trust_env=False
            )
            if not meet(self.command, "after"):
                return
            self.send_response(response.status_code)
            self.send_header("Content-Length", str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)

        do_DELETE = do_POST = do_GET  # noqa: N815 - the names that http.server asks for

        def log_message(self, *_arguments: object) -> None:
            """Print nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                return  # who asked was killed

    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url


def killed_at(keys: Keys, cli: CommandLine, method: str, *, executed: bool) -> None:
    """Apply in a process that is killed before or after the service has executed a request."""
    cli.begin_from_nothing()
    processes: list[subprocess.Popen[str]] = []
    started = threading.Event()

    def meet(met: str, when: str) -> bool:
        started.wait(60)
        if (met, when == "after") != (method, executed):
            return True
        processes[0].kill()
        processes[0].wait()
        return False

    with gate(keys.emulator.url, meet) as url, cli.start(*keys.words(), "--base-url", url) as process:
        processes.append(process)
        started.set()
        process.communicate(timeout=60)
    assert process.returncode == -9
    text = keys.journal.read_text(encoding="utf-8").replace(url, keys.emulator.url)
    keys.journal.write_text(text, encoding="utf-8")


UNREPORTED = (
    "took effect (it is unknown whether its secret was stored: look in {place}, where it was to be stored, "
    "unless it is that of the replaced key; if it is not there, declare the key `state: absent`, apply, and "
    "declare it again)"
)
KILLED: dict[str, tuple[str, bool, list[str], str]] = {
    "before the deletion": ("DELETE", False, [], "did not take effect"),
    "after the deletion": (
        "DELETE",
        True,
        ["DELETE"],
        "the key is gone (its secret in {place} is no longer valid)",
    ),
    "before the creation": (
        "POST",
        False,
        ["DELETE"],
        "the key is gone (its secret in {place} is no longer valid)",
    ),
    "after the creation": (
        "POST",
        True,
        ["DELETE", "POST"],
        UNREPORTED,
    ),
}


@pytest.mark.parametrize(("method", "executed", "sent", "reported"), KILLED.values(), ids=KILLED)
def test_a_killed_run_leaves_a_journal_with_the_state_of_key_and_secret(  # noqa: PLR0913 - the parts of a case
    keys: Keys, cli: CommandLine, method: str, sent: list[str], reported: str, *, executed: bool
) -> None:
    killed_at(keys, cli, method, executed=executed)
    assert (keys.sent, keys.secrets) == (sent, {NAME: OLD})
    assert keys.judged() == f"inference/1/key-one: {reported.format(place=keys.place)}"
    assert keys.place in cli("journal", str(keys.journal), "--offline").out
    if "POST" not in sent:
        again = keys.apply()
        assert (again.code, keys.secrets[f"{NAME}@1"]) == (0, OLD)
        assert keys.judged() != reported


@pytest.mark.parametrize("stores", [True, False], ids=["after storing", "before storing"])
def test_a_run_killed_by_its_sink_records_the_intended_location(
    keys: Keys, cli: CommandLine, *, stores: bool
) -> None:
    kept = keys.folder / "kept"
    sink = script(keys.folder, f"cat > {kept if stores else '/dev/null'}; kill -KILL $PPID")
    done = cli.alone(*keys.words(sink))
    assert (done.code, keys.sent) == (-9, ["DELETE", "POST"])
    assert (
        "it is unknown whether its secret was stored: look in exec:keep, where it was to be stored"
        in keys.judged()
    )
    assert kept.exists() is stores


FRESH: list[dict[str, Any]] = [
    {"name": f"key-{number:02}", "description": "", "containers": []} for number in range(40)
]


@pytest.mark.parametrize("parallelism", [1, 4])
def test_a_failing_sink_stops_only_creations(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, parallelism: int
) -> None:
    fill(emulator, "zz-changed", description="old")
    path = declare(tmp_path / "keys.yaml", *FRESH, {"name": "zz-changed", "description": "new"})
    cli.environment.chdir(tmp_path)
    words = ("--auto-approve", "-q", "--secret-sink", "exec:/bin/false", "--parallelism", str(parallelism))
    done = cli("apply", path, *words)
    made = [record for record in emulator.requests if record.method == "POST"]
    rescued = list(tmp_path.glob("rescued-secret-*/caas*"))
    assert done.code == 4
    assert 1 <= len(made) <= parallelism
    assert (len(rescued), len({file.parent for file in rescued})) == (len(made), 1)
    assert done.out.count("not attempted: not created, because the secret of caas/1/76/key-") == 40 - len(
        made
    )
    assert all(f"it is in {file}; move it" in done.out for file in rescued)
    assert "caas/1/76/zz-changed: applied\n" in done.out


def test_after_a_sink_failure_no_key_is_deleted_for_a_replacement(cli: CommandLine, keys: Keys) -> None:
    declared = [
        {"name": name, "expires_at": None, "lifecycle": {"replace": True}} for name in ("key-one", "key-two")
    ]
    keys.emulator.put_key(1, None, {"name": "key-two", "expires_at": LATER}, family="inference")
    keys.file.write_text(
        json.dumps({"kind": "inference", "project_id": 1, "keys": declared}), encoding="utf-8"
    )
    cli.environment.chdir(keys.folder)
    done = cli(*keys.words("exec:/bin/false"), "--parallelism", "1")
    assert (done.code, keys.sent) == (4, ["DELETE", "POST"])
    assert (
        "inference/1/key-two: not attempted: not created, because the secret of inference/1/key-one"
        in done.out
    )
    assert "key-two" in keys.emulator.keys(1, family="inference")
