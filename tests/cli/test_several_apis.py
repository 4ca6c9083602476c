"""One configuration with several APIs: each is named, and one that is down leaves the others as they are."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from reconciler.kinds.packaged import packaged_schema, resource
from tests.hostile_git import git
from tests.places import Place, place
from tests.recorder import recorder
from tests.support import lines_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import CommandLine

MESSAGES = Draft7Validator(packaged_schema("notification"))
LABELS, MILESTONES = "/repos/acme/site/labels", "/repos/acme/site/milestones"
HUB, TEA, GOAL = "github.label/acme/site/bug", "gitea.label/acme/site/bug", "milestone/acme/site/bug"


@pytest.fixture
def hub() -> Iterator[Place]:
    """An API with labels."""
    with place() as running:
        running.hold(LABELS, "bug")
        yield running


@pytest.fixture
def tea() -> Iterator[Place]:
    """An API with labels too, and with milestones, which the other has not."""
    with place() as running:
        running.hold(LABELS, "bug")
        running.hold(MILESTONES, "bug", "stray")
        yield running


def kind_of(collection: str) -> str:
    kind = json.loads((resource("examples") / "kinds/label.schema.json").read_text(encoding="utf-8"))
    kind["x-reconciler"]["collection"] = collection
    return json.dumps(kind)


def document(kind: str, *names: str, color: str = "d73a4a", more: str = "") -> str:
    keys = "".join(f"  - name: {name}\n    color: {color}\n" for name in names)
    return f"kind: {kind}\nowner: acme\nrepo: site\n{more}keys:\n{keys}"


def configure(folder: Path, apis: dict[str, dict[str, Any]], **members: Any) -> None:
    every = {name: {"kinds": f"kinds/{name}/", **api} for name, api in apis.items()}
    every = {name: {word: value for word, value in api.items() if value} for name, api in every.items()}
    (folder / "reconciler.yaml").write_text(json.dumps({"paths": ["keys/"], "apis": every} | members))


@pytest.fixture
def work(cli: CommandLine, tmp_path: Path, hub: Place, tea: Place) -> Path:
    """A repository with a label of each API and a milestone of one; each differs."""
    folder = tmp_path / "work"
    for name in ("keys", "kinds/github", "kinds/gitea"):
        (folder / name).mkdir(parents=True)
    for name in ("github", "gitea"):
        (folder / f"kinds/{name}/label.schema.json").write_text(kind_of("/repos/{owner}/{repo}/labels"))
    (folder / "kinds/gitea/milestone.schema.json").write_text(kind_of("/repos/{owner}/{repo}/milestones"))
    texts = [document(kind, "bug") for kind in ("github.label", "gitea.label", "milestone")]
    (folder / "keys/all.yaml").write_text("---\n".join(texts))
    configure(folder, {"github": {"base_url": hub.url}, "gitea": {"base_url": tea.url}})
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    cli.environment.delenv("GCORE_BASE_URL")
    cli.environment.setenv(f"RECONCILER_TOKEN_{hub.variable}", "token-of-the-hub")
    cli.environment.setenv(f"RECONCILER_TOKEN_{tea.variable}", "token-of-the-tea")
    cli.environment.chdir(folder)
    return folder


# Names


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("form", ["text", "markdown", "diff", "html"])
def test_a_plan_says_of_each_key_which_api_has_it(cli: CommandLine, form: str) -> None:
    shown = cli("plan", "--format", form, "-v").out
    assert shown.count("API github") == 1 or "API <code>github</code>" in shown
    assert shown.count("API gitea") >= 2 or shown.count("API <code>gitea</code>") == 2
    if form in {"text", "html"}:
        assert "milestone/acme/site/stray (API gitea)" in shown


@pytest.mark.usefixtures("work")
def test_annotations_of_github_name_the_api(cli: CommandLine) -> None:
    shown = cli("plan", "--format", "github").out
    assert f"::{GOAL} (API gitea)" in shown
    assert f"::{HUB} (API github)" in shown


@pytest.mark.usefixtures("work")
def test_requests_events_and_outcomes_name_the_api(cli: CommandLine) -> None:
    planned = cli("plan", "-v")
    assert f"github: GET {LABELS}?per_page=100&page=1 -> 200" in planned.err
    assert f"gitea: GET {MILESTONES}?per_page=100&page=1 -> 200" in planned.err
    lines = cli("apply", "--auto-approve", "--events", "--target", "*.label/*").out.splitlines()
    events = [json.loads(line) for line in lines]
    apis = {event["hook"]["resource"]["addr"]: event["hook"]["api"] for event in events if "hook" in event}
    assert apis == {HUB: "github", TEA: "gitea"}
    assert f"{GOAL} (API gitea): applied" in cli("apply", "--auto-approve").out


@pytest.mark.usefixtures("work")
def test_the_kinds_of_several_apis_name_them_and_their_files(cli: CommandLine) -> None:
    shown = cli("kinds").out
    assert "github.label\n  api       github\n  from      " in shown
    kinds = {kind["name"]: kind for kind in json.loads(cli("kinds", "--format", "json").out)["kinds"]}
    for name in ("github", "gitea"):
        assert kinds[f"{name}.label"]["file"].endswith(f"kinds/{name}/label.schema.json")
        assert kinds[f"{name}.label"]["api"] == name
    assert (kinds["milestone"]["api"], kinds["caas"]["source"]) == ("gitea", "packaged")


@pytest.mark.usefixtures("work")
def test_kinds_of_apis_that_are_not_configured_are_not_suggested(cli: CommandLine, work: Path) -> None:
    (work / "keys/all.yaml").write_text(document("lable", "bug"))
    assert (
        'kind "lable" is unknown; write one of: github.label, gitea.label, milestone\n' in cli("validate").err
    )
    done = cli("export", "--kind", "lable")
    assert "'lable' is not one of github.label, gitea.label, milestone" in done.err


def test_an_object_of_two_apis_at_one_address_is_an_error_of_the_files(
    cli: CommandLine, work: Path, hub: Place
) -> None:
    configure(work, {"github": {"base_url": hub.url}, "gitea": {"base_url": f"{hub.url}/"}})
    done = cli("validate")
    assert done.code == 1
    assert done.err.count("both are") == 1
    assert f"{HUB}: is the same object as {TEA} at keys/all.yaml:" in done.err


@pytest.mark.parametrize("place", [".", "keys"])
def test_kinds_of_a_commit_belong_to_the_apis_of_its_configuration(
    cli: CommandLine, work: Path, place: str
) -> None:
    cli.environment.chdir(work / place)
    planned = cli("plan", "--trust", "base", "--base", "HEAD", "--format", "json")
    assert planned.code == 0, planned.err
    apis = {change["address"]: change["api"] for change in json.loads(planned.out)["resource_changes"]}
    assert apis == {HUB: "github", TEA: "gitea", GOAL: "gitea"}


@pytest.mark.parametrize("api", ["github", "gitea"])
def test_a_changed_kind_is_named_though_another_api_has_one_of_its_name(
    cli: CommandLine, work: Path, api: str
) -> None:
    (work / f"kinds/{api}/label.schema.json").write_text(kind_of("/repos/{owner}/{repo}/others"))
    planned = cli("plan", "--trust", "base", "--base", "HEAD")
    assert (planned.code, "Warning: kinds differ from those at HEAD: label.schema.json;" in planned.err) == (
        0,
        True,
    )


@pytest.mark.usefixtures("work")
def test_a_journal_settles_the_writes_to_every_api_of_a_run(cli: CommandLine, tmp_path: Path) -> None:
    file = str(tmp_path / "journal.jsonl")
    assert cli("apply", "--auto-approve", "--journal", file).code == 0
    offline = cli("journal", file, "--offline")
    assert (offline.code, offline.out) == (0, "3 writes, 0 in doubt.\n")


def test_the_schema_for_editors_knows_the_kinds_of_the_configuration(cli: CommandLine, work: Path) -> None:
    kind = json.loads(kind_of("/repos/{owner}/{repo}/labels"))
    kind["x-reconciler"]["scope"]["owner"] = {"type": "integer", "minimum": 1}
    (work / "kinds/gitea/label.schema.json").write_text(json.dumps(kind))
    printed = cli("schema")
    assert printed.code == 0, printed.err
    validator = Draft7Validator(json.loads(printed.out))

    def is_valid(**header: Any) -> bool:
        named: bool = validator.is_valid({"repo": "site", "keys": [{"name": "bug"}], **header})
        return named

    assert is_valid(kind="github.label", owner="acme")
    assert is_valid(kind="gitea.label", owner=7)
    assert is_valid(kind="milestone", owner="acme")
    assert not is_valid(kind="github.label", owner=7)
    assert not is_valid(kind="gitea.label", owner="acme")
    assert not is_valid(kind="label", owner="acme")
    assert not is_valid(kind="github.label")
    assert not is_valid(kind="milestone", owner="acme", keys=[{"name": "bug", "colour": "x"}])


def test_the_schema_for_editors_knows_no_kind_of_an_api_that_is_not_configured(
    cli: CommandLine, work: Path, hub: Place
) -> None:
    document = {"project_id": 1, "region_id": 76, "keys": [{"name": "web", "description": "x"}]}
    kinds: tuple[dict[str, str], ...] = ({}, {"kind": "caas"}, {"kind": "faas"})

    def judged() -> list[bool]:
        validator = Draft7Validator(json.loads(cli("schema").out))
        return [validator.is_valid({**kind, **document}) for kind in kinds]

    assert judged() == [False, False, False]
    configure(work, {"github": {"base_url": hub.url}, "gcore": {"kinds": None}})
    assert judged() == [True, True, True]


def test_the_schema_of_a_configuration_is_printed_whatever_is_wrong_with_it(
    cli: CommandLine, work: Path
) -> None:
    (work / "reconciler.yaml").write_text("apis: 1\n")
    assert cli("schema", "config").code == 0
    assert "apis must be a mapping" in cli("schema").err


def test_with_one_api_no_output_names_it(cli: CommandLine, work: Path, hub: Place) -> None:
    configure(work, {"github": {"base_url": hub.url}})
    (work / "keys/all.yaml").write_text(document("label", "bug"))
    for words in (("plan", "-v"), ("plan", "--format", "html"), ("drift",), ("apply", "--auto-approve")):
        done = cli(*words)
        assert "API github" not in done.everything
        assert "github: GET" not in done.everything


@pytest.mark.usefixtures("work")
def test_drift_names_the_api_of_each_key(cli: CommandLine, hub: Place) -> None:
    hub.status = 503
    shown = cli("drift", "--retries", "0", "-v")
    assert shown.code == 1
    assert "API gitea" in shown.out
    assert "milestone/acme/site/stray (API gitea)" in shown.out
    assert "github.label/acme/site: could not be read from the API github: GET" in shown.err
    keys = json.loads(cli("drift", "--retries", "0", "--format", "json").out)["resource_drift"]
    assert {key["address"]: key["api"] for key in keys} == {TEA: "gitea", GOAL: "gitea"}


@pytest.mark.usefixtures("work")
def test_a_scope_that_can_be_read_is_not_said_to_be_unreadable(cli: CommandLine, tea: Place) -> None:
    del tea.held[MILESTONES]
    planned = cli("plan")
    assert "milestone/acme/site: could not be read from the API gitea: GET" in planned.err
    why = (
        "is not planned, because a scope of the same API could not be read from the API gitea:"
        " milestone/acme/site"
    )
    assert f"gitea.label/acme/site: {why}" in planned.err
    assert (planned.code, HUB in planned.out, TEA in planned.out) == (1, True, False)
    assert cli("apply", "--auto-approve").code == 4
    assert tea.writes == []


@pytest.mark.usefixtures("work")
def test_if_all_are_down_each_scope_names_its_api(cli: CommandLine, hub: Place, tea: Place) -> None:
    hub.status = tea.status = 503
    for command in ("plan", "drift"):
        done = cli(command, "--retries", "0")
        assert done.code == 1
        assert "milestone/acme/site could not be read from the API gitea: GET" in done.err


def test_kinds_beside_the_files_belong_to_the_only_api(
    cli: CommandLine, work: Path, hub: Place, tmp_path: Path
) -> None:
    shutil.move(work / "kinds/github", work / "keys/kinds")
    configure(work, {"github": {"base_url": hub.url, "kinds": None}})
    (work / "keys/all.yaml").write_text(document("label", "bug"))
    file = str(tmp_path / "journal.jsonl")
    (change,) = json.loads(cli("plan", "--format", "json").out)["resource_changes"]
    assert change["api"] == "github"
    done = cli("apply", "--auto-approve", "--journal", file)
    assert (done.code, hub.writes) == (0, [("PATCH", f"{LABELS}/bug")]), done.err
    assert cli("journal", file).code == 0


# Watching


@pytest.mark.usefixtures("work")
def test_an_outage_is_that_of_one_api_and_ends_when_it_ends(
    cli: CommandLine, hub: Place, tea: Place, tmp_path: Path
) -> None:
    file, figures = str(tmp_path / "history.db"), tmp_path / "reconciler.prom"
    with recorder() as channel:
        words = ["drift", "--history", file, "--retries", "0", "--metrics-file", str(figures)]
        words += [
            "--webhook",
            channel.url,
            "--notify-after",
            "2",
            "--correct",
            "all",
            "--contested-after",
            "9",
        ]
        assert cli("apply", "--auto-approve", "--history", file).code == 0

        def drifted(status: int) -> Any:
            hub.status = status
            tea.held[LABELS]["bug"]["color"] = "000000"
            channel.requests.clear()
            done = cli(*words)
            assert tea.held[LABELS]["bug"]["color"] == "d73a4a"
            bodies = [json.loads(request.body) for request in channel.requests]
            return done, {body["type"]: body for body in bodies}

        for number in (1, 2, 3):
            done, sent = drifted(503)
            assert done.code == 1
            assert "github.label/acme/site: could not be read from the API github: GET" in done.err
            assert set(sent) == {"drift", "api.unreachable"} if number == 2 else {"drift"}
            assert sent["drift"]["data"]["fields"][0]["api"] == "gitea"
            assert f"`{TEA}` (API gitea) color:" in sent["drift"]["text"]
            if number == 2:
                outage = sent["api.unreachable"]
        assert outage["data"]["api"] == "github"
        assert outage["data"]["base_url"] == hub.url
        assert outage["data"]["errors"][0].startswith("github.label/acme/site: GET ")
        assert outage["text"].startswith(
            "*reconciler*: the API github cannot be read; the others are compared, since "
        )
        shown = figures.read_text()
        assert 'reconciler_scopes{api="github",standing="unreachable"} 1.0' in shown
        assert 'reconciler_scopes{api="gitea",standing="unreachable"} 0.0' in shown
        assert 'reconciler_api_requests_total{api="github",method="GET",status="503"} 3.0' in shown
        assert 'reconciler_corrections_total{api="gitea",outcome="corrected"} 3.0' in shown
        assert 'reconciler_corrections_total{api="github",outcome="corrected"} 0.0' in shown

        text = cli("history", "--history", file).out
        assert "API unreachable: github since 2026" in text
        assert "Not compared: github.label/acme/site (API github): unreachable: GET" in text
        assert f"\n{TEA} (API gitea)\n" in text
        page = cli("history", "--history", file, "--format", "html").out
        assert "API github unreachable since" in page
        assert "of 3 scopes unreachable" not in page
        found = json.loads(cli("history", "--history", file, "--format", "json").out)
        assert list(found["unreachable_apis"]) == ["github"]
        assert {scope["scope"]: scope["api"] for scope in found["scopes"]} == {
            "gitea.label/acme/site": "gitea",
            "github.label/acme/site": "github",
            "milestone/acme/site": "gitea",
        }
        assert {episode["api"] for episode in found["drift"]} == {"gitea"}

        done, sent = drifted(0)
        assert (done.code, set(sent)) == (0, {"drift", "api.reachable"})
        assert sent["api.reachable"]["data"]["errors"] == []
        assert "unreachable" not in cli("history", "--history", file).out
        assert 'reconciler_scopes{api="github",standing="unreachable"} 0.0' in figures.read_text()
        for body in (outage, sent["api.reachable"], sent["drift"]):
            assert list(MESSAGES.iter_errors(body)) == []


@pytest.mark.usefixtures("work")
def test_if_all_are_down_rounds_fail_until_one_succeeds(
    cli: CommandLine, hub: Place, tea: Place, tmp_path: Path
) -> None:
    file = str(tmp_path / "history.db")
    with recorder() as channel:
        words = ("drift", "--history", file, "--retries", "0", "--webhook", channel.url)

        def told(hub_status: int, tea_status: int) -> list[str]:
            hub.status, tea.status = hub_status, tea_status
            channel.requests.clear()
            cli(*words, "--notify-after", "1", "--target", "*.label/*")
            types = [json.loads(request.body)["type"] for request in channel.requests]
            return sorted(set(types) - {"drift"})

        assert told(0, 0) == []
        assert told(503, 503) == ["api.unreachable", "rounds.failing"]
        assert told(503, 0) == ["api.reachable"]
        assert told(0, 0) == ["api.reachable", "rounds.recovered"]


def test_a_round_that_compares_nothing_says_nothing_of_the_end_of_an_outage(
    cli: CommandLine, work: Path, hub: Place, tmp_path: Path
) -> None:
    file = str(tmp_path / "history.db")
    with recorder() as channel:
        words = (
            "drift",
            "--history",
            file,
            "--retries",
            "0",
            "--webhook",
            channel.url,
            "--notify-after",
            "1",
        )
        hub.status = 503
        cli(*words)
        kept = (work / "keys/all.yaml").read_text()
        (work / "keys/all.yaml").write_text("keys: [")
        channel.requests.clear()
        assert cli(*words).code == 1
        types = [json.loads(request.body)["type"] for request in channel.requests]
        assert "api.reachable" not in types
        (work / "keys/all.yaml").write_text(kept)
        hub.status = 0
        cli(*words)
        types = [json.loads(request.body)["type"] for request in channel.requests]
        assert "api.reachable" in types


@pytest.mark.usefixtures("work")
def test_a_service_corrects_the_others_in_each_round(cli: CommandLine, hub: Place, tea: Place) -> None:
    words = ("drift", "--every", "1s", "--correct", "all", "--retries", "0", "--metrics-port", "0")
    hub.status = 503
    with cli.start(*words) as process:
        lines_until(process.stderr, "Apply complete")
        tea.held[LABELS]["bug"]["color"] = "000000"
        lines_until(process.stderr, "Apply complete")
        hub.status = 0
        lines_until(process.stderr, "Rounds succeed again")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert hub.held[LABELS]["bug"]["color"] == tea.held[LABELS]["bug"]["color"] == "d73a4a"


def test_projects_that_cannot_be_looked_up_any_more_hold_up_no_other_api(
    cli: CommandLine, work: Path, hub: Place, tea: Place
) -> None:
    hub.fixed = {
        "/cloud/v1/projects": {"count": 1, "results": [{"id": 1, "name": "prod"}]},
        "/cloud/v1/regions": {"count": 1, "results": [{"id": 76, "display_name": "Luxembourg"}]},
        "/cloud/v1/caas/keys/1/76": {"count": 0, "results": []},
    }
    configure(work, {"gcore": {"kinds": None}, "gitea": {"base_url": tea.url}})
    cli.environment.setenv("GCORE_BASE_URL", hub.url)
    named = "kind: caas\nproject: prod\nregion: Luxembourg\nkeys: []\n"
    (work / "keys/all.yaml").write_text(f"{named}---\n{document('milestone', 'bug')}")
    with cli.start("drift", "--every", "1s", "--correct", "all", "--retries", "0") as process:
        lines_until(process.stderr, "Apply complete")
        hub.status = 503
        tea.held[MILESTONES]["bug"]["color"] = "000000"
        logged = "".join(lines_until(process.stderr, "Apply complete"))
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=60)
    assert "caas/1/76: could not be read from the API gcore: GET" in logged + rest


# Names of projects and regions, which are looked up at one API

LISTS = {
    "/cloud/v1/projects": {"count": 1, "results": [{"id": 1, "name": "prod"}]},
    "/cloud/v1/regions": {"count": 1, "results": [{"id": 76, "display_name": "Luxembourg"}]},
}
LIVE: dict[str, Any] = {
    "name": "web",
    "id": "1",
    "description": "theirs",
    "created_at": "2026-01-01T00:00:00Z",
}
NAMED = "kind: caas\nproject: prod\nregion: Luxembourg\n"
WEB = "keys: [{name: web, description: ours}]\n"


@pytest.fixture
def named(cli: CommandLine, work: Path, hub: Place, tea: Place) -> Path:
    """Two APIs: one with the key of a project that is declared by its name, one with milestones."""
    key = LIVE | {"expire": None, "is_disabled": False, "bind_type": "all", "ids": []}
    hub.fixed = LISTS | {"/cloud/v1/caas/keys/1/76": {"count": 1, "results": [key]}}
    configure(work, {"gcore": {"kinds": None}, "gitea": {"base_url": tea.url}})
    cli.environment.setenv("GCORE_BASE_URL", hub.url)
    (work / "keys/all.yaml").write_text(f"{NAMED}{WEB}---\n{document('milestone', 'bug')}")
    return work


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    "words",
    [("plan",), ("plan", "--target", "milestone/*", "--target", "caas/1/76/*"), ("plan", "--base", "HEAD")],
)
def test_names_that_cannot_be_looked_up_leave_the_other_api_planned(
    cli: CommandLine, hub: Place, words: tuple[str, ...]
) -> None:
    hub.status = 503
    planned = cli(*words, "--retries", "0")
    lack = "caas/prod/Luxembourg: could not be read from the API gcore: GET /cloud/v1/projects"
    assert (planned.code, f"Error: {lack}" in planned.err) == (1, True), planned.err
    assert (f"# {GOAL} will be updated" in planned.out, "declared" in planned.err) == (True, False)
    assert len(hub.requests) == 2  # one for each list, and none for keys


@pytest.mark.usefixtures("named")
def test_names_that_cannot_be_looked_up_leave_the_other_api_applied(
    cli: CommandLine, hub: Place, tea: Place
) -> None:
    hub.status = 503
    done = cli("apply", "--auto-approve", "--retries", "0", "--history", "h.db")
    assert (done.code, tea.writes) == (4, [("PATCH", f"{MILESTONES}/bug")]), done.err
    assert "caas/prod/Luxembourg: could not be read from the API gcore: GET" in done.err
    assert f"PATCH {LABELS}" not in cli("explain", GOAL, "--retries", "0").everything
    other = cli("explain", "caas/1/76/web", "--retries", "0")
    assert (other.code, "Error: GET /cloud/v1/projects" in other.err) == (1, True)


@pytest.mark.usefixtures("named")
def test_names_that_cannot_be_looked_up_end_nothing_in_a_history(
    cli: CommandLine, hub: Place, tea: Place
) -> None:
    words = ("drift", "--history", "h.db", "--retries", "0")
    assert cli(*words).code == 2

    def kept() -> tuple[dict[str, str], dict[str, str]]:
        found = json.loads(cli("history", "--history", "h.db", "--format", "json").out)
        return (
            {scope["scope"]: scope["standing"] for scope in found["scopes"]},
            {episode["address"]: episode["outcome"] for episode in found["drift"]},
        )

    before = kept()
    assert before[0] == {"caas/1/76": "drifted", "milestone/acme/site": "drifted"}
    hub.status = 503
    down = cli(*words, "--correct", "all")
    assert (down.code, tea.writes) == (1, [("PATCH", f"{MILESTONES}/bug")]), down.err
    after = kept()
    assert after[0] == {"caas/1/76": "unreachable", "milestone/acme/site": "in sync"}
    assert after[1] == before[1] | {GOAL: "corrected"}
    hub.status = 0
    assert cli(*words).code == 2
    assert kept()[0] == {"caas/1/76": "drifted", "milestone/acme/site": "in sync"}


def test_what_a_name_may_mean_is_not_changed_while_it_cannot_be_looked_up(
    cli: CommandLine, named: Path, hub: Place
) -> None:
    by_number = "kind: caas\nproject_id: 1\nregion_id: 76\nexclusive: true\nkeys: []\n"
    (named / "keys/all.yaml").write_text(f"{NAMED}{WEB}---\n{by_number}---\n{document('milestone', 'bug')}")
    del hub.fixed["/cloud/v1/projects"]
    done = cli("drift", "--correct", "all", "--allow-destroy", "--retries", "0")
    assert (done.code, hub.writes) == (1, []), done.everything
    assert "caas/1/76: could not be read from the API gcore: GET /cloud/v1/projects" in done.err
    assert "Apply complete! Resources: 0 added, 1 changed, 0 destroyed." in done.out


@pytest.mark.usefixtures("named")
def test_a_key_of_another_api_is_accepted_whatever_names_its_files_hold(cli: CommandLine) -> None:
    assert cli("accept", GOAL).code == 0
    refused = cli("accept", "caas/1/76/web")
    assert "keys/all.yaml:2:10: accept does not resolve the name prod; write project_id" in refused.err


def test_the_project_of_another_api_has_no_name_to_look_up(cli: CommandLine, named: Path) -> None:
    kind = json.loads(kind_of("/projects/{project_id}/milestones"))
    del kind["x-reconciler"]["scope"]
    (named / "kinds/gitea/milestone.schema.json").write_text(json.dumps(kind))
    (named / "keys/all.yaml").write_text("kind: milestone\nproject: prod\nkeys: [{name: bug}]\n")
    done = cli("validate")
    message = (
        "keys/all.yaml:2:1: project is available only with the API gcore, but milestone is a kind of gitea"
    )
    assert (done.code, message in done.err) == (1, True), done.err


@pytest.mark.usefixtures("work")
def test_the_token_of_one_api_is_missing_and_drift_compares_the_others(cli: CommandLine, hub: Place) -> None:
    cli.environment.delenv(f"RECONCILER_TOKEN_{hub.variable}")
    done = cli("drift", "--correct", "all")
    assert (done.code, hub.requests) == (1, [])
    lack = f"no token for {hub.url[7:]}: RECONCILER_TOKEN_{hub.variable} is not set"
    assert f"github.label/acme/site: could not be read from the API github: {lack}" in done.err
    assert "Apply complete! Resources: 0 added, 2 changed, 0 destroyed." in done.out


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("is_missing", ["hub", "tea"])
def test_the_token_of_one_api_is_missing_and_nothing_is_planned_or_sent(
    cli: CommandLine, hub: Place, tea: Place, is_missing: str
) -> None:
    place_of = hub if is_missing == "hub" else tea
    cli.environment.delenv(f"RECONCILER_TOKEN_{place_of.variable}")
    for words in (("plan",), ("apply", "--auto-approve")):
        done = cli(*words)
        assert (done.code, done.out, hub.requests, tea.requests) == (1, "", [], [])
        assert f"set RECONCILER_TOKEN_{place_of.variable}, or RECONCILER_TOKEN_FILE_" in done.err


@pytest.mark.usefixtures("work")
def test_all_tokens_that_are_missing_are_named_at_once(cli: CommandLine, hub: Place, tea: Place) -> None:
    for one in (hub, tea):
        cli.environment.delenv(f"RECONCILER_TOKEN_{one.variable}")
    done = cli("plan")
    assert (done.code, done.err.count("no token for 127.0.0.1:"), hub.requests, tea.requests) == (
        1,
        2,
        [],
        [],
    )


# Histories


def test_a_history_takes_an_added_api_and_refuses_a_moved_one(
    cli: CommandLine, work: Path, hub: Place, tea: Place, tmp_path: Path
) -> None:
    file = str(tmp_path / "history.db")
    both = (work / "keys/all.yaml").read_text()
    configure(work, {"gitea": {"base_url": tea.url}})
    (work / "keys/all.yaml").write_text(document("milestone", "bug"))
    assert cli("drift", "--history", file).code == 2
    assert "API gitea" not in cli("history", "--history", file).out
    configure(work, {"gitea": {"base_url": tea.url}, "github": {"base_url": hub.url}})
    (work / "keys/all.yaml").write_text(both)
    assert cli("drift", "--history", file).code == 2
    assert "(API github)" in cli("history", "--history", file).out

    configure(work, {"gitea": {"base_url": hub.url}, "github": {"base_url": hub.url}})
    moved = cli("drift", "--history", file)
    assert (moved.code, "API github" in moved.out) == (1, False)
    assert f"is of gitea at {tea.url}, not of {hub.url}; use another file" in moved.err


def test_a_kind_that_moved_to_another_api_needs_another_history(
    cli: CommandLine, work: Path, hub: Place, tea: Place, tmp_path: Path
) -> None:
    file = str(tmp_path / "history.db")
    (work / "keys/all.yaml").write_text(document("milestone", "bug"))
    assert cli("apply", "--auto-approve", "--history", file).code == 0
    shutil.move(work / "kinds/gitea/milestone.schema.json", work / "kinds/github/milestone.schema.json")
    hub.hold(MILESTONES, "bug")
    before = json.loads(cli("history", "--history", file, "--format", "json").out)
    for command in (("drift",), ("apply", "--auto-approve")):
        done = cli(*command, "--history", file)
        assert done.code == 1
        was = f"its keys of the kind milestone are of gitea at {tea.url}, not of github at {hub.url}"
        assert f"{was}; use another file" in done.err
    assert hub.writes == []
    assert json.loads(cli("history", "--history", file, "--format", "json").out)["scopes"] == before["scopes"]


def test_an_api_that_is_only_renamed_keeps_its_history(
    cli: CommandLine, work: Path, hub: Place, tea: Place, tmp_path: Path
) -> None:
    file = str(tmp_path / "history.db")
    (work / "keys/all.yaml").write_text(document("milestone", "bug"))
    assert cli("apply", "--auto-approve", "--history", file).code == 0
    shutil.move(work / "kinds/gitea", work / "kinds/forge")
    configure(work, {"github": {"base_url": hub.url}, "forge": {"base_url": tea.url}})
    assert cli("drift", "--history", file).code == 0


# Requests in flight


@pytest.fixture
def many(work: Path, hub: Place, tea: Place) -> Path:
    """Twenty repositories at each API, with a label each that differs."""
    texts = []
    for number in range(20):
        for place_of, kind in ((hub, "github.label"), (tea, "gitea.label")):
            place_of.hold(f"/repos/acme/r{number}/labels", "bug")
            texts.append(document(kind, "bug").replace("repo: site", f"repo: r{number}"))
    (work / "keys/all.yaml").write_text("---\n".join(texts))
    return work


@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve"), ("drift", "--correct", "all")])
def test_each_api_has_its_own_number_of_requests_in_flight(
    cli: CommandLine, many: Path, hub: Place, tea: Place, command: tuple[str, ...]
) -> None:
    configure(many, {"github": {"base_url": hub.url}, "gitea": {"base_url": tea.url, "parallelism": 2}})
    hub.seconds = tea.seconds = 0.02
    assert cli(*command).code == 0
    assert (tea.most, hub.most > 2, hub.most <= 10) == (2, True, True)
    hub.most = tea.most = 0
    assert cli("plan", "--parallelism", "3").code == 0
    assert (tea.most, hub.most) == (3, 3)


@pytest.mark.parametrize(
    "command", [("plan",), ("plan", "--processes", "2"), ("drift",), ("apply", "--auto-approve")]
)
def test_the_pause_that_one_api_asks_for_is_no_other_ones(
    cli: CommandLine, many: Path, hub: Place, tea: Place, command: tuple[str, ...]
) -> None:
    configure(many, {"github": {"base_url": hub.url, "parallelism": 1}, "gitea": {"base_url": tea.url}})
    hub.status, hub.headers = 429, {"Retry-After": "10000"}
    done = cli(*command)
    assert ("asked for a pause" in done.err or "429" in done.err, len(hub.requests)) == (True, 1)
    listings = {path for method, path, _ in tea.requests if method == "GET"}
    assert (len(listings), len(tea.writes)) == (20, 20 if command[0] == "apply" else 0)
    assert done.out.count("gitea.label/acme/r") >= 20


def test_a_slow_api_does_not_hold_up_another(cli: CommandLine, many: Path, hub: Place, tea: Place) -> None:
    done: list[int] = []
    tea.seconds = 30

    def release() -> None:
        deadline = threading.Event()
        while len(hub.writes) < 20 and not deadline.wait(0.05) and len(done) < 200:
            done.append(len(hub.writes))
        done.append(len(tea.writes))
        tea.never.set()

    assert cli("plan", "--out", "plan.json", "--target", "github.label/*").code == 0
    configure(many, {"github": {"base_url": hub.url}, "gitea": {"base_url": tea.url, "parallelism": 1}})
    tea.never.set()
    assert cli("plan", "--out", "plan.json").code == 0
    tea.never.clear()
    thread = threading.Thread(target=release)
    thread.start()
    finished = cli("apply", "--plan", "plan.json", "--auto-approve")
    thread.join()
    assert (finished.code, len(hub.writes), len(tea.writes), done[-1]) == (0, 20, 20, 0)


# Saved plans, approvals and what is taken back


@pytest.mark.usefixtures("work")
def test_a_saved_plan_is_shown_and_applied_with_the_names_of_its_apis(
    cli: CommandLine, hub: Place, tea: Place
) -> None:
    planned = json.loads(cli("plan", "--out", "plan.json", "--format", "json").out)
    assert "API gitea" in cli("show", "plan.json").out
    other = cli("apply", "--auto-approve", "--expect", f"sha256:{'0' * 64}")
    assert (other.code, hub.writes, tea.writes) == (3, [], [])
    done = cli("apply", "--plan", "plan.json", "--auto-approve", "--expect", planned["fingerprint"])
    assert (done.code, len(hub.writes), len(tea.writes)) == (0, 1, 2), done.err


def test_a_saved_plan_is_refused_where_an_api_moved(
    cli: CommandLine, work: Path, hub: Place, tea: Place
) -> None:
    assert cli("plan", "--out", "plan.json").code == 0
    configure(work, {"github": {"base_url": tea.url}, "gitea": {"base_url": hub.url}})
    done = cli("apply", "--plan", "plan.json", "--auto-approve")
    assert (done.code, hub.writes, tea.writes) == (3, [], [])
    assert (
        f"made for gitea {tea.url}, github {hub.url}, not for gitea {hub.url}, github {tea.url}" in done.err
    )


def test_a_saved_plan_of_one_api_needs_no_token_of_another(
    cli: CommandLine, work: Path, hub: Place, tea: Place
) -> None:
    apis = {"github": {"base_url": hub.url}, "gitea": {"base_url": tea.url}}
    third = {"third": {"base_url": "https://third.example.com", "kinds": None}}
    configure(work, apis | third)
    cli.environment.delenv(f"RECONCILER_TOKEN_{tea.variable}")
    (work / "keys/all.yaml").write_text(document("github.label", "bug"))
    for words in (("plan", "--out", "plan.json"), ("apply", "--plan", "plan.json", "--auto-approve")):
        done = cli(*words)
        assert done.code == 0, done.err
    assert (hub.writes, tea.requests) == ([("PATCH", f"{LABELS}/bug")], [])
    assert cli("drift").code == 0


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize(
    ("target", "addresses"),
    [("github.label/*", [HUB]), ("*.label/*", [TEA, HUB]), (TEA, [TEA]), ("milestone/*", [GOAL])],
)
def test_a_target_names_the_api_as_addresses_do(cli: CommandLine, target: str, addresses: list[str]) -> None:
    changes = json.loads(cli("plan", "--target", target, "--format", "json").out)["resource_changes"]
    assert [change["address"] for change in changes] == addresses


@pytest.mark.usefixtures("work")
def test_the_keys_of_an_api_that_is_not_configured_cannot_be_adopted(cli: CommandLine) -> None:
    for command in ("init", "export"):
        done = cli(command)
        assert (done.code, "caas is a kind of the API gcore, and" in done.err) == (1, True)


@pytest.mark.usefixtures("work")
def test_an_explanation_names_the_api(cli: CommandLine) -> None:
    assert f"# {GOAL} (API gitea)\n" in cli("explain", GOAL).out


@pytest.mark.usefixtures("work")
def test_ambiguous_kinds_are_explained_exported_and_accepted(
    cli: CommandLine, work: Path, hub: Place, tea: Place
) -> None:
    assert f"PATCH {LABELS}/bug" in cli("explain", TEA).out
    forms = "github.label/{owner}/{repo}/{name} or gitea.label/{owner}/{repo}/{name}"
    assert f"is not an address such as {forms}" in cli("explain", "label/acme/site/bug").err
    milestone = "milestone/{owner}/{repo}/{name}"
    assert f"is not an address such as {forms} or {milestone}" in cli("explain", "elsewhere").err
    assert hub.requests == []
    tea.hold(LABELS, "bug", "new")
    scope = ("--kind", "gitea.label", "--scope", "owner=acme", "--scope", "repo=site")
    assert "kind: gitea.label" in cli("export", *scope).out
    assert cli("export", *scope, "--into", "keys/all.yaml").code == 0
    text = (work / "keys/all.yaml").read_text()
    assert text.index("github.label") < text.index("gitea.label") < text.index("name: new")
    assert text.index("name: new") < text.index("milestone")
    assert cli("accept", TEA).code == 0
    changes = json.loads(cli("plan", "--format", "json").out)["resource_changes"]
    assert [change["address"] for change in changes] == [HUB, GOAL]
    assert hub.writes == tea.writes == []


def test_a_journal_in_doubt_is_resolved_at_each_api(
    cli: CommandLine, work: Path, hub: Place, tea: Place
) -> None:
    assert cli("apply", "--auto-approve", "--journal", "done.jsonl").code == 0
    lines = [json.loads(line) for line in Path("done.jsonl").read_text(encoding="utf-8").splitlines()]
    kept = [json.dumps(line) for line in lines if line["event"] != "outcome"]
    (work / "torn.jsonl").write_text("".join(f"{line}\n" for line in kept))
    tea.held[LABELS]["bug"]["color"] = "ededed"
    done = cli("journal", "torn.jsonl")
    assert f"{HUB} (API github): took effect" in done.out
    assert f"{TEA} (API gitea): did not take effect" in done.out
    configure(work, {"github": {"base_url": tea.url}, "gitea": {"base_url": hub.url}})
    moved = cli("journal", "torn.jsonl")
    assert (moved.code, f"it was written to {hub.url}" in moved.out) == (4, True)


def test_writes_to_other_apis_are_resolved_without_the_token_of_one(
    cli: CommandLine, work: Path, hub: Place, tea: Place
) -> None:
    assert cli("apply", "--auto-approve", "--journal", "done.jsonl").code == 0
    lines = [json.loads(line) for line in Path("done.jsonl").read_text(encoding="utf-8").splitlines()]
    kept = [json.dumps(line) for line in lines if line["event"] != "outcome"]
    unknown = (
        kept[0].replace("gitea.label", "gone").replace("github.label", "gone").replace("milestone", "gone")
    )
    (work / "torn.jsonl").write_text("".join(f"{line}\n" for line in [*kept, unknown]))
    assert {line["address"]: line["api"] for line in lines if line["event"] == "write"} == {
        HUB: "github",
        TEA: "gitea",
        GOAL: "gitea",
    }
    assert f"{GOAL} (API gitea): in doubt since " in cli("journal", "torn.jsonl", "--offline").out
    cli.environment.delenv(f"RECONCILER_TOKEN_{hub.variable}")
    done = cli("journal", "torn.jsonl")
    assert (done.code, "gone/acme/site/bug: outcome unknown (no such address)" in done.out) == (4, True), done
    assert f"{HUB} (API github): outcome unknown (no token for {hub.url[7:]}: " in done.out
    assert f"{TEA} (API gitea): took effect" in done.out
    cli.environment.delenv(f"RECONCILER_TOKEN_{tea.variable}")
    none = cli("journal", "torn.jsonl")
    assert (none.code, none.out, "no token for" in none.err) == (1, "", True)


# What else can be configured


def test_two_apis_at_one_host_have_one_token_and_their_own_paths(
    cli: CommandLine, work: Path, hub: Place
) -> None:
    for front in ("/one", "/two"):
        hub.hold(f"{front}{LABELS}", "bug")
    urls = {"github": f"{hub.url}/one", "gitea": f"{hub.url}/two/"}
    configure(work, {name: {"base_url": url} for name, url in urls.items()})
    (work / "keys/all.yaml").write_text("---\n".join(document(f"{name}.label", "bug") for name in urls))
    assert cli("apply", "--auto-approve", "--history", "h.db", "--journal", "j.jsonl").code == 0
    assert sorted(hub.writes) == [("PATCH", f"{front}{LABELS}/bug") for front in ("/one", "/two")]
    assert hub.tokens == {"Bearer token-of-the-hub"}
    assert cli("journal", "j.jsonl").code == 0
    assert cli("drift", "--history", "h.db").code == 0


def test_one_address_under_two_names_is_two_apis(cli: CommandLine, work: Path, hub: Place) -> None:
    configure(work, {"github": {"base_url": hub.url}, "gitea": {"base_url": hub.url}})
    hub.hold(LABELS, "bug", "other")
    (work / "keys/all.yaml").write_text(
        "---\n".join([document("github.label", "bug"), document("gitea.label", "other")])
    )
    assert cli("apply", "--auto-approve", "--history", "h.db").code == 0
    assert cli("drift", "--history", "h.db").code == 0
    assert sorted(path for _, path in hub.writes) == [f"{LABELS}/bug", f"{LABELS}/other"]


@pytest.mark.parametrize("name", ["caas", "label", "label-label", "api", "gcore", "a", "x" * 40])
def test_an_api_may_be_named_like_a_kind(
    cli: CommandLine, work: Path, hub: Place, tea: Place, name: str
) -> None:
    shutil.move(work / "kinds/github", work / f"kinds/{name}")
    configure(work, {name: {"base_url": hub.url}, "gitea": {"base_url": tea.url}})
    if name == "gcore":
        cli.environment.setenv("GCORE_API_KEY", "token-of-the-hub")
        cli.environment.setenv("GCORE_BASE_URL", hub.url)
    (work / "keys/all.yaml").write_text(document(f"{name}.label", "bug"))
    assert cli("apply", "--auto-approve", "--history", "h.db").code == 0
    hub.held[LABELS]["bug"]["color"] = "000000"
    done = cli("drift", "--history", "h.db")
    assert (done.code, f"{name}.label/acme/site/bug" in done.out, tea.writes) == (2, True, [])
    assert cli("explain", f"{name}.label/acme/site/bug").code == 0


def test_twenty_apis_are_planned_and_applied_in_one_run(
    cli: CommandLine, work: Path, hub: Place, tea: Place
) -> None:
    names = [f"api-{number}" for number in range(20)]
    apis: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(names):
        shutil.copytree(work / "kinds/github", work / f"kinds/{name}")
        place_of = hub if number % 2 else tea
        place_of.hold(f"/{name}{LABELS}", "bug")
        apis[name] = {"base_url": f"{place_of.url}/{name}"}
    configure(work, apis)
    (work / "keys/all.yaml").write_text("---\n".join(document(f"{name}.label", "bug") for name in names))
    done = cli("apply", "--auto-approve")
    assert "Apply complete! Resources: 0 added, 20 changed, 0 destroyed." in done.out
    assert (len(hub.writes), len(tea.writes)) == (10, 10)
    assert cli("drift").code == 0


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize(
    "body", [b"\xff\xfe\x00", b"<html>", b"[{}]", b'{"a": 1}', b"[" * 100_000, b"null", b"[1, 2]"]
)
def test_garbage_from_one_api_is_its_own_fault(cli: CommandLine, hub: Place, tea: Place, body: bytes) -> None:
    hub.body = body
    planned = cli("plan", "--retries", "0")
    assert (planned.code, TEA in planned.out, GOAL in planned.out) == (1, True, True)
    assert "github.label/acme/site" in planned.err
    assert "Traceback" not in planned.everything
    cli("apply", "--auto-approve", "--retries", "0")
    assert (hub.writes, len(tea.writes)) == ([], 2)


def test_a_token_in_the_responses_of_another_api_is_not_shown(
    cli: CommandLine, work: Path, hub: Place, tea: Place
) -> None:
    secret = "token-of-the-hub"
    tea.held[LABELS]["bug"]["description"] = f"was {secret}"
    text = (
        (work / "keys/all.yaml")
        .read_text()
        .replace("    color: d73a4a\n", "    color: d73a4a\n    description: x\n")
    )
    (work / "keys/all.yaml").write_text(text)
    for words in (
        ("plan",),
        ("plan", "--format", "json"),
        ("drift",),
        ("explain", TEA),
        ("apply", "--dry-run"),
    ):
        done = cli(*words, *(() if words[0] == "explain" else ("--retries", "0")))
        assert secret not in done.everything
    tea.status, tea.body = 400, json.dumps({"message": f"no {secret}"}).encode()
    assert secret not in cli("plan", "--retries", "0").everything
    tea.headers = {"X-Request-Id": secret}
    assert secret not in cli("drift", "--retries", "0", "-v").everything
    assert hub.tokens == {f"Bearer {secret}"}


@pytest.mark.usefixtures("many")
def test_an_interrupt_ends_the_writes_to_every_api(cli: CommandLine, hub: Place, tea: Place) -> None:
    hub.seconds = tea.seconds = 0.1
    words = ("apply", "--auto-approve", "--parallelism", "1", "--journal", "j.jsonl")
    with cli.start(*words) as process:
        while not (hub.writes and tea.writes) and process.poll() is None:
            hub.never.wait(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "not attempted" in out
    for each in (hub, tea):
        assert 1 <= len(each.writes) < 20
        assert each.in_flight == 0
    assert cli("journal", "j.jsonl").code == 0
