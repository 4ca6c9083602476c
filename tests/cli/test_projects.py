"""``projects`` and ``regions``: what the token sees, whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from gcore_emulator import Emulator
    from tests.support import CommandLine


def test_projects_and_regions_are_listed_by_name(cli: CommandLine, emulator: Emulator) -> None:
    for number, name in ((1001, "shop"), (3, "Bäckerei 东京"), (20, "a\x1b[31mb")):
        emulator.put_project({"id": number, "name": name})
    emulator.put_region({"id": 76, "display_name": "Luxembourg-2"})
    done = cli("projects")
    assert (done.code, done.err) == (0, "")
    assert done.out == "  20  a\\u001b[31mb\n   3  Bäckerei 东京\n1001  shop\n"
    assert cli("regions").out == "76  Luxembourg-2\n"
    found = json.loads(cli("regions", "--format", "json").out)
    assert found == {"regions": [{"id": 76, "name": "Luxembourg-2"}]}


def test_every_page_is_read(cli: CommandLine, emulator: Emulator) -> None:
    for number in range(1, 1302):
        emulator.put_project({"id": number, "name": f"project-{number:04}"})
    done = cli("projects")
    assert (done.code, len(done.out.splitlines())) == (0, 1301)


def test_where_the_token_sees_none_a_note_asks_for_another(cli: CommandLine, emulator: Emulator) -> None:
    done = cli("projects")
    assert (done.code, done.out) == (0, "")
    advice = "Check that the token is right and belongs to the right account."
    assert done.err == f"No projects: the token sees none. {advice}\n"
    assert json.loads(cli("projects", "--format", "json").out) == {"projects": []}
    assert len(emulator.requests) == 2


def test_a_wrong_token_is_an_error(cli: CommandLine, emulator: Emulator) -> None:
    cli.environment.setenv("GCORE_API_KEY", "1_wrong")
    done = cli("projects")
    assert (done.code, done.out) == (1, "")
    assert "GCORE_API_KEY" in done.err
    assert {record.method for record in emulator.requests} == {"GET"}


def test_a_configuration_without_the_api_of_projects_is_refused(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reconciler.yaml").write_text("apis: {github: {base_url: 'https://api.github.com'}}\n")
    done = cli("projects")
    assert done.code == 1
    assert done.err == (
        "Error: projects and regions are those of gcore, and the configuration has github; "
        "add gcore: {} under apis\n"
    )
