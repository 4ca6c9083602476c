"""Every example of examples/apis works on a server that behaves as the description of its API says.

The styles that APIs have, and the example that shows each:

| style | example |
|---|---|
| Link paging | sentry/keys |
| zero-based pages | datadog/api-keys |
| cursor | openai/projects, stripe/webhooks |
| JSON:API | datadog/api-keys |
| PUT of the whole, with an ETag | keycloak/clients; without one: gcore/network-mappings |
| POST of a form | stripe/webhooks |
| two headers with keys | datadog/api-keys |
| slash at the end | sentry/keys |
| wrapped bodies | zendesk/groups |
| tasks | gcore/networks |
| paths that take ids, doubled names | gitea/labels, cloudflare/records |
| maps | gcore/networks, stripe/webhooks, keycloak/clients |
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import yaml

from tests.gallery.clouds import CASES as CLOUDS
from tests.gallery.forges import CASES as FORGES
from tests.gallery.server import FORM, JSON, SECOND_TOKEN, TOKEN, GalleryServer, Sent, gallery_server
from tests.gallery.services import CASES as SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.gallery.case import Case
    from tests.support import CommandLine, Finished

ROOT = Path(__file__).parents[2] / "examples/apis"
CONFIGURATION = yaml.safe_load((ROOT / "reconciler.yaml").read_text(encoding="utf-8"))["apis"]
CASES = {case.file.removesuffix(".yaml"): case for case in (*FORGES, *CLOUDS, *SERVICES)}


class Example:
    """An example in a repository of its own, whose API is a server of this test."""

    def __init__(self, cli: CommandLine, case: Case, server: GalleryServer, folder: Path) -> None:
        """Copy the example, and name the server where its configuration names the API."""
        name, _, file = case.file.partition("/")
        self._cli = cli
        self._folder = folder / name
        shutil.copytree(ROOT / name, self._folder)
        self.file = self._folder / file
        described: dict[str, Any] = {**CONFIGURATION[name], "base_url": server.url, "kinds": "kinds/"}
        if "oauth2" in described.get("auth", {}):
            described["auth"] = {"oauth2": {"token_url": server.url + case.api.login}}
        (self._folder / "reconciler.yaml").write_text(json.dumps({"apis": {name: described}}))
        host = server.url.removeprefix("http://").replace(".", "_").replace(":", "___")
        cli.environment.delenv("GCORE_BASE_URL", raising=False)
        cli.environment.delenv("GCORE_API_KEY", raising=False)
        variables = {"TOKEN": TOKEN, "TOKEN2": SECOND_TOKEN, "CLIENT_ID": "me", "CLIENT_SECRET": SECOND_TOKEN}
        auth = described.get("auth", {})
        used = ["CLIENT_ID", "CLIENT_SECRET"] if "oauth2" in auth else ["TOKEN"]
        for variable in (*used, *(["TOKEN2"] if "second_header" in auth else [])):
            cli.environment.setenv(f"RECONCILER_{variable}_{host}", variables[variable])

    def __call__(self, command: str, *arguments: str, file: Path | None = None) -> Finished:
        """Run a command on the file."""
        paths = [] if command == "export" else [str(file or self.file)]
        return self._cli(command, *paths, *arguments, "--config", str(self._folder / "reconciler.yaml"))

    @property
    def scope(self) -> list[str]:
        """Return the options of ``export`` for the scope of the file."""
        header = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        numbers = {"project_id", "region_id"} & header.keys()
        options = [f"--{name.replace('_', '-')}={header[name]}" for name in numbers]
        others = header.keys() - numbers - {"kind", "keys", "exclusive"}
        return [f"--kind={header['kind']}", *options, *(f"--scope={name}={header[name]}" for name in others)]


def in_order(writes: Iterable[Sent]) -> list[Sent]:
    """Return writes in one order: several may be sent at a time."""
    return sorted(writes, key=str)


@pytest.fixture(params=[*CASES.values()], ids=[*CASES])
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture
def server(case: Case) -> Iterator[GalleryServer]:
    api = replace(case.api, headers={**case.api.headers, **case.auth})
    rows = [*case.live, *(case.filler(number) for number in range(1, case.fillers + 1))]
    with gallery_server(api, rows) as running:
        yield running


@pytest.fixture
def example(cli: CommandLine, case: Case, server: GalleryServer, tmp_path: Path) -> Example:
    return Example(cli, case, server, tmp_path)


def test_an_example_is_planned_applied_watched_and_exported(
    example: Example, case: Case, server: GalleryServer, tmp_path: Path
) -> None:
    secrets = ("--secret-sink", f"file:{tmp_path / 'secrets'}") if case.secrets else ()

    planned = example("plan", "--detailed-exitcode")
    assert (planned.code, planned.err, server.writes) == (2, "", []), planned.out
    assert len(server.reads) > 1

    applied = example("apply", *secrets, "--auto-approve")
    assert (applied.code, server.refused) == (0, []), applied.out + applied.err
    assert in_order(server.writes) == in_order(case.sent)
    assert not any(secret in applied.out + applied.err for secret in case.secrets)

    empty = example("plan", "--detailed-exitcode")
    assert (empty.code, empty.err) == (0, ""), empty.out

    (row,) = (row for row in server.rows if row[case.identity] == case.drifted)
    row |= case.drift
    server.writes.clear()
    watched = example("drift")
    assert (watched.code, server.writes) == (2, []), watched.out + watched.err
    corrected = example("apply", *secrets, "--auto-approve")
    assert (corrected.code, server.refused) == (0, []), corrected.out + corrected.err
    assert in_order(server.writes) == in_order(case.corrected)

    exported = example("export", *example.scope)
    assert exported.code == 0, exported.err
    (tmp_path / "all.yaml").write_text(exported.out, encoding="utf-8")
    adopted = example("plan", "--detailed-exitcode", file=tmp_path / "all.yaml")
    assert (adopted.code, server.refused) == (0, []), adopted.out + adopted.err
    assert sum(case.exported in line for line in exported.out.splitlines()) >= case.fillers


def test_a_key_is_deleted_by_its_path_and_nothing_else_is(
    example: Example, case: Case, server: GalleryServer
) -> None:
    row = server.rows[0]
    document = yaml.safe_load(example.file.read_text(encoding="utf-8"))
    document["keys"] = [{case.identity: row[case.identity], "state": "absent"}]
    example.file.write_text(json.dumps(document), encoding="utf-8")
    others = server.rows[1:]
    done = example("apply", "--auto-approve")
    path = f"{case.api.collection.rstrip('/')}/{quote(str(row[case.api.path_id]), safe='')}{case.api.slash}"
    assert server.writes == [Sent("DELETE", path)]
    if case.api.deleted is None:
        assert (done.code, server.rows) == (1, [row, *others])
        assert "405" in done.out
    else:
        assert (done.code, server.rows, server.refused) == (0, others, []), done.out + done.err
        assert example("plan", "--detailed-exitcode").code == 0


def only(*names: str) -> pytest.MarkDecorator:
    """Run a test on some examples."""
    return pytest.mark.parametrize("case", [CASES[name] for name in names], ids=names)


@only("keycloak/clients")
def test_an_update_of_the_whole_is_sent_on_condition_of_its_tag(
    example: Example, case: Case, server: GalleryServer
) -> None:
    server.has_etags = True
    assert example("apply", "--auto-approve").code == 0
    assert (in_order(server.writes), server.refused) == (in_order(case.sent), [])


@only("keycloak/clients", "gcore/network-mappings")
def test_an_update_of_the_whole_that_would_lose_a_member_is_not_sent(
    example: Example, case: Case, server: GalleryServer
) -> None:
    server.rows[0]["newMember"] = 1
    done = example("apply", "--auto-approve")
    assert (done.code, server.writes) == (1, [])
    assert "would drop newMember, which its kind does not describe" in done.err
    assert case.live


@only("gitea/labels", "cloudflare/records")
def test_a_declared_name_that_two_objects_have_is_an_error_of_that_name_alone(
    example: Example, case: Case, server: GalleryServer
) -> None:
    twin = {**server.rows[0], "id": "9999" if isinstance(server.rows[0]["id"], str) else 9999}
    server.rows.append(twin)
    done = example("plan")
    name = server.rows[0]["name"]
    assert (done.code, done.err.count("Error:")) == (1, 1)
    assert (f"/{name}:" in done.err, "9999" in done.err) == (True, True)
    assert "will be created" in done.out
    assert case.drifted


@only("linode/tokens", "datadog/api-keys", "stripe/webhooks")
def test_the_secret_of_a_new_key_is_stored_and_not_shown(
    example: Example, case: Case, server: GalleryServer, tmp_path: Path
) -> None:
    done = example("apply", "--secret-sink", f"file:{tmp_path / 'secrets'}", "--auto-approve", "-v")
    (stored,) = [file for file in (tmp_path / "secrets").rglob("*") if file.is_file()]
    (secret,) = case.secrets
    assert stored.read_text(encoding="utf-8").strip() == f"{secret}-{server.made}"
    assert secret not in done.everything


@only("github/labels", "stripe/webhooks", "gcore/networks")
def test_a_creation_whose_response_is_lost_is_not_sent_again(
    example: Example, case: Case, server: GalleryServer, tmp_path: Path
) -> None:
    server.is_losing = True
    sink = ("--secret-sink", f"file:{tmp_path / 'secrets'}") if case.secrets else ()
    example("apply", *sink, "--auto-approve")
    server.is_losing = False
    example("apply", *sink, "--auto-approve")
    creations = [write for write in server.writes if write.path == case.api.collection]
    assert len(creations) == 1
    assert example("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("name", "method", "path", "content_type", "sent", "status"),
    [
        ("github/labels", "PATCH", "/kind%2Fbug", JSON, {"name": "x"}, 422),
        ("github/labels", "PATCH", "/kind%2Fbug", FORM, {"color": "x"}, 415),
        ("github/labels", "PATCH", "/gone", JSON, {"color": "x"}, 404),
        ("github/labels", "PUT", "/kind%2Fbug", JSON, {"color": "x"}, 405),
        ("github/labels", "POST", "", JSON, {"name": "kind/bug"}, 409),
        ("github/labels", "POST", "", JSON, {"color": "ededed"}, 422),
        ("github/labels", "GET", "?page=0", "", None, 400),
        ("github/labels", "GET", "?per_page=101", "", None, 400),
        ("sentry/keys", "PUT", "a1", JSON, {"name": "x"}, 404),
        ("datadog/api-keys", "PATCH", "/k-1", JSON, {"data": {"type": "api_keys", "attributes": {}}}, 400),
        ("zendesk/groups", "PUT", "/9", JSON, {"name": "x"}, 422),
        ("gcore/networks", "PATCH", "/n-1", JSON, {"tags": {}}, 404),
        ("gcore/origin-groups", "PATCH", "/41", JSON, {"use_next": True}, 422),
        ("openai/projects", "DELETE", "/proj_a", "", None, 405),
        ("linode/tokens", "PUT", "/5", JSON, {"scopes": "*"}, 422),
    ],
)
def test_the_server_refuses_what_the_api_refuses(  # noqa: PLR0913, PLR0917 - a request and its response
    name: str, method: str, path: str, content_type: str, sent: Any, status: int
) -> None:
    found = CASES[name]
    server = GalleryServer(found.api, [*found.live])
    headers = {header.lower(): value for header, value in found.api.headers.items()}
    content = b"" if sent is None else json.dumps(sent).encode()
    target = found.api.collection + path
    assert server.respond(method, target, headers | {"content-type": content_type}, content).status == status
    assert server.rows == [*found.live]


def test_the_server_needs_the_constant_header() -> None:
    labels = CASES["github/labels"]
    assert (
        GalleryServer(labels.api, [*labels.live]).respond("GET", labels.api.collection, {}, b"").status == 400
    )


def test_every_file_of_the_gallery_is_tested() -> None:
    files = {str(file.relative_to(ROOT)) for file in ROOT.glob("*/*.yaml")}
    assert files == {case.file for case in CASES.values()}
    assert {file.partition("/")[0] for file in files} == CONFIGURATION.keys()
