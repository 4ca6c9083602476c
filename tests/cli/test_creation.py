"""Keys that are created and deleted: exclusive scopes, and what a lifecycle forbids."""

from __future__ import annotations

import json
import re
import shutil
import signal
import stat
import threading
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gcore_emulator import Faults
from reconciler.api.writer import Writer
from reconciler.errors import ApiError
from reconciler.model.request import Request
from reconciler.render.formats import RENDERERS
from tests.support import CommandLine, FakeClock, connect, declare, fill, lines_until, patches, wait_for_file
from tests.values import check_document

if TYPE_CHECKING:
    import datetime as dt

    from gcore_emulator import Emulator

FRESH: dict[str, Any] = {"name": "fresh", "description": "new", "containers": [], "expire": None}


@pytest.fixture
def files(tmp_path: Path) -> str:
    """One key that is not there."""
    return declare(tmp_path / "keys.yaml", FRESH)


@pytest.fixture
def sink(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def apply(cli: CommandLine, files: str, *words: str) -> Any:
    return cli("apply", files, "--auto-approve", "-q", *words)


def sent(emulator: Emulator) -> list[str]:
    return [f"{record.method} {record.path}" for record in emulator.requests if record.method != "GET"]


def test_a_creation_in_a_scope_without_a_live_key_asks_for_the_right_numbers(
    cli: CommandLine, emulator: Emulator, files: str
) -> None:
    question = "No key is live in caas/1/76: are the ids right?"
    assert question in cli("plan", files).err
    fill(emulator, "web")
    assert question not in cli("plan", files).err


def test_a_missing_declared_key_is_planned(cli: CommandLine, emulator: Emulator, files: str) -> None:
    done = cli("plan", files, "--detailed-exitcode")
    assert done.code == 2
    assert done.out == (
        "Resource actions are indicated with the following symbols:\n"
        "  + create\n\n"
        "reconciler will perform the following actions:\n\n"
        "  # caas/1/76/fresh will be created (grants: a new key)\n"
        f"  # (declared at {files}:1)\n"
        '  + caas "fresh" {\n'
        "      + containers = []\n"
        '      + description = "new"\n'
        "      + expire = null\n"
        "    }\n\n"
        "Plan: 1 to add, 0 to change, 0 to destroy.\n"
        "Access: grants on 1 key, revokes on 0 keys, neutral on 0 keys.\n"
        "Secrets: 1 key will be created; apply needs --secret-sink.\n"
    )
    assert sent(emulator) == []


def test_a_key_is_created_once_and_its_secret_is_only_in_the_sink(
    cli: CommandLine, emulator: Emulator, files: str, sink: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    done = apply(cli, files, "--secret-sink", f"file:{sink}", "--journal", str(journal))
    assert (done.code, done.err) == (0, "")
    (file,) = sink.iterdir()
    secret = file.read_text(encoding="utf-8")
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(sink.stat().st_mode)) == (0o600, 0o700)
    assert done.out == (
        f"caas/1/76/fresh: applied; its secret is in file:{file}\n\n"
        "Apply complete! Resources: 1 added, 0 changed, 0 destroyed.\n"
    )
    assert secret
    assert secret not in done.everything + journal.read_text(encoding="utf-8")
    assert patches(emulator) == [{"containers": [], "description": "new", "name": "fresh"}]
    assert cli("plan", files).out == "No changes. Your infrastructure matches the configuration.\n"


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize("form", RENDERERS)
def test_what_an_apply_needs_is_a_note_where_the_format_has_no_place_for_it(
    cli: CommandLine, files: str, form: str
) -> None:
    done = cli("plan", files, "--format", form)
    need = "Secrets: 1 key will be created; apply needs --secret-sink"
    assert (need in done.err) is (form == "gitlab")
    assert ("--secret-sink" in done.out) is ("--secret-sink" not in done.err)


def test_an_apply_with_a_sink_is_not_told_to_name_one(
    cli: CommandLine, emulator: Emulator, files: str, sink: Path
) -> None:
    need = "apply needs --secret-sink"
    assert need in cli("apply", files, "--dry-run").out
    assert need not in cli("apply", files, "--dry-run", "--secret-sink", f"file:{sink}").out
    assert sent(emulator) == []


def test_without_a_sink_nothing_is_created(cli: CommandLine, emulator: Emulator, files: str) -> None:
    done = apply(cli, files)
    assert done.code == 1
    assert (
        "the plan creates caas/1/76/fresh, and the service shows the secret of a new key only once"
        in done.err
    )
    assert sent(emulator) == []


def test_an_unusable_sink_is_detected_before_a_key_is_created(
    cli: CommandLine, emulator: Emulator, files: str
) -> None:
    done = apply(cli, files, "--secret-sink", "file:/dev/null/secrets")
    assert (done.code, sent(emulator)) == (1, [])
    done = apply(cli, files, "--secret-sink", "nowhere:x")
    assert (done.code, "nowhere" in done.err, sent(emulator)) == (1, True, [])


@pytest.mark.usefixtures("emulator")
def test_a_key_whose_sink_fails_is_reported_with_the_location_of_its_secret(
    cli: CommandLine, files: str, tmp_path: Path
) -> None:
    program = tmp_path / "keep"
    program.write_text("#!/bin/sh\ncat > /dev/null\nexit 7\n", encoding="utf-8")
    program.chmod(0o755)
    cli.environment.chdir(tmp_path)
    done = apply(cli, files, "--secret-sink", f"exec:{program}")
    assert done.code == 4
    (rescued,) = tmp_path.glob("rescued-secret-*/caas*")
    assert "caas/1/76/fresh: not verified: created, but its secret could not be stored: " in done.out
    assert str(rescued) in done.out
    secret = rescued.read_text(encoding="utf-8")
    assert secret
    assert secret not in done.everything
    assert stat.S_IMODE(rescued.stat().st_mode) == 0o600


CREATES = Faults(methods=("POST",))


@pytest.mark.parametrize(
    ("faults", "exists"),
    [
        (replace(CREATES, reset_after=1.0), True),
        (replace(CREATES, half_body=1.0), True),
        (replace(CREATES, slow_answer=1.0, slow_seconds=3.0), True),
        (replace(CREATES, reset_before=1.0), False),
        (replace(CREATES, status_500=1.0), False),
        (replace(CREATES, status_502=1.0), False),
        (replace(CREATES, html_page=1.0), False),
    ],
    ids=lambda case: "-".join(case.response_rates()) if isinstance(case, Faults) else str(case),
)
def test_a_creation_without_a_response_is_sent_once_and_is_reported_as_a_lost_secret(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, faults: Faults, *, exists: bool
) -> None:
    files, sink = declare(tmp_path / "keys.yaml", FRESH), tmp_path / "secrets"
    emulator.faults = faults
    done = apply(cli, files, "--secret-sink", f"file:{sink}", "--read-timeout", "1")
    assert sent(emulator) == ["POST /cloud/v1/caas/keys/1/76"]
    assert ("fresh" in emulator.keys(1, 76)) is exists
    assert not sink.exists()
    assert ("its secret is lost: either declare it `state: absent`, apply" in done.out) is exists
    # Without a response from what executes requests, or with a promised success, the key may still appear.
    may_come = "the service still creates it, its secret is lost" in done.out
    assert may_come is bool({"reset_before", "status_502", "html_page"} & faults.response_rates().keys())
    assert done.code == (4 if exists or may_come else 1)


def test_a_creation_known_not_to_be_executed_is_retried(
    cli: CommandLine, emulator: Emulator, files: str, sink: Path
) -> None:
    emulator.faults = replace(CREATES, status_429=1.0, max_in_a_row=2)
    done = apply(cli, files, "--secret-sink", f"file:{sink}", "--retries", "5")
    assert (done.code, len(list(sink.iterdir()))) == (0, 1)
    assert sent(emulator) == ["POST /cloud/v1/caas/keys/1/76"] * 3


def test_a_truncated_response_to_a_creation_is_not_shown() -> None:
    """It may hold half of a secret, or all of it."""
    response = json.dumps(FRESH | {"secret": "do-not-show"})[:-1]
    link = connect(lambda _: httpx.Response(200, text=response))
    with Writer(link) as writer, pytest.raises(ApiError) as error:
        writer.post(Request("POST", "/cloud/v1/caas/keys/1/76", FRESH))
    shown = "".join(traceback.format_exception(error.value))
    assert "the response is not JSON (" in shown
    assert "do-not-show" not in shown


def test_a_saved_plan_creates_a_key_once(
    cli: CommandLine, emulator: Emulator, files: str, sink: Path, tmp_path: Path
) -> None:
    saved = str(tmp_path / "plan.json")
    assert cli("plan", files, "--out", saved).code == 0
    document = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    check_document("plan", document)
    (change,) = document["resource_changes"]
    assert change["change"]["actions"] == ["create"]
    assert change["change"]["before"] is None
    assert change["request"] == {"method": "POST", "path": "/cloud/v1/caas/keys/1/76"}
    words = ("apply", "--plan", saved, "--auto-approve", "-q", "--secret-sink", f"file:{sink}")
    assert cli(*words).code == 0
    again = cli(*words)
    reported = (
        "caas/1/76/fresh: already as planned; its secret is in the sink of the run that made it, or lost"
    )
    assert (again.code, again.out.splitlines()[0]) == (0, reported)
    assert sent(emulator) == ["POST /cloud/v1/caas/keys/1/76"]


def test_a_key_created_since_the_plan_is_not_changed(
    cli: CommandLine, emulator: Emulator, files: str, sink: Path, tmp_path: Path
) -> None:
    saved = str(tmp_path / "plan.json")
    cli("plan", files, "--out", saved)
    fill(emulator, "fresh", description="theirs")
    done = cli("apply", "--plan", saved, "--auto-approve", "-q", "--secret-sink", f"file:{sink}")
    assert done.code == 3
    assert 'caas/1/76/fresh: stale: name was planned from null and is now "fresh"' in done.out
    assert sent(emulator) == []


def test_a_new_key_needs_the_fields_required_by_its_kind(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    path = declare(tmp_path / "keys.yaml", {"name": "fresh"})
    done = cli("plan", path)
    assert (done.code, sent(emulator)) == (1, [])
    assert (
        "caas/1/76/fresh: declared, but not on the server, and a new key needs containers; declare it"
        in done.err
    )


def test_a_key_declared_absent_is_deleted_and_stays_absent(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "old", "web")
    path = declare(tmp_path / "keys.yaml", {"name": "old", "state": "absent"})
    planned = cli("plan", path)
    assert "  # caas/1/76/old will be destroyed (revokes: key deleted)\n" in planned.out
    assert "Plan: 0 to add, 0 to change, 1 to destroy.\n" in planned.out
    assert "      - expire = null\n" in planned.out
    done = apply(cli, path)
    assert (done.code, sent(emulator)) == (0, ["DELETE /cloud/v1/caas/keys/1/76/old"])
    assert done.out.endswith("Apply complete! Resources: 0 added, 0 changed, 1 destroyed.\n")
    assert (cli("plan", path).code, "No changes." in cli("plan", path).out) == (0, True)
    assert set(emulator.keys(1, 76)) == {"web"}


def test_a_saved_deletion_of_a_key_that_changed_is_refused(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "old")
    saved = str(tmp_path / "plan.json")
    cli("plan", declare(tmp_path / "keys.yaml", {"name": "old", "state": "absent"}), "--out", saved)
    fill(emulator, "old", description="in use again")
    done = cli("apply", "--plan", saved, "--auto-approve", "-q")
    assert (done.code, sent(emulator)) == (3, [])
    assert 'stale: description was planned from "" and is now "in use again"' in done.out


@pytest.mark.parametrize(
    "faults",
    [
        Faults(methods=("DELETE",), reset_after=1.0, max_in_a_row=1),
        Faults(methods=("DELETE",), status_500=1.0, max_in_a_row=2),
        Faults(methods=("DELETE",), reset_after=1.0, max_in_a_row=0),
    ],
    ids=["one lost answer", "two failures", "every answer lost"],
)
def test_a_deletion_with_a_lost_response_is_resolved(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, faults: Faults
) -> None:
    fill(emulator, "old")
    path = declare(tmp_path / "keys.yaml", {"name": "old", "state": "absent"})
    emulator.faults = faults
    done = apply(cli, path)
    assert (done.code, set(emulator.keys(1, 76))) == (0, set())


def exclusive(path: Path, *keys: dict[str, Any]) -> str:
    document = {"project_id": 1, "region_id": 76, "exclusive": True, "keys": keys}
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_undeclared_keys_of_an_exclusive_scope_are_deleted_if_allowed(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", "stray")
    fill(emulator, "foreign", source="iate")
    path = exclusive(tmp_path / "keys.yaml", {"name": "web"})
    refused = cli("plan", path)
    assert refused.code == 3
    assert "caas/1/76/stray will be destroyed" in refused.out
    assert "Unmanaged: 1 key live but not declared" in refused.out
    assert "refused: it would destroy 1 key that no file declares; --allow-destroy allows it" in refused.err
    assert (apply(cli, path).code, sent(emulator)) == (3, [])
    assert apply(cli, path, "--allow-destroy").code == 0
    assert set(emulator.keys(1, 76)) == {"web", "foreign"}


def test_the_limit_on_revocations_applies_to_an_exclusive_scope(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, *(f"stray-{number}" for number in range(20)))
    path = exclusive(tmp_path / "keys.yaml")
    done = apply(cli, path, "--allow-destroy")
    assert (done.code, sent(emulator)) == (3, [])
    assert "it would revoke access of 20 of the 20 keys in caas/1/76" in done.err


@pytest.mark.parametrize(
    ("rule", "key", "message"),
    [
        (
            "prevent_destroy",
            {"state": "absent"},
            "would be destroyed, and its lifecycle has prevent_destroy",
        ),
        ("prevent_revoke", {"is_disabled": True}, "would lose access, and its lifecycle has prevent_revoke"),
        ("prevent_revoke", {"state": "absent"}, "would lose access, and its lifecycle has prevent_revoke"),
    ],
)
def test_a_change_that_a_lifecycle_rule_prevents_is_an_error(  # noqa: PLR0913, PLR0917 - fixtures and cases
    cli: CommandLine, emulator: Emulator, tmp_path: Path, rule: str, key: dict[str, Any], message: str
) -> None:
    fill(emulator, "web")
    path = declare(tmp_path / "keys.yaml", {"name": "web", "lifecycle": {rule: True}, **key})
    done = apply(cli, path)
    assert (done.code, message in done.err, sent(emulator)) == (1, True, [])


def test_ignored_fields_are_not_changed_once_the_key_exists(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, sink: Path
) -> None:
    key = {**FRESH, "lifecycle": {"ignore_changes": ["description"]}}
    path = declare(tmp_path / "keys.yaml", key)
    assert apply(cli, path, "--secret-sink", f"file:{sink}").code == 0
    assert emulator.keys(1, 76)["fresh"]["description"] == "new"
    fill(emulator, "fresh", description="somebody's")
    assert "No changes." in cli("plan", path).out


def test_only_fields_can_be_ignored(cli: CommandLine, tmp_path: Path) -> None:
    path = declare(tmp_path / "keys.yaml", {"name": "web", "lifecycle": {"ignore_changes": ["colour"]}})
    done = cli("validate", path)
    assert (done.code, "colour is not a field that can be ignored; choose from description," in done.err) == (
        1,
        True,
    )


def test_a_deleted_key_is_distinguished_from_a_new_one(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    from tests.cli.test_saved_plans import git  # noqa: PLC0415 - one helper

    fill(emulator, "other")
    git(tmp_path, "init", "--quiet")
    path = declare(tmp_path / "keys.yaml", FRESH)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    declare(tmp_path / "keys.yaml", FRESH, {**FRESH, "name": "newer"})
    document = json.loads(cli("plan", path, "--base", "HEAD", "--format", "json").out)
    labels = {c["name"]: set(c["change"]["origins"].values()) for c in document["resource_changes"]}
    assert labels == {"fresh": {"drift"}, "newer": {"config"}}


def test_a_journal_of_an_interrupted_creation_reports_the_state_of_the_secret(
    cli: CommandLine, emulator: Emulator, files: str, sink: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    assert apply(cli, files, "--secret-sink", f"file:{sink}", "--journal", str(journal)).code == 0
    first, _ = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    journal.write_text(first, encoding="utf-8")
    done = cli("journal", str(journal))
    assert "caas/1/76/fresh: took effect (it is unknown whether its secret was stored" in done.out
    emulator.remove_key(1, 76, "fresh")
    assert "caas/1/76/fresh: did not take effect" in cli("journal", str(journal)).out


def test_every_format_shows_created_and_deleted_keys(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "old")
    path = declare(tmp_path / "keys.yaml", FRESH, {"name": "old", "state": "absent"})
    out = {name: cli("plan", path, "--format", name).out for name in ("markdown", "diff", "github", "gitlab")}
    assert json.loads(out["gitlab"]) == {"create": 1, "update": 0, "delete": 1}
    assert "### Plan: 1 key to destroy, 1 key to create\n\n- **Destroys** " in out["markdown"]
    for name in ("markdown", "diff", "github"):
        assert "will be created" in out[name]
        assert "will be destroyed" in out[name]
    page = cli("plan", path, "--format", "html").out
    assert '<strong class="becomes">will be created</strong>' in page
    assert page.count("Fingerprint") == 1
    assert re.findall("<dt>to (?:add|destroy)</dt><dd class=.number.><b>1</b>", page) == [
        '<dt>to add</dt><dd class="number"><b>1</b>',
        '<dt>to destroy</dt><dd class="number"><b>1</b>',
    ]
    assert "POST /cloud/v1/caas/keys/1/76<" in page


def test_events_report_created_and_deleted_keys(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, sink: Path
) -> None:
    fill(emulator, "old")
    path = declare(tmp_path / "keys.yaml", FRESH, {"name": "old", "state": "absent"})
    done = cli("apply", path, "--auto-approve", "--events", "--secret-sink", f"file:{sink}")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert lines[-1]["changes"] == {"add": 1, "change": 0, "remove": 1, "operation": "apply"}
    actions = {line["hook"]["action"] for line in lines if line["type"] == "apply_complete"}
    assert actions == {"create", "delete"}
    (place,) = sink.iterdir()
    assert {line["hook"].get("secret_at") for line in lines if line["type"] == "apply_complete"} == {
        None,
        f"file:{place}",
    }


def test_drift_is_not_corrected_where_a_lifecycle_rule_prevents_it(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", description="theirs")
    key = {"name": "web", "is_disabled": True, "lifecycle": {"prevent_revoke": True}}
    path = declare(tmp_path / "keys.yaml", key)
    done = cli("drift", path, "--correct", "all")
    assert (done.code, sent(emulator)) == (2, [])
    assert "Left to a person: caas/1/76/web: would lose access, and its lifecycle has prevent_rev" in done.err


def test_a_second_signal_ends_the_run_after_the_secret_in_flight_is_stored(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.faults = Faults(methods=("PATCH",), slow_answer=1.0, slow_seconds=60.0)
    fill(emulator, "web", description="old")
    path = declare(tmp_path / "keys.yaml", FRESH, {"name": "web", "description": "new"})
    program = tmp_path / "keep"
    program.write_text(
        f"#!/bin/sh\ntouch {tmp_path}/begun\nuntil [ -e {tmp_path}/go ]; do sleep 0.02; done\n"
        f"cat > {tmp_path}/kept\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    words = ("--auto-approve", "--secret-sink", f"exec:{program}", "--parallelism", "2")
    with cli.start("apply", path, *words) as process:
        wait_for_file(tmp_path / "begun", process)
        process.send_signal(signal.SIGINT)
        lines_until(process.stderr, "Again to stop at once")
        process.send_signal(signal.SIGINT)
        lines_until(process.stderr, "not yet: the secrets of caas/1/76/fresh would be lost")
        (tmp_path / "go").touch()
        _, reported = process.communicate(timeout=60)
    assert (process.returncode, "Error: caas/1/76/fresh: created; its secret is in " in reported) == (
        130,
        True,
    )
    assert json.loads((tmp_path / "kept").read_text(encoding="utf-8"))["secret"]
    assert "fresh" in emulator.keys(1, 76)


@pytest.mark.usefixtures("emulator")
def test_a_secret_stored_after_the_probe_is_preserved_and_the_new_one_rescued(
    cli: CommandLine, files: str, tmp_path: Path, sink: Path
) -> None:
    cli.environment.chdir(tmp_path)
    intruder = threading.Event()
    taken = sink / "caas_1_76_fresh"

    class Clock(FakeClock):
        """Lets a file come into being once the sink was probed, when the journal asks for the time."""

        def now(self) -> dt.datetime:
            if (tmp_path / "journal").exists() and not intruder.is_set():
                intruder.set()
                sink.mkdir(mode=0o700)
                taken.write_text("another", encoding="utf-8")
            return super().now()

    words = ("--auto-approve", "-q", "--secret-sink", f"file:{sink}", "--journal", str(tmp_path / "journal"))
    done = cli("apply", files, *words, clock=Clock())
    (rescued,) = tmp_path.glob("rescued-secret-*/caas*")
    assert (done.code, taken.read_text(encoding="utf-8")) == (4, "another")
    assert "Error: caas/1/76/fresh: created, but its secret could not be stored: " in done.err
    assert str(rescued) in done.err


def test_a_second_signal_leaves_no_stored_secret_unreported(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, sink: Path
) -> None:
    emulator.faults = Faults(methods=("PATCH",), slow_answer=1.0, slow_seconds=60.0)
    fill(emulator, "web", description="old")
    path = declare(tmp_path / "keys.yaml", FRESH, {"name": "web", "description": "new"})
    words = ("--auto-approve", "--secret-sink", f"file:{sink}", "--parallelism", "2")
    with cli.start("apply", path, *words) as process:
        wait_for_file(sink / "caas_1_76_fresh", process)
        process.send_signal(signal.SIGINT)
        lines_until(process.stderr, "Again to stop at once")
        process.send_signal(signal.SIGINT)
        _, reported = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"Error: caas/1/76/fresh: created; its secret is in file:{sink / 'caas_1_76_fresh'}\n" in reported


@pytest.mark.usefixtures("emulator")
def test_a_crash_leaves_no_stored_secret_unreported(
    cli: CommandLine, files: str, sink: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Clock(FakeClock):
        """Fails once the secret is stored, when the journal asks for the time."""

        def now(self) -> dt.datetime:
            if (sink / "caas_1_76_fresh").exists():
                raise ZeroDivisionError
            return super().now()

    words = ("--auto-approve", "-q", "--secret-sink", f"file:{sink}", "--journal", str(tmp_path / "journal"))
    with pytest.raises(ZeroDivisionError):
        cli("apply", files, *words, clock=Clock())
    reported = f"Error: caas/1/76/fresh: created; its secret is in file:{sink / 'caas_1_76_fresh'}\n"
    assert reported in capsys.readouterr().err


def without_room(cli: CommandLine, *words: str) -> Any:
    """Run a command whose standard output takes nothing more."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        return cli.alone(*words, stdout=full)


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize("events", [(), ("--events",)], ids=["text", "events"])
def test_the_location_of_a_secret_is_on_stderr_if_the_result_cannot_be_written(
    cli: CommandLine, files: str, sink: Path, events: tuple[str, ...]
) -> None:
    words = ("apply", files, "--auto-approve", "-q", *events, "--secret-sink", f"file:{sink}")
    done = without_room(cli, *words)
    assert done.code == 4
    assert f"Error: caas/1/76/fresh: created; its secret is in file:{sink / 'caas_1_76_fresh'}\n" in done.err


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="needs prlimit")
@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize("events", [(), ("--events",)], ids=["text", "events"])
@pytest.mark.parametrize("fails", [False, True], ids=["stored", "rescued"])
def test_the_location_of_a_secret_is_reported_if_the_journal_cannot_be_written(
    cli: CommandLine, files: str, tmp_path: Path, events: tuple[str, ...], *, fails: bool
) -> None:
    """The journal's disk takes the line before the write, and not the one after."""
    journal = tmp_path / "journal"
    cli.environment.chdir(tmp_path)
    program = tmp_path / "keep"
    program.write_text(
        f"#!/bin/sh\ncat > /dev/null\nprlimit --pid $PPID --fsize=$(wc -c < {journal})\nexit {int(fails)}\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    words = ("apply", files, "--auto-approve", "-q", *events, "--secret-sink", f"exec:{program}")
    done = cli.alone(*words, "--journal", str(journal))
    assert "the journal cannot be written: File too large" in done.out
    assert done.code == 4
    where = next(tmp_path.glob("rescued-secret-*/caas*"), None) if fails else "exec:keep"
    assert f"its secret is in {where}" in done.out or f"it is in {where}" in done.out


def test_a_journal_has_the_location_of_a_rescued_secret(
    cli: CommandLine, emulator: Emulator, files: str, tmp_path: Path
) -> None:
    cli.environment.chdir(tmp_path)
    apply(cli, files, "--secret-sink", "exec:/bin/false", "--journal", str(tmp_path / "journal"))
    (rescued,) = tmp_path.glob("rescued-secret-*/caas*")
    done = cli("journal", str(tmp_path / "journal"))
    assert f"caas/1/76/fresh: took effect (its secret is in {rescued})" in done.out
    assert "fresh" in emulator.keys(1, 76)
