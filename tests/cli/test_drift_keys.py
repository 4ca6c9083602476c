"""``drift`` sees keys that were created or deleted by hand, and undoes that only with the flags for it."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import CommandLine, declare, fill, lines_until, patches
from tests.values import check_document

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator

GONE: dict[str, Any] = {"name": "gone", "description": "ours", "containers": [], "expire": None}


def exclusive(path: Path, *keys: dict[str, Any]) -> str:
    """Declare that a scope has these keys and no other."""
    path.write_text(json.dumps({"project_id": 1, "region_id": 76, "exclusive": True, "keys": keys}))
    return str(path)


def sent(emulator: Emulator) -> list[str]:
    return [f"{one.method} {one.path}" for one in emulator.requests if one.method != "GET"]


def kept(cli: CommandLine, history: str) -> dict[str, Any]:
    done = cli("history", "--history", history, "--format", "json")
    document: dict[str, Any] = json.loads(done.out)
    check_document("history", document)
    return document


@pytest.fixture
def web(emulator: Emulator) -> dict[str, Any]:
    fill(emulator, "web")
    return {"name": "web"}


@pytest.fixture
def deleted(web: dict[str, Any], tmp_path: Path) -> str:
    """Files that declare a key that is not live."""
    return declare(tmp_path / "keys.yaml", web, GONE)


@pytest.fixture
def created(emulator: Emulator, web: dict[str, Any], tmp_path: Path) -> str:
    """Files of an exclusive scope, in which there is another key."""
    fill(emulator, "stray", description="theirs")
    return exclusive(tmp_path / "keys.yaml", web)


def test_a_key_that_was_deleted_is_drift_that_revokes(cli: CommandLine, deleted: str) -> None:
    done = cli("drift", deleted)
    assert (done.code, done.err) == (2, "")
    assert (
        "  # caas/1/76/gone has been deleted, or was never created (revokes: the key is not live)\n"
        f"  # (declared at {deleted}:1)\n"
        '  - caas "gone" {\n'
        "      - containers = []\n"
        '      - description = "ours"\n'
        "      - expire = null\n"
        "    }\n\n"
        "Drift: 1 key differs from the files (1 deleted).\n"
        "Access: grants on 0 keys, revokes on 1 key, neutral on 0 keys.\n"
    ) in done.out


@pytest.mark.usefixtures("emulator")
def test_a_scope_without_a_live_key_may_be_the_wrong_one(cli: CommandLine, tmp_path: Path) -> None:
    file = declare(tmp_path / "keys.yaml", GONE, GONE | {"name": "away"})
    history = str(tmp_path / "history.db")
    lines = cli("drift", file, "--history", history).out.splitlines()
    asked = lines.index(
        "No key is live in caas/1/76: are the ids right?"
        " reconciler projects and reconciler regions list them."
    )
    assert lines[asked + 1].startswith("Undo: ")


@pytest.mark.parametrize("remade", [True, False])
def test_the_scope_of_a_key_that_was_live_is_the_right_one(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, *, remade: bool
) -> None:
    """Another key is live, or a history knows that this one was."""
    fill(emulator, "gone", description="ours")
    file, history = declare(tmp_path / "keys.yaml", GONE), str(tmp_path / "history.db")
    assert cli("drift", file, "--history", history).code == 0
    emulator.remove_key(1, 76, "gone")
    if remade:
        fill(emulator, "other")
    done = cli("drift", file, *(() if remade else ("--history", history)))
    assert (done.code, "are the ids right" in done.out) == (2, False)


def test_a_key_that_was_created_in_an_exclusive_scope_is_drift_that_grants(
    cli: CommandLine, created: str
) -> None:
    done = cli("drift", created)
    assert (done.code, done.err) == (2, "")
    assert (
        "# caas/1/76/stray has been created, or is no longer declared (grants: the key is live)\n" in done.out
    )
    assert '      + description = "theirs"\n' in done.out
    assert "Drift: 1 key differs from the files (1 created).\n" in done.out
    assert "Access: grants on 1 key, revokes on 0 keys, neutral on 0 keys.\n" in done.out


def test_a_live_key_declared_absent_is_drift_that_grants(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "old")
    done = cli("drift", declare(tmp_path / "keys.yaml", {"name": "old", "state": "absent"}))
    assert (done.code, done.err) == (2, "")
    assert "# caas/1/76/old has been created, or is yet to be deleted (grants: the key is live)\n" in done.out


def test_a_deleted_key_whose_declaration_cannot_be_created_is_drift(
    cli: CommandLine, emulator: Emulator, web: dict[str, Any], tmp_path: Path
) -> None:
    file = declare(tmp_path / "keys.yaml", web, {"name": "gone"})
    done = cli("drift", file, "--correct", "all", "--secret-sink", f"file:{tmp_path}/secrets")
    assert (done.code, sent(emulator)) == (2, [])
    assert (
        "# caas/1/76/gone has been deleted, or was never created (revokes: the key is not live)\n" in done.out
    )
    assert (
        "Left to a person: caas/1/76/gone: declared, but not on the server, and a new key needs" in done.err
    )


def test_the_json_has_the_outcome_of_each_key(
    cli: CommandLine, emulator: Emulator, web: dict[str, Any], tmp_path: Path
) -> None:
    fill(emulator, "stray")
    file = exclusive(tmp_path / "keys.yaml", web, GONE)
    document = json.loads(cli("drift", file, "--format", "json").out)
    check_document("plan", document)
    found = {one["name"]: one["change"] for one in document["resource_drift"]}
    facts = {name: (change["actions"], change["effect"]) for name, change in found.items()}
    assert facts == {"gone": (["delete"], "revokes"), "stray": (["create"], "grants")}
    assert (found["gone"]["after"], found["stray"]["before"]) == (None, None)
    assert found["gone"]["before"] == {"containers": [], "description": "ours", "expire": None}
    assert document["errors"] == []


@pytest.mark.parametrize("wanted", ["all", "grants"])
def test_a_created_key_is_deleted_only_with_its_flag(
    cli: CommandLine, emulator: Emulator, created: str, wanted: str
) -> None:
    done = cli("drift", created, "--correct", wanted)
    assert (done.code, sent(emulator)) == (2, [])
    assert done.err == "Left to a person: caas/1/76/stray: --allow-destroy lets it be deleted\n"
    done = cli("drift", created, "--correct", wanted, "--allow-destroy")
    assert (done.code, sent(emulator)) == (0, ["DELETE /cloud/v1/caas/keys/1/76/stray"])
    assert cli("drift", created).code == 0


@pytest.mark.parametrize("wanted", ["all", "revokes"])
def test_a_deleted_key_is_recreated_only_with_a_sink(
    cli: CommandLine, emulator: Emulator, deleted: str, tmp_path: Path, wanted: str
) -> None:
    done = cli("drift", deleted, "--correct", wanted)
    assert (done.code, sent(emulator)) == (2, [])
    assert done.err == (
        "Left to a person: caas/1/76/gone: --secret-sink lets it be created again: it sets where its secret "
        "is stored\n"
    )
    sink = tmp_path / "secrets"
    done = cli("drift", deleted, "--correct", wanted, "--secret-sink", f"file:{sink}")
    assert (done.code, patches(emulator)) == (0, [{"containers": [], "description": "ours", "name": "gone"}])
    (secret,) = (file.read_text() for file in sink.iterdir() if file.is_file())
    assert secret
    assert secret not in done.everything
    assert cli("drift", deleted).code == 0


@pytest.mark.parametrize(("fixture", "wanted"), [("created", "revokes"), ("deleted", "grants")])
def test_drift_of_the_other_effect_is_not_corrected(  # noqa: PLR0913, PLR0917 - cases
    cli: CommandLine,
    emulator: Emulator,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    fixture: str,
    wanted: str,
) -> None:
    flags = ("--allow-destroy", "--secret-sink", f"file:{tmp_path}/secrets")
    done = cli("drift", request.getfixturevalue(fixture), "--correct", wanted, *flags)
    assert (done.code, sent(emulator)) == (2, [])
    assert done.err.startswith("Left to a person: caas/1/76/")


def test_an_unusable_sink_prevents_only_creations(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", description="theirs")
    file = declare(tmp_path / "keys.yaml", {"name": "web", "description": "ours"}, GONE)
    done = cli("drift", file, "--correct", "all", "--secret-sink", "file:/dev/null/secrets")
    assert (done.code, patches(emulator)) == (4, [{"description": "ours"}])
    assert "Error: " in done.err


def test_limits_apply_to_keys(cli: CommandLine, emulator: Emulator, created: str) -> None:
    done = cli("drift", created, "--correct", "all", "--allow-destroy", "--max-revoked", "0")
    assert (done.code, sent(emulator)) == (3, [])


def test_a_lifecycle_rule_prevents_deletion_despite_the_flag(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "old")
    key = {"name": "old", "state": "absent", "lifecycle": {"prevent_destroy": True}}
    file = declare(tmp_path / "keys.yaml", key)
    done = cli("drift", file, "--correct", "all", "--allow-destroy")
    assert sent(emulator) == []
    assert done.code != 0
    assert "prevent_destroy" in done.err


def test_flags_that_allow_corrections_need_one(cli: CommandLine, deleted: str) -> None:
    assert cli("drift", deleted, "--allow-destroy").code == 64
    assert cli("drift", deleted, "--secret-sink", "file:secrets").code == 64


def test_an_undeclared_key_of_a_shared_scope_is_named_and_not_drift(
    cli: CommandLine, emulator: Emulator, web: dict[str, Any], tmp_path: Path
) -> None:
    fill(emulator, "other")
    done = cli("drift", declare(tmp_path / "keys.yaml", web))
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("Unmanaged: 1 key live but not declared:\n  caas/1/76/other\n")


def test_with_a_history_a_new_undeclared_key_is_reported_with_its_first_time(
    cli: CommandLine, emulator: Emulator, web: dict[str, Any], tmp_path: Path
) -> None:
    from tests.support import FakeClock  # noqa: PLC0415 - one test

    fill(emulator, "other")
    clock, history = FakeClock(), str(tmp_path / "drift.db")
    file = declare(tmp_path / "keys.yaml", web)
    words = ("drift", file, "--history", history)
    assert "new" not in cli(*words, clock=clock).out
    fill(emulator, "stray")
    clock.elapsed = 900
    assert cli(*words, clock=clock).code == 0
    clock.elapsed = 1800
    done = cli(*words, clock=clock)
    assert done.out.endswith(
        "Unmanaged: 2 keys live but not declared, 1 of them new:\n"
        "  caas/1/76/stray (new, first seen 2026-06-01T12:15:00Z)\n"
        "  caas/1/76/other\n"
    )
    document = json.loads(cli(*words, "--format", "json", clock=clock).out)
    check_document("plan", document)
    assert document["new_unmanaged"] == [{"address": "caas/1/76/stray", "first_seen": "2026-06-01T12:15:00Z"}]
    assert kept(cli, history)["new_unmanaged"] == document["new_unmanaged"]
    emulator.remove_key(1, 76, "stray")
    cli(*words, clock=clock)
    assert kept(cli, history)["new_unmanaged"] == []


def test_a_history_stores_created_and_deleted_keys(
    cli: CommandLine, emulator: Emulator, web: dict[str, Any], tmp_path: Path
) -> None:
    fill(emulator, "stray", description="theirs")
    file, history = exclusive(tmp_path / "keys.yaml", web, GONE), str(tmp_path / "drift.db")
    assert cli("drift", file, "--history", history).code == 2
    document = kept(cli, history)
    found = {one["address"].rpartition("/")[2]: one for one in document["drift"]}
    facts = {name: (one["field"], one["action"], one["effect"]) for name, one in found.items()}
    assert facts == {"gone": ("", "delete", "revokes"), "stray": ("", "create", "grants")}
    assert (found["gone"]["live"], found["stray"]["declared"]) == (None, None)
    assert (found["gone"]["declared"]["description"], found["stray"]["live"]["description"]) == (
        "ours",
        "theirs",
    )
    assert [scope["standing"] for scope in document["scopes"]] == ["drifted"]
    text = cli("history", "--history", history).out
    assert "  - key deleted  # revokes: the key is not live\n" in text
    assert "  + key created  # grants: the key is live\n" in text
    flags = ("--allow-destroy", "--secret-sink", f"file:{tmp_path}/secrets")
    assert cli("drift", file, "--history", history, "--correct", "all", *flags).code == 0
    assert {one["outcome"] for one in kept(cli, history)["drift"]} == {"corrected"}


def test_a_repeatedly_created_key_is_contested(
    cli: CommandLine, emulator: Emulator, created: str, tmp_path: Path
) -> None:
    history = str(tmp_path / "drift.db")
    words = ("drift", created, "--history", history, "--correct", "all", "--allow-destroy")
    codes = []
    for number in range(4):
        fill(emulator, "stray", description=f"theirs {number}")
        codes.append(cli(*words).code)
    assert (codes, len(sent(emulator))) == ([0, 0, 0, 2], 3)
    command = f"reconciler history clear caas/1/76/stray --history {history}"
    done = cli(*words)
    assert "caas/1/76/stray: the key is contested: corrected 3 times and changed back" in done.err
    assert command in done.err
    done = cli("history", "clear", "caas/1/76/stray", "--history", history)
    assert (done.code, done.out) == (0, "caas/1/76/stray: the key is no longer contested.\n")
    assert cli(*words).code == 0


@pytest.mark.parametrize("is_drifted", [True, False])
def test_a_scope_with_a_problem_is_never_in_sync(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, *, is_drifted: bool
) -> None:
    fill(emulator, "web", description="theirs" if is_drifted else "ours")
    fill(emulator, "odd", source="iate")
    keys = ({"name": "web", "description": "ours"}, {"name": "odd"})
    file, history = declare(tmp_path / "keys.yaml", *keys), str(tmp_path / "drift.db")
    metrics = tmp_path / "metrics"
    words = ("drift", file, "--history", history, "--correct", "all", "--metrics-file", str(metrics))
    done = cli(*words)
    assert done.code == 1
    assert "No drift" not in done.out
    (scope,) = kept(cli, history)["scopes"]
    assert (scope["standing"], "is managed elsewhere" in scope["detail"]) == ("incomplete", True)
    page = cli("history", "--history", history, "--format", "html").out
    assert ">1 scope in sync<" not in page
    assert "No drift" not in page
    assert "No drift" not in cli("history", "--history", history).out
    text = metrics.read_text(encoding="utf-8")
    assert 'reconciler_scopes{api="gcore",standing="in_sync"} 0.0' in text
    assert 'reconciler_scopes{api="gcore",standing="incomplete"} 1.0' in text


def test_the_secret_of_a_key_created_by_a_service_is_redacted_in_later_rounds(
    cli: CommandLine, emulator: Emulator, deleted: str, tmp_path: Path
) -> None:
    sink = tmp_path / "secrets"
    flags = ("--every", "1d", "-v", "--correct", "revokes", "--secret-sink", f"file:{sink}")
    with cli.start("drift", deleted, *flags) as process:
        lines_until(process.stderr, "Next round")
        (secret,) = (file.read_text() for file in sink.iterdir() if file.is_file())
        fill(emulator, "gone", description=f"was {secret.upper()}")
        process.send_signal(signal.SIGHUP)
        logged = "".join(lines_until(process.stderr, "Next round"))
        process.terminate()
        process.communicate(timeout=60)
    assert '"was ***"' in logged
    assert secret.upper() not in logged
