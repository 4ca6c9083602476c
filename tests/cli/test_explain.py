"""``explain``: why a field is equal or different, and what a PATCH would carry."""

from __future__ import annotations

import contextlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import click
import pytest

from reconciler.kinds.kind import Form
from reconciler.plan.explain import RULES
from tests.support import CommandLine, declare, fill, http_bytes, live, patches, raw_server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gcore_emulator import Emulator

WEB = {"name": "web", "namespace": "shop"}
API = {"name": "api", "namespace": "shop"}


THERE = {"name": "a b", "note": "theirs", "size": 1}


@contextlib.contextmanager
def thing_server(things: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Serve things; return the address, and every write as it came: method, path and body."""
    stored = {thing["name"]: dict(thing) for thing in things}
    writes: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits 40 ms for the acknowledgement of its headers

        def log_message(self, *_: object) -> None:
            """Print nothing."""

        def respond(self) -> None:
            name = unquote(self.path.partition("?")[0].removeprefix("/things").removeprefix("/"))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            if self.command != "GET":
                writes.append(f"{self.command} {self.path} {body}".rstrip())
            if self.command == "POST":
                name = json.loads(body)["name"]
                stored[name] = json.loads(body)
            elif self.command == "PATCH":
                stored[name].update(json.loads(body))
            elif self.command == "DELETE":
                del stored[name]
            shown = stored.get(name) if name else list(stored.values())
            content = b"" if shown is None else json.dumps(shown).encode()
            self.send_response(404 if shown is None and self.command == "GET" else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = respond  # noqa: N815 - as the library names them

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url, writes


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


def test_a_field_that_differs_is_explained_with_its_request(cli: CommandLine, files: str) -> None:
    assert explained(cli, files, "description").splitlines()[3:] == [
        "description: different",
        '  desired   "ours"',
        '  live      "theirs"',
        "  rule      values are compared exactly, their type included",
        "  request   carried, because it differs",
        "",
        'PATCH /cloud/v1/caas/keys/1/76/web {"description":"ours"}',
        "  description: neutral: access unchanged",
    ]


def test_a_spelling_that_makes_no_difference_is_explained_by_its_rule(cli: CommandLine, files: str) -> None:
    assert explained(cli, files, "expire").splitlines()[3:9] == [
        "expire: equal",
        '  desired   "2099-01-01T02:00:00+02:00"',
        '            normalised to "2099-01-01T00:00:00Z"',
        '  live      "2099-01-01T00:00:00Z"',
        f"  rule      {RULES[Form.INSTANT]}",
        "  request   not carried",
    ]


def test_a_field_that_is_not_declared_is_not_changed(cli: CommandLine, files: str) -> None:
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


def test_without_a_difference_no_request_would_be_sent(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", description="same")
    path = declare(tmp_path / "keys.yaml", {"name": "web", "description": "same"})
    assert explained(cli, path).endswith("\nNo request would be sent.\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nothing"], "nothing is not an address such as caas/{project_id}/{region_id}/{name} or faas/"),
        (["wep"], "; did you mean caas/1/76/web?"),
        (["caas/1/76/wep"], "caas/1/76/wep is not declared in these files; did you mean caas/1/76/web?"),
        (["caas/1/77/web"], "caas/1/77/web is not declared in these files; did you mean caas/1/76/web?"),
        (["cass/1/76/web"], "; did you mean caas/1/76/web?"),
        (["web", "expires"], "; did you mean expire?"),
        (["vaas/1/76/web"], "vaas/1/76/web is not an address such as caas/{project_id}/"),
        (["faas/1/web"], "faas/1/web is not an address such as faas/{project_id}/{region_id}/{name}"),
        (["caas/1/76/other"], "caas/1/76/other is not declared in these files"),
        (["caas/1/76/web", "colour"], "colour is not a field of a caas key; it has name, description"),
    ],
)
def test_a_key_that_cannot_be_explained_is_an_error(
    cli: CommandLine, files: str, words: list[str], complaint: str
) -> None:
    done = cli("explain", *words, "--file", files)
    assert (done.code, complaint in done.err) == (1, True)


def test_the_end_of_an_address_is_enough_where_it_is_unique(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web")
    cli.environment.chdir(tmp_path)
    declare(tmp_path / "keys.yaml", {"name": "web"}, {"name": "web-2"})
    for text in ("web", "76/web", "caas/1/76/web"):
        done = cli("explain", text)  # and the files are those below this folder
        assert (done.code, done.err) == (0, "")
        assert done.out == cli("explain", "caas/1/76/web", "-f", ".").out
    declare(tmp_path / "more.yaml", {"name": "web"}, region_id=77)
    for command in ("explain", "accept"):
        done = cli(command, "web")
        assert done.code == 1
        assert "web is the end of several addresses; write one of caas/1/76/web, caas/1/77/web" in done.err


LABEL: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[^./]+$"},
        "note": {"type": "string"},
        "size": {"type": "integer"},
    },
    "x-reconciler": {
        "collection": "/things",
        "identity": "name",
        "page_limit": 100,
        "immutable": ["size"],
        "create": {"requires": []},
        "list": {"style": "page", "limit": "per_page", "page": "page"},
    },
}
REPLACED = "name: a b, note: ours, size: 2"
SENT: dict[str, tuple[str, list[dict[str, Any]], list[str]]] = {
    "an update": ("{name: a b, note: ü}", [THERE], ['PATCH /things/a%20b {"note":"\\u00fc"}']),
    "a creation": ("{name: a b, note: ours}", [], ['POST /things {"name":"a b","note":"ours"}']),
    "a deletion": ("{name: a b, state: absent}", [THERE], ["DELETE /things/a%20b"]),
    "an undeclared key": ("", [THERE], ["DELETE /things/a%20b"]),
    "a replacement": (
        f"{{{REPLACED}, lifecycle: {{replace: true}}}}",
        [THERE],
        ["DELETE /things/a%20b", 'POST /things {"name":"a b","note":"ours","size":2}'],
    ),
    "a replacement that is not allowed": (f"{{{REPLACED}}}", [THERE], []),
    "an ignored field": ("{name: a b, note: ours, lifecycle: {ignore_changes: [note]}}", [THERE], []),
    "nothing": ("{name: a b, note: theirs}", [THERE], []),
    "a key that is gone already": ("{name: a b, state: absent}", [], []),
}


@pytest.mark.parametrize(("declaration", "shown", "sent"), SENT.values(), ids=SENT)
def test_the_requests_are_those_that_apply_sends(
    cli: CommandLine, tmp_path: Path, declaration: str, shown: list[dict[str, Any]], sent: list[str]
) -> None:
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "thing.schema.json").write_text(json.dumps(LABEL), encoding="utf-8")
    file = tmp_path / "things.yaml"
    file.write_text(f"kind: thing\nexclusive: true\nkeys: [{declaration}]\n", encoding="utf-8")
    with thing_server(shown) as (url, requests):
        cli.environment.setenv("GCORE_BASE_URL", url)
        done = cli("explain", "thing/a b", "--file", str(file))
        reported = [line for line in done.out.splitlines() if line.startswith(("PATCH ", "POST ", "DELETE "))]
        assert ((done.code, reported), requests) == ((0, sent), [])
        assert ("No request would be sent" in done.out) is (not sent)
        assert ("Only with --allow-destroy:" in done.out) is (not declaration)
        cli("apply", str(file), "--auto-approve", "--allow-destroy")
        assert requests == sent


def test_a_field_is_explained_by_the_action_of_its_key(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "thing.schema.json").write_text(json.dumps(LABEL), encoding="utf-8")
    file = tmp_path / "things.yaml"
    for declaration, shown, reported in (
        ("note: ours", [], "note: the key is not on the server"),
        ("note: ours", [], "request   carried, because the key is created again"),
        (
            "note: ours, lifecycle: {ignore_changes: [note]}",
            [THERE],
            "request   not carried, because the lifecycle",
        ),
    ):
        file.write_text(f"kind: thing\nkeys: [{{name: a b, {declaration}}}]\n", encoding="utf-8")
        with thing_server(shown) as (url, _):
            cli.environment.setenv("GCORE_BASE_URL", url)
            assert reported in cli("explain", "thing/a b", "note", "--file", str(file)).out


def test_an_object_is_compared_by_member_and_sent_completely(cli: CommandLine, tmp_path: Path) -> None:
    rules = {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "port": {"type": "integer"}},
        },
    }
    fields = {"settings": {"type": "object"}, "rules": rules}
    kind = LABEL | {"properties": LABEL["properties"] | fields}
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "thing.schema.json").write_text(json.dumps(kind), encoding="utf-8")
    file, saved = tmp_path / "things.yaml", str(tmp_path / "plan.json")
    rule = {"name": "web", "port": 80}
    ours = {"settings": {"mode": "a", "limit": 5}, "rules": [rule, {"name": "api", "port": 1}]}
    theirs = {"settings": {"mode": "a", "limit": 5.0, "x": 1}, "rules": [rule, {"name": "api", "port": 2}]}
    file.write_text(json.dumps({"kind": "thing", "keys": [{"name": "a b", **ours}]}), encoding="utf-8")
    with thing_server([{"name": "a b", **theirs}]) as (url, writes):
        cli.environment.setenv("GCORE_BASE_URL", url)
        reported = cli("explain", "thing/a b", "--file", str(file)).out
        assert "  change    ~ settings = {" in reported
        assert "\n                - x = 1\n" in click.unstyle(reported)
        assert "\n                  # (2 unchanged attributes hidden)\n" in click.unstyle(reported)
        plan = cli("plan", str(file), "--out", saved)
        assert '          ~ {\n                name = "api"\n              ~ port = 2 -> 1\n' in plan.out
        kinds = ("--kinds", str(tmp_path / "kinds"))
        assert cli("show", saved, *kinds).out == plan.out
        for output in ("diff", "markdown", "github", "html"):
            assert cli("show", saved, *kinds, "--format", output).code == 0
        shown = json.loads(cli("show", saved, *kinds, "--format", "json").out)["resource_changes"][0]
        assert shown["change"]["patch"] == shown["change"]["after"] == ours
        assert cli("apply", "--plan", saved, *kinds, "--auto-approve").code == 0
        assert [json.loads(write[write.index("{") :]) for write in writes] == [ours]
        assert "No changes." in cli("plan", str(file)).out


def test_a_key_neither_declared_nor_live_is_an_error(
    cli: CommandLine, tmp_path: Path, emulator: Emulator
) -> None:
    file = tmp_path / "keys.yaml"
    file.write_text("project_id: 1\nregion_id: 76\nexclusive: true\nkeys: []\n", encoding="utf-8")
    done = cli("explain", "caas/1/76/web", "--file", str(file))
    reported = "Error: caas/1/76/web is neither declared in these files nor on the server\n"
    assert (done.code, done.err, patches(emulator)) == (1, reported, [])
    file.write_text(file.read_text().replace("[]", "[{name: storefront}]"), encoding="utf-8")
    misspelt = cli("explain", "caas/1/76/storefrnt", "--file", str(file))
    assert misspelt.err.endswith("nor on the server; did you mean caas/1/76/storefront?\n")


def test_a_request_refused_by_the_plan_is_not_announced(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "late")
    fill(emulator, "foreign", source="iate")
    late, foreign = (
        {"name": "late", "expire": "2020-01-01T00:00:00Z"},
        {"name": "foreign", "description": "x"},
    )
    files = declare(tmp_path / "keys.yaml", late, foreign)
    reported = [cli("explain", f"caas/1/76/{name}", "--file", files).out for name in ("late", "foreign")]
    assert "No request would be sent: expire 2020-01-01T00:00:00Z is in the past" in reported[0]
    assert "No request would be sent: is managed elsewhere (source iate)" in reported[1]


def test_a_live_value_cannot_be_a_log_command(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    fill(emulator, "web", description="theirs")
    files = declare(tmp_path / "keys.yaml", {"name": "web", "description": "##[error]forged"})
    assert "##[" not in cli("explain", "caas/1/76/web", "--file", files).out
    assert "##[" not in cli("plan", files, "--format", "json").out


def test_a_secret_in_a_response_is_not_shown(cli: CommandLine, tmp_path: Path) -> None:
    files = declare(tmp_path / "keys.yaml", {"name": "web"})
    response = json.dumps(live("web", secret="do-not-show")).encode()
    with raw_server(http_bytes(response, "200 OK", None, "Content-Type: application/json")) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        done = cli("explain", "caas/1/76/web", "--file", files)
    assert "secret: set by the service" in done.out
    assert "do-not-show" not in done.everything


def test_a_value_from_the_defaults_is_marked(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
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
