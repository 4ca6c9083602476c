"""One configuration with several APIs: each is named, and one that is down leaves the others as they are."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.kinds.packaged import resource
from tests.hostile_git import git
from tests.places import Place, place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import CommandLine

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
