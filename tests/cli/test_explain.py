"""``explain``: why a field is equal or different, and what a PATCH would carry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.explanation import RULES
from reconciler.kinds import Form
from tests.support import CommandLine, declare, fill, http_bytes, live, patches, raw_server

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.emulator import Emulator

WEB = {"name": "web", "namespace": "shop"}
API = {"name": "api", "namespace": "shop"}


@pytest.fixture
def files(emulator: Emulator, tmp_path: Path) -> str:
    fill(emulator, "web", expire="2099-01-01T00:00:00Z", description="theirs", containers=[API, WEB])
    key = {
        "name": "web",
        "expire": "2099-01-01T02:00:00+02:00",
        "description": "ours",
        "containers": [WEB, API],
    }
    return declare(tmp_path / "keys.yaml", key)


def explained(cli: CommandLine, files: str, *words: str) -> str:
    done = cli("explain", "caas/1/76/web", *words, "--file", files)
    assert (done.code, done.err) == (0, "")
    return done.out


def test_a_field_that_differs_is_explained_with_what_would_be_sent(cli: CommandLine, files: str) -> None:
    assert explained(cli, files, "description").splitlines()[3:] == [
        "description: different",
        '  desired   "ours"',
        '  observed  "theirs"',
        "  rule      values are compared exactly, their type included",
        "  PATCH     carried, because it differs",
        "",
        'PATCH /cloud/v1/caas/keys/1/76/web {"description": "ours"}',
        "  description: neutral: access unchanged",
    ]


def test_a_spelling_that_makes_no_difference_is_explained_by_its_rule(cli: CommandLine, files: str) -> None:
    assert explained(cli, files, "expire").splitlines()[3:9] == [
        "expire: equal",
        '  desired   "2099-01-01T02:00:00+02:00"',
        '            normalised to "2099-01-01T00:00:00Z"',
        '  observed  "2099-01-01T00:00:00Z"',
        f"  rule      {RULES[Form.INSTANT]}",
        "  PATCH     not carried",
    ]


def test_a_field_that_is_not_declared_is_left_alone(cli: CommandLine, files: str) -> None:
    assert "is_disabled: not declared, so left alone\n  desired   not declared\n" in explained(
        cli, files, "is_disabled"
    )


def test_every_field_of_the_kind_is_explained(cli: CommandLine, files: str) -> None:
    out = explained(cli, files)
    for name in ("name", "description", "expire", "is_disabled", "containers", "created_at", "status"):
        assert f"\n{name}: " in out
    assert "containers: equal" in out


def test_nothing_is_written_and_one_key_is_read(cli: CommandLine, emulator: Emulator, files: str) -> None:
    explained(cli, files)
    assert patches(emulator) == []
    assert [record.path for record in emulator.requests] == ["/cloud/v1/caas/keys/1/76/web"]


def test_without_a_difference_no_patch_would_be_sent(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", description="same")
    path = declare(tmp_path / "keys.yaml", {"name": "web", "description": "same"})
    assert explained(cli, path).endswith("\nNo PATCH would be sent.\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["web"], "web is no address such as caas/1/76/name"),
        (["vaas/1/76/web"], "vaas/1/76/web is no address such as caas/1/76/name"),
        (["caas/1/76/other"], "caas/1/76/other is not declared in these files"),
        (["caas/1/76/web", "colour"], "colour is no field of a caas key; it has name, description"),
    ],
)
def test_what_cannot_be_explained_is_an_error(
    cli: CommandLine, files: str, words: list[str], complaint: str
) -> None:
    done = cli("explain", *words, "--file", files)
    assert (done.code, complaint in done.err) == (1, True)


def test_a_key_that_is_gone_is_an_error(cli: CommandLine, emulator: Emulator, files: str) -> None:
    emulator.remove_key(1, 76, "web")
    done = cli("explain", "caas/1/76/web", "--file", files)
    assert (done.code, done.err) == (
        1,
        "Error: caas/1/76/web is declared, but not on the server; apply creates it\n",
    )


def test_what_a_plan_refuses_is_not_said_to_be_sent(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "late")
    fill(emulator, "foreign", source="iate")
    late, foreign = (
        {"name": "late", "expire": "2020-01-01T00:00:00Z"},
        {"name": "foreign", "description": "x"},
    )
    files = declare(tmp_path / "keys.yaml", late, foreign)
    told = [cli("explain", f"caas/1/76/{name}", "--file", files).out for name in ("late", "foreign")]
    assert "No PATCH would be sent: expire 2020-01-01T00:00:00Z is in the past" in told[0]
    assert "No PATCH would be sent: belongs to another system (source iate)" in told[1]


def test_a_value_of_a_live_key_is_no_command_to_the_log(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", description="theirs")
    files = declare(tmp_path / "keys.yaml", {"name": "web", "description": "##[error]forged"})
    assert "##[" not in cli("explain", "caas/1/76/web", "--file", files).out
    assert "##[" not in cli("plan", files, "--format", "json").out


def test_a_secret_in_an_answer_is_not_shown(cli: CommandLine, tmp_path: Path) -> None:
    files = declare(tmp_path / "keys.yaml", {"name": "web"})
    answer = json.dumps(live("web", secret="do-not-show")).encode()
    with raw_server(http_bytes(answer, "200 OK", None, "Content-Type: application/json")) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        done = cli("explain", "caas/1/76/web", "--file", files)
    assert "secret: set by the service" in done.out
    assert "do-not-show" not in done.everything


def test_a_value_that_comes_from_the_defaults_says_so(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", is_disabled=True, description="theirs")
    file = tmp_path / "keys.yaml"
    file.write_text(
        "project_id: 1\nregion_id: 76\ndefaults:\n  is_disabled: false\n  description: all\n"
        "keys:\n  - {name: web, description: ours}\n"
    )
    inherited = explained(cli, str(file), "is_disabled").splitlines()
    assert inherited[1:6] == [
        f"# (declared at {file}:7:5)",
        "",
        "is_disabled: different",
        "  desired   false",
        f"            from defaults at {file}:4:16",
    ]
    assert "from defaults" not in explained(cli, str(file), "description")
