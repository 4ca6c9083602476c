"""The documentation matches the code."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator

import document
import pictures
from gcore_emulator import Emulator
from reconciler.cli.main import cli
from reconciler.errors import ExitCode
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.packaged import schema_texts
from reconciler.model.version import __version__
from tests.labels import label, label_server
from tests.support import TOKEN, from_yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    return [link for link in found if "://" not in link]


def test_every_relative_link_has_a_target() -> None:
    targets = [page.parent / link for page in PAGES for link in links(page)]
    assert [target for target in targets if not target.exists()] == []


def anchor(heading: str) -> str:
    """Return what a link names a heading by."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_linked_heading_exists() -> None:
    missing = []
    for page in PAGES:
        for link, name in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
            target = page.parent / link if link else page
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            if name not in map(anchor, headings):
                missing.append((page.name, link, name))
    assert missing == []


def named_tests(page: Path) -> list[tuple[int, str]]:
    """Return the test files and folders that a page names; one without a folder is in that of the last."""
    found = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        folder = ""
        for name in re.findall(r"`(tests/[^`\s]*|test_[^`\s]*\.py)`", line):
            path = name if name.startswith("tests/") else f"{folder}/{name}"
            folder = path.rpartition("/")[0]
            found.append((number, path))
    return found


def test_every_named_test_exists() -> None:
    named = [(page.name, *place) for page in PAGES for place in named_tests(page)]
    assert [place for place in named if not [*ROOT.glob(place[2].rstrip("/"))]] == []


def promises(page: Path) -> list[tuple[int, str]]:
    """Return the rows of tables whose last column is for tests, with their numbers."""
    found, is_promise = [], False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if line.endswith("| tested in |"):
            is_promise = True
        elif not line.startswith("|"):
            is_promise = False
        elif is_promise and not line.startswith("|---"):
            found.append((number, line))
    return found


@pytest.mark.parametrize(("name", "count"), [("guarantees.md", 40), ("rotation.md", 10)])
def test_every_guarantee_names_its_tests(name: str, count: int) -> None:
    page = ROOT / "docs" / name
    tested = {number for number, _ in named_tests(page)}
    rows = promises(page)
    silent = [row for row in rows if row[0] not in tested and not row[1].endswith("| the same |")]
    assert (len(rows) >= count, silent) == (True, [])


@pytest.mark.parametrize("name", document.PAGES)
def test_a_page_of_the_reference_is_what_is_made_from_the_code(name: str) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert page == document.PAGES[name](), "run: .venv/bin/python tools/document.py"


def test_tables_in_other_pages_are_what_is_made_from_the_code() -> None:
    texts = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
    stale = [name for name, text in texts.items() if text != document.with_tables(text)]
    assert stale == [], "run: .venv/bin/python tools/document.py"
    assert {name for name, text in texts.items() if "<!-- /" in text} == {
        "emulator.md",
        "reference-environment.md",
    }


def test_the_plan_on_the_page_of_plans_matches_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs/plans.md").read_text(encoding="utf-8")
    shown = page.split("$ reconciler plan examples/keys.yaml\n")[1].split("```")[0]
    seed = document.live_example()
    monkeypatch.chdir(ROOT)
    with Emulator(seed=seed) as emulator:
        environment = {"GCORE_BASE_URL": emulator.url, "GCORE_API_KEY": emulator.token}
        result = CliRunner().invoke(cli, ["plan", "examples/keys.yaml"], env=environment)
    assert result.stdout == shown


def test_the_picture_of_the_plan_matches_the_output() -> None:
    picture = (ROOT / "docs/pictures/plan.svg").read_text(encoding="utf-8")
    assert picture == pictures.plan_picture(), "run: make pictures"


def test_every_picture_in_the_readme_exists_and_is_small() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r'<img src="([^"]+)"|!\[[^\]]+\]\(([^)]+)\)', readme)
    files = {ROOT / (html or markdown) for html, markdown in shown}
    assert files == {*ROOT.glob("docs/pictures/*")}
    assert [file for file in files if file.stat().st_size > 200_000] == []


def test_the_first_file_in_the_readme_is_valid(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    file = tmp_path / "keys.yaml"
    file.write_text(
        readme.split("## Your first file")[1].split("```yaml\n")[1].split("```")[0], encoding="utf-8"
    )
    result = CliRunner().invoke(cli, ["validate", str(file)])
    assert result.output == "Success! The configuration is valid: 1 key in 1 scope.\n"


def test_a_page_explains_every_exit_code_and_command() -> None:
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    codes = (ROOT / "docs/reference-errors.md").read_text(encoding="utf-8")
    assert [code for code in ExitCode if f"| {int(code)} | `{code.name}` |" not in codes] == []
    assert [name for name in cli.commands if f"`reconciler {name}" not in page] == []


def test_the_readme_is_short_and_says_first_for_which_apis_it_is() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.split()) <= 900
    sentence = readme.split("\n\n")[1]
    services = [folder.name for folder in (ROOT / "examples/apis").iterdir() if folder.is_dir()]
    assert "cloud of [Gcore]" in sentence
    assert [name for name in services if name not in sentence.lower()] == []


def test_six_commands_lead_from_nothing_to_a_first_plan() -> None:
    install = (ROOT / "README.md").read_text(encoding="utf-8").split("## Install")[1]
    commands = [line.split("#")[0].split() for line in install.split("```")[1].splitlines()[1:]]
    assert len(commands) == 6
    assert [words[-1] for words in commands if words[0] == "reconciler"] == ["init", "plan"]
    (make,) = [words for words in commands if words[0] == "make"]
    dry = ["make", "-n", "-C", str(ROOT), make[-1], "VENV=/nonexistent/venv"]
    done = subprocess.run(dry, capture_output=True, text=True, check=True)
    installs = re.findall(r"pip install (?:--quiet|--disable-pip-version-check| )*(.*)", done.stdout)
    assert installs == [
        "--require-hashes -r requirements/demo.txt",
        "--no-deps --no-build-isolation --editable .",
        "--require-hashes -r requirements/runtime.txt",
    ]


def test_every_page_is_linked_in_the_readme() -> None:
    linked = {(ROOT / link).resolve() for link in links(ROOT / "README.md")}
    assert [page.name for page in ROOT.glob("docs/*.md") if page not in linked] == []


def test_the_pipeline_without_the_action_is_yaml() -> None:
    page = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    section = page.split("## GitHub, without the action")[1]
    recipe = from_yaml(section.split("```yaml\n")[1].split("```")[0])
    plan, apply = recipe["jobs"]["plan"], recipe["jobs"]["apply"]
    assert plan["steps"][-1]["run"].startswith("reconciler plan keys/ --trust base --base ")
    assert apply["steps"][-1]["run"] == "reconciler apply keys/ --auto-approve"
    assert "concurrency" not in recipe  # a plan would cancel an apply that waits
    assert apply["concurrency"]["cancel-in-progress"] is False


def test_the_changelog_names_this_version_or_has_it_unreleased() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog or f"## [{__version__}]" in changelog


@pytest.mark.parametrize("name", sorted(schema_texts()))
def test_every_property_of_a_schema_has_a_title_or_description(name: str) -> None:
    schema = from_yaml(schema_texts()[name])
    Draft7Validator.check_schema(schema)
    silent = [
        field
        for field, keywords in schema["properties"].items()
        if not keywords.get("description") and not keywords.get("title")
    ]
    assert silent == []


def test_the_example_of_kinds_matches_files_and_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs/kinds.md").read_text(encoding="utf-8")
    assert f"```yaml\n{(ROOT / 'examples/labels/labels.yaml').read_text(encoding='utf-8')}```" in page
    block = json.loads("{" + page.split("```json\n")[1].split("```")[0] + "}")[EXTENSION]
    kind = json.loads((ROOT / "examples/kinds/label.schema.json").read_text(encoding="utf-8"))[EXTENSION]
    for part in kind["scope"].values():
        for word in ("description", "patternErrorMessage", "examples"):
            del part[word]
    assert block == kind
    monkeypatch.chdir(ROOT)
    shown = page.split("```console\n")[1].split("```")[0]
    _, *runs = shown.split("$ reconciler ")
    labels = [label("kind/bug"), label("good first issue", color="7057ff", description="Good for newcomers")]
    with label_server(site=[*labels, label("1.0"), label("wontfix")]) as server:
        environment = {"GCORE_BASE_URL": server.url, "GCORE_API_KEY": TOKEN}
        for run in runs:
            command, _, output = run.partition("\n")
            assert CliRunner().invoke(cli, shlex.split(command), env=environment).stdout == output
    assert [path for path, _ in server.writes] == ["/repos/acme/site/labels/kind%2Fbug"]


COINED = re.compile(
    r"\b(told|untold|nobody|somebody|anybody|anew|mends?|mended|births?|insists|moments?)\b", re.IGNORECASE
)
"""Words that CONTRIBUTING.md replaces, without another meaning."""


def test_the_pages_and_schemas_use_the_words_of_the_field() -> None:
    pages = [page for page in PAGES if page.name not in {"CONTRIBUTING.md", "CHANGELOG.md"}]
    found = []
    for file in [*pages, *sorted((ROOT / "schemas").glob("*.json"))]:
        text = re.sub(r"^```.*?^```", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        found += [(file.name, match.group()) for match in COINED.finditer(text)]
    assert found == []
