"""Relationships of JSON:API: what one leads to is declared, compared and sent beside the attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cli.test_ids import Notes
from tests.idserver import Style, id_server, write_kind

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import CommandLine

STYLE = Style(
    {
        "collection": "/teams/{team}/notes",
        "style": "json-api",
        "type": "notes",
        "relationships": ["owner", "readers"],
        "list": {"style": "whole"},
    }
)
TEXT = {"type": "string"}
LINK = {"type": "object", "required": ["type", "id"], "properties": {"type": TEXT, "id": TEXT}}
FIELDS = {
    "owner": {**LINK, "type": ["object", "null"]},
    "readers": {"type": "array", "uniqueItems": True, "items": LINK},
}


def user(number: int) -> dict[str, Any]:
    return {"type": "users", "id": str(number)}


def test_relationships_are_created_changed_and_settled(cli: CommandLine, tmp_path: Path) -> None:
    schema = STYLE.schema
    write_kind(tmp_path / "kinds", {**schema, "properties": {**schema["properties"], **FIELDS}})
    with id_server(STYLE) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        notes = Notes(cli, server, tmp_path)
        web: dict[str, Any] = {"name": "web", "text": "one", "owner": user(1), "readers": [user(2), user(3)]}
        assert notes("apply", notes.declare(web), "--auto-approve").code == 0
        (row,) = server.rows
        assert (row["owner"], row["readers"]) == (user(1), [user(2), user(3)])
        # The order of a set is of no account, and the links beside what a relationship leads to are none.
        assert notes.is_settled(notes.declare({**web, "readers": [user(3), user(2)]}))
        for name, value in (("owner", user(4)), ("owner", None), ("readers", [])):
            web[name] = value
            file = notes.declare(web)
            assert [change["name"] for change in notes.plan(file)["resource_changes"]] == ["web"]
            assert notes("apply", file, "--auto-approve").code == 0
            assert notes.is_settled(file)
        resource = {"type": "notes", "id": row["id"]}
        assert [body["data"] for method, _, body in server.writes if method == "PATCH"] == [
            {**resource, "relationships": {"owner": {"data": user(4)}}},
            {**resource, "relationships": {"owner": {"data": None}}},
            {**resource, "relationships": {"readers": {"data": []}}},
        ]
        out = notes("export", "--kind", "note", "--scope", "team=red").out
        assert "owner: null" in out
