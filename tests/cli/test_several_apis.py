"""One configuration with several APIs: each is named, and one that is down leaves the others as they are."""

from __future__ import annotations

import json
import shutil
import signal
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
    from pathlib import Path

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
        lines_until(process.stdout, "Apply complete")
        tea.held[LABELS]["bug"]["color"] = "000000"
        lines_until(process.stdout, "Apply complete")
        hub.status = 0
        lines_until(process.stdout, "Apply complete")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert hub.held[LABELS]["bug"]["color"] == tea.held[LABELS]["bug"]["color"] == "d73a4a"
    assert "Rounds succeed again" in err


@pytest.mark.usefixtures("work")
def test_the_token_of_one_api_is_missing_and_drift_compares_the_others(cli: CommandLine, hub: Place) -> None:
    cli.environment.delenv(f"RECONCILER_TOKEN_{hub.variable}")
    done = cli("drift", "--correct", "all")
    assert (done.code, hub.requests) == (1, [])
    lack = f"no token for {hub.url[7:]}: RECONCILER_TOKEN_{hub.variable} is not set"
    assert f"github.label/acme/site: could not be read from the API github: {lack}" in done.err
    assert "Apply complete! Resources: 0 added, 2 changed, 0 destroyed." in done.out
    assert cli("plan").code == 1


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
