"""A configuration says which files and which API; the environment alone says where a token goes."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.kinds.packaged import configuration_schema, resource
from tests.hostile_git import Canary, git, pass_for_a_repository
from tests.labels import label
from tests.recorder import recorder
from tests.support import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.recorder import Recorder
    from tests.support import CommandLine

EXAMPLES = resource("examples")
BOUND = "bound-t0ken-of-the-api"
OTHER = "other-t0ken-of-a-host"


@pytest.fixture
def server() -> Iterator[Recorder]:
    """The API that is meant."""
    with recorder() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Recorder]:
    """Another host, which must see no token of the first."""
    with recorder() as running:
        yield running


@pytest.fixture
def work(cli: CommandLine, tmp_path: Path, server: Recorder, other: Recorder) -> Path:
    """A repository with one label, its kind and a configuration; each host has a token of its own."""
    folder = tmp_path / "work"
    (folder / "keys").mkdir(parents=True)
    shutil.copytree(EXAMPLES / "kinds", folder / "kinds/github")
    text = "kind: label\nowner: acme\nrepo: site\nkeys:\n  - name: bug\n    color: d73a4a\n"
    (folder / "keys/labels.yaml").write_text(text, encoding="utf-8")
    configure(folder, server)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    cli.environment.delenv("GCORE_BASE_URL")
    cli.environment.setenv(f"RECONCILER_TOKEN_{server.variable}", BOUND)
    cli.environment.setenv(f"RECONCILER_TOKEN_{other.variable}", OTHER)
    cli.environment.chdir(folder)
    return folder


def configure(folder: Path, server: Recorder, api: dict[str, Any] | None = None, **members: Any) -> None:
    described = {"base_url": server.url, "kinds": "kinds/github/"} | (api or {})
    document = {"paths": ["keys/"], "apis": {"github": described}} | members
    (folder / "reconciler.yaml").write_text(json.dumps(document), encoding="utf-8")


def test_a_plan_needs_no_path_and_sends_the_bound_token(
    cli: CommandLine, work: Path, server: Recorder, other: Recorder
) -> None:
    configure(work, server, {"headers": {"X-Version": "2022-11-28"}})
    done = cli("plan")
    assert (done.code, "Plan: 0 to add, 1 to change, 0 to destroy." in done.out) == (0, True), done.err
    assert server.sent("Authorization") == {f"Bearer {BOUND}"}
    assert server.sent("X-Version") == {"2022-11-28"}
    assert (other.requests, TOKEN in server.text, BOUND in done.everything) == ([], False, False)


def test_every_command_finds_files_kinds_and_address(cli: CommandLine, work: Path, server: Recorder) -> None:
    commands = (
        ("validate",),
        ("plan", "--detailed-exitcode"),
        ("apply", "--dry-run"),
        ("drift",),
        ("explain", "label/acme/site/bug"),
        ("export", "--kind", "label", "--scope", "owner=acme", "--scope", "repo=site"),
    )
    codes = {words[0]: cli(*words).code for words in commands}
    assert codes == {"validate": 0, "plan": 2, "apply": 0, "drift": 2, "explain": 0, "export": 0}
    assert server.sent("Authorization") == {f"Bearer {BOUND}"}
    assert cli("accept", "label/acme/site/bug").code == 0
    assert "ededed" in (work / "keys/labels.yaml").read_text(encoding="utf-8")


@pytest.mark.usefixtures("work")
def test_a_saved_plan_of_a_configured_api_is_shown_and_applied(cli: CommandLine, server: Recorder) -> None:
    assert cli("plan", "--out", "plan.json").code == 0
    assert "label/acme/site/bug" in cli("show", "plan.json").out
    cli("apply", "--plan", "plan.json", "--auto-approve")
    assert [request.method for request in server.requests].count("PATCH") == 1
    assert server.sent("Authorization") == {f"Bearer {BOUND}"}


def test_it_is_found_from_a_folder_below_and_named_by_option_or_variable(
    cli: CommandLine, work: Path, server: Recorder
) -> None:
    (work / "deep").mkdir()
    cli.environment.chdir(work / "deep")
    assert cli("plan").code == 0
    cli.environment.chdir(work.parent)
    assert cli("plan").code == 64
    assert cli("plan", "--config", "work/reconciler.yaml").code == 0
    cli.environment.setenv("RECONCILER_CONFIG", "work/reconciler.yaml")
    assert cli("plan").code == 0
    assert len(server.requests) == 3


def test_without_a_configuration_a_path_is_needed(cli: CommandLine, tmp_path: Path) -> None:
    cli.environment.chdir(tmp_path)
    done = cli("plan")
    assert (done.code, "Missing argument '[PATH...]'" in done.err) == (64, True), done.err


def test_one_above_the_root_of_the_repository_is_not_read(cli: CommandLine, work: Path) -> None:
    (work / "reconciler.yaml").rename(work.parent / "reconciler.yaml")
    assert cli("plan").code == 64


def test_what_is_wrong_is_reported_at_once_with_places(cli: CommandLine, work: Path) -> None:
    text = "path: [keys]\nlimits: {max_changes: many}\n"
    (work / "reconciler.yaml").write_text(text, encoding="utf-8")
    limit = '"many" is not allowed; write a number of keys, or a percentage such as 30%'
    assert cli("plan").err.splitlines() == [
        "Error: reconciler.yaml:1:1: path is not a known field; did you mean paths?",
        f"Error: reconciler.yaml:2:23: limits.max_changes {limit}",
    ]


def test_the_example_is_valid(cli: CommandLine) -> None:
    done = cli("validate", "--config", str(EXAMPLES / "reconciler.yaml"))
    assert (done.code, "3 keys in 1 scope" in done.out) == (0, True), done.err


def test_its_schema_is_printed(cli: CommandLine) -> None:
    done = cli("schema", "config")
    assert (done.code, json.loads(done.out)) == (0, configuration_schema())


@pytest.mark.usefixtures("server")
def test_the_commit_of_a_plan_counts_the_configuration_of_the_repository(
    cli: CommandLine, work: Path
) -> None:
    def commit(*words: str) -> str:
        done = cli("plan", *words, "--format", "json")
        return str(json.loads(done.out)["git_commit"])

    head = git(work, "rev-parse", "HEAD")
    assert commit() == head
    with (work / "reconciler.yaml").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert commit() == f"{head}-dirty"
    elsewhere = work.parent / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree(work / "kinds", elsewhere / "kinds")
    (work / "reconciler.yaml").rename(elsewhere / "reconciler.yaml")
    git(work, "checkout", "--quiet", "--", "reconciler.yaml")
    assert commit("keys/", "--config", str(elsewhere / "reconciler.yaml")) == head


# Where a value comes from


def test_an_option_goes_before_the_environment_and_that_before_the_configuration(
    cli: CommandLine, work: Path, server: Recorder
) -> None:
    configure(work, server, limits={"max_changes": 0})
    assert cli("plan").code == 3
    cli.environment.setenv("RECONCILER_PLAN_MAX_CHANGES", "5")
    assert cli("plan").code == 0
    assert cli("plan", "--max-changes", "0").code == 3
    assert cli("plan", "keys/").code == 0
    assert "no such file" in cli("plan", "other/").err


def test_verbose_says_where_each_value_comes_from(cli: CommandLine, work: Path, server: Recorder) -> None:
    configure(work, server, {"parallelism": 3}, limits={"max_revoked": "20%", "max_changes": 7})
    cli.environment.setenv("RECONCILER_PLAN_MAX_REVOKED", "40%")
    err = cli("plan", "-v", "--max-changes", "8").err
    assert err.splitlines()[:7] == [
        "configuration: reconciler.yaml",
        "paths: keys/ (reconciler.yaml)",
        "max_revoked: 40% (environment)",
        "max_changes: 8 (command line)",
        "processes: auto (default)",
        f"github.base_url: {server.url} (reconciler.yaml)",
        "github.parallelism: 3 (reconciler.yaml)",
    ]
    assert f"github.token: RECONCILER_TOKEN_{server.variable} (environment)" in err
    assert BOUND not in err


def test_verbose_says_the_limit_that_holds_by_default(cli: CommandLine, work: Path, server: Recorder) -> None:
    configure(work, server)
    err = cli("plan", "-v").err
    assert "max_revoked: 30% of a scope with 10 keys or more (default)\n" in err
    assert "max_changes: none (default)\n" in err


def test_verbose_says_which_values_the_environment_gives(
    cli: CommandLine, work: Path, server: Recorder
) -> None:
    staging = {"apis": {"github": {"parallelism": 3}}, "limits": {"max_changes": 7}}
    configure(
        work, server, limits={"max_revoked": "20%", "max_changes": 1}, environments={"staging": staging}
    )
    assert cli("plan", "-v", "--env", "staging").err.splitlines()[:7] == [
        "configuration: reconciler.yaml, environment staging",
        "paths: keys/ (reconciler.yaml)",
        "max_revoked: 20% (reconciler.yaml)",
        "max_changes: 7 (reconciler.yaml, environment staging)",
        "processes: auto (default)",
        f"github.base_url: {server.url} (reconciler.yaml)",
        "github.parallelism: 3 (reconciler.yaml, environment staging)",
    ]


def test_a_configuration_starts_no_more_processes_than_there_are_cores(
    cli: CommandLine, work: Path, server: Recorder
) -> None:
    configure(work, server, processes=256)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        assert "processes: 1 (reconciler.yaml)" in cli("plan", "-v").err.splitlines()
        cli.environment.setenv("RECONCILER_PROCESSES", "auto")
        assert "processes: auto (environment)" in cli("validate", "-v").err.splitlines()
        assert "processes: 1 (command line)" in cli("drift", "-v", "--processes", "1").err.splitlines()
    finally:
        os.sched_setaffinity(0, cores)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("trust", ["tree", "base"])
def test_a_missing_path_says_where_to_write_it(cli: CommandLine, work: Path, trust: str) -> None:
    (work / "reconciler.yaml").write_text("limits: {max_changes: 1}\n")
    done = cli("plan", "--trust", trust)
    assert done.code == 64
    assert "'[PATH...]'. Name files or folders, here or under paths in reconciler.yaml." in done.err
    unused = (
        "reconciler.yaml is not used: with --trust base, the configuration comes from the commit of --base"
    )
    assert (unused in done.err) is (trust == "base")


def test_an_environment_of_the_configuration_is_chosen_by_name(
    cli: CommandLine, work: Path, server: Recorder, other: Recorder
) -> None:
    api = {"github": {"base_url": other.url}}
    configure(work, server, environments={"staging": {"apis": api, "limits": {"max_changes": 0}}})
    assert cli("plan", "--env", "staging").code == 3
    assert (other.sent("Authorization"), server.requests) == ({f"Bearer {OTHER}"}, [])
    cli.environment.setenv("RECONCILER_ENV", "stagin")
    done = cli("plan")
    assert (done.code, "is not an environment of reconciler.yaml; did you mean staging?" in done.err) == (
        1,
        True,
    )
    (work / "reconciler.yaml").unlink()
    assert "--env stagin needs a configuration, and there is none" in cli("plan", "keys/").err


# Tokens are bound to hosts


def test_without_a_bound_token_nothing_is_sent_and_the_variable_is_named(
    cli: CommandLine, work: Path, server: Recorder
) -> None:
    name = f"RECONCILER_TOKEN_{server.variable}"
    for value, lack in ((None, "not set"), ("", "empty")):
        if value is None:
            cli.environment.delenv(name)
        else:
            cli.environment.setenv(name, value)
        done = cli("plan")
        file = name.replace("TOKEN_", "TOKEN_FILE_")
        place = server.url.removeprefix("http://")
        message = f"no token for {place}: {name} is {lack}; set {name}, or {file} to its file"
        assert (done.code, message in done.err, server.requests) == (1, True, []), done.err
    assert work.is_dir()


def test_a_token_is_read_from_the_file_that_the_environment_binds(
    cli: CommandLine, work: Path, server: Recorder
) -> None:
    file = work.parent / "token"
    file.write_text("t0ken-in-a-file\n", encoding="utf-8")
    cli.environment.setenv(f"RECONCILER_TOKEN_FILE_{server.variable}", str(file))
    assert cli("plan").code == 0
    assert server.sent("Authorization") == {"Bearer t0ken-in-a-file"}
    file.unlink()
    assert "cannot be read" in cli("plan").err


def test_a_configuration_cannot_take_the_token_of_another_host(
    cli: CommandLine, work: Path, server: Recorder, other: Recorder
) -> None:
    cli.environment.delenv(f"RECONCILER_TOKEN_{other.variable}")
    for name in ("github", "gcore"):
        document = {"paths": ["keys/"], "apis": {name: {"base_url": other.url, "kinds": "kinds/github"}}}
        (work / "reconciler.yaml").write_text(json.dumps(document), encoding="utf-8")
        done = cli("plan")
        assert (done.code, f"RECONCILER_TOKEN_{other.variable} is not set" in done.err) == (1, True)
    assert (server.requests, other.requests) == ([], [])


def test_the_key_of_gcore_goes_to_the_host_that_the_operator_names(
    cli: CommandLine, work: Path, server: Recorder, other: Recorder
) -> None:
    document = {"paths": ["keys/"], "apis": {"gcore": {"base_url": other.url, "kinds": "kinds/github"}}}
    (work / "reconciler.yaml").write_text(json.dumps(document), encoding="utf-8")
    cli.environment.delenv(f"RECONCILER_TOKEN_{server.variable}")
    cli.environment.setenv("GCORE_BASE_URL", server.url)
    assert cli("plan").code == 0
    assert (server.sent("Authorization"), other.requests) == ({f"apikey {TOKEN}"}, [])
    cli.environment.delenv("GCORE_BASE_URL")
    assert cli("plan", "--base-url", server.url, "--auth-scheme", "Token").code == 0
    assert server.sent("Authorization") == {f"apikey {TOKEN}", f"Token {TOKEN}"}
    assert cli("plan").code == 0
    assert other.sent("Authorization") == {f"apikey {OTHER}"}


def test_verbose_says_where_the_key_of_gcore_is(cli: CommandLine, work: Path, server: Recorder) -> None:
    document = {"paths": ["keys/"], "apis": {"gcore": {"base_url": server.url, "kinds": "kinds/github"}}}
    (work / "reconciler.yaml").write_text(json.dumps(document), encoding="utf-8")
    cli.environment.delenv(f"RECONCILER_TOKEN_{server.variable}")
    cli.environment.setenv("GCORE_BASE_URL", server.url)
    assert "gcore.token: GCORE_API_KEY (environment)" in cli("plan", "-v").err.splitlines()
    (work / "token").write_text("t0ken-of-a-file")
    assert "gcore.token: the token file token" in cli("plan", "-v", "--token-file", "token").err.splitlines()


def test_options_about_gcore_change_no_other_api(
    cli: CommandLine, work: Path, server: Recorder, other: Recorder
) -> None:
    cli.environment.setenv("GCORE_BASE_URL", other.url)
    assert cli("plan").code == 0
    assert (server.sent("Authorization"), other.requests) == ({f"Bearer {BOUND}"}, [])
    for flag, value in (("--base-url", other.url), ("--token-file", "t"), ("--auth-scheme", "Token")):
        done = cli("plan", flag, value)
        message = f"{flag} is about gcore; the configuration has github"
        assert (done.code, message in done.err) == (1, True), done.err
    assert work.is_dir()


def test_a_redirect_takes_no_token_to_another_host(
    cli: CommandLine, work: Path, server: Recorder, other: Recorder
) -> None:
    server.location = f"{other.url}/repos/acme/site/labels"
    done = cli("plan")
    assert (done.code, "which is refused: the token stays with one host" in done.err) == (1, True)
    assert (len(server.requests), other.requests) == (1, [])
    assert work.is_dir()


@pytest.mark.parametrize("status", [201, 202, 303, 307])
@pytest.mark.parametrize("method", ["PATCH", "POST", "DELETE"])
def test_the_location_in_a_response_to_a_write_is_never_followed(  # noqa: PLR0913, PLR0917 - what is sent where
    cli: CommandLine, work: Path, server: Recorder, other: Recorder, method: str, status: int
) -> None:
    file, keys = work / "kinds/github/label.schema.json", work / "keys/labels.yaml"
    kind = json.loads(file.read_text(encoding="utf-8"))
    kind["x-reconciler"] |= {"create": {"requires": ["color"]}, "wait": 1}
    file.write_text(json.dumps(kind), encoding="utf-8")
    text = keys.read_text(encoding="utf-8")
    keys.write_text(
        {
            "PATCH": text,
            "POST": text.replace("name: bug", "name: new"),
            "DELETE": text.replace("color: d73a4a", "state: absent"),
        }[method],
        encoding="utf-8",
    )
    server.location, server.moved = f"{other.url}/repos/acme/site/labels/bug", frozenset({method})
    server.moved_status = status
    done = cli("apply", "--auto-approve", "--retries", "0")
    assert [request.method for request in server.requests].count(method) == 1, done.everything
    assert (done.code in {1, 4}, other.requests) == (True, []), done.everything


def test_a_client_of_oauth_is_not_redirected(
    cli: CommandLine, work: Path, server: Recorder, other: Recorder
) -> None:
    configure(work, server, {"auth": {"oauth2": {"token_url": f"{server.url}/token"}}})
    for what in ("CLIENT_ID", "CLIENT_SECRET"):
        cli.environment.setenv(f"RECONCILER_{what}_{server.variable}", f"the-{what}")
    server.location = f"{other.url}/token"
    done = cli("plan", "--retries", "0")
    assert (done.code, other.requests, "the secret of the client stays with one host" in done.err) == (
        1,
        [],
        True,
    )


def test_a_link_to_the_next_page_takes_no_token_to_another_host(
    cli: CommandLine, work: Path, server: Recorder, other: Recorder
) -> None:
    file = work / "kinds/github/label.schema.json"
    kind = json.loads(file.read_text(encoding="utf-8"))
    kind["x-reconciler"]["list"] = {"style": "cursor", "cursor": "after", "link": True}
    file.write_text(json.dumps(kind), encoding="utf-8")
    server.link = f'<{other.url}/repos/acme/site/labels?after=c2&steal=1>; rel="next"'
    cli("plan")
    targets = [request.target.partition("?")[2] for request in server.requests[:2]]
    assert (len(targets), "after=c2" in targets[1], "steal" in targets[1], other.requests) == (
        2,
        True,
        False,
        [],
    )


def test_an_address_in_the_body_of_a_page_is_no_address(
    cli: CommandLine, work: Path, server: Recorder, other: Recorder
) -> None:
    file = work / "kinds/github/label.schema.json"
    kind = json.loads(file.read_text(encoding="utf-8"))
    kind["x-reconciler"]["list"] = {
        "style": "cursor",
        "results": "items",
        "cursor": "after",
        "next": "meta.next",
    }
    file.write_text(json.dumps(kind), encoding="utf-8")
    address = f"{other.url}/repos/acme/site/labels?after=c2"
    server.page = {"items": [label("bug")], "meta": {"next": address}}
    cli("plan")
    assert (len(server.requests) > 1, other.requests) == (True, [])
    for request in server.requests:
        assert request.target.partition("?")[0] == "/repos/acme/site/labels"


@pytest.mark.parametrize("host", ["https://evil.example.com", "//evil.example.com", "@evil.example.com"])
def test_a_kind_cannot_name_a_host(cli: CommandLine, work: Path, server: Recorder, host: str) -> None:
    file = work / "kinds/github/label.schema.json"
    kind = json.loads(file.read_text(encoding="utf-8"))
    path = f"{host}/repos/{{owner}}/{{repo}}/labels"
    for changed in (
        {"collection": path},
        {"item": f"{path}/{{name}}"},
        {"update": {"method": "PATCH", "path": f"{path}/{{name}}"}},
        {"send": {"headers": {"Host": "evil.example.com"}}},
        {"send": {"headers": {"X-Forwarded-Host": "evil.example.com"}}},
        {"base_url": host},
    ):
        described = {**kind, "x-reconciler": {**kind["x-reconciler"], **changed}}
        file.write_text(json.dumps(described), encoding="utf-8")
        done = cli("plan")
        assert (done.code, server.requests) == (1, []), changed
        assert "kinds/github/label.schema.json:1:" in done.err


@pytest.mark.parametrize("member", ["token", "token_env", "token_file", "env", "password", "command"])
def test_authentication_names_no_variable_file_or_program(
    cli: CommandLine, work: Path, server: Recorder, member: str
) -> None:
    for place in ({"auth": {member: "GITHUB_TOKEN"}}, {member: "GITHUB_TOKEN"}):
        configure(work, server, place)
        done = cli("plan")
        assert (done.code, "GITHUB_TOKEN" in done.err, server.requests) == (1, False, [])


@pytest.mark.parametrize("name", ["GCORE_API_KEY", "RECONCILER_TOKEN"])
def test_a_value_that_looks_like_a_variable_is_a_text(
    cli: CommandLine, work: Path, server: Recorder, name: str
) -> None:
    written = f"${{{name}}} ${name} %{name}% {{{{ {name} }}}} !env {name}"
    cli.environment.setenv(name, TOKEN)
    configure(work, server, {"headers": {"X-Note": written}, "auth": {"scheme": f"${name}"}})
    assert cli("plan").code == 0
    assert server.sent("X-Note") == {written}
    assert server.sent("Authorization") == {f"${name} {BOUND}"}
    configure(work, server, {"base_url": f"https://${{{name}}}.example.com"})
    done = cli("plan")
    assert (done.code, "apis.github.base_url cannot be used" in done.err) == (1, True)
    assert TOKEN not in server.text + done.everything


@pytest.mark.parametrize(
    "link",
    [
        "kinds",
        "kinds/github",
        "kinds/github/label.schema.json",
        "keys",
        "keys/labels.yaml",
        "reconciler.yaml",
    ],
)
def test_a_link_out_of_the_repository_is_not_followed(
    cli: CommandLine, work: Path, server: Recorder, link: str
) -> None:
    outside = work.parent / "outside"
    (work / link).rename(outside)
    (work / link).symlink_to(outside)
    done = cli("plan")
    assert (done.code, "leads out of the Git work tree" in done.err, server.requests) == (1, True, [])


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    """A program that files name wherever one might be run."""
    return Canary(tmp_path / "canary")


@pytest.mark.parametrize(
    "text",
    [
        "secret_sink: exec:{program}\n",
        "pass_env: [GCORE_API_KEY]\n",
        "limits: {{secret_sink: 'exec:{program}'}}\n",
        "environments: {{production: {{secret_sink: 'exec:{program}'}}}}\n",
        "apis: {{github: {{base_url: '{url}', auth: {{exec: '{program}'}}}}}}\n",
        "apis: {{github: {{base_url: '{url}', token_command: '{program}'}}}}\n",
        "paths: !!python/object/apply:os.system ['{program}']\n",
        "paths: !include {program}\n",
        "$schema: {url}/config.schema.json\npaths: [keys/]\n",
        "<<: {url}\npaths: [keys/]\n",
        "paths: ['$({program})']\n",
        "paths: ['`{program}`', '{url}/keys.yaml']\n",
    ],
)
@pytest.mark.parametrize("command", ["plan", "validate"])
def test_a_configuration_runs_and_fetches_nothing(  # noqa: PLR0913, PLR0917 - what it could reach
    cli: CommandLine, work: Path, canary: Canary, other: Recorder, text: str, command: str
) -> None:
    file = work / "reconciler.yaml"
    file.write_text(text.format(program=canary.program, url=other.url), encoding="utf-8")
    done = cli(command, "--env", "production") if "production" in text else cli(command)
    assert (done.code, other.requests, canary.is_silent()) == (1, [], True), done.everything


@pytest.mark.parametrize("word", ["$ref", "$schema", "$id", "exec", "auth", "token_file", "base_url"])
def test_a_kind_runs_and_fetches_nothing(  # noqa: PLR0913, PLR0917 - what it could reach
    cli: CommandLine, work: Path, canary: Canary, server: Recorder, other: Recorder, word: str
) -> None:
    file = work / "kinds/github/label.schema.json"
    kind = json.loads(file.read_text(encoding="utf-8"))
    for value in (f"{other.url}/kind.json", "file:///etc/passwd", str(canary.program)):
        places = [kind, kind["x-reconciler"], kind["properties"]["color"]]
        for place in places:
            old = place.get(word)
            place[word] = value
            file.write_text(json.dumps(kind), encoding="utf-8")
            done = cli("plan")
            assert (done.code, server.requests) == (1, []), (place, done.everything)
            place.pop(word) if old is None else place.update({word: old})
    assert (other.requests, canary.is_silent()) == ([], True)


@pytest.mark.parametrize("folder", [".", "keys"])
def test_git_runs_nothing_that_a_pull_request_names(
    cli: CommandLine, work: Path, canary: Canary, server: Recorder, folder: str
) -> None:
    pass_for_a_repository(work / "keys", canary)
    cli.environment.chdir(work / folder)
    for words in (("plan",), ("drift",), ("apply", "--auto-approve"), ("kinds",), ("validate",)):
        cli(*words, *BASE)
        assert canary.is_silent()
    assert server.sent("Authorization") == {f"Bearer {BOUND}"}


@pytest.mark.parametrize("path", ["../outside", "keys/../../outside", "/etc", ".git/hooks"])
def test_a_path_out_of_the_repository_is_refused(
    cli: CommandLine, work: Path, server: Recorder, path: str
) -> None:
    for api, members in (({}, {"paths": [path]}), ({"kinds": path}, {})):
        configure(work, server, api, **members)
        done = cli("plan")
        assert (done.code, "Error: reconciler.yaml:1:" in done.err, server.requests) == (1, True, [])


# Authentication


def test_a_second_header_carries_the_second_token_of_the_host(
    cli: CommandLine, work: Path, server: Recorder
) -> None:
    configure(work, server, {"auth": {"header": "DD-API-KEY", "second_header": "DD-APPLICATION-KEY"}})
    name = f"RECONCILER_TOKEN2_{server.variable}"
    assert f"{name} is not set" in cli("plan").err
    cli.environment.setenv(name, "second-t0ken")
    assert cli("plan").code == 0
    assert (server.sent("DD-API-KEY"), server.sent("DD-APPLICATION-KEY")) == ({BOUND}, {"second-t0ken"})
    assert server.sent("Authorization") == {None}


def test_a_refused_token_is_named_by_every_variable_that_holds_a_part_of_it(
    cli: CommandLine, work: Path, server: Recorder
) -> None:
    server.status = 401
    configure(work, server, {"auth": {"header": "DD-API-KEY", "second_header": "DD-APPLICATION-KEY"}})
    token, second = (f"RECONCILER_{word}_{server.variable}" for word in ("TOKEN_FILE", "TOKEN2"))
    (work.parent / "token").write_text("of-a-file")
    (work.parent / "token").chmod(0o600)
    cli.environment.setenv(token, str(work.parent / "token"))
    cli.environment.setenv(second, "second-t0ken")
    assert cli("plan").err.endswith(f"; check {token} and {second}\n")


def test_basic_authentication_takes_user_and_password(cli: CommandLine, work: Path, server: Recorder) -> None:
    configure(work, server, {"auth": {"basic": True}})
    name = f"RECONCILER_TOKEN_{server.variable}"
    done = cli("plan")
    assert (f"{name} must be USER:PASSWORD" in done.err, BOUND in done.err) == (True, False)
    cli.environment.setenv(name, "me:a pass:wörd")
    assert cli("plan").code == 0
    login = base64.b64encode("me:a pass:wörd".encode()).decode()
    assert server.sent("Authorization") == {f"Basic {login}"}


def test_an_access_token_goes_to_the_host_that_the_environment_allows_alone(
    cli: CommandLine, work: Path, server: Recorder, other: Recorder
) -> None:
    other.token = "the-access-t0ken"
    configure(work, server, {"auth": {"oauth2": {"token_url": f"{other.url}/token", "scopes": ["a"]}}})
    place = other.url.removeprefix("http://")
    allowed = f"RECONCILER_TOKEN_FROM_{server.variable}"
    done = cli("plan")
    assert (done.code, f"to allow it, set {allowed}={place}" in done.err) == (1, True)
    cli.environment.setenv(allowed, place)
    for what in ("CLIENT_ID", "CLIENT_SECRET"):
        assert f"RECONCILER_{what}_{other.variable} is not set" in cli("plan").err
        cli.environment.setenv(f"RECONCILER_{what}_{other.variable}", f"the {what}")
    assert (server.requests, other.requests) == ([], [])
    done = cli("plan", "-v")
    assert done.code == 0, done.err
    assert server.sent("Authorization") == {"Bearer the-access-t0ken"}
    login = base64.b64encode(b"the+CLIENT_ID:the+CLIENT_SECRET").decode()
    assert other.sent("Authorization") == {f"Basic {login}"}
    assert all(secret not in server.text for secret in (login, "CLIENT_SECRET", BOUND, OTHER))
    assert all(secret not in done.everything for secret in (login, "the CLIENT_SECRET", "the-access-t0ken"))


def test_variables_that_bind_tokens_are_known_and_a_wrong_spelling_is_named(
    cli: CommandLine, work: Path
) -> None:
    assert "is not known" not in cli("validate").err
    for name, meant in {
        "RECONCILER_TOKEN_API_GITHUB_COM": "RECONCILER_TOKEN_api_github_com",
        "RECONCILER_TOKEN_FILE_api.my-host.com": "RECONCILER_TOKEN_FILE_api_my__host_com",
        "RECONCILER_CLIENT_SECRET_A": "RECONCILER_CLIENT_SECRET_a",
    }.items():
        with cli.environment.context() as environment:
            environment.setenv(name, "x")
            done = cli("validate")
            message = f"the variable {name} is not known, and is ignored; did you mean {meant}?"
            assert message in done.err
            assert cli("validate", "--strict-env").code == 64
    assert work.is_dir()


# Several APIs in one run


@pytest.fixture
def both(work: Path, server: Recorder, other: Recorder) -> Path:
    """A configuration with two APIs, whose kinds have one name; each has a label."""
    shutil.copytree(work / "kinds/github", work / "kinds/gitea")
    apis = {
        "github": {"base_url": server.url, "kinds": "kinds/github/"},
        "gitea": {"base_url": other.url, "kinds": "kinds/gitea/", "auth": {"scheme": "token"}},
    }
    document = json.dumps({"paths": ["keys/"], "apis": apis})
    (work / "reconciler.yaml").write_text(document, encoding="utf-8")
    labels = "owner: acme\nrepo: site\nkeys:\n  - name: bug\n    color: d73a4a\n"
    texts = (f"kind: {name}.label\n{labels}" for name in apis)
    (work / "keys/labels.yaml").write_text("---\n".join(texts), encoding="utf-8")
    return work


BOTH = ["gitea.label/acme/site/bug", "github.label/acme/site/bug"]


@pytest.mark.usefixtures("both")
def test_one_run_is_about_several_apis_and_each_gets_its_own_token(
    cli: CommandLine, server: Recorder, other: Recorder
) -> None:
    changes = json.loads(cli("plan", "--format", "json").out)["resource_changes"]
    assert [change["address"] for change in changes] == BOTH
    assert [change["api"] for change in changes] == ["gitea", "github"]
    assert "Plan: 0 to add, 2 to change, 0 to destroy." in cli("plan").out
    cli("apply", "--auto-approve", "--journal", "journal.jsonl", "--history", "history.db")
    lines = [json.loads(line) for line in Path("journal.jsonl").read_text(encoding="utf-8").splitlines()]
    sent = {line["address"]: line["base_url"] for line in lines if line["event"] == "write"}
    assert sent == {BOTH[0]: other.url, BOTH[1]: server.url}
    assert server.sent("Authorization") == {f"Bearer {BOUND}"}
    assert other.sent("Authorization") == {f"token {OTHER}"}
    for place in (server, other):
        assert [request.method for request in place.requests].count("PATCH") == 1
    drifted = cli("drift", "--history", "history.db", "--format", "json")
    addresses = [key["address"] for key in json.loads(drifted.out)["resource_drift"]]
    assert (drifted.code, addresses) == (2, BOTH)
    assert cli("journal", "journal.jsonl").code in {0, 4}


@pytest.mark.usefixtures("both")
def test_a_saved_plan_of_several_apis_is_applied_to_each(
    cli: CommandLine, server: Recorder, other: Recorder
) -> None:
    assert cli("plan", "--out", "plan.json").code == 0
    assert all(address in cli("show", "plan.json").out for address in BOTH)
    cli("apply", "--plan", "plan.json", "--auto-approve")
    for place in (server, other):
        assert [request.method for request in place.requests].count("PATCH") == 1


def test_an_api_that_is_down_leaves_the_other_planned_applied_and_watched(
    cli: CommandLine, both: Path, server: Recorder, other: Recorder
) -> None:
    text = (both / "reconciler.yaml").read_text(encoding="utf-8")
    (both / "reconciler.yaml").write_text(text.replace(other.url, "http://127.0.0.1:9"), encoding="utf-8")
    cli.environment.setenv("RECONCILER_TOKEN_127_0_0_1___9", "unused-token")
    planned = cli("plan", "--retries", "0")
    assert (planned.code, BOTH[1] in planned.out) == (1, True)
    assert "gitea.label/acme/site: could not be read" in planned.err
    applied = cli("apply", "--auto-approve", "--retries", "0")
    assert applied.code in {1, 4}
    assert [request.method for request in server.requests].count("PATCH") == 1
    drifted = cli("drift", "--retries", "0")
    assert (drifted.code, BOTH[1] in drifted.out, other.requests) == (1, True, [])


def test_an_api_that_a_run_does_not_need_needs_no_token(
    cli: CommandLine, both: Path, other: Recorder
) -> None:
    cli.environment.delenv(f"RECONCILER_TOKEN_{other.variable}")
    done = cli("plan")
    assert (done.code, f"set RECONCILER_TOKEN_{other.variable}" in done.err) == (1, True)
    assert cli("plan", "--target", "github.label/*").code == 0
    assert cli("explain", BOTH[1]).code == 0
    assert both.is_dir()


@pytest.mark.usefixtures("both")
def test_a_kind_that_two_apis_have_must_be_named_with_its_api(cli: CommandLine) -> None:
    file = Path("keys/labels.yaml")
    file.write_text(file.read_text(encoding="utf-8").replace("github.label", "label"), encoding="utf-8")
    done = cli("validate")
    assert done.code == 1
    assert 'kind "label" is unknown; write one of: github.label, gitea.label\n' in done.err


# Whose configuration counts


CAAS = "project_id: 1\nregion_id: 76\nkeys:\n  - name: web\n    description: x\n"
UNCONFIGURED = "add gcore: {} under apis"


@pytest.mark.parametrize("apis", [1, 2])
@pytest.mark.parametrize(
    ("text", "place"),
    [(f"kind: caas\n{CAAS}", "keys/caas.yaml:1:7"), (CAAS, "keys/caas.yaml:1:1")],
    ids=["named", "by default"],
)
def test_a_packaged_kind_needs_its_api(  # noqa: PLR0913, PLR0917 - two servers, and two parameters
    cli: CommandLine, work: Path, server: Recorder, other: Recorder, text: str, place: str, apis: int
) -> None:
    described = {"base_url": server.url, "kinds": "kinds/github/"}
    members = {"github": described, "tea": {"base_url": other.url}}
    configure(work, server, apis=dict([*members.items()][:apis]))
    (work / "keys/caas.yaml").write_text(text, encoding="utf-8")
    named = "github" if apis == 1 else "github, tea"
    message = f"{place}: caas is a kind of the API gcore, and the configuration has {named}; {UNCONFIGURED}"
    for words in (("validate",), ("plan",), ("apply", "--auto-approve"), ("drift",)):
        done = cli(*words)
        assert (done.code, message in done.err) == (1, True), (words, done.err)
    for command in ("explain caas/1/76/web", "export --project-id 1 --region-id 76"):
        done = cli(*command.split())
        assert (done.code, UNCONFIGURED in done.err) == (1, True), (command, done.err)
    assert f"unusable  caas is a kind of the API gcore, and the configuration has {named}" in cli("kinds").out
    assert server.requests == other.requests == []


def test_a_custom_kind_of_no_api_is_of_the_only_one_or_refused(
    cli: CommandLine, work: Path, server: Recorder, other: Recorder
) -> None:
    (work / "kinds/github").rename(work / "keys/kinds")
    apis: dict[str, Any] = {"github": {"base_url": server.url}}
    configure(work, server, apis=apis)
    assert (cli("validate").code, cli("plan").code, len(server.requests)) == (0, 0, 1)
    configure(work, server, apis=apis | {"tea": {"base_url": other.url}})
    reason = "label is a kind of none of the APIs github, tea; set its folder as kinds of one"
    for command in ("validate", "plan"):
        done = cli(command)
        assert (done.code, f"keys/labels.yaml:1:7: {reason}" in done.err) == (1, True), done.err
    configure(work, server, apis=apis | {"gcore": {}})
    assert cli("validate").code == 0
    assert (len(server.requests), other.requests) == (1, [])


@pytest.fixture
def reviewed(work: Path, server: Recorder, other: Recorder) -> Path:
    """A pull request that sends the requests to another host, for which there is a token too."""
    propose(work, other)
    assert server.requests == []
    return work


def propose(work: Path, other: Recorder) -> None:
    """Change configuration and kind in a branch."""
    git(work, "switch", "--quiet", "--create", "branch")
    configure(work, other, limits={"max_changes": 100})
    file = work / "kinds/github/label.schema.json"
    kind = json.loads(file.read_text(encoding="utf-8"))
    kind["x-reconciler"]["collection"] = "/repos/{owner}/{repo}/secrets"
    file.write_text(json.dumps(kind), encoding="utf-8")
    git(work, "commit", "--quiet", "--all", "--message", "second")


BASE = ("--trust", "base", "--base", "main")


@pytest.mark.parametrize("words", [(), ("keys/",), ("--config", "reconciler.yaml")], ids=" ".join)
def test_with_a_trusted_base_the_configuration_of_a_pull_request_is_not_used(
    cli: CommandLine, reviewed: Path, server: Recorder, other: Recorder, words: tuple[str, ...]
) -> None:
    done = cli("plan", *words, *BASE, "--format", "json")
    assert done.code == 0, done.err
    assert (other.requests, server.sent("Authorization")) == ([], {f"Bearer {BOUND}"})
    assert {"labels" in request.target for request in server.requests} == {True}
    warnings = [warning["message"] for warning in json.loads(done.out)["warnings"]]
    differs = "the configuration differs from that at main; with --trust base the old one is used, so changes"
    assert f"{differs} by the new one are not shown" in warnings
    assert any(warning.startswith("kinds differ from those at main: label.sch") for warning in warnings)
    assert reviewed.is_dir()


SCOPE = ("--kind", "label", "--scope", "owner=acme", "--scope", "repo=site")


UNDER_BASE = {
    ("apply", "--dry-run"): 0,
    ("apply", "--plan", "plan.json", "--auto-approve"): 4,
    ("drift",): 2,
    ("explain", "label/acme/site/bug"): 0,
    ("accept", "label/acme/site/bug"): 0,
    ("export", *SCOPE): 0,
    ("export", *SCOPE, "--into", "keys/labels.yaml"): 0,
    ("journal", "torn.jsonl"): 0,
}
"""Commands that send requests, and their exit codes."""


@pytest.mark.parametrize("words", UNDER_BASE, ids=" ".join)
def test_with_a_trusted_base_no_command_uses_the_configuration_or_a_kind_of_a_pull_request(
    cli: CommandLine, work: Path, server: Recorder, other: Recorder, words: tuple[str, ...]
) -> None:
    cli("plan", "--out", "plan.json")
    cli("apply", "--auto-approve", "--journal", "done.jsonl")
    lines = (work / "done.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if json.loads(line)["event"] != "outcome"]
    (work / "torn.jsonl").write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    propose(work, other)
    server.requests.clear()
    done = cli(*words, *BASE, "--kinds", "kinds/github") if words[0] == "export" else cli(*words, *BASE)
    assert (done.code, other.requests) == (UNDER_BASE[words], []), done.everything
    assert server.sent("Authorization") == {f"Bearer {BOUND}"}
    assert {"labels" in request.target for request in server.requests} == {True}
    assert "the configuration differs from that at main; with --trust base the old one is used" in done.err


@pytest.mark.usefixtures("reviewed")
def test_with_a_trusted_base_kinds_and_checks_are_those_of_the_commit(cli: CommandLine) -> None:
    assert "/repos/{owner}/{repo}/secrets" in cli("kinds").out
    assert "/repos/{owner}/{repo}/labels" in cli("kinds", *BASE).out
    done = cli("validate", *BASE)
    assert (done.code, "kinds differ from those at main: label.schema.json" in done.err) == (0, True)


def test_a_pull_request_cannot_raise_a_limit(cli: CommandLine, work: Path, server: Recorder) -> None:
    configure(work, server, limits={"max_changes": 0})
    git(work, "commit", "--quiet", "--all", "--message", "limit")
    git(work, "switch", "--quiet", "--create", "branch")
    configure(work, server, limits={"max_changes": 100})
    git(work, "commit", "--quiet", "--all", "--message", "raised")
    assert (cli("plan").code, cli("plan", *BASE).code) == (0, 3)


def test_with_the_tree_trusted_the_configuration_of_the_tree_is_used(
    cli: CommandLine, reviewed: Path, server: Recorder, other: Recorder
) -> None:
    cli("plan", "--base", "main")
    assert (server.requests, other.sent("Authorization")) == ([], {f"Bearer {OTHER}"})
    assert reviewed.is_dir()


@pytest.mark.parametrize("change", ["removed", "hidden", "link", "invalid"])
def test_a_pull_request_cannot_remove_or_hide_the_configuration(
    cli: CommandLine, reviewed: Path, server: Recorder, other: Recorder, change: str
) -> None:
    file = reviewed / "reconciler.yaml"
    if change == "hidden":
        file.rename(reviewed / "keys/reconciler.yaml")
        cli.environment.chdir(reviewed / "keys")
    else:
        file.unlink()
    if change == "link":
        file.symlink_to("/etc/hostname")
    elif change == "invalid":
        file.write_text("&", encoding="utf-8")
    done = cli("plan", *BASE)
    assert (done.code, other.requests) == (0, []), done.err
    assert server.sent("Authorization") == {f"Bearer {BOUND}"}
    assert "the configuration differs from that at main" in done.err


def test_one_that_a_pull_request_adds_is_not_used(cli: CommandLine, work: Path, other: Recorder) -> None:
    git(work, "rm", "--quiet", "reconciler.yaml")
    git(work, "commit", "--quiet", "--message", "without")
    configure(work, other)
    done = cli("plan", "keys/", *BASE)
    assert (done.code, other.requests) == (1, [])
    assert "the configuration differs from that at main" in done.err


def test_a_trusted_base_without_a_base_takes_the_named_one_alone(
    cli: CommandLine, work: Path, server: Recorder
) -> None:
    done = cli("plan", "keys/", "--trust", "base")
    assert (
        "reconciler.yaml is not used: with --trust base, the configuration comes from the commit" in done.err
    )
    assert server.requests == []
    assert "which is not given, or from --config" in cli("apply", "keys/", "--trust", "base").err
    assert cli("plan", "--trust", "base", "--config", "reconciler.yaml").code == 0
    assert len(server.requests) == 1
    assert work.is_dir()


def test_with_files_of_another_repository_the_one_of_the_working_folder_is_not_used(
    cli: CommandLine, work: Path, server: Recorder
) -> None:
    git(work.parent, "clone", "--quiet", str(work), "clone")
    done = cli("plan", str(work.parent / "clone/keys"), *BASE)
    assert "the configuration comes from the repository of the files, or from --config" in done.err
    assert server.requests == []


@pytest.mark.parametrize("place", ["conf", "keys", "keys/kinds"])
@pytest.mark.parametrize("named", [True, False])
def test_a_submodule_of_a_pull_request_has_no_configuration(  # noqa: PLR0913 - two servers, and what is where
    cli: CommandLine, work: Path, server: Recorder, other: Recorder, place: str, *, named: bool
) -> None:
    (work / "kinds/github").rename(work / "keys/kinds")
    (work / "conf").mkdir()
    for folder in (work, work / "conf"):
        configure(folder, server, apis={"github": {"base_url": server.url}}, paths=["."])
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "named")
    theirs = work.parent / "theirs"
    shutil.copytree(work / place, theirs)
    configure(theirs, other, apis={"github": {"base_url": other.url}}, paths=["."])
    git(theirs, "init", "--quiet", "--initial-branch", "main")
    git(theirs, "add", ".")
    git(theirs, "commit", "--quiet", "--message", "theirs")
    git(work, "switch", "--quiet", "--create", "submodule")
    git(work, "rm", "--quiet", "-r", place)
    git(work, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(theirs), place)
    git(work, "commit", "--quiet", "--message", "submodule")
    config = ("--config", f"{work}/conf/reconciler.yaml") if named else ()
    cli.environment.chdir(work)
    done = cli("plan", f"{work}/keys", *BASE, *config)
    is_refused = place == "keys" or (place == "conf" and named)
    assert (done.code, "is in a submodule" in done.err) == (int(is_refused), is_refused), done.everything
    assert (other.requests, bool(server.requests)) == ([], not is_refused)


def test_a_link_to_one_of_the_repository_is_under_review_too(
    cli: CommandLine, reviewed: Path, server: Recorder, other: Recorder
) -> None:
    link = reviewed.parent / "link.yaml"
    link.symlink_to(reviewed / "reconciler.yaml")
    done = cli("plan", "keys/", *BASE, "--config", str(link))
    assert (done.code, server.requests, other.requests) == (1, [], [])
    assert "--base needs a Git checkout" in done.err


def test_a_plan_is_shown_with_the_kinds_of_the_base(
    cli: CommandLine, reviewed: Path, server: Recorder
) -> None:
    assert cli("plan", *BASE, "--out", "plan.json").code == 0
    assert cli("show", "plan.json").code == 3
    (reviewed / "reconciler.yaml").write_text("&", encoding="utf-8")
    assert cli("show", "plan.json").code == 1
    done = cli("show", "plan.json", *BASE)
    assert (done.code, "label/acme/site/bug" in done.out) == (0, True), done.err
    assert server.requests != []


def test_the_empty_device_is_no_configuration(cli: CommandLine, work: Path) -> None:
    (work / "reconciler.yaml").write_text("&", encoding="utf-8")
    cli.environment.setenv("RECONCILER_CONFIG", "/dev/null")
    done = cli("validate", "keys/")
    assert "reconciler.yaml" not in done.err
    assert '"label"' in done.err


def test_a_configuration_from_elsewhere_is_the_operators(
    cli: CommandLine, reviewed: Path, server: Recorder, other: Recorder
) -> None:
    operators = reviewed.parent / "operators"
    shutil.copytree(EXAMPLES / "kinds", operators / "kinds/github")
    configure(operators, server, paths=["kinds"])
    assert cli("plan", "keys/", *BASE, "--config", str(operators / "reconciler.yaml")).code == 0
    assert (other.requests, server.sent("Authorization")) == ([], {f"Bearer {BOUND}"})
    done = cli("plan", *BASE, "--config", "keys/other.yaml")
    assert "--config keys/other.yaml is not in the commit main" in done.err
