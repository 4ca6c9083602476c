"""``init``: from an empty folder to a first plan, with and without a terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.idserver import STYLES, id_server, write_kind
from tests.support import CommandLine, emulate, fill, from_yaml, live, patches

if TYPE_CHECKING:
    from collections.abc import Callable

    from gcore_emulator import Emulator

ROOT = Path(__file__).parents[2]
HERE = ("--project-id", "1", "--region-id", "76")
FILE = "keys/caas-1-76.yaml"
FILLED = {
    "github": (".github/workflows/keys.yml", "YOUR-ORG and YOUR-COMMIT"),
    "gitlab": (".gitlab/reconciler.yml", "YOUR-HOST, YOUR-ORG and YOUR-COMMIT"),
}
NEXT = """
Next:
  reconciler plan   # no changes yet: edit keys/caas-1-76.yaml, and plan again
  reconciler apply  # plans, asks, and sends the fields that differ
"""


@pytest.fixture
def service(emulator: Emulator, cli: CommandLine, tmp_path: Path) -> Emulator:
    """Three projects, two regions, three keys, and an empty folder to begin in."""
    for number, name in ((1, "shop"), (3, "Bäckerei 东京"), (4, "shop-two")):
        emulator.put_project({"id": number, "name": name})
    for number, name in ((76, "Luxembourg-2"), (80, "Sines")):
        emulator.put_region({"id": number, "display_name": name})
    fill(emulator, "web-one", "web-two", "billing")
    cli.environment.chdir(tmp_path)
    return emulator


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def declared(folder: Path, file: str = FILE) -> list[str]:
    return [key["name"] for key in from_yaml((folder / file).read_text())["keys"]]


def test_without_a_terminal_options_say_all(cli: CommandLine, service: Emulator, tmp_path: Path) -> None:
    subprocess.run(["/usr/bin/env", "git", "init", "-q"], cwd=tmp_path, check=True)
    done = cli("init", *HERE)
    assert (done.code, done.err) == (0, f"API: {service.url}\n")
    assert done.out.endswith(NEXT)
    wrote = {line.split()[1] for line in done.out.splitlines() if line.startswith("Wrote")}
    assert wrote == {"reconciler.yaml", FILE, "keys.schema.json", ".gitignore"}
    assert (tmp_path / FILE).read_text().startswith("# yaml-language-server: $schema=../keys.schema.json\n")
    assert declared(tmp_path) == ["billing", "web-one", "web-two"]
    assert cli("plan").out == "No changes. Your infrastructure matches the configuration.\n"
    assert patches(service) == []


def test_on_a_terminal_it_asks_for_what_no_option_says(
    cli: CommandLine, service: Emulator, tmp_path: Path
) -> None:
    answers = [
        "nothing",
        "tokyo",
        "Bäck",
        "s",
        "sines",
        "x*",
        "none",
        "bitbucket",
        "gitlab",
    ]
    service.put_key(3, 80, live("far-away"))
    done = cli.on_terminal("init", answer=(f"{answer}\n".encode() for answer in answers))
    assert done.code == 0, done.out
    assert "Which API?" not in done.out  # the environment has its address
    assert "The token sees 3 projects:\n  3  Bäckerei 东京\n  1  shop\n  4  shop-two\n" in done.out
    again = (
        "No project has this id or name. Press Ctrl-C to exit; the token sees:\n  3  Bäckerei 东京\n  1 "
        " shop\n"
    )
    assert done.out.count(again) == 2
    assert "2 regions match:" not in done.out.partition("2 regions:")[0]
    assert "1 key live in caas/3/80: far-away\n" in done.out
    assert "No live key is called x*." in done.out
    assert "It is one of github, gitlab, none." in done.out
    assert declared(tmp_path, "keys/caas-3-80.yaml") == []
    assert {".gitlab-ci.yml", ".gitlab/reconciler.yml"} <= files(tmp_path)
    assert "run git init" in done.out


def test_a_part_of_a_name_that_several_have_is_asked_again(cli: CommandLine, service: Emulator) -> None:
    answers = iter([b"SHOP\n", b"shop\n"])
    done = cli.on_terminal("init", "--region-id", "76", "--key", "all", "--workflow", "none", answer=answers)
    assert "2 projects match:\n  1  shop\n  4  shop-two\n" in done.out
    assert (done.code, "declares 3 keys of caas/1/76" in done.out) == (0, True)
    assert service.requests


def test_of_many_projects_some_are_shown_and_all_are_found(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    cli.environment.chdir(tmp_path)
    for number in range(1, 301):
        emulator.put_project({"id": number, "name": f"project {number:03}"})
    emulator.put_region({"id": 76, "display_name": "Luxembourg-2"})
    answers = iter([b"project 29\n", b"299\n"])
    done = cli.on_terminal("init", "--workflow", "none", answer=answers)
    assert done.code == 0, done.out
    assert "  20  project 020\n  ... and 280 more\n" in done.out
    assert "10 projects match:" in done.out
    assert "Region: 76 (Luxembourg-2), the only one that the token sees\n" in done.out
    assert "No key is live in caas/299/76: are the ids right?" in done.out
    assert declared(tmp_path, "keys/caas-299-76.yaml") == []


def test_without_a_terminal_a_choice_is_asked_for_by_an_option(
    cli: CommandLine, service: Emulator, tmp_path: Path
) -> None:
    done = cli("init", "--region-id", "76")
    assert (done.code, done.out, files(tmp_path)) == (64, "", set())
    assert (
        "Missing option '--project-id'. The token sees 3 (Bäckerei 东京), 1 (shop), 4 (shop-two)." in done.err
    )
    assert service.requests


def test_chosen_keys_are_declared_alone(cli: CommandLine, service: Emulator, tmp_path: Path) -> None:
    done = cli("init", *HERE, "--key", "web-*", "--key", "none")
    assert (done.code, declared(tmp_path)) == (0, ["web-one", "web-two"])
    assert "Unmanaged: 1 key" in cli("plan").out
    again = cli("init", *HERE, "--key", "webs")
    assert (again.code, "No live key is called webs." in again.err) == (64, True)
    assert service.requests


@pytest.mark.parametrize("kept", ["reconciler.yaml", FILE, "keys.schema.json", ".gitignore"])
def test_nothing_is_overwritten(cli: CommandLine, service: Emulator, tmp_path: Path, kept: str) -> None:
    (tmp_path / "keys").mkdir()
    text = "paths: [keys/]\n" if kept == "reconciler.yaml" else "# ours\n*.db\n"
    (tmp_path / kept).write_text(text)
    done = cli("init", *HERE)
    assert (done.code, (tmp_path / kept).read_text()) == (0, text)
    assert f"Kept {kept}" in done.err
    assert f"Wrote {kept}" not in done.out
    assert ("lines that it lacks: plan.json" in done.err) == (kept == ".gitignore")
    assert ("reconciler export --project-id 1 --region-id 76 --into" in done.err) == (kept == FILE)
    second = cli("init", *HERE)
    assert (second.code, "Wrote" in second.out) == (0, False)
    assert service.requests


@pytest.mark.parametrize(("above", "reference"), [(False, "../"), (True, "../../")])
def test_in_a_subfolder_of_a_repository_the_first_line_leads_to_a_schema_that_is_there(
    cli: CommandLine, service: Emulator, tmp_path: Path, *, above: bool, reference: str
) -> None:
    subprocess.run(["/usr/bin/env", "git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "shop").mkdir()
    if above:
        (tmp_path / "keys.schema.json").write_text("{}\n")
    cli.environment.chdir(tmp_path / "shop")
    done = cli("init", *HERE)
    assert (done.code, "Kept ../keys.schema.json, which exists already" in done.err) == (0, above)
    place = tmp_path / "shop" / FILE
    named = place.read_text().partition("\n")[0].partition("$schema=")[2]
    assert named == f"{reference}keys.schema.json"
    assert (place.parent / named).is_file()
    assert (tmp_path / "shop/keys.schema.json").exists() is not above
    assert service.requests


def test_in_a_subfolder_of_a_repository_no_workflow_is_written(
    cli: CommandLine, service: Emulator, tmp_path: Path
) -> None:
    subprocess.run(["/usr/bin/env", "git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "shop").mkdir()
    cli.environment.chdir(tmp_path / "shop")
    done = cli("init", *HERE, "--workflow", "github")
    assert (done.code, files(tmp_path / "shop")) == (64, set())
    assert f"workflows count only at the top of the repository, {tmp_path}" in " ".join(done.err.split())
    assert not service.requests
    asked = cli.on_terminal("init", "--api", "gcore", *HERE, "--key", "all", answer=iter([]))
    assert (asked.code, "No workflow is written: workflows count only at the top" in asked.out) == (0, True)


def test_a_configuration_above_counts(cli: CommandLine, service: Emulator, tmp_path: Path) -> None:
    subprocess.run(["/usr/bin/env", "git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "reconciler.yaml").write_text("paths: [all/]\n")
    (tmp_path / "shop").mkdir()
    cli.environment.chdir(tmp_path / "shop")
    done = cli("init", *HERE)
    assert (done.code, "Kept ../reconciler.yaml" in done.err) == (0, True)
    assert f"  reconciler plan {FILE}   #" in done.out
    assert cli("plan", FILE).out.startswith("No changes.")
    assert service.requests


@pytest.mark.parametrize(
    ("token", "complaint"), [(None, "GCORE_API_KEY is not set"), ("1_wrong", "GCORE_API_KEY")]
)
def test_without_the_right_token_nothing_is_written(
    cli: CommandLine, service: Emulator, tmp_path: Path, token: str | None, complaint: str
) -> None:
    cli.environment.delenv("GCORE_API_KEY")
    if token is not None:
        cli.environment.setenv("GCORE_API_KEY", token)
    done = cli("init")
    assert (done.code, complaint in done.err, files(tmp_path)) == (1, True, set())
    assert all(record.method == "GET" for record in service.requests)


def test_a_token_that_sees_no_project_is_an_error(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    cli.environment.chdir(tmp_path)
    done = cli("init")
    assert (done.code, files(tmp_path)) == (1, set())
    assert (
        "the token sees no project: check that the token is right and belongs to the right account;"
        in done.err
    )
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("answer", [signal.SIGINT, b"\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_interrupted_it_writes_nothing(
    cli: CommandLine, service: Emulator, tmp_path: Path, answer: bytes | signal.Signals
) -> None:
    done = cli.alone_on_terminal("init", "--api", "gcore", answer=answer)
    assert (done.code, files(tmp_path)) == (130, set())
    assert done.out.endswith("\nInterrupted.\n")
    assert "Enter a value: Interrupted" not in done.out
    assert service.requests


@pytest.mark.parametrize(
    "make",
    [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")],
    ids=["folder", "pipe", "link to nothing"],
)
def test_what_is_there_and_cannot_be_read_is_kept(
    cli: CommandLine, service: Emulator, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / ".gitignore")
    done = cli("init", *HERE)
    assert (done.code, done.out.endswith(NEXT)) == (0, True), done.err
    assert "Kept .gitignore, which exists already\nThis folder is not in a Git repository;" in done.err
    assert service.requests


def test_a_folder_that_cannot_be_written_is_an_error(
    cli: CommandLine, service: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text("a file\n")
    done = cli("init", *HERE)
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[-1].startswith(f"Error: {FILE} cannot be written: ")
    assert service.requests


def test_a_kind_with_another_scope_is_refused(cli: CommandLine, service: Emulator) -> None:
    done = cli("init", "--kind", "thing", *HERE)
    assert (done.code, "'thing' is not one of caas, faas, inference" in done.err) == (64, True)
    assert not service.requests


def test_a_kind_without_a_region_asks_for_none(cli: CommandLine, tmp_path: Path) -> None:
    cli.environment.chdir(tmp_path)
    with emulate() as running:
        cli.use(running)
        done = cli("init", "--kind", "inference", "--project-id", "1")
        assert (done.code, "keys/inference-1.yaml" in done.out) == (0, True)
        assert cli("plan").out.startswith("No changes.")


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("command", ["init", "export"])
def test_a_number_that_the_kind_has_not_is_refused(cli: CommandLine, command: str) -> None:
    done = cli(command, "--kind", "inference", *HERE)
    assert (done.code, done.out) == (64, "")
    assert "--region-id has no effect: keys of the kind inference have no region." in done.err
    cli.environment.setenv("GCORE_CLOUD_REGION_ID", "76")  # set for other commands too
    assert cli(command, "--kind", "inference", "--project-id", "1").code == 0


def test_a_key_of_a_custom_kind_without_project_and_region_is_adopted(
    cli: CommandLine, tmp_path: Path
) -> None:
    cli.environment.chdir(tmp_path)
    style = STYLES["number ids in an envelope"]
    schema = json.loads(json.dumps(style.schema).replace("{team}", "red"))
    write_kind(tmp_path / "own kinds", schema | {"x-reconciler": schema["x-reconciler"] | {"scope": {}}})
    with id_server(style) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        for name in ("one", "two", "two"):
            server.add(name)
        begin = ("init", "--kind", "note", "--kinds", "own kinds")
        done = cli(*begin, "--key", "one", "--key", "one", "--key", "t*")
        assert (done.code, declared(tmp_path, "keys/note.yaml")) == (0, ["one"])
        assert "note/two: left out: is the name of 2 live objects" in done.err
        assert cli("plan").out.startswith("No changes.")
        assert cli("explain", "one").code == 0
        (tmp_path / "reconciler.yaml").write_text("paths: [keys/]\n")
        again = cli(*begin)
        assert "reconciler export --kind note --kinds 'own kinds' --into keys/note.yaml\n" in again.err
        assert "  reconciler plan keys/note.yaml --kinds 'own kinds'   #" in again.out
        assert "No live key is called x." in cli(*begin, "--key", "x", "--key", "x").err
        assert "note/two" not in cli(*begin, "--key", "one").err


def test_the_workflow_is_that_of_the_documentation(
    cli: CommandLine, service: Emulator, tmp_path: Path
) -> None:
    assert cli("init", *HERE, "--workflow", "github").code == 0
    written = from_yaml((tmp_path / ".github/workflows/keys.yml").read_text())
    page = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    assert written == from_yaml(page.split("## GitHub\n\n```yaml\n")[1].split("```")[0])
    assert service.requests


@pytest.mark.parametrize("forge", FILLED)
def test_what_the_workflow_needs_is_said(
    cli: CommandLine, service: Emulator, tmp_path: Path, forge: str
) -> None:
    file, filled = FILLED[forge]
    done = cli("init", *HERE, "--workflow", forge)
    tasks = done.out.partition("\nBefore the workflow runs:\n")[2]
    assert tasks.startswith(f"  {file}: fill in {filled}\n")
    assert ("GCORE_API_KEY" in tasks, "RECONCILER_APPLY_SECRET_SINK" in tasks) == (True, True)
    text = (tmp_path / file).read_text()
    assert all(word in text for word in filled.replace(",", "").replace(" and", "").split())
    assert "Copy to" not in text
    assert service.requests


@pytest.mark.parametrize(
    ("text", "is_lacking"),
    [("include: [{local: other.yml}]\n", True), ("include: .gitlab/reconciler.yml\n", False)],
)
def test_a_pipeline_that_is_there_is_kept_and_the_item_that_it_lacks_is_said(
    cli: CommandLine, service: Emulator, tmp_path: Path, text: str, *, is_lacking: bool
) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text(text)
    done = cli("init", *HERE, "--workflow", "gitlab")
    assert (done.code, (tmp_path / ".gitlab-ci.yml").read_text()) == (0, text)
    assert "Kept .gitlab-ci.yml, which exists already\n" in done.err
    said = "  an item of include that it lacks: {local: .gitlab/reconciler.yml}\n"
    assert (said in done.err) is is_lacking
    assert service.requests


def test_git_ignores_what_the_commands_write_and_no_key(
    cli: CommandLine, service: Emulator, tmp_path: Path
) -> None:
    subprocess.run(["/usr/bin/env", "git", "init", "-q"], cwd=tmp_path, check=True)
    cli("init", *HERE)
    cli("plan", "--out", "plan.json")
    cli("drift", "--history", "drift.db")
    (tmp_path / "rescued-secret-web.json").write_text("x")
    shown = subprocess.run(
        ["/usr/bin/env", "git", "status", "--porcelain", "-uall"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert {line[3:] for line in shown.splitlines()} == {
        ".gitignore",
        FILE,
        "keys.schema.json",
        "reconciler.yaml",
    }
    assert service.requests


def test_another_api_gets_a_configuration_and_the_commands_that_draft_its_kinds(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    cli.environment.chdir(tmp_path)
    done = cli("init", "--api", "https://api.git-hub.com")
    assert (done.code, done.err) == (0, "")
    assert "  export RECONCILER_TOKEN_api_git__hub_com=...   #" in done.out
    assert "  reconciler kind init --openapi FILE --collection PATH > kinds/NAME.schema.json\n" in done.out
    assert files(tmp_path) == {"reconciler.yaml", ".gitignore", "keys/.gitkeep", "kinds/.gitkeep"}
    said = from_yaml((tmp_path / "reconciler.yaml").read_text())
    assert said["apis"] == {"git-hub": {"base_url": "https://api.git-hub.com", "kinds": "kinds/"}}
    assert "kinds/: this folder holds no file NAME.schema.json" in cli("kinds").err
    assert emulator.requests == ()


def test_on_a_terminal_it_asks_which_api_where_nothing_says_it(cli: CommandLine, tmp_path: Path) -> None:
    cli.environment.chdir(tmp_path)
    cli.environment.delenv("GCORE_BASE_URL")
    answers = iter([b"http://api.example.com\n", b"https://api.example.com\n"])
    done = cli.on_terminal("init", answer=answers)
    assert done.code == 0, done.out
    assert done.out.index("Which API? gcore (the default)") < done.out.index("encrypt")
    assert files(tmp_path) == {"reconciler.yaml", ".gitignore", "keys/.gitkeep", "kinds/.gitkeep"}


def test_of_the_apis_the_built_in_one_is_the_default(cli: CommandLine, tmp_path: Path) -> None:
    cli.environment.chdir(tmp_path)
    cli.environment.delenv("GCORE_BASE_URL")
    done = cli.on_terminal("init", "--kind", "thing", answer=b"\n")
    assert (done.code, "Which API?" in done.out, "'thing' is not one of caas, faas" in done.out) == (
        64,
        True,
        True,
    )
    (tmp_path / "reconciler.yaml").write_text("paths: [keys/]\n")
    again = cli.on_terminal("init", "--kind", "thing", answer=b"")
    assert (again.code, "Which API?" in again.out) == (64, False)


@pytest.mark.parametrize("api", ["http://api.example.com", "github", "https://a_b.example.com"])
def test_an_address_that_no_token_may_go_to_is_refused(cli: CommandLine, tmp_path: Path, api: str) -> None:
    cli.environment.chdir(tmp_path)
    done = cli("init", "--api", api)
    assert (done.code, "--api" in done.err, files(tmp_path)) == (64, True, set())


def test_a_scope_that_is_declared_already_gets_no_second_file(
    cli: CommandLine, service: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/broken.yml").write_text("keys: [\n")
    text = "project_id: 1\nregion_id: 76\nkeys:\n  - name: billing\n"
    (tmp_path / "keys/shop.yaml").write_text(text)
    done = cli("init", *HERE)
    assert (done.code, (tmp_path / "keys/shop.yaml").read_text()) == (0, text)
    assert "Kept keys/shop.yaml, which exists already\n" in done.err
    assert "--project-id 1 --region-id 76 --into keys/shop.yaml\n" in done.err
    assert not (tmp_path / FILE).exists()
    assert service.requests
