"""The rules of docs/development.md that no other tool checks."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.resources import load_kinds

PACKAGE = Path(reconciler.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = sorted(
    module.name
    for module in pkgutil.walk_packages([str(PACKAGE)], "reconciler.")
    if module.name != "reconciler.__main__"
)


def classes_of(name: str) -> list[type]:
    module = importlib.import_module(name)
    return [kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == name]


def functions_of(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_is_longer_than_300_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_function_is_longer_than_50_lines(path: Path) -> None:
    long = [node.name for node in functions_of(path) if (node.end_lineno or 0) - node.lineno >= 50]
    assert long == []


KIND_NAME = re.compile(rf"\b({'|'.join(load_kinds())})\b", re.IGNORECASE)
EXAMPLE_ADDRESS = "caas/1/76"
NAMING = {
    ("desired.py", '_DEFAULT_KIND: Final = "caas"'),
    ("cli/schema.py", "reconciler schema caas"),
    ("cli/schema.py", "NAME is keys (a desired-state document, the default), a kind such as"),
    ("sinks/names.py", '"""Give the name of a Kubernetes object: ``caas/1/76/web`` becomes'),
    ("cli/export.py", '@click.option("--kind", default='),
    ("cli/emulator.py", """help='JSON: {"caas": {"1/76": [KEY, ...]}"""),
}
"""How the only lines begin that name a kind in the engine and its commands, but for example addresses."""


def test_no_code_but_the_default_names_a_kind() -> None:
    modules = [path for path in MODULES if not path.is_relative_to(PACKAGE / "emulator")]
    found = [
        (str(path.relative_to(PACKAGE)), line.strip())
        for path in modules
        for line in path.read_text(encoding="utf-8").splitlines()
        if KIND_NAME.search(line.replace(EXAMPLE_ADDRESS, ""))
    ]
    assert [
        line
        for line in found
        if not any(line[0] == path and line[1].startswith(text) for path, text in NAMING)
    ] == []
    assert len(found) == len(NAMING)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_frozen_and_slotted(name: str) -> None:
    loose = [
        kind.__name__
        for kind in classes_of(name)
        if dataclasses.is_dataclass(kind)
        and not (kind.__dataclass_params__.frozen and "__slots__" in vars(kind))  # type: ignore[attr-defined]  # typeshed leaves it out
    ]
    assert loose == []


@pytest.mark.parametrize("name", NAMES)
def test_every_error_of_the_engine_has_the_one_root(name: str) -> None:
    if name.startswith("reconciler.emulator"):
        pytest.skip("the emulator shares nothing with the engine")
    raised = [
        kind for kind in classes_of(name) if issubclass(kind, Exception) and not kind.__name__.startswith("_")
    ]
    # Caught by the plan, which knows the key, and by those who know the schema.
    internal = {
        "CharacterError",
        "DoubledMemberError",
        "NotNormalError",
        "NotPlainError",
        "PatternError",
        "PatternLimitError",
    }
    strays = [kind.__name__ for kind in raised if not issubclass(kind, ReconcilerError)]
    assert set(strays) <= internal


def test_programs_are_run_in_three_places_each_with_an_environment_made_for_it() -> None:
    running = {"cli/demo.py", "cli/repository.py", "sinks/program.py"}
    found = {}
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        starts = [
            call
            for call in calls
            if re.match(r"subprocess\.|os\.(system|popen|exec|spawn|posix_spawn)", call)
        ]
        if starts:
            found[str(path.relative_to(PACKAGE))] = [("env=" in call) for call in starts]
    assert found.keys() == running
    assert all(all(has_environment) for has_environment in found.values())


def test_every_exit_code_has_its_own_number() -> None:
    assert sorted(ExitCode) == [0, 1, 2, 3, 4, 64, 130]


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (
            ["--help"],
            {"httpx", "deepdiff", "jsonschema", "fastjsonschema", "yaml", "rich", "starlette", "uvicorn"},
        ),
        (["plan", "--help"], {"httpx", "deepdiff", "jsonschema", "yaml", "rich"}),
        (["validate", "examples/keys.yaml"], {"httpx", "deepdiff", "jsonschema", "rich", "tenacity"}),
    ],
)
def test_a_command_loads_only_what_it_needs(arguments: list[str], unwanted: set[str]) -> None:
    script = (
        "import sys\nfrom reconciler.cli.main import run\n"
        f"code = run({arguments!r})\nprint(code, *sorted(sys.modules), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    code, *loaded = ended.stderr.split()
    assert code == "0"
    assert unwanted.isdisjoint(loaded)
