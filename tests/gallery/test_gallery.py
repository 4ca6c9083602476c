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

import contextlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from jsonschema import Draft7Validator

from reconciler.load.builder import parse
from tests.gallery.clouds import CASES as CLOUDS
from tests.gallery.forges import CASES as FORGES
from tests.gallery.server import FORM, JSON, SECOND_TOKEN, TOKEN, GalleryServer, Sent, running
from tests.gallery.services import CASES as SERVICES
from tests.support import from_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.gallery.case import Case
    from tests.support import CommandLine, Finished

ROOT = Path(__file__).parents[2] / "examples/apis"
CONFIGURATION = from_yaml((ROOT / "reconciler.yaml").read_text(encoding="utf-8"))["apis"]
CASES = {case.file.removesuffix(".yaml"): case for case in (*FORGES, *CLOUDS, *SERVICES)}


def served(case: Case) -> GalleryServer:
    """Return the server of a case, not started, with several pages of objects."""
    api = replace(case.api, headers={**case.api.headers, **case.auth})
    return GalleryServer(api, [*case.live, *(case.filler(number) for number in range(1, case.fillers + 1))])


class Repository:
    """The gallery as a repository of its own, in which some APIs are servers of this test."""

    def __init__(self, cli: CommandLine, folder: Path) -> None:
        """Prepare the command line: it knows no token and no address."""
        self._cli = cli
        self._folder = folder
        self._apis: dict[str, Any] = {}
        cli.environment.delenv("GCORE_BASE_URL", raising=False)
        cli.environment.delenv("GCORE_API_KEY", raising=False)

    def add(self, case: Case, server: GalleryServer) -> None:
        """Copy the file of a case and its kinds, with the server as its API."""
        name = case.file.partition("/")[0]
        shutil.copytree(ROOT / name / "kinds", self._folder / name / "kinds")
        described = {**CONFIGURATION[name], "base_url": server.url}
        auth = described.get("auth", {})
        if "oauth2" in auth:
            described["auth"] = {"oauth2": {"token_url": server.url + case.api.login}}
        self._apis[name] = described
        document = {"apis": self._apis, "paths": [f"{api}/" for api in self._apis]}
        (self._folder / "reconciler.yaml").write_text(json.dumps(document), encoding="utf-8")
        host = server.url.removeprefix("http://").replace(".", "_").replace(":", "___")
        secrets = {"CLIENT_ID": "me", "CLIENT_SECRET": SECOND_TOKEN} if "oauth2" in auth else {"TOKEN": TOKEN}
        secrets |= {"TOKEN2": SECOND_TOKEN} if "second_header" in auth else {}
        for variable, secret in secrets.items():
            self._cli.environment.setenv(f"RECONCILER_{variable}_{host}", secret)
        self.file = Path(shutil.copy(ROOT / case.file, self._folder / case.file))

    def __call__(self, command: str, *arguments: str) -> Finished:
        """Run a command with the configuration of the repository."""
        return self._cli(command, *arguments, "--config", str(self._folder / "reconciler.yaml"))


def scope_of(file: Path) -> list[str]:
    """Return the options of ``export`` for the scope of a file."""
    header = from_yaml(file.read_text(encoding="utf-8"))
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
    with running(served(case)) as server:
        yield server


@pytest.fixture
def repository(cli: CommandLine, case: Case, server: GalleryServer, tmp_path: Path) -> Repository:
    made = Repository(cli, tmp_path)
    made.add(case, server)
    return made


def test_an_example_is_planned_applied_watched_and_exported(
    repository: Repository, case: Case, server: GalleryServer, tmp_path: Path
) -> None:
    secrets = ("--secret-sink", f"file:{tmp_path / 'secrets'}") if case.secrets else ()

    planned = repository("plan", "--detailed-exitcode")
    assert (planned.code, planned.err, server.writes) == (2, "", []), planned.out
    assert len(server.reads) > 1

    applied = repository("apply", *secrets, "--auto-approve")
    assert (applied.code, server.refused) == (0, []), applied.out + applied.err
    assert in_order(server.writes) == in_order(case.sent)

    empty = repository("plan", "--detailed-exitcode")
    assert (empty.code, empty.err) == (0, ""), empty.out

    (row,) = (row for row in server.rows if row[case.identity] == case.drifted)
    row |= case.drift
    server.writes.clear()
    watched = repository("drift")
    assert (watched.code, server.writes) == (2, []), watched.out + watched.err
    corrected = repository("apply", *secrets, "--auto-approve")
    assert (corrected.code, server.refused) == (0, []), corrected.out + corrected.err
    assert in_order(server.writes) == in_order(case.corrected)

    exported = repository("export", *scope_of(repository.file))
    assert exported.code == 0, exported.err
    (tmp_path / "all.yaml").write_text(exported.out, encoding="utf-8")
    adopted = repository("plan", str(tmp_path / "all.yaml"), "--detailed-exitcode")
    assert (adopted.code, server.refused) == (0, []), adopted.out + adopted.err
    everything = "".join(done.everything for done in (planned, applied, watched, corrected, exported))
    assert [secret for secret in (*case.secrets, *case.listed_secrets) if secret in everything] == []
    assert sum(case.exported in line for line in exported.out.splitlines()) >= case.fillers


def path_of(case: Case, row: Mapping[str, Any]) -> str:
    """Return the path of one object."""
    return f"{case.api.collection.rstrip('/')}/{quote(str(row[case.api.path_id]), safe='')}{case.api.slash}"


def test_a_key_is_deleted_by_its_path_and_nothing_else_is(
    repository: Repository, case: Case, server: GalleryServer
) -> None:
    row = server.rows[0]
    document = from_yaml(repository.file.read_text(encoding="utf-8"))
    document["keys"] = [{case.identity: row[case.identity], "state": "absent"}]
    repository.file.write_text(json.dumps(document), encoding="utf-8")
    others = server.rows[1:]
    done = repository("apply", "--auto-approve")
    path = path_of(case, row)
    assert server.writes == [Sent("DELETE", path)]
    if case.api.deleted is None:
        assert (done.code, server.rows) == (1, [row, *others])
        assert "405" in done.out
    else:
        assert (done.code, server.rows, server.refused) == (0, others, []), done.out + done.err
        assert repository("plan", "--detailed-exitcode").code == 0


def only(*names: str) -> pytest.MarkDecorator:
    """Run a test on some examples."""
    return pytest.mark.parametrize("case", [CASES[name] for name in names], ids=names)


@only("keycloak/clients")
def test_an_update_of_the_whole_is_sent_on_condition_of_its_tag(
    repository: Repository, case: Case, server: GalleryServer
) -> None:
    server.has_etags = True
    assert repository("apply", "--auto-approve").code == 0
    assert (in_order(server.writes), server.refused) == (in_order(case.sent), [])


@only("keycloak/clients", "gcore/network-mappings")
def test_an_update_of_the_whole_that_would_lose_a_member_is_not_sent_and_all_others_are(
    repository: Repository, case: Case, server: GalleryServer
) -> None:
    server.rows[0]["newMember"] = 1
    whole = path_of(case, server.rows[0])
    others = [one for one in case.sent if one.path != whole]
    done = repository("apply", "--auto-approve")
    assert (done.code, in_order(server.writes)) == (4, in_order(others))
    assert "would drop newMember, which its kind does not describe" in done.err


@only("gitea/labels", "cloudflare/records")
def test_a_declared_name_that_two_objects_have_is_an_error_of_that_name_alone(
    repository: Repository, case: Case, server: GalleryServer
) -> None:
    twin = {**server.rows[0], "id": "9999" if isinstance(server.rows[0]["id"], str) else 9999}
    server.rows.append(twin)
    done = repository("plan")
    name = server.rows[0]["name"]
    assert (done.code, done.err.count("Error:")) == (1, 1)
    assert (f"/{name}:" in done.err, "9999" in done.err) == (True, True)
    assert "will be created" in done.out
    assert case.drifted


@only("linode/tokens", "datadog/api-keys", "stripe/webhooks")
def test_the_secret_of_a_new_key_is_stored_and_not_shown(
    repository: Repository, case: Case, server: GalleryServer, tmp_path: Path
) -> None:
    done = repository("apply", "--secret-sink", f"file:{tmp_path / 'secrets'}", "--auto-approve", "-v")
    (stored,) = [file for file in (tmp_path / "secrets").rglob("*") if file.is_file()]
    (secret,) = case.secrets
    assert stored.read_text(encoding="utf-8").strip() == f"{secret}-{server.made}"
    assert secret not in done.everything


@only("github/labels", "stripe/webhooks", "gcore/networks")
def test_a_creation_whose_response_is_lost_is_not_sent_again(
    repository: Repository, case: Case, server: GalleryServer, tmp_path: Path
) -> None:
    server.is_losing = True
    sink = ("--secret-sink", f"file:{tmp_path / 'secrets'}") if case.secrets else ()
    repository("apply", *sink, "--auto-approve")
    server.is_losing = False
    repository("apply", *sink, "--auto-approve")
    creations = [write for write in server.writes if write.path == case.api.collection]
    assert len(creations) == 1
    assert repository("plan", "--detailed-exitcode").code == 0


@only("sentry/keys")
def test_what_a_creation_does_not_take_is_set_by_the_next_apply(
    repository: Repository, case: Case, server: GalleryServer
) -> None:
    document = from_yaml(repository.file.read_text(encoding="utf-8"))
    document["keys"] = [{"name": "new", "isActive": False}]
    repository.file.write_text(json.dumps(document), encoding="utf-8")
    first = repository("apply", "--auto-approve")
    assert (first.code, server.refused) == (0, []), first.out
    assert "a creation does not take isActive; apply again, once the key is there" in first.everything
    assert repository("apply", "--auto-approve").code == 0
    made = f"{case.api.collection}{case.api.ids(server.made)}/"
    assert server.writes == [
        Sent("POST", case.api.collection, JSON, {"name": "new"}),
        Sent("PUT", made, JSON, {"isActive": False}),
    ]
    assert repository("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("case", "wrong"),
    [
        (CASES["github/labels"], {"first": 0}),
        (CASES["github/teams"], {"most": 30}),
        (CASES["gitea/labels"], {"first": 0}),
        (CASES["gitea/labels"], {"most": 30}),
        (CASES["keycloak/clients"], {"most": 30}),
    ],
)
def test_nothing_is_created_where_pages_are_otherwise_than_the_kind_says(
    repository: Repository, case: Case, server: GalleryServer, wrong: dict[str, Any]
) -> None:
    server.api = replace(server.api, pages=replace(case.api.pages, **wrong))
    done = repository("apply", "--auto-approve")
    assert (done.code, server.writes) == (1, [])
    assert "the response does not match the documented schema" in done.err


def test_all_apis_are_planned_and_applied_in_one_run_though_one_is_down(
    cli: CommandLine, tmp_path: Path
) -> None:
    repository, servers = Repository(cli, tmp_path), {}
    with contextlib.ExitStack() as stack:
        for name, case in {case.file.partition("/")[0]: case for case in CASES.values()}.items():
            bare = replace(served(case), rows=[*case.live])
            servers[name] = stack.enter_context(running(bare))
            repository.add(case, servers[name])
        sink = ("--secret-sink", f"file:{tmp_path / 'secrets'}")
        servers["stripe"].is_down = True
        first = repository("apply", "--auto-approve", *sink)
        assert (first.code, servers["stripe"].writes) == (4, []), first.out
        assert "GET /v1/webhook_endpoints?limit=100: HTTP 503: down" in first.err
        assert [name for name, server in servers.items() if not server.writes] == ["stripe"]
        servers["stripe"].is_down = False
        assert repository("apply", "--auto-approve", *sink).code == 0
        assert repository("plan", "--detailed-exitcode").code == 0
        assert [server.refused for server in servers.values() if server.refused] == []


@pytest.mark.parametrize(
    ("name", "method", "path", "content_type", "sent", "status"),
    [
        ("github/labels", "PATCH", "/kind%2Fbug", JSON, {"name": "x"}, 422),
        ("github/labels", "PATCH", "/kind%2Fbug", FORM, {"color": "x"}, 415),
        ("github/labels", "PATCH", "/gone", JSON, {"color": "x"}, 404),
        ("github/labels", "PUT", "/kind%2Fbug", JSON, {"color": "x"}, 405),
        ("github/labels", "POST", "", JSON, {"name": "kind/bug"}, 409),
        ("github/labels", "POST", "", JSON, {"color": "ededed"}, 422),
        ("github/labels", "GET", "?size=10", "", None, 400),
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


@pytest.mark.parametrize("name", CASES)
def test_the_schema_for_editors_accepts_the_file(name: str) -> None:
    schema = json.loads((ROOT / "keys.schema.json").read_text(encoding="utf-8"))
    (document,) = parse((ROOT / CASES[name].file).read_text(encoding="utf-8"), name)
    assert [error.message for error in Draft7Validator(schema).iter_errors(document.data)] == []


def test_every_file_of_the_gallery_is_tested() -> None:
    files = {str(file.relative_to(ROOT)) for file in ROOT.glob("*/*.yaml")}
    assert files == {case.file for case in CASES.values()}
    assert {file.partition("/")[0] for file in files} == CONFIGURATION.keys()
