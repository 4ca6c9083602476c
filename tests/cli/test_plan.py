"""``plan`` shows differences, reports them by its exit code, and never writes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import CommandLine, declare, emulate, fill, listings, live, patches
from tests.values import check_document

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator

NO_CHANGES = "No changes. Your infrastructure matches the configuration.\n"
TWO_FILES = """\
project_id: 1
region_id: 76
keys:
  - name: present
    description: new
  - name: gone
  - name: lost
    description: x
"""


@pytest.fixture
def drifted(emulator: Emulator, tmp_path: Path) -> str:
    """A file with one key that differs, one that does not, and a live key that no file declares."""
    fill(emulator, "differs", "same", "unmanaged")
    return declare(
        tmp_path / "keys.yaml", {"name": "differs", "is_disabled": True}, {"name": "same", "expire": None}
    )


def test_the_absence_of_changes_is_reported_in_the_words_of_terraform(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web")
    done = cli("plan", declare(tmp_path / "keys.yaml", live("web")))
    assert (done.code, done.out, done.err) == (0, NO_CHANGES, "")


def test_a_difference_is_shown_field_by_field(cli: CommandLine, drifted: str) -> None:
    done = cli("plan", drifted)
    assert (done.code, done.err) == (0, "")
    assert "# caas/1/76/differs will be updated in-place" in done.out
    assert "~ is_disabled = false -> true" in done.out
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in done.out


def test_a_plan_reads_each_scope_once_and_writes_nothing(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    cli("plan", drifted)
    assert (listings(emulator), patches(emulator)) == (1, [])


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--detailed-exitcode"], 2)])
def test_the_exit_code_reports_changes_on_request(
    cli: CommandLine, drifted: str, options: list[str], code: int
) -> None:
    assert cli("plan", drifted, *options).code == code


@pytest.mark.parametrize("options", [[], ["--detailed-exitcode"]])
def test_without_changes_the_exit_code_is_zero(
    cli: CommandLine, emulator: Emulator, drifted: str, options: list[str]
) -> None:
    fill(emulator, "differs", is_disabled=True)
    assert cli("plan", drifted, *options).code == 0


@pytest.mark.parametrize("options", [[], ["--detailed-exitcode"]])
def test_an_error_is_not_reported_as_a_change(cli: CommandLine, tmp_path: Path, options: list[str]) -> None:
    done = cli("plan", str(tmp_path / "missing.yaml"), *options)
    assert (done.code, done.out) == (1, "")
    assert "missing.yaml" in done.err


def test_all_missing_keys_are_named_with_their_positions(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "present")
    path = tmp_path / "keys.yaml"
    path.write_text(TWO_FILES)
    done = cli("plan", str(path), "--detailed-exitcode")
    assert done.code == 1
    assert [line.split(": ")[1:3] for line in done.err.splitlines()] == [
        [f"{path}:6:5", "caas/1/76/gone"],
        [f"{path}:7:5", "caas/1/76/lost"],
    ]
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in done.out


def test_a_key_managed_elsewhere_is_an_error(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    fill(emulator, "theirs", source="iate")
    done = cli("plan", declare(tmp_path / "keys.yaml", {"name": "theirs", "description": "Ours"}))
    assert done.code == 1
    assert "is managed elsewhere (source iate)" in done.err


def test_an_expiry_in_the_past_is_an_error_only_if_sent(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    expired = {"expire": "2020-01-01T00:00:00Z"}
    fill(emulator, "already-expired", **expired)
    fill(emulator, "still-works")
    path = declare(
        tmp_path / "keys.yaml", *({"name": name} | expired for name in ("already-expired", "still-works"))
    )
    done = cli("plan", path)
    errors = [line for line in done.err.splitlines() if line.startswith("Error")]
    assert (done.code, len(errors)) == (1, 1)
    assert "still-works" in errors[0]


def test_several_files_and_a_directory_are_one_plan(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "one", "two")
    (tmp_path / "more").mkdir()
    declare(tmp_path / "more" / "a.yaml", {"name": "one", "description": "x"})
    done = cli(
        "plan", declare(tmp_path / "b.yaml", {"name": "two", "description": "y"}), str(tmp_path / "more")
    )
    assert "Plan: 0 to add, 2 to change, 0 to destroy." in done.out
    assert listings(emulator) == 1


def test_a_file_can_be_standard_input(cli: CommandLine, drifted: str) -> None:
    with open(drifted, "rb") as file:  # noqa: PTH123 - a handle for the process
        done = cli.alone("plan", "-", stdin=file)
    assert (done.code, "# (declared at <stdin>:1)" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("targets", "planned"),
    [
        (["caas/1/76/web-1"], ["web-1"]),
        (["caas/1/76/web-*"], ["web-1", "web-2"]),
        (["*"], ["store", "web-1", "web-2"]),
        (["*/store", "*-2"], ["store", "web-2"]),
        (["caas/1/76/web-[1]"], ["web-1"]),
    ],
)
def test_a_plan_is_narrowed_to_its_targets(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, targets: list[str], planned: list[str]
) -> None:
    names = ("web-1", "web-2", "store")
    fill(emulator, *names)
    path = declare(tmp_path / "keys.yaml", *({"name": name, "description": "x"} for name in names))
    done = cli("plan", path, *(option for target in targets for option in ("--target", target)))
    assert re.findall(r"# caas/1/76/(\S+) will", done.out) == planned


def test_a_warning_about_another_key_is_omitted(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    fill(emulator, "web", "store", expire="2020-01-01T00:00:00Z")
    keys = ({"name": name, "expire": "2020-01-01T00:00:00Z"} for name in ("web", "store"))
    done = cli("plan", declare(tmp_path / "keys.yaml", *keys), "--target", "*/web")
    assert done.code == 0
    assert [line.split(": ")[2] for line in done.err.splitlines()] == ["caas/1/76/web"]


def test_a_scope_without_a_target_is_not_read(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    emulator.put_key(1, 77, live("web"))
    paths = [declare(tmp_path / f"{region}.yaml", {"name": "web"}, region_id=region) for region in (76, 77)]
    assert cli("plan", *paths, "--target", "caas/1/77/*").code == 0
    assert [record.path.partition("?")[0] for record in emulator.requests] == ["/cloud/v1/caas/keys/1/77"]


def test_a_target_that_matches_nothing_is_an_error(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    done = cli("plan", drifted, "--target", "caas/1/76/typo", "--target", "*")
    assert (done.code, done.out) == (1, "")
    assert "caas/1/76/typo" in done.err
    assert listings(emulator) == 0


def test_a_json_plan_fits_its_schema(cli: CommandLine, drifted: str) -> None:
    done = cli("plan", drifted, "--format", "json")
    plan = json.loads(done.out)
    check_document("plan", plan)
    assert plan["timestamp"] == "2026-06-01T12:00:00Z"
    assert plan["unmanaged"] == ["caas/1/76/unmanaged"]
    assert plan["resource_changes"][0]["change"]["patch"] == {"is_disabled": True}


def test_a_json_plan_with_errors_and_warnings_fits_its_schema(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web")
    path = declare(
        tmp_path / "keys.yaml", {"name": "gone"}, {"name": "web", "expire": "2020-01-01T00:00:00Z"}
    )
    done = cli("plan", path, "--format", "json")
    plan = json.loads(done.out)
    check_document("plan", plan)
    assert (done.code, len(plan["errors"]), len(plan["warnings"])) == (1, 2, 1)


def test_two_runs_produce_identical_bytes(cli: CommandLine, drifted: str) -> None:
    assert cli("plan", drifted, "--format", "json") == cli("plan", drifted, "--format", "json")


@pytest.mark.parametrize("timestamps", ["z", "naive", "offset", "compact", "fraction"])
def test_an_instant_is_equal_in_every_spelling(cli: CommandLine, tmp_path: Path, timestamps: str) -> None:
    with emulate(timestamps=timestamps) as emulator:
        cli.use(emulator)
        fill(emulator, "web", expire="2099-01-01T00:00:00Z")
        path = declare(tmp_path / "keys.yaml", {"name": "web", "expire": "2099-01-01T02:00:00+02:00"})
        assert cli("plan", path).out == NO_CHANGES


@pytest.mark.usefixtures("emulator")
def test_an_unreadable_scope_is_named(cli: CommandLine, tmp_path: Path) -> None:
    cli.environment.setenv("GCORE_API_KEY", "wrong-token")
    done = cli("plan", declare(tmp_path / "keys.yaml", {"name": "web"}))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(
        "Error: caas/1/76 could not be read: GET /cloud/v1/caas/keys/1/76?limit=1000&offset=0:"
    )
    assert "check GCORE_API_KEY" in done.err


HOSTILE: dict[str, dict[str, Any]] = {
    "a line break": {"description": "x\nNo changes. Your infrastructure matches the configuration."},
    "an escape": {"description": "\x1b[2J\x1b[1;1H"},
    "half a character": {"description": "\ud800"},
    "an override": {"description": "\u202egnp.exe"},
}


@pytest.mark.parametrize("fields", HOSTILE.values(), ids=HOSTILE)
def test_live_text_cannot_forge_a_line(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, fields: dict[str, Any]
) -> None:
    fill(emulator, "web", **fields)
    done = cli("plan", declare(tmp_path / "keys.yaml", {"name": "web", "description": "ours"}))
    assert done.code == 0
    assert all(line.isprintable() for line in done.out.splitlines())
    assert NO_CHANGES.strip() not in done.out.splitlines()


def test_a_target_may_be_the_end_of_an_address_where_that_is_unique(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", "web-2", description="old")
    new = [{"name": name, "description": "new"} for name in ("web", "web-2")]
    files = declare(tmp_path / "keys.yaml", *new)
    for command in (["plan"], ["drift"], ["apply", "--dry-run"]):
        short = cli(*command, files, "--target", "web")
        assert "caas/1/76/web" in short.out
        assert "web-2" not in short.out
        assert short.out == cli(*command, files, "--target", "caas/1/76/web").out
    assert "no declared key: wep; did you mean caas/1/76/web?" in cli("plan", files, "--target", "wep").err
    declare(tmp_path / "more.yaml", {"name": "web"}, region_id=77)
    done = cli("plan", str(tmp_path), "--target", "web")
    assert done.code == 1
    assert (
        "web is the end of several addresses; write one of caas/1/76/web, caas/1/77/web, or '*/web'"
        in done.err
    )
