"""The rules of docs/development.md that no other tool checks."""

from __future__ import annotations

import ast
import configparser
import dataclasses
import functools
import graphlib
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gcore_emulator
import reconciler
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.kinds.packaged import load_kinds
from reconciler.model.expressions import expression

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKAGE = Path(reconciler.__file__).parent
ROOT = PACKAGE.parent
ENGINE = sorted(PACKAGE.rglob("*.py"))
MODULES = [*ENGINE, *sorted(Path(gcore_emulator.__file__).parent.rglob("*.py"))]
NAMES = sorted(
    module.name
    for package in (gcore_emulator, reconciler)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if module.name != "reconciler.__main__"
)


def classes_of(name: str) -> list[type]:
    module = importlib.import_module(name)
    return [kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == name]


@functools.cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Return all parts of a module."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@functools.cache
def functions_of(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in nodes_of(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_module_is_longer_than_300_lines() -> None:
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert [str(path.relative_to(ROOT)) for path, size in sizes.items() if size > 300] == []


def test_no_function_is_longer_than_50_lines() -> None:
    assert [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in MODULES
        for node in functions_of(path)
        if (node.end_lineno or 0) - node.lineno >= 50
    ] == []


UNUSUAL_BEGINNING = re.compile(
    r'^ +"""(?:Begin|Bring|Give|Have|Hear|Hold|Keep|Let|Look|Name|Put|Say|See|Take|Tell) .*', re.MULTILINE
)


def test_a_docstring_begins_with_a_verb_of_the_documentation_of_python() -> None:
    everywhere = [*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
    found = {path: UNUSUAL_BEGINNING.findall(path.read_text(encoding="utf-8")) for path in everywhere}
    assert {str(path.relative_to(ROOT)): texts for path, texts in found.items() if texts} == {}


BOOLEANS = {
    ("cli/progress.py", "progress_bar", "color"): "what click.progressbar takes: None is click's own choice",
    ("cli/variables.py", "_remember", "value"): "click calls the callback of a flag with its value",
    ("load/parser.py", "scan_flow_scalar_non_spaces", "double"): "overrides a method of PyYAML's scanner",
    ("model/frozen.py", "_decorator", "kw_only"): "as dataclasses.dataclass takes it",
    ("model/frozen.py", "_decorator", "eq"): "as dataclasses.dataclass takes it",
    ("model/frozen.py", "_decorator", "order"): "as dataclasses.dataclass takes it",
    ("model/frozen.py", "_decorator", "init"): "as dataclasses.dataclass takes it",
}
"""The only parameters that are true or false, each with its reason: others decide for them what they mean."""


def is_boolean(annotation: ast.expr) -> bool:
    """Return whether an annotation says true or false, and perhaps None."""
    text = ast.unparse(annotation).strip("'\"")
    return re.fullmatch(r"(None \| )?bool( \| None)?", text) is not None


def test_a_mode_is_a_function_an_enum_or_a_value_and_no_boolean_parameter() -> None:
    found = {
        (str(path.relative_to(PACKAGE)), function.name, parameter.arg)
        for path in ENGINE
        for function in functions_of(path)
        for parameter in (
            *function.args.posonlyargs,
            *function.args.args,
            *function.args.kwonlyargs,
        )
        if parameter.annotation is not None and is_boolean(parameter.annotation)
    }
    assert found == BOOLEANS.keys()


FACTS = {
    ("adopt/edit/replace.py", "Place", "in_flow"): "how the text is written",
    ("adopt/rotate.py", "Step", "is_edit"): "a result",
    ("adopt/rotate.py", "Step", "revokes"): "a result",
    ("api/mail.py", "MailServer", "is_tls"): "whether the address is smtps:",
    ("apply/observer.py", "StoredSecret", "is_lost"): "a result",
    ("apply/sinks/sink.py", "Place", "is_replaced"): "what the plan does with the key",
    ("apply/sinks/sink.py", "Place", "is_alias"): "whether the name is an alias in the files",
    ("load/documents.py", "Document", "has_whole_floats"): "how the text is written",
    ("load/files.py", "Input", "is_named"): "whether it was named or found in a folder",
    ("observe/base.py", "Base", "is_whole"): "a result: whether all files could be read at the base",
    ("observe/paging.py", "Collection", "creates"): "whether its kind can be created",
    ("plan/correction.py", "Permissions", "may_destroy"): "an answer of a person",
    ("plan/correction.py", "Permissions", "may_store"): "whether there is a place for secrets",
    ("plan/limits.py", "Limits", "may_destroy"): "an answer of a person",
    ("plan/needs.py", "Need", "is_limit"): "whether the option is a limit",
    ("plan/origins.py", "BaseKey", "is_complete"): "a result",
    ("plan/portions.py", "Proposed", "revokes"): "what the edits do",
    ("plan/portions.py", "Proposed", "changes"): "what the edits do",
    ("plan/portions.py", "Proposed", "creates"): "what the edits do",
    ("plan/renewal.py", "Renewal", "is_for_rotation"): "whether the policy says rotate",
    ("render/calendar.py", "Day", "is_near"): "whether it is soon",
    ("render/drift.py", "DriftView", "is_complete"): "whether everything could be compared",
    ("render/markdown.py", "_Block", "is_bounded"): "whether the text was shortened",
    ("render/page.py", "Values", "is_list"): "whether the values are items of lists",
    ("render/plan_page.py", "FieldCell", "is_long"): "the size of the text",
    ("render/plan_page.py", "ChangeView", "is_open"): "whether the change must not be overlooked",
    ("render/text_changes.py", "KeyView", "is_alarming"): "whether access changes",
    ("service/history/compared.py", "Compared", "is_whole"): "whether the plan has all keys of its scopes",
    ("validate/parts.py", "ScopePart", "has_rotations"): "what the file declares",
}
"""The fields that are true or false, each with the fact that it states.

Not listed are those of cli, where a flag of a command is one, and those of kinds and model, which state
what a file, a response or a plan says.
"""


def boolean_fields(tree: Iterable[ast.AST]) -> set[tuple[str, str]]:
    """Return the classes and names of all fields that are true or false."""
    return {
        (kind.name, part.target.id)
        for kind in tree
        if isinstance(kind, ast.ClassDef)
        for part in kind.body
        if isinstance(part, ast.AnnAssign)
        and isinstance(part.target, ast.Name)
        and is_boolean(part.annotation)
    }


def test_a_field_that_is_true_or_false_states_a_fact_and_selects_no_mode() -> None:
    found = {
        (place, *one)
        for path in ENGINE
        if (place := path.relative_to(PACKAGE).as_posix()).split("/")[0] not in {"cli", "kinds", "model"}
        for one in boolean_fields(nodes_of(path))
    }
    assert found == FACTS.keys()


@pytest.mark.parametrize(
    "field", ["is_asked: bool", "is_asked: bool = False", "is_asked: bool | None = None", "is_asked: 'bool'"]
)
def test_a_field_is_seen_however_it_is_written(field: str) -> None:
    assert boolean_fields(ast.walk(ast.parse(f"class Sink:\n    {field}"))) == {("Sink", "is_asked")}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOLE = re.compile(r"\bonly (module|package) that imports (\w+)")
"""What the documentation of a module claims of its place."""


def run_imports(tree: ast.AST) -> set[str]:
    """Return the libraries that a module imports when it runs, not those for types alone."""
    found = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            found |= run_imports(node)
    return found


def test_what_says_that_it_alone_imports_a_library_does() -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in ENGINE}
    imports = {path: run_imports(tree) for path, tree in trees.items()}
    claims = {
        (path.parent if unit == "package" else path, library)
        for path, tree in trees.items()
        for unit, library in SOLE.findall((ast.get_docstring(tree) or "").replace("\n", " "))
    }
    assert {library for _, library in claims} >= {"httpx", "jsonschema", "sqlite3"}
    assert [
        f"{path.relative_to(ROOT)} imports {library} too"
        for place, library in sorted(claims)
        for path, found in imports.items()
        if library in found and path != place and not path.is_relative_to(place)
    ] == []


BY_NAME = {module_name(path): path for path in MODULES}
CONTRACTS = configparser.ConfigParser()
CONTRACTS.read(ROOT / ".importlinter", encoding="utf-8")


def imported_by(name: str) -> set[str]:
    """Return the modules of this project that a module imports, also those for types alone."""
    found = set()
    for node in nodes_of(BY_NAME[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {each if each in BY_NAME else str(node.module) for each in names}
    return found & BY_NAME.keys() - {name}


@functools.cache
def imported() -> dict[str, set[str]]:
    """Return what each module imports."""
    return {name: imported_by(name) for name in BY_NAME}


def room(name: str) -> str:
    return ".".join(name.split(".")[:2]) if name.startswith("reconciler.") else name.split(".", maxsplit=1)[0]


def pairs() -> set[tuple[str, str]]:
    """Return each room with each other room of which it imports a module; the library's own file is none."""
    return {
        (room(name), room(other))
        for name, others in imported().items()
        for other in others
        if name != "reconciler" and room(name) != room(other)
    }


def test_the_number_of_packages_and_package_dependencies_is_limited() -> None:
    top = {path.name for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert len(top - {"__init__.py", "__main__.py"}) <= 15
    assert len({room(name) for name in BY_NAME}) <= 20
    assert len(pairs()) <= 90


def test_no_package_imports_from_a_higher_layer() -> None:
    rows = CONTRACTS["importlinter:contract:layers"]["layers"].split()
    floors: dict[str, int] = {"reconciler": 1}
    for row in " ".join(rows).replace(" | ", "|").split():
        floors |= {f"reconciler.{each}": -len(floors) for each in row.split("|")}
    upward = {(low, high) for low, high in pairs() if high in floors and floors.get(low, 1) <= floors[high]}
    assert upward == set()


def test_there_are_no_import_cycles() -> None:
    graphlib.TopologicalSorter(imported()).prepare()


def test_every_library_has_a_contract() -> None:
    names = {
        alias.partition(".")[0]
        for path in MODULES
        for node in nodes_of(path)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in (
            [str(node.module)] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
        )
    }
    ours = {"reconciler", "gcore_emulator"}
    kept = {name for part in CONTRACTS.values() for name in part.get("protected_modules", "").split()}
    assert names - sys.stdlib_module_names - ours - kept == set()


def test_imports_inside_functions_are_limited() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in ENGINE
        for function in functions_of(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert len(set(found)) <= 10, found


def test_every_regular_expression_of_the_engine_compiles() -> None:
    modules = [vars(importlib.import_module(name)) for name in NAMES]
    found = [one for module in modules for one in module.values() if type(one) is type(expression(""))]
    assert len(found) > 100
    assert all(isinstance(one.pattern, str | bytes) for one in found)


KIND_NAME = re.compile(rf"\b({'|'.join(load_kinds())})\b", re.IGNORECASE)
EXAMPLE_ADDRESS = "caas/1/76"
NAMING = {
    ("validate/validator.py", 'DEFAULT_KIND: Final = "caas"'),
    ("cli/schema.py", '"reconciler schema caas"'),
    ("cli/schema.py", "NAME is keys (a desired-state document, the default), a kind such as"),
    ("apply/sinks/sink.py", '"""Return the name of a Kubernetes object: ``caas/1/76/web`` becomes'),
}
"""How the only lines begin that name a kind in the engine and its commands, but for example addresses."""


def test_only_the_default_names_a_kind_in_code() -> None:
    found = [
        (str(path.relative_to(PACKAGE)), line.strip())
        for path in ENGINE
        for line in path.read_text(encoding="utf-8").splitlines()
        if KIND_NAME.search(line.replace(EXAMPLE_ADDRESS, ""))
    ]
    assert [
        line
        for line in found
        if not any(line[0] == path and line[1].startswith(text) for path, text in NAMING)
    ] == []
    assert len(found) == len(NAMING)


def test_values_are_frozen_and_slotted() -> None:
    assert [
        f"{name}: {kind.__name__}"
        for name in NAMES
        for kind in classes_of(name)
        if dataclasses.is_dataclass(kind)
        and (kind.__setattr__ is object.__setattr__ or "__slots__" not in vars(kind))
    ] == []


def test_values_of_the_engine_are_made_by_the_decorator_that_starts_quickly() -> None:
    assert [
        str(path.relative_to(PACKAGE))
        for path in ENGINE
        if re.search(
            r"^from dataclasses import .*\bdataclass\b", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    ] == []


def test_no_type_is_forced_without_a_reason() -> None:
    lines = [
        (str(path.relative_to(ROOT)), line.strip())
        for path in MODULES
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert [line for line in lines if re.search(r"\bcast\(", line[1]) and "def " not in line[1]] == []
    ignored = [line for line in lines if "type: ignore" in line[1]]
    assert [line for line in ignored if not re.search(r"# type: ignore\[[a-z-]+\] +# \w", line[1])] == []


MUTABLE = re.compile(r"(list|dict|set|defaultdict|deque|bytearray)\b")


def test_values_of_the_engine_hold_tuples_and_mappings_that_nothing_changes() -> None:
    assert [
        f"{name}: {kind.__name__}.{field.name}"
        for name in NAMES
        for kind in classes_of(name)
        if name.startswith("reconciler.") and dataclasses.is_dataclass(kind)
        for field in dataclasses.fields(kind)
        if MUTABLE.match(str(field.type))
    ] == []


INTERNAL = {
    "CharacterError",
    "DoubledMemberError",
    "ListingChangedError",
    "NotNormalError",
    "PatternError",
    "PatternLimitError",
}
"""Caught by the plan, which knows the key, and by those who know the schema."""


def test_every_error_of_the_engine_has_one_base_class() -> None:
    errors = [
        kind
        for name in NAMES
        if name.startswith("reconciler.")
        for kind in classes_of(name)
        if issubclass(kind, Exception) and not kind.__name__.startswith("_")
    ]
    assert {kind.__name__ for kind in errors if not issubclass(kind, ReconcilerError)} == INTERNAL


def test_subprocesses_are_started_in_two_places_with_an_explicit_environment() -> None:
    running = {"cli/demo.py", "load/program.py"}
    found = {}
    for path in ENGINE:
        calls = [ast.unparse(node) for node in nodes_of(path) if isinstance(node, ast.Call)]
        starts = [
            call
            for call in calls
            if re.match(r"subprocess\.|os\.(system|popen|exec|spawn|posix_spawn)", call)
        ]
        if starts:
            found[str(path.relative_to(PACKAGE))] = [("env=" in call) for call in starts]
    assert found.keys() == running
    assert all(all(has_environment) for has_environment in found.values())


REAL = {
    "reconciler/cli/system.py": "the composition root reads the environment",
    "reconciler/model/system.py": "the clock and the random numbers of the machine",
}
"""The only modules of the engine that reach what others are passed, each with its reason."""


def test_clock_environment_and_randomness_are_reached_in_named_modules_alone() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    exempt = settings["tool"]["ruff"]["lint"]["per-file-ignores"]
    outside = ("tests/", "tools/")
    assert {path for path, rules in exempt.items() if "TID251" in rules and not path.startswith(outside)} == {
        *REAL
    }
    assert [str(path) for path in ENGINE if "noqa: TID251" in path.read_text(encoding="utf-8")] == []


def test_every_exit_code_has_its_own_number() -> None:
    assert sorted(ExitCode) == [0, 1, 2, 3, 4, 64, 130]


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (
            ["--help"],
            {"httpx", "deepdiff", "jsonschema", "yaml", "starlette", "uvicorn"},
        ),
        (
            ["plan", "--help"],
            {
                "httpx",
                "deepdiff",
                "jsonschema",
                "starlette",
                "jinja2",
                "rich",
                "subprocess",
                "reconciler.load.git",
            },
        ),
        (["show", "--help"], {"httpx", "deepdiff", "jsonschema", "jinja2"}),
        (["validate", "examples/keys.yaml"], {"httpx", "deepdiff", "jsonschema", "yaml"}),
    ],
)
def test_a_command_loads_only_what_it_needs(arguments: list[str], unwanted: set[str]) -> None:
    script = (
        "import sys\nimport reconciler.__main__\nfrom reconciler.cli.main import run\n"
        f"code = run({arguments!r})\nprint(code, *sorted(sys.modules), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    code, *loaded = ended.stderr.split()
    assert code == "0"
    assert unwanted.isdisjoint(loaded)
