"""A live object that is not as documented is its own problem: it hides nothing, and shields nothing."""

from __future__ import annotations

import contextlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from tests.support import COLLECTION, CommandLine, declare, live, serving
from tests.values import check_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OFF, ON = {"is_disabled": True}, {"is_disabled": False}
PATCHED = ("PATCH", f"{COLLECTION}/web", OFF)


class Service(ThreadingHTTPServer):
    """A service that shows whatever it is given, and stores whatever it is sent."""

    def __init__(self, rows: Sequence[Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rows = list(rows)
        self.writes: list[tuple[str, str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def row(self, path: str) -> Any:
        name = unquote(path.rpartition("/")[2])
        named = (row for row in self.rows if isinstance(row, dict) and row.get("name") == name)
        return next(named, None)


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        if self.path.startswith(f"{COLLECTION}?"):
            offset = int(self.path.rpartition("=")[2])
            self._send({"count": len(self.server.rows), "results": self.server.rows[offset : offset + 2]})
        else:
            self._send(self.server.row(self.path))

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.writes.append(("PATCH", self.path, body))
        row = self.server.row(self.path)
        row.update(body)
        self._send(row)

    def do_DELETE(self) -> None:
        self.server.writes.append(("DELETE", self.path, None))
        self.server.rows.remove(self.server.row(self.path))
        self.send_response(204)
        self.end_headers()

    def _send(self, value: Any) -> None:
        content = re.sub(rb'"as it is: ([^"]*)"', rb"\1", json.dumps(value).encode())
        self.send_response(404 if value is None else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@contextlib.contextmanager
def served(cli: CommandLine, *rows: Any) -> Iterator[Service]:
    service = Service(rows)
    with serving(service):
        cli.environment.setenv("GCORE_BASE_URL", service.url)
        yield service


ODD_FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a null description": ({"description": "x"}, {"description": None}),
    "a number as description": ({"description": "x"}, {"description": 7}),
    "an expiry in the year 10000": ({"expire": None}, {"expire": "10000-01-01T00:00:00Z"}),
    "an expiry that is a number": ({"expire": None}, {"expire": 253402300800}),
    "a container without a namespace": ({"containers": []}, {"containers": [{"name": "web"}]}),
    "a container that is a number": ({"containers": []}, {"containers": [7]}),
    "containers that are an object": ({"containers": []}, {"containers": {"name": "web"}}),
    "a switch that is a text": ({"is_disabled": True}, {"is_disabled": "false"}),
    "a number beyond all doubles": ({"description": "x"}, {"description": "as it is: 1e999"}),
    "a number of 5,000 digits": ({"description": "x"}, {"description": "as it is: " + "9" * 5000}),
    "a number that is nearly 0": ({"expire": None}, {"expire": "as it is: 1e-400"}),
    "a container whose name is such a number": (
        {"containers": []},
        {"containers": [{"name": "as it is: 1e999", "namespace": "shop"}]},
    ),
    "a value nested deeply": ({"containers": []}, {"containers": json.loads("[" * 900 + "]" * 900)}),
}


@pytest.mark.parametrize(("fields", "shown"), ODD_FIELDS.values(), ids=ODD_FIELDS)
def test_an_odd_declared_key_is_an_error_and_the_others_are_planned(
    cli: CommandLine, tmp_path: Path, fields: dict[str, Any], shown: dict[str, Any]
) -> None:
    file = declare(tmp_path / "keys.yaml", {"name": "odd-key", **fields}, {"name": "web", **OFF})
    with served(cli, live("odd-key", **shown), live("web")):
        done = cli("plan", file)
    (name,) = fields
    assert (done.code, done.err.count("Error: ")) == (1, 1)
    assert "Error: caas/1/76/odd-key: the service returned a key that does not match" in done.err
    assert f": {name} " in done.err
    assert "keys.yaml" not in done.err
    assert "# caas/1/76/web will be updated in-place" in done.out
    assert (
        "1 error: keys that cannot be read or compared are not changed, the others can be applied" in done.out
    )


@pytest.mark.parametrize(
    "command",
    [("drift", "--correct", "revokes"), ("drift", "--correct", "all"), ("apply", "--auto-approve")],
    ids=" ".join,
)
def test_an_odd_key_does_not_hide_changes_of_others(
    cli: CommandLine, tmp_path: Path, command: Sequence[str]
) -> None:
    file = declare(tmp_path / "k.yaml", {"name": "odd-key", "description": "x"}, {"name": "web", **ON})
    with served(cli, live("odd-key", description=None), live("web", **OFF), 7) as service:
        done = cli(*command, file)
        assert service.writes == [("PATCH", f"{COLLECTION}/web", ON)]
    assert done.code in {1, 4}
    assert "caas/1/76/odd-key: the service returned a key that does not match" in done.err


def test_an_odd_field_does_not_hide_other_fields_of_its_key(cli: CommandLine, tmp_path: Path) -> None:
    file = declare(tmp_path / "keys.yaml", {"name": "web", "description": "x", **OFF})
    with served(cli, live("web", description=None, **ON)) as service:
        done = cli("apply", file, "--auto-approve")
        assert service.writes == [PATCHED]
    assert done.code == 4
    assert "description holds null" in done.err


def test_an_apply_that_only_finds_odd_keys_fails(cli: CommandLine, tmp_path: Path) -> None:
    file = declare(tmp_path / "keys.yaml", {"name": "web", "description": "x"})
    with served(cli, live("web", description=None)) as service:
        assert cli("apply", file, "--auto-approve").code == 1
        assert cli("apply", file, "--dry-run").code == 1
        assert service.writes == []


ODD_ROWS: dict[str, tuple[Any, str]] = {
    "a number": (7, "object 2 of the listing is not an object but 7"),
    "null": (None, "object 2 of the listing is not an object but null"),
    "a list": (["a"], "object 2 of the listing is not an object but a list"),
    "no name": ({"description": "x"}, "object 2 of the listing has no name"),
    "a null name": ({"name": None}, "object 2 of the listing has a name that is not text: null"),
    "a name that is a list": ({"name": []}, "object 2 of the listing has a name that is not text: a list"),
    "an empty name": (live(""), 'object 2 of the listing has the name "", which cannot be one segment'),
    "one dot": (live("."), 'object 2 of the listing has the name ".", which cannot be one segment'),
    "two dots": (live(".."), 'object 2 of the listing has the name "..", which cannot be one segment'),
    "half a character": (live("\ud83d"), "object 2 of the listing has a name that is not valid Unicode"),
}


@pytest.mark.parametrize(("row", "text"), ODD_ROWS.values(), ids=ODD_ROWS)
def test_an_object_without_a_usable_name_is_counted_and_warned_about(
    cli: CommandLine, tmp_path: Path, row: Any, text: str
) -> None:
    file = declare(tmp_path / "keys.yaml", {"name": "web", **OFF})
    with served(cli, live("api"), row, live("web")):
        done = cli("plan", file)
    assert (done.code, done.err.count("Warning: ")) == (0, 1)
    assert f"Warning: caas/1/76: {text}" in done.err
    assert "# caas/1/76/web will be updated in-place" in done.out


@pytest.mark.parametrize(("row", "text"), ODD_ROWS.values(), ids=ODD_ROWS)
def test_an_exclusive_scope_with_an_unnamed_object_is_not_in_sync(
    cli: CommandLine, tmp_path: Path, row: Any, text: str
) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(
        json.dumps({"project_id": 1, "region_id": 76, "exclusive": True, "keys": [live("web", **OFF)]})
    )
    with served(cli, live("web"), row, live("old-key", expire=7)) as service:
        done = cli("apply", str(path), "--auto-approve", "--allow-destroy")
        assert sorted(service.writes) == [("DELETE", f"{COLLECTION}/old-key", None), PATCHED]
    assert done.code == 4
    assert f"Error: caas/1/76: {text}" in done.err
    assert "Warning: caas/1/76/old-key: the service returned a key that does not match" in done.err


def test_many_unnamed_objects_are_counted(cli: CommandLine, tmp_path: Path) -> None:
    file = declare(tmp_path / "keys.yaml", {"name": "web"})
    with served(cli, live("web"), *[7] * 25):
        done = cli("plan", file)
    assert (done.code, done.err.count("Warning: ")) == (0, 11)
    assert "15 more objects of the listing have no usable name either" in done.err


def test_an_odd_key_declared_absent_is_deleted(cli: CommandLine, tmp_path: Path) -> None:
    file = declare(tmp_path / "keys.yaml", {"name": "web", "state": "absent"})
    with served(cli, live("web", containers=None)) as service:
        done = cli("apply", file, "--auto-approve")
        assert service.writes == [("DELETE", f"{COLLECTION}/web", None)]
    assert (done.code, "containers holds null" in done.err) == (0, True)


def test_an_undeclared_odd_key_is_not_a_problem(cli: CommandLine, tmp_path: Path) -> None:
    file = declare(tmp_path / "keys.yaml", live("web"))
    with served(cli, live("web"), live("odd-key", description=None)):
        done = cli("plan", file)
    assert (done.code, done.err) == (0, "")
    assert "Unmanaged: 1 key live but not declared" in done.out


def test_a_saved_plan_contains_problems_of_live_objects(cli: CommandLine, tmp_path: Path) -> None:
    file = declare(tmp_path / "keys.yaml", {"name": "odd-key", "description": "x"}, {"name": "web", **OFF})
    saved = str(tmp_path / "plan.json")
    with served(cli, live("odd-key", description=None), live("web"), 7) as service:
        assert cli("plan", file, "--out", saved).code == 1
        assert "Error: caas/1/76/odd-key: the service returned" in cli("show", saved).err
        assert cli("apply", "--plan", saved, "--auto-approve").code == 4
        assert service.writes == [PATCHED]
    document = json.loads(Path(saved).read_text())
    check_document("plan", document)
    assert [error["live"] for error in document["errors"]] == [True]


def test_an_export_omits_and_names_undeclarable_values(cli: CommandLine) -> None:
    with served(cli, live("odd-key", description=None), live("web"), 7, live("..")):
        done = cli("export", "--project-id", "1", "--region-id", "76")
    assert done.code == 0
    assert "# left out: object 3 of the listing is not an object but 7" in done.out
    assert '# left out: object 4 of the listing has the name ".."' in done.out
    assert "description left out: description holds null" in done.out
    assert "object 3 of the listing" in done.err


def test_a_live_value_that_cannot_be_compared_is_never_accepted(cli: CommandLine, tmp_path: Path) -> None:
    file = declare(tmp_path / "keys.yaml", {"name": "web", "description": "x", **OFF})
    with served(cli, live("web", description=None)):
        refused = cli("accept", "caas/1/76/web", "description", "--file", file)
        done = cli("accept", "caas/1/76/web", "--file", file)
    assert (refused.code, refused.out) == (1, "")
    assert "description holds null; it cannot be accepted" in refused.err
    assert (done.code, "description holds null; it cannot be accepted" in done.err) == (0, True)
    assert json.loads(Path(file).read_text())["keys"] == [{"name": "web", "description": "x", **ON}]


def test_an_explanation_shows_the_odd_field_and_the_request_for_the_others(
    cli: CommandLine, tmp_path: Path
) -> None:
    file = declare(tmp_path / "keys.yaml", {"name": "web", "description": "x", **OFF})
    with served(cli, live("web", description=None)):
        done = cli("explain", "caas/1/76/web", "--file", file)
    assert "description: not comparable" in done.out
    assert f'PATCH {COLLECTION}/web {{"is_disabled":true}}' in done.out


def test_an_undeclared_key_that_was_never_comparable_is_not_reported_as_created(
    cli: CommandLine, tmp_path: Path
) -> None:
    document = {"project_id": 1, "region_id": 76, "exclusive": True}
    file, words = tmp_path / "keys.yaml", ("--history", str(tmp_path / "drift.db"), "--format", "json")
    with served(cli, live("web"), live("odd", description=5)):
        file.write_text(json.dumps({**document, "keys": [{"name": "odd", "description": ""}, live("web")]}))
        assert cli("drift", str(file), *words).code == 1
        file.write_text(json.dumps({**document, "keys": [live("web")]}))
        for _ in range(2):
            (found,) = json.loads(cli("drift", str(file), *words).out)["resource_drift"]
            assert (found["name"], found["origin"]) == ("odd", "unknown")
