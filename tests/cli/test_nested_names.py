"""Names that an API shows inside an object: plan, creation, update, export, and rows without such a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.idserver import STYLES, IdServer, id_server, write_kind, write_notes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import CommandLine

STYLE = STYLES["names inside an object"]


@pytest.fixture
def server(cli: CommandLine, tmp_path: Path) -> Iterator[IdServer]:
    write_kind(tmp_path / "kinds", STYLE.schema)
    with id_server(STYLE) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        yield server


def test_a_name_inside_an_object_is_declared_once_and_sent_there(
    cli: CommandLine, server: IdServer, tmp_path: Path
) -> None:
    first = server.add("old", text="x", meta={"color": "red"})
    file = write_notes(
        tmp_path / "notes.yaml",
        {"name": "old", "meta": {"color": "blue"}},
        {"name": "new", "text": "n"},
        {"name": "plain"},
    )
    assert cli("apply", file, "--auto-approve").code == 0
    sent = {(method, body["meta"]["name"]): body for method, _, body in server.writes}
    assert sent["PUT", "old"] == {"text": "x", "meta": {"name": "old", "color": "blue"}}
    assert sent["POST", "new"] == {"text": "n", "meta": {"name": "new"}}
    assert sent["POST", "plain"] == {"meta": {"name": "plain"}}
    assert server.row(first)["meta"] == {"color": "blue"}
    assert cli("plan", file, "--detailed-exitcode").code == 0
    exported = cli("export", "--kind", "note", "--scope", "team=red", "--kinds", str(tmp_path / "kinds")).out
    assert ("- name: old" in exported, "color: blue" in exported, exported.count("old")) == (True, True, 1)
    again = tmp_path / "again.yaml"
    again.write_text(exported)
    assert cli("plan", str(again), "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"id": "7"}, "has no meta.name"),
        ({"id": "7", "meta": None}, "has no meta.name"),
        ({"id": "7", "meta": {"name": None}}, "has no meta.name"),
        ({"id": "7", "meta": {"name": 7}}, "has a meta.name that is not text: 7"),
        ({"id": "7", "name": ""}, "has an empty meta.name"),
        ({"id": "", "name": "odd"}, 'has the id ""'),
    ],
)
def test_a_row_without_a_name_inside_is_a_problem_of_its_own(
    cli: CommandLine, server: IdServer, tmp_path: Path, row: dict[str, Any], reason: str
) -> None:
    server.add("web")
    server.rows.append(row)
    file = write_notes(tmp_path / "notes.yaml", {"name": "web", "text": "new"}, {"name": "odd"})
    done = cli("plan", file)
    assert reason in done.everything
    assert "note/red/web will be updated" in done.out


def test_a_listing_in_which_nothing_has_the_name_is_not_believed(
    cli: CommandLine, server: IdServer, tmp_path: Path
) -> None:
    server.rows.append({"id": "7", "meta": {}})
    done = cli("plan", write_notes(tmp_path / "notes.yaml", {"name": "web"}))
    assert (done.code, "each result must be an object with a text as its meta.name" in done.err) == (1, True)
