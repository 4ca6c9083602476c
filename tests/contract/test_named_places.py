"""The documentation for contributors names packages, files and functions that exist."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("CONTRIBUTING.md", "docs/development.md", "docs/lifecycle.md", "docs/testing.md", "docs/library.md")
TOP = (
    "reconciler",
    "gcore_emulator",
    "tests",
    "docs",
    "schemas",
    "examples",
    "tools",
    "requirements",
    "deploy",
)
PACKAGES = sorted(path.parent for path in (ROOT / "reconciler").glob("*/__init__.py"))


def quoted(page: str) -> list[str]:
    """Return what a page quotes, and each path of its pictures."""
    text = (ROOT / page).read_text(encoding="utf-8")
    pictures = re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    drawn = [word for picture in pictures for word in re.findall(r"^ (\w\S*)", picture, re.MULTILINE)]
    return [
        *re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)),
        *drawn,
    ]


def quotes(text: str) -> list[str]:
    """Return what a line quotes."""
    return re.findall(r"`([^`]+)`", text)


def resolve(name: str) -> object:
    """Return the module or the attribute that a dotted name means."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


def is_resolved(name: str) -> bool:
    try:
        resolve(name)
    except (AttributeError, ModuleNotFoundError):
        return False
    return True


@pytest.mark.parametrize("page", PAGES)
def test_every_name_on_a_page_resolves(page: str) -> None:
    names = [name for name in quoted(page) if re.fullmatch(r"(reconciler|gcore_emulator)(\.\w+)+", name)]
    assert [name for name in names if not (ROOT / name).exists() and not is_resolved(name)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_path_on_a_page_exists(page: str) -> None:
    paths = [name for name in quoted(page) if re.match(rf"({'|'.join(TOP)})/\S*$", name)]
    assert [path for path in paths if not [*ROOT.glob(path.rstrip("/"))]] == []


def test_the_development_page_names_every_package() -> None:
    named = set(quoted("docs/development.md"))
    assert [f"reconciler/{path.name}/" for path in PACKAGES if f"reconciler/{path.name}/" not in named] == []


def homes() -> dict[str, set[str]]:
    """Return each library that a contract protects, with the packages and modules that may import it."""
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter", encoding="utf-8")
    protected = (config[name] for name in config.sections() if config[name].get("protected_modules"))
    return {
        library: set(contract["allowed_importers"].split())
        for contract in protected
        for library in contract["protected_modules"].split()
        if library.split(".")[0] not in {"reconciler", "gcore_emulator"}
    }


def test_the_table_of_libraries_is_what_the_contracts_allow() -> None:
    page = (ROOT / "docs/development.md").read_text(encoding="utf-8")
    table = page.split("\n| library | imported by |\n")[1].split("\n\n")[0]
    named = {
        library: {name.removesuffix(".py").rstrip("/").replace("/", ".") for name in quotes(places)}
        for libraries, places in (row.strip("| ").split(" | ") for row in table.splitlines()[1:])
        for library in quotes(libraries)
    }
    assert named == homes()


def test_a_contract_protects_every_library_of_others() -> None:
    imported = {
        name.split(".")[0]
        for folder in ("reconciler", "gcore_emulator")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    ours = {"reconciler", "gcore_emulator"}
    assert sorted(imported - sys.stdlib_module_names - homes().keys() - ours) == []


def test_mutation_testing_covers_every_module_that_decides_what_is_sent() -> None:
    settings = tomllib.loads((ROOT / "tools/mutation.toml").read_text(encoding="utf-8"))["cosmic-ray"]
    code = {
        str(path.relative_to(ROOT))
        for room in ("diff", "plan")
        for path in (ROOT / "reconciler" / room).glob("*.py")
    }
    covered = {
        str(path.relative_to(ROOT))
        for each in settings["module-path"]
        for path in ([ROOT / each] if each.endswith(".py") else (ROOT / each).glob("*.py"))
    }
    assert covered == code
    named = [word for word in settings["test-command"].split() if word.startswith("tests/")]
    assert [word for word in named if not (ROOT / word).exists()] == []
